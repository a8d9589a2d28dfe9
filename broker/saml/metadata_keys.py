"""Certificates of peers and signers → `PeerKey`: key containers, of which only the key and its size are judged."""

import base64
import binascii
import hashlib
import warnings
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.utils import CryptographyDeprecationWarning

from broker.messages.entity import PeerKey

_MIN_RSA_BITS = 2048
_MIN_EC_BITS = 256
_MAX_RSA_BITS = 16384  # a larger one only costs us time, which is what an attacker would want
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_MAX_CERTIFICATE = 64 * 1024
_LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


class KeyRefused(Exception):
    """A certificate that we do not use; `rule` and `facts` are those of the finding."""

    def __init__(self, rule: str, **facts: str | int) -> None:
        super().__init__(rule)
        self.rule = rule
        self.facts = facts


def read_peer_key(text: str) -> PeerKey:
    """The key in base64 `text` of an X509Certificate element.

    Raises:
        KeyRefused: unreadable, too short, or of a kind that the profile does not have.

    Spec: Sweden Connect Deployment Profile 2.1.1.2 and 8.
    """
    der = _decode(text)
    certificate = _load(der)
    fingerprint = hashlib.sha256(der).hexdigest()
    kind, bits = _judge(certificate, fingerprint)
    return PeerKey(
        certificate=base64.b64encode(der).decode("ascii"),
        fingerprint=fingerprint,
        key_type=kind,
        key_bits=bits,
        not_after=_end_of(certificate),
    )


def read_signer(pem: bytes) -> tuple[PeerKey, ...]:
    """Every certificate of a PEM file, pinned as a metadata signer.

    Raises:
        KeyRefused: no certificate, or one that we would not use.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("key-unreadable") from None
    return tuple(
        read_peer_key(base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode("ascii"))
        for one in certificates
    )


def _decode(text: str) -> bytes:
    compact = "".join(text.split())
    # Some software copies the PEM armour into the element; its content is still one certificate.
    compact = compact.removeprefix("-----BEGINCERTIFICATE-----").removesuffix("-----ENDCERTIFICATE-----")
    if not compact or len(compact) > _MAX_CERTIFICATE:
        raise KeyRefused("key-unreadable")
    try:
        return base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        raise KeyRefused("key-unreadable") from None


def _load(der: bytes) -> x509.Certificate:
    try:
        with warnings.catch_warnings():
            # Old certificates have serial numbers and parameters that are frowned upon today. Only the key counts.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(der)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("key-unreadable") from None


def _judge(certificate: x509.Certificate, fingerprint: str) -> tuple[str, int]:
    short = fingerprint[:16]
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("key-kind-refused", fingerprint=short, kind="?") from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _MIN_RSA_BITS:
            raise KeyRefused("key-too-short", fingerprint=short, kind="RSA", bits=key.key_size)
        if key.key_size > _MAX_RSA_BITS:
            raise KeyRefused("key-kind-refused", fingerprint=short, kind=f"RSA {key.key_size}")
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name in _CURVES:
            return "EC", key.key_size
        if key.key_size < _MIN_EC_BITS:
            raise KeyRefused("key-too-short", fingerprint=short, kind=f"EC {key.curve.name}", bits=key.key_size)
        raise KeyRefused("key-kind-refused", fingerprint=short, kind=f"EC {key.curve.name}")
    raise KeyRefused("key-kind-refused", fingerprint=short, kind=type(key).__name__.removesuffix("PublicKey"))


def _end_of(certificate: x509.Certificate) -> datetime:
    try:
        return certificate.not_valid_after_utc
    except (ValueError, OverflowError):
        return _LAST_MOMENT  # "no well-defined expiration date" (RFC 5280) written in ways that cannot be read
