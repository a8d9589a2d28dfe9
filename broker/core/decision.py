"""How a login ends: granted with exactly these facts, or refused with this code."""

from dataclasses import dataclass
from datetime import datetime

from broker.core.login import ContextUri, EntityId, NameIdKind
from broker.core.person import AttributeKey

GRANTED = "granted"  # stands where a refusal has its code


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One attribute that leaves, and the rule that let it."""

    key: AttributeKey
    values: tuple[str, ...]
    rule: str  # for example "category http://id.elegnamnden.se/ec/1.0/loa3-pnr" or "requested attribute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """One attribute that the upstream delivered and that stays here, by name, never by value."""

    key: AttributeKey
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginGranted:
    """Everything the Response needs, decided."""

    upstream: EntityId
    delivered: ContextUri
    context: ContextUri  # the AuthnContextClassRef to assert
    authenticated_at: datetime  # upstream's AuthnInstant
    authorities: tuple[str, ...]  # AuthenticatingAuthority to write: upstream's entityID, then what it listed
    name_id: str
    name_id_kind: NameIdKind
    released: tuple[Released, ...]
    withheld: tuple[Withheld, ...]
    country: str | None
    upstream_assertion_id: str
    person_pseudonym: str  # keyed, for audit and statistics only; never leaves to a peer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRefused:
    """A failure that the e-service is told. `code` is a class of core.errors."""

    code: str
    upstream_status: tuple[str, ...] = ()  # SAML status codes as the upstream sent them, for support
