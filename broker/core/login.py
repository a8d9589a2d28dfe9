"""A login as the broker understands it, free of SAML and HTTP."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NewType

from broker.core.person import AttributeKey

EntityId = NewType("EntityId", str)
ContextUri = NewType("ContextUri", str)  # the value of an AuthnContextClassRef
CategoryUri = NewType("CategoryUri", str)  # a value of the entity-category attribute
LoginId = NewType("LoginId", str)  # 160 random bits; also the RelayState we send upstream
Reference = NewType("Reference", str)  # short, shown to the citizen and written to every log line of the login


class NameIdKind(Enum):
    """The two NameID formats of the profile (Deployment Profile 3)."""

    PERSISTENT = "persistent"
    TRANSIENT = "transient"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAttribute:
    """One RequestedAttribute of the e-service's selected AttributeConsumingService that the catalogue knows."""

    key: AttributeKey
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalHint:
    """One MatchValue of PrincipalSelection: who the e-service expects. Personal data; never logged."""

    key: AttributeKey
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAddress:
    """Where, and to what, an answer goes. `answer_url` is always taken from the e-service's metadata."""

    login_id: LoginId
    reference: Reference
    e_service: EntityId
    answer_url: str
    request_id: str
    relay_state: str | None
    is_passive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """An AuthnRequest that we will not serve, although its sender can be told.

    For a bad signature nothing but the issuer's registered ACS is believed; `to.request_id` and
    `to.relay_state` are then the stranger's words, returned to the registered address only.
    """

    to: AnswerAddress
    code: str
    detail: str  # for the log


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What one e-service asked for.

    Existence is the proof: only the SAML reader builds this, and only after the
    signature, Destination and ACS were accepted. Nobody re-checks it later.
    """

    login_id: LoginId
    reference: Reference
    e_service: EntityId
    request_id: str  # AuthnRequest/@ID, returned as InResponseTo
    answer_url: str  # chosen from the e-service's metadata, never echoed from the wire
    relay_state: str | None  # opaque to us; returned unchanged
    accepted: tuple[ContextUri, ...]  # as asked, in the e-service's order; empty means nothing was asked
    idp_list: tuple[str, ...]  # Scoping/IDPList: entityIDs and country aliases; empty means "any"
    requester_ids: tuple[str, ...]  # Scoping/RequesterID, nearest last; unverified
    proxy_count: int | None  # Scoping/ProxyCount; None: not limited
    force_authn: bool
    is_passive: bool
    name_id: NameIdKind
    wanted_attributes: tuple[WantedAttribute, ...]
    principal: tuple[PrincipalHint, ...]
    received_at: datetime  # aware, UTC

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise ValueError("received_at must carry a time zone")

    @property
    def address(self) -> AnswerAddress:
        """Where the answer to this request goes."""
        return AnswerAddress(
            login_id=self.login_id,
            reference=self.reference,
            e_service=self.e_service,
            answer_url=self.answer_url,
            request_id=self.request_id,
            relay_state=self.relay_state,
            is_passive=self.is_passive,
        )
