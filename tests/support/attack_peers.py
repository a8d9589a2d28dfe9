"""An e-service and an upstream whose every message can be bent. Their cryptography is xmlsec1's, not the broker's.

`perfect_login` is the unforged twin of every attack: the same drafts, unbent.
"""

import base64
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from flask.testing import FlaskClient
from lxml import etree
from support.installation import BASE_URL, Installation
from support.key_pairs import KeyPair, make_key_pair
from support.messages import AssertionDraft, RequestDraft, ResponseDraft, decrypted, encrypted, signed, signed_query

from broker.flow.metadata_plans import UploadKind

LOA2 = "http://id.elegnamnden.se/loa/1.0/loa2"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA4 = "http://id.elegnamnden.se/loa/1.0/loa4"
LOA3_PNR = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
PNR = "urn:oid:1.2.752.29.4.13"
PERSON = {
    PNR: ["198611239883"],
    "urn:oid:2.5.4.4": ["Testsson"],
    "urn:oid:2.5.4.42": ["Åsa"],
    "urn:oid:2.16.840.1.113730.3.1.241": ["Åsa Testsson"],
}
SSO_URL = f"{BASE_URL}/saml/idp/sso"
ACS_URL = f"{BASE_URL}/saml/sp/acs"
SP_ENTITY = f"{BASE_URL}/saml/sp"

_NS = {
    "saml2p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml2": "urn:oasis:names:tc:SAML:2.0:assertion",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}


@cache
def peer_keys(name: str) -> KeyPair:
    """The key of the peer `name`; made once per process."""
    return make_key_pair(name)


def _key_descriptor(use: str, keys: KeyPair) -> str:
    body = "".join(keys.certificate.decode().strip().splitlines()[1:-1])
    return (
        f'<md:KeyDescriptor use="{use}"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def _entity(entity_id: str, role: str) -> str:
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">{role}'
        "</md:EntityDescriptor>"
    )


_PROTOCOL = 'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"'
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


@dataclass(frozen=True, slots=True)
class EServicePeer:
    """An e-service on another site."""

    name: str = "bygglov"

    @property
    def entity_id(self) -> str:
        return f"https://{self.name}.example.se/sp"

    @property
    def acs(self) -> str:
        return f"https://{self.name}.example.se/acs"

    @property
    def keys(self) -> KeyPair:
        return peer_keys(self.name)

    def metadata(self) -> str:
        """Its EntityDescriptor: signed requests, one POST ACS."""
        return _entity(
            self.entity_id,
            f'<md:SPSSODescriptor AuthnRequestsSigned="true" {_PROTOCOL}>{_key_descriptor("signing", self.keys)}'
            f'{_key_descriptor("encryption", self.keys)}<md:AssertionConsumerService index="0" isDefault="true" '
            f'Binding="{_POST}" Location="{self.acs}"/></md:SPSSODescriptor>',
        )

    def request(self) -> RequestDraft:
        """A request for loa3, not signed yet."""
        return RequestDraft(
            issuer=self.entity_id,
            destination=SSO_URL,
            issued=datetime.now(UTC),
            request_id=f"_{uuid4().hex}",
            attributes={"AssertionConsumerServiceURL": self.acs},
            children='<saml2p:RequestedAuthnContext Comparison="exact">'
            f"<saml2:AuthnContextClassRef>{LOA3}</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext>",
        )

    def query(self, draft: RequestDraft | None = None, relay_state: str | None = "opaque") -> str:
        """The signed query string of a request by Redirect."""
        return signed_query((draft or self.request()).xml(), self.keys, relay_state=relay_state).decode()

    def read(self, form: "Form") -> etree._Element:
        """The Assertion in an answer, decrypted by xmlsec1."""
        response = etree.fromstring(base64.b64decode(form.fields["SAMLResponse"]))
        sealed = response.find("saml2:EncryptedAssertion/xenc:EncryptedData", _NS)
        assert sealed is not None
        return etree.fromstring(decrypted(etree.tostring(sealed), self.keys).encode())


@dataclass(frozen=True, slots=True)
class UpstreamPeer:
    """An IdP on another site."""

    name: str = "idp"

    @property
    def entity_id(self) -> str:
        return f"https://{self.name}.example.org/idp"

    @property
    def keys(self) -> KeyPair:
        return peer_keys(self.name)

    def metadata(self) -> str:
        """Its EntityDescriptor: both bindings."""
        return _entity(
            self.entity_id,
            f'<md:IDPSSODescriptor WantAuthnRequestsSigned="true" {_PROTOCOL}>'
            f"{_key_descriptor('signing', self.keys)}"
            f'<md:SingleSignOnService Binding="{_REDIRECT}" Location="https://{self.name}.example.org/sso"/>'
            f'<md:SingleSignOnService Binding="{_POST}" Location="https://{self.name}.example.org/sso"/>'
            "</md:IDPSSODescriptor>",
        )

    def assertion(self, asked: "AskedUpstream") -> AssertionDraft:
        """The assertion that answers `asked` perfectly."""
        return AssertionDraft(
            issuer=self.entity_id,
            audience=SP_ENTITY,
            recipient=ACS_URL,
            in_response_to=asked.request_id,
            now=datetime.now(UTC),
            context=LOA3,
            values=PERSON,
            assertion_id=f"_{uuid4().hex}",
        )

    def response(self, asked: "AskedUpstream", content: str) -> ResponseDraft:
        """The Response around `content`, not signed yet."""
        return ResponseDraft(
            issuer=self.entity_id,
            destination=ACS_URL,
            in_response_to=asked.request_id,
            issued=datetime.now(UTC),
            content=content,
            response_id=f"_{uuid4().hex}",
        )

    def sign(self, draft: ResponseDraft, keys: KeyPair | None = None) -> str:
        """The Response, signed."""
        return signed(draft.xml(), keys or self.keys, element="saml2p:Response", reference=draft.response_id)

    def answer(
        self,
        asked: "AskedUpstream",
        broker_certificate: bytes,
        bend_assertion: Callable[[AssertionDraft], AssertionDraft] = lambda draft: draft,
        bend_response: Callable[[ResponseDraft], ResponseDraft] = lambda draft: draft,
    ) -> str:
        """A signed Response with an encrypted assertion, perfect unless bent."""
        sealed = encrypted(bend_assertion(self.assertion(asked)).xml(), broker_certificate)
        return self.sign(bend_response(self.response(asked, sealed)))


@dataclass(frozen=True, slots=True)
class AskedUpstream:
    """What our AuthnRequest to an upstream said."""

    request_id: str
    relay_state: str
    xml: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a page posts."""

    action: str
    fields: dict[str, str]


def form_of(page: str) -> Form | None:
    """The form that leaves this site, if the page has one."""
    for action, body in re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL):
        if unescape(action).startswith("http") and not unescape(action).startswith(BASE_URL):
            pairs = re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', body)
            return Form(unescape(action), {name: unescape(value) for name, value in pairs})
    return None


class World:
    """One installation with its e-service and two upstreams."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.e_service, self.other_e_service = EServicePeer(), EServicePeer("forskola")
        self.upstream, self.other_upstream = UpstreamPeer(), UpstreamPeer("other")
        for e_service in (self.e_service, self.other_e_service):
            installation.register(e_service.metadata(), UploadKind.E_SERVICE, categories=(LOA3_PNR,))
        for upstream in (self.upstream, self.other_upstream):
            installation.register(upstream.metadata(), UploadKind.UPSTREAM, contexts=(LOA3,), dialect="sweden_connect")
        keys = installation.opened.settings.keys_folder
        self.broker_certificate = (keys / "encryption-1.crt").read_bytes()

    def start(self, browser: FlaskClient, query: str) -> Any:
        """Send an AuthnRequest by Redirect, and follow as far as our own pages go."""
        page = browser.get(f"/saml/idp/sso?{query}", base_url=BASE_URL)
        while page.status_code == 303 and urlsplit(page.headers["Location"]).path.startswith("/login/"):
            page = browser.get(urlsplit(page.headers["Location"]).path, base_url=BASE_URL)
        return page

    def choose(self, browser: FlaskClient, page: Any, upstream: UpstreamPeer | None = None) -> AskedUpstream:
        """Press the button of an upstream, and read what it is asked."""
        found = re.search(r'action="(?:http://127\.0\.0\.1:18080)?(/login/[^"/?]+/choice)', page.text)
        assert found, page.text
        chosen = (upstream or self.upstream).entity_id
        sent = browser.post(found[1], data={"upstream": chosen}, base_url=BASE_URL)
        assert sent.status_code == 303, sent.text
        query = parse_qs(urlsplit(sent.headers["Location"]).query)
        xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), wbits=-15)
        return AskedUpstream(etree.fromstring(xml).get("ID") or "", query["RelayState"][0], xml)

    def to_upstream(self, browser: FlaskClient, query: str | None = None) -> AskedUpstream:
        """From the e-service to the upstream."""
        return self.choose(browser, self.start(browser, query or self.e_service.query()))

    def deliver(self, browser: FlaskClient, response: str, relay_state: str | None) -> Any:
        """Post a Response to our ACS, as a cross-site POST without cookie, and follow what comes in `browser`."""
        fields = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
        if relay_state is not None:
            fields["RelayState"] = relay_state
        return self.deliver_fields(browser, fields)

    def deliver_fields(self, browser: FlaskClient, fields: Any) -> Any:
        """Post these form fields to our ACS."""
        parked = self.installation.browser().post("/saml/sp/acs", data=fields, base_url=BASE_URL)
        if parked.status_code != 303:
            return parked
        return browser.get(parked.headers["Location"], base_url=BASE_URL)

    def assert_logs_in(self) -> None:
        """The unforged twin: a genuine login, whole, checked at the e-service."""
        browser = self.installation.browser()
        draft = self.e_service.request()
        asked = self.to_upstream(browser, self.e_service.query(draft))
        page = self.deliver(browser, self.upstream.answer(asked, self.broker_certificate), asked.relay_state)
        assert page.status_code == 200, page.text
        form = form_of(page.text)
        assert form is not None, page.text
        assert form.action == self.e_service.acs
        assertion = self.e_service.read(form)
        values = assertion.findall(f".//saml2:Attribute[@Name='{PNR}']/saml2:AttributeValue", _NS)
        assert [value.text for value in values] == PERSON[PNR]
        confirmation = assertion.find(".//saml2:SubjectConfirmationData", _NS)
        assert confirmation is not None
        assert confirmation.get("InResponseTo") == draft.request_id

    def last_code(self) -> str:
        """How the last login, or request, ended, by the audit."""
        return str(next(e["code"] for e in reversed(self.installation.events()) if e.get("code") is not None))


__all__ = ["ACS_URL", "LOA2", "LOA3", "LOA4", "PERSON", "PNR", "SSO_URL", "World", "form_of", "replace"]
