"""The active metadata of a serving worker: followed within seconds, read entity by entity."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog

from broker.core.errors import BrokerError
from broker.core.parties import Upstream
from broker.federation.views import e_service_view, upstream_view
from broker.flow.metadata_ports import ActiveMetadata, Source, StoredPeer
from broker.flow.ports import EServicePeer, UpstreamPeer
from broker.messages.metadata import PeerKind
from broker.vocabulary.attributes import Catalogue

_EVERY_S = 2.0
_KEPT = 256  # decoded peers of each kind; a login needs two

_log = structlog.get_logger("broker.directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One upstream as the chooser needs it; its record is read when it is asked."""

    upstream: Upstream
    source: str
    valid_until: datetime | None  # its own


@dataclass(slots=True)
class _Snapshot:
    """What was read of one version so far."""

    version: int
    sources: Mapping[str, Source]
    e_services: OrderedDict[str, tuple[EServicePeer, datetime | None] | None] = field(default_factory=OrderedDict)
    upstream_peers: OrderedDict[str, tuple[UpstreamPeer, datetime | None] | None] = field(default_factory=OrderedDict)
    listed: Mapping[str, _Listed] | None = None  # complete once it is there
    ordered: tuple[tuple[Upstream, datetime | None], ...] = ()


class ActiveDirectory:
    """Implements `flow.ports.Directory` over the durable store.

    A new version begins with an empty snapshot, swapped in whole; a request that already holds the old one finishes
    with it. validUntil is looked at when a peer is used, so nothing outlives it between two versions.
    """

    def __init__(
        self,
        store: ActiveMetadata,
        *,
        connectors: frozenset[str],
        catalogue: Catalogue,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._connectors = connectors
        self._catalogue = catalogue
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._snapshot: _Snapshot | None = None
        self._looked_at = float("-inf")

    def find_e_service(self, entity_id: str, now: datetime) -> EServicePeer | None:
        """The e-service, or None when unknown, blocked, or past its validUntil."""
        with self._lock:
            snapshot = self._current()
            if entity_id not in snapshot.e_services:
                stored = self._usable(snapshot, PeerKind.E_SERVICE, entity_id)
                found = None
                if stored is not None:
                    peer = EServicePeer(policy=e_service_view(stored), record=stored.record)
                    found = (peer, _valid_until(stored.record.valid_until, snapshot.sources.get(stored.source)))
                _keep(snapshot.e_services, entity_id, found)
            return _if_valid(snapshot.e_services[entity_id], now)

    def find_upstream(self, entity_id: str, now: datetime) -> UpstreamPeer | None:
        """The upstream, or None when unknown, blocked, or past its validUntil."""
        with self._lock:
            snapshot = self._current()
            if entity_id not in snapshot.upstream_peers:
                stored = self._usable(snapshot, PeerKind.UPSTREAM, entity_id)
                found = None
                if stored is not None:
                    peer = UpstreamPeer(policy=self._view(snapshot, stored), record=stored.record)
                    found = (peer, _valid_until(stored.record.valid_until, snapshot.sources.get(stored.source)))
                _keep(snapshot.upstream_peers, entity_id, found)
            return _if_valid(snapshot.upstream_peers[entity_id], now)

    def upstreams(self, now: datetime) -> tuple[Upstream, ...]:
        """Every active upstream, by Swedish name, then entityID."""
        with self._lock:
            snapshot = self._current()
            if snapshot.listed is None:
                self._list(snapshot, {}, 0)
            ordered = snapshot.ordered
        return tuple(upstream for upstream, until in ordered if until is None or now < until)

    def _current(self) -> _Snapshot:
        """The snapshot of the newest version; while the store does not answer, the last one.

        Raises:
            StoreUnavailable: the store has not answered since this process began.
        """
        looked_at = self._monotonic()
        before = self._snapshot
        if before is not None and looked_at - self._looked_at < _EVERY_S:
            return before
        try:
            version = self._store.active_version()
            if before is None or version != before.version:
                after = _Snapshot(version=version, sources=self._store.sources(version))
                if before is not None and before.listed is not None and _same_dialects(before, after):
                    self._list(after, before.listed, before.version)
                self._snapshot = before = after
        except BrokerError as failure:
            if before is None:
                raise
            _log.warning("metadata version not read", code=failure.code, detail=failure.detail)
        self._looked_at = looked_at
        return before

    def _list(self, snapshot: _Snapshot, known: Mapping[str, _Listed], after: int) -> None:
        """Complete the list of `snapshot`: what was known at version `after`, with what changed since."""
        listed = dict(known)
        for entity_id, stored in self._store.changed_peers(PeerKind.UPSTREAM, after=after, version=snapshot.version):
            if stored is None or stored.settings.blocked or stored.record.idp is None:
                listed.pop(entity_id, None)
            else:
                listed[entity_id] = _Listed(
                    upstream=self._view(snapshot, stored), source=stored.source, valid_until=stored.record.valid_until
                )
        snapshot.ordered = tuple(
            (entry.upstream, _valid_until(entry.valid_until, snapshot.sources.get(entry.source)))
            for entry in sorted(listed.values(), key=_by_name)
        )
        snapshot.listed = listed

    def _usable(self, snapshot: _Snapshot, kind: PeerKind, entity_id: str) -> StoredPeer | None:
        stored = self._store.find_peer(snapshot.version, kind, entity_id)
        if stored is None or stored.settings.blocked:
            return None
        role = stored.record.sp if kind is PeerKind.E_SERVICE else stored.record.idp
        return None if role is None else stored

    def _view(self, snapshot: _Snapshot, stored: StoredPeer) -> Upstream:
        source = snapshot.sources.get(stored.source)
        return upstream_view(stored, source, connectors=self._connectors, catalogue=self._catalogue)


Peer = TypeVar("Peer")


def _keep(cache: OrderedDict[str, Peer], entity_id: str, found: Peer) -> None:
    """Remember what was found; also that there is nothing, for who asks again and again."""
    cache[entity_id] = found
    if len(cache) > _KEPT:
        cache.popitem(last=False)


def _if_valid(found: tuple[Peer, datetime | None] | None, now: datetime) -> Peer | None:
    if found is None:
        return None
    peer, until = found
    return peer if until is None or now < until else None


def _valid_until(own: datetime | None, source: Source | None) -> datetime | None:
    limits = [limit for limit in (own, source.valid_until if source else None) if limit is not None]
    return min(limits, default=None)


def _same_dialects(before: _Snapshot, after: _Snapshot) -> bool:
    """Whether every federation that stays speaks as before; else each view of its peers must be made anew."""
    return all(
        name not in after.sources or after.sources[name].dialect == source.dialect
        for name, source in before.sources.items()
    )


def _by_name(entry: _Listed) -> tuple[str, str]:
    names = entry.upstream.names
    name = names.get("sv") or names.get("en") or next(iter(names.values()), "")
    return name.casefold(), entry.upstream.entity_id
