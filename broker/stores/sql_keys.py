"""Key states and heartbeats in the durable store."""

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from broker.core.errors import KeyRejected
from broker.flow.key_ports import KeyEntry, KeyState, KeyUse, NodeBeat
from broker.stores.schema import KEY_STATE, NODE
from broker.stores.sql import reading, writing

ALIVE = timedelta(seconds=30)
_FORGOTTEN = timedelta(days=1)


class SqlKeyStates:
    """Implements `flow.key_ports.KeyStates`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self) -> tuple[KeyEntry, ...]:
        """Every key, oldest first."""
        query = select(KEY_STATE).order_by(KEY_STATE.c.added_at, KEY_STATE.c.key_id)
        with reading(self._engine) as connection:
            return tuple(_entry(row) for row in connection.execute(query))

    def add(self, entry: KeyEntry) -> None:
        """Add a published key, or the first active one of its use. Raises KeyRejected."""
        if entry.state is KeyState.RETIRED:
            raise KeyRejected(f"{entry.key_id}: a new key cannot be retired")
        row = {
            "key_id": entry.key_id,
            "use": entry.use.value,
            "state": entry.state.value,
            "fingerprint": entry.fingerprint,
            "file_name": entry.file_name,
            "not_after": entry.not_after,
            "added_at": entry.added_at,
            "promoted_at": entry.promoted_at,
            "retired_at": None,
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(KEY_STATE).values(row))
        except IntegrityError:
            raise KeyRejected(f"{entry.key_id}: the key is known already, or its use has an active one") from None

    def promote(self, key_id: str, now: datetime) -> None:
        """Make a published key the active one of its use; the active one becomes published. Raises KeyRejected."""
        with writing(self._engine) as connection:
            entry = _locked(connection, key_id)
            if entry.state is not KeyState.PUBLISHED:
                raise KeyRejected(f"{key_id}: is {entry.state.value}; only a published key can be promoted")
            without = [beat.node for beat in _live(connection, now) if entry.fingerprint not in beat.fingerprints]
            if without:
                raise KeyRejected(f"{key_id}: the private file is missing on {', '.join(without)}")
            connection.execute(
                update(KEY_STATE)
                .where(KEY_STATE.c.use == entry.use.value, KEY_STATE.c.state == KeyState.ACTIVE.value)
                .values(state=KeyState.PUBLISHED.value)
            )
            connection.execute(
                update(KEY_STATE)
                .where(KEY_STATE.c.key_id == key_id)
                .values(state=KeyState.ACTIVE.value, promoted_at=now)
            )

    def retire(self, key_id: str, now: datetime) -> None:
        """Take a published key out of use. Raises KeyRejected."""
        with writing(self._engine) as connection:
            entry = _locked(connection, key_id)
            if entry.state is not KeyState.PUBLISHED:
                raise KeyRejected(f"{key_id}: is {entry.state.value}; only a published key can be retired")
            connection.execute(
                update(KEY_STATE)
                .where(KEY_STATE.c.key_id == key_id)
                .values(state=KeyState.RETIRED.value, retired_at=now)
            )


class SqlHeartbeats:
    """Implements `flow.key_ports.Heartbeats`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beat(self, node: str, fingerprints: frozenset[str], now: datetime) -> None:
        """Say that `node` lives; those who have been silent for a day are forgotten."""
        told = {"seen_at": now, "fingerprints": json.dumps(sorted(fingerprints))}
        with writing(self._engine) as connection:
            if connection.execute(update(NODE).where(NODE.c.node == node).values(told)).rowcount == 0:
                connection.execute(insert(NODE).values(node=node, **told))
                connection.execute(delete(NODE).where(NODE.c.seen_at < now - _FORGOTTEN))

    def leave(self, node: str) -> None:
        """Say that `node` stops."""
        with writing(self._engine) as connection:
            connection.execute(delete(NODE).where(NODE.c.node == node))

    def live(self, now: datetime) -> tuple[NodeBeat, ...]:
        """Everyone who beat within the last 30 seconds, by name."""
        with reading(self._engine) as connection:
            return _live(connection, now)


def _locked(connection: Connection, key_id: str) -> KeyEntry:
    """The key, with every key locked: SQLite's writer is alone anyway, PostgreSQL takes row locks in one order."""
    rows = connection.execute(select(KEY_STATE).order_by(KEY_STATE.c.key_id).with_for_update()).all()
    for row in rows:
        if row.key_id == key_id:
            return _entry(row)
    raise KeyRejected(f"{key_id}: no such key")


def _live(connection: Connection, now: datetime) -> tuple[NodeBeat, ...]:
    rows = connection.execute(select(NODE).where(NODE.c.seen_at >= now - ALIVE).order_by(NODE.c.node))
    return tuple(
        NodeBeat(node=row.node, seen_at=row.seen_at, fingerprints=frozenset(json.loads(row.fingerprints)))
        for row in rows
    )


def _entry(row: Row[tuple[object, ...]]) -> KeyEntry:
    return KeyEntry(
        key_id=row.key_id,
        use=KeyUse(row.use),
        state=KeyState(row.state),
        fingerprint=row.fingerprint,
        file_name=row.file_name,
        not_after=row.not_after,
        added_at=row.added_at,
        promoted_at=row.promoted_at,
        retired_at=row.retired_at,
    )
