"""The durable store: a SQLite file, or PostgreSQL for several nodes."""

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from broker.core.errors import ConfigRejected, StoreUnavailable
from broker.stores.embedded import create_private, switch_to_wal
from broker.stores.forks import follow_forks
from broker.stores.opening import sqlite_path

POSTGRESQL = "postgresql+psycopg"
_BUSY_TIMEOUT_MS = 5000
_STATEMENT_TIMEOUT_MS = 10_000
_LOCK_TIMEOUT_MS = 5000
_WRITES = "broker_writes"
_OUR_MISTAKES = (IntegrityError, ProgrammingError, DataError, NotSupportedError)


def open_durable(url: str, *, password: str | None = None) -> Engine:
    """The engine for `sqlite:////absolute/path` (or a bare path) or `postgresql+psycopg://user@host/database`.

    Nothing is connected yet. The engine may be opened before a fork: parent and children get their own connections.
    Values never appear in its errors. Raises ConfigRejected for any other URL.
    """
    if url.partition(":")[0] == POSTGRESQL:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise ConfigRejected(("stores.durable: not a readable URL",)) from None
        engine = _postgresql(parsed.set(password=password) if password else parsed)
    else:
        engine = _sqlite(os.fspath(sqlite_path(url, "stores.durable")))
    forks = _Forks(engine)
    # SQLAlchemy's event target keeps the follower alive exactly as long as the engine.
    event.listen(engine, "engine_disposed", forks.noticed)
    follow_forks(forks)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with, in one transaction. Raises StoreUnavailable when the store does not answer."""
    with _answering(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection to write with, committed durably at the end, rolled back on any error.

    On SQLite it holds the one write lock from the beginning, so that what was read first is still true when written.
    Raises StoreUnavailable when the store does not answer, is locked too long, full or read-only.
    """
    with _answering(), engine.connect() as connection:
        connection = connection.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("durable store: no free connection") from error
    except DBAPIError as error:
        if isinstance(error, _OUR_MISTAKES) or getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR":
            raise  # wrong SQL, or a rule of the tables: the store answered
        raise StoreUnavailable(f"durable store: {describe(error)}") from error


def describe(error: DBAPIError) -> str:
    """The driver's name for what went wrong, without statement or values."""
    name = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return f"{type(error.orig).__name__} {name or ''}".strip()


def _sqlite(path: str) -> Engine:
    engine = create_engine(URL.create("sqlite+pysqlite", database=path), hide_parameters=True, pool_pre_ping=False)

    @event.listens_for(engine, "do_connect")
    def create(_dialect: Any, _record: Any, _args: Any, _parameters: Any) -> None:
        try:
            create_private(Path(path))
        except OSError as error:
            raise StoreUnavailable(f"durable store: {type(error).__name__}") from error

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late and takes no lock
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")  # a commit is on the disk before it returns
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    settings = {
        "statement_timeout": _STATEMENT_TIMEOUT_MS,
        "lock_timeout": _LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": 60_000,
        "synchronous_commit": "on",
    }
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=5,
        connect_args={
            "application_name": "broker",
            "connect_timeout": 3,
            "keepalives_idle": 10,
            "tcp_user_timeout": 5000,  # a server that vanished without a word is noticed
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
    )


class _Forks:
    """Closes an engine's idle connections before a fork, and forgets the borrowed ones in the child."""

    def __init__(self, engine: Engine) -> None:
        self._engine = weakref.ref(engine)

    def noticed(self, _engine: Engine) -> None:
        """Somebody disposed of the engine; nothing to do."""

    def before_fork(self) -> None:
        """See `forks.follow_forks`."""
        if (engine := self._engine()) is not None:
            engine.dispose()

    def after_fork_in_parent(self) -> None:
        """See `forks.follow_forks`."""

    def after_fork_in_child(self) -> None:
        """See `forks.follow_forks`."""
        if (engine := self._engine()) is not None:
            engine.dispose(close=False)
