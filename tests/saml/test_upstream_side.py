"""The broker as SP: what an upstream is asked, and which of its answers count."""

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree
from support.messages import (
    AssertionDraft,
    ResponseDraft,
    encrypted,
    error_status,
    form_value,
    rsa_keys,
    signed,
)
from support.saml_peers import (
    REDIRECT,
    ClaimedIds,
    CountingIds,
    make_idp_role,
    make_record,
    make_upstream_peer,
    peer_key,
)

from broker.core.errors import (
    AssertionUnacceptable,
    AssertionUndecryptable,
    AssuranceNotMet,
    BrokerError,
    MessageUnreadable,
    NoUpstreamForAssurance,
    PeerWithdrawn,
    ReplayedAssertion,
    UpstreamAnswerIncomplete,
    UpstreamSignatureInvalid,
)
from broker.core.login import ContextUri, EntityId, LoginId, LoginRequest, NameIdKind, Reference
from broker.core.person import AttributeKey
from broker.core.state import UpstreamPending
from broker.dialects import DIALECTS
from broker.flow.ports import Answered, UpstreamPeer
from broker.messages.assertion import UpstreamStatus
from broker.messages.entity import Endpoint
from broker.messages.inbound import Binding, InboundMessage
from broker.saml.keys import KeyEntry, KeyRing, KeyState, KeyUse, load_key_ring
from broker.saml.upstream_side import SamlUpstreamSide
from broker.vocabulary.attributes import CATALOGUE

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
SENT = NOW - timedelta(minutes=1)
SKEW, MAX_AGE = timedelta(seconds=30), timedelta(minutes=3)
SP = "https://broker.example/saml/sp"
ACS = f"{SP}/acs"
UPSTREAM, OTHER = "https://idp.example", "https://other-idp.example"
KEYS, OTHER_KEYS, SIGNING, ENCRYPTION = (
    rsa_keys(name) for name in ("upstream", "other-upstream", "broker-signing", "broker-encryption")
)
LOA3 = ContextUri("http://id.elegnamnden.se/loa/1.0/loa3")
LOA2 = ContextUri("http://id.elegnamnden.se/loa/1.0/loa2")
PNR = "urn:oid:1.2.752.29.4.13"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"
CANCEL = "http://id.elegnamnden.se/status/1.0/cancel"

REQUEST = LoginRequest(
    login_id=LoginId("login"),
    reference=Reference("REF"),
    e_service=EntityId("https://bygglov.example/sp"),
    request_id="_downstream",
    answer_url="https://bygglov.example/acs",
    relay_state=None,
    accepted=(LOA3,),
    idp_list=(),
    requester_ids=("https://behind.example",),
    proxy_count=None,
    force_authn=False,
    is_passive=False,
    name_id=NameIdKind.PERSISTENT,
    wanted_attributes=(),
    principal=(),
    received_at=SENT,
)
PENDING = UpstreamPending(
    request=REQUEST,
    accepted=(LOA3,),
    upstream=EntityId(UPSTREAM),
    asked=(LOA3,),
    sent_id="_q",
    acs_url=ACS,
    force_authn=False,
    attempt=1,
    sent_at=SENT,
    expires_at=NOW + timedelta(minutes=30),
)


@cache
def ring() -> KeyRing:
    return load_key_ring(
        [
            KeyEntry(use=use, state=KeyState.ACTIVE, certificate=keys.certificate, private_key=keys.key)
            for use, keys in ((KeyUse.SIGNING, SIGNING), (KeyUse.ENCRYPTION, ENCRYPTION))
        ]
    )


def upstream(dialect: str = "sweden_connect") -> UpstreamPeer:
    sso = [Endpoint(binding=REDIRECT, location=f"{UPSTREAM}/sso")]
    role = make_idp_role(signing=[peer_key(KEYS)], sso=sso)
    return make_upstream_peer(make_record(UPSTREAM, idp=role), dialect=dialect, contexts=[LOA3])


class Side:
    """The side, and what it works with."""

    def __init__(self) -> None:
        self.seen = ClaimedIds()
        self.side = SamlUpstreamSide(
            entity_id=SP,
            acs_url=ACS,
            keys=ring,
            seen=self.seen,
            ids=CountingIds(),
            catalogue=CATALOGUE,
            dialects={name: build(CATALOGUE) for name, build in DIALECTS.items()},
            clock_skew=SKEW,
            response_max_age=MAX_AGE,
        )

    def answer(
        self, message: InboundMessage, pending: UpstreamPending = PENDING, now: datetime = NOW
    ) -> Answered | UpstreamStatus:
        return self.side.read_answer(message, pending, upstream(), now)


ASSERTION = AssertionDraft(
    issuer=UPSTREAM,
    audience=SP,
    recipient=ACS,
    in_response_to="_q",
    now=NOW,
    context=LOA3,
    values={PNR: ["198611239883"], "urn:oid:2.5.4.4": ["Ek"], "urn:test:unheard": ["x"]},
    authorities=["https://issuer.example"],
)
RESPONSE = ResponseDraft(issuer=UPSTREAM, destination=ACS, in_response_to="_q", issued=NOW)


def posted(xml: str, endpoint: str = ACS) -> InboundMessage:
    fields = (("SAMLResponse", form_value(xml)), ("RelayState", "login.1"))
    return InboundMessage(binding=Binding.POST, endpoint=endpoint, fields=fields)


def sign(xml: str) -> str:
    return signed(xml, KEYS, element="saml2p:Response", reference="_response")


def answer(assertion: Mapping[str, Any] | None = None, response: Mapping[str, Any] | None = None) -> InboundMessage:
    """A perfect answer with these changes, signed and encrypted after them."""
    content = encrypted(replace(ASSERTION, **(assertion or {})).xml(), ENCRYPTION.certificate)
    return posted(sign(replace(RESPONSE, **{"content": content, **(response or {})}).xml()))


# --- asking ----------------------------------------------------------------------------------------------------


def asked(request: LoginRequest, contexts: Sequence[ContextUri] = (LOA3,)) -> etree._Element:
    made = Side().side.ask(request, tuple(contexts), upstream(), relay_state="login.1", now=NOW)
    query = parse_qs(urlsplit(made.message.url).query)
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), wbits=-15))


def test_what_was_asked_is_told_to_the_flow() -> None:
    made = Side().side.ask(replace(REQUEST, force_authn=True), (LOA3,), upstream(), relay_state="login.1", now=NOW)
    assert (made.binding, made.contexts, made.acs_url, made.force_authn) == (Binding.REDIRECT, (LOA3,), ACS, True)
    assert made.message.message_id == "_id1"
    assert parse_qs(urlsplit(made.message.url).query)["RelayState"] == ["login.1"]


def test_the_request_names_who_asks_and_what_for() -> None:
    root = asked(REQUEST)
    assert [e.text for e in root.iter("{*}AuthnContextClassRef")] == [LOA3]
    assert [e.text for e in root.iter("{*}RequesterID")] == ["https://behind.example", "https://bygglov.example/sp"]
    assert (root.get("ForceAuthn"), root.get("IsPassive")) == ("false", "false")


def test_passive_and_forced_travel_on() -> None:
    root = asked(replace(REQUEST, is_passive=True, force_authn=True))
    assert (root.get("ForceAuthn"), root.get("IsPassive")) == ("true", "true")


@pytest.mark.parametrize(("given", "sent"), [(None, None), (1, "0"), (7, "6")])
def test_we_are_one_proxy_more(given: int | None, sent: str | None) -> None:
    assert asked(replace(REQUEST, proxy_count=given)).find("{*}Scoping").get("ProxyCount") == sent


def test_nothing_to_ask_is_not_asked() -> None:
    with pytest.raises(NoUpstreamForAssurance):
        asked(REQUEST, [])


def test_an_upstream_whose_dialect_is_not_installed_is_not_asked() -> None:
    with pytest.raises(PeerWithdrawn):
        Side().side.ask(REQUEST, (LOA3,), upstream("klingon"), relay_state="login.1", now=NOW)


# --- finding the login -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "relay_state"),
    [
        ((("SAMLResponse", "x"), ("RelayState", "login.1")), "login.1"),
        ((("SAMLResponse", "x"),), None),
        ((("RelayState", "login.1"), ("RelayState", "login.2")), None),
    ],
)
def test_the_relay_state_is_taken_when_there_is_one(
    fields: tuple[tuple[str, str], ...], relay_state: str | None
) -> None:
    message = InboundMessage(binding=Binding.POST, endpoint=ACS, fields=fields)
    assert Side().side.relay_state_of(message) == relay_state


# --- answers that count ----------------------------------------------------------------------------------------


def test_an_answer_becomes_a_person() -> None:
    got = Side().answer(answer())
    assert isinstance(got, Answered)
    assert got.person.attributes == {AttributeKey("pnr"): ("198611239883",), AttributeKey("surname"): ("Ek",)}
    assert (got.person.upstream, got.person.context, got.person.authenticated_at) == (UPSTREAM, LOA3, NOW)
    assert (got.person.authorities, got.person.assertion_id) == (("https://issuer.example",), "_assertion")
    assert got.person.unknown_attributes == ("urn:test:unheard",)
    assert got.key_id == peer_key(KEYS).fingerprint
    assert got.signature_algorithm.endswith("rsa-sha256")
    assert got.encryption_algorithm.startswith("http://www.w3.org/2009/xmlenc11#aes256-gcm ")


def test_a_refusal_of_the_upstream_is_told_with_its_codes() -> None:
    got = Side().answer(posted(sign(replace(RESPONSE, status=error_status(RESPONDER, CANCEL)).xml())))
    assert got == UpstreamStatus(codes=(RESPONDER, CANCEL), key_id=peer_key(KEYS).fingerprint)


def test_an_older_key_of_ours_still_decrypts() -> None:
    older = rsa_keys("broker-older-encryption")
    entries = [
        KeyEntry(use=KeyUse.ENCRYPTION, state=state, certificate=keys.certificate, private_key=keys.key)
        for state, keys in ((KeyState.ACTIVE, ENCRYPTION), (KeyState.PUBLISHED, older))
    ]
    side = SamlUpstreamSide(
        entity_id=SP,
        acs_url=ACS,
        keys=lambda: load_key_ring(entries),
        seen=ClaimedIds(),
        ids=CountingIds(),
        catalogue=CATALOGUE,
        dialects={name: build(CATALOGUE) for name, build in DIALECTS.items()},
        clock_skew=SKEW,
        response_max_age=MAX_AGE,
    )
    message = posted(sign(replace(RESPONSE, content=encrypted(ASSERTION.xml(), older.certificate)).xml()))
    assert isinstance(side.read_answer(message, PENDING, upstream(), NOW), Answered)


# --- answers that do not ---------------------------------------------------------------------------------------


def before(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        pytest.param(lambda: posted("<a"), MessageUnreadable, id="not XML"),
        pytest.param(lambda: posted(RESPONSE.xml()), UpstreamSignatureInvalid, id="unsigned"),
        pytest.param(
            lambda: posted(signed(RESPONSE.xml(), OTHER_KEYS, element="saml2p:Response", reference="_response")),
            UpstreamSignatureInvalid,
            id="another upstream, in the name of the one asked",
        ),
        pytest.param(
            lambda: posted(
                signed(
                    replace(RESPONSE, issuer=OTHER).xml(), OTHER_KEYS, element="saml2p:Response", reference="_response"
                )
            ),
            UpstreamSignatureInvalid,
            id="another upstream, in its own name",
        ),
        pytest.param(lambda: answer(response={"issuer": OTHER}), AssertionUnacceptable, id="Response/Issuer"),
        pytest.param(lambda: answer(response={"destination": SP}), AssertionUnacceptable, id="Destination"),
        pytest.param(
            lambda: answer(response={"attributes": {"Destination": None}}), AssertionUnacceptable, id="no Destination"
        ),
        pytest.param(
            lambda: answer(response={"in_response_to": "_other"}), AssertionUnacceptable, id="Response/InResponseTo"
        ),
        pytest.param(
            lambda: answer(response={"attributes": {"InResponseTo": None}}), AssertionUnacceptable, id="unsolicited"
        ),
        pytest.param(
            lambda: answer(response={"attributes": {"Version": "1.1"}}), AssertionUnacceptable, id="Response/Version"
        ),
        pytest.param(
            lambda: answer(response={"issued": NOW - timedelta(minutes=4)}), AssertionUnacceptable, id="an old Response"
        ),
        pytest.param(
            lambda: answer(response={"status": error_status(RESPONDER, CANCEL)}),
            AssertionUnacceptable,
            id="an assertion beside an error",
        ),
        pytest.param(
            lambda: posted(sign(replace(RESPONSE, status=error_status(RESPONDER), content=ASSERTION.xml()).xml())),
            AssertionUnacceptable,
            id="an assertion in the clear beside an error",
        ),
        pytest.param(lambda: posted(sign(RESPONSE.xml())), AssertionUndecryptable, id="no assertion"),
        pytest.param(
            lambda: posted(sign(replace(RESPONSE, content=ASSERTION.xml()).xml())),
            AssertionUndecryptable,
            id="an assertion in the clear",
        ),
        pytest.param(lambda: answer({"issuer": OTHER}), AssertionUnacceptable, id="Assertion/Issuer"),
        pytest.param(lambda: answer({"audience": OTHER}), AssertionUnacceptable, id="Audience"),
        pytest.param(lambda: answer({"recipient": SP}), AssertionUnacceptable, id="Recipient"),
        pytest.param(lambda: answer({"in_response_to": "_other"}), AssertionUnacceptable, id="InResponseTo"),
        pytest.param(
            lambda: answer({"data": {"NotOnOrAfter": before(1)}}), AssertionUnacceptable, id="confirmation expired"
        ),
        pytest.param(
            lambda: answer({"conditions": {"NotOnOrAfter": before(1)}}), AssertionUnacceptable, id="conditions expired"
        ),
        pytest.param(lambda: answer({"conditions": {"NotBefore": before(-1)}}), AssertionUnacceptable, id="not yet"),
        pytest.param(lambda: answer({"attributes": {"IssueInstant": before(4)}}), AssertionUnacceptable, id="old"),
        pytest.param(
            lambda: answer({"authn": {"AuthnInstant": before(-1)}}), AssertionUnacceptable, id="authenticated tomorrow"
        ),
        pytest.param(
            lambda: answer({"authn": {"SessionNotOnOrAfter": before(1)}}), AssertionUnacceptable, id="session over"
        ),
        pytest.param(lambda: answer({"context": LOA2}), AssuranceNotMet, id="a lower level"),
        pytest.param(lambda: answer({"context": f"{LOA3}x"}), AssuranceNotMet, id="nearly the level"),
    ],
)
def test_an_answer_that_does_not_answer_is_refused(
    make: Callable[[], InboundMessage], error: type[BrokerError]
) -> None:
    side = Side()
    with pytest.raises(BrokerError) as caught:
        side.answer(make())
    assert type(caught.value) is error
    assert side.seen.claimed == {}, "an answer that is not believed burns no ID"
    assert isinstance(side.answer(answer()), Answered), "a genuine answer right after it counts"


@pytest.mark.parametrize(("minutes", "counts"), [(0, True), (1.5, True), (2, False)])
def test_forced_authentication_must_be_fresh(minutes: float, counts: bool) -> None:
    message = answer({"authn": {"AuthnInstant": before(minutes)}})
    assert isinstance(Side().answer(message), Answered), "unforced, any time will do"
    forced = replace(PENDING, force_authn=True)
    if counts:
        assert isinstance(Side().answer(message, forced), Answered)
    else:
        with pytest.raises(AssertionUnacceptable):
            Side().answer(message, forced)


def test_an_answer_counts_only_where_we_said_it_should_go() -> None:
    elsewhere = replace(PENDING, acs_url="https://old.broker.example/acs")
    with pytest.raises(AssertionUnacceptable):
        Side().answer(answer(), elsewhere)


def test_an_assertion_counts_once() -> None:
    side = Side()
    side.answer(answer())
    with pytest.raises(ReplayedAssertion):
        side.answer(answer())
    assert isinstance(side.answer(answer({"assertion_id": "_next"})), Answered)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        pytest.param({"NotOnOrAfter": "8999-01-01T00:00:00Z"}, MAX_AGE + SKEW, id="the message's age ends it"),
        pytest.param({"NotOnOrAfter": before(-1)}, timedelta(minutes=1) + SKEW, id="the assertion's lifetime ends it"),
    ],
)
def test_the_claim_outlives_the_last_moment_of_acceptance(data: dict[str, str], last: timedelta) -> None:
    side = Side()
    message = answer({"data": data, "conditions": data})
    moment = NOW + last - timedelta(microseconds=1)
    side.answer(message, now=moment)
    until = side.seen.claimed[f"assertion:{UPSTREAM}", "_assertion"]
    assert moment < until <= NOW + last + timedelta(seconds=1)
    with pytest.raises(AssertionUnacceptable):
        Side().answer(message, now=NOW + last)


def test_a_person_that_the_dialect_does_not_understand_is_refused() -> None:
    with pytest.raises(UpstreamAnswerIncomplete):
        Side().side.read_answer(answer({"values": {"urn:oid:2.5.4.4": ["Ek"]}}), PENDING, upstream("bankid"), NOW)


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(make_upstream_peer(make_record(UPSTREAM), dialect="bankid", contexts=[]), id="no IdP any more"),
        pytest.param(upstream("klingon"), id="a dialect that is not installed"),
    ],
)
def test_a_peer_that_has_gone_answers_nothing(peer: UpstreamPeer) -> None:
    with pytest.raises(PeerWithdrawn):
        Side().side.read_answer(answer(), PENDING, peer, NOW)


def test_a_withdrawn_key_stops_working() -> None:
    peer = upstream()
    assert peer.record.idp is not None
    rekeyed = replace(peer, record=replace(peer.record, idp=replace(peer.record.idp, signing_keys=())))
    with pytest.raises(UpstreamSignatureInvalid):
        Side().side.read_answer(answer(), PENDING, rekeyed, NOW)


def test_no_detail_holds_a_value() -> None:
    for message in (answer({"context": LOA2}), answer({"audience": OTHER}), answer({"recipient": SP})):
        with pytest.raises(BrokerError) as caught:
            Side().answer(message)
        assert "1986" not in caught.value.detail
        assert "Ek" not in caught.value.detail
