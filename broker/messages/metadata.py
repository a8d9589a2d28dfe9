"""A metadata document as data: what `saml.read_metadata` found in the bytes, before anybody decided to use it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from broker.messages.entity import EntityRecord, PeerKey
from broker.messages.finding import Finding


class PeerKind(Enum):
    """What a peer is to us. One entityID may be both; the two are then kept apart."""

    E_SERVICE = "e-service"
    UPSTREAM = "upstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntity:
    """One EntityDescriptor. Each record has exactly one role; None: the role is absent or cannot be used.

    The records' `valid_until` leaves out the root of an aggregate: its time is that of the whole source, and is
    renewed daily while the entities stay as they are.
    """

    entity_id: str
    line: int | None
    roles: frozenset[PeerKind]  # that it has, usable or not
    e_service: EntityRecord | None
    upstream: EntityRecord | None
    findings: tuple[Finding, ...]  # about the entity as a whole
    e_service_findings: tuple[Finding, ...]
    upstream_findings: tuple[Finding, ...]

    def record(self, kind: PeerKind) -> EntityRecord | None:
        """The record of the entity in one of its roles."""
        return self.e_service if kind is PeerKind.E_SERVICE else self.upstream

    def findings_about(self, kind: PeerKind) -> tuple[Finding, ...]:
        """What concerns the entity in one of its roles: that the other one is broken does not."""
        return (*self.findings, *(self.e_service_findings if kind is PeerKind.E_SERVICE else self.upstream_findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """One metadata document. With a blocking finding among its own, it has no entities."""

    content_hash: str  # SHA-256 of the file, hex
    name: str | None  # EntitiesDescriptor/@Name
    aggregate: bool  # the root is an EntitiesDescriptor
    valid_until: datetime | None  # of the root
    cache_duration: timedelta | None
    signed: bool  # the root carries a signature, checked or not
    signers: tuple[PeerKey, ...]  # the pinned certificates that were given
    signed_by: str | None  # the fingerprint of the one that verified; None: no signature was checked
    entities: tuple[ReadEntity, ...]
    findings: tuple[Finding, ...]  # about the document as a whole
