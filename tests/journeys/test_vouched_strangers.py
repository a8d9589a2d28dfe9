"""Peers that declare nothing work by an administrator's word alone: `--loa` and `--category`, on a running broker."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from support.peers import PeerKeys, Peers
from support.programs import fetch, free_port
from werkzeug.serving import make_server

from broker.demo import words
from broker.demo.browser import BrowserStopped, PlainBrowser
from broker.demo.e_service_web import create_e_service_app
from broker.demo.federation import EServiceParty, Federation, Party, UpstreamParty
from broker.demo.processes import python, run
from broker.demo.run import RunningDemo
from broker.demo.upstream_web import create_upstream_app
from broker.demo.visitor import Intention, Visitor

pytestmark = pytest.mark.services

SEEN_WITHIN_S = 5.0  # a running server acts on a change within this time


@contextmanager
def served(party: Party, app: Flask) -> Iterator[None]:
    """The pages of a party of this test's own."""
    server = make_server(party.host, party.port, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def strange(metadata: str) -> str:
    """Metadata as much software writes them: no extensions at all, 1 for true."""
    bare = re.sub(r"<(\w+:Extensions)>.*?</\1>", "", metadata, flags=re.DOTALL)
    return bare.replace('="true"', '="1"').replace('="false"', '="0"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """One e-service that asks for nothing and one IdP, both without a category or a level to their name."""

    federation: Federation
    e_service: EServiceParty
    upstream: UpstreamParty


@pytest.fixture(scope="module")
def strangers(demo: RunningDemo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strangers]:
    folder = tmp_path_factory.mktemp("strangers")
    peers = Peers(keys=PeerKeys(folder=folder))
    port = free_port("127.0.0.2", "127.0.0.3")
    e_service = peers.e_service_party("wiki", port=port, asks=())
    upstream = peers.upstream_party("stads-id", port=port, dialect="sweden_connect")
    add(demo, folder, "wiki", strange(peers.metadata(e_service)), "--kind", "e-service", "--category", words.LOA3_PNR)
    add(demo, folder, "stads-id", strange(peers.metadata(upstream)), "--kind", "upstream", "--loa", words.LOA3)
    with ExitStack() as stack:
        idp_metadata = fetch(demo.federation.broker_idp_metadata).decode()
        sp_metadata = fetch(demo.federation.broker_sp_metadata).decode()
        pages = create_e_service_app(peers.e_service(e_service, idp_metadata), f"{demo.federation.broker}/saml/idp")
        stack.enter_context(served(e_service, pages))
        stack.enter_context(served(upstream, create_upstream_app(peers.upstream(upstream, sp_metadata))))
        yield Strangers(federation=demo.federation, e_service=e_service, upstream=upstream)
    for party in (e_service, upstream):
        run(python("-m", "broker", "metadata", "remove", party.entity_id, "--config", str(demo.config)), "remove")


def add(demo: RunningDemo, folder: Path, name: str, metadata: str, *options: str) -> None:
    file = folder / f"{name}.xml"
    file.write_text(metadata, encoding="utf-8")
    run(python("-m", "broker", "metadata", "add", str(file), *options, "--config", str(demo.config)), "metadata add")


def log_in(strangers: Strangers, option: str = "resident:loa3") -> dict[str, object]:
    """One login; the running server has a moment to notice whom it was told of."""
    intention = Intention(e_service=strangers.e_service, upstream=strangers.upstream, option=option)
    deadline = time.monotonic() + SEEN_WITHIN_S
    while True:
        try:
            return dict(Visitor(strangers.federation, PlainBrowser()).log_in(intention).received)
        except BrowserStopped:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.25)


def test_both_work_by_an_administrators_word(strangers: Strangers) -> None:
    received = log_in(strangers)
    assert received["level"] == words.LOA3
    attributes = received["attributes"]
    assert isinstance(attributes, dict)
    assert attributes["personalIdentityNumber"] == ["198611239883"]
    assert received["authorities"] == [strangers.upstream.entity_id]


def test_a_coordination_number_still_needs_the_e_services_own_word(strangers: Strangers) -> None:
    assert log_in(strangers, "coordination:loa3")["status"] == [words.REQUESTER, words.REQUEST_DENIED]
