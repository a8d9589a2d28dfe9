import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from support.processes import in_processes
from support.programs import free_port
from support.servers import HOST, PostgresqlServer

from broker.core.errors import StoreUnavailable
from broker.stores.migrate import migrate
from broker.stores.schema import NODE, STORE_STAMP
from broker.stores.sql import open_durable, reading, writing


@pytest.fixture
def engine(open_empty: Callable[[], Engine]) -> Engine:
    engine = open_empty()
    migrate(engine)
    return engine


def add_node(engine: Engine, name: str) -> None:
    with writing(engine) as connection:
        connection.execute(insert(NODE).values(node=name, seen_at=datetime.now(UTC), fingerprints="[]"))


def nodes_in(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(NODE.c.node).order_by(NODE.c.node)).scalars())


def test_what_was_written_is_there_and_what_failed_is_not(engine: Engine) -> None:
    add_node(engine, "a")

    def fail_half_way() -> None:
        with writing(engine) as connection:
            connection.execute(insert(NODE).values(node="b", seen_at=datetime.now(UTC), fingerprints="[]"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert nodes_in(engine) == ["a"]


def test_a_broken_rule_of_the_tables_is_no_unavailable_store(engine: Engine) -> None:
    add_node(engine, "a")
    with pytest.raises(IntegrityError):
        add_node(engine, "a")


def test_errors_do_not_list_parameters(engine: Engine) -> None:
    add_node(engine, "a-value-to-look-for")
    with pytest.raises(IntegrityError) as failed:
        add_node(engine, "a-value-to-look-for")
    assert "[SQL parameters hidden" in str(failed.value)


@pytest.mark.parametrize("offset", [0, 2, -9.5])
def test_a_time_comes_back_as_the_same_moment_in_utc(engine: Engine, offset: float) -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=offset)))
    with writing(engine) as connection:
        connection.execute(insert(NODE).values(node="a", seen_at=moment, fingerprints="[]"))
    with reading(engine) as connection:
        found = connection.execute(select(NODE.c.seen_at)).scalar_one()
    assert found == moment
    assert found.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_not_stored(engine: Engine) -> None:
    with pytest.raises(StatementError), writing(engine) as connection:
        connection.execute(insert(NODE).values(node="a", seen_at=datetime(2026, 3, 1), fingerprints="[]"))  # noqa: DTZ001


def test_an_engine_opened_before_a_fork_serves_parent_and_children(engine: Engine) -> None:
    add_node(engine, "parent-before")

    def work(index: int) -> None:
        for number in range(10):
            add_node(engine, f"child-{index}-{number}")

    in_processes(3, work)
    add_node(engine, "parent-after")
    assert len(nodes_in(engine)) == 32


def test_writers_of_several_processes_take_turns(engine: Engine) -> None:
    add_node(engine, "0")

    def count_up(_index: int) -> None:
        for _ in range(20):
            with writing(engine) as connection:
                query = select(NODE.c.node).with_for_update()
                number = max(int(name) for name in connection.execute(query).scalars())
                connection.execute(text("UPDATE node SET node = :next"), {"next": str(number + 1)})

    in_processes(3, count_up)
    assert nodes_in(engine) == ["60"]


def test_foreign_keys_count(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        with reading(engine) as connection:
            assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_only_one_environment_can_be_stamped(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(insert(STORE_STAMP).values(id=2, environment="qa", stamped_at=datetime.now(UTC)))


def test_sqlite_files_are_for_the_owner_only(tmp_path: Path) -> None:
    engine = open_durable(str(tmp_path / "durable.sqlite"))
    migrate(engine)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {0o600}


def test_a_sqlite_lock_that_is_held_too_long_is_an_unavailable_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.stores.sql._BUSY_TIMEOUT_MS", 100)
    engine = open_durable(str(tmp_path / "durable.sqlite"))
    migrate(engine)
    other = sqlite3.connect(tmp_path / "durable.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        add_node(engine, "a")
    assert nodes_in(engine) == []
    other.execute("ROLLBACK")
    other.close()
    add_node(engine, "a")
    engine.dispose()


@pytest.mark.parametrize("kind", ["no folder", "no database"])
def test_a_sqlite_file_that_cannot_be_used_is_an_unavailable_store(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "missing" / "durable.sqlite"
    if kind == "no database":
        path = tmp_path / "durable.sqlite"
        path.write_bytes(b"something else entirely " * 1000)
    with pytest.raises(StoreUnavailable) as refused:
        nodes_in(open_durable(str(path)))
    assert str(tmp_path) not in refused.value.detail


def test_a_postgresql_that_is_not_there_is_an_unavailable_store() -> None:
    with pytest.raises(StoreUnavailable):
        nodes_in(open_durable(f"postgresql+psycopg://broker@{HOST}:{free_port(HOST)}/broker"))


@pytest.mark.services
def test_a_postgresql_that_was_restarted_is_not_noticed(postgresql: PostgresqlServer) -> None:
    engine = open_durable(postgresql.new_database())
    migrate(engine)
    add_node(engine, "before")
    postgresql.stop()
    with pytest.raises(StoreUnavailable):
        nodes_in(engine)
    postgresql.start()
    assert nodes_in(engine) == ["before"]
    add_node(engine, "after")
    engine.dispose()


@pytest.mark.services
def test_a_statement_that_hangs_ends(postgresql: PostgresqlServer) -> None:
    engine = open_durable(postgresql.new_database())
    with reading(engine) as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "10s"
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "5s"
    engine.dispose()


def test_another_process_that_opens_and_closes_the_file_does_not_take_the_write_ahead_log_away(tmp_path: Path) -> None:
    file = tmp_path / "durable.sqlite"
    engine = open_durable(str(file))
    migrate(engine)
    with reading(engine) as first, reading(engine) as second:  # two connections of this process
        first.execute(text("SELECT 1"))
        second.execute(text("SELECT 1"))
    look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM node'); c.close()"
    subprocess.run([sys.executable, "-c", look, str(file)], check=True)
    add_node(engine, "a")
    with sqlite3.connect(file) as fresh:
        assert fresh.execute("SELECT node FROM node").fetchall() == [("a",)]
    fresh.close()
    engine.dispose()
