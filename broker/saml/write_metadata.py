"""Our own two EntityDescriptors: built from `OwnSide`, with our published keys, signed.

Spec: Sweden Connect Deployment Profile 2.1; SAML metadata 2; SAML metadata for login and discovery UI (mdui).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from lxml import etree

from broker.messages.own_metadata import OwnAttribute, OwnIdpSide, OwnSide, OwnSpSide
from broker.saml.algorithms import (
    AES128_CBC,
    AES128_GCM,
    AES192_CBC,
    AES192_GCM,
    AES256_CBC,
    AES256_GCM,
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    RSA_OAEP_MGF1P,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    SHA1,
    SHA256,
    SHA384,
    SHA512,
    pick_signature,
)
from broker.saml.keys import KeyRing, OwnKey
from broker.saml.lexical import write_instant
from broker.saml.metadata_names import ALG, MDATTR, MDORGEXT, MDUI, SHIBMD, XML_LANG
from broker.saml.signature import sign_enveloped
from broker.saml.xml import DS, MD, PSC, SAML, SAMLP, XS, XSI
from broker.vocabulary.identifiers import (
    ASSURANCE_CERTIFICATION_ATTRIBUTE,
    ATTRIBUTE_NAME_FORMAT_URI,
    BINDING_POST,
    BINDING_REDIRECT,
    ENTITY_CATEGORY_ATTRIBUTE,
    NAME_ID_PERSISTENT,
    NAME_ID_TRANSIENT,
)

_PREFIXES = {
    "md": MD,
    "ds": DS,
    "saml2": SAML,
    "xs": XS,
    "xsi": XSI,
    "alg": ALG,
    "mdattr": MDATTR,
    "mdui": MDUI,
    "mdorgext": MDORGEXT,
    "shibmd": SHIBMD,
    "psc": PSC,
}

# In order of preference. GCM first: it protects by itself, where CBC leans on the signature around it.
_DIGESTS = (SHA256, SHA384, SHA512)
_SIGNATURES = (
    (ECDSA_SHA256, 256),
    (ECDSA_SHA384, 256),
    (ECDSA_SHA512, 256),
    (RSA_SHA256, 2048),
    (RSA_SHA384, 2048),
    (RSA_SHA512, 2048),
)
_BLOCK_CIPHERS = (AES256_GCM, AES128_GCM, AES192_GCM, AES256_CBC, AES128_CBC, AES192_CBC)
_OAEP_DIGESTS = (SHA256, SHA1)


def write_sp_metadata(side: OwnSpSide, keys: KeyRing, document_id: str, now: datetime) -> bytes:
    """The signed EntityDescriptor of our SP side. Raises KeyUnavailable."""
    root = _entity(side.common, document_id, now)
    _entity_extensions(root, side.common, ())
    role = _role(root, "SPSSODescriptor", side.common, AuthnRequestsSigned="true", WantAssertionsSigned="false")
    _add_keys(role, keys)
    _name_id_formats(role)
    _add(role, MD, "AssertionConsumerService", Binding=BINDING_POST, Location=side.acs_url, index="0", isDefault="true")
    if side.wanted:
        service = _add(role, MD, "AttributeConsumingService", index="0", isDefault="true")
        _texts(service, MD, "ServiceName", side.common.names)
        for attribute in side.wanted:
            _attribute(service, MD, "RequestedAttribute", attribute).set("isRequired", "false")
    _organisation(root, side.common)
    return _signed(root, keys)


def write_idp_metadata(side: OwnIdpSide, keys: KeyRing, document_id: str, now: datetime) -> bytes:
    """The signed EntityDescriptor of our IdP side. Raises KeyUnavailable."""
    root = _entity(side.common, document_id, now)
    _entity_extensions(root, side.common, side.assurance)
    role = _role(root, "IDPSSODescriptor", side.common, WantAuthnRequestsSigned="true")
    extensions = role[0]
    for scope in side.scopes:
        _add(extensions, SHIBMD, "Scope", regexp="false").text = scope
    if side.principal_selection:
        selection = _add(extensions, PSC, "RequestedPrincipalSelection")
        for name in side.principal_selection:
            _add(selection, PSC, "MatchValue", Name=name)
    _add_keys(role, keys)
    _name_id_formats(role)
    for binding in (BINDING_REDIRECT, BINDING_POST):
        _add(role, MD, "SingleSignOnService", Binding=binding, Location=side.sso_url)
    for attribute in side.offered:
        _attribute(role, SAML, "Attribute", attribute)
    _organisation(root, side.common)
    return _signed(root, keys)


def _entity(side: OwnSide, document_id: str, now: datetime) -> etree._Element:
    root = etree.Element(f"{{{MD}}}EntityDescriptor", nsmap=_PREFIXES)
    root.set("entityID", side.entity_id)
    root.set("ID", document_id)
    root.set("validUntil", write_instant(now + side.valid_for))
    root.set("cacheDuration", _duration(side.cache_for))
    return root


def _entity_extensions(root: etree._Element, side: OwnSide, assurance: tuple[str, ...]) -> None:
    extensions = _add(root, MD, "Extensions")
    values = ((ASSURANCE_CERTIFICATION_ATTRIBUTE, assurance), (ENTITY_CATEGORY_ATTRIBUTE, side.categories))
    if any(uris for _, uris in values):
        attributes = _add(extensions, MDATTR, "EntityAttributes")
        for name, uris in values:
            if not uris:
                continue
            # One Attribute with all its values: several are forbidden (Entity Categories 1.5).
            attribute = _add(attributes, SAML, "Attribute", Name=name, NameFormat=ATTRIBUTE_NAME_FORMAT_URI)
            for uri in uris:
                value = _add(attribute, SAML, "AttributeValue")
                value.set(f"{{{XSI}}}type", "xs:string")
                value.text = uri
    for digest in _DIGESTS:
        _add(extensions, ALG, "DigestMethod", Algorithm=digest)
    for algorithm, bits in _SIGNATURES:
        _add(extensions, ALG, "SigningMethod", Algorithm=algorithm, MinKeySize=str(bits))


def _role(root: etree._Element, name: str, side: OwnSide, **attributes: str) -> etree._Element:
    role = _add(root, MD, name, **attributes, protocolSupportEnumeration=SAMLP)
    info = _add(_add(role, MD, "Extensions"), MDUI, "UIInfo")
    _texts(info, MDUI, "DisplayName", side.names)
    _texts(info, MDUI, "Description", side.descriptions)
    _add(info, MDUI, "Logo", height=str(side.logo_height), width=str(side.logo_width)).text = side.logo_url
    return role


def _add_keys(role: etree._Element, keys: KeyRing) -> None:
    """Every published signing key, the active one first; of the encryption keys only the newest (profile 2.1.1.2)."""
    for key in keys.published_signing:
        _key(role, "signing", key)
    descriptor = _key(role, "encryption", keys.published_encryption)
    for cipher in _BLOCK_CIPHERS:
        _add(descriptor, MD, "EncryptionMethod", Algorithm=cipher)
    for digest in _OAEP_DIGESTS:
        method = _add(descriptor, MD, "EncryptionMethod", Algorithm=RSA_OAEP_MGF1P)
        _add(method, DS, "DigestMethod", Algorithm=digest)


def _key(role: etree._Element, use: str, key: OwnKey) -> etree._Element:
    descriptor = _add(role, MD, "KeyDescriptor", use=use)
    data = _add(_add(descriptor, DS, "KeyInfo"), DS, "X509Data")
    _add(data, DS, "X509Certificate").text = key.certificate
    return descriptor


def _name_id_formats(role: etree._Element) -> None:
    for name_format in (NAME_ID_PERSISTENT, NAME_ID_TRANSIENT):
        _add(role, MD, "NameIDFormat").text = name_format


def _attribute(parent: etree._Element, namespace: str, element: str, attribute: OwnAttribute) -> etree._Element:
    return _add(
        parent,
        namespace,
        element,
        Name=attribute.name,
        FriendlyName=attribute.friendly,
        NameFormat=ATTRIBUTE_NAME_FORMAT_URI,
    )


def _organisation(root: etree._Element, side: OwnSide) -> None:
    organisation = _add(root, MD, "Organization")
    if side.organisation.number is not None:
        extensions = _add(organisation, MD, "Extensions")
        _add(extensions, MDORGEXT, "OrganizationNumber").text = side.organisation.number
    _texts(organisation, MD, "OrganizationName", side.organisation.names)
    _texts(organisation, MD, "OrganizationDisplayName", side.organisation.display_names)
    _texts(organisation, MD, "OrganizationURL", side.organisation.urls)
    for contact in side.contacts:
        person = _add(root, MD, "ContactPerson", contactType=contact.kind)
        _add(person, MD, "EmailAddress").text = f"mailto:{contact.email}"
        if contact.telephone is not None:
            _add(person, MD, "TelephoneNumber").text = contact.telephone


def _texts(parent: etree._Element, namespace: str, name: str, texts: Mapping[str, str]) -> None:
    for language in sorted(texts, key=lambda tag: (tag != "sv", tag)):
        element = _add(parent, namespace, name)
        element.set(XML_LANG, language)
        element.text = texts[language]


def _add(parent: etree._Element, namespace: str, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attrib=attributes)


def _duration(span: timedelta) -> str:
    return f"PT{int(span.total_seconds())}S"


def _signed(root: etree._Element, keys: KeyRing) -> bytes:
    etree.cleanup_namespaces(root, keep_ns_prefixes=["xs"])  # xs stands in values of xsi:type only
    # Nobody in particular reads this, so only algorithms that everybody must support.
    choice = pick_signature(None, keys.signing.key_type)
    return sign_enveloped(
        root,
        keys.signing,
        signature_algorithm=choice.signature_algorithm,
        digest_algorithm=choice.digest_algorithm,
    )
