"""Attributes that an upstream may not assert, or an e-service may not get, in answers that are perfect otherwise."""

from collections.abc import Mapping, Sequence

import pytest
from support.attack_peers import (
    DISPLAY_NAME,
    GIVEN_NAME,
    LOA3_NONRESIDENT,
    ORG_AFFILIATION,
    PERSON,
    PNR,
    SURNAME,
    asks_for,
    changed,
)
from support.attack_world import World

INCOMPLETE = "upstream-answer-incomplete"
MISSING = "required-attribute-missing"
COORDINATION_NUMBER = "197010632391"
NAMES = {name: values for name, values in PERSON.items() if name != PNR}
PRID, MAPPED_PNR, MAIL = "urn:oid:1.2.752.201.3.4", "urn:oid:1.2.752.201.3.16", "urn:oid:0.9.2342.19200300.100.1.3"
ORGANISATION = "urn:oid:2.5.4.10"

Values = Mapping[str, Sequence[str]]


def with_number(*numbers: str) -> Values:
    return {**PERSON, PNR: numbers}


NUMBERS = {
    "wrong check digit": ["198611239884"],
    "no such date": ["198602309888"],
    "no such century": ["168611239883"],
    "ten digits": ["8611239883"],
    "with a hyphen": ["19861123-9883"],
    "of other digits": ["１９８６１１２３９８８３"],
    "not born yet": ["209901012384"],
    "two persons": ["198611239883", "191212121212"],
    "a person and a coordination number": ["198611239883", COORDINATION_NUMBER],
    "a good and a bad one": ["198611239883", "198611239884"],
    "a number and more": ["198611239883 191212121212"],
    "an organisation": ["165560360793"],
    "a query": ["198611239883' OR '1'='1"],
}


@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS.keys())
def test_a_number_that_is_none_ends_the_login(world: World, numbers: list[str]) -> None:
    world.assert_refused(world.login().answered(assertion=changed(values=with_number(*numbers))), INCOMPLETE)


def test_the_same_number_twice_is_one_number(world: World) -> None:
    login = world.login()
    [number] = PERSON[PNR]
    assert login.assert_granted(login.answered(assertion=changed(values=with_number(number, f" {number} ")))) == PERSON


def test_a_coordination_number_goes_only_to_who_accepts_it(world: World) -> None:
    page = world.login().answered(assertion=changed(values=with_number(COORDINATION_NUMBER)))
    world.assert_refused(page, "coordination-number-not-accepted")


def test_and_goes_to_who_does(world: World) -> None:
    login = world.login(e_service=world.open_e_service)
    values = login.assert_granted(login.answered(assertion=changed(values=with_number(COORDINATION_NUMBER))))
    assert values[PNR] == [COORDINATION_NUMBER]


def test_a_nonresident_has_no_number(world: World) -> None:
    login = world.login(
        e_service=world.employer, upstream=world.upstream_of_levels, bend=changed(children=asks_for(LOA3_NONRESIDENT))
    )
    page = login.answered(assertion=changed(context=LOA3_NONRESIDENT))
    world.assert_refused(page, "upstream-assertion-unacceptable")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(NAMES, id="none"),
        pytest.param({**NAMES, PNR: [""]}, id="an empty one"),
        pytest.param({**NAMES, PNR: []}, id="no value"),
        pytest.param({**NAMES, "personalIdentityNumber": PERSON[PNR]}, id="by its friendly name"),
        pytest.param({**NAMES, PNR.upper(): PERSON[PNR]}, id="in capitals"),
        pytest.param({**NAMES, f"{PNR}.1": PERSON[PNR]}, id="by a longer name"),
        pytest.param({**NAMES, PNR.removeprefix("urn:oid:"): PERSON[PNR]}, id="by its number alone"),
        pytest.param({**NAMES, MAPPED_PNR: PERSON[PNR]}, id="a mapped one"),
        pytest.param({**NAMES, "urn:oid:1.2.752.201.3.15": PERSON[PNR]}, id="a former one"),
    ],
)
def test_a_required_number_is_that_number_and_no_other(world: World, values: Values) -> None:
    login = world.login(e_service=world.demanding_e_service)
    world.assert_refused(login.answered(assertion=changed(values=values)), MISSING)


def test_a_friendly_name_makes_no_attribute(world: World) -> None:
    login = world.login(e_service=world.demanding_e_service)

    def befriended(text: str) -> str:
        return text.replace(f'Name="{PNR}"', 'Name="urn:oid:1.2.3.4" FriendlyName="personalIdentityNumber"')

    world.assert_refused(login.answered(in_assertion=befriended), MISSING)


# --- not asked for, not given ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(MAIL, "asa@example.se", id="a mail address"),
        pytest.param(PRID, "SE:abcdefghij", id="a provisional identifier from a Swedish IdP"),
        pytest.param(MAPPED_PNR, "191212121212", id="a mapped number from a Swedish IdP"),
        pytest.param("urn:oid:1.2.3.4", "unknown", id="an unknown attribute"),
        pytest.param(ORG_AFFILIATION, "chef@kommun.se", id="an affiliation"),
    ],
)
def test_nothing_leaves_that_was_not_asked_for(world: World, name: str, value: str) -> None:
    login = world.login(upstream=world.upstream_of_levels)
    assert login.assert_granted(login.answered(assertion=changed(values={**PERSON, name: [value]}))) == PERSON


@pytest.mark.parametrize("name", [SURNAME, GIVEN_NAME, DISPLAY_NAME])
@pytest.mark.parametrize(
    "value", ["\u202eevil", "a\u0091b", "x" * 600, "a\ue000\ufdd0"], ids=["turned", "control", "long", "no letter"]
)
def test_a_name_that_would_deceive_is_not_passed_on(world: World, name: str, value: str) -> None:
    login = world.login()
    values = login.assert_granted(login.answered(assertion=changed(values={**PERSON, name: [value]})))
    assert values == {key: given for key, given in PERSON.items() if key != name}


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "&amp;lt;", "Å'; DROP TABLE--", '"]]>', "${jndi:x}"])
def test_a_name_is_passed_on_as_the_text_it_is(world: World, value: str) -> None:
    login = world.login()
    page = login.answered(assertion=changed(values={**PERSON, SURNAME: [value]}))
    assert value not in page.text
    assert login.assert_granted(page)[SURNAME] == [value]


# --- scopes ------------------------------------------------------------------------------------------------------

OUTSIDE = [
    "anna@region.se",
    "anna@x.kommun.se",
    "anna@kommun.se.evil.example",
    "anna@kommun.se@evil.example",
    "anna@KOMMUN.SE",
    "anna@ kommun.se",
    "@kommun.se",
    "kommun.se",
    "anna@*",
    "anna@",
]


@pytest.mark.parametrize("affiliation", OUTSIDE)
def test_an_upstream_does_not_speak_for_organisations_outside_its_scopes(world: World, affiliation: str) -> None:
    login = world.login(e_service=world.employer, upstream=world.upstream_of_levels)
    values = {DISPLAY_NAME: ["Anna"], ORG_AFFILIATION: [affiliation]}
    world.assert_refused(login.answered(assertion=changed(values=values)), INCOMPLETE)


def test_an_upstream_without_scopes_speaks_for_no_organisation(world: World) -> None:
    login = world.login(e_service=world.employer)
    values = {DISPLAY_NAME: ["Anna"], ORG_AFFILIATION: ["anna@kommun.se"]}
    world.assert_refused(login.answered(assertion=changed(values=values)), INCOMPLETE)


@pytest.mark.parametrize("affiliation", OUTSIDE)
def test_of_several_affiliations_only_those_in_scope_are_passed_on(world: World, affiliation: str) -> None:
    login = world.login(e_service=world.employer, upstream=world.upstream_of_levels)
    values = {DISPLAY_NAME: ["Anna"], ORG_AFFILIATION: [affiliation, "anna@kommun.se"]}
    given = login.assert_granted(login.answered(assertion=changed(values=values)))
    assert given == {DISPLAY_NAME: ["Anna"], ORG_AFFILIATION: ["anna@kommun.se"]}


# --- somebody else than was meant --------------------------------------------------------------------------------


def principal(name: str, value: str) -> str:
    return (
        '<saml2p:Extensions><psc:PrincipalSelection xmlns:psc="http://id.swedenconnect.se/authn/1.0/principal-selection'
        f'/ns"><psc:MatchValue Name="{name}">{value}</psc:MatchValue></psc:PrincipalSelection></saml2p:Extensions>'
    )


def test_another_person_than_the_e_service_named_is_refused(world: World) -> None:
    login = world.login(bend=changed(children=principal(PNR, "191212121212")))
    world.assert_refused(login.answered(), "upstream-unknown-principal")


def test_a_person_who_cannot_be_compared_with_the_one_named_is_refused(world: World) -> None:
    login = world.login(bend=changed(children=principal(PNR, "191212121212")))
    world.assert_refused(login.answered(assertion=changed(values=NAMES)), "upstream-unknown-principal")


def test_the_person_whom_the_e_service_named_logs_in(world: World) -> None:
    login = world.login(bend=changed(children=principal(PNR, PERSON[PNR][0])))
    assert login.assert_granted(login.answered()) == PERSON
