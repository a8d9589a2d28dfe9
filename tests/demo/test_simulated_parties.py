"""The simulated parties talk to each other directly, every check on; what the broker will meet is tried here first."""

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine
from saml2.sigver import TRIPLE_DES_CBC
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256
from support.peers import POST, REDIRECT, Peers, carry_request

from broker.demo import words
from broker.demo.e_service import AnswerRefused, Question, SimulatedEService
from broker.demo.personas import EMPLOYEE, FINNISH, RESIDENT, Persona
from broker.demo.upstream import Asked, Form, RequestRefused, SimulatedUpstream

QUESTION = Question(contexts=(words.LOA3,), relay_state="opaque å&=")


@pytest.fixture(scope="module")
def pair(peers: Peers) -> tuple[SimulatedEService, SimulatedUpstream]:
    """An e-service and an upstream that trust each other."""
    return peers.acquainted(peers.e_service_party(), peers.upstream_party())


def ask(pair: tuple[SimulatedEService, SimulatedUpstream], question: Question = QUESTION) -> Asked:
    e_service, upstream = pair
    return carry_request(e_service.ask(upstream.party.entity_id, question), upstream)


def grant(upstream: SimulatedUpstream, asked: Asked, **how: Any) -> Form:
    return upstream.grant(asked, RESIDENT.attributes, words.LOA3, person="resident", **how)


@pytest.mark.parametrize("binding", [POST, REDIRECT], ids=["post", "redirect"])
def test_a_request_arrives_with_everything_that_was_asked(
    pair: tuple[SimulatedEService, SimulatedUpstream], binding: str
) -> None:
    e_service, upstream = pair
    question = replace(QUESTION, force_authn=True, idp_list=("urn:x:idp",), requester_ids=("urn:x:sp",))
    asked = carry_request(e_service.ask(upstream.party.entity_id, question, binding), upstream)
    assert (asked.sender, asked.answer_url) == (e_service.party.entity_id, e_service.party.acs)
    assert (asked.contexts, asked.comparison, asked.relay_state) == ((words.LOA3,), "exact", "opaque å&=")
    assert (asked.force_authn, asked.is_passive) == (True, False)
    assert (asked.idp_list, asked.requester_ids) == (("urn:x:idp",), ("urn:x:sp",))
    assert asked.sender_names["sv"] == "Bygglov (demo)"


def test_requests_are_signed_with_sha256(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    sent = pair[0].ask(pair[1].party.entity_id, QUESTION)
    assert dict(parse_qsl(urlsplit(sent.url).query))["SigAlg"] == SIG_RSA_SHA256
    posted = pair[0].ask(pair[1].party.entity_id, QUESTION, POST)
    assert posted.fields is not None
    xml = base64.b64decode(posted.fields["SAMLRequest"]).decode()
    assert f'SignatureMethod Algorithm="{SIG_RSA_SHA256}"' in xml
    assert f'DigestMethod Algorithm="{DIGEST_SHA256}"' in xml


@pytest.mark.parametrize("sign", ["response", "both"])
@pytest.mark.parametrize("cipher", sorted(words.SESSION_KEYS), ids=lambda uri: uri.rpartition("#")[2])
def test_an_answer_by_any_aes_is_believed(peers: Peers, cipher: str, sign: str) -> None:
    pair = peers.acquainted(peers.e_service_party(want_assertions_signed=sign == "both"), peers.upstream_party())
    form = grant(pair[1], ask(pair), cipher=cipher, sign=sign, authorities=("urn:x:node",), address="127.0.0.1")
    received = pair[0].read_answer(form.fields)
    assert received.attributes == {name: (value,) for name, value in RESIDENT.attributes.items()}
    assert (received.level, received.authorities) == (words.LOA3, ("urn:x:node",))
    assert (received.cipher, received.assertion_signed) == (cipher, sign == "both")
    assert (received.issuer, received.sp_name_qualifier) == (pair[1].party.entity_id, pair[0].party.entity_id)


def test_the_name_id_is_stable_and_pairwise(peers: Peers) -> None:
    here, there = peers.e_service_party(), peers.e_service_party("etablering", want_assertions_signed=False)
    upstream = peers.upstream(peers.upstream_party(), peers.metadata(here), peers.metadata(there))
    name_ids = []
    for party in (here, here, there):
        e_service = peers.e_service(party, peers.metadata(upstream.party))
        asked = carry_request(e_service.ask(upstream.party.entity_id, QUESTION), upstream)
        name_ids.append(e_service.read_answer(grant(upstream, asked).fields).name_id)
    assert name_ids[0] == name_ids[1] != name_ids[2]


def test_a_refusal_arrives_with_both_status_codes(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = pair[1].refuse(ask(pair), words.RESPONDER, words.CANCEL, "Cancelled")
    assert pair[0].read_answer(form.fields).status == (words.RESPONDER, words.CANCEL)


def test_a_refusal_may_have_no_second_status_code(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = pair[1].refuse(ask(pair), words.REQUESTER, None)
    assert pair[0].read_answer(form.fields).status == (words.REQUESTER,)


def test_pysaml2s_own_3des_is_not_believed(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = grant(pair[1], ask(pair), cipher=TRIPLE_DES_CBC)
    with pytest.raises(AnswerRefused, match="encrypted by"):
        pair[0].read_answer(form.fields)


def test_an_answer_counts_once(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = grant(pair[1], ask(pair))
    pair[0].read_answer(form.fields)
    with pytest.raises(AnswerRefused, match="unsolicited"):
        pair[0].read_answer(form.fields)


def test_an_answer_with_a_broken_signature_is_refused(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = grant(pair[1], ask(pair))
    xml = base64.b64decode(form.fields["SAMLResponse"]).decode()
    broken = re.sub(r'IssueInstant="(\d{4})', 'IssueInstant="1999', xml, count=1)
    with pytest.raises(AnswerRefused):
        pair[0].read_answer({**form.fields, "SAMLResponse": base64.b64encode(broken.encode()).decode()})


def test_an_answer_by_another_upstream_is_refused(
    peers: Peers, pair: tuple[SimulatedEService, SimulatedUpstream]
) -> None:
    stranger = peers.upstream(peers.upstream_party("stranger"), peers.metadata(pair[0].party))
    form = grant(stranger, ask(pair))
    with pytest.raises(AnswerRefused):
        pair[0].read_answer(form.fields)


def test_an_answer_at_another_level_is_refused(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = pair[1].grant(ask(pair), RESIDENT.attributes, words.LOA2, person="resident")
    with pytest.raises(AnswerRefused, match="was not asked for"):
        pair[0].read_answer(form.fields)


def test_an_answer_with_another_relay_state_is_refused(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = grant(pair[1], ask(pair))
    with pytest.raises(AnswerRefused, match="RelayState"):
        pair[0].read_answer({**form.fields, "RelayState": "another"})


def test_a_stale_answer_is_refused(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    form = grant(pair[1], ask(pair))
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(minutes=10), tick=True),
        pytest.raises(AnswerRefused),
    ):
        pair[0].read_answer(form.fields)


def test_an_unsigned_request_is_refused(pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    sent = pair[0].ask(pair[1].party.entity_id, QUESTION)
    with pytest.raises(RequestRefused):
        carry_request(replace(sent, url=sent.url.partition("&SigAlg")[0]), pair[1])


def test_a_request_of_a_stranger_is_refused(peers: Peers, pair: tuple[SimulatedEService, SimulatedUpstream]) -> None:
    stranger = peers.e_service(peers.e_service_party("stranger"), peers.metadata(pair[1].party))
    with pytest.raises(RequestRefused):
        carry_request(stranger.ask(pair[1].party.entity_id, QUESTION), pair[1])


def test_an_upstream_releases_what_the_categories_in_common_promise(peers: Peers) -> None:
    e_service, upstream = peers.acquainted(peers.e_service_party(), peers.upstream_party("freja"))
    assert upstream.releasable(e_service.party.entity_id) == words.ATTRIBUTE_SETS[words.LOA3_PNR]


def test_an_upstream_releases_what_is_requested_by_name(peers: Peers) -> None:
    party = peers.e_service_party(categories=(), wanted=("birthName",))
    upstream = peers.upstream(peers.upstream_party("freja"), peers.metadata(party))
    assert upstream.releasable(party.entity_id) == {"birthName"}


def test_the_greatest_cipher_is_used_only_where_it_is_declared(peers: Peers) -> None:
    upstream = peers.upstream_party("freja")
    used = []
    for ciphers in ((), (words.AES256_GCM,)):
        pair = peers.acquainted(peers.e_service_party(ciphers=ciphers), upstream)
        used.append(pair[0].read_answer(grant(pair[1], ask(pair)).fields).cipher)
    assert used == [words.AES256_CBC, words.AES256_GCM]


@pytest.mark.parametrize("persona", [FINNISH, EMPLOYEE], ids=lambda persona: persona.key)
def test_every_attribute_travels_under_its_own_name(
    pair: tuple[SimulatedEService, SimulatedUpstream], persona: Persona
) -> None:
    attributes = persona.attributes
    form = pair[1].grant(ask(pair), attributes, words.LOA3, person="x")
    received = pair[0].read_answer(form.fields).attributes
    assert received == {name: (value,) for name, value in attributes.items()}
