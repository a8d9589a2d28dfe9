"""Key files: private, never overwritten, and errors that never repeat a secret."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from broker.config.key_files import KeyKind, is_private, load_secrets, write_key_pair, write_secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("kind", "bits"), [("rsa2048", 2048), ("rsa3072", 3072), ("p256", 256)])
def test_a_key_pair_fits_together_and_is_private(tmp_path: Path, kind: KeyKind, bits: int) -> None:
    key_file, certificate_file = write_key_pair(tmp_path, "signing", kind, "Åre kommun signing", NOW)
    key = load_pem_private_key(key_file.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    assert certificate.public_key() == key.public_key()
    assert getattr(key, "key_size", 0) == bits
    assert is_private(key_file)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    write_key_pair(tmp_path, "signing", "p256", "x", NOW)
    before = (tmp_path / "signing.key").read_bytes()
    with pytest.raises(FileExistsError):
        write_key_pair(tmp_path, "signing", "p256", "x", NOW)
    assert (tmp_path / "signing.key").read_bytes() == before


def test_secrets_are_read_in_order(tmp_path: Path) -> None:
    write_secret(tmp_path, "a")
    write_secret(tmp_path, "b")
    both = tmp_path / "both"
    both.write_text((tmp_path / "a").read_text() + (tmp_path / "b").read_text())
    assert load_secrets(both) == (*load_secrets(tmp_path / "a"), *load_secrets(tmp_path / "b"))


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "åäö"], ids=["empty", "not hex", "short", "not ASCII"])
def test_a_bad_secret_file_is_refused_without_repeating_it(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.secret"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"bad\.secret") as refused:
        load_secrets(file)
    assert not content or content not in str(refused.value)
