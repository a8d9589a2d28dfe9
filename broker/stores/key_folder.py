"""The keys folder of this node, read and added to."""

import re
from datetime import datetime
from pathlib import Path
from typing import get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from broker.config.key_files import KeyKind, write_key_pair
from broker.core.errors import KeyRejected
from broker.flow.key_desk import KeyFile

_KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class FileKeyFolder:
    """`NAME.key` and `NAME.crt` below one folder; NAME is the key id."""

    def __init__(self, folder: Path, organisation: str) -> None:
        self._folder = folder
        self._organisation = organisation

    def found(self) -> tuple[KeyFile, ...]:
        """Every complete pair, by name. Raises KeyRejected for a broken one."""
        names = sorted(path.stem for path in self._folder.glob("*.key"))
        return tuple(file for name in names if (file := self.find(name)) is not None)

    def find(self, key_id: str) -> KeyFile | None:
        """The pair `key_id.key` and `key_id.crt`, or None. Raises KeyRejected when it is broken."""
        if not _KEY_ID.fullmatch(key_id):
            raise KeyRejected("a key is named by lower-case letters, digits, dot, hyphen and underscore")
        key_file, certificate_file = self._folder / f"{key_id}.key", self._folder / f"{key_id}.crt"
        if not key_file.exists() and not certificate_file.exists():
            return None
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            key = load_pem_private_key(key_file.read_bytes(), password=None)
        except OSError as failure:
            raise KeyRejected(f"{failure.filename}: {failure.strerror}") from None
        except (ValueError, TypeError):
            raise KeyRejected(f"{key_id}: the key or its certificate is not readable PEM") from None
        if certificate.public_key() != key.public_key():
            raise KeyRejected(f"{key_id}: the certificate belongs to another key")
        return KeyFile(
            key_id=key_id,
            file_name=key_file.name,
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            not_after=certificate.not_valid_after_utc,
            is_rsa=isinstance(key, rsa.RSAPrivateKey),
        )

    def create(self, key_id: str, kind: str, now: datetime) -> KeyFile:
        """Generate a pair of `kind`. Raises KeyRejected when the name is taken or the kind unknown."""
        kinds: tuple[KeyKind, ...] = get_args(KeyKind)
        chosen = next((known for known in kinds if known == kind), None)
        if chosen is None:
            raise KeyRejected(f"unknown kind of key {kind!r}; known: {', '.join(kinds)}")
        try:
            write_key_pair(self._folder, key_id, chosen, f"{self._organisation} {key_id}", now)
        except OSError as failure:
            raise KeyRejected(f"{failure.filename}: {failure.strerror}") from None
        file = self.find(key_id)
        if file is None:
            raise KeyRejected(f"{key_id}: vanished after it was written")
        return file
