import resource
import signal
import sqlite3
from pathlib import Path

import pytest
from support.audit_events import make_answered, make_requested
from support.processes import in_processes
from support.servers import PostgresqlServer

from broker.audit.chain import ChainedAuditLog
from broker.audit.verification import verify_chains
from broker.core.errors import AuditUnavailable
from broker.stores.migrate import migrate
from broker.stores.sql import open_durable
from broker.stores.sql_audit import SqlAuditRows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "durable.sqlite"


def references(rows: SqlAuditRows) -> list[str]:
    return sorted(row.reference for row in rows.by_chain() if row.reference)


def test_a_store_without_tables_takes_no_event(path: Path) -> None:
    engine = open_durable(str(path))
    with pytest.raises(Exception, match="audit_chain"):
        ChainedAuditLog(SqlAuditRows(engine), "node-1").record(make_requested())
    engine.dispose()


def test_a_locked_file_takes_no_event_until_it_is_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.stores.sql._BUSY_TIMEOUT_MS", 100)
    engine = open_durable(str(path))
    migrate(engine)
    rows = SqlAuditRows(engine)
    log = ChainedAuditLog(rows, "node-1")
    log.record(make_requested("BEFOREXXXXXX"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(AuditUnavailable):
        log.record(make_requested("LOCKEDXXXXXX"))
    other.execute("ROLLBACK")
    other.close()
    log.record(make_requested("AFTERXXXXXXX"))
    assert references(rows) == ["AFTERXXXXXXX", "BEFOREXXXXXX"]
    assert verify_chains(rows).breaks == ()
    engine.dispose()


def test_a_full_disk_takes_no_event_until_there_is_room(path: Path) -> None:
    engine = open_durable(str(path))
    migrate(engine)
    rows = SqlAuditRows(engine)
    log = ChainedAuditLog(rows, "node-1")
    log.record(make_requested("BEFOREXXXXXX"))

    def fill(_index: int) -> tuple[int, bool]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
        stored, refused = 0, False
        try:
            for number in range(1000):
                log.record(make_answered(f"FILLING{number:05}"))
                stored += 1
        except AuditUnavailable:
            refused = True
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        log.record(make_requested("ROOMXXXXXXXX"))
        return stored, refused

    ((stored, refused),) = in_processes(1, fill)
    assert refused
    assert len(references(rows)) == stored + 2
    assert verify_chains(rows).breaks == ()
    engine.dispose()


@pytest.mark.services
def test_a_database_that_was_restarted_takes_the_next_event(postgresql: PostgresqlServer) -> None:
    engine = open_durable(postgresql.new_database())
    migrate(engine)
    rows = SqlAuditRows(engine)
    log = ChainedAuditLog(rows, "node-1")
    log.record(make_requested("BEFOREXXXXXX"))
    postgresql.stop()
    postgresql.start()
    log.record(make_requested("AFTERXXXXXXX"))
    report = verify_chains(rows)
    assert (report.events, len(report.heads), report.breaks) == (3, 1, ())
    engine.dispose()


@pytest.mark.services
def test_a_database_that_is_gone_takes_no_event_until_it_is_back(postgresql: PostgresqlServer) -> None:
    engine = open_durable(postgresql.new_database())
    migrate(engine)
    rows = SqlAuditRows(engine)
    log = ChainedAuditLog(rows, "node-1")
    log.record(make_requested("BEFOREXXXXXX"))
    postgresql.stop()
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            log.record(make_requested("GONEXXXXXXXX"))
    postgresql.start()
    log.record(make_requested("AFTERXXXXXXX"))
    assert references(rows) == ["AFTERXXXXXXX", "BEFOREXXXXXX"]
    assert verify_chains(rows).breaks == ()
    engine.dispose()


@pytest.mark.services
def test_rows_that_were_stored_before_the_connection_was_lost_are_not_stored_twice(
    postgresql: PostgresqlServer,
) -> None:
    engine = open_durable(postgresql.new_database())
    migrate(engine)
    rows = SqlAuditRows(engine)
    ChainedAuditLog(rows, "node-1").record(make_requested())
    stored = list(rows.by_chain())
    lost = rows._connection
    assert lost is not None
    lost.close()  # the answer to these very rows never came
    rows.append(stored)
    assert list(rows.by_chain()) == stored
    engine.dispose()
