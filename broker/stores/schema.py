"""Every table of the durable store. The migrations bring a store to this; a test holds the two together.

The tables of the federation metadata are in `schema_metadata`, on the same `METADATA`.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes in, aware UTC datetimes out. SQLite has no time zones, so it stores UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a datetime that does not say which moment it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must carry a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


STORE_STAMP = Table(
    "store_stamp",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("environment", Text, nullable=False),
    Column("stamped_at", UtcTime, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

AUDIT_CHAIN = Table(
    "audit_chain",
    METADATA,
    Column("chain", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    # Hints that keep anchoring cheap; verification does not believe them.
    Column("touched_at", UtcTime, nullable=False),
    Column("anchored_seq", BigInteger, nullable=False),
)

AUDIT_EVENT = Table(
    "audit_event",
    METADATA,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text),
    Column("e_service", Text),
    Column("upstream", Text),
    Column("code", Text),
    Column("body", Text, nullable=False),  # canonical JSON of the whole event: what the hash covers
    Column("hash", Text, nullable=False),
    Index(None, "reference"),
    Index(None, "at"),
)

NODE = Table(
    "node",
    METADATA,
    Column("node", Text, primary_key=True),
    Column("seen_at", UtcTime, nullable=False),
    Column("fingerprints", Text, nullable=False),  # JSON list
)

KEY_STATE = Table(
    "key_state",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("use", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("not_after", UtcTime, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("promoted_at", UtcTime),
    Column("retired_at", UtcTime),
    CheckConstraint("state IN ('published', 'active', 'retired')", name="state"),
    CheckConstraint("use IN ('signing', 'encryption')", name="use"),
    Index("uq_key_state_use_fingerprint", "use", "fingerprint", unique=True),
    Index(
        "uq_key_state_active_use",
        "use",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
)
