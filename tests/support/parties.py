"""E-services and upstreams on stock pysaml2 around one broker, registered by its own commands; steps of a login."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from support.citizen import Citizen, Reply, Send
from support.command_line import Folder
from support.peers import POST, REDIRECT, PeerKeys, Peers

from broker.demo import words
from broker.demo.e_service import Question, Received, Sent, SimulatedEService
from broker.demo.federation import EServiceParty, UpstreamParty
from broker.demo.upstream import Asked, Form, SimulatedUpstream

CONNECTOR = "http://127.0.0.3:8706/eidas"
LOA3 = words.LOA3
EIDAS_HIGH = words.UNCERTIFIED_EIDAS_HIGH
WANTED = ("mail", "gender")


def prepare(folder: Folder) -> None:
    """What must stand in the settings before anything starts."""
    folder.edit("eidas_connectors = []", f'eidas_connectors = ["{CONNECTOR}"]')


@dataclass(slots=True, kw_only=True)
class Parties:
    """Everybody around one broker. `seen` is every page that any of their citizens was shown."""

    base_url: str
    send: Send
    peers: Peers
    e_service: SimulatedEService  # personnummer, loa3
    open_e_service: SimulatedEService  # foreigners too, and coordination numbers
    upstream: SimulatedUpstream
    connector: SimulatedUpstream
    seen: list[Reply] = field(default_factory=list)

    @property
    def idp(self) -> str:
        return f"{self.base_url}/saml/idp"

    def citizen(self) -> Citizen:
        """A browser that was never here."""
        return Citizen(send=self.send, base_url=self.base_url, seen=self.seen)

    # --- steps -----------------------------------------------------------------------------------------------------

    def ask(
        self, e_service: SimulatedEService | None = None, *, binding: str = REDIRECT, relay_state: str, **question: str
    ) -> Sent:
        """A request of an e-service."""
        chosen = e_service or self.e_service
        levels = (LOA3,) if chosen is self.e_service else (LOA3, EIDAS_HIGH)
        return chosen.ask(self.idp, Question(contexts=levels, relay_state=relay_state), binding)

    def arrive(self, citizen: Citizen, sent: Sent) -> Reply:
        """The citizen comes with the request: the chooser, or straight on to the only offer."""
        if sent.fields is None:
            return citizen.get(sent.url)
        return citizen.post_from_elsewhere(sent.url, sent.fields)

    def choose(self, citizen: Citizen, page: Reply, upstream: SimulatedUpstream | None = None) -> Asked:
        """The citizen chooses; what the upstream is asked."""
        chosen = upstream or self.upstream
        if page.status != 303 and not page.posts:
            page = citizen.press(page, "choice", upstream=chosen.party.entity_id)
        return read_question(page, chosen)

    def asked(
        self, citizen: Citizen, *, relay_state: str = "", foreign: bool = False, binding: str = REDIRECT
    ) -> Asked:
        """From the e-service to the upstream."""
        e_service = self.open_e_service if foreign else self.e_service
        page = self.arrive(citizen, self.ask(e_service, relay_state=relay_state, binding=binding))
        return self.choose(citizen, page, self.connector if foreign else self.upstream)

    def deliver(self, citizen: Citizen, form: Form) -> Reply:
        """The upstream's answer arrives, and the citizen sees what comes of it."""
        return citizen.post_from_elsewhere(form.url, form.fields)

    def receive(self, page: Reply, e_service: SimulatedEService | None = None) -> Received:
        """What the e-service reads from the answer that `page` posts."""
        chosen = e_service or self.e_service
        action, fields = page.form()
        assert action == chosen.party.acs
        return chosen.read_answer(fields)

    def log_in(
        self,
        citizen: Citizen,
        attributes: Mapping[str, str | Sequence[str]],
        *,
        relay_state: str = "",
        foreign: bool = False,
        binding: str = REDIRECT,
        person: str = "x",
    ) -> Received:
        """One whole login."""
        asked = self.asked(citizen, relay_state=relay_state, foreign=foreign, binding=binding)
        upstream, level = (self.connector, words.EIDAS_NF_HIGH) if foreign else (self.upstream, LOA3)
        authorities = ("https://eidas.fi.example/proxy",) if foreign else ()
        form = upstream.grant(asked, attributes, level, person=person, authorities=authorities)
        received = self.receive(self.deliver(citizen, form), self.open_e_service if foreign else self.e_service)
        assert received.attributes
        assert received.relay_state == relay_state
        return received


def read_question(page: Reply, upstream: SimulatedUpstream) -> Asked:
    """What `page` asks `upstream`."""
    if page.status == 303:
        where = page.header("Location")
        assert where.startswith(upstream.party.sso), where
        return upstream.read_request(REDIRECT, dict(parse_qsl(urlsplit(where).query, keep_blank_values=True)))
    action, fields = page.form()
    assert action == upstream.party.sso
    return upstream.read_request(POST, fields)


def register(folder: Folder, keys: Path) -> Peers:
    """Give the broker everybody's metadata, with its own commands."""
    keys.mkdir(exist_ok=True)
    peers = Peers(keys=PeerKeys(folder=keys))
    for party in (*_e_services(peers), *_upstreams(peers)):
        file = keys / f"{party.key}.xml"
        file.write_text(peers.metadata(party), encoding="utf-8")
        kind = "e-service" if isinstance(party, EServiceParty) else "upstream"
        folder.done("metadata", "add", file, "--kind", kind)
    return peers


def meet(peers: Peers, base_url: str, send: Send) -> Parties:
    """Everybody reads the metadata of the broker that answers at `send`."""

    def fetched(path: str) -> str:
        reply = send("GET", path, {}, b"")
        assert reply.status == 200, reply.text
        return reply.text

    idp, own = fetched("/saml/idp/metadata"), fetched("/saml/sp/metadata")
    e_service, open_e_service = (peers.e_service(party, idp) for party in _e_services(peers))
    upstream, connector = (peers.upstream(party, own) for party in _upstreams(peers))
    return Parties(
        base_url=base_url,
        send=send,
        peers=peers,
        e_service=e_service,
        open_e_service=open_e_service,
        upstream=upstream,
        connector=connector,
    )


def _e_services(peers: Peers) -> tuple[EServiceParty, EServiceParty]:
    return peers.e_service_party("bygglov", wanted=WANTED), peers.e_service_party("etablering", wanted=WANTED)


def _upstreams(peers: Peers) -> tuple[UpstreamParty, UpstreamParty]:
    bankid = replace(peers.upstream_party("bankid"), knows=None, scopes=("2120001231",))
    return bankid, peers.upstream_party("eidas")
