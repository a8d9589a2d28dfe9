"""The framework's own dialect: Swedish IdPs, strangers, and the eIDAS connector."""

import pytest
from support.policy_builders import UPSTREAM, friendly, make_assertion, make_request, make_upstream

from broker.core.errors import AssertionUnacceptable, UpstreamAnswerIncomplete
from broker.core.login import ContextUri
from broker.core.person import AuthenticatedPerson
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.dialects.sweden_connect import SwedenConnect
from broker.vocabulary.attribute_sets import EIDAS_NATURAL_PERSON
from broker.vocabulary.attributes import BIRTH_NAME, CATALOGUE, DISPLAY_NAME, PNR_BINDING, LocalAttribute
from broker.vocabulary.contexts import (
    EIDAS_NF_SUB,
    FOREIGN,
    LOA3,
    LOA3_NONRESIDENT,
    UNCERTIFIED_EIDAS_SUB,
)
from broker.vocabulary.identifiers import country_alias

DIALECT = SwedenConnect(CATALOGUE)
CONNECTOR = make_upstream(EIDAS_NF_SUB, eidas_connector=True)
NORDMANN: dict[str, str | tuple[str, ...]] = {
    "prid": "NO:05068907693",
    "pridPersistence": "A",
    "eidasPersonIdentifier": "NO/SE/05068907693",
    "c": "NO",
    "sn": "Nordmann",
    "givenName": "Kari",
    "dateOfBirth": "1989-06-05",
    "transactionIdentifier": "_foreign-assertion-id",
}
BINDING = "http://id.swedenconnect.se/id-binding/process/populationregister"


def foreigner(context: ContextUri = EIDAS_NF_SUB, /, **changes: str | tuple[str, ...]) -> AuthenticatedPerson:
    """Kari Nordmann as the connector presents her; an empty value means that it is not delivered."""
    return DIALECT.understand(make_assertion(friendly(**{**NORDMANN, **changes}), context=context), CONNECTOR)


# --- Swedish eIDs ------------------------------------------------------------------------------------------------


def test_a_stranger_may_deliver_the_number_alone() -> None:
    person = DIALECT.understand(make_assertion(friendly(personalIdentityNumber="198611239883")), make_upstream())
    assert person.attributes == {PNR: ("198611239883",)}


def test_an_answer_without_attributes_is_an_answer() -> None:
    assert DIALECT.understand(make_assertion(), make_upstream()).attributes == {}


def test_an_empty_value_is_no_value() -> None:
    person = DIALECT.understand(make_assertion(friendly(displayName=("", "  "))), make_upstream())
    assert person.attributes == {}
    assert person.unknown_attributes == ()


def test_an_employee_within_the_scopes_is_understood() -> None:
    upstream = make_upstream(scopes=frozenset({"2120001231"}))
    assertion = make_assertion(friendly(orgAffiliation="v@home@2120001231", displayName="V"))
    assert DIALECT.understand(assertion, upstream).first(ORG_AFFILIATION) == "v@home@2120001231"


@pytest.mark.parametrize("scopes", [(), ("5562265719",), ("212000",)])
def test_an_employee_of_somebody_elses_organisation_is_nobody(scopes: tuple[str, ...]) -> None:
    assertion = make_assertion(friendly(orgAffiliation="vlindman@2120001231", displayName="V"))
    with pytest.raises(UpstreamAnswerIncomplete):
        DIALECT.understand(assertion, make_upstream(scopes=frozenset(scopes)))


def test_one_affiliation_out_of_scope_does_not_take_the_other_with_it() -> None:
    upstream = make_upstream(scopes=frozenset({"2120001231"}))
    assertion = make_assertion(friendly(orgAffiliation=("v@5562265719", "v@2120001231")))
    person = DIALECT.understand(assertion, upstream)
    assert person.attributes[ORG_AFFILIATION] == ("v@2120001231",)
    assert person.unknown_attributes == ("orgAffiliation (outside the scopes of the upstream)",)


def test_a_person_with_a_number_is_somebody_without_the_affiliation_too() -> None:
    assertion = make_assertion(friendly(orgAffiliation="v@5562265719", personalIdentityNumber="198611239883"))
    person = DIALECT.understand(assertion, make_upstream())
    assert ORG_AFFILIATION not in person.attributes


def test_a_nonresident_needs_no_number() -> None:
    assertion = make_assertion(friendly(displayName="Ingrid Sørbakken"), context=LOA3_NONRESIDENT)
    assert DIALECT.understand(assertion, make_upstream()).first(DISPLAY_NAME) == "Ingrid Sørbakken"


def test_even_a_malformed_number_must_not_stand_beside_a_nonresident_level() -> None:
    assertion = make_assertion(friendly(personalIdentityNumber="x"), context=LOA3_NONRESIDENT)
    with pytest.raises(AssertionUnacceptable):
        DIALECT.understand(assertion, make_upstream())


def test_a_country_with_a_swedish_eid_is_an_attribute_like_others() -> None:
    person = DIALECT.understand(make_assertion(friendly(c="SE")), make_upstream())
    assert person.first(COUNTRY) == "SE"
    assert person.country is None


def test_a_birth_date_may_be_today_in_a_time_zone_ahead_but_not_later() -> None:
    for written, kept in (("2026-11-24", True), ("2026-11-25", False)):
        person = DIALECT.understand(make_assertion(friendly(dateOfBirth=written)), make_upstream())
        assert bool(person.attributes) is kept


def test_an_organisations_own_attribute_is_read_by_its_rule() -> None:
    local = LocalAttribute(key="class_group", name="urn:example:class", friendly="classGroup", pattern="[0-9][A-F]")
    dialect = SwedenConnect(CATALOGUE.extended([local]))
    person = dialect.understand(make_assertion({"urn:example:class": ("7B",)}), make_upstream())
    assert list(person.attributes.values()) == [("7B",)]
    bad = dialect.understand(make_assertion({"urn:example:class": ("7G",)}), make_upstream())
    assert bad.unknown_attributes == ("classGroup (malformed)",)


# --- foreign eIDs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("context", sorted(FOREIGN))
def test_a_foreigner_is_understood_at_every_foreign_level(context: ContextUri) -> None:
    person = foreigner(context)
    assert person.country == "NO"
    assert person.first(PRID) == "NO:05068907693"
    assert set(EIDAS_NATURAL_PERSON.required) <= set(person.attributes)
    assert person.unknown_attributes == ()


def test_the_display_name_is_made_of_the_names() -> None:
    assert foreigner().first(DISPLAY_NAME) == "Kari Nordmann"


def test_a_display_name_that_came_is_kept() -> None:
    assert foreigner(displayName="K. Nordmann").first(DISPLAY_NAME) == "K. Nordmann"


@pytest.mark.parametrize("missing", [CATALOGUE.get(key).friendly for key in EIDAS_NATURAL_PERSON.required])
@pytest.mark.parametrize("value", ["", "\x00"], ids=["missing", "malformed"])
def test_the_eidas_set_must_be_whole(missing: str, value: str) -> None:
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        foreigner(**{missing: value})
    assert missing in refused.value.detail


@pytest.mark.parametrize("number", ["198611239883", "x"])
def test_a_foreigner_has_no_swedish_number_of_their_own(number: str) -> None:
    with pytest.raises(AssertionUnacceptable):
        foreigner(personalIdentityNumber=number)


def test_a_mapped_number_stays_mapped_with_its_binding() -> None:
    person = foreigner(mappedPersonalIdentityNumber="198611239883", personalIdentityNumberBinding=BINDING)
    assert person.first(MAPPED_PNR) == "198611239883"
    assert person.first(PNR_BINDING) == BINDING
    assert PNR not in person.attributes


def test_a_mapped_number_without_its_binding_is_dropped() -> None:
    person = foreigner(mappedPersonalIdentityNumber="198611239883")
    assert MAPPED_PNR not in person.attributes
    assert person.unknown_attributes == ("mappedPersonalIdentityNumber (without its binding)",)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"c": "DK"}, id="c is another country"),
        pytest.param({"prid": "DK:05068907693"}, id="prid is of another country"),
        pytest.param({"eidasPersonIdentifier": "DK/SE/05068907693"}, id="the identifier is of another country"),
        pytest.param({"eidasPersonIdentifier": "NO/DK/05068907693"}, id="the identifier was made for another country"),
    ],
)
def test_the_countries_must_agree(changes: dict[str, str]) -> None:
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        foreigner(**changes)
    assert "05068907693" not in refused.value.detail


@pytest.mark.parametrize(
    ("c", "identifier"), [("GR", "EL/SE/0427718093"), ("EL", "GR/SE/0427718093"), ("gr", "el/se/0427718093")]
)
def test_greece_has_two_codes(c: str, identifier: str) -> None:
    person = foreigner(c=c, eidasPersonIdentifier=identifier, prid="GR:0427718093")
    assert person.country == "GR"
    assert person.first(COUNTRY) == c.upper()


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Παπαδοπούλου", False),
        ("Иванов", False),
        ("Kari Нordmann", False),  # the first letter of the surname is Cyrillic
        ("Οʼbrien", False),  # a Greek capital omicron
        ("Łukasiewicz-Ñandú", True),
        ("O'Connor", True),
        ("D’Angelo Jr.", True),
        ("Oʻzbek", True),  # a modifier letter
        ("Ng\u0303 Ba\u030c", True),  # combining marks
        ("Mª José", True),
        ("3rd", True),
    ],
)
@pytest.mark.parametrize("attribute", ["sn", "givenName"])
def test_names_of_foreigners_are_in_latin_script(attribute: str, name: str, latin: bool) -> None:
    if latin:
        assert foreigner(**{attribute: name}).first(DISPLAY_NAME)
    else:
        with pytest.raises(UpstreamAnswerIncomplete) as refused:
            foreigner(**{attribute: name})
        assert f"{attribute} (not in Latin script)" in refused.value.detail


def test_a_birth_name_in_another_script_is_dropped() -> None:
    person = foreigner(birthName="Παπαδοπούλου")
    assert BIRTH_NAME not in person.attributes
    assert person.unknown_attributes == ("birthName (not in Latin script)",)


def test_a_swedish_eid_may_have_a_name_in_any_script() -> None:
    person = DIALECT.understand(make_assertion(friendly(sn="Παπαδοπούλου"), context=LOA3), make_upstream())
    assert person.unknown_attributes == ()


def test_another_proxy_may_present_a_foreigner() -> None:
    assertion = make_assertion(friendly(**NORDMANN), context=UNCERTIFIED_EIDAS_SUB)
    assert DIALECT.understand(assertion, make_upstream(UNCERTIFIED_EIDAS_SUB)).country == "NO"


# --- asking the connector ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("idp_list", "sent"),
    [
        pytest.param((), (), id="none: the connector shows all"),
        pytest.param((country_alias("NO"),), (country_alias("NO"),), id="one"),
        pytest.param(
            (country_alias("NO").upper(), "https://bankid.example.se", country_alias("EL")),
            (country_alias("NO"), country_alias("GR")),
            id="several, as the connector writes them",
        ),
        pytest.param((country_alias("NO"), UPSTREAM), (), id="the connector itself: all"),
    ],
)
def test_the_countries_that_the_e_service_named_reach_the_connector(
    idp_list: tuple[str, ...], sent: tuple[str, ...]
) -> None:
    plan = DIALECT.ask(request=make_request(idp_list=idp_list), contexts=(EIDAS_NF_SUB,), upstream=CONNECTOR)
    assert plan.idp_list == sent
