"""Keys in the form that signing and decrypting need: our own ring with its rollover, and a peer's one key.

Our keys are loaded once and shared by all threads; python-xmlsec copies a key into each context. A peer's key is
loaded for each use (0.03 ms), so there is nothing to invalidate when metadata changes.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import xmlsec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from broker.core.errors import KeyRejected, KeyUnavailable
from broker.flow.key_ports import KeyState as KeyState
from broker.flow.key_ports import KeyUse as KeyUse
from broker.messages.entity import PeerKey
from broker.saml.algorithms import CURVES, EC, MAX_RSA_BITS, MIN_RSA_BITS, RSA

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One of our key pairs as it lies in its files, and its state. Both parts are PEM, the private one unencrypted."""

    use: KeyUse
    state: KeyState
    certificate: bytes
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """One of our key pairs, loaded."""

    key_id: str  # SHA-256 of the certificate, hex
    key_type: str  # "RSA" or "EC"
    certificate: str  # base64 DER without white space, for KeyInfo and metadata
    private_key: PrivateKey = field(repr=False)
    xmlsec_key: xmlsec.Key = field(repr=False)


SigningKey: TypeAlias = OwnKey
DecryptionKey: TypeAlias = OwnKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """Our keys at one moment. Immutable: a change of states makes a new ring.

    Spec: Sweden Connect Deployment Profile 2.1.1.2 (several signing certificates published, the newest encryption
    certificate only, decryption with the older keys until all peers have refreshed).
    """

    active_signing: OwnKey | None
    active_encryption: OwnKey | None
    published_signing: tuple[OwnKey, ...]  # the active one first
    decryption: tuple[OwnKey, ...]  # the active one first

    @property
    def signing(self) -> OwnKey:
        """The key that signs now. Raises KeyUnavailable without one."""
        if self.active_signing is None:
            raise KeyUnavailable("no active signing key")
        return self.active_signing

    @property
    def published_encryption(self) -> OwnKey:
        """The key that peers shall encrypt to. Raises KeyUnavailable without one."""
        if self.active_encryption is None:
            raise KeyUnavailable("no active encryption key")
        return self.active_encryption


def load_key_ring(entries: Iterable[KeyEntry]) -> KeyRing:
    """The ring of `entries`; retired keys are not loaded.

    Raises:
        KeyRejected: unreadable, not a pair, weak, an encryption key that is not RSA, or two active keys of one use.
    """
    rings: dict[KeyUse, list[OwnKey]] = {use: [] for use in KeyUse}
    active: dict[KeyUse, OwnKey] = {}
    for entry in entries:
        if entry.state is KeyState.RETIRED:
            continue
        key = load_own_key(entry)
        if entry.state is KeyState.ACTIVE:
            if entry.use in active:
                raise KeyRejected(f"two active {entry.use.value} keys")
            active[entry.use] = key
            rings[entry.use].insert(0, key)
        else:
            rings[entry.use].append(key)
    return KeyRing(
        active_signing=active.get(KeyUse.SIGNING),
        active_encryption=active.get(KeyUse.ENCRYPTION),
        published_signing=tuple(rings[KeyUse.SIGNING]),
        decryption=tuple(rings[KeyUse.ENCRYPTION]),
    )


def load_own_key(entry: KeyEntry) -> OwnKey:
    """The key pair of `entry`.

    Raises:
        KeyRejected: unreadable, not a pair, weak, or an encryption key that is not RSA.
    """
    try:
        certificate = x509.load_pem_x509_certificate(entry.certificate)
        private = serialization.load_pem_private_key(entry.private_key, password=None)
        public = certificate.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyRejected(f"the {entry.use.value} key or its certificate cannot be read") from None
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or weakness_of(public) is not None:
        raise KeyRejected(f"the {entry.use.value} key is of a kind or size that the profile does not allow")
    if private.public_key() != public:
        raise KeyRejected(f"the {entry.use.value} key does not belong to its certificate")
    if entry.use is KeyUse.ENCRYPTION and not isinstance(private, rsa.RSAPrivateKey):
        raise KeyRejected("the encryption key is not RSA")
    der = certificate.public_bytes(serialization.Encoding.DER)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return OwnKey(
        key_id=hashlib.sha256(der).hexdigest(),
        key_type=RSA if isinstance(private, rsa.RSAPrivateKey) else EC,
        certificate=base64.b64encode(der).decode("ascii"),
        private_key=private,
        xmlsec_key=xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem),
    )


def find_peer_key(key: PeerKey, key_type: str) -> PublicKey | None:
    """The public key in the certificate of `key`, or None when it is unreadable, weak or not of `key_type`.

    What the metadata reader found out about the key is not relied on.
    """
    try:
        public = x509.load_der_x509_certificate(base64.b64decode(key.certificate)).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) or weakness_of(public) is not None:
        return None
    return public if isinstance(public, rsa.RSAPublicKey) == (key_type == RSA) else None


def xmlsec_public_key(public: PublicKey) -> xmlsec.Key:
    """`public` as python-xmlsec takes it: exactly the key that was judged, by no second reading of a certificate."""
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return xmlsec.Key.from_memory(spki, xmlsec.constants.KeyDataFormatDer)


def weakness_of(public: object) -> str | None:
    """Why the profile does not allow `public`, or None when it does.

    Spec: Sweden Connect Deployment Profile 8.
    """
    if isinstance(public, rsa.RSAPublicKey):
        return None if MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS else f"RSA {public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return None if public.curve.name in CURVES else f"EC {public.curve.name}"
    return type(public).__name__
