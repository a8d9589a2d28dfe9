"""Which levels a broker may assert for which it received: one rule table per role of the broker.

Spec: Registry 3.1.1.2 (proxy IdP); the operator's connection rules 1.2.3, 1.3.1, 3.3; `contract.md` for the roles.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType

from broker.core.assurance import AssuranceRules
from broker.core.errors import ConfigRejected
from broker.core.login import ContextUri
from broker.vocabulary.contexts import CONTEXTS, ROWS, ContextRow, Issuer, Scheme

RuleChanges = Mapping[ContextUri, tuple[ContextUri, ...]]
"""Delivered by upstream -> everything that may be asserted for it instead of the role's row; empty removes the row."""


class Role(Enum):
    """What the broker is, and so which level names it may use downstream."""

    HUB = "hub"  # serves one legal entity; an SP and no IdP in the federation
    PUBLISHED = "published"  # a proxy IdP in the federation, not reviewed
    REVIEWED = "reviewed"  # a proxy IdP in the federation, reviewed up to a level


REVIEWED_LEVELS = (2, 3, 4)

_TABLE_ORDER = {row.uri: position for position, row in enumerate(ROWS)}
_FROM_CONNECTOR = (Scheme.EIDAS_NOTIFIED, Scheme.EIDAS)
_EIDAS = (*_FROM_CONNECTOR, Scheme.UNCERTIFIED_EIDAS)
_ASKABLE = (Scheme.SWEDISH, Scheme.NONRESIDENT, Scheme.UNCERTIFIED, *_EIDAS)


def rules_for(
    role: Role,
    *,
    reviewed_level: int | None = None,
    relay_eidas_names: bool = False,
    nonresident_agreement: bool = False,
    changes: RuleChanges = MappingProxyType({}),
) -> AssuranceRules:
    """The rule table of a broker in `role`, strongest delivered level first.

    `reviewed_level` and `nonresident_agreement` are for `reviewed` only, `relay_eidas_names` for a `hub` only.

    Raises:
        ConfigRejected: with every setting that does not go together and every change that says too much.
    """
    problems = [*_setting_problems(role, reviewed_level, relay_eidas_names, nonresident_agreement)]
    level = reviewed_level or max(REVIEWED_LEVELS)
    rules = {
        row.uri: asserted
        for row in sorted(ROWS, key=_strength)
        if not row.retired
        and (asserted := _standard_row(row, role, level, relay=relay_eidas_names, nonresident=nonresident_agreement))
    }
    for delivered, changed in changes.items():
        standard = rules.get(delivered, ())
        found = list(_change_problems(delivered, changed, standard, role, relay=relay_eidas_names))
        problems += found
        if not found:
            rules[delivered] = tuple(sorted(set(changed), key=_TABLE_ORDER.__getitem__))
    if problems:
        raise ConfigRejected(tuple(problems))
    return MappingProxyType({delivered: row for delivered, row in rules.items() if row})


def assertable(rules: AssuranceRules) -> tuple[ContextUri, ...]:
    """Every level that `rules` may ever assert, in table order; for our metadata's assurance-certification."""
    return tuple(sorted({uri for row in rules.values() for uri in row}, key=_TABLE_ORDER.__getitem__))


def loa3_and_above(rules: AssuranceRules) -> tuple[ContextUri, ...]:
    """The levels of strength 3 or more that this broker may assert about holders of a Swedish eID, strongest first.

    Reviewed names where there are any, else the uncertified ones: the two are not equivalent, so an e-service that
    would take both has to say so, by its request or its categories.
    """
    strong = [CONTEXTS[uri] for uri in assertable(rules) if CONTEXTS[uri].level >= 3]
    for scheme in (Scheme.SWEDISH, Scheme.UNCERTIFIED):
        if found := tuple(row.uri for row in strong if row.scheme is scheme):
            return found
    return ()


def _strength(row: ContextRow) -> tuple[bool, int, int]:
    """Swedish families before eIDAS ones, each strongest first: an order to list by, never one to decide by."""
    return row.scheme in _EIDAS, -row.level, _TABLE_ORDER[row.uri]


def _standard_row(
    row: ContextRow, role: Role, reviewed_level: int, *, relay: bool, nonresident: bool
) -> tuple[ContextUri, ...]:
    if row.scheme in _FROM_CONNECTOR and relay and role is Role.HUB:
        return _weaker_from_connector(row)
    if row.scheme in _EIDAS:
        # Notified or not is lost on the way through a proxy.
        return _at_most(Scheme.UNCERTIFIED_EIDAS, row.level)
    if row.scheme not in _ASKABLE:
        return ()
    if role is Role.HUB:
        return (row.uri,)
    if role is Role.PUBLISHED:
        # No number may come with a nonresident level, and whoever takes uncertified-loa3 expects one.
        return () if row.scheme is Scheme.NONRESIDENT else _at_most(Scheme.UNCERTIFIED, row.level)
    if row.scheme is Scheme.UNCERTIFIED:
        return (row.uri,)
    if row.scheme is Scheme.NONRESIDENT and not nonresident:
        return ()
    return _at_most(row.scheme, min(row.level, reviewed_level))[:1]


def _at_most(scheme: Scheme, level: int) -> tuple[ContextUri, ...]:
    """The names of `scheme` up to `level`, strongest first."""
    return tuple(row.uri for row in ROWS if row.scheme is scheme and row.level <= level and not row.retired)


def _weaker_from_connector(row: ContextRow) -> tuple[ContextUri, ...]:
    """What the connector itself would answer for `row`: per level the notified name, then the general one.

    Spec: the order of the Swedish eIDAS connector 2.1.0.
    """
    names: list[ContextUri] = []
    for level in range(row.level, 0, -1):
        for other in ROWS:
            notified_enough = other.scheme is Scheme.EIDAS or row.scheme is Scheme.EIDAS_NOTIFIED
            if other.scheme in _FROM_CONNECTOR and other.level == level and notified_enough:
                names.append(other.uri)
    return tuple(names)


def _setting_problems(
    role: Role, reviewed_level: int | None, relay_eidas_names: bool, nonresident_agreement: bool
) -> Iterable[str]:
    if role is Role.REVIEWED and reviewed_level not in REVIEWED_LEVELS:
        yield 'assurance "reviewed" needs reviewed_level 2, 3 or 4'
    if role is not Role.REVIEWED and reviewed_level is not None:
        yield f'reviewed_level has no meaning with assurance "{role.value}"'
    if role is not Role.REVIEWED and nonresident_agreement:
        yield f'the nonresident agreement has no meaning with assurance "{role.value}"'
    if role is not Role.HUB and relay_eidas_names:
        yield f'assurance "{role.value}" never relays the official eIDAS names'


def _change_problems(
    delivered: ContextUri, changed: tuple[ContextUri, ...], standard: tuple[ContextUri, ...], role: Role, *, relay: bool
) -> Iterable[str]:
    got = CONTEXTS.get(delivered)
    if got is None or got.scheme not in _ASKABLE or got.retired:
        yield f"rule for {delivered}: no level that an upstream can deliver"
        return
    for uri in changed:
        said = CONTEXTS.get(uri)
        if uri in standard:
            continue
        if said is None or said.retired:
            yield f"rule for {delivered}: {uri} is no level that may be asserted"
        elif role is not Role.HUB or (said.issuer is Issuer.CONNECTOR and not relay):
            yield f'rule for {delivered}: assurance "{role.value}" does not allow {uri}'
        elif not _is_weaker(said, got):
            yield f"rule for {delivered}: {uri} says more than was delivered, or something else"


# What a level of one scheme contains of another: never a review, a notified scheme or a number that was not there.
_CONTAINS: Mapping[Scheme, tuple[Scheme, ...]] = {
    Scheme.SWEDISH: (Scheme.SWEDISH, Scheme.UNCERTIFIED),
    Scheme.NONRESIDENT: (Scheme.NONRESIDENT,),
    Scheme.UNCERTIFIED: (Scheme.UNCERTIFIED,),
    Scheme.EIDAS_NOTIFIED: (Scheme.EIDAS_NOTIFIED, Scheme.EIDAS, Scheme.UNCERTIFIED_EIDAS),
    Scheme.EIDAS: (Scheme.EIDAS, Scheme.UNCERTIFIED_EIDAS),
    Scheme.UNCERTIFIED_EIDAS: (Scheme.UNCERTIFIED_EIDAS,),
}


def _is_weaker(said: ContextRow, got: ContextRow) -> bool:
    """Whether asserting `said` for `got` claims nothing that was not delivered."""
    return said.scheme in _CONTAINS[got.scheme] and said.level <= got.level
