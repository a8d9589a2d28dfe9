"""What the metadata desk and the directory need from the durable store.

The active metadata is a sequence of versions. A version is never copied: an entity, a source and what an
administrator said about a peer are each a row that is in force from one version to another, so that changing one
of 10,000 entities writes one row.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.messages.entity import EntityRecord, PeerKey
from broker.messages.finding import Finding
from broker.messages.metadata import PeerKind, ReadDocument

ADMINISTRATOR = ""
"""The source of peers that were added one by one."""

DEFAULT_DIALECT = "sweden_connect"

ReadMetadata = Callable[[bytes, Sequence[bytes]], ReadDocument]
"""(file, PEM signer certificates) → its content, verified when there are signers. Never raises for bad content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSettings:
    """What an administrator said about a peer. Kept apart from its metadata; survives their update."""

    dialect: str | None = None  # None: the source's
    vouched_contexts: tuple[str, ...] = ()
    vouched_categories: tuple[str, ...] = ()
    allowed_upstreams: tuple[str, ...] | None = None  # None: all
    single_sign_on: bool = False
    signature_service: bool | None = None  # None: as its categories declare
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An entity of a federation that was not taken over, and why."""

    entity_id: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A federation whose signed aggregate is in force."""

    name: str
    signers: tuple[PeerKey, ...]  # pinned
    signed_by: str  # fingerprint of the one that signed what is in force
    valid_until: datetime
    content_hash: str
    dialect: str = DEFAULT_DIALECT
    own_entities: tuple[str, ...] = ()  # our own entityIDs, found in it and skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPeer:
    """A peer of one version. `record.valid_until` is the peer's own; the source's `valid_until` limits it too."""

    kind: PeerKind
    entity_id: str
    source: str  # ADMINISTRATOR or the name of a Source
    record: EntityRecord
    settings: PeerSettings
    signed_by: str | None  # fingerprint of the pinned certificate that vouches for it; None: the administrator does


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow:
    """One line of a list."""

    kind: PeerKind
    entity_id: str
    source: str
    name: str  # Swedish, else any
    valid_until: datetime | None
    levels: tuple[str, ...]  # declared and vouched together
    categories: tuple[str, ...]  # declared and vouched together
    blocked: bool
    since: int  # the version that brought the present record


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerQuery:
    """What to list; `text` is looked for in name and entityID."""

    kind: PeerKind | None = None
    source: str | None = None
    text: str = ""
    blocked: bool | None = None
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerPage:
    """One page of a list, by name, and how many there are."""

    rows: tuple[PeerRow, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What is active under an entityID, without its content."""

    source: str
    content_id: str
    valid_until: datetime | None  # the peer's own


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerState:
    """A peer at one version; either part may be absent: a block, for example, outlives the metadata."""

    peer: StoredPeer | None
    settings: PeerSettings | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerChange:
    """A peer that differs between two versions."""

    kind: PeerKind
    entity_id: str
    before: PeerState
    after: PeerState


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerChanges:
    """One page of the peers that differ, in entityID order, and how many there are."""

    rows: tuple[PeerChange, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who made a version, when, how and why."""

    at: datetime
    actor: str
    action: str
    subject: str
    why: str
    content_hash: str | None
    rolled_back_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """One line of the history."""

    version: int
    act: Act


PeerId = tuple[PeerKind, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Everything that makes the next version of the present one."""

    put: tuple[StoredPeer, ...] = ()  # added or replaced; `settings` is not looked at
    end: tuple[PeerId, ...] = ()
    settings: tuple[tuple[PeerId, PeerSettings | None], ...] = ()  # None: nothing said any more
    put_sources: tuple[tuple[Source, tuple[Quarantined, ...]], ...] = ()
    end_sources: tuple[str, ...] = ()
    withdraw: tuple[tuple[PeerId, str], ...] = ()  # keys (fingerprints) that a rollback must not bring back
    reinstate: tuple[tuple[PeerId, str], ...] = ()  # withdrawn keys that the peer's own metadata has again

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.put or self.end or self.settings or self.put_sources or self.end_sources)


class MetadataChecks(Protocol):
    """The rules of the federation, as of now. Pure."""

    def document(self, document: ReadDocument, *, federation: bool, now: datetime) -> tuple[Finding, ...]:
        """What is wrong with the form or the time of a whole document."""
        ...

    def source(self, source: Source, now: datetime) -> tuple[Finding, ...]:
        """What is wrong with the time of a federation in force."""
        ...

    def peer(self, record: EntityRecord, kind: PeerKind, now: datetime) -> tuple[Finding, ...]:
        """What is wrong, or worth knowing, about one peer."""
        ...


class ActiveMetadata(Protocol):
    """What a serving worker reads. Every method raises StoreUnavailable when the store does not answer."""

    def active_version(self) -> int:
        """The newest version; 0 before the first."""
        ...

    def sources(self, version: int) -> Mapping[str, Source]:
        """The federations of a version, by name."""
        ...

    def find_peer(self, version: int, kind: PeerKind, entity_id: str) -> StoredPeer | None:
        """One peer of a version."""
        ...

    def changed_peers(self, kind: PeerKind, *, after: int, version: int) -> Iterator[tuple[str, StoredPeer | None]]:
        """Every peer of `kind` that differs between the two versions, as it is in `version`; None: it is gone."""
        ...


class MetadataStore(ActiveMetadata, Protocol):
    """What the desk needs beyond that."""

    def commit(self, base: int, change: Change, act: Act) -> int | None:
        """Make the version after `base`, all or nothing, and return it.

        None, and nothing changed, when `base` is no longer the newest version: somebody else was faster.
        """
        ...

    def content_id(self, record: EntityRecord) -> str:
        """Equal for records that differ in nothing but `valid_until`, and only for them."""
        ...

    def index(self, version: int, source: str | None = None) -> Mapping[PeerId, Indexed]:
        """Everything active in a version, or in one source of it."""
        ...

    def peers(self, version: int, query: PeerQuery) -> PeerPage:
        """A page of a list."""
        ...

    def load_peers(self, version: int, ids: Collection[PeerId]) -> Mapping[PeerId, StoredPeer]:
        """Those of `ids` that the version has."""
        ...

    def settings(self, version: int, kind: PeerKind, entity_id: str) -> PeerSettings | None:
        """What an administrator said about a peer, also about one that is not there now."""
        ...

    def blocked(self, version: int) -> frozenset[PeerId]:
        """Every blocked peer, also those that are not there now."""
        ...

    def changes(self, before: int, after: int, *, offset: int = 0, limit: int | None = None) -> PeerChanges:
        """Which peers differ between two versions."""
        ...

    def quarantined(self, version: int) -> Mapping[str, tuple[Quarantined, ...]]:
        """What each federation of a version brought and was not taken over."""
        ...

    def withdrawn(self, ids: Collection[PeerId]) -> Mapping[tuple[PeerId, str], int]:
        """The withdrawn keys of peers, each with the version that withdrew it."""
        ...

    def history(self, *, before: int | None = None, limit: int = 100) -> tuple[VersionEntry, ...]:
        """The newest versions first, from below `before`."""
        ...

    def removed_in(self, version: int, ids: Collection[PeerId]) -> Mapping[PeerId, int]:
        """For peers that are not active in `version`: the version that ended them last."""
        ...
