"""A store that goes away while the broker serves: clear pages, no assertion without its audit, and the way back."""

import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from support.citizen import Citizen, Reply
from support.parties import LOA3
from support.real_broker import wait_until
from support.servers import PostgresqlServer, RedisServer, redis_server
from support.store_pairs import SWEDE, Town, town

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("sqlite")) as made:
        yield made


def assert_unavailable(page: Reply) -> None:
    assert page.status == 503, page.text
    assert page.reference
    assert page.title
    assert not page.posts
    assert "Traceback" not in page.text


def parked(there: Town) -> tuple[Citizen, str]:
    """A citizen whose answer has arrived, and the address of its outcome."""
    citizen = there.parties.citizen()
    form = there.parties.upstream.grant(there.parties.asked(citizen), SWEDE, LOA3, person="x")
    return citizen, citizen.park(form.url, form.fields).header("Location")


def granted(there: Town) -> int:
    """How many answers with an assertion the audit knows."""
    events = [json.loads(line)["event"] for line in there.broker.folder.done("audit", "export").splitlines()]
    return Counter(e["code"] for e in events if e["kind"] == "LoginConcluded")["granted"]


def test_redis_goes_and_comes_back(tmp_path: Path) -> None:
    with redis_server() as redis, town(tmp_path, redis=redis) as there:
        there.assert_logs_in()
        parties = there.parties
        chooser = parties.citizen()
        page = parties.arrive(chooser, parties.ask(parties.open_e_service, relay_state="x"))
        citizen, outcome = parked(there)
        late = parties.citizen()
        asked = parties.asked(late)
        redis.stop()
        assert_unavailable(parties.arrive(parties.citizen(), parties.ask(relay_state="x")))
        assert_unavailable(chooser.get(page.url))
        assert_unavailable(citizen.get(outcome))
        assert_unavailable(parties.deliver(late, parties.upstream.grant(asked, SWEDE, LOA3, person="x")))
        assert there.broker.send("GET", "/health/live", {}, b"").status == 200
        ready = there.broker.ready()
        assert not ready["ready"]
        assert any("transient" in problem for problem in ready["problems"])
        redis.start()
        wait_until(lambda: there.broker.ready()["ready"], seconds=20)
        there.assert_logs_in()
        assert citizen.get(outcome).status in (403, 410)  # this Redis forgot, and the citizen is told to begin again


def test_postgresql_goes_and_comes_back(tmp_path: Path, postgresql: PostgresqlServer) -> None:
    with town(tmp_path, postgresql=postgresql) as there:
        there.assert_logs_in()
        citizen, outcome = parked(there)
        postgresql.stop()
        try:
            assert_unavailable(there.parties.arrive(there.parties.citizen(), there.parties.ask(relay_state="x")))
            assert_unavailable(citizen.get(outcome))
        finally:
            postgresql.start()
        there.parties.receive(citizen.get(outcome))
        there.assert_logs_in()
        there.broker.folder.done("audit", "verify")


def test_workers_that_die_while_the_database_is_away_are_replaced_when_it_is_back(
    tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    with town(tmp_path, postgresql=postgresql) as there:
        postgresql.stop()
        try:
            for worker in there.broker.workers:
                os.kill(worker, signal.SIGKILL)
            wait_until(lambda: there.broker.log.count("a worker waits for a store") >= 4, seconds=20)
            assert there.broker.program.process.poll() is None
        finally:
            postgresql.start()
        there.assert_logs_in()


def test_a_database_that_takes_no_event_lets_no_assertion_out(tmp_path: Path, postgresql: PostgresqlServer) -> None:
    with town(tmp_path, postgresql=postgresql) as there:
        citizen, outcome = parked(there)
        before = granted(there)
        make_read_only(there, True)
        for _ in range(3):
            assert_unavailable(citizen.get(outcome))
        make_read_only(there, False)
        assert granted(there) == before
        there.parties.receive(citizen.get(outcome))
        assert granted(there) == before + 1
        there.broker.folder.done("audit", "verify")


def make_read_only(there: Town, read_only: bool) -> None:
    """As a failover to a replica would, for every connection: the old ones end."""
    url = str(there.broker.folder.config.read_text().split('durable = "')[1].split('"')[0]).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        name = url.rpartition("/")[2]
        setting = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
        connection.execute(setting.format(sql.Identifier(name), sql.Literal(read_only)))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (name,),
        )


def test_a_locked_audit_lets_no_assertion_out_until_it_is_free(on_sqlite: Town) -> None:
    citizen, outcome = parked(on_sqlite)
    before = granted(on_sqlite)
    lock = sqlite3.connect(on_sqlite.broker.folder.data / "durable.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        page = citizen.get(outcome)
        assert_unavailable(page)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert granted(on_sqlite) == before
    on_sqlite.parties.receive(citizen.get(outcome))
    assert granted(on_sqlite) == before + 1
    on_sqlite.assert_logs_in()


@pytest.fixture(scope="module")
def nearly_full(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[tuple[Town, int]]:
    """A broker whose logins are in Redis, and a largest size of files at which it can log but not audit."""
    redis.forget_everything()
    with town(tmp_path_factory.mktemp("full"), redis=redis) as made:
        journal = made.broker.folder.data / "durable.sqlite-wal"
        while not journal.exists() or journal.stat().st_size < 300_000:
            made.assert_logs_in()
        yield made, 200_000


def test_a_full_disk_lets_no_assertion_out_until_there_is_room(nearly_full: tuple[Town, int]) -> None:
    there, largest_file = nearly_full
    waiting = [parked(there) for _ in range(3)]
    before, logged = granted(there), len(there.broker.lines)
    with there.broker.full_disk(largest_file):
        for citizen, outcome in waiting:
            assert_unavailable(citizen.get(outcome))
        assert_unavailable(there.parties.arrive(there.parties.citizen(), there.parties.ask(relay_state="x")))
        assert there.broker.send("GET", "/health/live", {}, b"").status == 200
    assert granted(there) == before
    codes = Counter(line.get("code") for line in there.broker.lines[logged:])
    assert (codes["audit-unavailable"], codes["store-unavailable"]) == (4, 0)
    for citizen, outcome in waiting:
        there.parties.receive(citizen.get(outcome))
    assert granted(there) == before + 3
    there.assert_logs_in()
    there.broker.folder.done("audit", "verify")


def test_the_link_on_the_page_leads_on_when_the_store_is_back(nearly_full: tuple[Town, int]) -> None:
    there, largest_file = nearly_full
    citizen, outcome = parked(there)
    with there.broker.full_disk(largest_file):
        page = citizen.get(outcome)
        assert_unavailable(page)
    (again,) = page.links("/login/")
    there.parties.receive(citizen.get(again))


def test_a_log_that_cannot_be_written_stops_nobody(nearly_full: tuple[Town, int]) -> None:
    there, _ = nearly_full
    with there.broker.full_disk(there.broker.program.output.stat().st_size):
        assert there.parties.send("GET", "/saml/idp/metadata", {}, b"").status == 200
    there.assert_logs_in()


def test_no_line_of_the_log_holds_a_trace_or_a_person(on_sqlite: Town) -> None:
    assert "Traceback" not in on_sqlite.broker.log
    assert "unexpected failure" not in on_sqlite.broker.log
    assert not any(value in on_sqlite.broker.log for value in SWEDE.values())
    assert all(line["event"] for line in on_sqlite.broker.lines)
