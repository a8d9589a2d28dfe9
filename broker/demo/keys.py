"""Keys of the simulated parties: RSA, one per party, in self-signed certificates that nobody is meant to believe."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """PEM files of one party: its private key and its certificate."""

    key: Path
    certificate: Path


def key_files(folder: Path, name: str) -> KeyFiles:
    """Where the key of `name` lies, whether it exists or not."""
    return KeyFiles(key=folder / f"{name}.key", certificate=folder / f"{name}.crt")


def make_key(folder: Path, name: str) -> KeyFiles:
    """A new RSA-2048 key in `folder`, readable by this user only."""
    files = key_files(folder, name)
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Demo {name}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .sign(private, hashes.SHA256())
    )
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files
