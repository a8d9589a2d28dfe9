"""The country and the principal that a request names."""

import pytest
from support.policy_builders import UPSTREAM, make_person, make_request, make_upstream

from broker.core.errors import AssertionUnacceptable, UpstreamUnknownPrincipal
from broker.core.expectation import check_expected, decide_countries
from broker.core.login import PrincipalHint
from broker.core.parties import Upstream
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.vocabulary.attributes import EIDAS_IDENTIFIER
from broker.vocabulary.identifiers import country_alias, country_of_alias

CONNECTOR = make_upstream(eidas_connector=True)
SWEDISH = make_upstream()
NO, FI, GREECE = country_alias("NO"), country_alias("FI"), country_alias("EL")
NORWEGIAN = make_person({PRID: "NO:05068907693", COUNTRY: "NO"}, country="NO")
RESIDENT = make_person({PNR: "198611239883"})


@pytest.mark.parametrize(
    ("upstream", "idp_list", "countries"),
    [
        pytest.param(CONNECTOR, (), (), id="no list: any"),
        pytest.param(CONNECTOR, (NO,), ("NO",), id="one"),
        pytest.param(CONNECTOR, (NO, FI, NO.upper(), GREECE), ("NO", "FI", "GR"), id="several, each once, in order"),
        pytest.param(CONNECTOR, (NO, UPSTREAM), (), id="the connector itself is named: any"),
        pytest.param(CONNECTOR, ("https://bankid.example.se", NO), ("NO",), id="other entries do not matter"),
        pytest.param(SWEDISH, (NO,), (), id="nobody else has countries"),
    ],
)
def test_the_countries_that_a_request_restricts_the_connector_to(
    upstream: Upstream, idp_list: tuple[str, ...], countries: tuple[str, ...]
) -> None:
    assert decide_countries(idp_list, upstream, country_of_alias) == countries


def check(
    person: AuthenticatedPerson,
    upstream: Upstream = CONNECTOR,
    idp_list: tuple[str, ...] = (),
    principal: tuple[tuple[AttributeKey, str], ...] = (),
) -> None:
    hints = tuple(PrincipalHint(key=key, value=value) for key, value in principal)
    request = make_request(idp_list=idp_list, principal=hints)
    check_expected(person=person, request=request, upstream=upstream, country_of=country_of_alias)


@pytest.mark.parametrize("idp_list", [(), (NO,), (FI, NO), (UPSTREAM,)])
def test_a_person_of_a_listed_country_is_expected(idp_list: tuple[str, ...]) -> None:
    check(NORWEGIAN, idp_list=idp_list)


@pytest.mark.parametrize("person", [NORWEGIAN, RESIDENT], ids=["of another country", "of no country"])
def test_a_person_of_no_listed_country_is_refused(person: AuthenticatedPerson) -> None:
    with pytest.raises(AssertionUnacceptable):
        check(person, idp_list=(FI,))


IDENTIFIED = make_person({EIDAS_IDENTIFIER: "AT/SE/aBc", COUNTRY: "AT"}, country="AT")
MAPPED = make_person({PRID: "NO:05068907693", MAPPED_PNR: "198611239883"}, country="NO")


@pytest.mark.parametrize(
    ("person", "principal", "expected"),
    [
        pytest.param(RESIDENT, (), True, id="nobody in particular"),
        pytest.param(RESIDENT, ((PNR, "198611239883"),), True, id="the very person"),
        pytest.param(RESIDENT, ((PNR, " 198611239883 "),), True, id="white space does not matter"),
        pytest.param(RESIDENT, ((PNR, "198501139995"),), False, id="somebody else"),
        pytest.param(RESIDENT, ((PNR, "198611239883"), (PRID, "NO:05068907693")), True, id="one way is enough"),
        pytest.param(
            make_person({PNR: "198611239883", ORG_AFFILIATION: "b@2120001231"}),
            ((PNR, "198611239883"), (ORG_AFFILIATION, "a@2120001231")),
            False,
            id="every way that can be compared must agree",
        ),
        pytest.param(
            make_person({ORG_AFFILIATION: ("b@2120001231", "a@2120001231")}),
            ((ORG_AFFILIATION, "a@2120001231"),),
            True,
            id="one of several values",
        ),
        pytest.param(NORWEGIAN, ((PNR, "198611239883"),), False, id="nothing to compare with"),
        pytest.param(MAPPED, ((PNR, "198611239883"),), True, id="by the mapped number"),
        pytest.param(MAPPED, ((PNR, "198501139995"),), False, id="another mapped number"),
        pytest.param(NORWEGIAN, ((COUNTRY, "no"),), True, id="the country in any case"),
        pytest.param(NORWEGIAN, ((COUNTRY, "FI"),), False, id="another country"),
        pytest.param(RESIDENT, ((COUNTRY, "NO"),), False, id="a Swedish eID has no country"),
        pytest.param(make_person({COUNTRY: "SE"}), ((COUNTRY, "SE"),), True, id="unless it says one"),
        pytest.param(NORWEGIAN, ((PRID, "no:05068907693"),), True, id="a prid in any case"),
        pytest.param(IDENTIFIED, ((EIDAS_IDENTIFIER, "AT/SE/aBc"),), True, id="a foreign identifier"),
        pytest.param(IDENTIFIED, ((EIDAS_IDENTIFIER, "AT/SE/abc"),), False, id="a foreign identifier in another case"),
    ],
)
def test_the_principal_that_a_request_names(
    person: AuthenticatedPerson, principal: tuple[tuple[AttributeKey, str], ...], expected: bool
) -> None:
    if expected:
        check(person, principal=principal)
    else:
        with pytest.raises(UpstreamUnknownPrincipal) as refused:
            check(person, principal=principal)
        assert principal[0][1] not in refused.value.detail
