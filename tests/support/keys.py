"""Keys of every kind that the profile allows or refuses, made once per process, in the forms that saml/ takes."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from support.key_pairs import KeyPair

from broker.saml.keys import KeyEntry, KeyState, KeyUse, OwnKey, load_own_key

_CURVES: dict[str, type[ec.EllipticCurve]] = {
    "p224": ec.SECP224R1,
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "k256": ec.SECP256K1,
}


@cache
def key_pair(kind: str, name: str = "peer") -> KeyPair:
    """A key of `kind` ("rsa2048", "p256", "ed25519" …) with a self-signed certificate for `name`."""
    key = _generate(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))  # expired: a certificate is a key container here, and nothing else
        .sign(key, None if kind == "ed25519" else hashes.SHA256())
    )
    return KeyPair(
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
    )


def _generate(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def key_entry(pair: KeyPair, use: KeyUse = KeyUse.SIGNING, state: KeyState = KeyState.ACTIVE) -> KeyEntry:
    """`pair` as one of our keys."""
    return KeyEntry(use=use, state=state, certificate=pair.certificate, private_key=pair.key)


def own_key(pair: KeyPair, use: KeyUse = KeyUse.SIGNING) -> OwnKey:
    """`pair` as one of our keys, loaded."""
    return load_own_key(key_entry(pair, use))
