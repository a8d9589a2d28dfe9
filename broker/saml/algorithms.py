"""Which algorithms we accept, and which we pick for a peer.

Spec: Sweden Connect Deployment Profile 8. A receiver refuses what is not listed; a sender uses an optional algorithm
only when the peer declares it, and the mandatory ones otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from broker.core.errors import EServiceCannotDecrypt
from broker.messages.entity import EntityRecord, PeerKey

SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"  # only inside OAEP, where collisions do not matter
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
ECDSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
PSS_SHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
PSS_SHA384 = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
PSS_SHA512 = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"

AES128_CBC = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
AES192_CBC = "http://www.w3.org/2001/04/xmlenc#aes192-cbc"
AES256_CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
AES128_GCM = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
AES192_GCM = "http://www.w3.org/2009/xmlenc11#aes192-gcm"
AES256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"

RSA_OAEP_MGF1P = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
RSA_OAEP_11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"

EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXC_C14N_WITH_COMMENTS = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

RSA, EC = "RSA", "EC"  # as in PeerKey.key_type

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16_384  # a larger key only costs us time
CURVES = frozenset(("secp256r1", "secp384r1", "secp521r1"))

DIGESTS: Mapping[str, str] = {SHA256: "sha256", SHA384: "sha384", SHA512: "sha512"}
"""Digest algorithms of signatures → their names in hashlib."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureAlgorithm:
    """What a signature algorithm's URI stands for."""

    key_type: str
    digest: str  # as hashlib names it
    pss: bool = False


SIGNATURES: Mapping[str, SignatureAlgorithm] = {
    RSA_SHA256: SignatureAlgorithm(key_type=RSA, digest="sha256"),
    RSA_SHA384: SignatureAlgorithm(key_type=RSA, digest="sha384"),
    RSA_SHA512: SignatureAlgorithm(key_type=RSA, digest="sha512"),
    ECDSA_SHA256: SignatureAlgorithm(key_type=EC, digest="sha256"),
    ECDSA_SHA384: SignatureAlgorithm(key_type=EC, digest="sha384"),
    ECDSA_SHA512: SignatureAlgorithm(key_type=EC, digest="sha512"),
    PSS_SHA256: SignatureAlgorithm(key_type=RSA, digest="sha256", pss=True),
    PSS_SHA384: SignatureAlgorithm(key_type=RSA, digest="sha384", pss=True),
    PSS_SHA512: SignatureAlgorithm(key_type=RSA, digest="sha512", pss=True),
}
"""Every algorithm that we can compute; which of them count is the caller's `accepted`."""

ACCEPTED_SIGNATURES = frozenset(uri for uri, algorithm in SIGNATURES.items() if not algorithm.pss)
"""The profile's list. RSA-PSS is not on it: a receiver must refuse what it has not declared."""

BLOCK_CIPHERS: Mapping[str, int] = {
    AES128_CBC: 16,
    AES192_CBC: 24,
    AES256_CBC: 32,
    AES128_GCM: 16,
    AES192_GCM: 24,
    AES256_GCM: 32,
}
"""Block ciphers → key length in octets."""

OAEP_DIGESTS: Mapping[str, str] = {SHA1: "sha1"} | dict(DIGESTS)
"""Digest algorithms that OAEP may name; absent means SHA-1."""

MASK_DIGESTS: Mapping[str, str] = {
    "http://www.w3.org/2009/xmlenc11#mgf1sha1": "sha1",
    "http://www.w3.org/2009/xmlenc11#mgf1sha256": "sha256",
    "http://www.w3.org/2009/xmlenc11#mgf1sha384": "sha384",
    "http://www.w3.org/2009/xmlenc11#mgf1sha512": "sha512",
}
"""Mask generation functions that `RSA_OAEP_11` may name; absent means SHA-1, which is all that `RSA_OAEP_MGF1P` has."""

ACCEPTED_KEY_TRANSPORTS = frozenset((RSA_OAEP_MGF1P,))
"""The profile's list. `RSA_OAEP_11` counts only for a caller that has declared it."""

_MANDATORY_SIGNATURE = {RSA: RSA_SHA256, EC: ECDSA_SHA256}
_MANDATORY_BLOCK = AES256_CBC
_MANDATORY_OAEP = SHA1


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureChoice:
    """How to sign for one peer."""

    signature_algorithm: str
    digest_algorithm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionChoice:
    """How to encrypt for one peer, and to which of its keys."""

    key: PeerKey
    block_cipher: str
    key_transport: str
    oaep_digest: str


def pick_signature(record: EntityRecord | None, key_type: str) -> SignatureChoice:
    """The first algorithms in the peer's order that we have, else the mandatory ones; the latter without a peer.

    A declaration cannot opt out of the mandatory algorithms, so one that names only what we refuse is no obstacle.

    Spec: Sweden Connect Deployment Profile 8.1 and 8.2; SAML metadata algorithm support 2.
    """
    usable = {uri for uri in ACCEPTED_SIGNATURES if SIGNATURES[uri].key_type == key_type}
    return SignatureChoice(
        signature_algorithm=_first(record.signing_methods if record else (), usable, _MANDATORY_SIGNATURE[key_type]),
        digest_algorithm=_first(record.digest_methods if record else (), DIGESTS, SHA256),
    )


def pick_encryption(keys: Sequence[PeerKey]) -> EncryptionChoice:
    """The first usable RSA key of `keys`, with the first algorithms in its own order that we have.

    Raises:
        EServiceCannotDecrypt: no RSA key of at least 2048 bits.

    Spec: Sweden Connect Deployment Profile 8.3 and 8.4.
    """
    for key in keys:
        if key.key_type == RSA and MIN_RSA_BITS <= key.key_bits <= MAX_RSA_BITS:
            return EncryptionChoice(
                key=key,
                block_cipher=_first(key.block_ciphers, BLOCK_CIPHERS, _MANDATORY_BLOCK),
                key_transport=RSA_OAEP_MGF1P,
                oaep_digest=_oaep_digest(key),
            )
    raise EServiceCannotDecrypt("no usable encryption key in the metadata")


def _oaep_digest(key: PeerKey) -> str:
    declared = (digest or SHA1 for transport, digest in key.key_transports if transport == RSA_OAEP_MGF1P)
    return _first(declared, OAEP_DIGESTS, _MANDATORY_OAEP)


def _first(declared: Iterable[str], ours: Iterable[str], otherwise: str) -> str:
    known = frozenset(ours)
    return next((uri for uri in declared if uri in known), otherwise)
