"""Answers to somebody else, to another question, at another address, from another sender. Each fails in one check."""

from typing import Any

import pytest
from support.attack_peers import ACS_URL, IDP_ENTITY, SP_ENTITY, SSO_URL, Rewrite, changed, rewritten
from support.attack_world import World
from support.messages import ResponseDraft

UNACCEPTABLE = "upstream-assertion-unacceptable"
INVALID = "upstream-signature-invalid"
RESTRICTION = "<saml2:AudienceRestriction><saml2:Audience>{}</saml2:Audience></saml2:AudienceRestriction>".format


def in_response(**attributes: str | None) -> dict[str, Any]:
    return {"response": changed(attributes=attributes)}


def in_confirmation(**attributes: str | None) -> dict[str, Any]:
    return {"assertion": changed(data=attributes)}


BENDS: dict[str, tuple[dict[str, Any], str]] = {
    "Destination is another site": (in_response(Destination="https://elsewhere.example/acs"), "Destination"),
    "Destination is our SSO": (in_response(Destination=SSO_URL), "Destination"),
    "Destination with a slash": (in_response(Destination=f"{ACS_URL}/"), "Destination"),
    "Destination with a query": (in_response(Destination=f"{ACS_URL}?a=b"), "Destination"),
    "Destination in capitals": (in_response(Destination=ACS_URL.replace("/acs", "/ACS")), "Destination"),
    "Destination by https": (in_response(Destination=ACS_URL.replace("http:", "https:")), "Destination"),
    "no Destination": (in_response(Destination=None), "Destination"),
    "Response to another question": (in_response(InResponseTo="_another"), "InResponseTo"),
    "unsolicited Response": (in_response(InResponseTo=None), "InResponseTo"),
    "Response of SAML 1.1": (in_response(Version="1.1"), "Version"),
    "Response of another issuer": ({"response": changed(issuer="https://elsewhere.example")}, "Issuer"),
    "Response of the other upstream": ({"response": changed(issuer="https://other.example.org/idp")}, "Issuer"),
    "Response of ourselves": ({"response": changed(issuer=SP_ENTITY)}, "Issuer"),
    "Recipient is another site": (in_confirmation(Recipient="https://elsewhere.example/acs"), "Recipient"),
    "Recipient is our SSO": (in_confirmation(Recipient=SSO_URL), "Recipient"),
    "no Recipient": (in_confirmation(Recipient=None), "Recipient"),
    "assertion to another question": (in_confirmation(InResponseTo="_another"), "InResponseTo"),
    "unsolicited assertion": (in_confirmation(InResponseTo=None), "InResponseTo"),
    "assertion of another issuer": ({"assertion": changed(issuer="https://elsewhere.example")}, "Issuer"),
    "assertion of the other upstream": ({"assertion": changed(issuer="https://other.example.org/idp")}, "Issuer"),
    "assertion for another audience": ({"assertion": changed(audience="https://elsewhere.example/sp")}, "Audience"),
    "assertion for our IdP side": ({"assertion": changed(audience=IDP_ENTITY)}, "Audience"),
    "assertion for our e-service": ({"assertion": changed(audience="https://bygglov.example.se/sp")}, "Audience"),
    "audience with a slash": ({"assertion": changed(audience=f"{SP_ENTITY}/")}, "Audience"),
    "audience in capitals": ({"assertion": changed(audience=SP_ENTITY.upper())}, "Audience"),
    "several audiences without us": (
        {"in_assertion": rewritten(RESTRICTION(SP_ENTITY), RESTRICTION("urn:a</saml2:Audience><saml2:Audience>urn:b"))},
        "Audience",
    ),
    "two restrictions, one without us": (
        {"in_assertion": rewritten("</saml2:Conditions>", f"{RESTRICTION('urn:a')}</saml2:Conditions>")},
        "Audience",
    ),
}


@pytest.mark.parametrize(("bend", "check"), BENDS.values(), ids=BENDS.keys())
def test_an_answer_that_is_not_to_us_and_our_question_is_refused(
    world: World, bend: dict[str, Any], check: str
) -> None:
    world.assert_refused(world.login().answered(**bend), UNACCEPTABLE, check)


CONFIRMATION = '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>'
METHOD = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SHAPES: dict[str, Rewrite] = {
    "no restriction": rewritten(RESTRICTION(SP_ENTITY), ""),
    "an empty restriction": rewritten(RESTRICTION(SP_ENTITY), "<saml2:AudienceRestriction/>"),
    "an empty audience": rewritten(RESTRICTION(SP_ENTITY), RESTRICTION("")),
    "not to be passed on": rewritten("</saml2:Conditions>", '<saml2:ProxyRestriction Count="0"/></saml2:Conditions>'),
    "a condition that nobody knows": rewritten(
        "</saml2:Conditions>",
        '<saml2:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x"/></saml2:Conditions>',
    ),
    "holder of key": rewritten(METHOD, "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"),
    "sender vouches": rewritten(METHOD, "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"),
    "confirmed twice": rewritten("</saml2:Subject>", f"{CONFIRMATION}</saml2:Subject>"),
    "assertion of SAML 1.1": rewritten('Version="2.0"', 'Version="1.1"'),
    "no ID": rewritten(' ID="', ' id="'),
    "an ID that is none": rewritten(' ID="_', ' ID="0'),
    "confirmed for another subject": rewritten(
        f'Method="{METHOD}">', f'Method="{METHOD}"><saml2:NameID>somebody else</saml2:NameID>'
    ),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_an_assertion_that_is_for_everybody_or_for_nobody_is_refused(world: World, shape: Rewrite) -> None:
    world.assert_refused(world.login().answered(in_assertion=shape), UNACCEPTABLE)


ISSUER = "<saml2:Issuer>https://idp.example.org/idp</saml2:Issuer>"
HEADS: dict[str, Rewrite] = {
    "no Issuer": rewritten(ISSUER, ""),
    "an empty Issuer": rewritten(ISSUER, "<saml2:Issuer> </saml2:Issuer>"),
    "two Issuers": rewritten("<saml2p:Status>", f"{ISSUER}<saml2p:Status>"),
    "no IssueInstant": rewritten(" IssueInstant=", " xml:lang="),
    "no Version": rewritten(' Version="2.0"', ""),
    "two Statuses": rewritten("</saml2p:Status>", "</saml2p:Status><saml2p:Status/>"),
    "an unknown attribute": rewritten(" Version=", ' For="everybody" Version='),
    "an unknown child": rewritten("<saml2p:Status>", "<saml2p:Trust/><saml2p:Status>"),
    "text": rewritten("<saml2p:Status>", "trust me<saml2p:Status>"),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
def test_a_signed_response_that_is_none_by_the_schema_is_refused(world: World, head: Rewrite) -> None:
    world.assert_refused(world.login().answered(in_response=head), UNACCEPTABLE)


@pytest.mark.parametrize(
    "name", ["LogoutResponse", "ArtifactResponse", "ManageNameIDResponse", "AuthnRequest", "response"]
)
def test_another_message_of_the_upstream_is_no_response(world: World, name: str) -> None:
    login = world.login()
    other = rewritten("saml2p:Response", f"saml2p:{name}")
    world.assert_refused(login.answered(in_response=other), "message-unreadable")


def test_several_audiences_of_which_we_are_one_log_in(world: World) -> None:
    login = world.login()
    three = RESTRICTION(f"urn:a</saml2:Audience><saml2:Audience>{SP_ENTITY}</saml2:Audience><saml2:Audience>urn:b")
    login.assert_granted(login.answered(in_assertion=rewritten(RESTRICTION(SP_ENTITY), three)))


# --- another sender ----------------------------------------------------------------------------------------------


def test_an_upstream_that_was_not_asked_cannot_answer(world: World) -> None:
    login = world.login()
    login.upstream = world.other_upstream
    world.assert_refused(login.answered(), INVALID)


def test_nor_by_calling_itself_the_one_that_was(world: World) -> None:
    login = world.login()
    as_asked = changed(issuer=login.upstream.entity_id)
    login.upstream = world.other_upstream
    world.assert_refused(login.answered(assertion=as_asked, response=as_asked), INVALID)


# --- statuses ----------------------------------------------------------------------------------------------------

OK = "urn:oasis:names:tc:SAML:2.0:status:Success"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"


def code(value: str, inner: str = "") -> str:
    return f'<saml2p:StatusCode Value="{value}">{inner}</saml2p:StatusCode>'


def status(codes: str) -> dict[str, Any]:
    return {"response": changed(status=f"<saml2p:Status>{codes}</saml2p:Status>")}


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(status(code(RESPONDER)), id="an error with an assertion"),
        pytest.param(status(code(RESPONDER, code(OK))), id="success inside an error"),
        pytest.param({"response": changed(status="")}, id="no Status"),
        pytest.param(status(""), id="no StatusCode"),
        pytest.param(status(code(OK) + code(OK)), id="two StatusCodes"),
        pytest.param(status(code(RESPONDER) + code(OK)), id="an error, then success"),
        pytest.param(status("<saml2p:StatusCode/>"), id="a StatusCode without value"),
        pytest.param(status(code(f"{OK}ful")), id="another word"),
        pytest.param(status(code("success")), id="no URI"),
        pytest.param(status(code(OK, code(OK, code(OK, code(OK, code(OK, code(OK))))))), id="codes without end"),
    ],
)
def test_an_assertion_counts_only_with_plain_success(world: World, bend: dict[str, Any]) -> None:
    world.assert_refused(world.login().answered(**bend), UNACCEPTABLE)


def without_assertion(status: str) -> dict[str, Any]:
    return {"content": "", "response": changed(status=f"<saml2p:Status>{status}</saml2p:Status>")}


def test_an_error_is_passed_on_as_an_error(world: World) -> None:
    page = world.login().answered(**without_assertion(code(RESPONDER)))
    last = world.assert_refused(page, "upstream-refused")
    assert last.form is not None
    assert OK not in last.form.status


def test_words_beside_an_error_are_not_shown(world: World) -> None:
    hostile = "<script>alert(1)</script> Skicka ditt lösenord till oss"
    message = f"<saml2p:StatusMessage>{hostile.replace('<', '&lt;')}</saml2p:StatusMessage>"
    page = world.login().answered(**without_assertion(code(RESPONDER) + message))
    world.assert_refused(page, "upstream-refused")
    assert "lösenord" not in page.text


def test_an_unsigned_error_does_not_end_the_login_in_the_upstreams_name(world: World) -> None:
    login = world.login()
    draft: ResponseDraft = login.upstream.response(login.asked, "")
    cancel = "http://id.elegnamnden.se/status/1.0/cancel"
    unsigned = changed(status=f"<saml2p:Status>{code(RESPONDER, code(cancel))}</saml2p:Status>")(draft)
    world.assert_refused(login.deliver(unsigned.xml()), INVALID)
