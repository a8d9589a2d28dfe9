"""AuthnRequest: what a verified one says, and what we are going to send."""

from dataclasses import dataclass
from datetime import datetime

from broker.core.login import ContextUri, EntityId, PrincipalHint


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAuthnRequest:
    """The content of an AuthnRequest, read only from octets that its signature covers.

    Unsigned requests reach this type only when neither side demands signing, which our IdP metadata rules out
    (WantAuthnRequestsSigned), so in practice: signed.
    """

    issuer: EntityId
    request_id: str
    version: str
    destination: str | None
    issue_instant: datetime
    acs_url: str | None
    acs_index: int | None
    protocol_binding: str | None
    attribute_service_index: int | None
    force_authn: bool
    is_passive: bool
    name_id_format: str | None  # NameIDPolicy/@Format
    sp_name_qualifier: str | None
    subject_given: bool  # a saml:Subject in the request: outside the profile
    comparison: str | None  # RequestedAuthnContext/@Comparison; None when absent
    contexts: tuple[str, ...]
    declaration_references: bool  # AuthnContextDeclRef given: unsupported
    idp_list: tuple[str, ...]
    idp_list_elsewhere: bool  # IDPList/GetComplete: the rest of the list would have to be fetched
    requester_ids: tuple[str, ...]
    proxy_count: int | None
    sign_message: bool  # csig:SignMessage given: authentication for signature
    principal: tuple[tuple[str, str], ...]  # PrincipalSelection: (attribute Name, value)
    relay_state: str | None
    signature_algorithm: str
    key_id: str  # SHA-256 of the certificate that verified, hex


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthnRequestPlan:
    """What to ask an upstream, decided by its dialect. Wire facts (addresses, keys) are added by saml/."""

    contexts: tuple[ContextUri, ...]  # exact comparison, strongest first
    force_authn: bool
    name_id_format: str  # URI
    idp_list: tuple[str, ...] = ()  # country aliases for the eIDAS connector
    requester_ids: tuple[str, ...] = ()  # our e-service last
    principal: tuple[PrincipalHint, ...] = ()
