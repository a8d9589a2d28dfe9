"""Response and Assertion: what a verified one says, and what we are going to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.core.decision import Released
from broker.core.login import EntityId, NameIdKind


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAssertion:
    """The content of one Assertion, read only from octets that a signature of the upstream covers.

    Times are aware, UTC. Attribute values are stripped and NFC-normalised, keyed by Attribute/@Name.
    """

    assertion_id: str
    issuer: str
    issue_instant: datetime
    audiences: tuple[str, ...]
    recipient: str | None
    in_response_to: str | None
    not_before: datetime
    not_on_or_after: datetime  # the earlier of Conditions and SubjectConfirmationData
    authn_instant: datetime
    session_not_on_or_after: datetime | None
    session_index: str | None
    context: str  # AuthnContextClassRef
    authorities: tuple[str, ...]  # AuthenticatingAuthority, in document order
    name_id: str
    name_id_format: str | None
    attributes: Mapping[str, tuple[str, ...]]
    signature_algorithm: str
    encryption_algorithm: str
    key_id: str  # SHA-256 of the certificate that verified the Response, hex


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamStatus:
    """A Response without success: its status codes, outermost first. The message text is not kept."""

    codes: tuple[str, ...]
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePlan:
    """A successful answer to an e-service; wire facts (keys, ids) are added by saml/."""

    e_service: EntityId
    answer_url: str
    in_response_to: str
    relay_state: str | None
    name_id: str
    name_id_kind: NameIdKind
    context: str
    authenticated_at: datetime
    authorities: tuple[str, ...]
    released: tuple[Released, ...]
    client_address: str | None  # the citizen's IP address, for SubjectConfirmationData/@Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPlan:
    """An error answer to an e-service."""

    e_service: EntityId
    answer_url: str
    in_response_to: str
    relay_state: str | None
    code: str  # of core.errors; vocabulary/statuses.py has the SAML status pair


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMessage:
    """One outgoing message, ready for the browser, with what the audit records of its cryptography."""

    url: str  # Redirect: complete with query; POST: the form's action
    fields: tuple[tuple[str, str], ...]  # POST form fields; empty for Redirect
    message_id: str
    signature_algorithm: str
    signing_key_id: str
    encryption_algorithm: str | None = None
    assertion_id: str | None = None
