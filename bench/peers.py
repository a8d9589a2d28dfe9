"""The e-service and the upstream that the load driver plays: what they send, and what they believe."""

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from lxml import etree

from bench.wire import (
    ENCRYPTED_DATA,
    NS,
    Certificate,
    KeyPair,
    add_signature,
    decrypt,
    encrypt,
    fill_signature,
    make_key_pair,
    read_certificate,
    read_query,
    signed_query,
    verify,
)

LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
PNR = "urn:oid:1.2.752.29.4.13"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"


@dataclass(frozen=True, slots=True)
class Proxy:
    """The server under test, by its metadata: where requests go, and its keys on either side."""

    sso: str
    idp_certificate: Certificate  # signs Responses
    asking_certificate: Certificate  # signs requests
    encryption_certificate: Certificate  # upstreams encrypt to it


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of the e-service, and the person who will log in."""

    url: str
    request_id: str
    relay_state: str
    pnr: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the browser brought back to the e-service."""

    sent: Sent
    response: str  # as in the form
    relay_state: str | None


class EService:
    """Signs requests; verifies what it is answered, completely."""

    def __init__(self) -> None:
        self.keys = make_key_pair("bench e-service")
        self.entity_id = "https://bench.example.se/e-service"
        self.acs = "https://bench.example.se/acs"

    def metadata(self) -> str:
        """An EntityDescriptor: signed requests, signed assertions, AES-GCM."""
        role = (
            f'<md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" {_PROTOCOL}>'
            f"{_key('signing', self.keys)}{_key('encryption', self.keys)}"
            f'<md:AssertionConsumerService index="0" isDefault="true" Binding="{_POST}" Location="{self.acs}"/>'
            "</md:SPSSODescriptor>"
        )
        return _entity(self.entity_id, role)

    def ask(self, proxy: Proxy, number: int) -> Sent:
        """A signed request for login `number` of this run."""
        request_id, relay_state = f"_{token_hex(16)}", token_hex(8)
        xml = (
            f'<saml2p:AuthnRequest xmlns:saml2p="{NS["saml2p"]}" xmlns:saml2="{NS["saml2"]}" ID="{request_id}" '
            f'Version="2.0" IssueInstant="{_instant()}" Destination="{proxy.sso}" ProtocolBinding="{_POST}" '
            f'AssertionConsumerServiceURL="{self.acs}"><saml2:Issuer>{self.entity_id}</saml2:Issuer>'
            f'<saml2p:RequestedAuthnContext Comparison="exact"><saml2:AuthnContextClassRef>{LOA3}'
            "</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext></saml2p:AuthnRequest>"
        )
        url = f"{proxy.sso}?{signed_query(xml, relay_state, self.keys)}"
        return Sent(url, request_id, relay_state, personal_number(number))

    def check(self, got: Delivered, proxy: Proxy) -> str:
        """The ID of the Response, when both signatures hold and it is about the right request and person."""
        root = etree.fromstring(base64.b64decode(got.response))
        verify(root, proxy.idp_certificate)
        status = root.find("saml2p:Status/saml2p:StatusCode", NS)
        assert status is not None
        assert status.get("Value") == SUCCESS
        assert root.get("Destination") == self.acs
        assert root.get("InResponseTo") == got.sent.request_id
        assert got.relay_state == got.sent.relay_state
        sealed = root.find(ENCRYPTED_DATA, NS)
        assert sealed is not None
        # The signature of an encrypted assertion holds for the document that it was before.
        assertion = etree.fromstring(etree.tostring(decrypt(sealed, self.keys)))
        verify(assertion, proxy.idp_certificate)
        audience = assertion.findtext("saml2:Conditions/saml2:AudienceRestriction/saml2:Audience", None, NS)
        assert audience == self.entity_id
        values = assertion.findall(f".//saml2:Attribute[@Name='{PNR}']/saml2:AttributeValue", NS)
        assert [value.text for value in values] == [got.sent.pnr]
        return str(root.get("ID"))


class Upstream:
    """Answers requests: signed Response, signed and encrypted assertion, whatever person it is told."""

    def __init__(self) -> None:
        self.keys = make_key_pair("bench upstream")
        self.entity_id = "https://bench.example.org/idp"
        self.sso = "https://bench.example.org/sso"

    def metadata(self) -> str:
        """An EntityDescriptor: Redirect only, signed requests."""
        role = (
            f'<md:IDPSSODescriptor WantAuthnRequestsSigned="true" {_PROTOCOL}>{_key("signing", self.keys)}'
            f'<md:SingleSignOnService Binding="{_REDIRECT}" Location="{self.sso}"/></md:IDPSSODescriptor>'
        )
        return _entity(self.entity_id, role)

    def answer(self, url: str, pnr: str, proxy: Proxy) -> tuple[str, dict[str, str]]:
        """Where to post which form, when a browser comes with `url`."""
        request, relay_state = read_query(urlsplit(url).query, proxy.asking_certificate)
        acs, audience = request.get("AssertionConsumerServiceURL"), request.findtext("saml2:Issuer", None, NS)
        assert acs is not None
        assert audience is not None
        assertion = etree.fromstring(assertion_xml(self.entity_id, audience, acs, str(request.get("ID")), pnr).encode())
        fill_signature(assertion, add_signature(assertion, self.keys), self.keys)
        root = etree.fromstring(response_xml(self.entity_id, acs, str(request.get("ID"))).encode())
        root[-1].append(encrypt(etree.tostring(assertion), proxy.encryption_certificate))
        fill_signature(root, add_signature(root, self.keys), self.keys)
        form = {"SAMLResponse": base64.b64encode(etree.tostring(root)).decode(), "RelayState": relay_state}
        return acs, form


def read_proxy(idp_metadata: bytes, sp_metadata: bytes) -> Proxy:
    """What the server under test says of itself."""
    idp, sp = etree.fromstring(idp_metadata), etree.fromstring(sp_metadata)
    path = f".//md:SingleSignOnService[@Binding='{_REDIRECT}']"
    location = idp.find(path, NS)
    assert location is not None
    return Proxy(
        sso=str(location.get("Location")),
        idp_certificate=_certificate(idp, "signing"),
        asking_certificate=_certificate(sp, "signing"),
        encryption_certificate=_certificate(sp, "encryption"),
    )


def personal_number(number: int) -> str:
    """A Swedish personal identity number, another one for each `number` below thirty million."""
    day = date(1900, 1, 1) + timedelta(days=number // 999)
    digits = f"{day:%y%m%d}{number % 999 + 1:03d}"
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(digits)]
    return f"{day:%Y%m%d}{digits[6:]}{-sum(value // 10 + value % 10 for value in doubled) % 10}"


def assertion_xml(issuer: str, audience: str, acs: str, request_id: str, pnr: str) -> str:
    """An Assertion of the profile, not signed yet."""
    identifier, now, soon = f"_{token_hex(16)}", _instant(), _instant(timedelta(minutes=4))
    values = {PNR: pnr, "urn:oid:2.5.4.4": "Testsson", "urn:oid:2.5.4.42": "Åsa", _DISPLAY_NAME: f"Åsa Testsson {pnr}"}
    attributes = "".join(
        f'<saml2:Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
        f'<saml2:AttributeValue xsi:type="xs:string">{escape(value)}</saml2:AttributeValue></saml2:Attribute>'
        for name, value in values.items()
    )
    return (
        f'<saml2:Assertion xmlns:saml2="{NS["saml2"]}" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{identifier}" Version="2.0" IssueInstant="{now}">'
        f'<saml2:Issuer>{issuer}</saml2:Issuer><saml2:Subject><saml2:NameID Format="{_PERSISTENT}">{pnr}-id'
        '</saml2:NameID><saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml2:SubjectConfirmationData InResponseTo="{request_id}" Recipient="{acs}" NotOnOrAfter="{soon}"/>'
        f'</saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="{now}" NotOnOrAfter="{soon}">'
        f"<saml2:AudienceRestriction><saml2:Audience>{escape(audience)}</saml2:Audience></saml2:AudienceRestriction>"
        f'</saml2:Conditions><saml2:AuthnStatement AuthnInstant="{now}" SessionIndex="{identifier}">'
        f"<saml2:AuthnContext><saml2:AuthnContextClassRef>{LOA3}</saml2:AuthnContextClassRef></saml2:AuthnContext>"
        f"</saml2:AuthnStatement><saml2:AttributeStatement>{attributes}</saml2:AttributeStatement></saml2:Assertion>"
    )


def response_xml(issuer: str, acs: str, request_id: str) -> str:
    """A Response with an empty EncryptedAssertion at its end, not signed yet."""
    return (
        f'<saml2p:Response xmlns:saml2p="{NS["saml2p"]}" xmlns:saml2="{NS["saml2"]}" ID="_{token_hex(16)}" '
        f'Version="2.0" IssueInstant="{_instant()}" Destination="{acs}" InResponseTo="{request_id}">'
        f'<saml2:Issuer>{issuer}</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="{SUCCESS}"/></saml2p:Status>'
        "<saml2:EncryptedAssertion/></saml2p:Response>"
    )


_DISPLAY_NAME = "urn:oid:2.16.840.1.113730.3.1.241"
_PROTOCOL = f'protocolSupportEnumeration="{NS["saml2p"]}"'


def _key(use: str, keys: KeyPair) -> str:
    method = f'<md:EncryptionMethod Algorithm="{_GCM}"/>' if use == "encryption" else ""
    return (
        f'<md:KeyDescriptor use="{use}"><ds:KeyInfo xmlns:ds="{NS["ds"]}"><ds:X509Data><ds:X509Certificate>'
        f"{keys.certificate.base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>{method}</md:KeyDescriptor>"
    )


def _entity(entity_id: str, role: str) -> str:
    return f'<md:EntityDescriptor xmlns:md="{NS["md"]}" entityID="{entity_id}">{role}</md:EntityDescriptor>'


def _certificate(metadata: etree._Element, use: str) -> Certificate:
    for descriptor in metadata.findall(".//md:KeyDescriptor", NS):
        if descriptor.get("use") in (use, None):
            found = descriptor.findtext(".//ds:X509Certificate", None, NS)
            assert found is not None
            return read_certificate(base64.b64decode(found))
    raise AssertionError(f"no {use} key in the metadata")


def _instant(later: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + later).strftime("%Y-%m-%dT%H:%M:%SZ")
