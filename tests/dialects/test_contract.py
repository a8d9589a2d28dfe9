"""What every dialect promises. A new one joins by its line in DIALECTS."""

import pytest
from support.policy_builders import E_SERVICE, NOW, UPSTREAM, friendly, make_assertion, make_request, make_upstream

from broker.core.errors import AssertionUnacceptable, NoUpstreamForAssurance, UpstreamAnswerIncomplete
from broker.core.login import PrincipalHint
from broker.core.subject import PNR, PRID
from broker.dialects import DEFAULT_DIALECT, DIALECTS
from broker.dialects.base import UpstreamDialect
from broker.vocabulary.attributes import CATALOGUE, DISPLAY_NAME, MAIL, PREVIOUS_PNR, TRANSACTION
from broker.vocabulary.contexts import LOA3, LOA3_NONRESIDENT
from broker.vocabulary.identifiers import NAME_ID_PERSISTENT, NAME_ID_TRANSIENT, country_alias

RESIDENT = friendly(
    transactionIdentifier="131daac9",
    sn="Björkängen",
    givenName="Åsa Maria",
    displayName="Åsa Björkängen",
    personalIdentityNumber="198611239883",
)


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> UpstreamDialect:
    return DIALECTS[request.param](CATALOGUE)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_has_the_name_it_is_listed_by(name: str) -> None:
    assert DIALECTS[name](CATALOGUE).name == name


def test_the_default_is_a_dialect() -> None:
    assert DEFAULT_DIALECT in DIALECTS


@pytest.mark.parametrize("force", [True, False])
def test_force_authn_is_passed_on(dialect: UpstreamDialect, force: bool) -> None:
    plan = dialect.ask(request=make_request(force_authn=force), contexts=(LOA3,), upstream=make_upstream())
    assert plan.force_authn is force


def test_the_levels_are_those_that_policy_chose(dialect: UpstreamDialect) -> None:
    plan = dialect.ask(request=make_request(), contexts=(LOA3,), upstream=make_upstream())
    assert plan.contexts == (LOA3,)
    assert plan.name_id_format == NAME_ID_PERSISTENT


def test_the_e_service_is_the_last_requester(dialect: UpstreamDialect) -> None:
    request = make_request(requester_ids=("https://behind.example.se",))
    plan = dialect.ask(request=request, contexts=(LOA3,), upstream=make_upstream())
    assert plan.requester_ids == ("https://behind.example.se", E_SERVICE)


def test_nothing_to_ask_for_is_a_refusal(dialect: UpstreamDialect) -> None:
    with pytest.raises(NoUpstreamForAssurance):
        dialect.ask(request=make_request(), contexts=(), upstream=make_upstream())


def test_a_principal_is_named_only_to_whom_wants_it_and_by_what_it_lists(dialect: UpstreamDialect) -> None:
    number, prid = PrincipalHint(key=PNR, value="198611239883"), PrincipalHint(key=PRID, value="NO:05068907693")
    request = make_request(principal=(number, prid))
    told = make_upstream(principal_selection=frozenset({PNR}))
    assert dialect.ask(request=request, contexts=(LOA3,), upstream=told).principal == (number,)
    assert dialect.ask(request=request, contexts=(LOA3,), upstream=make_upstream()).principal == ()


def test_countries_are_named_to_nobody_but_the_connector(dialect: UpstreamDialect) -> None:
    request = make_request(idp_list=(country_alias("NO"), UPSTREAM))
    assert dialect.ask(request=request, contexts=(LOA3,), upstream=make_upstream()).idp_list == ()


def test_a_resident_is_understood(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion(RESIDENT, authorities=("https://eid.example.se",)), make_upstream())
    assert person.upstream == UPSTREAM
    assert person.context == LOA3
    assert person.authenticated_at == NOW
    assert person.authorities == ("https://eid.example.se",)
    assert person.assertion_id == "_a1"
    assert person.country is None
    assert person.unknown_attributes == ()
    assert person.first(PNR) == "198611239883"
    assert person.first(DISPLAY_NAME) == "Åsa Björkängen"


def test_attributes_come_in_catalogue_order(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion(RESIDENT), make_upstream())
    order = [row.key for row in CATALOGUE.rows if row.key in person.attributes]
    assert list(person.attributes) == order
    assert order[-1] == TRANSACTION


def test_the_attributes_cannot_be_changed_afterwards(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion(RESIDENT), make_upstream())
    with pytest.raises(TypeError):
        person.attributes[MAIL] = ()  # type: ignore[index]  # that it is read-only is the point


def test_a_persistent_name_id_is_kept_and_no_other(dialect: UpstreamDialect) -> None:
    for format_, kept in ((NAME_ID_PERSISTENT, "upstream-name-id"), (NAME_ID_TRANSIENT, None), (None, None)):
        person = dialect.understand(make_assertion(RESIDENT, name_id_format=format_), make_upstream())
        assert person.name_id == kept


def test_an_attribute_that_nobody_knows_is_named(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion({**RESIDENT, "urn:oid:1.2.3": ("x",)}), make_upstream())
    assert person.unknown_attributes == ("urn:oid:1.2.3",)


def test_a_very_long_unknown_name_is_cut(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion({**RESIDENT, "x" * 5000: ("x",)}), make_upstream())
    assert person.unknown_attributes == ("x" * 200,)


def test_a_malformed_optional_attribute_is_dropped_and_named_without_its_value(dialect: UpstreamDialect) -> None:
    person = dialect.understand(make_assertion({**RESIDENT, **friendly(gender="secret")}), make_upstream())
    assert person.unknown_attributes == ("gender (malformed)",)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("198611239884", id="wrong check digit"),
        pytest.param("8611239883", id="ten digits"),
        pytest.param(("198611239883", "198501139995"), id="two numbers"),
        pytest.param(("198611239883", "x"), id="one good and one bad"),
        pytest.param("202811239880", id="born in the future"),
    ],
)
def test_a_number_that_is_none_ends_the_login(dialect: UpstreamDialect, number: str | tuple[str, ...]) -> None:
    assertion = make_assertion({**RESIDENT, **friendly(personalIdentityNumber=number)})
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        dialect.understand(assertion, make_upstream())
    assert "personalIdentityNumber" in refused.value.detail
    assert not any(value in refused.value.detail for value in ("8611239883", "198611239884", "202811239880"))


def test_a_previous_number_that_is_none_is_dropped(dialect: UpstreamDialect) -> None:
    assertion = make_assertion({**RESIDENT, **friendly(previousPersonalIdentityNumber="197010632390")})
    person = dialect.understand(assertion, make_upstream())
    assert PREVIOUS_PNR not in person.attributes
    assert person.unknown_attributes == ("previousPersonalIdentityNumber (malformed)",)


def test_a_nonresident_level_with_a_number_is_unacceptable(dialect: UpstreamDialect) -> None:
    with pytest.raises(AssertionUnacceptable):
        dialect.understand(make_assertion(RESIDENT, context=LOA3_NONRESIDENT), make_upstream())


def test_a_swedish_eid_speaks_for_no_foreigner(dialect: UpstreamDialect) -> None:
    claimed = friendly(prid="NO:05068907693", mappedPersonalIdentityNumber="198501139995")
    person = dialect.understand(make_assertion({**RESIDENT, **claimed}), make_upstream())
    assert PRID not in person.attributes
    assert person.unknown_attributes == (
        "prid (not with a Swedish level)",
        "mappedPersonalIdentityNumber (not with a Swedish level)",
    )
