"""The tables of the policies agree with the vocabulary."""

from broker.core.login import CategoryUri
from broker.core.subject import MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.vocabulary import attributes as a
from broker.vocabulary import categories as c
from broker.vocabulary.attributes import CATALOGUE, LocalAttribute
from broker.vocabulary.policy_tables import match_tables, release_tables


def test_matching_knows_the_kinds_of_categories() -> None:
    tables = match_tables()
    assert tables.is_service_entity(c.LOA3_PNR)
    assert tables.is_service_property(c.MOBILE_AUTH)
    assert tables.is_service_contract(CategoryUri("http://id.swedenconnect.se/contract/sc/sweden-connect"))
    for other in (c.PUBLIC_SECTOR, c.ACCEPTS_COORDINATION_NUMBER, c.HIDE_FROM_DISCOVERY):
        assert not tables.is_service_entity(other)
        assert not tables.is_service_property(other)
        assert not tables.is_service_contract(other)


def test_matching_knows_what_a_category_delivers_and_what_we_make_of_it() -> None:
    delivered = match_tables().attributes
    assert delivered[c.LOA3_PNR] == {a.SURNAME, a.GIVEN_NAME, a.DISPLAY_NAME, PNR, a.BIRTH_DATE}
    assert a.DISPLAY_NAME in delivered[c.EIDAS_NATURAL_PERSON], "made of the names"
    assert all(a.TRANSACTION not in keys for keys in delivered.values()), "everybody sends it"


def test_own_contracts_are_taken_over() -> None:
    assert match_tables(["urn:contract"]).own_contracts == {CategoryUri("urn:contract")}
    assert match_tables().own_contracts == frozenset()


def test_release_knows_the_attribute_sets() -> None:
    tables = release_tables(CATALOGUE)
    assert PRID in tables.attributes[c.EIDAS_NATURAL_PERSON]
    assert a.DISPLAY_NAME not in tables.attributes[c.EIDAS_NATURAL_PERSON]
    assert c.MOBILE_AUTH not in tables.attributes


def test_release_knows_the_attributes_with_rules_of_their_own() -> None:
    tables = release_tables(CATALOGUE)
    assert tables.transaction == {a.TRANSACTION}
    assert tables.never == {a.SAD}
    assert tables.numbers == {PNR, MAPPED_PNR, a.PREVIOUS_PNR}
    assert tables.scoped == {ORG_AFFILIATION}


def test_a_scoped_local_attribute_is_scoped_in_release_too() -> None:
    local = LocalAttribute(key="class_group", name="urn:example:class", friendly="classGroup", kind="scoped")
    assert "class_group" in release_tables(CATALOGUE.extended([local])).scoped


def test_scopes_are_unlimited_only_when_told_so() -> None:
    assert release_tables(CATALOGUE).scopes is None
    assert release_tables(CATALOGUE, ()).scopes == frozenset()
    assert release_tables(CATALOGUE, ["2120001231"]).scopes == frozenset({"2120001231"})
