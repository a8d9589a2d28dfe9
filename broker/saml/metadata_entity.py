"""One EntityDescriptor → one record per role that we can use, and remarks about what is dropped.

Tolerant of what real metadata has (foreign elements and roles, several EntityAttributes, white space, 1 for true,
entityIDs that are no URIs); strict about what a login rests on (keys, addresses, scopes, times).
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from broker.messages.entity import (
    AttributeService,
    Endpoint,
    EntityRecord,
    IdpRole,
    PeerKey,
    RequestedAttribute,
    SpRole,
)
from broker.messages.finding import Finding, found
from broker.messages.metadata import PeerKind, ReadEntity
from broker.saml.lexical import Malformed, read_boolean, read_index, read_instant
from broker.saml.metadata_keys import KeyRefused, read_peer_key
from broker.saml.metadata_names import ALG, ENTITIES, MDATTR, SHIBMD, ds, md
from broker.saml.metadata_texts import read_contacts, read_presentation, read_texts, text_of
from broker.saml.xml import PSC, SAML
from broker.vocabulary.findings import Severity
from broker.vocabulary.identifiers import (
    ASSURANCE_CERTIFICATION_ATTRIBUTE,
    BINDING_POST,
    BINDING_REDIRECT,
    ENTITY_CATEGORY_ATTRIBUTE,
    PROTOCOL_SAML2,
)

LineOf = Callable[[etree._Element], int | None]
IsAddress = Callable[[str], bool]

_ROLES = {PeerKind.E_SERVICE: "SPSSODescriptor", PeerKind.UPSTREAM: "IDPSSODescriptor"}
_MAX_ENTITY_ID = 1024  # SAML core 8.3.6
_MAX_ENTITY_ID_OCTETS = 2048  # what every database can have as a key
_MAX_URI = 2048
_KEY_TRANSPORT = ("rsa-oaep-mgf1p", "rsa-oaep", "rsa-1_5")  # last part of the algorithm's name


def read_entity(element: etree._Element, *, line_of: LineOf, is_address: IsAddress) -> ReadEntity:
    """The entity in `element`, an EntityDescriptor of canonical bytes whose ancestors are all groups.

    `is_address` says which locations this installation talks to.
    """
    return _Reading(element, line_of, is_address).read()


def https_only(location: str) -> bool:
    """Whether `location` is an https address without user name, fragment or anything unprintable."""
    return _is_address(location, frozenset(("https",)))


def https_or_loopback(location: str) -> bool:
    """The same for a test environment, where peers on this machine may use http."""
    if https_only(location):
        return True
    if not _is_address(location, frozenset(("http",))):
        return False
    host = urlsplit(location).hostname or ""
    return host in ("localhost", "::1") or (host.startswith("127.") and all(p.isdigit() for p in host.split(".")))


def _is_address(location: str, schemes: frozenset[str]) -> bool:
    if len(location) > _MAX_URI or "#" in location or any(c.isspace() or not c.isprintable() for c in location):
        return False
    try:
        parts = urlsplit(location)
        parts.port  # noqa: B018 - raises when the port is no port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc


class _Reading:
    """One pass over one EntityDescriptor."""

    def __init__(self, element: etree._Element, line_of: LineOf, is_address: IsAddress) -> None:
        self._element = element
        self._line_of = line_of
        self._is_address = is_address
        self._entity_id = (element.get("entityID") or "").strip()
        self._about: PeerKind | None = None  # the role that is being read
        self._findings: dict[PeerKind | None, list[Finding]] = {None: []} | {kind: [] for kind in PeerKind}
        self._keys: dict[str, PeerKey | None] = {}

    def read(self) -> ReadEntity:
        e_service: EntityRecord | None = None
        upstream: EntityRecord | None = None
        if not self._has_usable_id():
            self._remark("entity-id-missing", self._element)
        else:
            try:
                valid_until = self._valid_until()
                e_service = self._read_role(PeerKind.E_SERVICE, valid_until)
                upstream = self._read_role(PeerKind.UPSTREAM, valid_until)
            except Malformed as malformed:
                self._about = None
                self._remark("entity-unreadable", self._element, what=malformed.detail)
                e_service = upstream = None
        return ReadEntity(
            entity_id=self._entity_id[:_MAX_ENTITY_ID],
            line=self._line_of(self._element),
            roles=frozenset(kind for kind, name in _ROLES.items() if self._roles(name)),
            e_service=e_service,
            upstream=upstream,
            findings=tuple(self._findings[None]),
            e_service_findings=tuple(self._findings[PeerKind.E_SERVICE]),
            upstream_findings=tuple(self._findings[PeerKind.UPSTREAM]),
        )

    # --- the entity as a whole -----------------------------------------------------------------------------------

    def _has_usable_id(self) -> bool:
        entity_id = self._entity_id
        if not entity_id or len(entity_id) > _MAX_ENTITY_ID or len(entity_id.encode()) > _MAX_ENTITY_ID_OCTETS:
            return False
        if any(c.isspace() or not c.isprintable() for c in entity_id):
            return False
        scheme, colon, rest = entity_id.partition(":")
        if not (colon and rest and scheme[:1].isalpha() and scheme.isascii()):
            self._remark("entity-id-not-uri", self._element)
        return True

    def _valid_until(self) -> datetime | None:
        """The earliest of this entity and the groups around it, the root of an aggregate left out."""
        groups = [group for group in self._element.iterancestors(ENTITIES) if group.getparent() is not None]
        times = [
            read_instant(one.get("validUntil"), "validUntil")
            for one in (self._element, *groups)
            if one.get("validUntil") is not None
        ]
        return _earliest(times)

    def _roles(self, name: str) -> list[etree._Element]:
        """The roles of one sort that speak SAML 2.0; others (SAML 1, WS-Federation) are no concern of ours."""
        return [
            role
            for role in self._element.findall(md(name))
            if PROTOCOL_SAML2 in (role.get("protocolSupportEnumeration") or "").split()
        ]

    def _read_role(self, kind: PeerKind, valid_until: datetime | None) -> EntityRecord | None:
        self._about, name = kind, _ROLES[kind]
        roles = self._roles(name)
        if not roles:
            return None
        role = roles[0]
        if len(roles) > 1:
            self._remark("role-repeated", roles[1], role=name)
        if role.get("validUntil") is not None:
            valid_until = _earliest((valid_until, read_instant(role.get("validUntil"), f"validUntil of {name}")))
        sp = self._read_sp(role) if kind is PeerKind.E_SERVICE else None
        idp = self._read_idp(role) if kind is PeerKind.UPSTREAM else None
        if sp is None and idp is None:
            return None
        shown = read_presentation(role, self._remark)
        organizations = self._element.findall(f"{md('Organization')}/{md('OrganizationDisplayName')}")
        organization_names = read_texts(organizations, self._remark)
        return EntityRecord(
            entity_id=self._entity_id,
            valid_until=valid_until,
            names=shown.names or organization_names,
            descriptions=shown.descriptions,
            information_urls=shown.information_urls,
            logos=shown.logos,
            organization_names=organization_names,
            contacts=read_contacts(self._element),
            categories=self._entity_attribute(ENTITY_CATEGORY_ATTRIBUTE),
            assurance=self._entity_attribute(ASSURANCE_CERTIFICATION_ATTRIBUTE),
            digest_methods=self._algorithms(role, "DigestMethod"),
            signing_methods=self._algorithms(role, "SigningMethod"),
            sp=sp,
            idp=idp,
        )

    def _entity_attribute(self, name: str) -> tuple[str, ...]:
        path = f"{md('Extensions')}/{{{MDATTR}}}EntityAttributes/{{{SAML}}}Attribute"
        attributes = [one for one in self._element.findall(path) if (one.get("Name") or "").strip() == name]
        if name == ENTITY_CATEGORY_ATTRIBUTE and len(attributes) > 1:
            self._remark("category-attribute-repeated", attributes[1])
        values = (value for one in attributes for value in one.findall(f"{{{SAML}}}AttributeValue"))
        return self._uris(values)

    def _algorithms(self, role: etree._Element, name: str) -> tuple[str, ...]:
        """What the role declares, else what the entity declares (Algorithm Support 2.4)."""
        for place in (role, self._element):
            declared = place.findall(f"{md('Extensions')}/{{{ALG}}}{name}")
            if declared:
                names = ((one.get("Algorithm") or "").strip() for one in declared)
                return tuple(dict.fromkeys(one for one in names if one))
        return ()

    # --- roles ---------------------------------------------------------------------------------------------------

    def _read_sp(self, role: etree._Element) -> SpRole | None:
        acs = self._endpoints(role, "AssertionConsumerService", (BINDING_POST,))
        if not acs:
            self._remark("endpoint-missing", role, element="AssertionConsumerService")
            return None
        signing, encryption = self._role_keys(role)
        if not signing:
            self._remark("signing-key-missing", role)
        if not encryption:
            self._remark("encryption-key-missing", role)
        return SpRole(
            acs=acs,
            attribute_services=self._attribute_services(role),
            authn_requests_signed=self._boolean(role, "AuthnRequestsSigned") or False,
            want_assertions_signed=self._boolean(role, "WantAssertionsSigned") or False,
            signing_keys=signing,
            encryption_keys=encryption,
            name_id_formats=self._uris(role.findall(md("NameIDFormat"))),
        )

    def _read_idp(self, role: etree._Element) -> IdpRole | None:
        sso = self._endpoints(role, "SingleSignOnService", (BINDING_REDIRECT, BINDING_POST))
        if not sso:
            self._remark("endpoint-missing", role, element="SingleSignOnService")
            return None
        signing, encryption = self._role_keys(role)
        if not signing:
            # Nothing that it says could ever be verified.
            self._remark("signing-key-missing", role, severity=Severity.BLOCKS)
            return None
        wanted = role.findall(f"{md('Extensions')}/{{{PSC}}}RequestedPrincipalSelection/{{{PSC}}}MatchValue")
        return IdpRole(
            sso=sso,
            want_authn_requests_signed=self._boolean(role, "WantAuthnRequestsSigned") or False,
            signing_keys=signing,
            encryption_keys=encryption,
            name_id_formats=self._uris(role.findall(md("NameIDFormat"))),
            scopes=self._scopes(role),
            principal_selection=tuple(name for one in wanted if (name := (one.get("Name") or "").strip())),
        )

    def _scopes(self, role: etree._Element) -> tuple[str, ...]:
        scopes: dict[str, None] = {}
        for element in role.findall(f"{md('Extensions')}/{{{SHIBMD}}}Scope"):
            scope = text_of(element)
            if self._boolean(element, "regexp", when_unreadable=True):
                self._remark("scope-regexp", element)
            elif not scope or any(c.isspace() or c == "@" or not c.isprintable() for c in scope):
                self._remark("value-unreadable", element, what="Scope")
            else:
                scopes[scope] = None
        return tuple(scopes)

    def _endpoints(self, role: etree._Element, name: str, bindings: tuple[str, ...]) -> tuple[Endpoint, ...]:
        endpoints: list[Endpoint] = []
        for element in role.findall(md(name)):
            binding, location = (element.get("Binding") or "").strip(), (element.get("Location") or "").strip()
            if binding not in bindings:
                continue
            if not self._is_address(location):
                self._remark("endpoint-refused", element, element=name, location=location)
                continue
            index = self._index(element)
            if index is not None and any(one.index == index for one in endpoints):
                self._remark("endpoint-index-repeated", element, element=name, index=index)
                index = None
            is_default = self._boolean(element, "isDefault")
            endpoints.append(Endpoint(binding=binding, location=location, index=index, is_default=is_default))
        return tuple(endpoints)

    def _attribute_services(self, role: etree._Element) -> tuple[AttributeService, ...]:
        services: list[AttributeService] = []
        for element in role.findall(md("AttributeConsumingService")):
            index = self._index(element)
            if index is None or any(one.index == index for one in services):
                self._remark("value-unreadable", element, what="index of AttributeConsumingService")
                continue
            requested = (
                RequestedAttribute(
                    name=name,
                    name_format=(one.get("NameFormat") or "").strip() or None,
                    required=self._boolean(one, "isRequired") or False,
                )
                for one in element.findall(md("RequestedAttribute"))
                if (name := (one.get("Name") or "").strip())
            )
            services.append(
                AttributeService(
                    index=index, is_default=self._boolean(element, "isDefault"), requested=tuple(requested)
                )
            )
        return tuple(services)

    # --- keys ----------------------------------------------------------------------------------------------------

    def _role_keys(self, role: etree._Element) -> tuple[tuple[PeerKey, ...], tuple[PeerKey, ...]]:
        """Signing keys and encryption keys; a descriptor without `use` is both. Encryption needs RSA."""
        signing: dict[str, PeerKey] = {}
        encryption: dict[str, PeerKey] = {}
        for descriptor in role.findall(md("KeyDescriptor")):
            use = (descriptor.get("use") or "").strip()
            if use not in ("", "signing", "encryption"):
                self._remark("value-unreadable", descriptor, what="use of KeyDescriptor")
                continue
            key = self._key(descriptor)
            if key is None:
                continue
            if use != "encryption":
                signing.setdefault(key.fingerprint, key)
            if use != "signing" and key.key_type == "RSA":
                encryption.setdefault(key.fingerprint, key)
        return tuple(signing.values()), tuple(encryption.values())

    def _key(self, descriptor: etree._Element) -> PeerKey | None:
        # The first certificate is that of the key; others, where there are any, are its chain (MetaIOP 2.5.1).
        certificate = descriptor.find(f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}")
        if certificate is None:
            self._remark("key-without-certificate", descriptor)
            return None
        text = certificate.text or ""
        if text not in self._keys:
            try:
                self._keys[text] = read_peer_key(text)
            except KeyRefused as refused:
                self._remark(refused.rule, certificate, None, **refused.facts)
                self._keys[text] = None
        key = self._keys[text]
        methods = descriptor.findall(md("EncryptionMethod"))
        return _with_methods(key, methods) if key is not None and methods else key

    # --- values --------------------------------------------------------------------------------------------------

    def _uris(self, elements: Iterable[etree._Element]) -> tuple[str, ...]:
        uris: dict[str, None] = {}
        for element in elements:
            uri = "" if len(element) else (element.text or "").strip()
            if not uri or len(uri) > _MAX_URI or any(c.isspace() or not c.isprintable() for c in uri):
                self._remark("value-unreadable", element, what=etree.QName(element).localname)
            else:
                uris[uri] = None
        return tuple(uris)

    def _boolean(self, element: etree._Element, name: str, *, when_unreadable: bool | None = None) -> bool | None:
        text = element.get(name)
        if text is None:
            return None
        try:
            return read_boolean(text, name)
        except Malformed:
            self._remark("value-unreadable", element, what=name)
            return when_unreadable

    def _index(self, element: etree._Element) -> int | None:
        try:
            return read_index(element.get("index"), "index")
        except Malformed:
            self._remark("value-unreadable", element, what="index")
            return None

    def _remark(self, rule: str, where: etree._Element, severity: Severity | None = None, **facts: str | int) -> None:
        finding = found(rule, entity_id=self._entity_id, line=self._line_of(where), severity=severity, **facts)
        self._findings[self._about].append(finding)


def _with_methods(key: PeerKey, methods: Iterable[etree._Element]) -> PeerKey:
    ciphers: list[str] = []
    transports: list[tuple[str, str | None]] = []
    for method in methods:
        algorithm = (method.get("Algorithm") or "").strip()
        if algorithm.rpartition("#")[2] in _KEY_TRANSPORT:
            digest = method.find(ds("DigestMethod"))
            transports.append((algorithm, None if digest is None else (digest.get("Algorithm") or "").strip()))
        elif algorithm:
            ciphers.append(algorithm)
    return PeerKey(
        certificate=key.certificate,
        fingerprint=key.fingerprint,
        key_type=key.key_type,
        key_bits=key.key_bits,
        not_after=key.not_after,
        block_ciphers=tuple(ciphers),
        key_transports=tuple(transports),
    )


def _earliest(times: Iterable[datetime | None]) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
