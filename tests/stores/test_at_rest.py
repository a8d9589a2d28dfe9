"""The files of the stores are searched for what is personal: while in use, after a checkpoint, and in Redis' dump."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.audit_events import make_answered, make_asked, make_concluded, make_requested
from support.servers import RedisServer
from support.store_values import (
    KEYS,
    PERSONAL,
    SystemClock,
    in_seconds,
    make_ended,
    make_pending,
    make_ready,
    make_started,
)

from broker.audit.chain import ChainedAuditLog
from broker.core.login import LoginId
from broker.stores.codec import LoginCodec
from broker.stores.logins import SealedLoginStore
from broker.stores.migrate import migrate
from broker.stores.opening import open_transient
from broker.stores.seen import SeenIdsIn
from broker.stores.sql import open_durable
from broker.stores.sql_audit import SqlAuditRows
from broker.stores.transient import TransientStore
from broker.stores.values import SealedValues

IDS = ("login-to-look-for", "session-to-look-for", "_assertion-to-look-for")
SOUGHT = (*PERSONAL, *IDS)


def fill(store: TransientStore) -> None:
    """A login in each of its states, a session and a used message ID; every older state stays as garbage."""
    logins = SealedLoginStore(store, LoginCodec(KEYS))
    for moves in range(4):
        name = f"{IDS[0]}-{moves}"
        logins.add(make_started(name))
        for state in (make_pending(name), make_ready(name), make_ended(name))[:moves]:
            stored = logins.find(LoginId(name), datetime.now(UTC))
            assert stored is not None
            assert logins.move(stored, state)
    SealedValues(store, KEYS, "session").put(IDS[1], " ".join(PERSONAL).encode(), in_seconds(60))
    SeenIdsIn(store).claim("assertion", IDS[2], in_seconds(60))


def found_in(content: bytes) -> list[str]:
    encodings = ("utf-8", "utf-16-le", "latin-1")
    return [value for value in SOUGHT for encoding in encodings if value.encode(encoding) in content]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_search_finds_what_is_there() -> None:
    assert found_in(f"a{PERSONAL[1]}b".encode()) == [PERSONAL[1]]
    assert found_in(f"a{PERSONAL[0]}b".encode("utf-16-le")) == [PERSONAL[0]]


def test_the_embedded_stores_hold_nothing_personal(tmp_path: Path, clock: SystemClock) -> None:
    store = open_transient(f"sqlite:///{tmp_path / 'transient.sqlite'}", clock)
    fill(store)
    engine = open_durable(str(tmp_path / "durable.sqlite"))
    migrate(engine)
    log = ChainedAuditLog(SqlAuditRows(engine), "node-1")
    for event in (make_requested(), make_asked(), make_answered(), make_concluded()):
        log.record(event)
    in_use = contents(tmp_path)  # while both stores are open, so that the write-ahead logs are there
    assert {name for name in in_use if name.endswith("-wal")} == {"transient.sqlite-wal", "durable.sqlite-wal"}
    assert {name: found_in(content) for name, content in in_use.items() if found_in(content)} == {}
    engine.dispose()
    del store
    for name in ("transient.sqlite", "durable.sqlite"):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    assert {name: found_in(content) for name, content in contents(tmp_path).items() if found_in(content)} == {}


@pytest.mark.services
def test_a_dump_of_redis_holds_nothing_personal(fresh_redis: RedisServer, clock: SystemClock) -> None:
    with fresh_redis.client as client:
        client.config_set("rdbcompression", "no")
    fill(open_transient(fresh_redis.url, clock))
    dump = fresh_redis.dump()
    assert b"broker:login:" in dump
    assert found_in(dump) == []
