"""Metadata documents of strangers: written as text, signed by xmlsec1."""

import base64
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from support.key_pairs import KeyPair
from support.keys import key_pair
from support.programs import need_program

MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
ARTIFACT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
ENTITY_CATEGORY = "http://macedir.org/entity-category"
ASSURANCE = "urn:oasis:names:tc:SAML:attribute:assurance-certification"
LOA3 = "http://id.elegnamnden.se/loa/1.0/loa3"
LOA2 = "http://id.elegnamnden.se/loa/1.0/loa2"
LOA3_PNR = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
PUBLIC_SECTOR = "http://id.elegnamnden.se/st/1.0/public-sector-sp"

_NAMESPACES = (
    f'xmlns:md="{MD}" xmlns:ds="{DS}" xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion" '
    'xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" '
    'xmlns:alg="urn:oasis:names:tc:SAML:metadata:algsupport" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" '
    'xmlns:psc="http://id.swedenconnect.se/authn/1.0/principal-selection/ns"'
)
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"


def rsa(name: str = "peer") -> KeyPair:
    """The RSA key of the peer `name`; made once per process."""
    return key_pair("rsa2048", name)


def certificate_of(pair: KeyPair) -> str:
    """The certificate as X509Certificate holds it."""
    der = x509.load_pem_x509_certificate(pair.certificate).public_bytes(Encoding.DER)
    return base64.b64encode(der).decode()


def fingerprint_of(pair: KeyPair) -> str:
    """The key id: SHA-256 of the certificate, hex."""
    return x509.load_pem_x509_certificate(pair.certificate).fingerprint(SHA256()).hex()


def key_descriptor(pair: KeyPair, use: str | None = None, methods: str = "") -> str:
    """A KeyDescriptor."""
    written = f' use="{use}"' if use else ""
    certificate = f"<ds:X509Data><ds:X509Certificate>\n{certificate_of(pair)}\n</ds:X509Certificate></ds:X509Data>"
    return f"<md:KeyDescriptor{written}><ds:KeyInfo>{certificate}</ds:KeyInfo>{methods}</md:KeyDescriptor>"


def entity_attribute(name: str, *values: str) -> str:
    """EntityAttributes with one attribute."""
    written = "".join(f"<saml2:AttributeValue>{value}</saml2:AttributeValue>" for value in values)
    attribute = f'<saml2:Attribute Name="{name}">{written}</saml2:Attribute>'
    return f"<mdattr:EntityAttributes>{attribute}</mdattr:EntityAttributes>"


def display_names(names: Mapping[str, str], more: str = "") -> str:
    """UIInfo with names."""
    written = "".join(f'<mdui:DisplayName xml:lang="{tag}">{name}</mdui:DisplayName>' for tag, name in names.items())
    return f"<mdui:UIInfo>{written}{more}</mdui:UIInfo>"


@dataclass(frozen=True, slots=True, kw_only=True)
class EServiceDraft:
    """An SP in which everything is right unless it is said otherwise."""

    entity_id: str = "https://bygglov.example.se/sp"
    names: Mapping[str, str] = field(default_factory=lambda: {"sv": "Bygglov", "en": "Building permits"})
    keys: tuple[KeyPair, ...] | None = None
    categories: tuple[str, ...] = (LOA3_PNR, PUBLIC_SECTOR)
    acs: str = ""  # elements; by default one for POST
    attributes: str = ""  # of the EntityDescriptor
    role_attributes: str = 'AuthnRequestsSigned="true"'
    protocol: str = PROTOCOL
    key_descriptors: str | None = None
    extensions: str = ""  # of the entity, beyond the categories
    role_extensions: str = ""  # beyond UIInfo
    ui: str = ""  # beyond the names
    more: str = ""  # in the role, after the ACS
    after: str = ""  # in the entity, after the role

    def xml(self) -> str:
        """The EntityDescriptor."""
        acs = self.acs or f'<md:AssertionConsumerService Binding="{POST}" Location="{self.acs_url}" index="0"/>'
        keys = self.keys or (rsa(),)
        descriptors = self.key_descriptors
        if descriptors is None:
            descriptors = "".join(key_descriptor(pair) for pair in keys)
        categories = entity_attribute(ENTITY_CATEGORY, *self.categories) if self.categories else ""
        return (
            f'<md:EntityDescriptor {_NAMESPACES} entityID="{self.entity_id}" {self.attributes}>'
            f"<md:Extensions>{categories}{self.extensions}</md:Extensions>"
            f'<md:SPSSODescriptor protocolSupportEnumeration="{self.protocol}" {self.role_attributes}>'
            f"<md:Extensions>{display_names(self.names, self.ui)}{self.role_extensions}</md:Extensions>"
            f"{descriptors}{acs}{self.more}</md:SPSSODescriptor>{self.after}</md:EntityDescriptor>"
        )

    @property
    def acs_url(self) -> str:
        """Where Responses go, unless `acs` says otherwise."""
        return "https://bygglov.example.se/acs"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamDraft:
    """An IdP in which everything is right unless it is said otherwise."""

    entity_id: str = "https://eid.example.se/idp"
    names: Mapping[str, str] = field(default_factory=lambda: {"sv": "Exempel-id", "en": "Example eID"})
    keys: tuple[KeyPair, ...] | None = None
    levels: tuple[str, ...] = (LOA3,)
    categories: tuple[str, ...] = (LOA3_PNR,)
    sso: str = ""  # elements; by default one for Redirect
    attributes: str = ""
    role_attributes: str = 'WantAuthnRequestsSigned="true"'
    protocol: str = PROTOCOL
    key_descriptors: str | None = None
    extensions: str = ""
    scopes: tuple[str, ...] = ()
    role_extensions: str = ""
    ui: str = ""
    more: str = ""
    after: str = ""

    def xml(self) -> str:
        """The EntityDescriptor."""
        location = "https://eid.example.se/sso"
        sso = self.sso or f'<md:SingleSignOnService Binding="{REDIRECT}" Location="{location}"/>'
        keys = self.keys or (rsa(),)
        descriptors = self.key_descriptors
        if descriptors is None:
            descriptors = "".join(key_descriptor(pair) for pair in keys)
        levels = entity_attribute(ASSURANCE, *self.levels) if self.levels else ""
        categories = entity_attribute(ENTITY_CATEGORY, *self.categories) if self.categories else ""
        scopes = "".join(f'<shibmd:Scope regexp="false">{scope}</shibmd:Scope>' for scope in self.scopes)
        return (
            f'<md:EntityDescriptor {_NAMESPACES} entityID="{self.entity_id}" {self.attributes}>'
            f"<md:Extensions>{levels}{categories}{self.extensions}</md:Extensions>"
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{self.protocol}" {self.role_attributes}>'
            f"<md:Extensions>{display_names(self.names, self.ui)}{scopes}{self.role_extensions}</md:Extensions>"
            f"{descriptors}{sso}{self.more}</md:IDPSSODescriptor>{self.after}</md:EntityDescriptor>"
        )


def aggregate(*members: str, name: str = "https://md.example.se/all", attributes: str = "", before: str = "") -> str:
    """An EntitiesDescriptor, unsigned; `before` stands before the members."""
    return (
        f'<md:EntitiesDescriptor {_NAMESPACES} ID="_aggregate" Name="{name}" {attributes}>'
        f"{before}{''.join(members)}</md:EntitiesDescriptor>"
    )


def signed_aggregate(
    *members: str,
    valid_until: datetime | None = None,
    signer: KeyPair | None = None,
    name: str = "https://md.example.se/all",
    attributes: str = "",
    signature_algorithm: str = _RSA_SHA256,
) -> bytes:
    """A federation's aggregate, valid for ten days unless said otherwise."""
    until = valid_until or datetime.now(UTC) + timedelta(days=10)
    times = f'validUntil="{until:%Y-%m-%dT%H:%M:%SZ}" cacheDuration="PT5H" {attributes}'
    document = aggregate(*members, name=name, attributes=times, before=_signature("_aggregate", signature_algorithm))
    return signed(document, signer or rsa("signer"))


def signed(document: str, signer: KeyPair, element: str = "EntitiesDescriptor") -> bytes:
    """`document` with its signature template filled in by xmlsec1."""
    with tempfile.TemporaryDirectory() as folder:
        key, _ = signer.write(Path(folder), "signer")
        source, result = Path(folder, "in.xml"), Path(folder, "out.xml")
        source.write_text(document, encoding="utf-8")
        program = need_program("xmlsec1", "xmlsec1")
        how = ["--sign", "--privkey-pem", str(key), "--id-attr:ID", f"{MD}:{element}", "--output", str(result)]
        done = subprocess.run([program, *how, str(source)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return result.read_bytes()


def signature_template(reference: str) -> str:
    """The template that `signed` fills in."""
    return _signature(reference, _RSA_SHA256)


def _signature(reference: str, algorithm: str) -> str:
    return (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{_EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{algorithm}"/><ds:Reference URI="#{reference}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{_ENVELOPED}"/><ds:Transform Algorithm="{_EXCLUSIVE}WithComments"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
        "<ds:SignatureValue/></ds:Signature>"
    )
