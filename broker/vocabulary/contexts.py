"""Every AuthnContextClassRef we know: what it means, who may issue it.

Which of them a broker may assert for what it received is `context_rules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from broker.core.login import ContextUri

_E = "http://id.elegnamnden.se/loa/1.0/"
_S = "http://id.swedenconnect.se/loa/1.0/"
_EU = "http://eidas.europa.eu/"


class Scheme(Enum):
    """Families of levels. There is no order between families: the same digit does not mean the same."""

    SWEDISH = "swedish"  # reviewed by Digg
    NONRESIDENT = "nonresident"  # Swedish strength; the holder has no Swedish number
    UNCERTIFIED = "uncertified"  # self-declared equivalent
    EIDAS = "eidas"  # from the official connector; scheme notified or not
    EIDAS_NOTIFIED = "eidas-notified"  # from the official connector; scheme notified
    UNCERTIFIED_EIDAS = "uncertified-eidas"  # what a proxy says after an eIDAS level
    EU_NODE = "eu-node"  # between eIDAS nodes only
    SIGN_MESSAGE = "sign-message"  # retired: "and the sign message was shown"


class Issuer(Enum):
    """Who may put a context into an assertion."""

    NOBODY = "nobody"
    REVIEWED = "reviewed"  # an IdP that Digg reviewed for the level
    EMPLOYEE_EID = "employee-eid"  # a level-certified issuer of employee eIDs
    ANYONE = "anyone"  # with an explanation to the operator
    CONNECTOR = "connector"  # the official Swedish eIDAS connector
    PROXY = "proxy"  # a proxy IdP that got the level from the connector
    EIDAS_NODE = "eidas-node"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRow:
    """One AuthnContextClassRef."""

    uri: ContextUri
    scheme: Scheme
    level: int  # strength within the scheme: Swedish 1 to 4; eIDAS 1 low, 2 substantial, 3 high
    issuer: Issuer

    @property
    def retired(self) -> bool:
        """Whether nobody may issue it any more; still seen declared, never asked for nor asserted."""
        return self.issuer is Issuer.NOBODY


def _of(scheme: Scheme, issuer: Issuer, prefix: str, names: Mapping[str, int]) -> tuple[ContextRow, ...]:
    return tuple(
        ContextRow(uri=ContextUri(prefix + name), scheme=scheme, level=level, issuer=issuer)
        for name, level in names.items()
    )


# Spec: Registry 3.1.1; strongest first within a scheme
ROWS: tuple[ContextRow, ...] = (
    *_of(Scheme.SWEDISH, Issuer.REVIEWED, _E, {"loa4": 4, "loa3": 3, "loa2": 2}),
    *_of(Scheme.SWEDISH, Issuer.NOBODY, _E, {"loa1": 1}),  # not used in the federation
    *_of(
        Scheme.NONRESIDENT,
        Issuer.EMPLOYEE_EID,
        _S,
        {"loa4-nonresident": 4, "loa3-nonresident": 3, "loa2-nonresident": 2},
    ),
    *_of(Scheme.UNCERTIFIED, Issuer.ANYONE, _S, {"uncertified-loa3": 3, "uncertified-loa2": 2}),
    *_of(Scheme.EIDAS_NOTIFIED, Issuer.CONNECTOR, _E, {"eidas-nf-high": 3, "eidas-nf-sub": 2, "eidas-nf-low": 1}),
    *_of(Scheme.EIDAS, Issuer.CONNECTOR, _E, {"eidas-high": 3, "eidas-sub": 2, "eidas-low": 1}),
    *_of(
        Scheme.UNCERTIFIED_EIDAS,
        Issuer.PROXY,
        _S,
        {"uncertified-eidas-high": 3, "uncertified-eidas-sub": 2, "uncertified-eidas-low": 1},
    ),
    *_of(Scheme.EU_NODE, Issuer.EIDAS_NODE, f"{_EU}LoA/", {"high": 3, "substantial": 2, "low": 1, "test": 0}),
    *_of(Scheme.EU_NODE, Issuer.EIDAS_NODE, f"{_EU}NotNotified/LoA/", {"high": 3, "substantial": 2, "low": 1}),
    *_of(Scheme.EU_NODE, Issuer.EIDAS_NODE, f"{_EU}LoA/NotNotified/", {"high": 3, "substantial": 2, "low": 1}),
    *_of(
        Scheme.SIGN_MESSAGE,
        Issuer.NOBODY,
        _E,
        {
            "loa4-sigmessage": 4,
            "loa3-sigmessage": 3,
            "loa2-sigmessage": 2,
            "eidas-nf-high-sigm": 3,
            "eidas-high-sigm": 3,
            "eidas-nf-sub-sigm": 2,
            "eidas-sub-sigm": 2,
            "eidas-nf-low-sigm": 1,
            "eidas-low-sigm": 1,
        },
    ),
    *_of(Scheme.SIGN_MESSAGE, Issuer.NOBODY, _S, {"uncertified-loa3-sigmessage": 3}),
)

CONTEXTS: Mapping[ContextUri, ContextRow] = {row.uri: row for row in ROWS}

LOA4, LOA3, LOA2 = (ContextUri(f"{_E}loa{level}") for level in (4, 3, 2))
LOA4_NONRESIDENT, LOA3_NONRESIDENT, LOA2_NONRESIDENT = (
    ContextUri(f"{_S}loa{level}-nonresident") for level in (4, 3, 2)
)
UNCERTIFIED_LOA3, UNCERTIFIED_LOA2 = (ContextUri(f"{_S}uncertified-loa{level}") for level in (3, 2))
EIDAS_NF_HIGH, EIDAS_NF_SUB, EIDAS_NF_LOW = (ContextUri(f"{_E}eidas-nf-{level}") for level in ("high", "sub", "low"))
EIDAS_HIGH, EIDAS_SUB, EIDAS_LOW = (ContextUri(f"{_E}eidas-{level}") for level in ("high", "sub", "low"))
UNCERTIFIED_EIDAS_HIGH, UNCERTIFIED_EIDAS_SUB, UNCERTIFIED_EIDAS_LOW = (
    ContextUri(f"{_S}uncertified-eidas-{level}") for level in ("high", "sub", "low")
)

CONNECTOR_ONLY: frozenset[ContextUri] = frozenset(row.uri for row in ROWS if row.issuer is Issuer.CONNECTOR)
"""Levels that count only from the official Swedish eIDAS connector, whoever else declares them (Registry 3.1.1)."""

REVIEWED: frozenset[ContextUri] = frozenset(
    row.uri for row in ROWS if row.scheme in (Scheme.SWEDISH, Scheme.NONRESIDENT)
)
"""Levels whose names belong to providers that were reviewed for them (Registry 3.1.1)."""

NONRESIDENT: frozenset[ContextUri] = frozenset(row.uri for row in ROWS if row.scheme is Scheme.NONRESIDENT)
"""Levels that must not come with a personalIdentityNumber (Registry 3.1.1.1)."""

FOREIGN: frozenset[ContextUri] = frozenset(
    row.uri for row in ROWS if row.scheme in (Scheme.EIDAS, Scheme.EIDAS_NOTIFIED, Scheme.UNCERTIFIED_EIDAS)
)
"""Levels of a foreign eID: the eIDAS attribute set comes with them."""
