"""Our own ring of keys, and the keys of peers."""

import hashlib
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.keys import key_entry, key_pair, own_key
from support.saml_peers import peer_key

from broker.core.errors import KeyRejected, KeyUnavailable
from broker.saml.keys import KeyEntry, KeyState, KeyUse, find_peer_key, load_key_ring, load_own_key, weakness_of

SIGNING, ENCRYPTION = KeyUse.SIGNING, KeyUse.ENCRYPTION
PUBLISHED, ACTIVE, RETIRED = KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.RETIRED
ONE, TWO, THREE = (key_pair("rsa2048", name) for name in ("one", "two", "three"))


def identity(name: str) -> str:
    return own_key(key_pair("rsa2048", name)).key_id


def test_a_ring_signs_with_the_active_key_and_publishes_all_that_are_not_retired() -> None:
    ring = load_key_ring(
        [key_entry(ONE, SIGNING, PUBLISHED), key_entry(TWO, SIGNING, ACTIVE), key_entry(THREE, SIGNING, RETIRED)]
    )
    assert ring.signing.key_id == identity("two")
    assert [key.key_id for key in ring.published_signing] == [identity("two"), identity("one")]
    assert ring.decryption == ()


def test_a_ring_publishes_one_encryption_key_and_opens_with_all_that_are_not_retired() -> None:
    ring = load_key_ring(
        [
            key_entry(ONE, ENCRYPTION, PUBLISHED),
            key_entry(TWO, ENCRYPTION, ACTIVE),
            key_entry(THREE, ENCRYPTION, RETIRED),
        ]
    )
    assert ring.published_encryption.key_id == identity("two")
    assert [key.key_id for key in ring.decryption] == [identity("two"), identity("one")]
    assert ring.published_signing == ()


def test_one_key_may_serve_both_uses() -> None:
    ring = load_key_ring([key_entry(ONE, SIGNING), key_entry(ONE, ENCRYPTION)])
    assert ring.signing.key_id == ring.published_encryption.key_id


def test_a_ring_without_an_active_key_says_so_when_one_is_needed() -> None:
    ring = load_key_ring([key_entry(ONE, SIGNING, PUBLISHED), key_entry(ONE, ENCRYPTION, PUBLISHED)])
    assert (ring.active_signing, ring.active_encryption) == (None, None)
    with pytest.raises(KeyUnavailable):
        _ = ring.signing
    with pytest.raises(KeyUnavailable):
        _ = ring.published_encryption


def test_a_retired_key_need_not_even_be_readable() -> None:
    entry = replace(key_entry(ONE, SIGNING, RETIRED), private_key=b"gone")
    assert load_key_ring([entry]).published_signing == ()


@pytest.mark.parametrize("use", [SIGNING, ENCRYPTION])
def test_two_active_keys_of_one_use_are_refused(use: KeyUse) -> None:
    with pytest.raises(KeyRejected, match="two active"):
        load_key_ring([key_entry(ONE, use), key_entry(TWO, use)])


@pytest.mark.parametrize(
    ("kind", "key_type"), [("rsa2048", "RSA"), ("rsa3072", "RSA"), ("p256", "EC"), ("p384", "EC"), ("p521", "EC")]
)
def test_every_kind_of_the_profile_loads(kind: str, key_type: str) -> None:
    pair = key_pair(kind)
    key = load_own_key(key_entry(pair))
    der = x509.load_pem_x509_certificate(pair.certificate).public_bytes(serialization.Encoding.DER)
    assert (key.key_type, key.key_id) == (key_type, hashlib.sha256(der).hexdigest())
    assert key.certificate == peer_key(pair).certificate


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(replace(key_entry(ONE), certificate=b"nothing"), "cannot be read", id="no certificate"),
        pytest.param(replace(key_entry(ONE), private_key=b"nothing"), "cannot be read", id="no key"),
        pytest.param(replace(key_entry(ONE), private_key=TWO.key), "does not belong", id="not a pair"),
        pytest.param(
            replace(key_entry(ONE), private_key=key_pair("p256").key), "does not belong", id="not even a kind"
        ),
        pytest.param(key_entry(key_pair("rsa1024")), "does not allow", id="a short RSA key"),
        pytest.param(key_entry(key_pair("k256")), "does not allow", id="another curve"),
        pytest.param(key_entry(key_pair("ed25519")), "does not allow", id="another kind"),
        pytest.param(key_entry(key_pair("p256"), ENCRYPTION), "not RSA", id="an EC key for encryption"),
    ],
)
def test_a_key_that_we_could_not_use_is_refused(entry: KeyEntry, message: str) -> None:
    with pytest.raises(KeyRejected, match=message):
        load_own_key(entry)


def test_a_key_under_a_password_is_refused_rather_than_asked_for() -> None:
    private = serialization.load_pem_private_key(ONE.key, password=None)
    sealed = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    with pytest.raises(KeyRejected, match="cannot be read"):
        load_own_key(replace(key_entry(ONE), private_key=sealed))


def test_no_private_key_shows_in_a_representation() -> None:
    ring = load_key_ring([key_entry(ONE)])
    shown = repr(ring) + repr(key_entry(ONE))
    assert "PRIVATE KEY" not in shown
    assert "private_key" not in shown


def test_the_key_of_a_peer_is_read_from_its_certificate() -> None:
    assert isinstance(find_peer_key(peer_key(ONE), "RSA"), rsa.RSAPublicKey)
    assert isinstance(find_peer_key(peer_key(key_pair("p384")), "EC"), ec.EllipticCurvePublicKey)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("rsa2048", "EC"), ("p256", "RSA"), ("rsa1024", "RSA"), ("k256", "EC"), ("p224", "EC"), ("ed25519", "EC")],
)
def test_a_key_that_is_weak_or_of_another_kind_is_none(kind: str, asked: str) -> None:
    assert find_peer_key(peer_key(key_pair(kind)), asked) is None


@pytest.mark.parametrize("certificate", ["", "AAAA", "!"])
def test_an_unreadable_certificate_is_no_key(certificate: str) -> None:
    assert find_peer_key(replace(peer_key(ONE), certificate=certificate), "RSA") is None


@pytest.mark.parametrize(
    ("kind", "weakness"),
    [("rsa2048", None), ("p521", None), ("rsa1024", "RSA 1024"), ("k256", "EC secp256k1"), ("ed25519", "Ed25519")],
)
def test_a_weakness_is_named(kind: str, weakness: str | None) -> None:
    found = weakness_of(x509.load_pem_x509_certificate(key_pair(kind).certificate).public_key())
    assert found is weakness if weakness is None else str(found).startswith(weakness)
