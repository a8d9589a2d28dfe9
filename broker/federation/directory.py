"""The active metadata of a serving worker: followed within seconds, read entity by entity."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import structlog

from broker.core.errors import BrokerError
from broker.core.parties import Upstream
from broker.federation.views import e_service_view, upstream_view
from broker.flow.metadata_ports import ADMINISTRATOR, ActiveMetadata, Source, StoredPeer
from broker.flow.ports import EServicePeer, UpstreamPeer
from broker.messages.metadata import PeerKind
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.collation import swedish_order
from broker.vocabulary.languages import DEFAULT_LANGUAGE, best_text

_EVERY_S = 2.0
_KEPT = 256  # decoded peers of each kind; a login needs two
_LONGEST = 1024  # characters of an entityID (SAML core 8.3.6): strangers' words are looked up here

_log = structlog.get_logger("broker.directory")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """One upstream as the chooser needs it; its record is read when it is asked."""

    upstream: Upstream
    source: str
    valid_until: datetime | None  # its own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """The upstreams of a version in the order of the chooser. Until `changes_at`, `valid` is the answer."""

    valid: tuple[Upstream, ...]
    changes_at: datetime | None


@dataclass(slots=True)
class _Snapshot:
    """What was read of one version so far."""

    version: int
    sources: Mapping[str, Source]
    e_services: OrderedDict[str, tuple[EServicePeer, datetime | None] | None] = field(default_factory=OrderedDict)
    upstream_peers: OrderedDict[str, tuple[UpstreamPeer, datetime | None] | None] = field(default_factory=OrderedDict)
    listed: Mapping[str, _Listed] | None = None  # complete once it is there
    order: _Order | None = None


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
        own_entities: frozenset[str],
        feed_e_services: frozenset[str] | None,
        review_counts: bool,
        catalogue: Catalogue,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`feed_e_services`: which e-services of a federation are served (a hub: those named); None: all.

        The desk takes over no others; but settings change, and what was taken over before then does not count.
        `review_counts`: see `views.upstream_view`.
        """
        self._store = store
        self._connectors = connectors
        self._own_entities = own_entities
        self._feed_e_services = feed_e_services
        self._review_counts = review_counts
        self._catalogue = catalogue
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._snapshot: _Snapshot | None = None
        self._looked_at = float("-inf")

    def find_e_service(self, entity_id: str, now: datetime) -> EServicePeer | None:
        """The e-service, or None when unknown, blocked, not for us to serve, or past its validUntil."""
        with self._lock:
            snapshot = self._current()
            if entity_id not in snapshot.e_services:
                stored = self._usable(snapshot, PeerKind.E_SERVICE, entity_id)
                found = None
                if stored is not None:
                    peer = EServicePeer(policy=e_service_view(stored), record=stored.record)
                    found = (peer, _valid_until(stored.record.valid_until, snapshot.sources.get(stored.source)))
                _keep(snapshot.e_services, entity_id, found)
            return _if_valid(_look_up(snapshot.e_services, entity_id), now)

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
            return _if_valid(_look_up(snapshot.upstream_peers, entity_id), now)

    def upstreams(self, now: datetime) -> tuple[Upstream, ...]:
        """Every active upstream, by Swedish name, then entityID."""
        with self._lock:
            snapshot = self._current()
            if snapshot.listed is None:
                self._list(snapshot, {}, 0)
            order = snapshot.order
            if order is None or (order.changes_at is not None and order.changes_at <= now):
                order = snapshot.order = _order((snapshot.listed or {}).values(), snapshot.sources, now)
            return order.valid

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
            if stored is None or not self._counts(snapshot, stored):
                listed.pop(entity_id, None)
            else:
                listed[entity_id] = _Listed(
                    upstream=self._view(snapshot, stored), source=stored.source, valid_until=stored.record.valid_until
                )
        snapshot.listed, snapshot.order = listed, None

    def _usable(self, snapshot: _Snapshot, kind: PeerKind, entity_id: str) -> StoredPeer | None:
        if len(entity_id) > _LONGEST:
            return None
        stored = self._store.find_peer(snapshot.version, kind, entity_id)
        return stored if stored is not None and self._counts(snapshot, stored) else None

    def _counts(self, snapshot: _Snapshot, stored: StoredPeer) -> bool:
        """Whether a peer of the version may be used here."""
        if stored.settings.blocked or stored.entity_id in self._own_entities:
            return False
        if stored.source != ADMINISTRATOR and stored.source not in snapshot.sources:
            return False  # nobody would answer for it
        if stored.kind is PeerKind.UPSTREAM:
            return stored.record.idp is not None
        by_itself = stored.source == ADMINISTRATOR or self._feed_e_services is None
        return stored.record.sp is not None and (by_itself or stored.entity_id in (self._feed_e_services or ()))

    def _view(self, snapshot: _Snapshot, stored: StoredPeer) -> Upstream:
        source = snapshot.sources.get(stored.source)
        return upstream_view(
            stored,
            source,
            connectors=self._connectors,
            review_counts=self._review_counts,
            catalogue=self._catalogue,
        )


Peer = TypeVar("Peer")


def _keep(cache: OrderedDict[str, Peer], entity_id: str, found: Peer) -> None:
    """Remember what was found; also that there is nothing, for who asks again and again."""
    cache[entity_id] = found
    if len(cache) > _KEPT:
        cache.popitem(last=False)


def _look_up(cache: OrderedDict[str, Peer], entity_id: str) -> Peer:
    """What was found; the least recently used one goes first."""
    cache.move_to_end(entity_id)
    return cache[entity_id]


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


def _order(listed: Iterable[_Listed], sources: Mapping[str, Source], now: datetime) -> _Order:
    entries = tuple(
        (entry.upstream, _valid_until(entry.valid_until, sources.get(entry.source)))
        for entry in sorted(listed, key=_by_name)
    )
    ends = [until for _, until in entries if until is not None and now < until]
    return _Order(
        valid=tuple(upstream for upstream, until in entries if until is None or now < until),
        changes_at=min(ends, default=None),
    )


def _by_name(entry: _Listed) -> tuple[str, str]:
    name = best_text(entry.upstream.names, DEFAULT_LANGUAGE) or entry.upstream.entity_id
    return swedish_order(name), entry.upstream.entity_id
