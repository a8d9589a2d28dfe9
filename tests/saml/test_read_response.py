"""Responses of an upstream: what is read, and what is refused although its signature is right."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from support.messages import (
    AES256_CBC,
    ECDSA_SHA256,
    AssertionDraft,
    ResponseDraft,
    ec_keys,
    encrypted,
    error_status,
    form_value,
    rsa_keys,
    signed,
)
from support.saml_peers import peer_key

from broker.core.errors import (
    AssertionUnacceptable,
    AssertionUndecryptable,
    MessageUnreadable,
    UpstreamSignatureInvalid,
)
from broker.messages.assertion import VerifiedAssertion
from broker.messages.inbound import Binding, InboundMessage
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.read_response import VerifiedResponse, read_assertion, take_response, verify_response

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
ACS = "https://broker.example/saml/sp/acs"
UPSTREAM = "https://idp.example"
KEYS = rsa_keys("upstream")
OURS = rsa_keys("broker")
PNR = "urn:oid:1.2.752.29.4.13"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"

ASSERTION = AssertionDraft(
    issuer=UPSTREAM,
    audience="https://broker.example/saml/sp",
    recipient=ACS,
    in_response_to="_q",
    now=NOW,
    context="urn:test:loa3",
    values={PNR: ["198611239883"], "urn:oid:2.5.4.4": ["Ek"]},
    authorities=["https://first.example", "https://second.example"],
)
RESPONSE = ResponseDraft(issuer=UPSTREAM, destination=ACS, in_response_to="_q", issued=NOW)


@cache
def ring() -> KeyRing:
    entry = KeyEntry(use=KeyUse.ENCRYPTION, state=KeyState.ACTIVE, certificate=OURS.certificate, private_key=OURS.key)
    return load_key_ring([entry])


def posted(xml: str) -> InboundMessage:
    return InboundMessage(binding=Binding.POST, endpoint=ACS, fields=(("SAMLResponse", form_value(xml)),))


def sign(xml: str) -> str:
    return signed(xml, KEYS, element="saml2p:Response", reference="_response")


def verify(xml: str) -> VerifiedResponse:
    return verify_response(take_response(posted(xml)), UPSTREAM, (peer_key(KEYS),))


def sealed(assertion: str) -> str:
    return encrypted(assertion, OURS.certificate)


def read(assertion: str) -> VerifiedAssertion:
    """What is read when `assertion`, encrypted, is the one in an otherwise perfect Response."""
    return read_assertion(verify(sign(replace(RESPONSE, content=sealed(assertion)).xml())), ring().decryption)


def test_everything_in_a_response_is_read() -> None:
    response = verify(sign(replace(RESPONSE, content=sealed(ASSERTION.xml())).xml()))
    assert response.succeeded
    assert (response.head.issuer, response.head.destination, response.head.in_response_to) == (UPSTREAM, ACS, "_q")
    assert (response.head.version, response.head.issue_instant) == ("2.0", NOW)
    assert read_assertion(response, ring().decryption) == VerifiedAssertion(
        assertion_id="_assertion",
        issuer=UPSTREAM,
        issue_instant=NOW,
        audiences=("https://broker.example/saml/sp",),
        recipient=ACS,
        in_response_to="_q",
        not_before=NOW - timedelta(seconds=10),
        not_on_or_after=NOW + timedelta(minutes=5),
        authn_instant=NOW,
        session_not_on_or_after=None,
        session_index="_assertion",
        context="urn:test:loa3",
        authorities=("https://first.example", "https://second.example"),
        name_id="persistent-subject",
        name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        attributes={PNR: ("198611239883",), "urn:oid:2.5.4.4": ("Ek",)},
        signature_algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        encryption_algorithm=(
            "http://www.w3.org/2009/xmlenc11#aes256-gcm http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
        ),
        key_id=peer_key(KEYS).fingerprint,
    )


def test_a_signed_assertion_is_verified_too() -> None:
    xml = signed(ASSERTION.xml(), KEYS, element="saml2:Assertion", reference="_assertion")
    assert read(xml).attributes[PNR] == ("198611239883",)


def test_cbc_is_read() -> None:
    content = encrypted(ASSERTION.xml(), OURS.certificate, block=AES256_CBC)
    response = verify(sign(replace(RESPONSE, content=content).xml()))
    assert read_assertion(response, ring().decryption).encryption_algorithm.startswith(AES256_CBC)


def test_an_elliptic_key_signs_as_well() -> None:
    keys = ec_keys("upstream")
    xml = signed(
        replace(RESPONSE, content=sealed(ASSERTION.xml())).xml(),
        keys,
        element="saml2p:Response",
        reference="_response",
        signature_algorithm=ECDSA_SHA256,
    )
    response = verify_response(take_response(posted(xml)), UPSTREAM, (peer_key(KEYS), peer_key(keys)))
    assert response.key_id == peer_key(keys).fingerprint


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (error_status(RESPONDER), (RESPONDER,)),
        (
            error_status(RESPONDER, "http://id.elegnamnden.se/status/1.0/cancel"),
            (RESPONDER, "http://id.elegnamnden.se/status/1.0/cancel"),
        ),
        (error_status(f" {RESPONDER}\n"), (RESPONDER,)),
    ],
)
def test_the_status_codes_of_a_failure_are_read(status: str, codes: tuple[str, ...]) -> None:
    response = verify(sign(replace(RESPONSE, status=status).xml()))
    assert response.codes == codes
    assert not response.succeeded


def test_success_on_the_second_level_is_none() -> None:
    status = error_status(RESPONDER, "urn:oasis:names:tc:SAML:2.0:status:Success")
    assert not verify(sign(replace(RESPONSE, status=status).xml())).succeeded


# --- before the signature --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            InboundMessage(binding=Binding.REDIRECT, endpoint=ACS, raw_query=b"SAMLResponse=aaaa"), id="by Redirect"
        ),
        pytest.param(InboundMessage(binding=Binding.POST, endpoint=ACS), id="no field"),
        pytest.param(posted(""), id="empty"),
        pytest.param(posted("<a"), id="not well-formed"),
        pytest.param(posted(RESPONSE.xml().replace("Response", "LogoutResponse")), id="another message"),
        pytest.param(posted(ASSERTION.xml()), id="an assertion without Response"),
        pytest.param(posted(f"<!DOCTYPE a>{RESPONSE.xml()}"), id="a DTD"),
    ],
)
def test_what_is_no_response_is_unreadable(message: InboundMessage) -> None:
    with pytest.raises(MessageUnreadable):
        take_response(message)


def test_an_unsigned_response_is_refused() -> None:
    with pytest.raises(UpstreamSignatureInvalid):
        verify(replace(RESPONSE, content=sealed(ASSERTION.xml())).xml())


def test_a_signature_in_the_assertion_alone_is_not_enough() -> None:
    xml = signed(ASSERTION.xml(), KEYS, element="saml2:Assertion", reference="_assertion")
    with pytest.raises(UpstreamSignatureInvalid):
        verify(replace(RESPONSE, content=sealed(xml)).xml())


def test_a_response_signed_by_somebody_else_is_refused() -> None:
    xml = signed(RESPONSE.xml(), rsa_keys("stranger"), element="saml2p:Response", reference="_response")
    with pytest.raises(UpstreamSignatureInvalid):
        verify(xml)


def test_an_assertion_exchanged_after_signing_is_refused() -> None:
    xml = sign(replace(RESPONSE, content=sealed(ASSERTION.xml())).xml())
    start, end = xml.index("<saml2:EncryptedAssertion"), xml.index("</saml2p:Response>")
    with pytest.raises(UpstreamSignatureInvalid):
        verify(xml[:start] + sealed(replace(ASSERTION, values={PNR: ["196911292032"]}).xml()) + xml[end:])


# --- a signed Response that is none ----------------------------------------------------------------------------

CODE = f'<saml2p:StatusCode Value="{RESPONDER}"/>'


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(replace(RESPONSE, status="").xml(), id="no Status"),
        pytest.param(replace(RESPONSE, status="<saml2p:Status/>").xml(), id="no StatusCode"),
        pytest.param(
            replace(RESPONSE, status="<saml2p:Status><saml2p:StatusCode/></saml2p:Status>").xml(), id="no Value"
        ),
        pytest.param(replace(RESPONSE, status=error_status(" ")).xml(), id="a blank Value"),
        pytest.param(replace(RESPONSE, status=f"<saml2p:Status>{CODE}{CODE}</saml2p:Status>").xml(), id="two codes"),
        pytest.param(replace(RESPONSE, status=RESPONSE.status * 2).xml(), id="two Statuses"),
        pytest.param(
            replace(
                RESPONSE,
                status="<saml2p:Status>"
                + '<saml2p:StatusCode Value="urn:a">' * 9
                + "</saml2p:StatusCode>" * 9
                + "</saml2p:Status>",
            ).xml(),
            id="nine levels",
        ),
        pytest.param(replace(RESPONSE, attributes={"IssueInstant": None}).xml(), id="no IssueInstant"),
        pytest.param(replace(RESPONSE, attributes={"IssueInstant": "9999-12-31T23:59:59Z"}).xml(), id="end of time"),
        pytest.param(replace(RESPONSE, attributes={"Version": None}).xml(), id="no Version"),
        pytest.param(replace(RESPONSE, attributes={"Destination": ""}).xml(), id="an empty Destination"),
        pytest.param(replace(RESPONSE, attributes={"Unknown": "x"}).xml(), id="an unknown attribute"),
        pytest.param(replace(RESPONSE, issuer="").xml(), id="an empty Issuer"),
        pytest.param(replace(RESPONSE, content=f"<saml2:Issuer>{UPSTREAM}</saml2:Issuer>").xml(), id="two Issuers"),
        pytest.param(replace(RESPONSE, content="<saml2p:Unknown/>").xml(), id="an unknown element"),
        pytest.param(replace(RESPONSE, content="text").xml(), id="text"),
    ],
)
def test_a_signed_response_that_is_none_is_unacceptable(xml: str) -> None:
    with pytest.raises(AssertionUnacceptable):
        verify(sign(xml))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: "", id="no assertion"),
        pytest.param(lambda: sealed(ASSERTION.xml()) * 2, id="two encrypted"),
        pytest.param(ASSERTION.xml, id="one in the clear"),
        pytest.param(lambda: "<saml2:Assertion>odd</saml2:Assertion>", id="an odd one in the clear"),
        pytest.param(lambda: sealed(ASSERTION.xml()) + ASSERTION.xml(), id="one encrypted, one in the clear"),
        pytest.param(lambda: "<saml2:EncryptedAssertion/>", id="an empty one"),
        pytest.param(lambda: encrypted(ASSERTION.xml(), rsa_keys("stranger").certificate), id="for somebody else"),
        pytest.param(lambda: sealed(f"<a>{ASSERTION.xml()}</a>"), id="another element inside"),
        pytest.param(lambda: sealed(RESPONSE.xml()), id="a Response inside"),
        pytest.param(
            lambda: sealed(ASSERTION.xml().replace("<saml2:Issuer>", "<?pi?><saml2:Issuer>")),
            id="a processing instruction inside",
        ),
    ],
)
def test_anything_but_one_encrypted_assertion_is_refused(content: Callable[[], str]) -> None:
    response = verify(sign(replace(RESPONSE, content=content()).xml()))
    with pytest.raises(AssertionUndecryptable):
        read_assertion(response, ring().decryption)


def test_no_failure_to_decrypt_tells_more_than_another() -> None:
    details = set()
    for content in (
        encrypted(ASSERTION.xml(), rsa_keys("stranger").certificate),
        sealed("<a/>"),
        encrypted("<a/>", OURS.certificate, block=AES256_CBC).replace(
            "<xenc:CipherValue>", "<xenc:CipherValue>AAAA", 2
        ),
    ):
        with pytest.raises(AssertionUndecryptable) as caught:
            read_assertion(verify(sign(replace(RESPONSE, content=content).xml())), ring().decryption)
        details.add(caught.value.detail)
    assert len(details) == 1


def test_an_assertion_whose_own_signature_is_wrong_is_refused() -> None:
    xml = signed(ASSERTION.xml(), KEYS, element="saml2:Assertion", reference="_assertion")
    with pytest.raises(UpstreamSignatureInvalid):
        read(xml.replace("198611239883", "196911292032"))


def test_an_assertion_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(UpstreamSignatureInvalid):
        read(signed(ASSERTION.xml(), rsa_keys("stranger"), element="saml2:Assertion", reference="_assertion"))


def test_an_assertion_outside_the_profile_is_unacceptable() -> None:
    with pytest.raises(AssertionUnacceptable):
        read(ASSERTION.xml().replace('NotBefore="', 'Not="'))


def test_comments_cut_no_value_short() -> None:
    assert read(ASSERTION.xml().replace(">1986", "><!-- c -->19<!-- c -->86")).attributes[PNR] == ("198611239883",)


def test_the_detail_holds_nothing_of_the_message() -> None:
    with pytest.raises(AssertionUnacceptable) as caught:
        read(ASSERTION.xml().replace(">1986", ">19<b>8</b>6"))
    assert "9883" not in caught.value.detail
