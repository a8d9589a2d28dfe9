"""Peers as the directory knows them, made for tests from key pairs; and the small ports beside them."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.key_pairs import KeyPair

from broker.core.login import CategoryUri, ContextUri, EntityId
from broker.core.parties import EService, Upstream
from broker.core.person import AttributeKey
from broker.flow.ports import EServicePeer, UpstreamPeer
from broker.messages.entity import AttributeService, Endpoint, EntityRecord, IdpRole, PeerKey, SpRole

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


def peer_key(
    keys: KeyPair,
    *,
    block_ciphers: Sequence[str] = (),
    key_transports: Sequence[tuple[str, str | None]] = (),
) -> PeerKey:
    """The certificate of `keys` as metadata publishes it."""
    certificate = x509.load_pem_x509_certificate(keys.certificate)
    der = certificate.public_bytes(serialization.Encoding.DER)
    public = certificate.public_key()
    return PeerKey(
        certificate=base64.b64encode(der).decode(),
        fingerprint=hashlib.sha256(der).hexdigest(),
        key_type="RSA" if isinstance(public, rsa.RSAPublicKey) else "EC",
        key_bits=getattr(public, "key_size", 0),
        not_after=certificate.not_valid_after_utc,
        block_ciphers=tuple(block_ciphers),
        key_transports=tuple(key_transports),
    )


def make_record(entity_id: str, *, sp: SpRole | None = None, idp: IdpRole | None = None) -> EntityRecord:
    """An EntityRecord that declares nothing beyond its roles."""
    return EntityRecord(
        entity_id=entity_id,
        valid_until=None,
        names={},
        descriptions={},
        information_urls={},
        logos=(),
        organization_names={},
        contacts=(),
        categories=(),
        assurance=(),
        digest_methods=(),
        signing_methods=(),
        sp=sp,
        idp=idp,
    )


def make_sp_role(
    *,
    signing: Sequence[PeerKey],
    encryption: Sequence[PeerKey],
    acs: Sequence[Endpoint],
    services: Sequence[AttributeService] = (),
    want_assertions_signed: bool = False,
    name_id_formats: Sequence[str] = (),
) -> SpRole:
    """An SPSSODescriptor."""
    return SpRole(
        acs=tuple(acs),
        attribute_services=tuple(services),
        authn_requests_signed=True,
        want_assertions_signed=want_assertions_signed,
        signing_keys=tuple(signing),
        encryption_keys=tuple(encryption),
        name_id_formats=tuple(name_id_formats),
    )


def make_idp_role(*, signing: Sequence[PeerKey], sso: Sequence[Endpoint]) -> IdpRole:
    """An IDPSSODescriptor."""
    return IdpRole(
        sso=tuple(sso),
        want_authn_requests_signed=True,
        signing_keys=tuple(signing),
        encryption_keys=(),
        name_id_formats=(),
        scopes=(),
        principal_selection=(),
    )


def make_e_service_peer(record: EntityRecord, *, signature_service: bool = False) -> EServicePeer:
    """An active e-service without categories."""
    return EServicePeer(
        policy=EService(
            entity_id=EntityId(record.entity_id),
            names={},
            logos=(),
            information_urls={},
            support_contact=None,
            categories=frozenset[CategoryUri](),
            from_feed=False,
            allowed_upstreams=None,
            single_sign_on=False,
            signature_service=signature_service,
        ),
        record=record,
    )


def make_upstream_peer(record: EntityRecord, *, dialect: str, contexts: Sequence[str]) -> UpstreamPeer:
    """An active upstream that may assert `contexts`."""
    return UpstreamPeer(
        policy=Upstream(
            entity_id=EntityId(record.entity_id),
            names={},
            logos=(),
            dialect=dialect,
            contexts=frozenset(map(ContextUri, contexts)),
            categories=frozenset[CategoryUri](),
            categories_known=False,
            scopes=frozenset(),
            principal_selection=frozenset[AttributeKey](),
            eidas_connector=False,
            hidden=False,
        ),
        record=record,
    )


@dataclass
class KnownPeers:
    """A directory with what the test puts in."""

    e_services: dict[str, EServicePeer] = field(default_factory=dict)
    upstream_peers: dict[str, UpstreamPeer] = field(default_factory=dict)

    def find_e_service(self, entity_id: str, now: datetime) -> EServicePeer | None:
        peer = self.e_services.get(entity_id)
        return peer if peer is not None and _is_valid(peer.record, now) else None

    def find_upstream(self, entity_id: str, now: datetime) -> UpstreamPeer | None:
        peer = self.upstream_peers.get(entity_id)
        return peer if peer is not None and _is_valid(peer.record, now) else None

    def upstreams(self, now: datetime) -> tuple[Upstream, ...]:
        return tuple(peer.policy for peer in self.upstream_peers.values() if _is_valid(peer.record, now))


def _is_valid(record: EntityRecord, now: datetime) -> bool:
    return record.valid_until is None or now < record.valid_until


class ClaimedIds:
    """SeenIds in a dictionary."""

    def __init__(self) -> None:
        self.claimed: dict[tuple[str, str], datetime] = {}

    def claim(self, scope: str, message_id: str, until: datetime) -> bool:
        if (scope, message_id) in self.claimed:
            return False
        self.claimed[scope, message_id] = until
        return True


class CountingIds:
    """IdSource whose identifiers can be written down in an expectation."""

    def __init__(self) -> None:
        self._count = 0

    def _next(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def message_id(self) -> str:
        return self._next("_id")

    def token(self) -> str:
        return self._next("token")

    def reference(self) -> str:
        return self._next("REF")
