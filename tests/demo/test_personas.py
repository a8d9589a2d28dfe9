"""The personas are coherent, and nobody real."""

from datetime import date

import pytest

from broker.demo.attributemaps.sweden_connect import NAMES
from broker.demo.federation import the_federation
from broker.demo.personas import PERSONAS, Persona

PUBLISHED = {"198611239883", "198501139995", "197010632391", "196408233234"}
"""Test numbers that nobody will ever have."""


def luhn(ten: str) -> bool:
    digits = [int(digit) * (2 - place % 2) for place, digit in enumerate(ten)]
    return sum(value // 10 + value % 10 for value in digits) % 10 == 0


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.key)
def test_numbers_are_published_test_numbers_with_a_valid_check_digit(persona: Persona) -> None:
    numbers = [value for name, value in persona.attributes.items() if name.endswith("ersonalIdentityNumber")]
    assert set(numbers) <= PUBLISHED
    assert all(luhn(number[2:]) for number in numbers)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.key)
def test_dates_of_birth_agree_with_the_numbers(persona: Persona) -> None:
    born = persona.attributes.get("dateOfBirth")
    number = persona.attributes.get("personalIdentityNumber")
    if born and number:
        day = int(number[6:8])
        assert date.fromisoformat(born) == date(int(number[:4]), int(number[4:6]), day - 60 if day > 60 else day)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.key)
def test_every_attribute_has_a_wire_name(persona: Persona) -> None:
    assert persona.attributes.keys() <= NAMES.keys()


def test_every_persona_can_be_chosen_somewhere() -> None:
    upstreams = the_federation(8700).upstreams.values()
    offered = {option.persona.key for party in upstreams for option in party.options}
    offered |= {option.persona.key for party in upstreams for country in party.countries for option in country.options}
    assert offered == {persona.key for persona in PERSONAS}


def test_scoped_values_lie_in_a_scope_of_their_upstream() -> None:
    for party in the_federation(8700).upstreams.values():
        for option in party.options:
            affiliation = option.persona.attributes.get("orgAffiliation")
            assert affiliation is None or affiliation.rpartition("@")[2] in party.scopes
