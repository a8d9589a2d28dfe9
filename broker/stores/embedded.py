"""The transient store in a SQLite file: the default, for all threads and processes of one machine."""

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

from broker.core.errors import StoreUnavailable
from broker.core.ports import Clock
from broker.stores.forks import follow_forks
from broker.stores.transient import Versioned

# A later layout takes another table name, so that two versions of the broker can share the file during an upgrade.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry_1 (
  key TEXT PRIMARY KEY, version INTEGER NOT NULL, until INTEGER NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_1_until ON entry_1 (until);
"""
_ADD = """
INSERT INTO entry_1 (key, version, until, value) VALUES (?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET version = excluded.version, until = excluded.until, value = excluded.value
WHERE entry_1.until <= ?
"""
_PUT = "INSERT OR REPLACE INTO entry_1 (key, version, until, value) VALUES (?, ?, ?, ?)"
_GET = "SELECT value, version FROM entry_1 WHERE key = ? AND until > ?"
_SWAP = "UPDATE entry_1 SET version = ?, until = ?, value = ? WHERE key = ? AND version = ? AND until > ?"
_DELETE = "DELETE FROM entry_1 WHERE key = ?"
_PURGE = "DELETE FROM entry_1 WHERE key IN (SELECT key FROM entry_1 WHERE until <= ? LIMIT 500)"
_PURGE_EVERY_S = 5.0
_OPEN_ATTEMPTS = 40


class EmbeddedTransientStore:
    """One connection per process, used by one thread at a time: an operation takes some ten microseconds.

    WAL with `synchronous=NORMAL`: a killed process loses nothing that was written; a power failure may lose the
    last moments, which are logins that the citizen begins again. A replayed message gains nothing from it: the
    login that it answers was lost, or went back, together with the claim of its id. What must survive a power
    failure (the audit) is in the durable store.
    """

    def __init__(self, path: Path, clock: Clock, *, busy_timeout_s: float = 2.0) -> None:
        self._path = path
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._connection: sqlite3.Connection | None = None
        self._purge_at = 0.0
        self._lock = Lock()
        follow_forks(self)

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        """Store a new entry; False when the key exists."""
        now = _milliseconds(self._clock.now())
        with self._opened() as connection:
            self._purge(connection, now)
            row = (key, secrets.randbits(63), _milliseconds(until), value, now)
            return connection.execute(_ADD, row).rowcount == 1

    def put(self, key: str, value: bytes, until: datetime) -> None:
        """Store an entry whether the key exists or not."""
        now = _milliseconds(self._clock.now())
        with self._opened() as connection:
            self._purge(connection, now)
            connection.execute(_PUT, (key, secrets.randbits(63), _milliseconds(until), value))

    def get(self, key: str, now: datetime) -> Versioned | None:
        """The entry, or None."""
        with self._opened() as connection:
            row = connection.execute(_GET, (key, _milliseconds(now))).fetchone()
        return None if row is None else Versioned(value=row[0], version=row[1])

    def swap(self, key: str, version: int, value: bytes, until: datetime) -> bool:
        """Replace the entry read at `version`."""
        now = _milliseconds(self._clock.now())
        with self._opened() as connection:
            row = (secrets.randbits(63), _milliseconds(until), value, key, version, now)
            return connection.execute(_SWAP, row).rowcount == 1

    def delete(self, key: str) -> None:
        """Remove the entry, if there is one."""
        with self._opened() as connection:
            connection.execute(_DELETE, (key,))

    def close(self) -> None:
        """Close the file; the next operation opens it again."""
        with self._lock:
            self._close()

    def before_fork(self) -> None:
        """See `forks.follow_forks`."""
        self._lock.acquire()
        self._close()

    def after_fork_in_parent(self) -> None:
        """See `forks.follow_forks`."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """See `forks.follow_forks`."""
        self._lock = Lock()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                if self._connection is None:
                    self._connection = self._open()
                try:
                    yield self._connection
                except sqlite3.Error as error:
                    if not _is_busy(error):
                        self._close()  # a full disk or a lost file may heal; a connection that met one may not
                    raise
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"transient store: {_name_of(error)}") from error

    def _open(self) -> sqlite3.Connection:
        create_private(self._path)
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _purge(self, connection: sqlite3.Connection, now: int) -> None:
        """Remove some of the expired entries now and then; what is left over waits for the next writer."""
        moment = time.monotonic()
        if moment >= self._purge_at:
            removed = connection.execute(_PURGE, (now,)).rowcount
            self._purge_at = moment if removed == 500 else moment + _PURGE_EVERY_S


def create_private(path: Path) -> None:
    """Create the file, for its owner only, unless it is there. SQLite gives its -wal and -shm files the same mode.

    A file that is there is not opened: closing it again would drop every lock that this process has on it, SQLite's
    included. Another process that closed the database would then believe to be the last one, and remove the
    write-ahead log that this one goes on writing to.

    Spec: SQLite, "How To Corrupt An SQLite Database File", 2.2.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Several workers start at once, and SQLite does not wait for its lock while it changes the journal mode."""
    for attempt in range(1, _OPEN_ATTEMPTS + 1):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or attempt == _OPEN_ATTEMPTS:
                raise
            time.sleep(0.05)
        else:
            return


def _is_busy(error: sqlite3.Error) -> bool:
    return _name_of(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _name_of(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", type(error).__name__))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
