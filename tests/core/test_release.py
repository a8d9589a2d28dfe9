"""Which attributes leave, by which rule; which stay, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.policy_builders import make_e_service, make_person

from broker.core import release as r
from broker.core.errors import (
    AssertionUnacceptable,
    BrokerError,
    CoordinationNumberNotAccepted,
    RequiredAttributeMissing,
)
from broker.core.login import ContextUri, WantedAttribute
from broker.core.parties import EService
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.release import Release, decide_release, releasable
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.vocabulary import attributes as a
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.categories import (
    ACCEPTS_COORDINATION_NUMBER,
    EIDAS_NATURAL_PERSON,
    LOA3_PNR,
    MOBILE_AUTH,
)
from broker.vocabulary.categories import ROWS as CATEGORY_ROWS
from broker.vocabulary.contexts import LOA3, LOA3_NONRESIDENT, UNCERTIFIED_LOA3
from broker.vocabulary.policy_tables import release_tables

TABLES = release_tables(CATALOGUE)
LOA3_NAME = "http://id.swedenconnect.se/ec/1.0/loa3-name"
LOA3_ORGID = "http://id.swedenconnect.se/ec/1.0/loa3-orgid"
RESIDENT: dict[AttributeKey, str | tuple[str, ...]] = {
    a.SURNAME: "Björkängen",
    a.GIVEN_NAME: "Åsa Maria",
    a.DISPLAY_NAME: "Åsa Björkängen",
    PNR: "198611239883",
    a.MAIL: ("asa@example.se", "a@example.se"),
    a.TRANSACTION: "131daac9",
}
COORDINATION_NUMBER = "197010632391"


def decide(
    person: AuthenticatedPerson,
    e_service: EService,
    *wanted: tuple[AttributeKey, bool],
    context: ContextUri = LOA3,
    **changes: Any,
) -> Release:
    attributes = tuple(WantedAttribute(key=key, required=required) for key, required in wanted)
    arguments: dict[str, Any] = {"tables": TABLES, **changes}
    return decide_release(person=person, context=context, e_service=e_service, wanted=attributes, **arguments)


def released(release: Release) -> dict[AttributeKey, str]:
    return {attribute.key: attribute.rule for attribute in release.released}


def withheld(release: Release) -> dict[AttributeKey, str]:
    return {attribute.key: attribute.rule for attribute in release.withheld}


def test_a_category_lets_its_attribute_set_leave_and_the_rest_stays() -> None:
    release = decide(make_person(RESIDENT), make_e_service(LOA3_PNR, MOBILE_AUTH))
    assert released(release) == {
        a.SURNAME: f"category {LOA3_PNR}",
        a.GIVEN_NAME: f"category {LOA3_PNR}",
        a.DISPLAY_NAME: f"category {LOA3_PNR}",
        PNR: f"category {LOA3_PNR}",
        a.TRANSACTION: r.TRANSACTION,
    }
    assert withheld(release) == {a.MAIL: r.NOT_ASKED}


def test_an_e_service_that_asks_for_nothing_gets_the_transaction_only() -> None:
    release = decide(make_person(RESIDENT), make_e_service())
    assert released(release) == {a.TRANSACTION: r.TRANSACTION}
    assert set(withheld(release).values()) == {r.NOT_ASKED}


def test_all_values_leave_as_they_came() -> None:
    release = decide(make_person(RESIDENT), make_e_service(), (a.MAIL, False))
    assert release.released[0].values == ("asa@example.se", "a@example.se")
    assert release.released[0].rule == r.REQUESTED


def test_two_categories_add_up() -> None:
    person = make_person({**RESIDENT, ORG_AFFILIATION: "asa@2120001231"})
    release = decide(person, make_e_service(LOA3_NAME, LOA3_ORGID))
    assert ORG_AFFILIATION in released(release)
    assert a.SURNAME in released(release)
    assert withheld(release)[PNR] == r.NOT_ASKED


def test_a_local_agreement_is_what_an_e_service_of_our_own_requests() -> None:
    release = decide(make_person(RESIDENT), make_e_service(LOA3_NAME), (PNR, False))
    assert released(release)[PNR] == r.REQUESTED


def test_an_e_service_from_a_feed_gets_nothing_outside_its_categories() -> None:
    release = decide(make_person(RESIDENT), make_e_service(LOA3_NAME, from_feed=True), (PNR, False), (a.SURNAME, True))
    assert withheld(release)[PNR] == r.NO_AGREEMENT
    assert released(release)[a.SURNAME] == f"category {LOA3_NAME}"


def test_what_the_category_promises_and_nobody_delivers_is_no_error() -> None:
    release = decide(make_person({a.SURNAME: "Björkängen"}), make_e_service(LOA3_PNR))
    assert set(released(release)) == {a.SURNAME}


# --- required attributes -----------------------------------------------------------------------------------------


def test_a_required_attribute_that_was_not_delivered_ends_the_login() -> None:
    with pytest.raises(RequiredAttributeMissing):
        decide(make_person(RESIDENT), make_e_service(LOA3_PNR), (ORG_AFFILIATION, True))


def test_a_required_attribute_that_may_not_leave_ends_the_login() -> None:
    with pytest.raises(RequiredAttributeMissing):
        decide(make_person(RESIDENT), make_e_service(LOA3_NAME, from_feed=True), (PNR, True))


def test_a_wanted_attribute_that_was_not_delivered_does_not() -> None:
    release = decide(make_person(RESIDENT), make_e_service(LOA3_PNR), (ORG_AFFILIATION, False))
    assert ORG_AFFILIATION not in {released.key for released in release.released}
    assert release.released


def test_the_refusal_names_the_attribute_and_no_value() -> None:
    with pytest.raises(RequiredAttributeMissing) as refused:
        decide(make_person(RESIDENT), make_e_service(LOA3_PNR), (ORG_AFFILIATION, True), (COUNTRY, True))
    assert refused.value.detail.endswith("country, org_affiliation")
    assert "198611239883" not in refused.value.detail


# --- numbers -----------------------------------------------------------------------------------------------------


def test_a_coordination_number_needs_the_opt_in() -> None:
    with pytest.raises(CoordinationNumberNotAccepted) as refused:
        decide(make_person({PNR: COORDINATION_NUMBER}), make_e_service(LOA3_PNR))
    assert COORDINATION_NUMBER not in refused.value.detail


def test_with_the_opt_in_a_coordination_number_leaves() -> None:
    release = decide(make_person({PNR: COORDINATION_NUMBER}), make_e_service(LOA3_PNR, ACCEPTS_COORDINATION_NUMBER))
    assert released(release) == {PNR: f"category {LOA3_PNR}"}


def test_a_coordination_number_that_nobody_asked_for_needs_no_opt_in() -> None:
    release = decide(make_person({PNR: COORDINATION_NUMBER}), make_e_service(LOA3_NAME))
    assert withheld(release) == {PNR: r.NOT_ASKED}


@pytest.mark.parametrize("key", [MAPPED_PNR, a.PREVIOUS_PNR])
def test_the_opt_in_is_not_about_mapped_and_previous_numbers(key: AttributeKey) -> None:
    person = make_person({key: COORDINATION_NUMBER, a.PNR_BINDING: "urn:process"})
    assert key in released(decide(person, make_e_service(), (key, True)))


def test_the_opt_in_alone_asks_for_nothing() -> None:
    release = decide(make_person({PNR: COORDINATION_NUMBER}), make_e_service(ACCEPTS_COORDINATION_NUMBER))
    assert withheld(release) == {PNR: r.NOT_ASKED}


@pytest.mark.parametrize(
    ("delivered", "asserted"),
    [(LOA3_NONRESIDENT, LOA3_NONRESIDENT), (LOA3_NONRESIDENT, LOA3), (LOA3, LOA3_NONRESIDENT)],
)
def test_a_number_with_a_nonresident_level_breaks_the_scheme(delivered: ContextUri, asserted: ContextUri) -> None:
    with pytest.raises(AssertionUnacceptable):
        decide(make_person(RESIDENT, context=delivered), make_e_service(LOA3_NAME), context=asserted)


@pytest.mark.parametrize("key", [MAPPED_PNR, a.PREVIOUS_PNR])
def test_no_other_number_leaves_with_a_nonresident_level(key: AttributeKey) -> None:
    person = make_person({key: "198611239883", a.PNR_BINDING: "urn:process"}, context=LOA3_NONRESIDENT)
    release = decide(person, make_e_service(), (key, False), context=LOA3_NONRESIDENT)
    assert withheld(release)[key] == r.NO_NUMBER_WITH_NONRESIDENT


def test_a_mapped_number_never_becomes_the_persons_own() -> None:
    person = make_person({MAPPED_PNR: "198611239883", a.PNR_BINDING: "urn:process"})
    release = decide(person, make_e_service(LOA3_PNR))
    assert released(release) == {}
    assert set(withheld(release)) == {MAPPED_PNR, a.PNR_BINDING}


def test_a_mapped_number_leaves_with_its_binding() -> None:
    person = make_person({MAPPED_PNR: "198611239883", a.PNR_BINDING: "urn:process"})
    release = decide(person, make_e_service(), (MAPPED_PNR, False))
    assert released(release) == {MAPPED_PNR: r.REQUESTED, a.PNR_BINDING: r.BOUND}


def test_a_mapped_number_without_its_binding_stays() -> None:
    release = decide(make_person({MAPPED_PNR: "198611239883"}), make_e_service(EIDAS_NATURAL_PERSON))
    assert withheld(release) == {MAPPED_PNR: r.UNBOUND}


def test_the_eidas_set_leaves_whole() -> None:
    foreigner: dict[AttributeKey, str | tuple[str, ...]] = {
        PRID: "NO:05068907693",
        a.PRID_PERSISTENCE: "A",
        a.EIDAS_IDENTIFIER: "NO/SE/05068907693",
        COUNTRY: "NO",
        a.BIRTH_DATE: "1989-06-05",
        a.SURNAME: "Nordmann",
        a.GIVEN_NAME: "Kari",
        a.TRANSACTION: "_foreign",
    }
    release = decide(make_person(foreigner), make_e_service(EIDAS_NATURAL_PERSON))
    assert set(released(release)) == set(foreigner)


# --- attributes with rules of their own --------------------------------------------------------------------------


def test_a_sad_is_never_relayed() -> None:
    release = decide(make_person({a.SAD: "a.b.c"}), make_e_service(), (a.SAD, False))
    assert withheld(release) == {a.SAD: r.NEVER_RELAYED}


def test_scoped_values_leave_within_our_scopes_only() -> None:
    tables = release_tables(CATALOGUE, ["2120001231"])
    person = make_person({ORG_AFFILIATION: ("asa@5562265719", "asa@2120001231")})
    release = decide(person, make_e_service(LOA3_ORGID), tables=tables)
    assert release.released[0].values == ("asa@2120001231",)


def test_scoped_values_of_others_stay() -> None:
    tables = release_tables(CATALOGUE, ["2120001231"])
    person = make_person({ORG_AFFILIATION: "asa@5562265719"})
    release = decide(person, make_e_service(LOA3_ORGID), tables=tables)
    assert withheld(release) == {ORG_AFFILIATION: r.OUTSIDE_OUR_SCOPES}


# --- what `broker explain` shows ---------------------------------------------------------------------------------


def test_releasable_is_what_would_leave() -> None:
    rows = releasable(
        e_service=make_e_service(LOA3_NAME), wanted=(WantedAttribute(key=PNR, required=False),), tables=TABLES
    )
    assert [(row.key, row.rule) for row in rows] == [
        (a.SURNAME, f"category {LOA3_NAME}"),
        (a.GIVEN_NAME, f"category {LOA3_NAME}"),
        (a.DISPLAY_NAME, f"category {LOA3_NAME}"),
        (PNR, r.REQUESTED),
        (a.TRANSACTION, r.TRANSACTION),
    ]


def test_releasable_leaves_out_what_never_leaves() -> None:
    wanted = (WantedAttribute(key=a.SAD, required=True),)
    rows = releasable(e_service=make_e_service(), wanted=wanted, tables=TABLES)
    assert a.SAD not in {row.key for row in rows}


# --- whoever comes, whatever is asked ----------------------------------------------------------------------------

KEY = st.sampled_from([row.key for row in CATALOGUE.rows])
NUMBERS = {PNR, MAPPED_PNR, a.PREVIOUS_PNR}


def value_of(key: AttributeKey) -> tuple[str, ...]:
    return (COORDINATION_NUMBER if key in NUMBERS else "x@2120001231",)


@given(
    delivered=st.frozensets(KEY),
    wanted=st.dictionaries(KEY, st.booleans(), max_size=6),
    categories=st.frozensets(st.sampled_from([row.uri for row in CATEGORY_ROWS]), max_size=4),
    from_feed=st.booleans(),
    context=st.sampled_from([LOA3, LOA3_NONRESIDENT, UNCERTIFIED_LOA3]),
)
def test_release_never_holds_what_was_not_asked_for(
    delivered: frozenset[AttributeKey],
    wanted: dict[AttributeKey, bool],
    categories: frozenset[str],
    from_feed: bool,
    context: ContextUri,
) -> None:
    person = make_person({key: value_of(key) for key in delivered}, context=context)
    e_service = make_e_service(*categories, from_feed=from_feed)
    try:
        release = decide(person, e_service, *wanted.items(), context=context)
    except BrokerError:
        return
    in_sets = {key for row in CATEGORY_ROWS if row.uri in categories and row.attributes for key in row.attributes.keys}
    asked = in_sets | (set() if from_feed else set(wanted)) | {a.TRANSACTION}
    gone = set(released(release))
    assert gone <= asked | ({a.PNR_BINDING} if MAPPED_PNR in asked else set())
    assert gone | set(withheld(release)) == set(delivered), "every attribute is accounted for"
    assert gone.isdisjoint(withheld(release))
    assert all(attribute.values == person.attributes[attribute.key] for attribute in release.released)
    assert PNR not in gone or ACCEPTS_COORDINATION_NUMBER in categories
    assert context != LOA3_NONRESIDENT or gone.isdisjoint(NUMBERS)
    assert all(key in gone for key, required in wanted.items() if required)
