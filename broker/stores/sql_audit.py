"""The rows of the audit log in the durable store."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Engine, Row, Select, event, func, insert, select, update
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from broker.core.errors import StoreUnavailable
from broker.flow.audit_ports import AuditRow, ChainHead
from broker.stores.forks import follow_forks
from broker.stores.schema import AUDIT_CHAIN, AUDIT_EVENT
from broker.stores.sql import describe, reading, writing

_COLUMNS = tuple(column.name for column in AUDIT_EVENT.columns)
_AT_ONCE = 500


class SqlAuditRows:
    """Implements `flow.audit_ports.AuditRows`.

    Events are appended on a connection of their own, that commits each statement by itself, past the expression
    language: that is a quarter of the cost, and every login pays it four times. It ends with the engine's pool.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._to_stored_time = AUDIT_EVENT.c.at.type.dialect_impl(engine.dialect).bind_processor(engine.dialect)
        self._connection: DBAPIConnection | None = None
        self._lock = Lock()
        follow_forks(self)
        weak = weakref.ref(self)

        @event.listens_for(engine, "engine_disposed")
        def dispose(_engine: Engine) -> None:
            if (rows := weak()) is not None:
                rows._close()

    def begin(self, chain: str, node: str, now: datetime) -> None:
        """Announce a new chain."""
        row = {"chain": chain, "node": node, "started_at": now, "touched_at": now, "anchored_seq": -1}
        with writing(self._engine) as connection:
            connection.execute(insert(AUDIT_CHAIN).values(row))

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Store all rows, or none, durably. Raises StoreUnavailable.

        A kept connection may have died since it was last used, with or without the rows. Then they are offered again:
        chain and number are the primary key, so they cannot be stored twice.
        """
        with self._lock:
            kept = self._connection is not None
            try:
                self._insert(rows)
            except self._engine.dialect.loaded_dbapi.Error as error:
                lost = kept and _is_lost(self._connection)
                self._close()
                if not lost:
                    raise StoreUnavailable(f"audit: {type(error).__name__} {_code_of(error)}".rstrip()) from error
                self._append_again(rows)

    def loose_heads(self, chain: str, since: datetime | None) -> tuple[ChainHead, ...]:
        """The heads of other chains that no anchor covers yet; only of chains touched after `since`, when given."""
        same = AUDIT_EVENT.alias()
        last = select(func.max(same.c.seq)).where(same.c.chain == AUDIT_CHAIN.c.chain).scalar_subquery()
        query = (
            select(AUDIT_EVENT.c.chain, AUDIT_EVENT.c.seq, AUDIT_EVENT.c.hash)
            .join_from(AUDIT_CHAIN, AUDIT_EVENT, AUDIT_EVENT.c.chain == AUDIT_CHAIN.c.chain)
            .where(
                AUDIT_CHAIN.c.chain != chain, AUDIT_EVENT.c.seq == last, AUDIT_EVENT.c.seq > AUDIT_CHAIN.c.anchored_seq
            )
            .order_by(AUDIT_EVENT.c.chain)
        )
        if since is not None:
            query = query.where(AUDIT_CHAIN.c.touched_at >= since)
        with reading(self._engine) as connection:
            return tuple(ChainHead(chain=row.chain, seq=row.seq, hash=row.hash) for row in connection.execute(query))

    def note_anchored(self, chain: str, heads: Sequence[ChainHead], now: datetime) -> None:
        """`chain` lives, and has anchored `heads`."""
        changes: dict[str, dict[str, Any]] = {head.chain: {"anchored_seq": head.seq} for head in heads}
        changes[chain] = {"touched_at": now}
        with writing(self._engine) as connection:
            for name in sorted(changes):  # in one order, or two processes wait for each other
                connection.execute(update(AUDIT_CHAIN).where(AUDIT_CHAIN.c.chain == name).values(changes[name]))

    def by_chain(self, kinds: Sequence[str] | None = None) -> Iterator[AuditRow]:
        """Every row, or those of `kinds`, ordered by chain and seq."""
        query = select(AUDIT_EVENT).order_by(AUDIT_EVENT.c.chain, AUDIT_EVENT.c.seq)
        return self._rows(query if kinds is None else query.where(AUDIT_EVENT.c.kind.in_(kinds)))

    def by_time(self, since: datetime | None, until: datetime | None) -> Iterator[AuditRow]:
        """The rows with since <= at < until, oldest first."""
        query = select(AUDIT_EVENT).order_by(AUDIT_EVENT.c.at, AUDIT_EVENT.c.chain, AUDIT_EVENT.c.seq)
        if since is not None:
            query = query.where(AUDIT_EVENT.c.at >= since)
        if until is not None:
            query = query.where(AUDIT_EVENT.c.at < until)
        return self._rows(query)

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

    def _rows(self, query: Select[Any]) -> Iterator[AuditRow]:
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=_AT_ONCE).execute(query):
                yield _audit_row(row)

    def _append_again(self, rows: Sequence[AuditRow]) -> None:
        try:
            self._insert(rows, "ON CONFLICT DO NOTHING")
        except self._engine.dialect.loaded_dbapi.Error as error:
            self._close()
            raise StoreUnavailable(f"audit: {type(error).__name__} {_code_of(error)}".rstrip()) from error
        last = rows[-1]  # its hash covers those before it
        query = select(AUDIT_EVENT.c.hash).where(AUDIT_EVENT.c.chain == last.chain, AUDIT_EVENT.c.seq == last.seq)
        with reading(self._engine) as connection:
            if connection.execute(query).scalar() != last.hash:
                raise StoreUnavailable("audit: another event has this place")

    def _insert(self, rows: Sequence[AuditRow], suffix: str = "") -> None:
        connection = self._connected()
        mark = "?" if self._engine.dialect.name == "sqlite" else "%s"
        marks = "(" + ", ".join([mark] * len(_COLUMNS)) + ")"
        places = ", ".join([marks] * len(rows))
        values: list[Any] = []
        for row in rows:
            at = row.at if self._to_stored_time is None else self._to_stored_time(row.at)
            values += (row.chain, row.seq, at, row.kind, row.reference, row.e_service, row.upstream, row.code)
            values += (row.body, row.hash)
        cursor = connection.cursor()
        try:
            cursor.execute(f"INSERT INTO audit_event ({', '.join(_COLUMNS)}) VALUES {places} {suffix}", values)  # noqa: S608
        finally:
            cursor.close()

    def _connected(self) -> DBAPIConnection:
        """The kept connection, or a new one, which is then no longer the pool's. On both, a statement is a commit."""
        if self._connection is None:
            try:
                borrowed = self._engine.raw_connection()
            except SQLAlchemyError as error:
                name = describe(error) if isinstance(error, DBAPIError) else type(error).__name__
                raise StoreUnavailable(f"audit: {name}") from error
            connection = borrowed.driver_connection
            borrowed.detach()
            if connection is None:
                raise StoreUnavailable("audit: no connection")
            if self._engine.dialect.name == "postgresql":
                connection.autocommit = True
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._engine.dialect.loaded_dbapi.Error):
                connection.close()


def _is_lost(connection: Any) -> bool:
    """Whether the server has gone (psycopg says so); a SQLite file does not go."""
    return bool(getattr(connection, "closed", False))


def _code_of(error: Exception) -> str:
    return str(getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or "")


def _audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(
        chain=row.chain,
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        reference=row.reference,
        e_service=row.e_service,
        upstream=row.upstream,
        code=row.code,
        body=row.body,
        hash=row.hash,
    )
