"""The command line of xmlsec1: what a peer's library does when nobody looked at the document before."""

import subprocess
import tempfile
from pathlib import Path

from support.key_pairs import KeyPair
from support.programs import need_program

RESPONSE = "urn:oasis:names:tc:SAML:2.0:protocol:Response"


def sign(document: str, keys: KeyPair, *options: str) -> str:
    """`document` with its signature template filled in."""
    with tempfile.TemporaryDirectory() as folder:
        key, _ = keys.write(Path(folder), "peer")
        return _run(Path(folder), ["--sign", "--privkey-pem", str(key), *_IDS, *options], document)


def sign_with_secret(document: str, secret: bytes) -> str:
    """`document` with its HMAC signature template filled in."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "secret")
        file.write_bytes(secret)
        return _run(Path(folder), ["--sign", "--hmackey", str(file), *_IDS], document)


def verifies(document: str | bytes, keys: KeyPair, *options: str) -> bool:
    """Whether xmlsec1 takes the first signature of `document` for one of `keys`."""
    with tempfile.TemporaryDirectory() as folder:
        _, certificate = keys.write(Path(folder), "peer")
        source = Path(folder, "in.xml")
        source.write_bytes(document.encode() if isinstance(document, str) else document)
        done = subprocess.run(
            [_program(), "--verify", "--pubkey-cert-pem", certificate, *_IDS, *options, source], capture_output=True
        )
        return done.returncode == 0


def decrypt(document: bytes, keys: KeyPair) -> bytes:
    """`document` with its EncryptedData replaced by what `keys` open."""
    with tempfile.TemporaryDirectory() as folder:
        key, _ = keys.write(Path(folder), "peer")
        return _run(Path(folder), ["--decrypt", "--privkey-pem", str(key)], document.decode()).encode()


_IDS = ("--id-attr:ID", RESPONSE)


def _program() -> str:
    return need_program("xmlsec1", "xmlsec1")


def _run(folder: Path, arguments: list[str], document: str) -> str:
    source, result = folder / "in.xml", folder / "out.xml"
    source.write_text(document, encoding="utf-8")
    done = subprocess.run(
        [_program(), arguments[0], "--output", str(result), *arguments[1:], str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return result.read_text(encoding="utf-8").removeprefix('<?xml version="1.0"?>').strip()


def encrypt(document: str, template: str, keys: KeyPair, session_key: str) -> str:
    """The EncryptedData `template`, filled with `document` for the owner of `keys`; `session_key` like "aes-256"."""
    with tempfile.TemporaryDirectory() as folder:
        _, certificate = keys.write(Path(folder), "peer")
        data = Path(folder, "data.xml")
        data.write_text(document, encoding="utf-8")
        options = ["--encrypt", "--pubkey-cert-pem", str(certificate), "--session-key", session_key]
        return _run(Path(folder), [*options, "--xml-data", str(data)], template)
