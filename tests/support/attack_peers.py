"""An e-service and an upstream whose every message can be bent. Their cryptography is not the broker's."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4
from xml.sax.saxutils import escape, quoteattr

from lxml import etree
from support.attack_crypto import certificate_of, opened, signed
from support.attack_query import Query
from support.ciphers import Sealed
from support.installation import BASE_URL
from support.key_pairs import KeyPair
from support.keys import key_pair
from support.messages import NAMESPACES, AssertionDraft, RequestDraft, ResponseDraft

LOA2 = "http://id.elegnamnden.se/loa/1.0/loa2"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA4 = "http://id.elegnamnden.se/loa/1.0/loa4"
EIDAS_NF_HIGH = "http://id.elegnamnden.se/loa/1.0/eidas-nf-high"
EIDAS_HIGH = "http://id.elegnamnden.se/loa/1.0/eidas-high"
UNCERTIFIED_EIDAS_HIGH = "http://id.swedenconnect.se/loa/1.0/uncertified-eidas-high"
LOA3_NONRESIDENT = "http://id.swedenconnect.se/loa/1.0/loa3-nonresident"
LOA3_PNR = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
ACCEPTS_COORDINATION_NUMBER = "http://id.swedenconnect.se/general-ec/1.0/accepts-coordination-number"
LOA3_ORGID = "http://id.swedenconnect.se/ec/1.0/loa3-orgid"
PNR = "urn:oid:1.2.752.29.4.13"
SURNAME = "urn:oid:2.5.4.4"
GIVEN_NAME = "urn:oid:2.5.4.42"
DISPLAY_NAME = "urn:oid:2.16.840.1.113730.3.1.241"
ORG_AFFILIATION = "urn:oid:1.2.752.201.3.1"
PERSON = {PNR: ["198611239883"], SURNAME: ["Testsson"], GIVEN_NAME: ["Åsa"], DISPLAY_NAME: ["Åsa Testsson"]}
VICTIM = {PNR: ["191212121212"], SURNAME: ["Tolvansson"], GIVEN_NAME: ["Tolvan"], DISPLAY_NAME: ["Tolvan Tolvansson"]}
"""Whom an attacker wants to be."""

HOSTILE_NAME = '"><script>alert(1)</script><img/src=x/onerror=alert(2)>`{{7*7}}${7*7}'

SSO_PATH = "/saml/idp/sso"
ACS_PATH = "/saml/sp/acs"
SSO_URL = f"{BASE_URL}{SSO_PATH}"
ACS_URL = f"{BASE_URL}{ACS_PATH}"
IDP_ENTITY = f"{BASE_URL}/saml/idp"
SP_ENTITY = f"{BASE_URL}/saml/sp"

NS = NAMESPACES
PROTOCOL = f'protocolSupportEnumeration="{NS["saml2p"]}"'
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"

Draft = TypeVar("Draft", AssertionDraft, ResponseDraft, RequestDraft)
Rewrite = Callable[[str], str]


def same(draft: Any) -> Any:
    """No change."""
    return draft


def changed(**changes: Any) -> Callable[[Draft], Draft]:
    """The bend that gives these fields of a draft other values."""
    return lambda draft: replace(draft, **changes)


def rewritten(old: str, new: str) -> Rewrite:
    """The rewrite of every `old`, which must be there."""

    def rewrite(text: str) -> str:
        assert old in text, f"{old!r} is not in {text}"
        return text.replace(old, new)

    return rewrite


@cache
def peer_keys(name: str, kind: str = "rsa2048") -> KeyPair:
    """The key of the peer `name`; made once per process."""
    return key_pair(kind, name)


def key_descriptor(keys: KeyPair, use: str | None) -> str:
    """A KeyDescriptor with a certificate."""
    written = f' use="{use}"' if use else ""
    return (
        f'<md:KeyDescriptor{written}><ds:KeyInfo xmlns:ds="{NS["ds"]}"><ds:X509Data>'
        f"<ds:X509Certificate>{certificate_of(keys)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def entity_descriptor(entity_id: str, role: str) -> str:
    """The metadata of one entity."""
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID={quoteattr(entity_id)}>{role}'
        "</md:EntityDescriptor>"
    )


@dataclass(frozen=True, slots=True)
class EServicePeer:
    """An e-service on another site. `more` is what its role says besides keys and its one ACS."""

    name: str = "bygglov"
    more: str = ""
    flags: str = 'AuthnRequestsSigned="true"'
    own_id: str | None = None

    @property
    def entity_id(self) -> str:
        return self.own_id or f"https://{self.name}.example.se/sp"

    @property
    def acs(self) -> str:
        return f"https://{self.name}.example.se/acs"

    @property
    def keys(self) -> KeyPair:
        return peer_keys(self.name)

    def metadata(self) -> str:
        """Its EntityDescriptor: signed requests, one POST ACS."""
        return entity_descriptor(
            self.entity_id,
            f"<md:SPSSODescriptor {self.flags} {PROTOCOL}>{key_descriptor(self.keys, 'signing')}"
            f'{key_descriptor(self.keys, "encryption")}<md:AssertionConsumerService index="0" isDefault="true" '
            f'Binding="{POST}" Location={quoteattr(self.acs)}/>{self.more}</md:SPSSODescriptor>',
        )

    def request(self) -> RequestDraft:
        """A request for loa3, not signed yet."""
        return RequestDraft(
            issuer=self.entity_id,
            destination=SSO_URL,
            issued=datetime.now(UTC),
            request_id=f"_{uuid4().hex}",
            attributes={"AssertionConsumerServiceURL": self.acs},
            children=asks_for(LOA3),
        )

    def query(self, draft: RequestDraft | None = None, relay_state: str | None = "opaque") -> str:
        """The signed query string of a request by Redirect."""
        return Query.of((draft or self.request()).xml(), relay_state=relay_state).signed(self.keys).text()

    def form(self, draft: RequestDraft, relay_state: str = "opaque", rewrite: Rewrite = same) -> dict[str, str]:
        """The fields of a signed request by POST; `rewrite` happens after signing."""
        xml = signed(draft.xml(), draft.request_id, self.keys)
        return {"SAMLRequest": base64.b64encode(rewrite(xml).encode()).decode(), "RelayState": relay_state}

    def read(self, fields: dict[str, str]) -> etree._Element:
        """The Assertion in an answer, decrypted."""
        sealed = etree.fromstring(base64.b64decode(fields["SAMLResponse"])).find("saml2:EncryptedAssertion", NS)
        assert sealed is not None
        return etree.fromstring(opened(sealed, self.keys))


def requires(*names: str) -> str:
    """An AttributeConsumingService without which nothing goes."""
    requested = "".join(f'<md:RequestedAttribute Name="{name}" isRequired="true"/>' for name in names)
    service = '<md:ServiceName xml:lang="sv">Tjänsten</md:ServiceName>'
    return f'<md:AttributeConsumingService index="0">{service}{requested}</md:AttributeConsumingService>'


def certified(*contexts: str) -> str:
    """Extensions of an entity that declares levels; nothing without any."""
    if not contexts:
        return ""
    values = "".join(f"<saml2:AttributeValue>{uri}</saml2:AttributeValue>" for uri in contexts)
    name = "urn:oasis:names:tc:SAML:attribute:assurance-certification"
    attribute = f'<saml2:Attribute xmlns:saml2="{NS["saml2"]}" Name="{name}">{values}</saml2:Attribute>'
    namespace = 'xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"'
    return f"<md:Extensions><mdattr:EntityAttributes {namespace}>{attribute}</mdattr:EntityAttributes></md:Extensions>"


def ui_info(name: str, address: str) -> str:
    """How an entity wants to be shown."""
    texts = f'<mdui:DisplayName xml:lang="sv">{escape(name)}</mdui:DisplayName>'
    texts += f'<mdui:InformationURL xml:lang="sv">{escape(address)}</mdui:InformationURL>'
    texts += f'<mdui:Logo height="80" width="80">{escape(address)}</mdui:Logo>'
    return f'<mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">{texts}</mdui:UIInfo>'


def scope(name: str) -> str:
    """A scope that an IdP may speak for."""
    return f'<shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="false">{name}</shibmd:Scope>'


def asks_for(*contexts: str, comparison: str = "exact") -> str:
    """A RequestedAuthnContext."""
    listed = "".join(f"<saml2:AuthnContextClassRef>{uri}</saml2:AuthnContextClassRef>" for uri in contexts)
    return f'<saml2p:RequestedAuthnContext Comparison="{comparison}">{listed}</saml2p:RequestedAuthnContext>'


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedUpstream:
    """What our AuthnRequest to an upstream said."""

    request_id: str
    relay_state: str
    xml: bytes


@dataclass(frozen=True, slots=True)
class UpstreamPeer:
    """An IdP on another site. `extensions` are those of its role; `declared` are levels in its metadata."""

    name: str = "idp"
    extensions: str = ""
    own_id: str | None = None
    declared: tuple[str, ...] = ()

    @property
    def entity_id(self) -> str:
        return self.own_id or f"https://{self.name}.example.org/idp"

    @property
    def keys(self) -> KeyPair:
        return peer_keys(self.name)

    def metadata(self) -> str:
        """Its EntityDescriptor: both bindings."""
        extensions = f"<md:Extensions>{self.extensions}</md:Extensions>" if self.extensions else ""
        return entity_descriptor(
            self.entity_id,
            f"{certified(*self.declared)}"
            f'<md:IDPSSODescriptor WantAuthnRequestsSigned="true" {PROTOCOL}>{extensions}'
            f"{key_descriptor(self.keys, 'signing')}"
            f'<md:SingleSignOnService Binding="{REDIRECT}" Location="https://{self.name}.example.org/sso"/>'
            f'<md:SingleSignOnService Binding="{POST}" Location="https://{self.name}.example.org/sso"/>'
            "</md:IDPSSODescriptor>",
        )

    def assertion(self, asked: AskedUpstream) -> AssertionDraft:
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

    def response(self, asked: AskedUpstream, content: str) -> ResponseDraft:
        """The Response around `content`, not signed yet."""
        return ResponseDraft(
            issuer=self.entity_id,
            destination=ACS_URL,
            in_response_to=asked.request_id,
            issued=datetime.now(UTC),
            content=content,
            response_id=f"_{uuid4().hex}",
        )

    def sign(self, draft: ResponseDraft, keys: KeyPair | None = None, rewrite: Rewrite = same) -> str:
        """The Response, signed after `rewrite`."""
        return signed(rewrite(draft.xml()), draft.response_id, keys or self.keys)

    def sign_assertion(self, xml: str, assertion_id: str, keys: KeyPair | None = None) -> str:
        """An Assertion with a signature of its own."""
        return signed(xml, assertion_id, keys or self.keys)


def seal(assertion: str, certificate: bytes) -> str:
    """The EncryptedAssertion for the owner of `certificate`."""
    return Sealed(keys=KeyPair(key=b"", certificate=certificate), plain=assertion.encode()).xml()
