"""The active metadata as serving workers read it: two peers per login, and what changed since the last look."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Engine, func, select, union

from broker.flow.metadata_ports import Source, StoredPeer
from broker.messages.metadata import PeerKind
from broker.stores.metadata_codec import MetadataCodec
from broker.stores.metadata_rows import in_force, peers_of, read_peer, touched
from broker.stores.schema_metadata import METADATA_PEER, METADATA_SETTING, METADATA_SOURCE, METADATA_VERSION
from broker.stores.sql import reading

_FETCH = 200  # rows decoded at a time, so that 10,000 peers are never in memory at once


class SqlActiveMetadata:
    """Implements `flow.metadata_ports.ActiveMetadata`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._codec = MetadataCodec()

    def active_version(self) -> int:
        """The newest version; 0 before the first."""
        with reading(self._engine) as connection:
            newest = connection.execute(select(func.max(METADATA_VERSION.c.version))).scalar()
        return newest or 0

    def sources(self, version: int) -> Mapping[str, Source]:
        """The federations of a version, by name."""
        query = select(METADATA_SOURCE.c.body).where(in_force(METADATA_SOURCE, version))
        with reading(self._engine) as connection:
            sources = [self._codec.read_source(body) for body in connection.execute(query).scalars()]
        return {source.name: source for source in sources}

    def find_peer(self, version: int, kind: PeerKind, entity_id: str) -> StoredPeer | None:
        """One peer of a version."""
        query = peers_of(version).where(METADATA_PEER.c.kind == kind.value, METADATA_PEER.c.entity_id == entity_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else read_peer(row, self._codec)

    def changed_peers(self, kind: PeerKind, *, after: int, version: int) -> Iterator[tuple[str, StoredPeer | None]]:
        """Every peer of `kind` that was touched between the two versions, as it is in `version`; None: it is gone."""
        present = peers_of(version).where(METADATA_PEER.c.kind == kind.value)
        with reading(self._engine) as connection:
            gone: set[str] = set()
            if after:
                moved = union(
                    *(
                        select(table.c.entity_id).where(table.c.kind == kind.value, touched(table, after, version))
                        for table in (METADATA_PEER, METADATA_SETTING)
                    )
                )
                gone.update(connection.execute(moved).scalars())
                present = present.where(METADATA_PEER.c.entity_id.in_(select(moved.subquery().c.entity_id)))
            rows = connection.execution_options(yield_per=_FETCH).execute(present)
            for row in rows:
                gone.discard(row.entity_id)
                yield row.entity_id, read_peer(row, self._codec)
        for entity_id in gone:
            yield entity_id, None
