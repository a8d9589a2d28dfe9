"""Our own metadata: read back by stock pysaml2, verified by xmlsec1, and complete."""

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from saml2 import md
from saml2.validate import valid_instance
from support.key_pairs import KeyPair, make_key_pair
from support.messages import is_signed_by

from broker.messages.own_metadata import OwnAttribute, OwnContact, OwnIdpSide, OwnOrganisation, OwnSide, OwnSpSide
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.write_metadata import write_idp_metadata, write_sp_metadata

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BASE = "https://login.example.se"
NAMESPACES = {
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "alg": "urn:oasis:names:tc:SAML:metadata:algsupport",
    "saml2": "urn:oasis:names:tc:SAML:2.0:assertion",
    "shibmd": "urn:mace:shibboleth:metadata:1.0",
}
COMMON = OwnSide(
    entity_id=f"{BASE}/saml/side",
    names={"en": "Åre login", "sv": "Åre inloggning"},
    descriptions={"sv": "Gemensam inloggning", "en": "Common login"},
    logo_url=f"{BASE}/logo",
    logo_width=80,
    logo_height=60,
    categories=("http://id.elegnamnden.se/ec/1.0/loa3-pnr", "http://id.elegnamnden.se/st/1.0/public-sector-sp"),
    organisation=OwnOrganisation(
        names={"sv": "Åre kommun"}, display_names={"sv": "Åre"}, urls={"sv": "https://are.se"}, number="2120001231"
    ),
    contacts=(OwnContact(kind="technical", email="drift@are.se", telephone="+46 1"),),
    valid_for=timedelta(days=7),
    cache_for=timedelta(hours=24),
)
SP = OwnSpSide(
    common=COMMON, acs_url=f"{BASE}/saml/sp/acs", wanted=(OwnAttribute(name="urn:oid:1.2", friendly="transaction"),)
)
IDP = OwnIdpSide(
    common=COMMON,
    sso_url=f"{BASE}/saml/idp/sso",
    assurance=("http://id.elegnamnden.se/loa/1.0/loa3",),
    scopes=("2120001231",),
    offered=(),
    principal_selection=("urn:oid:1.2.752.29.4.13",),
)


def entry(pair: KeyPair, use: KeyUse, state: KeyState = KeyState.ACTIVE) -> KeyEntry:
    return KeyEntry(use=use, state=state, certificate=pair.certificate, private_key=pair.key)


@pytest.fixture(scope="module")
def signing() -> KeyPair:
    return make_key_pair("own-signing")


@pytest.fixture(scope="module")
def ring(signing: KeyPair) -> KeyRing:
    return load_key_ring(
        (
            entry(signing, KeyUse.SIGNING),
            entry(make_key_pair("own-next", curve=True), KeyUse.SIGNING, KeyState.PUBLISHED),
            entry(make_key_pair("own-encryption"), KeyUse.ENCRYPTION),
            entry(make_key_pair("own-old-encryption"), KeyUse.ENCRYPTION, KeyState.PUBLISHED),
        )
    )


def find(document: bytes, path: str) -> list[str]:
    found = etree.fromstring(document).xpath(path, namespaces=NAMESPACES)
    assert isinstance(found, list)
    return [str(item) for item in found]


@pytest.fixture(scope="module")
def documents(ring: KeyRing) -> dict[str, bytes]:
    return {"sp": write_sp_metadata(SP, ring, "_id", NOW), "idp": write_idp_metadata(IDP, ring, "_id", NOW)}


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_are_valid_for_stock_pysaml2(documents: dict[str, bytes], side: str) -> None:
    entity = md.entity_descriptor_from_string(documents[side])
    assert valid_instance(entity)
    assert entity.entity_id == f"{BASE}/saml/side"


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_are_signed_by_the_active_key(documents: dict[str, bytes], signing: KeyPair, side: str) -> None:
    assert is_signed_by(documents[side], signing.certificate, element="md:EntityDescriptor")


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_end_and_may_be_cached(documents: dict[str, bytes], side: str) -> None:
    assert find(documents[side], "/*/@validUntil") == ["2026-11-30T12:00:00Z"]
    assert find(documents[side], "/*/@cacheDuration") == ["PT86400S"]


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_publish_every_signing_key_and_only_the_newest_encryption_key(
    documents: dict[str, bytes], ring: KeyRing, side: str
) -> None:
    path = "//md:KeyDescriptor[@use='{}']//ds:X509Certificate/text()"
    assert find(documents[side], path.format("signing")) == [key.certificate for key in ring.published_signing]
    assert find(documents[side], path.format("encryption")) == [ring.published_encryption.certificate]


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_name_themselves_in_swedish_first(documents: dict[str, bytes], side: str) -> None:
    assert find(documents[side], "//mdui:DisplayName/text()") == ["Åre inloggning", "Åre login"]
    assert find(documents[side], "//mdui:Logo/text()") == [f"{BASE}/logo"]
    assert find(documents[side], "//md:OrganizationName/text()") == ["Åre kommun"]
    assert find(documents[side], "//md:EmailAddress/text()") == ["mailto:drift@are.se"]


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_both_have_one_category_attribute_with_every_value(documents: dict[str, bytes], side: str) -> None:
    path = "//saml2:Attribute[@Name='http://macedir.org/entity-category']"
    assert len(find(documents[side], path)) == 1
    assert find(documents[side], f"{path}/saml2:AttributeValue/text()") == list(COMMON.categories)


@pytest.mark.parametrize("side", ["sp", "idp"])
def test_neither_declares_a_forbidden_algorithm(documents: dict[str, bytes], side: str) -> None:
    declared = find(documents[side], "//alg:*/@Algorithm | //md:EncryptionMethod/@Algorithm")
    assert declared
    assert not [uri for uri in declared if any(bad in uri for bad in ("sha1", "tripledes", "rsa-1_5", "hmac"))]


def test_the_idp_side_serves_both_bindings_and_wants_signed_requests(documents: dict[str, bytes]) -> None:
    bindings = find(documents["idp"], "//md:SingleSignOnService/@Binding")
    assert [binding.rpartition(":")[2] for binding in bindings] == ["HTTP-Redirect", "HTTP-POST"]
    assert find(documents["idp"], "//md:IDPSSODescriptor/@WantAuthnRequestsSigned") == ["true"]
    assert find(documents["idp"], "//shibmd:Scope/text()") == ["2120001231"]
    assert "http://id.elegnamnden.se/loa/1.0/loa3" in find(documents["idp"], "//saml2:AttributeValue/text()")


def test_the_sp_side_signs_and_takes_answers_by_post(documents: dict[str, bytes]) -> None:
    assert find(documents["sp"], "//md:SPSSODescriptor/@AuthnRequestsSigned") == ["true"]
    assert find(documents["sp"], "//md:AssertionConsumerService/@Location") == [f"{BASE}/saml/sp/acs"]
    assert find(documents["sp"], "//md:RequestedAttribute/@isRequired") == ["false"]
