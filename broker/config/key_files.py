"""Our key pairs and secrets as files: `NAME.key` (PKCS #8, PEM, mode 0600), `NAME.crt` (self-signed), `NAME.secret`.

The private files are the operator's to distribute to every node; their state (published, active, retired) is in
the durable store.
"""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

KeyKind = Literal["rsa3072", "rsa2048", "p256"]

NAME_ID_SECRET = "name-id.secret"  # noqa: S105 — file names, not secrets
SEALING_SECRET = "sealing.secret"  # noqa: S105
_LIFETIME = timedelta(days=3650)  # a certificate is a key container in this federation; long-lived on purpose


def write_new(path: Path, content: bytes) -> None:
    """Create `path`, readable by its owner only, and flush it to disk. Raises FileExistsError rather than overwrite."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_key_pair(folder: Path, name: str, kind: KeyKind, common_name: str, now: datetime) -> tuple[Path, Path]:
    """Generate a key and a self-signed certificate as `name.key` and `name.crt` in `folder`."""
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "p256":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072 if kind == "rsa3072" else 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.crt"
    write_new(key_file, private)
    write_new(certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


def write_secret(folder: Path, name: str) -> None:
    """Write 256 random bits as one line of hex."""
    write_new(folder / name, (secrets.token_hex(32) + "\n").encode())


def load_secrets(file: Path) -> tuple[bytes, ...]:
    """The secrets in `file`, one of 64 hex digits per line: the first is in use, the others still open old data.

    Raises:
        ValueError: unreadable, empty, or a line that is no such secret; the message never repeats the content.
    """
    try:
        lines = file.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as failure:
        raise ValueError(f"{file}: cannot be read: {getattr(failure, 'strerror', 'not ASCII')}") from None
    try:
        found = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        raise ValueError(f"{file}: has a line that is not hex") from None
    if not found or any(len(secret) != 32 for secret in found):
        raise ValueError(f"{file}: needs one secret of 64 hex digits per line")
    return found


def is_private(path: Path) -> bool:
    """Whether only the owner can read `path`."""
    return path.stat().st_mode & 0o077 == 0
