"""The broker as IdP: which request becomes a login, which a refusal, and which nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from support.messages import RequestDraft, form_value, rsa_keys, signed, signed_query
from support.saml_peers import (
    POST,
    ClaimedIds,
    CountingIds,
    KnownPeers,
    make_e_service_peer,
    make_record,
    make_sp_role,
    peer_key,
)

from broker.core.errors import (
    AnswerUrlNotRegistered,
    BrokerError,
    DestinationMismatch,
    EServiceCannotDecrypt,
    MessageStale,
    MessageUnreadable,
    NameIdPolicyUnsupported,
    ProxyCountExceeded,
    ReplayedMessage,
    RequestSignatureInvalid,
    RequestUnsupported,
    RequiredAttributeMissing,
    UnknownEService,
)
from broker.core.login import (
    AnswerAddress,
    EntityId,
    LoginId,
    LoginRequest,
    NameIdKind,
    PrincipalHint,
    Reference,
    RefusedRequest,
    WantedAttribute,
)
from broker.core.person import AttributeKey
from broker.messages.assertion import ErrorPlan, ResponsePlan
from broker.messages.entity import AttributeService, Endpoint, RequestedAttribute, SpRole
from broker.messages.inbound import Binding, InboundMessage
from broker.saml.eservice_side import SamlEServiceSide, choose_acs, choose_attribute_service, choose_name_id
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.vocabulary.attributes import CATALOGUE

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
SKEW, MAX_AGE = timedelta(seconds=30), timedelta(minutes=3)
SSO = "https://broker.example/saml/idp/sso"
ISSUER = "https://bygglov.example/sp"
ACS, OTHER_ACS = "https://bygglov.example/acs", "https://bygglov.example/other"
KEYS, STRANGER, OURS = rsa_keys("e-service"), rsa_keys("stranger"), rsa_keys("broker-signing")
ARTIFACT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
PNR, TRANSACTION = "urn:oid:1.2.752.29.4.13", "urn:oid:1.2.752.201.3.2"


def wanted(name: str, *, required: bool = False) -> RequestedAttribute:
    return RequestedAttribute(name=name, name_format=None, required=required)


ROLE: SpRole = make_sp_role(
    signing=[peer_key(KEYS)],
    encryption=[peer_key(KEYS)],
    acs=[
        Endpoint(binding=POST, location=OTHER_ACS, index=1),
        Endpoint(binding=POST, location=ACS, index=2, is_default=True),
        Endpoint(binding=ARTIFACT, location="https://bygglov.example/artifact", index=3),
    ],
    services=[
        AttributeService(index=1, is_default=None, requested=(wanted(PNR, required=True), wanted(TRANSACTION))),
        AttributeService(index=2, is_default=None, requested=(wanted("urn:oid:9.9.9"),)),
    ],
)


@cache
def ring() -> KeyRing:
    entry = KeyEntry(use=KeyUse.SIGNING, state=KeyState.ACTIVE, certificate=OURS.certificate, private_key=OURS.key)
    return load_key_ring([entry])


class Side:
    """The side, and what it works with."""

    def __init__(self, role: SpRole = ROLE, *, signature_service: bool = False) -> None:
        self.peer = make_e_service_peer(make_record(ISSUER, sp=role), signature_service=signature_service)
        self.directory = KnownPeers(e_services={ISSUER: self.peer})
        self.seen = ClaimedIds()
        self.side = SamlEServiceSide(
            entity_id="https://broker.example/saml/idp",
            keys=ring,
            directory=self.directory,
            seen=self.seen,
            ids=CountingIds(),
            catalogue=CATALOGUE,
            clock_skew=SKEW,
            request_max_age=MAX_AGE,
        )

    def read(self, message: InboundMessage, now: datetime = NOW) -> LoginRequest | RefusedRequest:
        return self.side.read_request(message, now)

    def accept(self, **changes: Any) -> LoginRequest:
        read = self.read(redirected(**changes))
        assert isinstance(read, LoginRequest)
        return read

    def refuse(self, **changes: Any) -> RefusedRequest:
        read = self.read(redirected(**changes))
        assert isinstance(read, RefusedRequest)
        return read


def draft(**changes: Any) -> RequestDraft:
    return replace(RequestDraft(issuer=ISSUER, destination=SSO, issued=NOW), **changes)


def redirected(*, relay_state: str | None = "a&b", **changes: Any) -> InboundMessage:
    query = signed_query(draft(**changes).xml(), KEYS, relay_state=relay_state)
    return InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query)


def posted(xml: str) -> InboundMessage:
    fields = (("SAMLRequest", form_value(xml)), ("RelayState", "a&b"))
    return InboundMessage(binding=Binding.POST, endpoint=SSO, fields=fields)


def test_a_request_becomes_a_login() -> None:
    assert Side().accept() == LoginRequest(
        login_id=LoginId("token1"),
        reference=Reference("REF2"),
        e_service=EntityId(ISSUER),
        request_id="_request",
        answer_url=ACS,
        relay_state="a&b",
        accepted=(),
        idp_list=(),
        requester_ids=(),
        proxy_count=None,
        force_authn=False,
        is_passive=False,
        name_id=NameIdKind.PERSISTENT,
        wanted_attributes=(
            WantedAttribute(key=AttributeKey("pnr"), required=True),
            WantedAttribute(key=AttributeKey("transaction"), required=False),
        ),
        principal=(),
        received_at=NOW,
    )


def test_a_posted_request_is_the_same_request() -> None:
    xml = signed(draft().xml(), KEYS, element="saml2p:AuthnRequest", reference="_request")
    assert Side().read(posted(xml)) == Side().accept()


def test_what_is_asked_travels_on() -> None:
    login = Side().accept(
        attributes={"ForceAuthn": "1", "AttributeConsumingServiceIndex": "2"},
        children=(
            '<saml2p:Extensions><p:PrincipalSelection xmlns:p="http://id.swedenconnect.se/authn/1.0/'
            'principal-selection/ns"><p:MatchValue Name="urn:oid:9.9.9">x</p:MatchValue>'
            f'<p:MatchValue Name="{PNR}"> 198611239883 </p:MatchValue></p:PrincipalSelection></saml2p:Extensions>'
            f'<saml2p:NameIDPolicy Format="{TRANSIENT}"/><saml2p:RequestedAuthnContext>'
            "<saml2:AuthnContextClassRef>urn:test:b</saml2:AuthnContextClassRef>"
            "<saml2:AuthnContextClassRef>urn:test:a</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext>"
            '<saml2p:Scoping ProxyCount="3"><saml2p:IDPList>'
            '<saml2p:IDPEntry ProviderID="http://id.swedenconnect.se/eidas/1.0/proxy-service/no"/>'
            '<saml2p:IDPEntry ProviderID="https://idp.example"/></saml2p:IDPList>'
            "<saml2p:RequesterID>https://behind.example</saml2p:RequesterID></saml2p:Scoping>"
        ),
    )
    assert login.accepted == ("urn:test:b", "urn:test:a")
    assert login.idp_list == ("http://id.swedenconnect.se/eidas/1.0/proxy-service/no", "https://idp.example")
    assert (login.requester_ids, login.proxy_count) == (("https://behind.example",), 3)
    assert (login.force_authn, login.is_passive, login.name_id) == (True, False, NameIdKind.TRANSIENT)
    assert login.wanted_attributes == ()
    assert login.principal == (PrincipalHint(key=AttributeKey("pnr"), value="198611239883"),)


# --- nobody can be answered ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "error"),
    [
        pytest.param(InboundMessage(binding=Binding.POST, endpoint=SSO), MessageUnreadable, id="no message"),
        pytest.param(redirected(issuer="https://unknown.example"), UnknownEService, id="an unknown issuer"),
        pytest.param(redirected(issuer=ISSUER.upper()), UnknownEService, id="an issuer in another case"),
        pytest.param(redirected(attributes={"Destination": None}), DestinationMismatch, id="no Destination"),
        pytest.param(redirected(destination=f"{SSO}/other"), DestinationMismatch, id="another Destination"),
        pytest.param(redirected(issued=NOW - timedelta(minutes=4)), MessageStale, id="too old"),
        pytest.param(redirected(issued=NOW + timedelta(minutes=1)), MessageStale, id="in the future"),
        pytest.param(
            redirected(attributes={"AssertionConsumerServiceURL": "https://evil.example/acs"}),
            AnswerUrlNotRegistered,
            id="an ACS that is not registered",
        ),
        pytest.param(
            redirected(attributes={"AssertionConsumerServiceURL": f"{ACS}/"}),
            AnswerUrlNotRegistered,
            id="an ACS that is nearly registered",
        ),
        pytest.param(
            redirected(attributes={"AssertionConsumerServiceIndex": "9"}),
            AnswerUrlNotRegistered,
            id="an index that is not registered",
        ),
        pytest.param(
            redirected(attributes={"AssertionConsumerServiceIndex": "3"}),
            AnswerUrlNotRegistered,
            id="an index of another binding",
        ),
        pytest.param(
            redirected(attributes={"AssertionConsumerServiceIndex": "2", "AssertionConsumerServiceURL": ACS}),
            MessageUnreadable,
            id="URL and index",
        ),
        pytest.param(redirected(attributes={"ForceAuthn": "maybe"}), MessageUnreadable, id="no boolean"),
    ],
)
def test_whom_nobody_can_answer_gets_a_stop_page(message: InboundMessage, error: type[BrokerError]) -> None:
    side = Side()
    with pytest.raises(error):
        side.read(message)


def test_an_e_service_past_its_valid_until_is_unknown() -> None:
    side = Side()
    expired = replace(side.peer, record=replace(side.peer.record, valid_until=NOW))
    side.directory.e_services[ISSUER] = expired
    with pytest.raises(UnknownEService):
        side.read(redirected())


def test_a_peer_that_is_no_e_service_is_unknown() -> None:
    side = Side()
    side.directory.e_services[ISSUER] = replace(side.peer, record=make_record(ISSUER))
    with pytest.raises(UnknownEService):
        side.read(redirected())


# --- once ------------------------------------------------------------------------------------------------------


def test_a_request_counts_once() -> None:
    side = Side()
    side.accept()
    with pytest.raises(ReplayedMessage):
        side.read(redirected())
    side.accept(request_id="_next")


def test_the_claim_outlives_the_last_moment_of_acceptance() -> None:
    side = Side()
    last = NOW + MAX_AGE + SKEW - timedelta(microseconds=1)
    side.read(redirected(), last)
    assert side.seen.claimed[f"authn-request:{ISSUER}", "_request"] > last
    with pytest.raises(ReplayedMessage):
        side.read(redirected(), last)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=signed_query(draft().xml(), STRANGER)),
            id="a stranger's",
        ),
        pytest.param(redirected(destination=f"{SSO}/other"), id="for another address"),
        pytest.param(redirected(issued=NOW - timedelta(hours=1)), id="old"),
    ],
)
def test_a_request_that_is_not_believed_burns_no_id(message: InboundMessage) -> None:
    side = Side()
    with suppress(BrokerError):
        assert isinstance(side.read(message), RefusedRequest)
    assert side.seen.claimed == {}
    side.accept()


# --- the sender can be told ------------------------------------------------------------------------------------

CONTEXT = "<saml2:AuthnContextClassRef>urn:test:a</saml2:AuthnContextClassRef>"
PSC = "http://id.swedenconnect.se/authn/1.0/principal-selection/ns"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"attributes": {"Version": "2.1"}}, RequestUnsupported, id="another version"),
        pytest.param({"attributes": {"ProtocolBinding": ARTIFACT}}, RequestUnsupported, id="another binding"),
        pytest.param(
            {"attributes": {"ForceAuthn": "1", "IsPassive": "1"}}, RequestUnsupported, id="forced and passive"
        ),
        pytest.param(
            {"children": "<saml2:Subject><saml2:NameID>x</saml2:NameID></saml2:Subject>"},
            RequestUnsupported,
            id="a Subject",
        ),
        pytest.param(
            {
                "children": f'<saml2p:RequestedAuthnContext Comparison="minimum">{CONTEXT}'
                "</saml2p:RequestedAuthnContext>"
            },
            RequestUnsupported,
            id="Comparison minimum",
        ),
        pytest.param(
            {
                "children": "<saml2p:RequestedAuthnContext><saml2:AuthnContextDeclRef>urn:d</saml2:AuthnContextDeclRef>"
                "</saml2p:RequestedAuthnContext>"
            },
            RequestUnsupported,
            id="AuthnContextDeclRef",
        ),
        pytest.param(
            {
                "children": '<saml2p:Scoping><saml2p:IDPList><saml2p:IDPEntry ProviderID="urn:i"/>'
                "<saml2p:GetComplete>urn:g</saml2p:GetComplete></saml2p:IDPList></saml2p:Scoping>"
            },
            RequestUnsupported,
            id="GetComplete",
        ),
        pytest.param(
            {"children": '<saml2p:NameIDPolicy Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"/>'},
            NameIdPolicyUnsupported,
            id="another NameID format",
        ),
        pytest.param(
            {"children": '<saml2p:NameIDPolicy SPNameQualifier="https://affiliation.example"/>'},
            NameIdPolicyUnsupported,
            id="another SPNameQualifier",
        ),
        pytest.param({"children": '<saml2p:Scoping ProxyCount="0"/>'}, ProxyCountExceeded, id="ProxyCount 0"),
        pytest.param({"attributes": {"AttributeConsumingServiceIndex": "7"}}, RequestUnsupported, id="unknown service"),
        pytest.param(
            {
                "children": f'<saml2p:Extensions><p:PrincipalSelection xmlns:p="{PSC}"><p:MatchValue Name="{PNR}">'
                "198611239884</p:MatchValue></p:PrincipalSelection></saml2p:Extensions>"
            },
            RequestUnsupported,
            id="a malformed principal",
        ),
        pytest.param(
            {
                "children": f'<saml2p:Extensions><p:PrincipalSelection xmlns:p="{PSC}"><p:MatchValue Name="urn:9">'
                "x</p:MatchValue></p:PrincipalSelection></saml2p:Extensions>"
            },
            RequestUnsupported,
            id="a principal whom nobody here could tell from others",
        ),
    ],
)
def test_what_we_cannot_do_is_refused_to_the_sender(changes: dict[str, Any], error: type[BrokerError]) -> None:
    refused = Side().refuse(**changes)
    assert refused.code == error.code
    assert (refused.to.answer_url, refused.to.request_id, refused.to.relay_state) == (ACS, "_request", "a&b")
    assert "1986" not in refused.detail


def test_a_passive_request_is_refused_passively() -> None:
    assert Side().refuse(attributes={"IsPassive": "1", "ForceAuthn": "1"}).to.is_passive


def test_a_refusal_goes_to_the_address_that_was_asked_for() -> None:
    attributes = {"AssertionConsumerServiceURL": OTHER_ACS, "Version": "2.1"}
    assert Side().refuse(attributes=attributes).to.answer_url == OTHER_ACS


@pytest.mark.parametrize(
    "role",
    [
        pytest.param(replace(ROLE, encryption_keys=()), id="no key"),
        pytest.param(replace(ROLE, encryption_keys=(replace(peer_key(KEYS), key_type="EC"),)), id="no RSA key"),
    ],
)
def test_an_e_service_that_could_not_decrypt_is_told_at_once(role: SpRole) -> None:
    assert Side(role).refuse().code == EServiceCannotDecrypt.code


def test_an_unknown_attribute_that_is_required_is_told_at_once() -> None:
    service = AttributeService(index=1, is_default=None, requested=(wanted("urn:oid:9.9.9", required=True),))
    assert Side(replace(ROLE, attribute_services=(service,))).refuse().code == RequiredAttributeMissing.code


def test_an_attribute_requested_twice_is_required_when_one_says_so() -> None:
    requested = (wanted(PNR, required=True), wanted(PNR))
    role = replace(ROLE, attribute_services=(AttributeService(index=1, is_default=None, requested=requested),))
    assert Side(role).accept().wanted_attributes == (WantedAttribute(key=AttributeKey("pnr"), required=True),)


SIGN_MESSAGE = (
    '<saml2p:Extensions><c:SignMessage xmlns:c="http://id.elegnamnden.se/csig/1.1/dss-ext/ns"/></saml2p:Extensions>'
)


def test_a_sign_message_of_a_signature_service_is_not_passed_over() -> None:
    assert Side(signature_service=True).refuse(children=SIGN_MESSAGE).code == RequestUnsupported.code


def test_a_sign_message_of_anybody_else_means_nothing() -> None:
    Side().accept(children=SIGN_MESSAGE)


# --- a bad signature -------------------------------------------------------------------------------------------


def unsigned(**changes: Any) -> InboundMessage:
    query = signed_query(draft(**changes).xml(), None, relay_state="a&b")
    return InboundMessage(binding=Binding.REDIRECT, endpoint=SSO, raw_query=query)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(unsigned(attributes={"IsPassive": "1"}), id="unsigned"),
        pytest.param(posted(draft(attributes={"IsPassive": "1"}).xml()), id="unsigned, posted"),
        pytest.param(
            InboundMessage(
                binding=Binding.REDIRECT,
                endpoint=SSO,
                raw_query=signed_query(draft().xml(), STRANGER, relay_state="a&b"),
            ),
            id="signed by a stranger",
        ),
    ],
)
def test_a_bad_signature_is_told_to_the_registered_address(message: InboundMessage) -> None:
    refused = Side().read(message)
    assert isinstance(refused, RefusedRequest)
    assert refused.code == RequestSignatureInvalid.code
    assert refused.to == AnswerAddress(
        login_id=LoginId("token1"),
        reference=Reference("REF2"),
        e_service=EntityId(ISSUER),
        answer_url=ACS,
        request_id="_request",
        relay_state="a&b",
        is_passive=False,
    )


def test_a_bad_signature_may_choose_among_the_registered_addresses() -> None:
    refused = Side().read(unsigned(attributes={"AssertionConsumerServiceURL": OTHER_ACS}))
    assert isinstance(refused, RefusedRequest)
    assert refused.to.answer_url == OTHER_ACS


def test_a_bad_signature_never_names_another_address() -> None:
    with pytest.raises(AnswerUrlNotRegistered):
        Side().read(unsigned(attributes={"AssertionConsumerServiceURL": "https://evil.example/acs"}))


# --- what the metadata says ------------------------------------------------------------------------------------


def acs(*endpoints: Endpoint) -> SpRole:
    return replace(ROLE, acs=endpoints)


def endpoint(index: int, *, default: bool | None = None, binding: str = POST) -> Endpoint:
    return Endpoint(binding=binding, location=f"https://bygglov.example/{index}", index=index, is_default=default)


@pytest.mark.parametrize(
    ("role", "index"),
    [
        pytest.param(acs(endpoint(5), endpoint(2), endpoint(9)), 2, id="the lowest index"),
        pytest.param(acs(endpoint(1), endpoint(2, default=True)), 2, id="the default"),
        pytest.param(acs(endpoint(1, default=False), endpoint(2, default=False)), 1, id="no default at all"),
        pytest.param(acs(endpoint(1, default=True, binding=ARTIFACT), endpoint(2)), 2, id="POST only"),
        pytest.param(acs(endpoint(0)), 0, id="the only one"),
    ],
)
def test_without_a_choice_the_metadata_decides_where_the_answer_goes(role: SpRole, index: int) -> None:
    assert choose_acs(role, None, None) == f"https://bygglov.example/{index}"


def test_without_any_post_endpoint_there_is_no_answer() -> None:
    with pytest.raises(AnswerUrlNotRegistered):
        choose_acs(acs(endpoint(1, binding=ARTIFACT)), None, None)


def service(index: int, *, default: bool | None = None) -> AttributeService:
    return AttributeService(index=index, is_default=default, requested=())


@pytest.mark.parametrize(
    ("services", "asked", "index"),
    [
        pytest.param([service(3), service(1)], None, 1, id="the lowest index"),
        pytest.param([service(1), service(3, default=True)], None, 3, id="the default"),
        pytest.param([service(1), service(3)], 3, 3, id="the one asked for"),
        pytest.param([], None, None, id="none at all"),
    ],
)
def test_which_attribute_service_counts(
    services: Sequence[AttributeService], asked: int | None, index: int | None
) -> None:
    chosen = choose_attribute_service(replace(ROLE, attribute_services=tuple(services)), asked)
    assert (chosen.index if chosen else None) == index


@pytest.mark.parametrize(
    ("asked", "formats", "kind"),
    [
        pytest.param(TRANSIENT, [PERSISTENT], NameIdKind.TRANSIENT, id="asked"),
        pytest.param(None, ["urn:other", TRANSIENT, PERSISTENT], NameIdKind.TRANSIENT, id="first usable in metadata"),
        pytest.param(
            "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", [TRANSIENT], NameIdKind.TRANSIENT, id="unspecified"
        ),
        pytest.param(None, [], NameIdKind.PERSISTENT, id="nothing said"),
        pytest.param(None, ["urn:other"], NameIdKind.PERSISTENT, id="nothing usable said"),
    ],
)
def test_which_name_id_is_issued(asked: str | None, formats: Sequence[str], kind: NameIdKind) -> None:
    assert choose_name_id(asked, replace(ROLE, name_id_formats=tuple(formats))) is kind


# --- answers ---------------------------------------------------------------------------------------------------

ERROR = ErrorPlan(
    e_service=EntityId(ISSUER), answer_url=ACS, in_response_to="_request", relay_state=None, code="cancelled"
)
GRANTED = ResponsePlan(
    e_service=EntityId(ISSUER),
    answer_url=ACS,
    in_response_to="_request",
    relay_state=None,
    name_id="n",
    name_id_kind=NameIdKind.PERSISTENT,
    context="urn:test:a",
    authenticated_at=NOW,
    authorities=(),
    released=(),
    client_address=None,
)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda side: side.side.write_granted(GRANTED, side.peer, NOW), id="granted"),
        pytest.param(lambda side: side.side.write_refused(ERROR, side.peer, NOW), id="refused"),
    ],
)
def test_an_answer_is_posted_to_the_address_of_the_plan(write: Callable[[Side], Any]) -> None:
    message = write(Side())
    assert message.url == ACS
    assert [name for name, _ in message.fields] == ["SAMLResponse"]
    assert message.signing_key_id == peer_key(OURS).fingerprint
