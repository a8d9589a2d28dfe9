"""One EntityDescriptor as data: everything that a login or an administrator needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.core.parties import Logo


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerKey:
    """One KeyDescriptor certificate. A key container only: its validity dates are never a reason to refuse."""

    certificate: str  # base64 DER, no white space
    fingerprint: str  # SHA-256 of the DER, hex lower case; the key id in logs and audit
    key_type: str  # "RSA" or "EC"
    key_bits: int
    not_after: datetime  # for warnings
    block_ciphers: tuple[str, ...] = ()  # md:EncryptionMethod, in the peer's order
    key_transports: tuple[tuple[str, str | None], ...] = ()  # (algorithm, ds:DigestMethod or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A role endpoint; `index` and `is_default` only for indexed ones."""

    binding: str
    location: str
    index: int | None = None
    is_default: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedAttribute:
    """md:RequestedAttribute."""

    name: str
    name_format: str | None
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeService:
    """md:AttributeConsumingService."""

    index: int
    is_default: bool | None
    requested: tuple[RequestedAttribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpRole:
    """md:SPSSODescriptor for SAML 2.0."""

    acs: tuple[Endpoint, ...]
    attribute_services: tuple[AttributeService, ...]
    authn_requests_signed: bool
    want_assertions_signed: bool
    signing_keys: tuple[PeerKey, ...]
    encryption_keys: tuple[PeerKey, ...]
    name_id_formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpRole:
    """md:IDPSSODescriptor for SAML 2.0."""

    sso: tuple[Endpoint, ...]
    want_authn_requests_signed: bool
    signing_keys: tuple[PeerKey, ...]
    encryption_keys: tuple[PeerKey, ...]
    name_id_formats: tuple[str, ...]
    scopes: tuple[str, ...]  # shibmd:Scope with regexp false or absent
    principal_selection: tuple[str, ...]  # attribute Names of psc:RequestedPrincipalSelection


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """md:ContactPerson."""

    kind: str
    emails: tuple[str, ...]
    telephones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityRecord:
    """One entity. URIs and texts are stripped; unknown roles and extensions are skipped."""

    entity_id: str
    valid_until: datetime | None  # the earliest of this entity and every ancestor
    names: Mapping[str, str]  # mdui:DisplayName of the role, else OrganizationDisplayName
    descriptions: Mapping[str, str]
    information_urls: Mapping[str, str]
    logos: tuple[Logo, ...]
    organization_names: Mapping[str, str]
    contacts: tuple[Contact, ...]
    categories: tuple[str, ...]
    assurance: tuple[str, ...]
    digest_methods: tuple[str, ...]  # alg:DigestMethod, in the peer's order
    signing_methods: tuple[str, ...]  # alg:SigningMethod, in the peer's order
    sp: SpRole | None
    idp: IdpRole | None
