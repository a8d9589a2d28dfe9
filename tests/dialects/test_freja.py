"""Freja by SAML: citizens, employees, and people without a Swedish number."""

import pytest
from support.policy_builders import friendly, make_assertion, make_request, make_upstream

from broker.core.errors import UpstreamAnswerIncomplete
from broker.core.subject import ORG_AFFILIATION, PNR
from broker.dialects.freja import Freja
from broker.vocabulary.attributes import CATALOGUE, DISPLAY_NAME
from broker.vocabulary.contexts import (
    EIDAS_NF_SUB,
    LOA2,
    LOA2_NONRESIDENT,
    LOA3,
    LOA3_NONRESIDENT,
    LOA4_NONRESIDENT,
    UNCERTIFIED_LOA3,
)

DIALECT = Freja(CATALOGUE)
UPSTREAM = make_upstream(scopes=frozenset({"5566778899"}))
CITIZEN = {
    "personalIdentityNumber": "198611239883",
    "sn": "Björkängen",
    "givenName": "Åsa Maria",
    "displayName": "Åsa Björkängen",
}
EMPLOYEE = {"displayName": "Handläggare 7", "orgAffiliation": "h7@5566778899"}


def test_nonresident_levels_are_asked_for_too_but_no_foreign_ones() -> None:
    everything = (LOA3, LOA3_NONRESIDENT, UNCERTIFIED_LOA3, LOA2, LOA2_NONRESIDENT, EIDAS_NF_SUB)
    plan = DIALECT.ask(request=make_request(), contexts=everything, upstream=UPSTREAM)
    assert plan.contexts == everything[:-1]


@pytest.mark.parametrize("missing", CITIZEN)
@pytest.mark.parametrize("context", [LOA2, LOA3])
def test_a_citizen_has_a_number_and_names(context: str, missing: str) -> None:
    attributes = friendly(**{**CITIZEN, missing: ""})
    with pytest.raises(UpstreamAnswerIncomplete) as refused:
        DIALECT.understand(make_assertion(attributes, context=context), UPSTREAM)
    assert f"{missing} (missing)" in refused.value.detail


def test_an_employee_needs_no_number_and_may_be_anonymous() -> None:
    person = DIALECT.understand(make_assertion(friendly(**EMPLOYEE)), UPSTREAM)
    assert person.first(ORG_AFFILIATION) == "h7@5566778899"
    assert PNR not in person.attributes


def test_an_employee_with_a_number_is_a_citizen() -> None:
    with pytest.raises(UpstreamAnswerIncomplete):
        DIALECT.understand(make_assertion(friendly(**EMPLOYEE, personalIdentityNumber="198611239883")), UPSTREAM)


def test_an_employee_of_somebody_elses_organisation_is_nobody() -> None:
    with pytest.raises(UpstreamAnswerIncomplete):
        DIALECT.understand(make_assertion(friendly(**EMPLOYEE)), make_upstream())


@pytest.mark.parametrize("context", [LOA2_NONRESIDENT, LOA3_NONRESIDENT, LOA4_NONRESIDENT])
def test_a_nonresident_needs_a_display_name_only(context: str) -> None:
    person = DIALECT.understand(make_assertion(friendly(displayName="Ingrid Sørbakken"), context=context), UPSTREAM)
    assert person.first(DISPLAY_NAME) == "Ingrid Sørbakken"


def test_a_nonresident_without_a_name_is_nobody() -> None:
    with pytest.raises(UpstreamAnswerIncomplete):
        DIALECT.understand(make_assertion(context=LOA3_NONRESIDENT), UPSTREAM)
