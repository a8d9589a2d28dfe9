import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest
from support.audit_events import make_acted, make_answered, make_concluded, make_requested
from support.audit_rows import MemoryAuditRows

from broker.audit.chain import ChainedAuditLog
from broker.audit.verification import verify_chains
from broker.core.errors import AuditUnavailable
from broker.flow.audit_ports import AuditRow
from broker.flow.events import AuditEvent


@pytest.fixture
def rows() -> MemoryAuditRows:
    return MemoryAuditRows()


@pytest.fixture
def log(rows: MemoryAuditRows) -> ChainedAuditLog:
    return ChainedAuditLog(rows, "node-1")


def kinds(rows: MemoryAuditRows) -> list[str]:
    return [row.kind for row in rows.rows]


def test_a_chain_begins_with_its_first_event(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    assert kinds(rows) == []
    log.record(make_requested())
    assert kinds(rows) == ["ChainStarted", "LoginRequested"]
    assert [row.seq for row in rows.rows] == [0, 1]


def test_an_event_is_one_append(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    for _ in range(10):
        log.record(make_answered())
    assert rows.appends == 10


def test_the_body_has_every_field_of_the_event(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    log.record(make_concluded())
    assert json.loads(rows.rows[-1].body) == {
        "kind": "LoginConcluded",
        "at": "2026-03-01T12:00:00.123456Z",
        "reference": "ABCDEFGHJKLM",
        "e_service": "https://e-service.example/sp",
        "code": "granted",
        "response": "_" + "d" * 40,
        "assertion": "_" + "e" * 40,
        "signing_key": "f" * 64,
        "signature_algorithm": "https://algorithms.example/rsa-sha256",
        "encryption_algorithm": "https://algorithms.example/rsa-sha256",
    }


def test_an_event_that_is_not_stored_is_no_event(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    rows.available = False
    with pytest.raises(AuditUnavailable):
        log.record(make_requested())


def test_after_a_failure_a_new_chain_anchors_the_interrupted_one(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    log.record(make_requested())
    interrupted = log.head()
    assert interrupted is not None
    rows.available = False
    with pytest.raises(AuditUnavailable):
        log.record(make_requested("LOSTXXXXXXXX"))
    rows.available = True
    log.record(make_requested("AFTERWARDSXX"))
    assert kinds(rows) == ["ChainStarted", "LoginRequested", "ChainStarted", "LoginRequested"]
    assert json.loads(rows.rows[2].body)["heads"] == [f"{interrupted.chain} 1 {interrupted.hash}"]
    assert verify_chains(rows).breaks == ()


def test_a_wrong_field_is_refused_before_anything_is_stored(log: ChainedAuditLog, rows: MemoryAuditRows) -> None:
    log.record(make_acted())
    with pytest.raises(AuditUnavailable) as refused:
        log.record(replace(make_requested(), asked=cast("tuple[str, ...]", ({"pnr": "199001012385"},))))
    assert "199001012385" not in refused.value.detail
    log.record(make_acted())
    assert kinds(rows).count("ChainStarted") == 1


def test_something_that_is_no_event_is_refused(log: ChainedAuditLog) -> None:
    class Stranger:
        at = make_acted().at

    with pytest.raises(AuditUnavailable):
        log.record(cast(AuditEvent, Stranger()))


def test_a_lone_chain_does_not_anchor_nothing(rows: MemoryAuditRows) -> None:
    log = ChainedAuditLog(rows, "node-1", anchor_every_s=0)
    for _ in range(3):
        log.record(make_acted())
    assert kinds(rows) == ["ChainStarted"] + 3 * ["AdministratorActed"]


def test_chains_anchor_each_other_again(rows: MemoryAuditRows) -> None:
    first = ChainedAuditLog(rows, "node-1", anchor_every_s=0)
    second = ChainedAuditLog(rows, "node-2", anchor_every_s=0)
    first.record(make_acted())
    second.record(make_acted())
    first.record(make_acted())
    assert kinds(rows)[-2:] == ["ChainsAnchored", "AdministratorActed"]
    assert verify_chains(rows).breaks == ()


class SlowRows(MemoryAuditRows):
    """Lets a test look while an append is on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Wait first."""
        self.entered.set()
        assert self.go_on.wait(10)
        super().append(rows)


def wait_for(log: ChainedAuditLog, number: int) -> None:
    """Return when this many events wait for the one that is on its way."""
    until = time.monotonic() + 10
    while len(log._chain.waiting if log._chain else ()) < number:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_events_that_wait_are_stored_together() -> None:
    rows = SlowRows()
    log = ChainedAuditLog(rows, "node-1")
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(log.record, make_acted())
        assert rows.entered.wait(10)
        waiting = [pool.submit(log.record, make_acted(f"WAITING{n:05}")) for n in range(6)]
        wait_for(log, 6)
        rows.go_on.set()
        for recorded in (first, *waiting):
            recorded.result(10)
    assert rows.appends == 2
    assert len(rows.rows) == 8
    assert verify_chains(rows).breaks == ()


def test_when_a_common_append_fails_everybody_who_waited_is_told() -> None:
    rows = SlowRows()
    log = ChainedAuditLog(rows, "node-1")
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(log.record, make_acted())
        assert rows.entered.wait(10)
        waiting = [pool.submit(log.record, make_acted()) for _ in range(3)]
        wait_for(log, 3)
        rows.available = False
        rows.go_on.set()
        for recorded in (first, *waiting):
            with pytest.raises(AuditUnavailable):
                recorded.result(10)
    assert rows.rows == []
