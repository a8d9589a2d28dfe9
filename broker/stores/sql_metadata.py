"""The metadata versions as the desk reads and makes them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, bindparam, delete, func, insert, or_, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from broker.flow.metadata_ports import (
    Act,
    Change,
    Indexed,
    PeerChange,
    PeerChanges,
    PeerId,
    PeerPage,
    PeerQuery,
    PeerRow,
    PeerSettings,
    PeerState,
    Quarantined,
    StoredPeer,
    VersionEntry,
)
from broker.messages.entity import EntityRecord
from broker.messages.metadata import PeerKind
from broker.stores.metadata_codec import search_text, shown_name, sort_key
from broker.stores.metadata_rows import chunks, in_force, peers_of, read_peer, touched
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


class _SomebodyWasFaster(Exception):
    """The version to be made exists already."""


class SqlMetadata(SqlActiveMetadata):
    """Implements `flow.metadata_ports.MetadataStore`."""

    # --- making a version ----------------------------------------------------------------------------------------

    def commit(self, base: int, change: Change, act: Act) -> int | None:
        """Make the version after `base`, or return None when it is no longer the newest. Raises StoreUnavailable."""
        version = base + 1
        try:
            with writing(self._engine) as connection:
                self._begin(connection, base, act)
                self._end_peers(connection, version, [*change.end, *((p.kind, p.entity_id) for p in change.put)])
                self._put_peers(connection, version, change.put)
                self._put_settings(connection, version, change.settings)
                self._put_sources(connection, version, change)
                self._note_keys(connection, version, change)
        except _SomebodyWasFaster:
            return None
        return version

    def _begin(self, connection: Connection, base: int, act: Act) -> None:
        newest = connection.execute(select(func.max(METADATA_VERSION.c.version))).scalar() or 0
        if newest != base:
            raise _SomebodyWasFaster
        row = {
            "version": base + 1,
            "at": act.at,
            "actor": act.actor,
            "action": act.action,
            "subject": act.subject,
            "why": act.why,
            "content_hash": act.content_hash,
            "rolled_back_to": act.rolled_back_to,
        }
        try:
            connection.execute(insert(METADATA_VERSION).values(row))
        except IntegrityError:
            raise _SomebodyWasFaster from None

    def _end_peers(self, connection: Connection, version: int, ids: Iterable[PeerId]) -> None:
        _end(connection, METADATA_PEER, version, ids)

    def _put_peers(self, connection: Connection, version: int, peers: Iterable[StoredPeer]) -> None:
        records: dict[str, str] = {}
        rows = []
        for peer in peers:
            content_id, body = self._codec.write_record(peer.record)
            records[content_id] = body
            name = shown_name(peer.record.names, peer.entity_id)
            rows.append(
                {
                    "kind": peer.kind.value,
                    "entity_id": peer.entity_id,
                    "from_version": version,
                    "source": peer.source,
                    "content_id": content_id,
                    "valid_until": peer.record.valid_until,
                    "signed_by": peer.signed_by,
                    "name": name,
                    "sort_name": sort_key(name),
                    "search": search_text(peer.record.names, peer.entity_id),
                }
            )
        if rows:
            bodies = [{"content_id": content_id, "body": body} for content_id, body in records.items()]
            connection.execute(_insert_missing(connection), bodies)
            connection.execute(insert(METADATA_PEER), rows)

    def _put_settings(
        self, connection: Connection, version: int, settings: Iterable[tuple[PeerId, PeerSettings | None]]
    ) -> None:
        said = list(settings)
        _end(connection, METADATA_SETTING, version, [peer_id for peer_id, _ in said])
        rows = [
            {
                "kind": kind.value,
                "entity_id": entity_id,
                "from_version": version,
                "blocked": one.blocked,
                "body": self._codec.write_settings(one),
            }
            for (kind, entity_id), one in said
            if one is not None
        ]
        if rows:
            connection.execute(insert(METADATA_SETTING), rows)

    def _put_sources(self, connection: Connection, version: int, change: Change) -> None:
        for name in (*change.end_sources, *(source.name for source, _ in change.put_sources)):
            connection.execute(
                update(METADATA_SOURCE)
                .where(METADATA_SOURCE.c.name == name, METADATA_SOURCE.c.to_version.is_(None))
                .values(to_version=version)
            )
        for source, quarantined in change.put_sources:
            row = {
                "name": source.name,
                "from_version": version,
                "body": self._codec.write_source(source),
                "quarantined": self._codec.write_quarantined(quarantined),
            }
            connection.execute(insert(METADATA_SOURCE).values(row))

    def _note_keys(self, connection: Connection, version: int, change: Change) -> None:
        gone = [*change.withdraw, *change.reinstate]
        if gone:
            connection.execute(
                delete(METADATA_WITHDRAWN_KEY).where(
                    METADATA_WITHDRAWN_KEY.c.kind == bindparam("of_kind"),
                    METADATA_WITHDRAWN_KEY.c.entity_id == bindparam("of_entity"),
                    METADATA_WITHDRAWN_KEY.c.fingerprint == bindparam("of_key"),
                ),
                [{"of_kind": kind.value, "of_entity": entity, "of_key": key} for (kind, entity), key in gone],
            )
        if change.withdraw:
            connection.execute(
                insert(METADATA_WITHDRAWN_KEY),
                [
                    {"kind": kind.value, "entity_id": entity, "fingerprint": key, "version": version}
                    for (kind, entity), key in dict.fromkeys(change.withdraw)
                ],
            )

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
        rows = (
            select(
                peer.kind,
                peer.entity_id,
                peer.source,
                peer.name,
                peer.valid_until,
                peer.from_version,
                METADATA_RECORD.c.body.label("record"),
                setting.body.label("settings"),
            )
            .select_from(listed.join(METADATA_RECORD, METADATA_RECORD.c.content_id == peer.content_id))
            .where(*conditions)
            .order_by(peer.sort_name, peer.entity_id, peer.kind)
            .offset(query.offset)
            .limit(query.limit)
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
            joined = joined.outerjoin(side.peer, side.same_peer(moved)).outerjoin(
                side.setting, side.same_setting(moved)
            )
        first, second = sides["before"], sides["after"]
        differ = or_(
            *(
                first.peer.c[name].is_distinct_from(second.peer.c[name])
                for name in ("source", "content_id", "valid_until", "signed_by")
            ),
            first.setting.c.body.is_distinct_from(second.setting.c.body),
        )
        page = select(moved.c.kind, moved.c.entity_id, *first.columns(), *second.columns())
        for side in sides.values():
            joined = joined.outerjoin(side.record, side.record.c.content_id == side.peer.c.content_id)
        page = page.select_from(joined).where(differ).order_by(moved.c.entity_id, moved.c.kind).offset(offset)
        if limit is not None:
            page = page.limit(limit)
        with reading(self._engine) as connection:
            total = connection.execute(select(func.count()).select_from(joined).where(differ)).scalar_one()
            rows = tuple(
                PeerChange(
                    kind=PeerKind(row.kind),
                    entity_id=row.entity_id,
                    before=self._state(row, "before"),
                    after=self._state(row, "after"),
                )
                for row in connection.execute(page)
            )
        return PeerChanges(rows=rows, total=total)

    def _state(self, row: Row[Any], side: str) -> PeerState:
        columns = row._mapping
        settings = self._codec.read_settings(columns[f"{side}_settings"])
        if columns[f"{side}_record"] is None:
            return PeerState(peer=None, settings=settings)
        peer = StoredPeer(
            kind=PeerKind(row.kind),
            entity_id=row.entity_id,
            source=columns[f"{side}_source"],
            record=self._codec.read_record(columns[f"{side}_record"], columns[f"{side}_valid_until"]),
            settings=settings or PeerSettings(),
            signed_by=columns[f"{side}_signed_by"],
        )
        return PeerState(peer=peer, settings=settings)

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
        named |= {"record": self.record.c.body, "settings": self.setting.c.body}
        return [column.label(f"{self._name}_{name}") for name, column in named.items()]


def _end(connection: Connection, table: Table, version: int, ids: Iterable[PeerId]) -> None:
    rows = [{"of_kind": kind.value, "of_entity": entity_id} for kind, entity_id in ids]
    if rows:
        connection.execute(
            update(table)
            .where(
                table.c.kind == bindparam("of_kind"),
                table.c.entity_id == bindparam("of_entity"),
                table.c.to_version.is_(None),
            )
            .values(to_version=version),
            rows,
        )


def _insert_missing(connection: Connection) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(METADATA_RECORD).on_conflict_do_nothing()


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
