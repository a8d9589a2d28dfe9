import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, select, text, update
from support.audit_events import (
    AT,
    E_SERVICE,
    UPSTREAM,
    make_acted,
    make_answered,
    make_asked,
    make_concluded,
    make_requested,
)
from support.processes import in_processes

from broker.audit.chain import ChainedAuditLog
from broker.audit.verification import BreakCode, export_events, verify_chains
from broker.flow.audit_ports import AuditRow, ChainHead
from broker.flow.ports import AuditLog
from broker.stores.schema import AUDIT_CHAIN, AUDIT_EVENT
from broker.stores.sql import reading, writing
from broker.stores.sql_audit import SqlAuditRows


@pytest.fixture
def rows(durable: Engine) -> SqlAuditRows:
    return SqlAuditRows(durable)


@pytest.fixture
def log(rows: SqlAuditRows) -> ChainedAuditLog:
    return ChainedAuditLog(rows, "node-1")


def record_login(log: AuditLog, reference: str = "ABCDEFGHJKLM") -> None:
    for make in (make_requested, make_asked, make_answered, make_concluded):
        log.record(make(reference))


def breaks_of(rows: SqlAuditRows, known: Sequence[ChainHead] = ()) -> list[tuple[BreakCode, int]]:
    return [(found.code, found.seq) for found in verify_chains(rows, known).breaks]


def stored(rows: SqlAuditRows) -> list[AuditRow]:
    return list(rows.by_chain())


def change(connection: Connection, seq: int, /, **values: object) -> None:
    connection.execute(update(AUDIT_EVENT).where(AUDIT_EVENT.c.seq == seq).values(values))


def test_a_log_that_nobody_touched_is_whole(log: ChainedAuditLog, rows: SqlAuditRows) -> None:
    record_login(log)
    log.record(make_acted())
    report = verify_chains(rows)
    assert report.breaks == ()
    assert report.events == 6  # five, and the beginning of the chain
    assert report.heads == (log.head(),)


def test_an_empty_log_is_whole(rows: SqlAuditRows) -> None:
    assert breaks_of(rows) == []


def test_an_event_can_be_searched_for(log: ChainedAuditLog, rows: SqlAuditRows) -> None:
    log.record(make_answered("ZZZZZZZZZZZZ"))
    (row,) = [row for row in stored(rows) if row.reference == "ZZZZZZZZZZZZ"]
    assert (row.at, row.kind, row.e_service, row.upstream, row.code) == (
        AT,
        "UpstreamAnswered",
        E_SERVICE,
        UPSTREAM,
        "granted",
    )


def test_a_removed_event_is_found(log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine) -> None:
    record_login(log)
    with writing(durable) as connection:
        connection.execute(delete(AUDIT_EVENT).where(AUDIT_EVENT.c.seq == 2))
    assert breaks_of(rows) == [(BreakCode.REMOVED, 2)]


def test_a_removed_first_event_is_found(log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine) -> None:
    record_login(log)
    with writing(durable) as connection:
        connection.execute(delete(AUDIT_EVENT).where(AUDIT_EVENT.c.seq == 0))
    assert breaks_of(rows) == [(BreakCode.REMOVED, 0)]


def test_a_removed_event_whose_followers_moved_up_is_found(
    log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine
) -> None:
    record_login(log)
    with writing(durable) as connection:
        connection.execute(delete(AUDIT_EVENT).where(AUDIT_EVENT.c.seq == 2))
        for seq in (3, 4):
            change(connection, seq, seq=seq - 1)
    assert breaks_of(rows)[0] == (BreakCode.CHANGED, 2)


def test_a_changed_body_is_found(log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine) -> None:
    record_login(log)
    body = json.loads(stored(rows)[3].body) | {"delivered": "https://levels.example/4"}
    with writing(durable) as connection:
        change(connection, 3, body=json.dumps(body, sort_keys=True, separators=(",", ":")))
    assert breaks_of(rows) == [(BreakCode.CHANGED, 3)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reference", "YYYYYYYYYYYY"),
        ("kind", "LoginRequested"),
        ("e_service", None),
        ("upstream", "https://other.example/idp"),
        ("code", "cancelled"),
        ("at", AT + timedelta(seconds=1)),
    ],
)
def test_a_changed_column_is_found(
    log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine, column: str, value: object
) -> None:
    record_login(log)
    with writing(durable) as connection:
        change(connection, 3, **{column: value})
    assert breaks_of(rows) == [(BreakCode.CHANGED, 3)]


def test_swapped_events_are_found(log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine) -> None:
    record_login(log)
    with writing(durable) as connection:
        for old, new in ((2, -1), (3, 2), (-1, 3)):
            change(connection, old, seq=new)
    assert breaks_of(rows)[:2] == [(BreakCode.CHANGED, 2), (BreakCode.CHANGED, 3)]


def test_a_chain_cut_after_a_new_one_began_is_found(rows: SqlAuditRows, durable: Engine) -> None:
    first = ChainedAuditLog(rows, "node-1")
    record_login(first)
    record_login(ChainedAuditLog(rows, "node-2"))
    head = first.head()
    assert head is not None
    with writing(durable) as connection:
        last = (AUDIT_EVENT.c.chain == head.chain) & (AUDIT_EVENT.c.seq >= 3)
        connection.execute(delete(AUDIT_EVENT).where(last))
    assert breaks_of(rows) == [(BreakCode.CUT, 4)]


def test_a_chain_cut_after_another_one_anchored_again_is_found(rows: SqlAuditRows, durable: Engine) -> None:
    first = ChainedAuditLog(rows, "node-1", anchor_every_s=0)
    second = ChainedAuditLog(rows, "node-2", anchor_every_s=0)
    record_login(first)
    record_login(second)
    first.record(make_requested("AFTERWARDSXX"))
    second.record(make_requested("ANCHORSFIRST"))
    head = first.head()
    assert head is not None
    with writing(durable) as connection:
        last = (AUDIT_EVENT.c.chain == head.chain) & (AUDIT_EVENT.c.seq == head.seq)
        connection.execute(delete(AUDIT_EVENT).where(last))
    assert breaks_of(rows) == [(BreakCode.CUT, head.seq)]


def test_a_removed_chain_is_found(rows: SqlAuditRows, durable: Engine) -> None:
    first = ChainedAuditLog(rows, "node-1")
    record_login(first)
    record_login(ChainedAuditLog(rows, "node-2"))
    head = first.head()
    assert head is not None
    with writing(durable) as connection:
        connection.execute(delete(AUDIT_EVENT).where(AUDIT_EVENT.c.chain == head.chain))
        connection.execute(delete(AUDIT_CHAIN).where(AUDIT_CHAIN.c.chain == head.chain))
    assert breaks_of(rows) == [(BreakCode.CHAIN_REMOVED, 4)]


def test_a_cut_or_rewritten_log_contradicts_heads_kept_elsewhere(
    log: ChainedAuditLog, rows: SqlAuditRows, durable: Engine
) -> None:
    record_login(log)
    known = verify_chains(rows).heads
    record_login(log)
    assert breaks_of(rows, known) == []
    with writing(durable) as connection:
        connection.execute(delete(AUDIT_EVENT).where(AUDIT_EVENT.c.seq >= 4))
    assert breaks_of(rows) == []
    assert breaks_of(rows, known) == [(BreakCode.CUT, 4)]


def test_an_event_rewritten_with_its_hash_contradicts_the_anchor(rows: SqlAuditRows, durable: Engine) -> None:
    first = ChainedAuditLog(rows, "node-1")
    record_login(first)
    record_login(ChainedAuditLog(rows, "node-2"))
    head = first.head()
    assert head is not None
    with writing(durable) as connection:
        end = (AUDIT_EVENT.c.chain == head.chain) & (AUDIT_EVENT.c.seq == head.seq)
        connection.execute(update(AUDIT_EVENT).where(end).values(hash="0" * 64))
    assert (BreakCode.CONTRADICTED, head.seq) in breaks_of(rows)


def test_each_chain_begins_with_the_loose_ends_of_the_others_only(rows: SqlAuditRows) -> None:
    for node in ("node-1", "node-2", "node-3"):
        record_login(ChainedAuditLog(rows, node))
    started = [json.loads(row.body) for row in stored(rows) if row.kind == "ChainStarted"]
    heads = {body["node"]: body["heads"] for body in started}
    assert [len(heads[node]) for node in ("node-1", "node-2", "node-3")] == [0, 1, 1]


def test_threads_share_one_chain(log: ChainedAuditLog, rows: SqlAuditRows) -> None:
    log.record(make_acted())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: record_login(log, f"THREAD{n:06}"), range(24)))
    report = verify_chains(rows)
    assert (report.events, report.breaks, len(report.heads)) == (98, (), 1)


def test_forked_processes_have_chains_of_their_own(log: ChainedAuditLog, rows: SqlAuditRows) -> None:
    record_login(log)

    def work(index: int) -> None:
        for number in range(10):
            record_login(log, f"WORKER{index}{number:05}")

    in_processes(3, work)
    record_login(log)
    report = verify_chains(rows)
    assert (report.events, report.breaks, len(report.heads)) == (3 * 41 + 9, (), 4)


def test_the_export_has_every_event_oldest_first(log: ChainedAuditLog, rows: SqlAuditRows) -> None:
    early = datetime(2026, 1, 1, tzinfo=UTC)
    log.record(make_requested("LATEXXXXXXXX"))
    log.record(make_requested("EARLYXXXXXXX", at=early))
    events = [json.loads(line)["event"] for line in export_events(rows)]
    assert [event.get("reference") for event in events if event["kind"] == "LoginRequested"] == [
        "EARLYXXXXXXX",
        "LATEXXXXXXXX",
    ]
    assert len(list(export_events(rows, until=AT))) == 1
    assert len(list(export_events(rows, since=AT))) == 2


def test_an_event_is_committed_when_record_returns(log: ChainedAuditLog, durable: Engine) -> None:
    log.record(make_requested("COMMITTEDXXX"))
    with reading(durable) as connection:
        assert connection.execute(
            select(AUDIT_EVENT.c.kind).where(AUDIT_EVENT.c.reference == "COMMITTEDXXX")
        ).scalars().all() == ["LoginRequested"]


def test_a_commit_reaches_the_disk(durable: Engine, rows: SqlAuditRows) -> None:
    setting = "PRAGMA synchronous" if durable.dialect.name == "sqlite" else "SHOW synchronous_commit"
    with reading(durable) as connection:
        assert connection.execute(text(setting)).scalar() in (2, "on")
