"""Decide which assurance levels to ask for, and which one the broker may assert. Pure; no I/O, no clock.

Levels of different schemes have no common scale, and Sweden Connect demands exact matching, so "higher" is no
arithmetic here: it is a rule table (`vocabulary/context_rules.py`).
"""

from collections.abc import Mapping, Sequence

from broker.core.errors import AssuranceNotDeclared, AssuranceNotMet
from broker.core.login import ContextUri
from broker.core.parties import Upstream

AssuranceRules = Mapping[ContextUri, tuple[ContextUri, ...]]
"""Delivered by upstream -> what we may assert for it, strongest first. Keys are strongest first too."""


def decide_assurance(
    *,
    delivered: ContextUri,
    accepted: Sequence[ContextUri],
    rules: AssuranceRules,
) -> ContextUri:
    """The AuthnContextClassRef to put in our assertion.

    The e-service's list is matched exactly and its order wins; an empty list means the strongest we may assert.

    Raises:
        AssuranceNotMet: nothing we may assert for `delivered` was asked for.

    Spec: Sweden Connect Deployment Profile 5.4.4; Registry 3.1.1.2 (proxy IdP).
    """
    assertable = rules.get(delivered, ())
    for uri in accepted or assertable:
        if uri in assertable:
            return uri
    raise AssuranceNotMet(f"delivered {delivered}, may assert {assertable}, accepted {tuple(accepted)}")


def decide_accepted(
    *, asked: Sequence[ContextUri], implied: Sequence[ContextUri], default: Sequence[ContextUri]
) -> tuple[ContextUri, ...]:
    """What the e-service accepts: what it asked for, else what its categories imply, else the configured default."""
    return tuple(dict.fromkeys(asked or implied or default))


def decide_asked(
    *,
    accepted: Sequence[ContextUri],
    upstream: Upstream,
    rules: AssuranceRules,
    connector_only: frozenset[ContextUri],
) -> tuple[ContextUri, ...]:
    """What to list in RequestedAuthnContext upstream: every level it may assert that satisfies the e-service.

    Strongest first; empty means that this upstream cannot serve the request. Of eIDAS levels the higher ones are
    listed as well, because a country that only has "high" is not selectable otherwise.

    Spec: Deployment Profile 5.3.1 and 6.2.1.
    """
    wanted = set(accepted)
    return tuple(
        delivered
        for delivered, assertable in rules.items()
        if delivered in upstream.contexts
        and (upstream.eidas_connector or delivered not in connector_only)
        and not wanted.isdisjoint(assertable)
    )


def check_delivered(
    *,
    delivered: ContextUri,
    asked: Sequence[ContextUri],
    upstream: Upstream,
    connector_only: frozenset[ContextUri],
) -> None:
    """Raise unless the level is one that this upstream may assert and that we asked it for.

    Raises:
        AssuranceNotDeclared: the upstream does not declare the level and nobody vouched for it, or the level is
            reserved to the eIDAS connector.
        AssuranceNotMet: it is not among those we asked for.

    Spec: Deployment Profile 6.3.4; Registry 3.1.1 (authority comes from assurance-certification).
    """
    if delivered not in upstream.contexts:
        raise AssuranceNotDeclared(f"{upstream.entity_id} delivered {delivered}, which it does not declare")
    if delivered in connector_only and not upstream.eidas_connector:
        raise AssuranceNotDeclared(f"{upstream.entity_id} delivered {delivered}, reserved to the eIDAS connector")
    if delivered not in asked:
        raise AssuranceNotMet(f"{upstream.entity_id} delivered {delivered}, asked {tuple(asked)}")
