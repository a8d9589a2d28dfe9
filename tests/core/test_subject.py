"""The stable key of a person, and the pseudonyms made of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.policy_builders import E_SERVICE, UPSTREAM, make_person

from broker.core.login import EntityId
from broker.core.person import AttributeKey
from broker.core.subject import (
    MAPPED_PNR,
    ORG_AFFILIATION,
    PNR,
    PRID,
    pairwise_name_id,
    person_key,
    person_pseudonym,
)

SECRET = bytes(range(32))
OTHER = EntityId("https://other.example.se/sp")


@pytest.mark.parametrize(
    ("attributes", "name_id", "key"),
    [
        pytest.param({PNR: "198611239883", PRID: "NO:1234567890"}, "x", "pnr:198611239883", id="the number first"),
        pytest.param({PRID: "NO:1234567890", ORG_AFFILIATION: "a@b"}, "x", "prid:NO:1234567890", id="then the prid"),
        pytest.param({ORG_AFFILIATION: "a@b"}, "x", "org:a@b", id="then the affiliation"),
        pytest.param({ORG_AFFILIATION: ("c@d", "a@b")}, "x", "org:a@b", id="of several, the same one in any order"),
        pytest.param({}, "x", f"nameid:{len(UPSTREAM)}:{UPSTREAM}:x", id="then the upstream's own word, with its name"),
        pytest.param({MAPPED_PNR: "198611239883"}, None, None, id="a mapped number is nobody's key"),
        pytest.param({}, None, None, id="nothing stays the same"),
    ],
)
def test_the_key_of_a_person(
    attributes: dict[AttributeKey, str | tuple[str, ...]], name_id: str | None, key: str | None
) -> None:
    assert person_key(make_person(attributes, name_id=name_id)) == key


def test_an_upstream_cannot_speak_of_the_persons_of_another_whatever_it_is_called() -> None:
    person = replace(make_person(name_id="tolvan"), upstream="https://idp.example.se")
    other = replace(make_person(name_id="//idp.example.se:tolvan"), upstream="https")
    assert person_key(person) != person_key(other)


def test_a_mapped_number_does_not_take_over_the_account_of_its_number() -> None:
    mapped = make_person({PRID: "NO:1234567890", MAPPED_PNR: "198611239883"})
    assert person_key(mapped) != person_key(make_person({PNR: "198611239883"}))


def test_the_same_person_is_the_same_at_one_e_service() -> None:
    assert pairwise_name_id(SECRET, E_SERVICE, "pnr:1") == pairwise_name_id(SECRET, E_SERVICE, "pnr:1")


def test_the_same_person_is_a_stranger_to_every_other_e_service() -> None:
    assert pairwise_name_id(SECRET, E_SERVICE, "pnr:1") != pairwise_name_id(SECRET, OTHER, "pnr:1")


def test_another_secret_makes_another_person() -> None:
    assert pairwise_name_id(SECRET, E_SERVICE, "pnr:1") != pairwise_name_id(SECRET[::-1], E_SERVICE, "pnr:1")


def test_a_pseudonym_is_no_name_id() -> None:
    assert person_pseudonym(SECRET, "pnr:1") != pairwise_name_id(SECRET, EntityId(""), "pnr:1")


def test_a_name_id_never_changes_between_versions() -> None:
    assert pairwise_name_id(SECRET, E_SERVICE, "pnr:198611239883") == "o2ntft6yvfhmdfwmis36el4u4rsmn2kjsufqjils"
    assert person_pseudonym(SECRET, "pnr:198611239883") == "eveshn2uzv3uduiarmetadfhwrmn2tffzoponvra"


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        person_pseudonym(bytes(31), "pnr:1")


@given(a=st.text(), b=st.text(), c=st.text(), d=st.text())
def test_no_two_pairs_of_e_service_and_person_share_a_name_id(a: str, b: str, c: str, d: str) -> None:
    same = pairwise_name_id(SECRET, EntityId(a), b) == pairwise_name_id(SECRET, EntityId(c), d)
    assert same == ((a, b) == (c, d))


@given(st.text())
def test_a_name_id_says_nothing_and_fits_everywhere(key: str) -> None:
    name_id = pairwise_name_id(SECRET, E_SERVICE, key)
    assert len(name_id) == 40
    assert name_id.isalnum()
    assert name_id == name_id.lower()
