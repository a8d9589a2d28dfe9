"""`broker serve` with two workers on either pair of stores: logins, changes that reach it, and workers that die."""

import pytest
from support.citizen import Reply
from support.parties import LOA3, Parties
from support.peers import POST, REDIRECT
from support.real_broker import let_every_worker_notice
from support.store_pairs import SWEDE, Town

from broker.demo.e_service import AnswerRefused

pytestmark = pytest.mark.services

FOREIGNER = {
    "sn": "Koskimäki",
    "givenName": "Aino",
    "dateOfBirth": "1964-08-23",
    "c": "FI",
    "prid": "FI:230864-934x",
    "pridPersistence": "A",
    "eidasPersonIdentifier": "FI/SE/230864-934X",
    "transactionIdentifier": "_t",
}


def assert_stopped(page: Reply, status: int) -> None:
    """A clear page with a reference, and nothing that leaves."""
    assert page.status == status, page.text
    assert page.reference
    assert page.title
    assert not page.posts


def offered(parties: Parties) -> tuple[str, ...]:
    """Who is offered to a citizen at the e-service that takes foreigners as well."""
    citizen = parties.citizen()
    page = parties.arrive(citizen, parties.ask(parties.open_e_service, relay_state="x"))
    return page.offers if page.status == 200 and not page.posts else ("only one",)


def test_it_serves_with_as_many_workers_as_were_asked_for(served: Town) -> None:
    assert len(served.broker.workers) == 2
    assert served.broker.ready() == {"ready": True, "problems": [], "warnings": []}


@pytest.mark.parametrize("binding", [REDIRECT, POST], ids=["redirect", "post"])
def test_a_whole_login(served: Town, binding: str) -> None:
    parties = served.parties
    received = parties.log_in(parties.citizen(), SWEDE, relay_state="opaque å&=", binding=binding)
    assert received.level == LOA3
    assert received.attributes["sn"] == ("Wrångstedt",)
    again = parties.log_in(parties.citizen(), SWEDE, binding=binding)
    assert again.name_id == received.name_id


def test_a_whole_login_of_a_foreigner(served: Town) -> None:
    received = served.parties.log_in(served.parties.citizen(), FOREIGNER, foreign=True)
    assert received.attributes["prid"] == ("FI:230864-934x",)


def test_an_answer_counts_once_whichever_worker_gets_it(served: Town) -> None:
    parties = served.parties
    citizen = parties.citizen()
    asked = parties.asked(citizen)
    form = parties.upstream.grant(asked, SWEDE, LOA3, person="x")
    page = parties.deliver(citizen, form)
    parties.receive(page)
    for _ in range(4):
        assert not parties.deliver(citizen, form).posts
    with pytest.raises(AnswerRefused):
        parties.receive(page)


@pytest.mark.parametrize("whose", ["e-service", "upstream"])
def test_a_peer_that_is_withdrawn_during_a_login_gets_a_clear_page_within_seconds(served: Town, whose: str) -> None:
    parties, folder = served.parties, served.broker.folder
    upstream = parties.upstream.party.entity_id
    peer = upstream if whose == "upstream" else parties.e_service.party.entity_id
    waiting = [(citizen := parties.citizen(), parties.asked(citizen)) for _ in range(2)]
    assert upstream in offered(parties)
    folder.done("metadata", "block", peer)
    try:
        let_every_worker_notice()
        assert not any(is_served(parties) for _ in range(4))
        for citizen, asked in waiting:
            page = parties.deliver(citizen, parties.upstream.grant(asked, SWEDE, LOA3, person="x"))
            assert_stopped(page, 403)
        assert (upstream in offered(parties)) == (whose == "e-service")
    finally:
        folder.done("metadata", "block", peer, "--lift")
    let_every_worker_notice()
    for _ in range(4):
        served.assert_logs_in()


def is_served(parties: Parties) -> bool:
    """Whether the e-service's citizens are sent to the upstream."""
    return parties.arrive(parties.citizen(), parties.ask(relay_state="x")).status == 303


def test_a_login_outlives_the_worker_that_began_it(served: Town) -> None:
    parties = served.parties
    waiting = [(citizen := parties.citizen(), parties.asked(citizen)) for _ in range(2)]
    parked = parties.citizen()
    form = parties.upstream.grant(parties.asked(parked), SWEDE, LOA3, person="x")
    where = parked.park(form.url, form.fields).header("Location")
    for _ in range(2):  # so that none is left of those that were there
        served.broker.kill_worker()
    for citizen, asked in waiting:
        parties.receive(parties.deliver(citizen, parties.upstream.grant(asked, SWEDE, LOA3, person="x")))
    parties.receive(parked.get(where))
    served.assert_logs_in()
    served.broker.folder.done("audit", "verify")


def test_the_audit_of_all_workers_is_whole(served: Town) -> None:
    for _ in range(3):
        served.assert_logs_in()
    assert "whole" in served.broker.folder.done("audit", "verify")


def test_every_line_of_the_log_is_json(served: Town) -> None:
    assert any(line.get("event") == "serving" for line in served.broker.lines)
