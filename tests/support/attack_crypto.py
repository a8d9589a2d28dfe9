"""Cryptography of peers, by the letter and in this process: some five hundred logins must not start a program each.

None of it is the broker's; `tests/strangers/` has the same done by xmlsec1. Signatures of any form are xmlsec1's.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from lxml import etree
from support import xmlsec1
from support.attack_query import private_key, sign_octets
from support.ciphers import DIGESTS, HASHES, XENC
from support.key_pairs import KeyPair
from support.messages import NAMESPACES, RSA_SHA256, ResponseDraft
from support.signatures import SignatureDraft

_END = "</saml2:Issuer>"
_CIPHER_VALUE = "xenc:CipherData/xenc:CipherValue"


def certificate_of(keys: KeyPair) -> str:
    """Base64 of DER."""
    return "".join(keys.certificate.decode().strip().splitlines()[1:-1])


def x509_data(*keys: KeyPair) -> str:
    """Certificates, as KeyInfo has them."""
    certificates = (f"<ds:X509Certificate>{certificate_of(pair)}</ds:X509Certificate>" for pair in keys)
    return f"<ds:X509Data>{''.join(certificates)}</ds:X509Data>"


def signed(xml: str, identifier: str, keys: KeyPair) -> str:
    """`xml` with an enveloped RSA-SHA256 signature after its Issuer; `identifier` is the ID of its root."""
    return signed_by_hand(xml, identifier, RSA_SHA256, partial(sign_octets, keys), key_info=x509_data(keys))


def signed_by_hand(
    xml: str,
    identifier: str,
    algorithm: str,
    sign: Callable[[bytes], bytes],
    *,
    method: str | None = None,
    key_info: str = "",
) -> str:
    """`xml` with an enveloped signature of the one right shape, whose SignatureValue is what `sign` says."""
    digest = base64.b64encode(hashlib.sha256(_canonical(etree.fromstring(xml.encode()))).digest()).decode()
    template = SignatureDraft(
        method=method or f'<ds:SignatureMethod Algorithm="{algorithm}"/>',
        uri=f'URI="#{identifier}"',
        key_info=f"<ds:KeyInfo>{key_info}</ds:KeyInfo>" if key_info else "",
    )
    signature = template.xml().replace("<ds:DigestValue/>", f"<ds:DigestValue>{digest}</ds:DigestValue>")
    place = _END if _END in xml else ">"  # without an Issuer, first of all
    root = etree.fromstring(xml.replace(place, place + signature, 1).encode())
    signed_info = root.find("ds:Signature/ds:SignedInfo", NAMESPACES)
    value = root.find("ds:Signature/ds:SignatureValue", NAMESPACES)
    assert signed_info is not None
    assert value is not None
    value.text = base64.b64encode(sign(_canonical(signed_info))).decode()
    return str(etree.tostring(root, encoding="unicode"))


def signed_by_template(draft: ResponseDraft, template: SignatureDraft, keys: KeyPair) -> str:
    """`draft` with `template` after its Issuer, filled in by xmlsec1. "#_response" in it stands for the Response."""
    written = template.xml().replace("#_response", f"#{draft.response_id}")
    return xmlsec1.sign(draft.xml().replace(_END, _END + written, 1), keys)


def opened(sealed: etree._Element, keys: KeyPair) -> bytes:
    """What an EncryptedAssertion with AES-CBC holds."""
    key = private_key(keys.key)
    assert isinstance(key, rsa.RSAPrivateKey)
    data, wrapped = (sealed.find(f".//xenc:{name}", NAMESPACES) for name in ("EncryptedData", "EncryptedKey"))
    assert data is not None
    assert wrapped is not None
    algorithm, digest = (
        found.get("Algorithm") if (found := element.find(path, NAMESPACES)) is not None else None
        for element, path in ((data, "xenc:EncryptionMethod"), (wrapped, "xenc:EncryptionMethod/ds:DigestMethod"))
    )
    assert algorithm == f"{XENC}aes256-cbc"
    oaep = next(name for name, uri in DIGESTS.items() if uri == digest)
    secret = key.decrypt(_value(wrapped), padding.OAEP(padding.MGF1(HASHES["sha1"]()), HASHES[oaep](), None))
    octets = _value(data)
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(octets[:16])).decryptor()
    plain = decryptor.update(octets[16:]) + decryptor.finalize()
    return plain[: -plain[-1]]


def _value(element: etree._Element) -> bytes:
    return base64.b64decode(element.findtext(_CIPHER_VALUE, namespaces=NAMESPACES) or "")


def _canonical(element: etree._Element) -> bytes:
    octets: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    return octets
