"""Both SAML sides of the broker against stock pysaml2, which shares no code with them, with strangers' habits."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from saml2.sigver import TRIPLE_DES_CBC
from support.broker_sides import ACS, BrokerSides
from support.peers import POST, REDIRECT, PeerKeys, Peers

from broker.core.errors import AssertionUndecryptable
from broker.core.login import LoginRequest
from broker.demo import words
from broker.demo.e_service import Question, Received
from broker.demo.personas import FINNISH, RESIDENT
from broker.demo.upstream import Asked as AskedUpstream
from broker.demo.upstream import SimulatedUpstream
from broker.flow.ports import Answered, Asked
from broker.messages.assertion import UpstreamStatus

PERSON = {"pnr": "198611239883", "surname": "Björkängen", "given_name": "Åsa Maria"}
QUESTION = Question(contexts=(words.LOA3,), relay_state="opaque å&=")


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Peers:
    return Peers(keys=PeerKeys(folder=tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def shared_sides() -> BrokerSides:
    return BrokerSides()


@pytest.fixture
def sides(shared_sides: BrokerSides) -> BrokerSides:
    """A broker that knows nobody; its keys are slow to make, so all tests share them."""
    return BrokerSides(ring=shared_sides.ring)


def carry(asked: Asked, upstream: SimulatedUpstream) -> AskedUpstream:
    """What the browser does with the broker's request."""
    if asked.message.fields:
        return upstream.read_request(POST, dict(asked.message.fields))
    return upstream.read_request(REDIRECT, dict(parse_qsl(urlsplit(asked.message.url).query)))


def ones(metadata: str) -> str:
    """Booleans as much software writes them."""
    return metadata.replace('="true"', '="1"').replace('="false"', '="0"')


def roll_over(peers: Peers, metadata: str) -> str:
    """The same with another signing certificate before the one in use."""
    lines = peers.keys.of("next").certificate.read_text().splitlines()[1:-1]
    descriptor = re.search(r'<(\w+):KeyDescriptor use="signing">.*?</\1:KeyDescriptor>', metadata, re.DOTALL)
    assert descriptor is not None
    another = re.sub(r"(X509Certificate>)[^<]+(<)", lambda m: f"{m[1]}{''.join(lines)}{m[2]}", descriptor[0])
    return metadata.replace(descriptor[0], another + descriptor[0])


# --- e-services ------------------------------------------------------------------------------------------------


def log_in(
    peers: Peers, sides: BrokerSides, metadata: str, question: Question, binding: str, **changes: object
) -> Received:
    """One login at the demo's first e-service, which the broker knows by `metadata`."""
    party = peers.e_service_party()
    e_service = peers.e_service(party, sides.idp_metadata(), **changes)
    sides.know_e_service(metadata)
    sent = e_service.ask("http://127.0.0.1:8700/saml/idp", question, binding)
    request = sides.read_request(sent)
    assert isinstance(request, LoginRequest)
    assert (request.answer_url, request.relay_state) == (party.acs, question.relay_state)
    written = sides.grant(request, PERSON)
    assert written.url == party.acs
    return e_service.read_answer(dict(written.fields))


@pytest.mark.parametrize("binding", [POST, REDIRECT], ids=["post", "redirect"])
@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        replace(QUESTION, contexts=()),
        replace(QUESTION, acs_index="1"),
        replace(QUESTION, force_authn=True),
        replace(QUESTION, idp_list=("urn:x:idp",), requester_ids=("urn:x:sp",), proxy_count=2),
    ],
    ids=["usual", "asks for nothing", "names an index", "ForceAuthn", "Scoping"],
)
def test_an_e_service_gets_an_answer_that_it_believes(
    peers: Peers, sides: BrokerSides, question: Question, binding: str
) -> None:
    received = log_in(peers, sides, peers.metadata(peers.e_service_party()), question, binding)
    assert received.attributes == {
        "personalIdentityNumber": ("198611239883",),
        "sn": ("Björkängen",),
        "givenName": ("Åsa Maria",),
    }
    assert received.level == words.LOA3
    assert received.authorities == ("urn:x:upstream", "urn:x:node")
    assert (received.name_id, received.sp_name_qualifier) == ("pairwise", peers.e_service_party().entity_id)


def test_an_e_service_that_leaves_its_address_out_gets_the_default_one(peers: Peers, sides: BrokerSides) -> None:
    metadata = peers.metadata(peers.e_service_party())
    assert log_in(peers, sides, metadata, QUESTION, REDIRECT, hide_assertion_consumer_service=True).name_id


def test_an_e_service_in_a_rollover_may_sign_with_its_second_certificate(peers: Peers, sides: BrokerSides) -> None:
    metadata = roll_over(peers, peers.metadata(peers.e_service_party()))
    assert metadata.count('use="signing"') == 2
    for binding in (POST, REDIRECT):
        assert log_in(peers, sides, metadata, QUESTION, binding).name_id


def test_an_e_service_may_write_1_for_true(peers: Peers, sides: BrokerSides) -> None:
    metadata = ones(peers.metadata(peers.e_service_party(want_assertions_signed=True)))
    received = log_in(peers, sides, metadata, QUESTION, POST, want_assertions_signed=True)
    assert received.assertion_signed


@pytest.mark.parametrize("cipher", sorted(words.SESSION_KEYS), ids=lambda uri: uri.rpartition("#")[2])
def test_an_e_service_gets_the_cipher_that_it_declares(peers: Peers, sides: BrokerSides, cipher: str) -> None:
    metadata = peers.metadata(peers.e_service_party(ciphers=(cipher,)))
    assert log_in(peers, sides, metadata, QUESTION, REDIRECT).cipher == cipher


def test_an_e_service_that_declares_no_cipher_gets_a_mandatory_one(peers: Peers, sides: BrokerSides) -> None:
    received = log_in(peers, sides, peers.metadata(peers.e_service_party()), QUESTION, REDIRECT)
    assert received.cipher in {words.AES128_CBC, words.AES192_CBC, words.AES256_CBC}


# --- upstreams -------------------------------------------------------------------------------------------------


def one_binding(metadata: str, kept: str) -> str:
    """The same with only one SingleSignOnService."""
    return re.sub(rf'<(\w+):SingleSignOnService Binding="(?!{kept}")[^>]*/>', "", metadata)


@pytest.mark.parametrize("sign", ["response", "both"])
@pytest.mark.parametrize("cipher", sorted(words.SESSION_KEYS), ids=lambda uri: uri.rpartition("#")[2])
def test_an_upstream_is_believed(peers: Peers, sides: BrokerSides, cipher: str, sign: str) -> None:
    party = peers.upstream_party()
    upstream = peers.upstream(party, sides.sp_metadata())
    peer = sides.know_upstream(peers.metadata(party))
    asked = sides.ask(peer)
    attributes = {**RESIDENT.attributes, "transactionIdentifier": "order-1"}
    arrived = carry(asked, upstream)
    assert (arrived.answer_url, arrived.contexts, arrived.comparison) == (ACS, (words.LOA3,), "exact")
    form = upstream.grant(arrived, attributes, words.LOA3, person="x", cipher=cipher, sign=sign)  # type: ignore[arg-type]  # parametrised literal
    answered = sides.read_answer(asked, form, peer)
    assert isinstance(answered, Answered)
    assert answered.encryption_algorithm.split()[0] == cipher
    assert answered.person.attributes["pnr"] == ("198611239883",)  # type: ignore[index]  # NewType key
    assert answered.person.unknown_attributes == ()


@pytest.mark.parametrize("binding", [POST, REDIRECT], ids=["post", "redirect"])
def test_an_upstream_may_have_one_binding_only(peers: Peers, sides: BrokerSides, binding: str) -> None:
    party = peers.upstream_party()
    peer = sides.know_upstream(one_binding(peers.metadata(party), binding))
    asked = sides.ask(peer)
    assert asked.binding.value == binding
    assert carry(asked, peers.upstream(party, sides.sp_metadata())).sender == "http://127.0.0.1:8700/saml/sp"


def test_an_upstream_in_a_rollover_may_sign_with_its_second_certificate(peers: Peers, sides: BrokerSides) -> None:
    party = peers.upstream_party()
    upstream = peers.upstream(party, sides.sp_metadata())
    peer = sides.know_upstream(ones(roll_over(peers, peers.metadata(party))))
    asked = sides.ask(peer)
    form = upstream.grant(carry(asked, upstream), RESIDENT.attributes, words.LOA3, person="x")
    assert isinstance(sides.read_answer(asked, form, peer), Answered)


def test_a_foreign_answer_of_the_connector_is_understood(peers: Peers, sides: BrokerSides) -> None:
    party = peers.upstream_party("eidas")
    upstream = peers.upstream(party, sides.sp_metadata())
    peer = sides.know_upstream(peers.metadata(party))
    asked = sides.ask(peer)
    attributes = {**FINNISH.attributes, "transactionIdentifier": "_foreign"}
    authority = "https://eidas.fi.example/proxy"
    form = upstream.grant(carry(asked, upstream), attributes, words.EIDAS_NF_HIGH, person="x", authorities=(authority,))
    answered = sides.read_answer(asked, form, peer)
    assert isinstance(answered, Answered)
    assert (answered.person.country, answered.person.authorities) == ("FI", (authority,))


def test_a_refusal_of_an_upstream_is_read_with_its_codes(peers: Peers, sides: BrokerSides) -> None:
    party = peers.upstream_party()
    upstream = peers.upstream(party, sides.sp_metadata())
    peer = sides.know_upstream(peers.metadata(party))
    asked = sides.ask(peer)
    form = upstream.refuse(carry(asked, upstream), words.RESPONDER, words.CANCEL, "avbrutet")
    status = sides.read_answer(asked, form, peer)
    assert isinstance(status, UpstreamStatus)
    assert status.codes == (words.RESPONDER, words.CANCEL)


def test_pysaml2s_own_3des_is_refused(peers: Peers, sides: BrokerSides) -> None:
    party = peers.upstream_party()
    upstream = peers.upstream(party, sides.sp_metadata())
    peer = sides.know_upstream(peers.metadata(party))
    asked = sides.ask(peer)
    form = upstream.grant(carry(asked, upstream), RESIDENT.attributes, words.LOA3, person="x", cipher=TRIPLE_DES_CBC)
    with pytest.raises(AssertionUndecryptable):
        sides.read_answer(asked, form, peer)
