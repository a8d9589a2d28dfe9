"""AuthnRequests by POST whose signature is absent, of somebody else, over something else, or of another form."""

import base64
import re
from collections.abc import Callable
from functools import partial

import pytest
from support.attack_crypto import signed, signed_by_hand
from support.attack_peers import LOA2, LOA3, LOA4, asks_for, changed, peer_keys
from support.attack_query import Query, sign_octets
from support.attack_world import World
from support.attack_wrapping import RESPONSES, SAME_ID, Wrap, wrapped
from support.messages import RSA_SHA256

INVALID = "request-signature-invalid"
UNREADABLE = "message-unreadable"


def posted(world: World, xml: str) -> dict[str, str]:
    del world
    return {"SAMLRequest": base64.b64encode(xml.encode()).decode(), "RelayState": "opaque"}


def refuse(world: World, xml: str, code: str = INVALID) -> None:
    """`xml` by POST leads to `code`; who is told is the e-service, at its own address."""
    last = world.assert_refused(world.start_by_post(posted(world, xml)), code)
    assert last.form is None or last.form.action == world.e_service.acs


def test_an_unsigned_request_is_refused_where_signing_is_declared(world: World) -> None:
    refuse(world, world.e_service.request().xml())


def test_an_unsigned_request_is_refused_where_nothing_is_declared(world: World) -> None:
    draft = world.lax_e_service.request()
    world.assert_refused(world.start_by_post(posted(world, draft.xml())), INVALID)
    draft = world.lax_e_service.request()
    world.assert_refused(world.start(Query.of(draft.xml()).text()), INVALID)


@pytest.mark.parametrize("signer", ["stranger", "forskola", "idp"])
def test_the_key_of_somebody_else_does_not_count(world: World, signer: str) -> None:
    draft = world.e_service.request()
    refuse(world, signed(draft.xml(), draft.request_id, peer_keys(signer)))


def test_nobody_asks_in_the_name_of_another(world: World) -> None:
    draft = changed(issuer=world.e_service.entity_id)(world.other_e_service.request())
    page = world.start_by_post(world.other_e_service.form(draft))
    world.assert_refused(page, "answer-url-not-registered")
    draft = changed(attributes={"AssertionConsumerServiceURL": world.e_service.acs})(draft)
    refuse(world, signed(draft.xml(), draft.request_id, world.other_e_service.keys))


def stronger(xml: str) -> str:
    return xml.replace(LOA3, LOA2)


def elsewhere(xml: str) -> str:
    return xml.replace("</saml2:Issuer>", "</saml2:Issuer><saml2p:Extensions/>", 1)


def forced(xml: str) -> str:
    return xml.replace(" Version=", ' ForceAuthn="true" Version=', 1)


def unsigned_by_cutting(xml: str) -> str:
    return re.sub(r"<ds:Signature .*?</ds:Signature>", "", xml, flags=re.DOTALL)


def signed_twice(xml: str) -> str:
    return re.sub(r"(<ds:Signature .*?</ds:Signature>)", r"\1\1", xml, flags=re.DOTALL)


def digest_of_another(xml: str) -> str:
    return re.sub(r"(<ds:DigestValue>)[^<]+", rf"\1{base64.b64encode(bytes(32)).decode()}", xml)


@pytest.mark.parametrize("change", [stronger, elsewhere, forced, unsigned_by_cutting, signed_twice, digest_of_another])
def test_a_change_after_signing_is_noticed(world: World, change: Callable[[str], str]) -> None:
    draft = world.e_service.request()
    refuse(world, change(signed(draft.xml(), draft.request_id, world.e_service.keys)))


# A request has no Status, so nothing hides in its details.
WRAPS = {name: wrap for name, wrap in RESPONSES.items() if "StatusDetail" not in name}


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS.keys())
def test_a_wrapped_request_is_refused(world: World, wrap: Wrap) -> None:
    genuine = world.e_service.request()
    forged = changed(children=asks_for(LOA4))(world.e_service.request())
    inner = signed(genuine.xml(), genuine.request_id, world.e_service.keys)
    page = world.start_by_post(posted(world, wrapped(wrap, inner, forged.xml())))
    code = world.ended(page)[0]
    assert code in (INVALID, UNREADABLE)  # without an ID, or with two Issuers, nobody can be answered
    world.assert_refused(page, code)


@pytest.mark.parametrize("wrap", SAME_ID.values(), ids=SAME_ID.keys())
def test_an_id_that_is_given_twice_is_refused(world: World, wrap: Wrap) -> None:
    genuine, forged = world.e_service.request(), world.e_service.request()
    inner = signed(genuine.xml(), genuine.request_id, world.e_service.keys)
    refuse(world, wrapped(wrap, inner, forged.xml()), UNREADABLE)


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "",
    ],
)
def test_another_algorithm_is_refused(world: World, algorithm: str) -> None:
    draft = world.e_service.request()
    sign = partial(sign_octets, world.e_service.keys)
    refuse(world, signed_by_hand(draft.xml(), draft.request_id, algorithm, sign))


def test_the_hand_that_makes_these_makes_valid_signatures(world: World) -> None:
    draft = world.e_service.request()
    xml = signed_by_hand(draft.xml(), draft.request_id, RSA_SHA256, partial(sign_octets, world.e_service.keys))
    assert world.start_by_post(posted(world, xml)).own_action("choice")


# --- by Redirect, the query is signed and nothing else --------------------------------------------------------------


def test_a_signature_inside_a_redirected_message_does_not_make_up_for_the_querys(world: World) -> None:
    draft = world.e_service.request()
    xml = signed(draft.xml(), draft.request_id, world.e_service.keys)
    world.assert_refused(world.start(Query.of(xml).text()), INVALID)


def test_a_message_signed_in_both_ways_is_refused(world: World) -> None:
    draft = world.e_service.request()
    xml = signed(draft.xml(), draft.request_id, world.e_service.keys)
    world.assert_refused(world.start(Query.of(xml).signed(world.e_service.keys).text()), INVALID)


def test_the_signature_of_a_query_does_not_count_in_a_form(world: World) -> None:
    draft = world.e_service.request()
    query = Query.of(draft.xml()).signed(world.e_service.keys)
    fields = posted(world, draft.xml()) | {name: query.value(name) for name in ("SigAlg", "Signature")}
    world.assert_refused(world.start_by_post(fields), INVALID)


def test_a_bad_signature_makes_nobody_silent(world: World) -> None:
    """IsPassive of an unverified request is a stranger's word: an error is shown, and returned by a click only."""
    draft = changed(attributes={"AssertionConsumerServiceURL": world.e_service.acs, "IsPassive": "true"})(
        world.e_service.request()
    )
    page = world.start(Query.of(draft.xml()).text())
    assert page.form is None
    assert page.own_action("answer")
    world.assert_refused(page, INVALID)
