"""Entity categories: kind, attribute set and implied levels of each."""

import pytest

from broker.core.login import CategoryUri
from broker.vocabulary import categories as c
from broker.vocabulary import contexts as x
from broker.vocabulary.attribute_sets import (
    EIDAS_NATURAL_PERSON,
    HSA_ID_SET,
    NATURAL_PERSON,
    ORG_PERSON,
    PNR_DELIVERY_SET,
    PNR_SET,
    AttributeSet,
)
from broker.vocabulary.categories import CATEGORIES, EQUIVALENTS, CategoryKind, implied_contexts, kind_of
from broker.vocabulary.contexts import CONTEXTS

E = "http://id.elegnamnden.se/"
S = "http://id.swedenconnect.se/"

SERVICES: list[tuple[str, AttributeSet, tuple[str, ...]]] = [
    (f"{E}ec/1.0/loa2-pnr", PNR_SET, (x.LOA2, x.UNCERTIFIED_LOA2)),
    (f"{E}ec/1.0/loa3-pnr", PNR_SET, (x.LOA3, x.UNCERTIFIED_LOA3)),
    (f"{E}ec/1.0/loa4-pnr", PNR_SET, (x.LOA4,)),
    (f"{E}ec/1.0/eidas-pnr-delivery", PNR_DELIVERY_SET, ()),
    (f"{S}ec/1.0/loa2-orgid", ORG_PERSON, (x.LOA2, x.LOA2_NONRESIDENT, x.UNCERTIFIED_LOA2)),
    (f"{S}ec/1.0/loa3-orgid", ORG_PERSON, (x.LOA3, x.LOA3_NONRESIDENT, x.UNCERTIFIED_LOA3)),
    (f"{S}ec/1.0/loa4-orgid", ORG_PERSON, (x.LOA4, x.LOA4_NONRESIDENT)),
    (f"{S}ec/1.0/loa2-name", NATURAL_PERSON, (x.LOA2, x.LOA2_NONRESIDENT, x.UNCERTIFIED_LOA2)),
    (f"{S}ec/1.0/loa3-name", NATURAL_PERSON, (x.LOA3, x.LOA3_NONRESIDENT, x.UNCERTIFIED_LOA3)),
    (f"{S}ec/1.0/loa4-name", NATURAL_PERSON, (x.LOA4, x.LOA4_NONRESIDENT)),
    (f"{S}ec/1.0/loa3-hsaid", HSA_ID_SET, (x.LOA3,)),
    (f"{S}ec/sc/uncertified-loa3-hsaid", HSA_ID_SET, (x.UNCERTIFIED_LOA3,)),
    (f"{S}ec/sc/uncertified-loa3-pnr", PNR_SET, (x.UNCERTIFIED_LOA3,)),
]


@pytest.mark.parametrize(("uri", "attributes", "contexts"), [pytest.param(*row, id=row[0]) for row in SERVICES])
def test_a_service_category_has_its_attributes_and_levels(
    uri: str, attributes: AttributeSet, contexts: tuple[str, ...]
) -> None:
    row = CATEGORIES[CategoryUri(uri)]
    assert row.kind is CategoryKind.SERVICE_ENTITY
    assert row.attributes is attributes
    assert row.contexts == contexts


def test_the_eidas_category_takes_any_eidas_level() -> None:
    row = CATEGORIES[c.EIDAS_NATURAL_PERSON]
    assert row.attributes is EIDAS_NATURAL_PERSON
    assert set(row.contexts) == x.FOREIGN


def test_these_are_all_the_service_categories() -> None:
    known = {uri for uri, row in CATEGORIES.items() if row.kind is CategoryKind.SERVICE_ENTITY}
    assert known == {uri for uri, _, _ in SERVICES} | {c.EIDAS_NATURAL_PERSON}


def test_every_uri_is_listed_once_and_every_level_is_known() -> None:
    assert len(CATEGORIES) == len(c.ROWS)
    assert all(uri in CONTEXTS and not CONTEXTS[uri].retired for row in c.ROWS for uri in row.contexts)


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (f"{E}sprop/1.0/mobile-auth", CategoryKind.SERVICE_PROPERTY),
        (f"{E}sprop/1.0/scal2", CategoryKind.SERVICE_PROPERTY),
        (f"{E}st/1.0/sigservice", CategoryKind.SERVICE_TYPE),
        (f"{E}st/1.0/public-sector-sp", CategoryKind.SERVICE_TYPE),
        (f"{E}st/1.0/private-sector-sp", CategoryKind.SERVICE_TYPE),
        (f"{S}contract/sc/sweden-connect", CategoryKind.SERVICE_CONTRACT),
        (f"{S}contract/sc/eid-choice-2017", CategoryKind.SERVICE_CONTRACT),
        (f"{S}contract/sc/prepaid-auth-2021", CategoryKind.SERVICE_CONTRACT),
        (f"{S}contract/sc/eid-authorization-system", CategoryKind.SERVICE_CONTRACT),
        (f"{S}general-ec/1.0/secure-authenticator-binding", CategoryKind.GENERAL),
        (f"{S}general-ec/1.0/accepts-coordination-number", CategoryKind.GENERAL),
        (f"{S}general-ec/1.0/supports-user-message", CategoryKind.GENERAL),
        ("http://refeds.org/category/hide-from-discovery", CategoryKind.OTHER),
        (f"{E}ec/1.0/loa2-basic", CategoryKind.OTHER),
        (f"{E}ec/1.0/loa3-bext", CategoryKind.OTHER),
        (f"{E}ec/1.0/loa3-int", CategoryKind.OTHER),
        (f"{S}contract/sc/1.0/eidas", CategoryKind.OTHER),
    ],
)
def test_a_known_category_has_its_kind(uri: str, kind: CategoryKind) -> None:
    assert CategoryUri(uri) in CATEGORIES
    assert kind_of(CategoryUri(uri)) is kind


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (f"{S}ec/kommunen/elev", CategoryKind.SERVICE_ENTITY),
        (f"{S}contract/kommunen/förbund", CategoryKind.SERVICE_CONTRACT),
        (f"{E}sprop/2.0/new", CategoryKind.SERVICE_PROPERTY),
        (f"{E}st/2.0/new", CategoryKind.SERVICE_TYPE),
        (f"{S}general-ec/2.0/new", CategoryKind.GENERAL),
        ("http://example.org/category", CategoryKind.OTHER),
    ],
)
def test_an_unknown_category_has_the_kind_of_its_prefix(uri: str, kind: CategoryKind) -> None:
    assert CategoryUri(uri) not in CATEGORIES
    assert kind_of(CategoryUri(uri)) is kind


def test_the_deprecated_category_counts_as_the_current_one() -> None:
    assert EQUIVALENTS == {c.UNCERTIFIED_LOA3_PNR: c.LOA3_PNR}


@pytest.mark.parametrize(
    ("categories", "contexts"),
    [
        pytest.param((), (), id="no category implies nothing"),
        pytest.param((c.PUBLIC_SECTOR,), (), id="a type implies nothing"),
        pytest.param((c.EIDAS_PNR_DELIVERY,), (), id="the proxy service says what it wants"),
        pytest.param((c.LOA3_PNR,), (x.LOA3, x.UNCERTIFIED_LOA3), id="or corresponding"),
        pytest.param((CategoryUri(f"{E}ec/1.0/loa4-pnr"),), (x.LOA4,), id="level 4 has nothing corresponding"),
        pytest.param(
            (CategoryUri(f"{S}ec/1.0/loa3-name"), c.LOA3_PNR),
            (x.LOA3, x.UNCERTIFIED_LOA3, x.LOA3_NONRESIDENT),
            id="several: all of theirs, each once",
        ),
    ],
)
def test_implied_levels(categories: tuple[CategoryUri, ...], contexts: tuple[str, ...]) -> None:
    assert implied_contexts(categories) == contexts
