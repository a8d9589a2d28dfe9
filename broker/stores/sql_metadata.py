"""The metadata versions as the desk reads and makes them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Row, and_, func, select

from broker.flow.metadata_ports import (
    Act,
    Change,
    Indexed,
    PeerChanges,
    PeerId,
    PeerPage,
    PeerQuery,
    PeerRow,
    PeerSettings,
    Quarantined,
    StoredPeer,
    VersionEntry,
)
from broker.messages.entity import EntityRecord
from broker.messages.metadata import PeerKind
from broker.stores.metadata_differences import compare_versions
from broker.stores.metadata_rows import chunks, in_force, peers_of, read_peer
from broker.stores.metadata_writing import SomebodyWasFaster, write_version
from broker.stores.schema_metadata import (
    METADATA_PEER,
    METADATA_RECORD,
    METADATA_SETTING,
    METADATA_SOURCE,
    METADATA_VERSION,
    METADATA_WITHDRAWN_KEY,
)
from broker.stores.sql import reading, writing
from broker.stores.sql_active_metadata import SqlActiveMetadata


class SqlMetadata(SqlActiveMetadata):
    """Implements `flow.metadata_ports.MetadataStore`."""

    # --- making a version ----------------------------------------------------------------------------------------

    def commit(self, base: int, change: Change, act: Act) -> int | None:
        """Make the version after `base`, or return None when it is no longer the newest. Raises StoreUnavailable."""
        try:
            with writing(self._engine) as connection:
                write_version(connection, self._codec, base, change, act)
        except SomebodyWasFaster:
            return None
        return base + 1

    # --- reading a version ---------------------------------------------------------------------------------------

    def content_id(self, record: EntityRecord) -> str:
        """Equal for records that differ in nothing but `valid_until`, and only for them."""
        return self._codec.write_record(record)[0]

    def index(self, version: int, source: str | None = None) -> Mapping[PeerId, Indexed]:
        """Everything active in a version, or in one source of it."""
        peer = METADATA_PEER.c
        query = select(peer.kind, peer.entity_id, peer.source, peer.content_id, peer.valid_until)
        query = query.where(in_force(METADATA_PEER, version))
        if source is not None:
            query = query.where(peer.source == source)
        with reading(self._engine) as connection:
            return {
                (PeerKind(row.kind), row.entity_id): Indexed(
                    source=row.source, content_id=row.content_id, valid_until=row.valid_until
                )
                for row in connection.execute(query)
            }

    def peers(self, version: int, query: PeerQuery) -> PeerPage:
        """A page of a list, by name."""
        peer, setting = METADATA_PEER.c, METADATA_SETTING.c
        said = and_(setting.kind == peer.kind, setting.entity_id == peer.entity_id, in_force(METADATA_SETTING, version))
        blocked = func.coalesce(setting.blocked, False)
        conditions = [in_force(METADATA_PEER, version)]
        if query.kind is not None:
            conditions.append(peer.kind == query.kind.value)
        if query.source is not None:
            conditions.append(peer.source == query.source)
        if query.blocked is not None:
            conditions.append(blocked == query.blocked)
        if query.text.strip():
            conditions.append(peer.search.contains(query.text.strip().casefold(), autoescape=True))
        listed = METADATA_PEER.outerjoin(METADATA_SETTING, said)
        # The page first, then its records: what is skipped is never read.
        page = (
            select(
                peer.kind,
                peer.entity_id,
                peer.source,
                peer.name,
                peer.sort_name,
                peer.valid_until,
                peer.from_version,
                peer.content_id,
                setting.body.label("settings"),
            )
            .select_from(listed)
            .where(*conditions)
            .order_by(peer.sort_name, peer.entity_id, peer.kind)
            .offset(query.offset)
            .limit(query.limit)
        ).subquery()
        rows = (
            select(page, METADATA_RECORD.c.body.label("record"))
            .join(METADATA_RECORD, METADATA_RECORD.c.content_id == page.c.content_id)
            .order_by(page.c.sort_name, page.c.entity_id, page.c.kind)
        )
        with reading(self._engine) as connection:
            total = connection.execute(select(func.count()).select_from(listed).where(*conditions)).scalar_one()
            return PeerPage(
                total=total,
                rows=tuple(self._row(row) for row in connection.execute(rows)),
            )

    def _row(self, row: Any) -> PeerRow:
        record = self._codec.read_record(row.record, row.valid_until)
        settings = self._codec.read_settings(row.settings) or PeerSettings()
        return PeerRow(
            kind=PeerKind(row.kind),
            entity_id=row.entity_id,
            source=row.source,
            name=row.name,
            valid_until=row.valid_until,
            levels=tuple(dict.fromkeys((*record.assurance, *settings.vouched_contexts))),
            categories=tuple(dict.fromkeys((*record.categories, *settings.vouched_categories))),
            blocked=settings.blocked,
            since=row.from_version,
        )

    def load_peers(self, version: int, ids: Collection[PeerId]) -> Mapping[PeerId, StoredPeer]:
        """Those of `ids` that the version has."""
        found: dict[PeerId, StoredPeer] = {}
        with reading(self._engine) as connection:
            for kind, some in _by_kind(ids):
                query = peers_of(version).where(METADATA_PEER.c.kind == kind.value, METADATA_PEER.c.entity_id.in_(some))
                for row in connection.execute(query):
                    found[kind, row.entity_id] = read_peer(row, self._codec)
        return found

    def settings(self, version: int, kind: PeerKind, entity_id: str) -> PeerSettings | None:
        """What an administrator said about a peer, also about one that is not there now."""
        query = select(METADATA_SETTING.c.body).where(
            METADATA_SETTING.c.kind == kind.value,
            METADATA_SETTING.c.entity_id == entity_id,
            in_force(METADATA_SETTING, version),
        )
        with reading(self._engine) as connection:
            return self._codec.read_settings(connection.execute(query).scalar())

    def blocked(self, version: int) -> frozenset[PeerId]:
        """Every blocked peer, also those that are not there now."""
        query = select(METADATA_SETTING.c.kind, METADATA_SETTING.c.entity_id).where(
            METADATA_SETTING.c.blocked, in_force(METADATA_SETTING, version)
        )
        with reading(self._engine) as connection:
            return frozenset((PeerKind(row.kind), row.entity_id) for row in connection.execute(query))

    def quarantined(self, version: int) -> Mapping[str, tuple[Quarantined, ...]]:
        """What each federation of a version brought and was not taken over."""
        query = select(METADATA_SOURCE.c.name, METADATA_SOURCE.c.quarantined).where(in_force(METADATA_SOURCE, version))
        with reading(self._engine) as connection:
            return {row.name: self._codec.read_quarantined(row.quarantined) for row in connection.execute(query)}

    # --- between versions ----------------------------------------------------------------------------------------

    def changes(self, before: int, after: int, *, offset: int = 0, limit: int | None = None) -> PeerChanges:
        """Which peers differ between two versions, in the order of their entityIDs."""
        with reading(self._engine) as connection:
            return compare_versions(connection, self._codec, before, after, offset=offset, limit=limit)

    def withdrawn(self, ids: Collection[PeerId]) -> Mapping[tuple[PeerId, str], int]:
        """The withdrawn keys of peers, each with the version that withdrew it."""
        key = METADATA_WITHDRAWN_KEY.c
        found: dict[tuple[PeerId, str], int] = {}
        with reading(self._engine) as connection:
            for kind, some in _by_kind(ids):
                query = select(key.entity_id, key.fingerprint, key.version).where(
                    key.kind == kind.value, key.entity_id.in_(some)
                )
                for row in connection.execute(query):
                    found[(kind, row.entity_id), row.fingerprint] = row.version
        return found

    def removed_in(self, version: int, ids: Collection[PeerId]) -> Mapping[PeerId, int]:
        """For peers that are not active in `version`: the version that ended them last."""
        peer = METADATA_PEER.c
        found: dict[PeerId, int] = {}
        with reading(self._engine) as connection:
            for kind, some in _by_kind(ids):
                query = (
                    select(peer.entity_id, func.max(peer.to_version).label("ended"))
                    .where(peer.kind == kind.value, peer.entity_id.in_(some), peer.to_version <= version)
                    .group_by(peer.entity_id)
                )
                for row in connection.execute(query):
                    found[kind, row.entity_id] = row.ended
        return found

    def history(self, *, before: int | None = None, limit: int = 100) -> tuple[VersionEntry, ...]:
        """The newest versions first, from below `before`."""
        query = select(METADATA_VERSION).order_by(METADATA_VERSION.c.version.desc()).limit(limit)
        if before is not None:
            query = query.where(METADATA_VERSION.c.version < before)
        with reading(self._engine) as connection:
            return tuple(_entry(row) for row in connection.execute(query))


def _by_kind(ids: Collection[PeerId]) -> Iterable[tuple[PeerKind, list[str]]]:
    for kind in PeerKind:
        for some in chunks(entity_id for one, entity_id in ids if one is kind):
            yield kind, list(some)


def _entry(row: Row[Any]) -> VersionEntry:
    act = Act(
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        why=row.why,
        content_hash=row.content_hash,
        rolled_back_to=row.rolled_back_to,
    )
    return VersionEntry(version=row.version, act=act)
