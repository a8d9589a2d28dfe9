"""Entity categories: what kind each is, which attributes it is about, which levels it implies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from broker.core.login import CategoryUri, ContextUri
from broker.vocabulary import attribute_sets as sets
from broker.vocabulary import contexts as c
from broker.vocabulary.attribute_sets import AttributeSet

_E = "http://id.elegnamnden.se/"
_S = "http://id.swedenconnect.se/"


class CategoryKind(Enum):
    """How a category takes part in matching (Entity Categories 1.3)."""

    SERVICE_ENTITY = "service-entity"  # at least one of the e-service's is declared by the IdP
    SERVICE_PROPERTY = "service-property"  # all of the e-service's are declared by the IdP
    SERVICE_CONTRACT = "service-contract"  # the IdP's, when it has any, must meet the e-service's
    SERVICE_TYPE = "service-type"  # says what the e-service is; no matching
    GENERAL = "general"  # a meaning of its own; no matching
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """One entity category."""

    uri: CategoryUri
    kind: CategoryKind
    attributes: AttributeSet | None = None
    contexts: tuple[ContextUri, ...] = ()  # what a request means that names no level, strongest first
    deprecated_by: CategoryUri | None = None  # counts as that one in discovery


def _service(
    name: str, attributes: AttributeSet, contexts: tuple[ContextUri, ...], deprecated_by: CategoryUri | None = None
) -> CategoryRow:
    return CategoryRow(
        uri=CategoryUri(name),
        kind=CategoryKind.SERVICE_ENTITY,
        attributes=attributes,
        contexts=contexts,
        deprecated_by=deprecated_by,
    )


def _plain(name: str, kind: CategoryKind) -> CategoryRow:
    return CategoryRow(uri=CategoryUri(name), kind=kind)


LOA3_PNR = CategoryUri(f"{_E}ec/1.0/loa3-pnr")
EIDAS_NATURAL_PERSON = CategoryUri(f"{_E}ec/1.0/eidas-naturalperson")
EIDAS_PNR_DELIVERY = CategoryUri(f"{_E}ec/1.0/eidas-pnr-delivery")
UNCERTIFIED_LOA3_PNR = CategoryUri(f"{_S}ec/sc/uncertified-loa3-pnr")
MOBILE_AUTH = CategoryUri(f"{_E}sprop/1.0/mobile-auth")
SCAL2 = CategoryUri(f"{_E}sprop/1.0/scal2")
SIGNATURE_SERVICE = CategoryUri(f"{_E}st/1.0/sigservice")
PUBLIC_SECTOR = CategoryUri(f"{_E}st/1.0/public-sector-sp")
PRIVATE_SECTOR = CategoryUri(f"{_E}st/1.0/private-sector-sp")
SECURE_AUTHENTICATOR_BINDING = CategoryUri(f"{_S}general-ec/1.0/secure-authenticator-binding")
ACCEPTS_COORDINATION_NUMBER = CategoryUri(f"{_S}general-ec/1.0/accepts-coordination-number")
SUPPORTS_USER_MESSAGE = CategoryUri(f"{_S}general-ec/1.0/supports-user-message")
HIDE_FROM_DISCOVERY = CategoryUri("http://refeds.org/category/hide-from-discovery")

_LOA2 = (c.LOA2, c.UNCERTIFIED_LOA2)
_LOA3 = (c.LOA3, c.UNCERTIFIED_LOA3)
_LOA4 = (c.LOA4,)
_ANY_EIDAS = (
    c.EIDAS_NF_HIGH,
    c.EIDAS_HIGH,
    c.UNCERTIFIED_EIDAS_HIGH,
    c.EIDAS_NF_SUB,
    c.EIDAS_SUB,
    c.UNCERTIFIED_EIDAS_SUB,
    c.EIDAS_NF_LOW,
    c.EIDAS_LOW,
    c.UNCERTIFIED_EIDAS_LOW,
)

# Spec: Entity Categories 2 to 6; the operator's connection rules 3.4; Registry 3.1.3.1
ROWS: tuple[CategoryRow, ...] = (
    _service(f"{_E}ec/1.0/loa2-pnr", sets.PNR_SET, _LOA2),
    _service(LOA3_PNR, sets.PNR_SET, _LOA3),
    _service(f"{_E}ec/1.0/loa4-pnr", sets.PNR_SET, _LOA4),
    _service(EIDAS_NATURAL_PERSON, sets.EIDAS_NATURAL_PERSON, _ANY_EIDAS),
    _service(EIDAS_PNR_DELIVERY, sets.PNR_DELIVERY_SET, ()),
    _service(f"{_S}ec/1.0/loa2-orgid", sets.ORG_PERSON, (c.LOA2, c.LOA2_NONRESIDENT, c.UNCERTIFIED_LOA2)),
    _service(f"{_S}ec/1.0/loa3-orgid", sets.ORG_PERSON, (c.LOA3, c.LOA3_NONRESIDENT, c.UNCERTIFIED_LOA3)),
    _service(f"{_S}ec/1.0/loa4-orgid", sets.ORG_PERSON, (c.LOA4, c.LOA4_NONRESIDENT)),
    _service(f"{_S}ec/1.0/loa2-name", sets.NATURAL_PERSON, (c.LOA2, c.LOA2_NONRESIDENT, c.UNCERTIFIED_LOA2)),
    _service(f"{_S}ec/1.0/loa3-name", sets.NATURAL_PERSON, (c.LOA3, c.LOA3_NONRESIDENT, c.UNCERTIFIED_LOA3)),
    _service(f"{_S}ec/1.0/loa4-name", sets.NATURAL_PERSON, (c.LOA4, c.LOA4_NONRESIDENT)),
    _service(f"{_S}ec/1.0/loa3-hsaid", sets.HSA_ID_SET, (c.LOA3,)),
    _service(f"{_S}ec/sc/uncertified-loa3-hsaid", sets.HSA_ID_SET, (c.UNCERTIFIED_LOA3,)),
    _service(UNCERTIFIED_LOA3_PNR, sets.PNR_SET, (c.UNCERTIFIED_LOA3,), LOA3_PNR),
    _plain(MOBILE_AUTH, CategoryKind.SERVICE_PROPERTY),
    _plain(SCAL2, CategoryKind.SERVICE_PROPERTY),
    _plain(SIGNATURE_SERVICE, CategoryKind.SERVICE_TYPE),
    _plain(PUBLIC_SECTOR, CategoryKind.SERVICE_TYPE),
    _plain(PRIVATE_SECTOR, CategoryKind.SERVICE_TYPE),
    _plain(f"{_S}contract/sc/sweden-connect", CategoryKind.SERVICE_CONTRACT),
    _plain(f"{_S}contract/sc/eid-choice-2017", CategoryKind.SERVICE_CONTRACT),
    _plain(f"{_S}contract/sc/prepaid-auth-2021", CategoryKind.SERVICE_CONTRACT),
    _plain(f"{_S}contract/sc/eid-authorization-system", CategoryKind.SERVICE_CONTRACT),
    _plain(SECURE_AUTHENTICATOR_BINDING, CategoryKind.GENERAL),
    _plain(ACCEPTS_COORDINATION_NUMBER, CategoryKind.GENERAL),
    _plain(SUPPORTS_USER_MESSAGE, CategoryKind.GENERAL),
    _plain(HIDE_FROM_DISCOVERY, CategoryKind.OTHER),
    # Historic, still in old metadata: without meaning now.
    _plain(f"{_E}ec/1.0/loa2-basic", CategoryKind.OTHER),
    _plain(f"{_E}ec/1.0/loa3-bext", CategoryKind.OTHER),
    _plain(f"{_E}ec/1.0/loa3-int", CategoryKind.OTHER),
    _plain(f"{_S}contract/sc/1.0/eidas", CategoryKind.OTHER),  # an example in the specification
)

CATEGORIES: Mapping[CategoryUri, CategoryRow] = {row.uri: row for row in ROWS}

EQUIVALENTS: Mapping[CategoryUri, CategoryUri] = {row.uri: row.deprecated_by for row in ROWS if row.deprecated_by}
"""Deprecated -> current; the two count as one in discovery."""

_KINDS_BY_PREFIX: Mapping[str, CategoryKind] = {
    f"{_E}ec/": CategoryKind.SERVICE_ENTITY,
    f"{_S}ec/": CategoryKind.SERVICE_ENTITY,
    f"{_E}sprop/": CategoryKind.SERVICE_PROPERTY,
    f"{_S}contract/": CategoryKind.SERVICE_CONTRACT,
    f"{_E}st/": CategoryKind.SERVICE_TYPE,
    f"{_S}general-ec/": CategoryKind.GENERAL,
}


def kind_of(uri: CategoryUri) -> CategoryKind:
    """What kind `uri` is; organisations make their own, so an unknown one is told by its prefix."""
    if row := CATEGORIES.get(uri):
        return row.kind
    return next((kind for prefix, kind in _KINDS_BY_PREFIX.items() if uri.startswith(prefix)), CategoryKind.OTHER)


def implied_contexts(categories: Iterable[CategoryUri]) -> tuple[ContextUri, ...]:
    """The levels that an e-service with `categories` means when its request names none; in table order, once each.

    Nothing is left out because this broker may not assert it: what remained would be a lower promise than the
    categories make, and an empty rest would let the default in.
    """
    declared = set(categories)
    return tuple(dict.fromkeys(uri for row in ROWS if row.uri in declared for uri in row.contexts))
