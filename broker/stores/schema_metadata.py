"""The tables of the metadata versions.

A row is in force from `from_version` until before `to_version` (NULL: still). Rows are only ever added, and ended by
setting `to_version` to the version that is being made, so what an earlier version consisted of never changes.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from broker.stores.schema import METADATA, UtcTime

METADATA_VERSION = Table(
    "metadata_version",
    METADATA,
    # Also the lock: of two administrators who make the same next version, one wins.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("content_hash", Text),
    Column("rolled_back_to", Integer),
)

METADATA_RECORD = Table(
    "metadata_record",
    METADATA,
    Column("content_id", Text, primary_key=True),  # SHA-256 of the body
    Column("body", Text, nullable=False),  # JSON of an EntityRecord without its validUntil
)

METADATA_PEER = Table(
    "metadata_peer",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("from_version", Integer, primary_key=True, autoincrement=False),
    Column("to_version", Integer),
    Column("source", Text, nullable=False),  # empty: added by an administrator
    Column("content_id", Text, ForeignKey("metadata_record.content_id"), nullable=False),
    Column("valid_until", UtcTime),
    Column("signed_by", Text),
    Column("name", Text, nullable=False),
    Column("sort_name", LargeBinary, nullable=False),  # Swedish order
    Column("search", Text, nullable=False),  # what a search looks at, case folded
    Index(None, "from_version"),
    Index(None, "to_version"),
    Index(None, "kind", "sort_name", "entity_id"),
)

METADATA_SETTING = Table(
    "metadata_setting",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("from_version", Integer, primary_key=True, autoincrement=False),
    Column("to_version", Integer),
    Column("blocked", Boolean, nullable=False),
    Column("body", Text, nullable=False),  # JSON of PeerSettings
    Index(None, "from_version"),
    Index(None, "to_version"),
)

METADATA_SOURCE = Table(
    "metadata_source",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("from_version", Integer, primary_key=True, autoincrement=False),
    Column("to_version", Integer),
    Column("body", Text, nullable=False),  # JSON of Source
    Column("quarantined", Text, nullable=False),  # JSON of a list of Quarantined; no worker reads it
)

METADATA_WITHDRAWN_KEY = Table(
    "metadata_withdrawn_key",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("entity_id", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("version", Integer, nullable=False),  # that withdrew it
)
