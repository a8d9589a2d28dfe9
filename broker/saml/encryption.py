"""Encrypted assertions: open one, make one.

Nothing of a received structure reaches python-xmlsec: its parts are read and judged one by one, and a fresh
EncryptedData of our own carries the octets. So there is no KeyInfo to resolve, no CipherReference to follow, and no
plaintext that is parsed on the way.
"""

import base64
import binascii
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import xmlsec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from broker.core.errors import EServiceCannotDecrypt
from broker.saml.algorithms import (
    ACCEPTED_KEY_TRANSPORTS,
    BLOCK_CIPHERS,
    MASK_DIGESTS,
    OAEP_DIGESTS,
    RSA,
    RSA_OAEP_11,
    RSA_OAEP_MGF1P,
    SHA1,
    EncryptionChoice,
)
from broker.saml.keys import DecryptionKey, find_peer_key
from broker.saml.xml import DS, SAML, XENC, XENC11

_ELEMENT = f"{XENC}Element"
_ENCRYPTED_DATA = f"{{{XENC}}}EncryptedData"
_ENCRYPTED_KEY = f"{{{XENC}}}EncryptedKey"
_ENCRYPTION_METHOD = f"{{{XENC}}}EncryptionMethod"
_CIPHER_DATA = f"{{{XENC}}}CipherData"
_CIPHER_VALUE = f"{{{XENC}}}CipherValue"
_KEY_INFO = f"{{{DS}}}KeyInfo"
_DIGEST_METHOD = f"{{{DS}}}DigestMethod"
_MASK_FUNCTION = f"{{{XENC11}}}MGF"
_KEY_PARTS = (_KEY_INFO, f"{{{XENC}}}ReferenceList", f"{{{XENC}}}CarriedKeyName")

_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


class DecryptionRejected(Exception):
    """An assertion that does not decrypt. Always the same: who sees why can decrypt with our key, octet by octet."""

    def __init__(self) -> None:
        super().__init__("the assertion does not decrypt")
        self.detail = "the assertion does not decrypt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decrypted:
    """The plaintext, which has been parsed by nobody, and how it was encrypted."""

    data: bytes
    block_algorithm: str
    key_algorithm: str


def decrypt_assertion(
    encrypted: etree._Element,
    keys: Sequence[DecryptionKey],
    *,
    key_transports: Collection[str] = ACCEPTED_KEY_TRANSPORTS,
) -> Decrypted:
    """The plaintext of `encrypted`, an EncryptedAssertion, opened with any of `keys`.

    The caller has verified a signature over `encrypted`: AES-CBC has no integrity of its own. `key_transports` beyond
    RSA-OAEP-MGF1P are for a side that has declared them.

    Raises:
        DecryptionRejected: whatever the reason.

    Spec: SAML core 2.3.4; XML Encryption 1.1; Sweden Connect Deployment Profile 8.
    """
    data, key = _parts(encrypted)
    block = _algorithm(data, ())
    size = BLOCK_CIPHERS.get(block)
    transport, oaep = _key_transport(key, key_transports)
    wrapped, sealed = _cipher_value(key), _cipher_value(data)
    for own in keys:
        secret = _unwrap(own, wrapped, oaep)
        # python-xmlsec takes the first octets of a longer key.
        if secret is None or len(secret) != size:
            continue
        plain = _open(block, secret, sealed)
        if plain is not None:
            return Decrypted(data=plain, block_algorithm=block, key_algorithm=transport)
    raise DecryptionRejected


def encrypt_assertion(assertion: bytes, choice: EncryptionChoice) -> etree._Element:
    """An EncryptedAssertion that holds `assertion`, a serialised Assertion that stands alone.

    Raises:
        EServiceCannotDecrypt: the chosen key is unusable.

    Spec: SAML core 2.3.4; Sweden Connect Deployment Profile 6.1 and 8.
    """
    public = find_peer_key(choice.key, RSA)
    if not isinstance(public, rsa.RSAPublicKey) or choice.key_transport != RSA_OAEP_MGF1P:
        raise EServiceCannotDecrypt("no usable encryption key in the metadata")
    secret = os.urandom(BLOCK_CIPHERS[choice.block_cipher])
    root = etree.Element(f"{{{SAML}}}EncryptedAssertion", nsmap={"saml2": SAML})
    data = _sealed(choice.block_cipher, secret, assertion)
    root.append(data)
    key_info = etree.Element(_KEY_INFO, nsmap={"ds": DS})
    data.insert(1, key_info)
    key = etree.SubElement(key_info, _ENCRYPTED_KEY)
    method = etree.SubElement(key, _ENCRYPTION_METHOD, Algorithm=choice.key_transport)
    etree.SubElement(method, _DIGEST_METHOD, Algorithm=choice.oaep_digest)
    x509_data = etree.SubElement(etree.SubElement(key, _KEY_INFO), f"{{{DS}}}X509Data")
    etree.SubElement(x509_data, f"{{{DS}}}X509Certificate").text = choice.key.certificate
    value = etree.SubElement(etree.SubElement(key, _CIPHER_DATA), _CIPHER_VALUE)
    wrapped = public.encrypt(secret, _oaep(OAEP_DIGESTS[choice.oaep_digest], "sha1"))
    value.text = base64.b64encode(wrapped).decode("ascii")
    return root


# --- the parts of a received structure -------------------------------------------------------------------------


def _parts(encrypted: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The one EncryptedData and the one EncryptedKey, which lies in it or beside it."""
    data, keys = encrypted.findall(_ENCRYPTED_DATA), list(encrypted.iter(_ENCRYPTED_KEY))
    if len(data) != 1 or len(keys) != 1 or sum(1 for _ in encrypted.iter(_ENCRYPTED_DATA)) != 1:
        raise DecryptionRejected
    key = keys[0]
    if key.getparent() is not encrypted and key not in data[0].findall(f"{_KEY_INFO}/{_ENCRYPTED_KEY}"):
        raise DecryptionRejected
    _only_children(encrypted, (_ENCRYPTED_DATA, _ENCRYPTED_KEY))
    _only_children(data[0], (_ENCRYPTION_METHOD, _KEY_INFO, _CIPHER_DATA))
    _only_children(key, (_ENCRYPTION_METHOD, _CIPHER_DATA, *_KEY_PARTS))
    if data[0].get("Type", _ELEMENT) != _ELEMENT:
        raise DecryptionRejected
    return data[0], key


def _algorithm(encrypted: etree._Element, parameters: Collection[str]) -> str:
    method = _only(encrypted, _ENCRYPTION_METHOD)
    _only_children(method, parameters)
    if set(method.attrib) != {"Algorithm"}:
        raise DecryptionRejected
    return str(method.get("Algorithm"))


def _key_transport(key: etree._Element, accepted: Collection[str]) -> tuple[str, padding.OAEP]:
    algorithm = _algorithm(key, (_DIGEST_METHOD, _MASK_FUNCTION))
    if algorithm not in accepted or algorithm not in (RSA_OAEP_MGF1P, RSA_OAEP_11):
        raise DecryptionRejected
    method = _only(key, _ENCRYPTION_METHOD)
    digest = OAEP_DIGESTS.get(_parameter(method, _DIGEST_METHOD) or SHA1)
    named = _parameter(method, _MASK_FUNCTION)
    if named is not None and algorithm != RSA_OAEP_11:
        raise DecryptionRejected
    mask = MASK_DIGESTS.get(named) if named is not None else "sha1"
    if digest is None or mask is None:
        raise DecryptionRejected
    return algorithm, _oaep(digest, mask)


def _parameter(method: etree._Element, name: str) -> str | None:
    found = method.findall(name)
    if not found:
        return None
    if len(found) != 1 or len(found[0]) or set(found[0].attrib) != {"Algorithm"}:
        raise DecryptionRejected
    return str(found[0].get("Algorithm"))


def _cipher_value(encrypted: etree._Element) -> bytes:
    data = _only(encrypted, _CIPHER_DATA)
    if len(data) != 1 or data[0].tag != _CIPHER_VALUE or len(data[0]):
        raise DecryptionRejected
    try:
        return base64.b64decode("".join((data[0].text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise DecryptionRejected from None


def _only_children(parent: etree._Element, tags: Collection[str]) -> None:
    if any(child.tag not in tags for child in parent):
        raise DecryptionRejected


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise DecryptionRejected
    return found[0]


# --- the cryptography ------------------------------------------------------------------------------------------


def _oaep(digest: str, mask: str) -> padding.OAEP:
    # SHA-1 as a mask function or OAEP digest is what the profile mandates; nothing rests on its collisions.
    return padding.OAEP(mgf=padding.MGF1(_HASHES[mask]()), algorithm=_HASHES[digest](), label=None)


def _unwrap(own: DecryptionKey, wrapped: bytes, oaep: padding.OAEP) -> bytes | None:
    if not isinstance(own.private_key, rsa.RSAPrivateKey):
        return None
    try:
        return own.private_key.decrypt(wrapped, oaep)
    except ValueError:
        return None


def _open(block: str, secret: bytes, sealed: bytes) -> bytes | None:
    # Without Type, or xmlsec would parse the plaintext into the tree instead of handing it over.
    data = _encrypted_data(block)
    data[1][0].text = base64.b64encode(sealed).decode("ascii")
    try:
        return bytes(_context(secret).decrypt(data))
    except xmlsec.Error:
        return None


def _sealed(block: str, secret: bytes, plain: bytes) -> etree._Element:
    data = _encrypted_data(block)
    _context(secret).encrypt_binary(data, plain)
    data.set("Type", _ELEMENT)
    return data


def _encrypted_data(block: str) -> etree._Element:
    data = etree.Element(_ENCRYPTED_DATA, nsmap={"xenc": XENC})
    etree.SubElement(data, _ENCRYPTION_METHOD, Algorithm=block)
    etree.SubElement(etree.SubElement(data, _CIPHER_DATA), _CIPHER_VALUE)
    return data


def _context(secret: bytes) -> xmlsec.EncryptionContext:
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, secret)
    return context
