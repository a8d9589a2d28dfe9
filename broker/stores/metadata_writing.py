"""Making a version: rows that end with it and rows that begin with it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from broker.flow.metadata_ports import Act, Change, PeerId, PeerSettings, StoredPeer
from broker.stores.metadata_codec import MetadataCodec, search_text, shown_name, sort_key
from broker.stores.schema_metadata import (
    METADATA_PEER,
    METADATA_RECORD,
    METADATA_SETTING,
    METADATA_SOURCE,
    METADATA_VERSION,
    METADATA_WITHDRAWN_KEY,
)


class SomebodyWasFaster(Exception):
    """The version to be made exists already."""


def write_version(connection: Connection, codec: MetadataCodec, base: int, change: Change, act: Act) -> None:
    """Write the version after `base`, inside the caller's transaction.

    Raises:
        SomebodyWasFaster: `base` is not the newest version; the transaction must be rolled back.
    """
    _Writing(connection, codec, base + 1).write(change, act)


class _Writing:
    def __init__(self, connection: Connection, codec: MetadataCodec, version: int) -> None:
        self._connection = connection
        self._codec = codec
        self._version = version

    def write(self, change: Change, act: Act) -> None:
        self._begin(act)
        self._end(METADATA_PEER, [*change.end, *((peer.kind, peer.entity_id) for peer in change.put)])
        self._put_peers(change.put)
        self._put_settings(change.settings)
        self._put_sources(change)
        self._note_keys(change)

    def _begin(self, act: Act) -> None:
        newest = self._connection.execute(select(func.max(METADATA_VERSION.c.version))).scalar() or 0
        if newest != self._version - 1:
            raise SomebodyWasFaster
        row = {
            "version": self._version,
            "at": act.at,
            "actor": act.actor,
            "action": act.action,
            "subject": act.subject,
            "why": act.why,
            "content_hash": act.content_hash,
            "rolled_back_to": act.rolled_back_to,
        }
        try:
            self._connection.execute(insert(METADATA_VERSION).values(row))
        except IntegrityError:
            raise SomebodyWasFaster from None

    def _put_peers(self, peers: Iterable[StoredPeer]) -> None:
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
                    "from_version": self._version,
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
            self._connection.execute(_insert_missing(self._connection), bodies)
            self._connection.execute(insert(METADATA_PEER), rows)

    def _put_settings(self, settings: Iterable[tuple[PeerId, PeerSettings | None]]) -> None:
        said = list(settings)
        self._end(METADATA_SETTING, [peer_id for peer_id, _ in said])
        rows = [
            {
                "kind": kind.value,
                "entity_id": entity_id,
                "from_version": self._version,
                "blocked": one.blocked,
                "body": self._codec.write_settings(one),
            }
            for (kind, entity_id), one in said
            if one is not None
        ]
        if rows:
            self._connection.execute(insert(METADATA_SETTING), rows)

    def _put_sources(self, change: Change) -> None:
        for name in (*change.end_sources, *(source.name for source, _ in change.put_sources)):
            self._connection.execute(
                update(METADATA_SOURCE)
                .where(METADATA_SOURCE.c.name == name, METADATA_SOURCE.c.to_version.is_(None))
                .values(to_version=self._version)
            )
        for source, quarantined in change.put_sources:
            row = {
                "name": source.name,
                "from_version": self._version,
                "body": self._codec.write_source(source),
                "quarantined": self._codec.write_quarantined(quarantined),
            }
            self._connection.execute(insert(METADATA_SOURCE).values(row))

    def _note_keys(self, change: Change) -> None:
        gone = [*change.withdraw, *change.reinstate]
        if gone:
            self._connection.execute(
                delete(METADATA_WITHDRAWN_KEY).where(
                    METADATA_WITHDRAWN_KEY.c.kind == bindparam("of_kind"),
                    METADATA_WITHDRAWN_KEY.c.entity_id == bindparam("of_entity"),
                    METADATA_WITHDRAWN_KEY.c.fingerprint == bindparam("of_key"),
                ),
                [{"of_kind": kind.value, "of_entity": entity, "of_key": key} for (kind, entity), key in gone],
            )
        if change.withdraw:
            self._connection.execute(
                insert(METADATA_WITHDRAWN_KEY),
                [
                    {"kind": kind.value, "entity_id": entity, "fingerprint": key, "version": self._version}
                    for (kind, entity), key in dict.fromkeys(change.withdraw)
                ],
            )

    def _end(self, table: Table, ids: Iterable[PeerId]) -> None:
        rows = [{"of_kind": kind.value, "of_entity": entity_id} for kind, entity_id in ids]
        if rows:
            self._connection.execute(
                update(table)
                .where(
                    table.c.kind == bindparam("of_kind"),
                    table.c.entity_id == bindparam("of_entity"),
                    table.c.to_version.is_(None),
                )
                .values(to_version=self._version),
                rows,
            )


def _insert_missing(connection: Connection) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(METADATA_RECORD).on_conflict_do_nothing()
