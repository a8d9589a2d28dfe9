"""Encryption at rest: AES-256-GCM, with keys that can be replaced while logins are in flight."""

import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_FORMAT) + _ID_BYTES + _NONCE_BYTES
_TAG_BYTES = 16


class SealingKeys:
    """The secrets for encryption at rest: the first one seals, every one opens.

    Each name gets an AES key of its own, derived from the secret: random nonces stay safe for any number of values,
    and a value that was moved to another name, or to another purpose, does not open. To replace a secret, put the new
    one first, and drop the old one when everything sealed with it has expired.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets:
            raise ValueError("no secret for encryption at rest")
        if any(len(secret) != KEY_BYTES for secret in secrets):
            raise ValueError(f"a secret for encryption at rest must have {KEY_BYTES} bytes")
        self._secrets = tuple((_id_of(secret), secret) for secret in secrets)

    def __repr__(self) -> str:
        return f"SealingKeys({len(self._secrets)} secrets)"

    def seal(self, purpose: str, name: str, plain: bytes) -> bytes:
        """Encrypt `plain` so that it opens for this `purpose` and `name` only."""
        key_id, secret = self._secrets[0]
        nonce = os.urandom(_NONCE_BYTES)
        header = _FORMAT + key_id
        context = _context(purpose, name)
        return header + nonce + _cipher(secret, context).encrypt(nonce, plain, header + context)

    def unseal(self, purpose: str, name: str, sealed: bytes) -> bytes | None:
        """What was sealed; None when it was changed, moved, or sealed with a secret that is gone."""
        if len(sealed) < _HEADER_BYTES + _TAG_BYTES or not sealed.startswith(_FORMAT):
            return None
        header = sealed[: len(_FORMAT) + _ID_BYTES]
        nonce = sealed[len(header) : _HEADER_BYTES]
        context = _context(purpose, name)
        for key_id, secret in self._secrets:
            if key_id == header[len(_FORMAT) :]:
                try:
                    return _cipher(secret, context).decrypt(nonce, sealed[_HEADER_BYTES:], header + context)
                except InvalidTag:
                    continue
        return None


def hashed_name(purpose: str, name: str) -> str:
    """The key of a transient entry: who reads the store learns no id that would be worth presenting."""
    return f"{purpose}:{hashlib.sha256(_context(purpose, name)).hexdigest()[:40]}"


def _id_of(secret: bytes) -> bytes:
    return hmac.digest(secret, b"broker sealing key id", "sha256")[:_ID_BYTES]


def _context(purpose: str, name: str) -> bytes:
    return f"{purpose}\x00{name}".encode()


def _cipher(secret: bytes, context: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"broker sealing key for\x00" + context, "sha256"))
