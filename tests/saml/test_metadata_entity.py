"""One EntityDescriptor: tolerant of what real metadata has, strict about what a login rests on."""

from datetime import UTC, datetime

import pytest
from support.keys import key_pair
from support.metadata_files import (
    ARTIFACT,
    ASSURANCE,
    ENTITY_CATEGORY,
    LOA2,
    LOA3,
    LOA3_PNR,
    POST,
    REDIRECT,
    EServiceDraft,
    UpstreamDraft,
    aggregate,
    certificate_of,
    entity_attribute,
    fingerprint_of,
    key_descriptor,
    rsa,
)

from broker.messages.entity import Endpoint, EntityRecord, IdpRole, PeerKey, SpRole
from broker.messages.finding import Finding
from broker.messages.metadata import PeerKind, ReadEntity
from broker.saml.metadata_entity import https_only, https_or_loopback
from broker.saml.read_metadata import read_metadata


def read(draft: EServiceDraft | UpstreamDraft) -> ReadEntity:
    (entity,) = read_metadata(draft.xml().encode()).entities
    return entity


def record_of(draft: EServiceDraft | UpstreamDraft) -> EntityRecord:
    entity = read(draft)
    record = entity.e_service or entity.upstream
    assert record is not None, [finding.rule for kind in PeerKind for finding in entity.findings_about(kind)]
    return record


def sp_of(draft: EServiceDraft) -> SpRole:
    sp = record_of(draft).sp
    assert sp is not None
    return sp


def idp_of(draft: UpstreamDraft) -> IdpRole:
    idp = record_of(draft).idp
    assert idp is not None
    return idp


def findings(draft: EServiceDraft | UpstreamDraft) -> list[Finding]:
    entity = read(draft)
    return [*entity.findings, *entity.e_service_findings, *entity.upstream_findings]


def rules(draft: EServiceDraft | UpstreamDraft) -> list[str]:
    return [finding.rule for finding in findings(draft)]


def acs(location: str = "https://bygglov.example.se/acs", binding: str = POST, more: str = "") -> str:
    return f'<md:AssertionConsumerService Binding="{binding}" Location="{location}" {more}/>'


def sso(location: str = "https://eid.example.se/sso", binding: str = REDIRECT) -> str:
    return f'<md:SingleSignOnService Binding="{binding}" Location="{location}"/>'


# --- what a good entity says -----------------------------------------------------------------------------------


def test_an_e_service_without_flaws_has_no_finding() -> None:
    draft = EServiceDraft()
    assert rules(draft) == []
    record = record_of(draft)
    assert record.entity_id == "https://bygglov.example.se/sp"
    assert record.names == {"sv": "Bygglov", "en": "Building permits"}
    assert record.categories == draft.categories
    assert (record.sp is not None, record.idp) == (True, None)


def test_an_upstream_without_flaws_has_no_finding() -> None:
    draft = UpstreamDraft(scopes=("2120001231",))
    assert rules(draft) == []
    record = record_of(draft)
    assert record.assurance == (LOA3,)
    assert (record.sp, record.idp is not None) == (None, True)
    assert idp_of(draft).scopes == ("2120001231",)
    assert idp_of(draft).want_authn_requests_signed


def test_the_two_roles_of_one_entity_are_two_records() -> None:
    idp_role = UpstreamDraft().xml()
    idp_role = idp_role[idp_role.index("<md:IDPSSODescriptor") : idp_role.index("</md:EntityDescriptor>")]
    entity = read(EServiceDraft(after=idp_role))
    assert entity.roles == {PeerKind.E_SERVICE, PeerKind.UPSTREAM}
    assert entity.e_service is not None
    assert entity.e_service.names["sv"] == "Bygglov"
    assert entity.upstream is not None
    assert entity.upstream.names["sv"] == "Exempel-id"
    assert entity.e_service.idp is None
    assert entity.upstream.sp is None


def test_a_broken_role_does_not_harm_the_other() -> None:
    idp_role = UpstreamDraft(key_descriptors="").xml()
    idp_role = idp_role[idp_role.index("<md:IDPSSODescriptor") : idp_role.index("</md:EntityDescriptor>")]
    entity = read(EServiceDraft(after=idp_role))
    assert entity.upstream is None
    assert entity.e_service is not None
    assert not any(finding.blocks for finding in entity.findings_about(PeerKind.E_SERVICE))
    assert any(finding.blocks for finding in entity.findings_about(PeerKind.UPSTREAM))


# --- tolerant --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity_id", "expected"),
    [
        pytest.param("urn:visma:idp.ciceron.cloud:saml20", [], id="a URN"),
        pytest.param("skatteverket_sso", ["entity-id-not-uri"], id="no URI"),
        pytest.param("https://id.example.se/ä", [], id="letters outside ASCII"),
        pytest.param("  https://id.example.se/  ", [], id="white space around"),
        pytest.param("", ["entity-id-missing"], id="empty"),
        pytest.param("https://a b", ["entity-id-missing"], id="white space inside"),
        pytest.param("https://x/" + "a" * 1024, ["entity-id-missing"], id="too long"),
        pytest.param("https://x/" + "\N{THUMBS UP SIGN}" * 600, ["entity-id-missing"], id="too many octets"),
    ],
)
def test_an_entity_id_is_what_it_is(entity_id: str, expected: list[str]) -> None:
    entity = read(EServiceDraft(entity_id=entity_id))
    assert [finding.rule for finding in entity.findings] == expected
    assert (entity.e_service is None) == ("entity-id-missing" in expected)
    assert entity.entity_id == entity_id.strip()[:1024]


def test_white_space_around_values_is_no_part_of_them() -> None:
    draft = EServiceDraft(
        categories=(f"\n      {LOA3_PNR}\n    ",),
        names={"sv": "\n  Bygg \n lov "},
        acs=acs(" https://a.example.se/acs "),
    )
    record = record_of(draft)
    assert record.categories == (LOA3_PNR,)
    assert record.names == {"sv": "Bygg lov"}
    assert sp_of(draft).acs[0].location == "https://a.example.se/acs"


def test_a_comment_does_not_cut_a_value() -> None:
    draft = UpstreamDraft(levels=(f"{LOA3}<!-- .evil -->-x",), scopes=("exam<!-- -->ple.se",))
    assert record_of(draft).assurance == (f"{LOA3}-x",)
    assert idp_of(draft).scopes == ("example.se",)


def test_several_category_attributes_all_count_and_are_reported() -> None:
    draft = EServiceDraft(extensions=entity_attribute(ENTITY_CATEGORY, "urn:more"))
    assert record_of(draft).categories == (*draft.categories, "urn:more")
    assert rules(draft) == ["category-attribute-repeated"]


def test_levels_and_categories_are_not_mistaken_for_each_other() -> None:
    draft = UpstreamDraft(extensions=entity_attribute(ASSURANCE, LOA2) + entity_attribute("urn:other", "urn:x"))
    assert record_of(draft).assurance == (LOA3, LOA2)
    assert record_of(draft).categories == (LOA3_PNR,)


@pytest.mark.parametrize(("written", "meant"), [("1", True), ("true", True), (" true ", True), ("0", False)])
def test_booleans_are_written_in_several_ways(written: str, meant: bool) -> None:
    assert sp_of(EServiceDraft(role_attributes=f'AuthnRequestsSigned="{written}"')).authn_requests_signed is meant


def test_a_boolean_that_is_none_is_false_and_reported() -> None:
    draft = EServiceDraft(role_attributes='WantAssertionsSigned="yes"')
    assert sp_of(draft).want_assertions_signed is False
    assert rules(draft) == ["value-unreadable"]


def test_unknown_roles_and_elements_are_skipped() -> None:
    ws_fed = '<md:RoleDescriptor protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"/>'
    foreign = '<x:Anything xmlns:x="urn:x" a="b"><x:Deep/></x:Anything>'
    assert rules(EServiceDraft(after=ws_fed + foreign, extensions=foreign, more=foreign)) == []


def test_a_role_of_another_protocol_is_none() -> None:
    entity = read(UpstreamDraft(protocol="urn:mace:shibboleth:1.0"))
    assert entity.roles == frozenset()
    assert entity.upstream is None
    assert entity.findings_about(PeerKind.UPSTREAM) == ()


def test_of_two_roles_of_one_sort_the_first_counts() -> None:
    second = UpstreamDraft(keys=(rsa("other"),)).xml()
    second = second[second.index("<md:IDPSSODescriptor") : second.index("</md:EntityDescriptor>")]
    draft = UpstreamDraft(after=second)
    assert [key.fingerprint for key in idp_of(draft).signing_keys] == [fingerprint_of(rsa())]
    assert rules(draft) == ["role-repeated"]


# --- keys ------------------------------------------------------------------------------------------------------


def keys(*pairs: str) -> list[str]:
    return [fingerprint_of(rsa(name)) for name in pairs]


def fingerprints(found: tuple[PeerKey, ...]) -> list[str]:
    return [key.fingerprint for key in found]


def test_a_key_without_use_signs_and_encrypts() -> None:
    sp = sp_of(EServiceDraft(key_descriptors=key_descriptor(rsa())))
    assert fingerprints(sp.signing_keys) == fingerprints(sp.encryption_keys) == keys("peer")


def test_keys_are_kept_apart_by_use_and_all_of_them_count() -> None:
    descriptors = (
        key_descriptor(rsa("peer"), "signing")
        + key_descriptor(rsa("other"), "signing")
        + key_descriptor(rsa("third"), "encryption")
    )
    sp = sp_of(EServiceDraft(key_descriptors=descriptors))
    assert fingerprints(sp.signing_keys) == keys("peer", "other")
    assert fingerprints(sp.encryption_keys) == keys("third")


def test_an_ec_key_signs_and_never_encrypts() -> None:
    pair = key_pair("p256", "ec-peer")
    draft = EServiceDraft(key_descriptors=key_descriptor(pair))
    assert [(key.key_type, key.key_bits) for key in sp_of(draft).signing_keys] == [("EC", 256)]
    assert sp_of(draft).encryption_keys == ()
    assert rules(draft) == ["encryption-key-missing"]


def test_an_expired_certificate_is_a_key_all_the_same() -> None:
    (key,) = sp_of(EServiceDraft()).signing_keys
    assert key.not_after < datetime.now(UTC)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("rsa1024", "key-too-short"),
        ("p224", "key-too-short"),
        ("k256", "key-kind-refused"),
        ("ed25519", "key-kind-refused"),
    ],
)
def test_a_key_that_the_profile_does_not_have_is_left_out(kind: str, rule: str) -> None:
    descriptors = key_descriptor(key_pair(kind, "odd")) + key_descriptor(rsa())
    draft = EServiceDraft(key_descriptors=descriptors)
    assert fingerprints(sp_of(draft).signing_keys) == keys("peer")
    assert rules(draft) == [rule]


@pytest.mark.parametrize(
    ("descriptor", "rule"),
    [
        pytest.param("<md:KeyDescriptor/>", "key-without-certificate", id="nothing"),
        pytest.param(
            "<md:KeyDescriptor><ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo></md:KeyDescriptor>",
            "key-without-certificate",
            id="only a name",
        ),
        pytest.param(key_descriptor(rsa()).replace("MII", "M!I", 1), "key-unreadable", id="no base64"),
        pytest.param(key_descriptor(rsa()).replace("MII", "AAA", 1), "key-unreadable", id="no certificate"),
        pytest.param(key_descriptor(rsa(), "other"), "value-unreadable", id="an unknown use"),
    ],
)
def test_a_key_that_cannot_be_read_is_left_out(descriptor: str, rule: str) -> None:
    draft = EServiceDraft(key_descriptors=key_descriptor(rsa("other")) + descriptor)
    assert fingerprints(sp_of(draft).signing_keys) == keys("other")
    assert rules(draft) == [rule]


def test_pem_armour_in_the_element_is_tolerated() -> None:
    text = certificate_of(rsa())
    armoured = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"
    draft = EServiceDraft(key_descriptors=key_descriptor(rsa()).replace(text, armoured))
    assert fingerprints(sp_of(draft).signing_keys) == keys("peer")


def test_of_a_chain_only_the_first_certificate_is_the_key() -> None:
    second = f"<ds:X509Certificate>{certificate_of(rsa('other'))}</ds:X509Certificate></ds:X509Data>"
    descriptor = key_descriptor(rsa()).replace("</ds:X509Data>", second)
    assert fingerprints(sp_of(EServiceDraft(key_descriptors=descriptor)).signing_keys) == keys("peer")


def test_encryption_methods_belong_to_the_key_in_their_order() -> None:
    methods = (
        '<md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>'
        '<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
        '<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/></md:EncryptionMethod>'
        '<md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>'
    )
    (key,) = sp_of(EServiceDraft(key_descriptors=key_descriptor(rsa(), methods=methods))).encryption_keys
    assert [cipher.rpartition("#")[2] for cipher in key.block_ciphers] == ["aes256-gcm", "aes128-cbc"]
    assert [(a.rpartition("#")[2], d and d.rpartition("#")[2]) for a, d in key.key_transports] == [
        ("rsa-oaep-mgf1p", "sha256"),
        ("rsa-oaep-mgf1p", None),
    ]


def test_an_upstream_without_a_signing_key_cannot_be_used() -> None:
    draft = UpstreamDraft(key_descriptors=key_descriptor(rsa(), "encryption"))
    assert read(draft).upstream is None
    assert [finding.rule for finding in findings(draft) if finding.blocks] == ["signing-key-missing"]


def test_an_e_service_without_keys_can_be_registered_and_is_reported() -> None:
    draft = EServiceDraft(key_descriptors="")
    assert sp_of(draft).signing_keys == ()
    assert rules(draft) == ["signing-key-missing", "encryption-key-missing"]


# --- endpoints -------------------------------------------------------------------------------------------------


def test_assertion_consumer_services_keep_index_and_default() -> None:
    written = acs(more='index="1" isDefault="1"') + acs("https://b.example.se/acs", more='index="2"')
    assert sp_of(EServiceDraft(acs=written)).acs == (
        Endpoint(binding=POST, location="https://bygglov.example.se/acs", index=1, is_default=True),
        Endpoint(binding=POST, location="https://b.example.se/acs", index=2, is_default=None),
    )


def test_bindings_that_we_do_not_speak_are_skipped() -> None:
    written = acs(binding=ARTIFACT, more='index="0"') + acs(more='index="1"')
    assert [endpoint.index for endpoint in sp_of(EServiceDraft(acs=written)).acs] == [1]
    both = sso(binding=POST) + sso() + sso(binding=ARTIFACT)
    assert [endpoint.binding for endpoint in idp_of(UpstreamDraft(sso=both)).sso] == [POST, REDIRECT]


@pytest.mark.parametrize(
    "location",
    [
        "http://bygglov.example.se/acs",
        "http://127.0.0.1/acs",
        "javascript:alert(1)",
        "https:///acs",
        "https://user:secret@bygglov.example.se/acs",
        "https://bygglov.example.se/acs#fragment",
        "https://bygglov.example.se:port/acs",
        "https://[bygglov/acs",
        "https://bygglov.example.se/a cs",
        "/acs",
        "",
    ],
)
def test_an_address_that_is_no_plain_https_is_left_out(location: str) -> None:
    draft = EServiceDraft(acs=acs(location, more='index="0"') + acs("https://good.example.se/acs", more='index="1"'))
    assert [endpoint.location for endpoint in sp_of(draft).acs] == ["https://good.example.se/acs"]
    assert rules(draft) == ["endpoint-refused"]


def test_without_a_usable_address_the_entity_cannot_be_used() -> None:
    for draft in (EServiceDraft(acs=acs("http://a.example.se/")), UpstreamDraft(sso=sso("http://a.example.se/"))):
        entity = read(draft)
        assert (entity.e_service, entity.upstream) == (None, None)
        assert rules(draft) == ["endpoint-refused", "endpoint-missing"]


def test_an_index_that_is_used_twice_belongs_to_the_first() -> None:
    draft = EServiceDraft(acs=acs(more='index="0"') + acs("https://b.example.se/acs", more='index="0"'))
    assert [endpoint.index for endpoint in sp_of(draft).acs] == [0, None]
    assert rules(draft) == ["endpoint-index-repeated"]


def test_an_index_that_is_no_number_is_reported() -> None:
    draft = EServiceDraft(acs=acs(more='index="one"'))
    assert sp_of(draft).acs[0].index is None
    assert rules(draft) == ["value-unreadable"]


@pytest.mark.parametrize(
    ("location", "in_test"),
    [
        ("http://127.0.0.1:8080/a", True),
        ("http://127.9.8.7/a", True),
        ("http://localhost/a", True),
        ("http://[::1]:80/a", True),
        ("http://127.0.0.1.example.se/a", False),
        ("http://example.se/a", False),
        ("ftp://127.0.0.1/a", False),
    ],
)
def test_http_is_for_this_machine_and_test_environments_only(location: str, in_test: bool) -> None:
    assert https_or_loopback(location) is in_test
    assert not https_only(location)


# --- attributes ------------------------------------------------------------------------------------------------


def test_requested_attributes_belong_to_their_service() -> None:
    more = (
        '<md:AttributeConsumingService index="1" isDefault="true">'
        '<md:RequestedAttribute Name="urn:oid:1" isRequired="1" NameFormat="urn:f"/>'
        '<md:RequestedAttribute Name=" urn:oid:2 "/><md:RequestedAttribute/></md:AttributeConsumingService>'
        "<md:AttributeConsumingService/>"
    )
    draft = EServiceDraft(more=more)
    (service,) = sp_of(draft).attribute_services
    assert (service.index, service.is_default) == (1, True)
    assert [(one.name, one.name_format, one.required) for one in service.requested] == [
        ("urn:oid:1", "urn:f", True),
        ("urn:oid:2", None, False),
    ]
    assert rules(draft) == ["value-unreadable"]


@pytest.mark.parametrize(
    ("scope", "expected", "rule"),
    [
        pytest.param('regexp="false">example.se', ("example.se",), None, id="plain"),
        pytest.param(">example.se", ("example.se",), None, id="regexp absent"),
        pytest.param('regexp="0"> example.se ', ("example.se",), None, id="zero, white space"),
        pytest.param('regexp="true">.*', (), "scope-regexp", id="a pattern"),
        pytest.param('regexp="1">.*', (), "scope-regexp", id="a pattern, as 1"),
        pytest.param('regexp="maybe">example.se', (), "scope-regexp", id="nobody knows"),
        pytest.param(">", (), "value-unreadable", id="empty"),
        pytest.param(">a@b", (), "value-unreadable", id="a whole value"),
    ],
)
def test_only_plain_scopes_count(scope: str, expected: tuple[str, ...], rule: str | None) -> None:
    draft = UpstreamDraft(role_extensions=f"<shibmd:Scope {scope}</shibmd:Scope>")
    assert idp_of(draft).scopes == expected
    assert (rule in rules(draft)) if rule else rules(draft) == []


def test_a_scope_outside_the_role_does_not_count() -> None:
    assert idp_of(UpstreamDraft(extensions="<shibmd:Scope>example.se</shibmd:Scope>")).scopes == ()


def test_principal_selection_names_attributes() -> None:
    more = (
        '<psc:RequestedPrincipalSelection><psc:MatchValue Name="urn:oid:1.2.752.29.4.13"/><psc:MatchValue/>'
        "</psc:RequestedPrincipalSelection>"
    )
    assert idp_of(UpstreamDraft(role_extensions=more)).principal_selection == ("urn:oid:1.2.752.29.4.13",)


def test_algorithms_of_the_role_come_before_those_of_the_entity() -> None:
    entity = '<alg:DigestMethod Algorithm="urn:entity"/><alg:SigningMethod Algorithm="urn:entity-signing"/>'
    role = '<alg:DigestMethod Algorithm="urn:role"/>'
    record = record_of(EServiceDraft(extensions=entity, role_extensions=role))
    assert record.digest_methods == ("urn:role",)
    assert record.signing_methods == ("urn:entity-signing",)


# --- what is shown ---------------------------------------------------------------------------------------------

PNG = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("logo", "url"),
    [
        pytest.param('width="80" height="60">https://a.example.se/l.svg', "https://a.example.se/l.svg", id="https"),
        pytest.param(f'width="80" height="60">{PNG}', PNG, id="embedded"),
        pytest.param('width="80" height="60">data:image/png;base64,iVBO\n  Rw0KGgo=', PNG, id="embedded, in lines"),
        pytest.param('width="80" height="60">http://a.example.se/l.svg', None, id="http"),
        pytest.param('width="80" height="60">javascript:alert(1)', None, id="a script"),
        pytest.param('width="80" height="60">data:text/html,hello', None, id="embedded, but no picture"),
        pytest.param(f'width="80" height="60">data:image/png;base64,{"A" * 140_000}', None, id="too large"),
        pytest.param('width="0" height="60">https://a.example.se/l.svg', None, id="no width"),
        pytest.param('height="60">https://a.example.se/l.svg', None, id="width absent"),
    ],
)
def test_a_logo_is_a_picture_or_left_out(logo: str, url: str | None) -> None:
    draft = EServiceDraft(ui=f"<mdui:Logo {logo}</mdui:Logo>")
    assert [one.url for one in record_of(draft).logos] == ([url] if url else [])
    assert rules(draft) == ([] if url else ["logo-refused"])


@pytest.mark.parametrize(
    ("url", "kept"),
    [("https://a.example.se/", True), ("http://a.example.se/", True), ("javascript:alert(1)", False), ("//a", False)],
)
def test_a_link_leads_to_the_web_or_is_left_out(url: str, kept: bool) -> None:
    draft = EServiceDraft(ui=f'<mdui:InformationURL xml:lang="sv">{url}</mdui:InformationURL>')
    assert record_of(draft).information_urls == ({"sv": url} if kept else {})
    assert rules(draft) == ([] if kept else ["url-refused"])


def test_characters_that_turn_a_name_around_are_removed() -> None:
    draft = EServiceDraft(names={"sv": "Bygg\u202elov\u0085"})
    assert record_of(draft).names == {"sv": "Bygglov"}
    assert rules(draft) == ["text-cleaned"]


def test_a_name_that_is_a_novel_is_shortened() -> None:
    draft = EServiceDraft(names={"sv": "å" * 5000})
    assert len(record_of(draft).names["sv"]) == 1000
    assert rules(draft) == ["text-cleaned"]


def test_without_a_display_name_the_organisation_is_shown() -> None:
    organisation = (
        '<md:Organization><md:OrganizationName xml:lang="sv">Registrerat namn</md:OrganizationName>'
        '<md:OrganizationDisplayName xml:lang="sv">Kommunen</md:OrganizationDisplayName></md:Organization>'
    )
    record = record_of(EServiceDraft(names={}, after=organisation))
    assert record.names == record.organization_names == {"sv": "Kommunen"}


def test_contacts_are_addresses_and_numbers() -> None:
    contacts = (
        '<md:ContactPerson contactType="support"><md:EmailAddress>mailto:hjalp@example.se</md:EmailAddress>'
        "<md:TelephoneNumber> +46 8 123 </md:TelephoneNumber></md:ContactPerson>"
        '<md:ContactPerson contactType="technical"><md:EmailAddress>not an address</md:EmailAddress></md:ContactPerson>'
        '<md:ContactPerson contactType="technical"><md:EmailAddress>drift@a.se</md:EmailAddress></md:ContactPerson>'
    )
    found = record_of(EServiceDraft(after=contacts)).contacts
    assert [(one.kind, one.emails, one.telephones) for one in found] == [
        ("support", ("hjalp@example.se",), ("+46 8 123",)),
        ("technical", ("drift@a.se",), ()),
    ]


# --- time ------------------------------------------------------------------------------------------------------


def moment(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def test_an_entity_is_valid_no_longer_than_its_groups_and_its_role() -> None:
    def valid_until(document: str) -> datetime | None:
        (entity,) = read_metadata(document.encode()).entities
        assert entity.e_service is not None
        return entity.e_service.valid_until

    def until(year: int) -> str:
        return f'validUntil="{year}-01-01T00:00:00Z"'

    alone = EServiceDraft(attributes=until(2031)).xml()
    assert valid_until(alone) == moment(2031)
    assert valid_until(EServiceDraft(attributes=until(2031), role_attributes=until(2030)).xml()) == moment(2030)
    group = aggregate(alone, name="inner", attributes=until(2029)).replace('ID="_aggregate"', "")
    assert valid_until(aggregate(group)) == moment(2029)
    # The time of the root belongs to the document.
    assert valid_until(aggregate(alone, attributes=until(2028))) == moment(2031)


def test_a_time_that_cannot_be_read_keeps_the_entity_out() -> None:
    data = aggregate(EServiceDraft(attributes='validUntil="later"').xml()).encode()
    (entity,) = read_metadata(data).entities
    assert entity.e_service is None
    assert [finding.rule for finding in entity.findings] == ["entity-unreadable"]
