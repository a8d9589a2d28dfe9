"""AuthnRequests to an upstream: the exact document, the binding, the signature."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree
from saml2.xml.schema import validate
from support.key_pairs import KeyPair
from support.messages import ECDSA_SHA256, RSA_SHA256, ec_keys, is_signed_by, rsa_keys
from support.saml_peers import POST, REDIRECT, CountingIds, make_idp_role, make_record, peer_key

from broker.core.errors import KeyUnavailable, PeerWithdrawn
from broker.core.login import ContextUri, PrincipalHint
from broker.core.person import AttributeKey
from broker.messages.authn_request import AuthnRequestPlan
from broker.messages.entity import Endpoint, EntityRecord
from broker.messages.inbound import Binding
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.write_request import RequestFacts, RequestWriter, build_request
from broker.saml.xml import serialise
from broker.vocabulary.attributes import CATALOGUE

DATA = Path(__file__).parent / "data"
NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
SP = "https://broker.example/saml/sp"
ACS = f"{SP}/acs"
RSA, EC = rsa_keys("broker-signing"), ec_keys("broker-signing")

PLAIN = AuthnRequestPlan(
    contexts=(ContextUri("http://id.elegnamnden.se/loa/1.0/loa3"),),
    force_authn=False,
    name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
)
FULL = AuthnRequestPlan(
    contexts=(
        ContextUri("http://id.elegnamnden.se/loa/1.0/eidas-nf-high"),
        ContextUri("http://id.elegnamnden.se/loa/1.0/eidas-nf-sub"),
    ),
    force_authn=True,
    name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    idp_list=("http://id.swedenconnect.se/eidas/1.0/proxy-service/no",),
    requester_ids=("https://behind.example", "https://bygglov.example/sp"),
    principal=(
        PrincipalHint(key=AttributeKey("prid"), value="NO:05068907693"),
        PrincipalHint(key=AttributeKey("country"), value="NO"),
    ),
)


@cache
def ring(keys: KeyPair) -> KeyRing:
    entry = KeyEntry(use=KeyUse.SIGNING, state=KeyState.ACTIVE, certificate=keys.certificate, private_key=keys.key)
    return load_key_ring([entry])


def record(*bindings: str, signing_methods: Sequence[str] = ()) -> EntityRecord:
    """An upstream with one endpoint for each of `bindings`."""
    sso = [Endpoint(binding=binding, location=f"https://idp.example/{n}") for n, binding in enumerate(bindings)]
    made = make_record("https://idp.example", idp=make_idp_role(signing=(), sso=sso))
    return replace(made, signing_methods=tuple(signing_methods))


def writer(keys: KeyPair = RSA) -> RequestWriter:
    return RequestWriter(entity_id=SP, acs_url=ACS, keys=lambda: ring(keys), ids=CountingIds(), catalogue=CATALOGUE)


FACTS = RequestFacts(
    message_id="_0123456789abcdef",
    entity_id=SP,
    acs_url=ACS,
    destination="https://idp.example/sso",
    is_passive=False,
    proxy_count=None,
    now=NOW,
)


@pytest.mark.parametrize(
    ("plan", "facts", "file"),
    [
        pytest.param(PLAIN, FACTS, "authn_request_plain.xml", id="plain"),
        pytest.param(FULL, replace(FACTS, is_passive=True, proxy_count=1), "authn_request_full.xml", id="full"),
    ],
)
def test_the_document_is_exactly_the_golden_one(plan: AuthnRequestPlan, facts: RequestFacts, file: str) -> None:
    written = serialise(build_request(plan, facts, CATALOGUE))
    assert written.decode() == (DATA / file).read_text(encoding="utf-8").rstrip("\n")
    validate(written.decode())


def test_redirect_is_preferred_and_signed_in_the_query() -> None:
    binding, message = writer().write(
        PLAIN, record(POST, REDIRECT), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW
    )
    assert binding is Binding.REDIRECT
    assert message.fields == ()
    url = urlsplit(message.url)
    query = parse_qs(url.query, strict_parsing=True)
    assert (url.path, query["RelayState"], query["SigAlg"]) == ("/1", ["login.1"], [RSA_SHA256])
    root = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), wbits=-15))
    assert (root.get("ID"), root.get("Destination")) == (message.message_id, "https://idp.example/1")
    assert root.find("{*}Signature") is None


@pytest.mark.parametrize(
    ("plan", "bindings"),
    [
        pytest.param(PLAIN, (POST,), id="nothing else offered"),
        pytest.param(FULL, (REDIRECT, POST), id="a person is named"),
        pytest.param(
            replace(PLAIN, requester_ids=tuple(f"https://{n:x}.example/{n**30:x}" for n in range(200))),
            (REDIRECT, POST),
            id="the URL would be long",
        ),
    ],
)
def test_post_carries_what_redirect_should_not(plan: AuthnRequestPlan, bindings: Sequence[str]) -> None:
    binding, message = writer().write(
        plan, record(*bindings), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW
    )
    assert binding is Binding.POST
    fields = dict(message.fields)
    assert set(fields) == {"SAMLRequest", "RelayState"}
    assert fields["RelayState"] == "login.1"
    xml = base64.b64decode(fields["SAMLRequest"])
    assert is_signed_by(xml, RSA.certificate, element="saml2p:AuthnRequest")
    root = etree.fromstring(xml)
    assert (root.get("Destination"), root.get("ID")) == (message.url, message.message_id)
    assert message.url == f"https://idp.example/{len(bindings) - 1}"
    assert root[1].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"
    validate(xml.decode())


@pytest.mark.parametrize(
    "plan", [FULL, replace(PLAIN, requester_ids=tuple(f"https://{n:x}.example/{n**30:x}" for n in range(200)))]
)
def test_redirect_carries_everything_when_there_is_nothing_else(plan: AuthnRequestPlan) -> None:
    binding, _ = writer().write(
        plan, record(REDIRECT), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW
    )
    assert binding is Binding.REDIRECT


def test_the_signing_key_decides_the_algorithm_and_is_named() -> None:
    _, message = writer(EC).write(
        PLAIN, record(POST), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW
    )
    assert message.signature_algorithm == ECDSA_SHA256
    assert message.signing_key_id == peer_key(EC).fingerprint
    xml = base64.b64decode(dict(message.fields)["SAMLRequest"])
    assert is_signed_by(xml, EC.certificate, element="saml2p:AuthnRequest")


def test_an_ec_key_signs_in_a_form_where_there_is_a_choice() -> None:
    binding, _ = writer(EC).write(
        PLAIN, record(REDIRECT, POST), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW
    )
    assert binding is Binding.POST


def test_the_upstreams_preferred_algorithm_is_used() -> None:
    wanted = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
    _, message = writer().write(
        PLAIN,
        record(REDIRECT, signing_methods=[wanted]),
        is_passive=False,
        proxy_count=None,
        relay_state="login.1",
        now=NOW,
    )
    assert message.signature_algorithm == wanted


def test_an_upstream_without_usable_endpoint_cannot_be_asked() -> None:
    artifact = record("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact")
    with pytest.raises(PeerWithdrawn):
        writer().write(PLAIN, artifact, is_passive=False, proxy_count=None, relay_state="login.1", now=NOW)


def test_without_a_signing_key_nothing_is_sent() -> None:
    keyless = RequestWriter(
        entity_id=SP, acs_url=ACS, keys=lambda: load_key_ring([]), ids=CountingIds(), catalogue=CATALOGUE
    )
    with pytest.raises(KeyUnavailable):
        keyless.write(PLAIN, record(POST), is_passive=False, proxy_count=None, relay_state="login.1", now=NOW)
