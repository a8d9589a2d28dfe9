"""The peers' cryptography: python-xmlsec and cryptography in this process, none of the broker's code.

It is also what the floor is made of: each operation that a broker cannot do without, and nothing around it.
"""

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

NS = {
    "saml2p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml2": "urn:oasis:names:tc:SAML:2.0:assertion",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNATURE = f"{{{NS['ds']}}}Signature"
ENCRYPTED_DATA = "saml2:EncryptedAssertion/xenc:EncryptedData"

_C = xmlsec.constants


@dataclass(frozen=True, slots=True)
class Certificate:
    """Somebody's public key, loaded for every use."""

    der: bytes
    public: rsa.RSAPublicKey
    xmlsec_key: Any
    recipients: Any  # a KeysManager for encryption to this key: 11 ms to make, so made once

    @property
    def base64(self) -> str:
        """For KeyInfo and metadata."""
        return base64.b64encode(self.der).decode()


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A peer's key for everything."""

    certificate: Certificate
    private: rsa.RSAPrivateKey
    pem: bytes
    xmlsec_key: Any
    own: Any  # a KeysManager for decryption


def read_certificate(der: bytes) -> Certificate:
    """Load a certificate with an RSA key."""
    public = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    key = xmlsec.Key.from_memory(der, _C.KeyDataFormatCertDer)
    recipients = xmlsec.KeysManager()
    recipients.add_key(key)
    return Certificate(der, public, key, recipients)


def make_key_pair(name: str) -> KeyPair:
    """RSA 2048 with a self-signed certificate."""
    private = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = xmlsec.Key.from_memory(pem, _C.KeyDataFormatPem)
    own = xmlsec.KeysManager()
    own.add_key(key)
    return KeyPair(read_certificate(certificate.public_bytes(serialization.Encoding.DER)), private, pem, key, own)


# --- the Redirect binding --------------------------------------------------------------------------------------


def sign_octets(octets: bytes, keys: KeyPair) -> bytes:
    """RSA-SHA256 over `octets`."""
    return keys.private.sign(octets, padding.PKCS1v15(), hashes.SHA256())


def verify_octets(signature: bytes, octets: bytes, certificate: Certificate) -> None:
    """Raise InvalidSignature unless it holds."""
    certificate.public.verify(signature, octets, padding.PKCS1v15(), hashes.SHA256())


def signed_query(xml: str, relay_state: str, keys: KeyPair) -> str:
    """The query string of a signed request (SAML bindings 3.4.4.1)."""
    deflate = zlib.compressobj(wbits=-15)
    packed = base64.b64encode(deflate.compress(xml.encode()) + deflate.flush())
    names = {"SAMLRequest": packed.decode(), "RelayState": relay_state, "SigAlg": RSA_SHA256}
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in names.items())
    return f"{query}&Signature={quote(base64.b64encode(sign_octets(query.encode(), keys)), safe='')}"


def read_query(query: str, certificate: Certificate) -> tuple[etree._Element, str]:
    """The request in `query` and its RelayState. Raises unless `certificate` verifies it."""
    raw = dict(pair.split("=", 1) for pair in query.split("&"))
    values = dict(parse_qsl(query))
    octets = "&".join(f"{name}={raw[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg")).encode()
    verify_octets(base64.b64decode(values["Signature"]), octets, certificate)
    xml = zlib.decompress(base64.b64decode(values["SAMLRequest"]), wbits=-15)
    return etree.fromstring(xml), values["RelayState"]


# --- XML signatures and encryption -----------------------------------------------------------------------------


def add_signature(root: etree._Element, keys: KeyPair) -> etree._Element:
    """Put an empty signature after the Issuer of `root`, for `fill_signature`."""
    signature = etree.fromstring(_SIGNATURE.format(id=root.get("ID"), certificate=keys.certificate.base64))
    root[0].addnext(signature)
    return signature


def fill_signature(root: etree._Element, signature: etree._Element, keys: KeyPair) -> None:
    """Sign."""
    context = xmlsec.SignatureContext()
    context.key = keys.xmlsec_key
    context.register_id(root, "ID")
    context.sign(signature)


def verify(root: etree._Element, certificate: Certificate) -> None:
    """Raise unless the signature of `root` covers it and holds."""
    signature = root.find(SIGNATURE)
    assert signature is not None
    reference = signature.find("ds:SignedInfo/ds:Reference", NS)
    assert reference is not None
    assert reference.get("URI") == f"#{root.get('ID')}"
    context = xmlsec.SignatureContext()
    context.key = certificate.xmlsec_key
    context.register_id(root, "ID")
    context.verify(signature)


def encrypt(assertion: bytes, certificate: Certificate) -> etree._Element:
    """An EncryptedData with `assertion`, AES-256-GCM and RSA-OAEP.

    Octets, because an element that was moved into another document may have lost declarations that it needs alone.
    """
    data = etree.fromstring(_ENCRYPTED_DATA)
    context = xmlsec.EncryptionContext(certificate.recipients)
    context.key = xmlsec.Key.generate(_C.KeyDataAes, 256, _C.KeyDataTypeSession)
    sealed: etree._Element = context.encrypt_binary(data, assertion)
    sealed.set("Type", f"{NS['xenc']}Element")
    return sealed


def decrypt(data: etree._Element, keys: KeyPair) -> etree._Element:
    """The Assertion in an EncryptedData, in the place of which it is put."""
    opened: etree._Element = xmlsec.EncryptionContext(keys.own).decrypt(data)
    return opened


_SIGNATURE = (
    f'<ds:Signature xmlns:ds="{NS["ds"]}"><ds:SignedInfo>'
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{{id}}"><ds:Transforms>'
    '<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
    '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>'
    "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}"
    "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
)
_ENCRYPTED_DATA = (
    f'<xenc:EncryptedData xmlns:xenc="{NS["xenc"]}">'
    '<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>'
    f'<ds:KeyInfo xmlns:ds="{NS["ds"]}"><xenc:EncryptedKey>'
    '<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>'
    "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
    "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
)
