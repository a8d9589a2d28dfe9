"""What we accept, and what we pick for a peer that declares this or that."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from support.keys import key_pair
from support.saml_peers import make_record, peer_key

from broker.core.errors import EServiceCannotDecrypt
from broker.messages.entity import PeerKey
from broker.saml.algorithms import (
    ACCEPTED_KEY_TRANSPORTS,
    ACCEPTED_SIGNATURES,
    AES128_CBC,
    AES192_CBC,
    AES192_GCM,
    AES256_CBC,
    AES256_GCM,
    BLOCK_CIPHERS,
    DIGESTS,
    ECDSA_SHA256,
    ECDSA_SHA512,
    OAEP_DIGESTS,
    PSS_SHA256,
    RSA_OAEP_11,
    RSA_OAEP_MGF1P,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    SHA1,
    SHA256,
    SHA384,
    SHA512,
    SignatureChoice,
    pick_encryption,
    pick_signature,
)

RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
TRIPLE_DES = "http://www.w3.org/2001/04/xmlenc#tripledes-cbc"
RSA_15 = "http://www.w3.org/2001/04/xmlenc#rsa-1_5"


def test_the_accepted_algorithms_are_those_of_the_profile() -> None:
    def last(uris: Iterable[str]) -> set[str]:
        return {uri.rpartition("#")[2] for uri in uris}

    assert last(ACCEPTED_SIGNATURES) == {f"{kind}-sha{bits}" for kind in ("rsa", "ecdsa") for bits in (256, 384, 512)}
    assert last(DIGESTS) == {"sha256", "sha384", "sha512"}
    assert last(BLOCK_CIPHERS) == {f"aes{bits}-{mode}" for bits in (128, 192, 256) for mode in ("cbc", "gcm")}
    assert last(OAEP_DIGESTS) == {"sha1", "sha256", "sha384", "sha512"}
    assert last(ACCEPTED_KEY_TRANSPORTS) == {"rsa-oaep-mgf1p"}


@pytest.mark.parametrize(
    ("key_type", "methods", "digests", "chosen"),
    [
        pytest.param("RSA", (), (), (RSA_SHA256, SHA256), id="nothing declared"),
        pytest.param("EC", (), (), (ECDSA_SHA256, SHA256), id="nothing declared, EC"),
        pytest.param("RSA", (RSA_SHA512, RSA_SHA256), (SHA512, SHA256), (RSA_SHA512, SHA512), id="first of the peer"),
        pytest.param("RSA", (RSA_SHA256, RSA_SHA512), (SHA256, SHA384), (RSA_SHA256, SHA256), id="its order counts"),
        pytest.param("EC", (RSA_SHA512, ECDSA_SHA512), (), (ECDSA_SHA512, SHA256), id="the first that fits our key"),
        pytest.param("EC", (RSA_SHA512,), (SHA384,), (ECDSA_SHA256, SHA384), id="none that fits our key"),
        pytest.param("RSA", (RSA_SHA1,), (SHA1,), (RSA_SHA256, SHA256), id="only what we refuse"),
        pytest.param("RSA", (RSA_SHA1, RSA_SHA384), (SHA1, SHA384), (RSA_SHA384, SHA384), id="what we refuse first"),
        pytest.param("RSA", (PSS_SHA256,), (), (RSA_SHA256, SHA256), id="PSS is not ours to send"),
    ],
)
def test_the_signature_is_picked(
    key_type: str, methods: Sequence[str], digests: Sequence[str], chosen: tuple[str, str]
) -> None:
    record = replace(make_record("https://peer/"), signing_methods=tuple(methods), digest_methods=tuple(digests))
    assert pick_signature(record, key_type) == SignatureChoice(
        signature_algorithm=chosen[0], digest_algorithm=chosen[1]
    )


def test_without_a_peer_the_mandatory_algorithms_are_picked() -> None:
    assert pick_signature(None, "RSA") == SignatureChoice(signature_algorithm=RSA_SHA256, digest_algorithm=SHA256)


RSA_PEER = peer_key(key_pair("rsa2048"))


@pytest.mark.parametrize(
    ("ciphers", "transports", "chosen"),
    [
        pytest.param((), (), (AES256_CBC, SHA1), id="nothing declared"),
        pytest.param((AES256_GCM, AES128_CBC), (), (AES256_GCM, SHA1), id="the first of the peer"),
        pytest.param((AES128_CBC, AES256_GCM), (), (AES128_CBC, SHA1), id="its order counts"),
        pytest.param((TRIPLE_DES, AES192_GCM), (), (AES192_GCM, SHA1), id="what we refuse is skipped"),
        pytest.param((TRIPLE_DES,), (), (AES256_CBC, SHA1), id="only what we refuse"),
        pytest.param((AES192_CBC,), ((RSA_OAEP_MGF1P, SHA256),), (AES192_CBC, SHA256), id="an OAEP digest"),
        pytest.param(
            (), ((RSA_OAEP_MGF1P, None), (RSA_OAEP_MGF1P, SHA512)), (AES256_CBC, SHA1), id="the default first"
        ),
        pytest.param((), ((RSA_OAEP_MGF1P, "urn:md5"), (RSA_OAEP_MGF1P, SHA384)), (AES256_CBC, SHA384), id="unknown"),
        pytest.param((), ((RSA_OAEP_11, SHA256), (RSA_15, None)), (AES256_CBC, SHA1), id="other transports"),
    ],
)
def test_the_encryption_is_picked(
    ciphers: Sequence[str], transports: Sequence[tuple[str, str | None]], chosen: tuple[str, str]
) -> None:
    key = replace(RSA_PEER, block_ciphers=tuple(ciphers), key_transports=tuple(transports))
    got = pick_encryption([key])
    assert (got.key, got.key_transport) == (key, RSA_OAEP_MGF1P)
    assert (got.block_cipher, got.oaep_digest) == chosen


def test_the_first_usable_key_is_picked() -> None:
    short, curve = peer_key(key_pair("rsa1024")), peer_key(key_pair("p256"))
    other = peer_key(key_pair("rsa2048", "other"))
    assert pick_encryption([short, curve, RSA_PEER, other]).key == RSA_PEER


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([], id="none"),
        pytest.param([peer_key(key_pair("p256"))], id="only EC"),
        pytest.param([peer_key(key_pair("rsa1024"))], id="only a short one"),
        pytest.param([replace(RSA_PEER, key_bits=32_768)], id="only an absurd one"),
    ],
)
def test_without_a_usable_key_nothing_is_sent(keys: Sequence[PeerKey]) -> None:
    with pytest.raises(EServiceCannotDecrypt):
        pick_encryption(keys)
