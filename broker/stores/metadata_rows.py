"""Rows of the metadata tables ↔ data, and the conditions that pick those of one version."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from broker.flow.metadata_ports import PeerSettings, StoredPeer
from broker.messages.metadata import PeerKind
from broker.stores.metadata_codec import MetadataCodec
from broker.stores.schema_metadata import METADATA_PEER, METADATA_RECORD, METADATA_SETTING

T = TypeVar("T")

_CHUNK = 500  # bound parameters of one statement


def in_force(table: Any, version: int) -> ColumnElement[bool]:
    """Whether a row of `table` (or of an alias of it) belongs to `version`."""
    return and_(table.c.from_version <= version, or_(table.c.to_version.is_(None), table.c.to_version > version))


def touched(table: Any, low: int, high: int) -> ColumnElement[bool]:
    """Whether a row began or ended after `low` and not after `high`."""
    return or_(
        and_(table.c.from_version > low, table.c.from_version <= high),
        and_(table.c.to_version > low, table.c.to_version <= high),
    )


def peers_of(version: int) -> Select[Any]:
    """Every peer of `version` with its record and its settings, for `read_peer`."""
    settings = and_(
        METADATA_SETTING.c.kind == METADATA_PEER.c.kind,
        METADATA_SETTING.c.entity_id == METADATA_PEER.c.entity_id,
        in_force(METADATA_SETTING, version),
    )
    return (
        select(
            METADATA_PEER.c.kind,
            METADATA_PEER.c.entity_id,
            METADATA_PEER.c.source,
            METADATA_PEER.c.valid_until,
            METADATA_PEER.c.signed_by,
            METADATA_RECORD.c.body.label("record"),
            METADATA_SETTING.c.body.label("settings"),
        )
        .join(METADATA_RECORD, METADATA_RECORD.c.content_id == METADATA_PEER.c.content_id)
        .outerjoin(METADATA_SETTING, settings)
        .where(in_force(METADATA_PEER, version))
    )


def read_peer(row: Row[Any], codec: MetadataCodec) -> StoredPeer:
    """The peer of one row of `peers_of`."""
    return StoredPeer(
        kind=PeerKind(row.kind),
        entity_id=row.entity_id,
        source=row.source,
        record=codec.read_record(row.record, row.valid_until),
        settings=codec.read_settings(row.settings) or PeerSettings(),
        signed_by=row.signed_by,
    )


def chunks(values: Iterable[T]) -> Iterator[Sequence[T]]:
    """`values` in lists that fit into one statement."""
    everything = list(values)
    for start in range(0, len(everything), _CHUNK):
        yield everything[start : start + _CHUNK]
