"""Which attributes leave, by which rule, and why the others stay. Default deny. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from broker.core.decision import Released, Withheld
from broker.core.errors import AssertionUnacceptable, CoordinationNumberNotAccepted, RequiredAttributeMissing
from broker.core.login import CategoryUri, ContextUri, WantedAttribute
from broker.core.parties import EService
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.subject import MAPPED_PNR, PNR

REQUESTED = "requested attribute"
TRANSACTION = "transaction data"
NOT_ASKED = "not asked for"
NO_AGREEMENT = "requested outside the categories, without an agreement"
NEVER_RELAYED = "holds only between its issuer and its addressee"
NO_NUMBER_WITH_NONRESIDENT = "no Swedish number with a nonresident level"
UNBOUND = "a mapped number counts only with its binding"
BOUND = "belongs to the mapped number"
OUTSIDE_OUR_SCOPES = "not a scope of this broker"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTables:
    """What release must know about categories, attributes and levels."""

    attributes: Mapping[CategoryUri, tuple[AttributeKey, ...]]  # service entity category -> its attribute set
    transaction: frozenset[AttributeKey]  # may leave unasked
    never: frozenset[AttributeKey]  # stays here whoever asks
    numbers: frozenset[AttributeKey]  # Swedish numbers
    nonresident: frozenset[ContextUri]
    accepts_coordination_number: CategoryUri  # the e-service's opt-in
    is_coordination_number: Callable[[str], bool]
    binding: AttributeKey  # what makes a mapped number count
    scoped: frozenset[AttributeKey]
    scopes: frozenset[str] | None  # those we publish; None: not limited


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasable:
    """One attribute that would leave when an upstream delivers it, and the rule that would let it."""

    key: AttributeKey
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Everything delivered, on one side or the other, in the order it was delivered."""

    released: tuple[Released, ...]
    withheld: tuple[Withheld, ...]


def releasable(
    *, e_service: EService, wanted: tuple[WantedAttribute, ...], tables: ReleaseTables
) -> tuple[Releasable, ...]:
    """What `e_service` would get, whoever authenticates: each attribute once, by the first rule that lets it.

    An e-service that came with a federation feed has no agreement with us, so its RequestedAttributes count only
    inside the sets of its categories.

    Spec: Deployment Profile 6.2.1; the operator's connection rules 2.3.2.
    """
    rules: dict[AttributeKey, str] = {}
    for category in sorted(e_service.categories):
        for key in tables.attributes.get(category, ()):
            rules.setdefault(key, f"category {category}")
    if not e_service.from_feed:
        for attribute in wanted:
            rules.setdefault(attribute.key, REQUESTED)
    if MAPPED_PNR in rules:
        rules.setdefault(tables.binding, BOUND)
    for key in sorted(tables.transaction):
        rules.setdefault(key, TRANSACTION)
    return tuple(Releasable(key=key, rule=rule) for key, rule in rules.items() if key not in tables.never)


def decide_release(
    *,
    person: AuthenticatedPerson,
    context: ContextUri,
    e_service: EService,
    wanted: tuple[WantedAttribute, ...],
    tables: ReleaseTables,
) -> Release:
    """Sort what the upstream delivered into what leaves and what stays. `context` is the level we are to assert.

    What the e-service's categories promise and the upstream did not deliver is no error; a RequestedAttribute that
    is required is.

    Raises:
        AssertionUnacceptable: a nonresident level came with a personalIdentityNumber, which the scheme forbids.
        CoordinationNumberNotAccepted: the number would leave, is a coordination number, and nobody opted in.
        RequiredAttributeMissing: a required attribute was not delivered, or may not leave.

    Spec: Deployment Profile 6.2.1; Registry 3.1.1.1; Entity Categories 6.2.
    """
    nonresident = not tables.nonresident.isdisjoint((context, ContextUri(person.context)))
    if nonresident and PNR in person.attributes:
        raise AssertionUnacceptable(f"{person.upstream}: a personalIdentityNumber with a nonresident level")
    rules = {row.key: row.rule for row in releasable(e_service=e_service, wanted=wanted, tables=tables)}
    requested = {attribute.key for attribute in wanted}
    released: list[Released] = []
    withheld: list[Withheld] = []
    for key, delivered in person.attributes.items():
        values = _within_our_scopes(key, delivered, tables)
        if why := _why_withheld(key, values, person, tables, nonresident=nonresident):
            withheld.append(Withheld(key=key, rule=why))
        elif key in rules:
            released.append(Released(key=key, values=values, rule=rules[key]))
        else:
            withheld.append(Withheld(key=key, rule=NO_AGREEMENT if key in requested else NOT_ASKED))
    _check_coordination_number(released, e_service, tables)
    present = {attribute.key for attribute in released}
    if missing := sorted(attribute.key for attribute in wanted if attribute.required and attribute.key not in present):
        raise RequiredAttributeMissing(f"{person.upstream} for {e_service.entity_id}: {', '.join(missing)}")
    return Release(released=tuple(released), withheld=tuple(withheld))


def _why_withheld(
    key: AttributeKey,
    values: tuple[str, ...],
    person: AuthenticatedPerson,
    tables: ReleaseTables,
    *,
    nonresident: bool,
) -> str | None:
    """The rule that keeps `key` here whoever asks for it."""
    if key in tables.never:
        return NEVER_RELAYED
    if nonresident and key in tables.numbers:
        return NO_NUMBER_WITH_NONRESIDENT
    if key == MAPPED_PNR and tables.binding not in person.attributes:
        return UNBOUND
    if not values:
        return OUTSIDE_OUR_SCOPES
    return None


def _within_our_scopes(key: AttributeKey, values: tuple[str, ...], tables: ReleaseTables) -> tuple[str, ...]:
    """A receiver may accept scoped values from us only within the scopes that we publish, so others stay here."""
    if tables.scopes is None or key not in tables.scoped:
        return values
    return tuple(value for value in values if value.rpartition("@")[2] in tables.scopes)


def _check_coordination_number(released: list[Released], e_service: EService, tables: ReleaseTables) -> None:
    """The opt-in is about personalIdentityNumber alone: a mapped or previous number may be of either kind."""
    if tables.accepts_coordination_number in e_service.categories:
        return
    if any(
        attribute.key == PNR and any(map(tables.is_coordination_number, attribute.values)) for attribute in released
    ):
        raise CoordinationNumberNotAccepted(f"{e_service.entity_id} has not opted in")
