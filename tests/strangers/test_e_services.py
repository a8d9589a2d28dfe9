"""E-services that declare nothing, each with a habit of its own: what they get is right, and they can read it."""

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from lxml import etree
from support.attack_browser import values_of
from support.attack_peers import LOA2, LOA3, NS, PERSON, Rewrite, asks_for, changed, rewritten, same
from support.attack_query import Query
from support.attack_world import Login, World
from support.messages import PERSISTENT, TRANSIENT, RequestDraft, is_signed_by
from support.strange_habits import E_SERVICES, prefixed, several
from support.strangers import StrangeEService, algorithm_of

PLAIN = E_SERVICES["plain"]


def finish(world: World, login: Login) -> etree._Element:
    """The Assertion that the e-service reads at the end of `login`, everything about it checked."""
    form = world.take(login.answered())
    response = base64.b64decode(form.fields["SAMLResponse"])
    certificate = (world.installation.opened.settings.keys_folder / "signing-1.crt").read_bytes()
    assert is_signed_by(response, certificate, element="saml2p:Response")
    assertion = login.e_service.read(form.fields)
    assert values_of(assertion) == PERSON
    assert assertion.findtext(".//saml2:AuthnContextClassRef", namespaces=NS) == LOA3
    assert assertion.findtext(".//saml2:Audience", namespaces=NS) == login.e_service.entity_id
    confirmation = assertion.find(".//saml2:SubjectConfirmationData", NS)
    assert confirmation is not None
    assert (confirmation.get("InResponseTo"), confirmation.get("Recipient")) == (login.request_id, form.action)
    return assertion


BINDINGS = pytest.mark.parametrize("by_post", [False, True], ids=["redirect", "post"])


def log_in(
    world: World, e_service: StrangeEService, draft: RequestDraft, *, by_post: bool, text: Rewrite = same
) -> Login:
    """A login at the upstream whose request was signed after `text`."""
    if by_post:
        page = world.start_by_post(e_service.form(draft, "opaque", text))
    else:
        page = world.start(Query.of(text(draft.xml())).signed(e_service.signer or e_service.keys).text())
    return world.login_from(page, draft.request_id, e_service)


@BINDINGS
@pytest.mark.parametrize("e_service", E_SERVICES.values(), ids=E_SERVICES.keys())
def test_an_e_service_gets_a_login(world: World, e_service: StrangeEService, by_post: bool) -> None:
    finish(world, log_in(world, e_service, e_service.request(), by_post=by_post))


ACS = PLAIN.acs
POLICY = "<saml2p:NameIDPolicy {}/>".format
SCOPING = "<saml2p:Scoping ProxyCount='2'><saml2p:RequesterID>urn:x</saml2p:RequesterID></saml2p:Scoping>"
EXTENSIONS = '<saml2p:Extensions><x:y xmlns:x="urn:x" a="b"><x:z/></x:y></saml2p:Extensions>'


def says(**attributes: str | None) -> Any:
    return changed(attributes={"AssertionConsumerServiceURL": ACS, **attributes})


def asks(*children: str) -> Any:
    return changed(children="".join(children))


CONTEXT = asks_for(LOA3)
REQUESTS: dict[str, tuple[Callable[[RequestDraft], RequestDraft], Rewrite]] = {
    "asks for nothing": (asks(""), same),
    "names an index": (changed(attributes={"AssertionConsumerServiceIndex": "0"}), same),
    "names no address": (changed(attributes={}), same),
    "names an index and asks for nothing": (
        changed(attributes={"AssertionConsumerServiceIndex": "0"}, children=""),
        same,
    ),
    "says 0 and 1": (says(ForceAuthn="1", IsPassive="0"), same),
    "says true and false": (says(ForceAuthn="true", IsPassive="false"), same),
    "wants an unspecified name": (
        asks(POLICY('Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" AllowCreate="1"'), CONTEXT),
        same,
    ),
    "wants any name": (asks(POLICY('AllowCreate="true"'), CONTEXT), same),
    "wants a name for itself": (asks(POLICY(f'SPNameQualifier="{PLAIN.entity_id}"'), CONTEXT), same),
    "names the binding": (says(ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"), same),
    "names itself": (says(ProviderName="Bygglov åäö", Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified"), same),
    "says nothing about comparing": (asks(CONTEXT), rewritten(' Comparison="exact"', "")),
    "asks for several levels": (asks(asks_for("http://id.elegnamnden.se/loa/1.0/loa4", LOA3)), same),
    "asks for a level that nobody knows too": (asks(asks_for("urn:x:loa", LOA3)), same),
    "lists requesters": (asks(CONTEXT, SCOPING), same),
    "has extensions": (asks(EXTENSIONS, CONTEXT), same),
    "writes fractions of seconds": (same, rewritten('Z" Destination=', '.1234567Z" Destination=')),
    "uses other prefixes": (same, prefixed("saml", "samlp")),
    "says what its name is": (
        same,
        rewritten("<saml2:Issuer>", '<saml2:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">'),
    ),
    "indents": (same, several(rewritten("><", ">\n  <"), rewritten("ClassRef>http", "ClassRef>\n    http"))),
    "declares its encoding": (same, lambda text: f'<?xml version="1.0" encoding="utf-8"?>\n{text}'),
    "has a comment": (same, rewritten("</saml2p:AuthnRequest>", "<!-- v1 --></saml2p:AuthnRequest>")),
}


@BINDINGS
@pytest.mark.parametrize(("bend", "text"), REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_understood(
    world: World, bend: Callable[[RequestDraft], RequestDraft], text: Rewrite, by_post: bool
) -> None:
    finish(world, log_in(world, PLAIN, bend(PLAIN.request()), by_post=by_post, text=text))


# --- what shows in the answer --------------------------------------------------------------------------------------


@BINDINGS
@pytest.mark.parametrize(
    ("e_service", "policy", "given"),
    [
        ("plain", "", PERSISTENT),
        ("plain", f'Format="{PERSISTENT}"', PERSISTENT),
        ("plain", f'Format="{TRANSIENT}"', TRANSIENT),
        ("that wants transient names", "", TRANSIENT),
        ("that wants transient names", f'Format="{PERSISTENT}"', PERSISTENT),
        ("that wants mail addresses as names", "", PERSISTENT),
    ],
)
def test_the_name_is_of_the_format_that_was_wanted(
    world: World, e_service: str, policy: str, given: str, by_post: bool
) -> None:
    peer = E_SERVICES[e_service]
    draft = asks(POLICY(policy) if policy else "", CONTEXT)(peer.request())
    names: list[str | None] = []
    for _ in range(2):
        login = log_in(world, peer, changed(request_id=f"{draft.request_id}{len(names)}")(draft), by_post=by_post)
        name_id = finish(world, login).find(".//saml2:NameID", NS)
        assert name_id is not None
        assert name_id.get("Format") == given
        names.append(name_id.text)
    assert (names[0] == names[1]) == (given == PERSISTENT)


@pytest.mark.parametrize(
    ("index", "address"),
    [("0", "acs"), ("7", "seven"), (None, "acs")],
)
def test_the_answer_goes_to_the_address_with_that_index(world: World, index: str | None, address: str) -> None:
    peer = E_SERVICES["with several addresses"]
    draft = changed(attributes={"AssertionConsumerServiceIndex": index})(peer.request())
    form = world.take(log_in(world, peer, draft, by_post=False).answered())
    assert form.action == f"https://addresses.example.se/{address}"


@pytest.mark.parametrize(
    ("e_service", "cipher"),
    [
        ("plain", "aes256-cbc"),
        ("that declares GCM", "aes128-gcm"),
        ("that declares 3DES first", "aes128-cbc"),
        ("that declares only 3DES", "aes256-cbc"),
    ],
)
def test_the_cipher_is_one_that_the_e_service_declares_or_a_mandatory_one(
    world: World, e_service: str, cipher: str
) -> None:
    peer = E_SERVICES[e_service]
    form = world.take(log_in(world, peer, peer.request(), by_post=False).answered())
    method = form.response.find(".//xenc:EncryptedData/xenc:EncryptionMethod", NS)
    assert method is not None
    assert (method.get("Algorithm") or "").rpartition("#")[2] == cipher


def test_the_assertion_is_signed_for_who_wants_that(world: World) -> None:
    peer = E_SERVICES["that wants the assertion signed"]
    assertion = finish(world, log_in(world, peer, peer.request(), by_post=False))
    certificate = (world.installation.opened.settings.keys_folder / "signing-1.crt").read_bytes()
    assert is_signed_by(etree.tostring(assertion), certificate, element="saml2:Assertion")


def test_the_assertion_is_not_signed_for_others(world: World) -> None:
    assertion = finish(world, log_in(world, PLAIN, PLAIN.request(), by_post=False))
    assert assertion.find("ds:Signature", NS) is None


# --- queries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay_state", [None, "", "a b+c%20d&e=f", "å/ä?ö#", "https://bygglov.example.se/x?y=z"])
def test_the_relay_state_comes_back(world: World, relay_state: str | None) -> None:
    draft = PLAIN.request()
    page = world.start(PLAIN.query(draft, relay_state))
    form = world.take(world.login_from(page, draft.request_id, PLAIN).answered())
    assert form.fields.get("RelayState") == relay_state


def small_escapes(text: str) -> str:
    """As .NET escapes."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def fewer_escapes(text: str) -> str:
    """As some escape only what they must."""
    return text.replace("%2F", "/").replace("%3A", ":").replace("%3D", "=")


@pytest.mark.parametrize("written", [small_escapes, fewer_escapes])
@pytest.mark.parametrize("e_service", ["plain", "with P-256", "with P-384"])
def test_a_query_counts_as_it_was_written(world: World, written: Rewrite, e_service: str) -> None:
    peer = E_SERVICES[e_service]
    keys = peer.signer or peer.keys
    draft = peer.request()
    unsigned = Query.of(draft.xml()).adding("SigAlg", quote(algorithm_of(keys), safe=""))
    text = written(unsigned.text())
    signature = Query(()).signed(keys, over=text).value("Signature")
    page = world.start(f"{text}&Signature={written(signature)}")
    finish(world, world.login_from(page, draft.request_id, peer))


@pytest.mark.parametrize("e_service", ["with P-256", "with P-384", "with P-521, and its key for everything"])
def test_both_ways_of_writing_an_ecdsa_signature_count(world: World, e_service: str) -> None:
    """r‖s as XML Signature has it, and DER as Java and .NET write it."""
    peer = E_SERVICES[e_service]
    for query in (peer.query, lambda draft: Query.of(draft.xml()).signed(peer.signer or peer.keys).text()):
        draft = peer.request()
        finish(world, world.login_from(world.start(query(draft)), draft.request_id, peer))


def test_the_level_is_the_one_that_was_vouched_for_and_no_lower(world: World) -> None:
    """The upstream is vouched for with loa3 alone, so nobody is sent there for less."""
    draft = changed(children=asks_for(LOA2))(PLAIN.request())
    page = world.start(PLAIN.query(draft))
    assert page.own_action("choice") is None or f'value="{world.upstream.entity_id}"' not in page.text
