"""Keys and self-signed certificates for a test's own peers."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key and its self-signed certificate, both PEM."""

    key: bytes
    certificate: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write `name`.key and `name`.crt, and return their paths."""
        key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
        key.write_bytes(self.key)
        certificate.write_bytes(self.certificate)
        return key, certificate


def make_key_pair(name: str, *, curve: bool = False, address: str | None = None) -> KeyPair:
    """RSA 3072, or P-256 when `curve`; with `address`, a TLS certificate for that IP address."""
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 3072)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
    )
    if address is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    return KeyPair(
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
    )
