"""Attribute sets as the specification has them."""

import pytest

from broker.vocabulary import attribute_sets as sets
from broker.vocabulary.attribute_sets import ATTRIBUTE_SETS, AttributeSet
from broker.vocabulary.attributes import CATALOGUE

NAMES = "sn givenName displayName"
SPECIFIED: list[tuple[AttributeSet, str, str, str, str]] = [
    (sets.PSEUDONYM, "http://id.elegnamnden.se/ap/1.0/pseudonym-01", "", "", ""),
    (sets.NATURAL_PERSON, "http://id.elegnamnden.se/ap/1.0/natural-person-01", NAMES, "", ""),
    (
        sets.PNR_SET,
        "http://id.elegnamnden.se/ap/1.0/pnr-01",
        f"{NAMES} personalIdentityNumber",
        "",
        "dateOfBirth",
    ),
    (
        sets.PNR_DELIVERY_SET,
        "http://id.elegnamnden.se/ap/1.0/pnr-01",
        f"{NAMES} personalIdentityNumber dateOfBirth",
        "",
        "",
    ),
    (
        sets.ORG_PERSON,
        "http://id.elegnamnden.se/ap/1.0/org-person-01",
        "displayName orgAffiliation o",
        "",
        "organizationIdentifier",
    ),
    (
        sets.EIDAS_NATURAL_PERSON,
        "http://id.elegnamnden.se/ap/1.0/eidas-natural-person-01",
        "prid pridPersistence eidasPersonIdentifier dateOfBirth sn givenName c transactionIdentifier",
        "birthName placeOfBirth eidasNaturalPersonAddress gender",
        "mappedPersonalIdentityNumber personalIdentityNumberBinding",
    ),
    (
        sets.HSA_ID_SET,
        "http://id.swedenconnect.se/ap/1.0/hsaid-01",
        f"{NAMES} employeeHsaId",
        "",
        "dateOfBirth",
    ),
]


@pytest.mark.parametrize(
    ("row", "uri", "required", "if_available", "recommended"),
    [pytest.param(*row, id=row[0].identifier) for row in SPECIFIED],
)
def test_a_set_is_as_specified(row: AttributeSet, uri: str, required: str, if_available: str, recommended: str) -> None:
    assert row.uri == uri
    assert [CATALOGUE.get(key).friendly for key in row.required] == required.split()
    assert [CATALOGUE.get(key).friendly for key in row.required_if_available] == if_available.split()
    assert [CATALOGUE.get(key).friendly for key in row.recommended] == recommended.split()
    assert row.keys == row.required + row.required_if_available + row.recommended


def test_a_set_is_found_by_its_uri() -> None:
    assert ATTRIBUTE_SETS[sets.PNR_SET.uri] is sets.PNR_SET
    assert all(ATTRIBUTE_SETS[row.uri] is row for row in ATTRIBUTE_SETS.values())
