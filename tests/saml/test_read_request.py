"""AuthnRequests of an e-service: what is read, and what is no request at all."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.messages import (
    ECDSA_SHA256,
    RequestDraft,
    ec_keys,
    form_value,
    rsa_keys,
    signed,
    signed_query,
)
from support.saml_peers import peer_key

from broker.core.errors import BrokerError, MessageUnreadable, RequestSignatureInvalid
from broker.messages.authn_request import VerifiedAuthnRequest
from broker.messages.inbound import Binding, InboundMessage
from broker.saml.read_request import MAX_RELAY_STATE, take_request

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
SSO = "https://broker.example/saml/idp/sso"
ISSUER = "https://e.example/sp"
KEYS = rsa_keys("e-service")
PEER_KEYS = (peer_key(KEYS),)

PSC = "http://id.swedenconnect.se/authn/1.0/principal-selection/ns"
CSIG = "http://id.elegnamnden.se/csig/1.1/dss-ext/ns"


def draft(**changes: Any) -> RequestDraft:
    return replace(RequestDraft(issuer=ISSUER, destination=SSO, issued=NOW), **changes)


def redirected(xml: str, *, relay_state: str | None = None) -> InboundMessage:
    query = signed_query(xml, KEYS, relay_state=relay_state)
    return InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query)


def posted(xml: str, *fields: tuple[str, str]) -> InboundMessage:
    form = (("SAMLRequest", form_value(xml)), *fields)
    return InboundMessage(binding=Binding.POST, endpoint=SSO, fields=form)


def sign(xml: str) -> str:
    return signed(xml, KEYS, element="saml2p:AuthnRequest", reference="_request")


def read(message: InboundMessage) -> VerifiedAuthnRequest:
    return take_request(message).verify(PEER_KEYS)


FULL = draft(
    attributes={
        "AssertionConsumerServiceURL": "https://e.example/acs",
        "ProtocolBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        "AttributeConsumingServiceIndex": "2",
        "ForceAuthn": "1",
        "IsPassive": "false",
        "ProviderName": "Bygglov",
        "Consent": "urn:oasis:names:tc:SAML:2.0:consent:unspecified",
    },
    children=(
        f'<saml2p:Extensions><psc:PrincipalSelection xmlns:psc="{PSC}">'
        '<psc:MatchValue Name="urn:oid:1.2.752.29.4.13"> 198611239883 </psc:MatchValue>'
        '<psc:MatchValue Name="urn:oid:2.5.4.6">NO</psc:MatchValue></psc:PrincipalSelection>'
        '<x:Unknown xmlns:x="urn:test:x"><x:Y/></x:Unknown></saml2p:Extensions>'
        '<saml2p:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" AllowCreate="true"'
        ' SPNameQualifier="https://e.example/sp"/>'
        '<saml2p:RequestedAuthnContext Comparison="exact">'
        "<saml2:AuthnContextClassRef>\n  urn:test:loa3\n</saml2:AuthnContextClassRef>"
        "<saml2:AuthnContextClassRef>urn:test:loa2</saml2:AuthnContextClassRef>"
        "<saml2:AuthnContextClassRef>urn:test:loa3</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext>"
        '<saml2p:Scoping ProxyCount="2"><saml2p:IDPList>'
        '<saml2p:IDPEntry ProviderID="http://id.swedenconnect.se/eidas/1.0/proxy-service/NO" Name="Norge"/>'
        '<saml2p:IDPEntry ProviderID="https://idp.example"/></saml2p:IDPList>'
        "<saml2p:RequesterID>https://behind.example</saml2p:RequesterID></saml2p:Scoping>"
    ),
)


@pytest.mark.parametrize("binding", Binding, ids=str)
def test_everything_in_a_request_is_read(binding: Binding) -> None:
    xml = FULL.xml()
    message = (
        posted(sign(xml), ("RelayState", "a b")) if binding is Binding.POST else redirected(xml, relay_state="a b")
    )
    request = read(message)
    assert request == VerifiedAuthnRequest(
        issuer=request.issuer,
        request_id="_request",
        version="2.0",
        destination=SSO,
        issue_instant=NOW,
        acs_url="https://e.example/acs",
        acs_index=None,
        protocol_binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        attribute_service_index=2,
        force_authn=True,
        is_passive=False,
        name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        sp_name_qualifier="https://e.example/sp",
        subject_given=False,
        comparison="exact",
        contexts=("urn:test:loa3", "urn:test:loa2"),
        declaration_references=False,
        idp_list=("http://id.swedenconnect.se/eidas/1.0/proxy-service/NO", "https://idp.example"),
        idp_list_elsewhere=False,
        requester_ids=("https://behind.example",),
        proxy_count=2,
        sign_message=False,
        principal=(("urn:oid:1.2.752.29.4.13", "198611239883"), ("urn:oid:2.5.4.6", "NO")),
        relay_state="a b",
        signature_algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        key_id=PEER_KEYS[0].fingerprint,
    )
    assert request.issuer == ISSUER


def test_a_bare_request_asks_for_nothing() -> None:
    request = read(redirected(draft().xml()))
    assert (request.acs_url, request.acs_index, request.contexts, request.comparison) == (None, None, (), None)
    assert (request.idp_list, request.proxy_count, request.relay_state) == ((), None, None)


@pytest.mark.parametrize(
    ("children", "field"),
    [
        pytest.param(
            "<saml2:Subject><saml2:NameID>n</saml2:NameID><x:Odd xmlns:x='urn:x'/></saml2:Subject>",
            "subject_given",
            id="Subject",
        ),
        pytest.param(
            "<saml2p:RequestedAuthnContext><saml2:AuthnContextDeclRef>urn:d</saml2:AuthnContextDeclRef>"
            "</saml2p:RequestedAuthnContext>",
            "declaration_references",
            id="AuthnContextDeclRef",
        ),
        pytest.param(
            "<saml2p:Scoping><saml2p:IDPList><saml2p:IDPEntry ProviderID='urn:i'/>"
            "<saml2p:GetComplete>https://e.example/list</saml2p:GetComplete></saml2p:IDPList></saml2p:Scoping>",
            "idp_list_elsewhere",
            id="GetComplete",
        ),
        pytest.param(
            f"<saml2p:Extensions><c:SignMessage xmlns:c='{CSIG}' MustShow='true'/></saml2p:Extensions>",
            "sign_message",
            id="SignMessage",
        ),
    ],
)
def test_what_we_do_not_support_is_noticed(children: str, field: str) -> None:
    assert getattr(read(redirected(draft(children=children).xml())), field) is True


def test_conditions_of_a_request_are_passed_over() -> None:
    assert read(redirected(draft(children="<saml2:Conditions NotBefore='never'/>").xml())).request_id == "_request"


def test_a_comment_cuts_no_value_short() -> None:
    xml = FULL.xml().replace("urn:test:loa2", "urn:test<!-- -->:loa2")
    assert read(redirected(xml)).contexts == ("urn:test:loa3", "urn:test:loa2")


def test_a_comment_added_to_a_signed_issuer_hides_nothing() -> None:
    arrived = take_request(posted(sign(draft().xml()).replace(ISSUER, "https://e.example<!-- -->/sp")))
    assert arrived.issuer == ISSUER
    assert arrived.verify(PEER_KEYS).issuer == ISSUER


def test_an_elliptic_key_signs_as_well() -> None:
    keys = ec_keys("e-service")
    xml = signed(
        draft().xml(), keys, element="saml2p:AuthnRequest", reference="_request", signature_algorithm=ECDSA_SHA256
    )
    assert take_request(posted(xml)).verify((peer_key(keys),)).signature_algorithm == ECDSA_SHA256
    query = signed_query(draft().xml(), keys)
    message = InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query)
    assert take_request(message).verify((peer_key(keys),)).signature_algorithm == ECDSA_SHA256


def test_each_of_the_peers_keys_may_have_signed() -> None:
    keys = (peer_key(rsa_keys("stranger")), peer_key(ec_keys("stranger")), *PEER_KEYS)
    assert take_request(redirected(draft().xml())).verify(keys).key_id == PEER_KEYS[0].fingerprint


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(posted(draft().xml()), id="POST, unsigned"),
        pytest.param(
            InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=signed_query(draft().xml(), None)),
            id="Redirect, unsigned",
        ),
        pytest.param(posted(sign(draft().xml()).replace("_request", "_changed")), id="POST, changed"),
        pytest.param(
            posted(sign(draft().xml()).replace("</saml2:Issuer>", "</saml2:Issuer><saml2p:Extensions/>")),
            id="POST, added to",
        ),
        pytest.param(redirected(sign(draft().xml())), id="Redirect with an XML signature inside"),
        pytest.param(
            InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=signed_query(sign(draft().xml()), None)),
            id="Redirect with nothing but an XML signature",
        ),
        pytest.param(
            InboundMessage(
                binding=Binding.REDIRECT,
                endpoint=SSO,
                raw_query=signed_query(draft().xml(), KEYS) + b"&RelayState=added",
            ),
            id="Redirect with a RelayState that is not signed",
        ),
    ],
)
def test_what_the_signature_does_not_cover_is_not_read(message: InboundMessage) -> None:
    with pytest.raises(RequestSignatureInvalid):
        read(message)


def test_a_request_signed_by_somebody_else_is_not_read() -> None:
    with pytest.raises(RequestSignatureInvalid):
        take_request(redirected(draft().xml())).verify((peer_key(rsa_keys("stranger")),))


def test_without_keys_nothing_is_signed() -> None:
    with pytest.raises(RequestSignatureInvalid):
        take_request(redirected(draft().xml())).verify(())


RAC = "saml2p:RequestedAuthnContext"
IDP_LIST = "<saml2p:Scoping><saml2p:IDPList>{}</saml2p:IDPList></saml2p:Scoping>"
PRINCIPAL = f'<saml2p:Extensions><p:PrincipalSelection xmlns:p="{PSC}">{{}}</p:PrincipalSelection></saml2p:Extensions>'


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(draft(attributes={"ID": None}).xml(), id="no ID"),
        pytest.param(draft(attributes={"ID": "1"}).xml(), id="an ID that is no NCName"),
        pytest.param(draft(attributes={"ID": "x" * 300}).xml(), id="a long ID"),
        pytest.param(draft(attributes={"Version": None}).xml(), id="no Version"),
        pytest.param(draft(attributes={"IssueInstant": None}).xml(), id="no IssueInstant"),
        pytest.param(draft(attributes={"IssueInstant": "today"}).xml(), id="no instant"),
        pytest.param(draft(attributes={"IssueInstant": "0001-01-01T00:00:00Z"}).xml(), id="year 1"),
        pytest.param(draft(attributes={"ForceAuthn": "yes"}).xml(), id="no boolean"),
        pytest.param(draft(attributes={"IsPassive": ""}).xml(), id="an empty boolean"),
        pytest.param(draft(attributes={"AssertionConsumerServiceIndex": "-1"}).xml(), id="a negative index"),
        pytest.param(draft(attributes={"AssertionConsumerServiceIndex": "70000"}).xml(), id="a large index"),
        pytest.param(draft(attributes={"AssertionConsumerServiceURL": ""}).xml(), id="an empty ACS"),
        pytest.param(draft(attributes={"AttributeConsumingServiceIndex": "one"}).xml(), id="an index in words"),
        pytest.param(draft(attributes={"Destination": ""}).xml(), id="an empty Destination"),
        pytest.param(draft(attributes={"ProtocolBinding": "a b"}).xml(), id="a binding that is no URI"),
        pytest.param(draft(attributes={"Unknown": "x"}).xml(), id="an unknown attribute"),
        pytest.param(draft(issuer="").xml(), id="an empty Issuer"),
        pytest.param(draft(issuer=" \n ").xml(), id="a blank Issuer"),
        pytest.param(draft(children=f"<saml2:Issuer>{ISSUER}</saml2:Issuer>").xml(), id="two Issuers"),
        pytest.param(draft().xml().replace("saml2:Issuer", "saml2:NameID"), id="no Issuer"),
        pytest.param(draft(children="text").xml(), id="text"),
        pytest.param(draft(children="<saml2p:Unknown/>").xml(), id="an unknown element"),
        pytest.param(draft(children="<saml2p:NameIDPolicy/><saml2p:NameIDPolicy/>").xml(), id="two NameIDPolicies"),
        pytest.param(draft(children="<saml2p:NameIDPolicy Format=''/>").xml(), id="an empty Format"),
        pytest.param(draft(children="<saml2p:NameIDPolicy SPNameQualifier=''/>").xml(), id="an empty qualifier"),
        pytest.param(draft(children=f"<{RAC}/>").xml(), id="an empty RequestedAuthnContext"),
        pytest.param(
            draft(children=f"<{RAC}><saml2:AuthnContextClassRef/></{RAC}>").xml(), id="an empty AuthnContextClassRef"
        ),
        pytest.param(
            draft(children=f"<{RAC}><saml2:AuthnContextClassRef>a<x/></saml2:AuthnContextClassRef></{RAC}>").xml(),
            id="markup in an AuthnContextClassRef",
        ),
        pytest.param(draft(children=IDP_LIST.format("<saml2p:IDPEntry/>")).xml(), id="an IDPEntry without ProviderID"),
        pytest.param(
            draft(children=IDP_LIST.format("<saml2p:IDPEntry ProviderID=' '/>")).xml(), id="a blank ProviderID"
        ),
        pytest.param(draft(children="<saml2p:Scoping ProxyCount='-1'/>").xml(), id="a negative ProxyCount"),
        pytest.param(draft(children=f"<saml2p:Scoping ProxyCount='{'9' * 4000}'/>").xml(), id="a huge ProxyCount"),
        pytest.param(
            draft(children="<saml2p:Scoping><saml2p:RequesterID/></saml2p:Scoping>").xml(), id="an empty RequesterID"
        ),
        pytest.param(draft(children=PRINCIPAL.format("<p:MatchValue>1</p:MatchValue>")).xml(), id="a nameless value"),
        pytest.param(
            draft(children=PRINCIPAL.format("<p:MatchValue Name='urn:n'> </p:MatchValue>")).xml(), id="a blank value"
        ),
        pytest.param(
            draft(children=PRINCIPAL.format("<p:MatchValue Name='urn:n'>1<p:x/>2</p:MatchValue>")).xml(),
            id="markup in a value",
        ),
        pytest.param(draft().xml().replace("AuthnRequest", "LogoutRequest"), id="another request"),
        pytest.param(draft().xml().replace("SAML:2.0:protocol", "SAML:1.0:protocol"), id="another protocol"),
        pytest.param("<a", id="not well-formed"),
        pytest.param("", id="empty"),
        pytest.param(f"<!DOCTYPE a>{draft().xml()}", id="a DTD"),
        pytest.param(f"<?pi?>{draft().xml()}", id="a processing instruction"),
        pytest.param(draft(children="<x>" * 100 + "</x>" * 100).xml(), id="too deep"),
        pytest.param(
            draft(children=f"<saml2p:Extensions><x>{'y' * 300_000}</x></saml2p:Extensions>").xml(), id="too large"
        ),
        pytest.param(draft(attributes={"xml:id": "_request"}).xml(), id="an ID twice"),
    ],
)
@pytest.mark.parametrize("binding", Binding, ids=str)
def test_what_is_no_request_is_unreadable(xml: str, binding: Binding) -> None:
    """Signed where it can be, so that nothing but the content is wrong."""
    message = redirected(xml)
    if binding is Binding.POST:
        try:
            message = posted(sign(xml))
        except AssertionError:  # xmlsec1 cannot sign it either
            message = posted(xml)
    with pytest.raises(MessageUnreadable):
        read(message)


VALID = form_value(draft().xml())


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((), id="no field"),
        pytest.param((("SAMLResponse", VALID),), id="another field"),
        pytest.param((("SAMLRequest", VALID), ("SAMLRequest", VALID)), id="twice"),
        pytest.param((("SAMLRequest", ""),), id="empty"),
        pytest.param((("SAMLRequest", "%"),), id="no base64"),
        pytest.param((("SAMLRequest", VALID[:-1]),), id="cut base64"),
        pytest.param((("SAMLRequest", base64.b64encode(b"\xff\xfe\x00").decode()),), id="no UTF-8"),
        pytest.param((("SAMLRequest", VALID), ("RelayState", "a"), ("RelayState", "b")), id="two RelayStates"),
        pytest.param((("SAMLRequest", VALID), ("RelayState", "x" * (MAX_RELAY_STATE + 1))), id="a long RelayState"),
    ],
)
def test_a_form_that_is_none_is_unreadable(fields: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(MessageUnreadable):
        take_request(InboundMessage(binding=Binding.POST, endpoint=SSO, fields=fields))


GOOD_QUERY = signed_query(draft().xml(), KEYS, relay_state="a")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"SAMLRequest=", id="no value"),
        pytest.param(b"SAMLRequest=%ZZ", id="a broken escape"),
        pytest.param(b"SAMLRequest=aaaa", id="not deflated"),
        pytest.param(b"\xff\xfe=\xff", id="no text"),
        pytest.param(GOOD_QUERY + b"&" + GOOD_QUERY, id="everything twice"),
        pytest.param(GOOD_QUERY.replace(b"RelayState=", b"SAMLResponse=x&RelayState="), id="a Response beside it"),
        pytest.param(GOOD_QUERY.replace(b"&Signature=", b"&Signature=AA&Signature="), id="two signatures"),
        pytest.param(GOOD_QUERY.replace(b"&SigAlg=", b"&SAMLEncoding=urn%3Ax&SigAlg="), id="another encoding"),
        pytest.param(GOOD_QUERY.partition(b"&SigAlg")[0] + b"&Signature=AA", id="a signature without algorithm"),
    ],
)
def test_a_query_that_is_none_is_refused(query: bytes) -> None:
    with pytest.raises(BrokerError) as caught:
        read(InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query))
    assert caught.value.code in ("message-unreadable", "request-signature-invalid")


def test_the_detail_holds_nothing_of_the_message() -> None:
    xml = draft(children=PRINCIPAL.format("<p:MatchValue Name='urn:n'>198611239883<p:x/></p:MatchValue>")).xml()
    with pytest.raises(MessageUnreadable) as caught:
        read(redirected(xml))
    assert "1986" not in caught.value.detail
