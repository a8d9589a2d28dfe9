"""Responses to an e-service: the exact documents, the signatures, the encryption."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from lxml import etree
from saml2.xml.schema import validate
from support.messages import AES256_CBC, AES256_GCM, DS, OAEP, RSA_SHA256, SAML, decrypted, is_signed_by, rsa_keys
from support.saml_peers import CountingIds, make_record, make_sp_role, peer_key

from broker.core.decision import Released
from broker.core.errors import AssuranceNotMet, Cancelled, EServiceCannotDecrypt, KeyUnavailable
from broker.core.login import EntityId, NameIdKind
from broker.core.person import AttributeKey
from broker.messages.assertion import ErrorPlan, ResponsePlan, WrittenMessage
from broker.messages.entity import EntityRecord, SpRole
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.write_response import AssertionFacts, ResponseWriter, build_assertion, build_response
from broker.saml.xml import serialise
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.statuses import status_for

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
IDP = "https://broker.example/saml/idp"
E_SERVICE = "https://bygglov.example/sp"
ACS = "https://bygglov.example/acs"
OURS, THEIRS = rsa_keys("broker-signing"), rsa_keys("e-service-encryption")


def released(key: str, *values: str) -> Released:
    return Released(key=AttributeKey(key), values=values, rule="requested attribute")


PLAN = ResponsePlan(
    e_service=EntityId(E_SERVICE),
    answer_url=ACS,
    in_response_to="_request",
    relay_state="a&b",
    name_id="q3jm0wfzrk2pq1l1uo7svx5dyp6nbt8a",
    name_id_kind=NameIdKind.PERSISTENT,
    context="http://id.swedenconnect.se/loa/1.0/uncertified-loa3",
    authenticated_at=NOW - timedelta(seconds=6, milliseconds=250),
    authorities=("https://idp.example", "https://behind.example"),
    released=(
        released("pnr", "198611239883"),
        released("surname", "Åström & <Ek>"),
        released("citizenship", "SE", "FI"),
    ),
    client_address="2001:db8::17",
)
ERROR = ErrorPlan(
    e_service=EntityId(E_SERVICE), answer_url=ACS, in_response_to="_request", relay_state=None, code=Cancelled.code
)
FACTS = AssertionFacts(assertion_id="_0123456789abcdef", entity_id=IDP, now=NOW)


@cache
def ring() -> KeyRing:
    entry = KeyEntry(use=KeyUse.SIGNING, state=KeyState.ACTIVE, certificate=OURS.certificate, private_key=OURS.key)
    return load_key_ring([entry])


def writer() -> ResponseWriter:
    return ResponseWriter(entity_id=IDP, keys=ring, ids=CountingIds(), catalogue=CATALOGUE)


ROLE: SpRole = make_sp_role(signing=(), encryption=[peer_key(THEIRS)], acs=())


def record(role: SpRole = ROLE) -> EntityRecord:
    return make_record(E_SERVICE, sp=role)


def response_of(message: WrittenMessage) -> bytes:
    return base64.b64decode(dict(message.fields)["SAMLResponse"])


def assertion_of(message: WrittenMessage) -> str:
    """What the e-service's xmlsec1 decrypts."""
    data = etree.fromstring(response_of(message)).find(f"{{{SAML}}}EncryptedAssertion/{{*}}EncryptedData")
    return decrypted(etree.tostring(data), THEIRS)


@pytest.mark.parametrize(
    ("plan", "file"),
    [
        pytest.param(PLAN, "assertion_full.xml", id="full"),
        pytest.param(
            replace(
                PLAN,
                name_id="_transient",
                name_id_kind=NameIdKind.TRANSIENT,
                authorities=("https://idp.example",),
                released=(),
                client_address=None,
            ),
            "assertion_bare.xml",
            id="bare",
        ),
    ],
)
def test_the_assertion_is_exactly_the_golden_one(plan: ResponsePlan, file: str) -> None:
    written = serialise(build_assertion(plan, FACTS, CATALOGUE))
    assert written.decode() == (DATA / file).read_text(encoding="utf-8").rstrip("\n")
    validate(written.decode())


@pytest.mark.parametrize(
    ("code", "file"),
    [
        pytest.param(Cancelled.code, "response_cancelled.xml", id="a pair"),
        pytest.param("anything-unexpected", "response_responder.xml", id="a single status"),
    ],
)
def test_the_error_response_is_exactly_the_golden_one(code: str, file: str) -> None:
    root = build_response(
        message_id="_0123456789abcdef",
        entity_id=IDP,
        destination=ACS,
        in_response_to="_request",
        status=status_for(code),
        now=NOW,
    )
    written = serialise(root).decode()
    assert written == (DATA / file).read_text(encoding="utf-8").rstrip("\n")
    validate(written)


def test_the_response_is_signed_and_the_assertion_inside_encrypted() -> None:
    message = writer().write_granted(PLAN, record(), NOW)
    xml = response_of(message)
    validate(xml.decode())
    assert is_signed_by(xml, OURS.certificate, element="saml2p:Response")
    root = etree.fromstring(xml)
    assert [etree.QName(child).localname for child in root] == [
        "Issuer",
        "Signature",
        "Status",
        "EncryptedAssertion",
    ]
    assert b"198611239883" not in xml
    assert (root.get("ID"), root.get("InResponseTo"), root.get("Destination")) == (message.message_id, "_request", ACS)
    assertion = etree.fromstring(assertion_of(message))
    assert assertion.get("ID") == message.assertion_id
    assert [e.text for e in assertion.iter(f"{{{SAML}}}AttributeValue")] == [
        "198611239883",
        "Åström & <Ek>",
        "SE",
        "FI",
    ]


def test_what_decrypts_stands_alone() -> None:
    """With the declaration of xs, which only values mention, and the one prefix of each namespace."""
    assert assertion_of(writer().write_granted(PLAN, record(), NOW)).replace("_id1", FACTS.assertion_id) == (
        DATA / "assertion_full.xml"
    ).read_text(encoding="utf-8").rstrip("\n").replace("Å", "&#xC5;").replace("ö", "&#xF6;")


@pytest.mark.parametrize("wanted", [True, False])
def test_the_assertion_is_signed_only_for_who_wants_it(wanted: bool) -> None:
    message = writer().write_granted(PLAN, record(replace(ROLE, want_assertions_signed=wanted)), NOW)
    assertion = assertion_of(message)
    assert (etree.fromstring(assertion).find(f"{{{DS}}}Signature") is not None) is wanted
    assert is_signed_by(assertion.encode(), OURS.certificate, element="saml2:Assertion") is wanted
    assert is_signed_by(response_of(message), OURS.certificate, element="saml2p:Response")


def test_every_namespace_has_one_prefix() -> None:
    signed = writer().write_granted(PLAN, record(replace(ROLE, want_assertions_signed=True)), NOW)
    for xml in (response_of(signed), assertion_of(signed).encode()):
        prefixes: dict[str, set[str | None]] = {}
        for _, (prefix, uri) in etree.iterwalk(etree.fromstring(xml), events=("start-ns",)):
            prefixes.setdefault(uri, set()).add(prefix)
        assert all(len(found) == 1 for found in prefixes.values()), prefixes


def test_the_facts_of_the_cryptography_are_told() -> None:
    message = writer().write_granted(PLAN, record(), NOW)
    assert message.signature_algorithm == RSA_SHA256
    assert message.signing_key_id == peer_key(OURS).fingerprint
    assert message.encryption_algorithm == f"{AES256_CBC} {OAEP}"
    assert (message.assertion_id, message.message_id) == ("_id1", "_id2")


def test_a_declared_cipher_is_used() -> None:
    key = peer_key(THEIRS, block_ciphers=[AES256_GCM])
    message = writer().write_granted(PLAN, record(replace(ROLE, encryption_keys=(key,))), NOW)
    assert str(message.encryption_algorithm).startswith(AES256_GCM)
    assert "198611239883" in assertion_of(message)


@pytest.mark.parametrize("relay_state", [None, "", "a&b"])
def test_the_relay_state_is_returned_unchanged(relay_state: str | None) -> None:
    granted = writer().write_granted(replace(PLAN, relay_state=relay_state), record(), NOW)
    refused = writer().write_refused(replace(ERROR, relay_state=relay_state), record(), NOW)
    for message in (granted, refused):
        assert message.url == ACS
        assert dict(message.fields).get("RelayState") == relay_state


def test_an_error_is_signed_and_holds_no_assertion() -> None:
    message = writer().write_refused(replace(ERROR, code=AssuranceNotMet.code), record(), NOW)
    xml = response_of(message)
    validate(xml.decode())
    assert is_signed_by(xml, OURS.certificate, element="saml2p:Response")
    assert b"Assertion>" not in xml
    assert (message.assertion_id, message.encryption_algorithm) == (None, None)


@pytest.mark.parametrize(
    "role",
    [
        pytest.param(replace(ROLE, encryption_keys=()), id="no encryption key"),
        pytest.param(replace(ROLE, encryption_keys=(replace(peer_key(THEIRS), certificate="AAAA"),)), id="no key"),
        pytest.param(replace(ROLE, encryption_keys=(replace(peer_key(THEIRS), key_bits=1024),)), id="a weak key"),
    ],
)
def test_an_assertion_never_leaves_in_the_clear(role: SpRole) -> None:
    with pytest.raises(EServiceCannotDecrypt):
        writer().write_granted(PLAN, record(role), NOW)


def test_an_error_needs_no_encryption_key() -> None:
    assert writer().write_refused(ERROR, record(replace(ROLE, encryption_keys=())), NOW).fields


def test_a_peer_that_is_no_e_service_gets_nothing() -> None:
    with pytest.raises(EServiceCannotDecrypt):
        writer().write_granted(PLAN, make_record(E_SERVICE), NOW)


def test_without_a_signing_key_nothing_is_sent() -> None:
    keyless = ResponseWriter(entity_id=IDP, keys=lambda: load_key_ring([]), ids=CountingIds(), catalogue=CATALOGUE)
    with pytest.raises(KeyUnavailable):
        keyless.write_granted(PLAN, record(), NOW)
    with pytest.raises(KeyUnavailable):
        keyless.write_refused(ERROR, record(), NOW)
