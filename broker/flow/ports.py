"""What a login needs from the outside, as promises. Each has one contract suite that every implementation passes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.core.login import ContextUri, LoginId, LoginRequest, RefusedRequest
from broker.core.parties import EService, Upstream
from broker.core.person import AuthenticatedPerson
from broker.core.state import LoginState, UpstreamPending
from broker.flow.events import AuditEvent
from broker.messages.assertion import ErrorPlan, ResponsePlan, UpstreamStatus, WrittenMessage
from broker.messages.entity import EntityRecord
from broker.messages.inbound import Binding, InboundMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A login state and the version it was read at."""

    state: LoginState
    version: int


class LoginStore(Protocol):
    """Logins in flight; encrypted at rest; each entry is gone after its state's `expires_at`.

    Every method raises StoreUnavailable when the store does not answer.
    """

    def add(self, state: LoginState) -> None:
        """Store a new login. An id that exists already is a programming error (ValueError)."""
        ...

    def find(self, login_id: LoginId, now: datetime) -> Stored | None:
        """The current state, or None when unknown, expired or unreadable."""
        ...

    def move(self, seen: Stored, new: LoginState) -> bool:
        """Replace `seen` by `new`; False, and nothing changed, when somebody else moved first."""
        ...


class SeenIds(Protocol):
    """Message IDs already used, for all workers and nodes."""

    def claim(self, scope: str, message_id: str, until: datetime) -> bool:
        """True for exactly one caller. `until` lies past the last moment the message is accepted, skew included."""
        ...


class AuditLog(Protocol):
    """Append-only, hash-chained, durable."""

    def record(self, event: AuditEvent) -> None:
        """Store `event`. Raises AuditUnavailable when it is not durably stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EServicePeer:
    """An active e-service: what policy sees and what the wire needs. `record.sp` is never None."""

    policy: EService
    record: EntityRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamPeer:
    """An active upstream: what policy sees and what the wire needs. `record.idp` is never None."""

    policy: Upstream
    record: EntityRecord


class Directory(Protocol):
    """The active metadata version; each method answers from one consistent version."""

    def find_e_service(self, entity_id: str, now: datetime) -> EServicePeer | None:
        """The e-service, or None when unknown, blocked, or past its validUntil."""
        ...

    def find_upstream(self, entity_id: str, now: datetime) -> UpstreamPeer | None:
        """The upstream, or None when unknown, blocked, or past its validUntil."""
        ...

    def upstreams(self, now: datetime) -> tuple[Upstream, ...]:
        """Every active upstream, in stable order: by Swedish name, then entityID."""
        ...


class EServiceSide(Protocol):
    """The broker as IdP."""

    def read_request(self, message: InboundMessage, now: datetime) -> LoginRequest | RefusedRequest:
        """Verify an AuthnRequest and claim its ID. Raises BrokerError (STOP_PAGE) when nobody can be answered."""
        ...

    def write_granted(self, plan: ResponsePlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        """Signed Response with the assertion encrypted. Raises EServiceCannotDecrypt, KeyUnavailable."""
        ...

    def write_refused(self, plan: ErrorPlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        """Signed Response without assertion."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was sent upstream."""

    message: WrittenMessage
    binding: Binding
    contexts: tuple[ContextUri, ...]
    acs_url: str
    force_authn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An accepted authentication and the facts of its cryptography, for the audit."""

    person: AuthenticatedPerson
    key_id: str
    signature_algorithm: str
    encryption_algorithm: str


class UpstreamSide(Protocol):
    """The broker as SP, towards upstreams of one protocol (SAML; another protocol is another implementation)."""

    def ask(
        self,
        request: LoginRequest,
        contexts: tuple[ContextUri, ...],
        peer: UpstreamPeer,
        *,
        relay_state: str,
        now: datetime,
    ) -> Asked:
        """Write the signed AuthnRequest that asks for exactly `contexts`. Raises NoUpstreamForAssurance."""
        ...

    def relay_state_of(self, message: InboundMessage) -> str | None:
        """The RelayState of a Response: unverified, good only for finding our own record."""
        ...

    def read_answer(
        self, message: InboundMessage, pending: UpstreamPending, peer: UpstreamPeer, now: datetime
    ) -> Answered | UpstreamStatus:
        """Verify a Response against what was asked, and claim its assertion.

        Raises BrokerError; `UpstreamStatus` is returned, verified, when the upstream answered without success.
        """
        ...
