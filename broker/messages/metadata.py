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
    """One EntityDescriptor. Each record has exactly one role; both are None when the entity cannot be used.

    `own_valid_until` leaves out the root of the document, whose time belongs to the source as a whole; the records'
    `valid_until` takes it in.
    """

    entity_id: str
    line: int | None
    e_service: EntityRecord | None
    upstream: EntityRecord | None
    own_valid_until: datetime | None
    findings: tuple[Finding, ...]

    def record(self, kind: PeerKind) -> EntityRecord | None:
        """The record of the entity in one of its roles."""
        return self.e_service if kind is PeerKind.E_SERVICE else self.upstream


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
