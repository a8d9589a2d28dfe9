"""What differs between two versions."""

from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, union

from broker.flow.metadata_ports import PeerChange, PeerChanges, PeerSettings, PeerState, StoredPeer
from broker.messages.metadata import PeerKind
from broker.stores.metadata_codec import MetadataCodec
from broker.stores.metadata_rows import in_force, touched
from broker.stores.schema_metadata import METADATA_PEER, METADATA_RECORD, METADATA_SETTING


def compare_versions(
    connection: Connection, codec: MetadataCodec, before: int, after: int, *, offset: int, limit: int | None
) -> PeerChanges:
    """Which peers differ between two versions, in the order of their entityIDs."""
    low, high = min(before, after), max(before, after)
    moved = union(
        *(
            select(table.c.kind, table.c.entity_id).where(touched(table, low, high))
            for table in (METADATA_PEER, METADATA_SETTING)
        )
    ).subquery()
    sides = {name: _Side(name, version) for name, version in (("before", before), ("after", after))}
    joined: Any = moved
    for side in sides.values():
        joined = joined.outerjoin(side.peer, side.same_peer(moved)).outerjoin(side.setting, side.same_setting(moved))
    first, second = sides["before"], sides["after"]
    differ = or_(
        *(
            first.peer.c[name].is_distinct_from(second.peer.c[name])
            for name in ("source", "content_id", "valid_until", "signed_by")
        ),
        first.setting.c.body.is_distinct_from(second.setting.c.body),
    )
    # The page first, then its records: what is skipped is never read.
    page = select(moved.c.kind, moved.c.entity_id, *first.columns(), *second.columns())
    page = page.select_from(joined).where(differ).order_by(moved.c.entity_id, moved.c.kind).offset(offset)
    found = (page if limit is None else page.limit(limit)).subquery()
    query = select(found, *(side.record.c.body.label(f"{name}_record") for name, side in sides.items()))
    with_records: Any = found
    for name, side in sides.items():
        with_records = with_records.outerjoin(side.record, side.record.c.content_id == found.c[f"{name}_content"])
    query = query.select_from(with_records).order_by(found.c.entity_id, found.c.kind)
    total = connection.execute(select(func.count()).select_from(joined).where(differ)).scalar_one()
    rows = tuple(
        PeerChange(
            kind=PeerKind(row.kind),
            entity_id=row.entity_id,
            before=_state(row, "before", codec),
            after=_state(row, "after", codec),
        )
        for row in connection.execute(query)
    )
    return PeerChanges(rows=rows, total=total)


def _state(row: Any, side: str, codec: MetadataCodec) -> PeerState:
    columns = row._mapping
    settings = codec.read_settings(columns[f"{side}_settings"])
    if columns[f"{side}_record"] is None:
        return PeerState(peer=None, settings=settings)
    peer = StoredPeer(
        kind=PeerKind(row.kind),
        entity_id=row.entity_id,
        source=columns[f"{side}_source"],
        record=codec.read_record(columns[f"{side}_record"], columns[f"{side}_valid_until"]),
        settings=settings or PeerSettings(),
        signed_by=columns[f"{side}_signed_by"],
    )
    return PeerState(peer=peer, settings=settings)


class _Side:
    """One of the two versions that are compared: aliases of the tables, joined to the peers that moved."""

    def __init__(self, name: str, version: int) -> None:
        self._name = name
        self._version = version
        self.peer = METADATA_PEER.alias(f"{name}_peer")
        self.setting = METADATA_SETTING.alias(f"{name}_setting")
        self.record = METADATA_RECORD.alias(f"{name}_body")

    def same_peer(self, moved: Any) -> Any:
        return and_(
            self.peer.c.kind == moved.c.kind,
            self.peer.c.entity_id == moved.c.entity_id,
            in_force(self.peer, self._version),
        )

    def same_setting(self, moved: Any) -> Any:
        return and_(
            self.setting.c.kind == moved.c.kind,
            self.setting.c.entity_id == moved.c.entity_id,
            in_force(self.setting, self._version),
        )

    def columns(self) -> list[Any]:
        named = {name: self.peer.c[name] for name in ("source", "valid_until", "signed_by")}
        named |= {"content": self.peer.c.content_id, "settings": self.setting.c.body}
        return [column.label(f"{self._name}_{name}") for name, column in named.items()]
