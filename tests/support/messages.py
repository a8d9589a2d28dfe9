"""Messages of peers, made without the broker's code: text for content, xmlsec1 and cryptography for what is signed
and encrypted. So a reader and a writer of ours cannot share a misunderstanding."""

import base64
import subprocess
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from support.key_pairs import KeyPair, make_key_pair
from support.programs import need_program

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
NAMESPACES = {"saml2p": SAMLP, "saml2": SAML, "md": MD, "ds": DS, "xenc": XENC}

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
AES256_CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
AES256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
URI_FORMAT = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"

_SESSION_KEYS = {AES256_CBC: "aes-256", AES256_GCM: "aes-256"}


@cache
def rsa_keys(name: str) -> KeyPair:
    """The RSA key and certificate of the peer `name`; made once per process."""
    return make_key_pair(name)


@cache
def ec_keys(name: str) -> KeyPair:
    """The P-256 key and certificate of the peer `name`; made once per process."""
    return make_key_pair(name, curve=True)


def instant(at: datetime) -> str:
    """`at` as most peers write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- AuthnRequest ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDraft:
    """An AuthnRequest before it is signed. `attributes` override, or with None remove, what is written by default."""

    issuer: str
    destination: str
    issued: datetime
    request_id: str = "_request"
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    children: str = ""  # what follows the Issuer

    def xml(self) -> str:
        """The document."""
        attributes: dict[str, str | None] = {
            "ID": self.request_id,
            "Version": "2.0",
            "IssueInstant": instant(self.issued),
            "Destination": self.destination,
            **self.attributes,
        }
        return (
            f'<saml2p:AuthnRequest xmlns:saml2p="{SAMLP}" xmlns:saml2="{SAML}"{_written(attributes)}>'
            f"<saml2:Issuer>{escape(self.issuer)}</saml2:Issuer>{self.children}</saml2p:AuthnRequest>"
        )


# --- Response and Assertion ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionDraft:
    """An Assertion in which everything is right unless it is said otherwise. Attribute maps as in RequestDraft."""

    issuer: str
    audience: str
    recipient: str
    in_response_to: str
    now: datetime
    context: str
    values: Mapping[str, Sequence[str]]
    assertion_id: str = "_assertion"
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    data: Mapping[str, str | None] = field(default_factory=dict)  # SubjectConfirmationData
    conditions: Mapping[str, str | None] = field(default_factory=dict)
    authn: Mapping[str, str | None] = field(default_factory=dict)  # AuthnStatement
    authorities: Sequence[str] = ()
    name_id: str = "persistent-subject"
    name_id_format: str = PERSISTENT

    def xml(self) -> str:
        """The document."""
        soon = instant(self.now + timedelta(minutes=5))
        top: dict[str, str | None] = {
            "ID": self.assertion_id,
            "Version": "2.0",
            "IssueInstant": instant(self.now),
            **self.attributes,
        }
        data: dict[str, str | None] = {
            "InResponseTo": self.in_response_to,
            "Recipient": self.recipient,
            "NotOnOrAfter": soon,
            "Address": "192.0.2.17",
            **self.data,
        }
        conditions: dict[str, str | None] = {
            "NotBefore": instant(self.now - timedelta(seconds=10)),
            "NotOnOrAfter": soon,
            **self.conditions,
        }
        authn: dict[str, str | None] = {
            "AuthnInstant": instant(self.now),
            "SessionIndex": self.assertion_id,
            **self.authn,
        }
        authorities = "".join(
            f"<saml2:AuthenticatingAuthority>{escape(a)}</saml2:AuthenticatingAuthority>" for a in self.authorities
        )
        attributes = "".join(
            f'<saml2:Attribute Name="{escape(name)}" NameFormat="{URI_FORMAT}">'
            + "".join(
                f'<saml2:AttributeValue xsi:type="xs:string">{escape(value)}</saml2:AttributeValue>' for value in values
            )
            + "</saml2:Attribute>"
            for name, values in self.values.items()
        )
        return (
            f'<saml2:Assertion xmlns:saml2="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
            f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{_written(top)}>'
            f"<saml2:Issuer>{escape(self.issuer)}</saml2:Issuer>"
            f'<saml2:Subject><saml2:NameID Format="{self.name_id_format}">{escape(self.name_id)}</saml2:NameID>'
            f'<saml2:SubjectConfirmation Method="{BEARER}"><saml2:SubjectConfirmationData{_written(data)}/>'
            f"</saml2:SubjectConfirmation></saml2:Subject>"
            f"<saml2:Conditions{_written(conditions)}><saml2:AudienceRestriction>"
            f"<saml2:Audience>{escape(self.audience)}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions>"
            f"<saml2:AuthnStatement{_written(authn)}><saml2:AuthnContext>"
            f"<saml2:AuthnContextClassRef>{escape(self.context)}</saml2:AuthnContextClassRef>{authorities}"
            f"</saml2:AuthnContext></saml2:AuthnStatement>"
            f"<saml2:AttributeStatement>{attributes}</saml2:AttributeStatement></saml2:Assertion>"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseDraft:
    """A Response before it is signed. Attribute maps as in RequestDraft."""

    issuer: str
    destination: str
    in_response_to: str
    issued: datetime
    content: str = ""  # what follows the Status, usually from `encrypted`
    status: str = f'<saml2p:Status><saml2p:StatusCode Value="{SUCCESS}"/></saml2p:Status>'
    response_id: str = "_response"
    attributes: Mapping[str, str | None] = field(default_factory=dict)

    def xml(self) -> str:
        """The document."""
        attributes: dict[str, str | None] = {
            "ID": self.response_id,
            "Version": "2.0",
            "IssueInstant": instant(self.issued),
            "InResponseTo": self.in_response_to,
            "Destination": self.destination,
            **self.attributes,
        }
        return (
            f'<saml2p:Response xmlns:saml2p="{SAMLP}" xmlns:saml2="{SAML}"{_written(attributes)}>'
            f"<saml2:Issuer>{escape(self.issuer)}</saml2:Issuer>{self.status}{self.content}</saml2p:Response>"
        )


def error_status(top: str, second: str | None = None) -> str:
    """A Status of one or two levels."""
    inner = f"<saml2p:StatusCode Value={quoteattr(second)}/>" if second else ""
    message = "<saml2p:StatusMessage>Avbröts av användaren</saml2p:StatusMessage>"
    return (
        f"<saml2p:Status><saml2p:StatusCode Value={quoteattr(top)}>{inner}</saml2p:StatusCode>{message}</saml2p:Status>"
    )


def _written(attributes: Mapping[str, str | None]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value is not None)


# --- cryptography, by xmlsec1 and OpenSSL ----------------------------------------------------------------------


def signed(
    xml: str,
    keys: KeyPair,
    *,
    element: str,
    reference: str,
    signature_algorithm: str = RSA_SHA256,
    digest_algorithm: str = SHA256,
) -> str:
    """`xml` with an enveloped signature after the first Issuer, made by xmlsec1.

    `element` is the qualified name ("saml2p:Response") whose attribute ID is `reference`.
    """
    template = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{signature_algorithm}"/><ds:Reference URI="#{reference}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{digest_algorithm}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
        "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>"
    )
    prefix, _, name = element.partition(":")
    end = "</saml2:Issuer>"
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = keys.write(Path(folder), "peer")
        return _xmlsec1(
            Path(folder),
            ["--sign", "--privkey-pem", f"{key},{certificate}", "--id-attr:ID", f"{NAMESPACES[prefix]}:{name}"],
            xml.replace(end, end + template, 1),
        )


def encrypted(xml: str, certificate: bytes, *, block: str = AES256_GCM, transport: str = OAEP) -> str:
    """The element `xml` as an EncryptedAssertion, made by xmlsec1 for the owner of the PEM `certificate`."""
    template = (
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{block}"/>'
        f'<ds:KeyInfo xmlns:ds="{DS}"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}"/>'
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
    )
    with tempfile.TemporaryDirectory() as folder:
        certificate_file, data = Path(folder, "peer.crt"), Path(folder, "data.xml")
        certificate_file.write_bytes(certificate)
        data.write_text(xml, encoding="utf-8")
        arguments = ["--encrypt", "--pubkey-cert-pem", str(certificate_file), "--session-key", _SESSION_KEYS[block]]
        sealed = _xmlsec1(Path(folder), [*arguments, "--xml-data", str(data)], template)
    return f'<saml2:EncryptedAssertion xmlns:saml2="{SAML}">{sealed}</saml2:EncryptedAssertion>'


def is_signed_by(xml: bytes, certificate: bytes, *, element: str) -> bool:
    """Whether xmlsec1 accepts the signature in `xml` with this PEM certificate."""
    prefix, _, name = element.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        certificate_file, document = Path(folder, "peer.crt"), Path(folder, "message.xml")
        certificate_file.write_bytes(certificate)
        document.write_bytes(xml)
        id_attribute = ["--id-attr:ID", f"{NAMESPACES[prefix]}:{name}"]
        done = subprocess.run(
            [_program(), "--verify", "--pubkey-cert-pem", certificate_file, *id_attribute, document],
            capture_output=True,
        )
        return done.returncode == 0


def decrypted(encrypted_data: bytes, keys: KeyPair) -> str:
    """What xmlsec1 reads in an EncryptedData element with this private key."""
    with tempfile.TemporaryDirectory() as folder:
        key, _ = keys.write(Path(folder), "peer")
        return _xmlsec1(Path(folder), ["--decrypt", "--privkey-pem", str(key)], encrypted_data.decode())


def _xmlsec1(folder: Path, arguments: Sequence[str], xml: str) -> str:
    source, result = folder / "in.xml", folder / "out.xml"
    source.write_text(xml, encoding="utf-8")
    done = subprocess.run(
        [_program(), arguments[0], "--output", result, *arguments[1:], source], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return result.read_text(encoding="utf-8").partition("?>")[2].strip() or result.read_text(encoding="utf-8")


@cache
def _program() -> str:
    return need_program("xmlsec1", "xmlsec1")


def signed_query(
    xml: str,
    keys: KeyPair | None,
    *,
    field_name: str = "SAMLRequest",
    relay_state: str | None = None,
    signature_algorithm: str | None = None,
) -> bytes:
    """A query string of the HTTP-Redirect binding (SAML bindings 3.4.4.1), signed when there are `keys`."""
    deflate = zlib.compressobj(wbits=-15)
    packed = base64.b64encode(deflate.compress(xml.encode()) + deflate.flush())
    query = f"{field_name}={quote(packed, safe='')}"
    if relay_state is not None:
        query += f"&RelayState={quote(relay_state, safe='')}"
    if keys is None:
        return query.encode()
    private = serialization.load_pem_private_key(keys.key, password=None)
    if isinstance(private, rsa.RSAPrivateKey):
        query += f"&SigAlg={quote(signature_algorithm or RSA_SHA256, safe='')}"
        signature = private.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
    else:
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        query += f"&SigAlg={quote(signature_algorithm or ECDSA_SHA256, safe='')}"
        signature = _raw_ecdsa(private, query.encode())
    return f"{query}&Signature={quote(base64.b64encode(signature), safe='')}".encode()


def _raw_ecdsa(key: ec.EllipticCurvePrivateKey, octets: bytes) -> bytes:
    """r and s side by side, as XML Signature writes them."""
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    size = (key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def form_value(xml: str) -> str:
    """A message as the HTTP-POST binding carries it in a form field."""
    return base64.b64encode(xml.encode()).decode()
