"""Which upstreams can serve a request, and why not the others. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from broker.core.login import CategoryUri, ContextUri, WantedAttribute
from broker.core.parties import EService, Upstream
from broker.core.person import AttributeKey


class Exclusion(Enum):
    """Why an upstream is not offered; shown by `broker explain` and, in words, to the citizen who asks."""

    CANNOT_REACH_ASSURANCE = "cannot-reach-assurance"
    NOT_IN_IDP_LIST = "not-in-idp-list"
    NOT_ALLOWED = "not-allowed-for-e-service"
    NO_COMMON_CATEGORY = "no-common-category"
    LACKS_PROPERTY = "lacks-service-property"
    NO_COMMON_CONTRACT = "no-common-contract"
    CANNOT_DELIVER_REQUIRED = "cannot-deliver-required-attribute"
    HIDDEN = "hidden-from-discovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One upstream that can serve the request, and what would be asked of it."""

    upstream: Upstream
    contexts: tuple[ContextUri, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """One upstream that cannot, with the first rule that excluded it and what it compared."""

    upstream: Upstream
    reason: Exclusion
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Everything discovery knows: the offers in the directory's stable order, and the rest with reasons."""

    offers: tuple[Offer, ...]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTables:
    """What discovery must know about category URIs, attributes and country aliases."""

    is_service_entity: Callable[[CategoryUri], bool]
    is_service_property: Callable[[CategoryUri], bool]
    is_service_contract: Callable[[CategoryUri], bool]
    equivalents: Mapping[CategoryUri, CategoryUri]  # deprecated -> the one that it counts as
    attributes: Mapping[CategoryUri, frozenset[AttributeKey]]  # service entity category -> what it stands for
    country_of: Callable[[str], str | None]  # a country alias of Scoping/IDPList -> ISO code
    own_contracts: frozenset[CategoryUri]  # agreements that hold for every e-service of this broker


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """The e-service's side of the comparison."""

    e_service: EService
    accepted: tuple[ContextUri, ...]
    idp_list: tuple[str, ...]
    required: tuple[AttributeKey, ...]
    tables: MatchTables


def decide_offers(
    *,
    e_service: EService,
    accepted: tuple[ContextUri, ...],
    idp_list: tuple[str, ...],
    wanted: tuple[WantedAttribute, ...],
    upstreams: Sequence[Upstream],
    askable: Callable[[Upstream], tuple[ContextUri, ...]],
    tables: MatchTables,
) -> Choice:
    """Sort `upstreams` into offers and excluded, both in the given order.

    The level is looked at first, so that "nobody reaches the level" is told apart from "those who do are not for
    you". An upstream without any category is not excluded by category matching; an e-service without a service
    entity category meets every one.

    Spec: Entity Categories 1.3 and 1.4; Deployment Profile 5.3.2 and 6.2.1.
    """
    wishes = _Wishes(
        e_service=e_service,
        accepted=accepted,
        idp_list=idp_list,
        required=tuple(attribute.key for attribute in wanted if attribute.required),
        tables=tables,
    )
    offers: list[Offer] = []
    excluded: list[Excluded] = []
    for upstream in upstreams:
        contexts = askable(upstream)
        found = _why_not(upstream, contexts, wishes)
        if found is None:
            offers.append(Offer(upstream=upstream, contexts=contexts))
        else:
            reason, detail = found
            excluded.append(Excluded(upstream=upstream, reason=reason, detail=detail))
    return Choice(offers=tuple(offers), excluded=tuple(excluded))


def _why_not(upstream: Upstream, contexts: tuple[ContextUri, ...], wishes: _Wishes) -> tuple[Exclusion, str] | None:
    if not contexts:
        return Exclusion.CANNOT_REACH_ASSURANCE, f"accepted {_list(wishes.accepted)}; it has {_list(upstream.contexts)}"
    allowed = wishes.e_service.allowed_upstreams
    if allowed is not None and upstream.entity_id not in allowed:
        return Exclusion.NOT_ALLOWED, "not among the upstreams chosen for this e-service"
    named = _is_named(upstream, wishes)
    if wishes.idp_list and not named:
        return Exclusion.NOT_IN_IDP_LIST, f"the request lists {_list(wishes.idp_list)}"
    if upstream.categories_known and (found := _category_mismatch(upstream, wishes)):
        return found
    if missing := [key for key in wishes.required if _cannot_deliver(upstream, key, wishes.tables)]:
        return Exclusion.CANNOT_DELIVER_REQUIRED, f"no category of it delivers {_list(missing)}"
    if upstream.hidden and not named:
        return Exclusion.HIDDEN, "offered only when the request names it"
    return None


def _is_named(upstream: Upstream, wishes: _Wishes) -> bool:
    """Whether IDPList names it: by entityID, or the eIDAS connector by a country."""
    return upstream.entity_id in wishes.idp_list or (
        upstream.eidas_connector and any(wishes.tables.country_of(listed) for listed in wishes.idp_list)
    )


def _category_mismatch(upstream: Upstream, wishes: _Wishes) -> tuple[Exclusion, str] | None:
    tables = wishes.tables
    consuming = _current(wishes.e_service.categories, tables)
    providing = _current(upstream.categories, tables)
    services = frozenset(filter(tables.is_service_entity, consuming))
    if services and services.isdisjoint(providing):
        offered = filter(tables.is_service_entity, providing)
        return Exclusion.NO_COMMON_CATEGORY, f"the e-service has {_list(services)}; it has {_list(offered)}"
    if lacking := frozenset(filter(tables.is_service_property, consuming)) - providing:
        return Exclusion.LACKS_PROPERTY, f"it lacks {_list(lacking)}"
    contracts = frozenset(filter(tables.is_service_contract, providing))
    if contracts and contracts.isdisjoint(consuming | tables.own_contracts):
        return Exclusion.NO_COMMON_CONTRACT, f"it serves {_list(contracts)} only"
    return None


def _cannot_deliver(upstream: Upstream, key: AttributeKey, tables: MatchTables) -> bool:
    """Whether its categories rule `key` out. An attribute that no category is about may come from anybody."""
    services = frozenset(filter(tables.is_service_entity, _current(upstream.categories, tables)))
    if not services or not services <= tables.attributes.keys():
        return False  # a stranger, or a category of somebody's own: we cannot know
    if any(key in tables.attributes[service] for service in services):
        return False
    return any(key in keys for keys in tables.attributes.values())


def _current(categories: frozenset[CategoryUri], tables: MatchTables) -> frozenset[CategoryUri]:
    return frozenset(tables.equivalents.get(category, category) for category in categories)


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"
