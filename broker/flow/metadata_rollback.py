"""The plan for going back to an earlier version: what was then, as far as it may still be used now.

What is not brought back: a federation whose validUntil has passed or whose signer is no longer pinned (the whole
rollback is refused); a key that its peer has replaced since, or that left with its federation; the lifting of a
block. An entity that an administrator removed does return, and that is said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from broker.flow.metadata_changes import keys_of, signing_keys_of
from broker.flow.metadata_plans import Plan
from broker.flow.metadata_ports import (
    Change,
    MetadataStore,
    PeerChange,
    PeerId,
    PeerSettings,
    Quarantined,
    Source,
    StoredPeer,
)
from broker.messages.entity import EntityRecord, PeerKey
from broker.messages.finding import Finding, any_blocks, found


def plan_rollback(store: MetadataStore, version: int | None, now: datetime) -> Plan:
    """What going back to `version` (None: the one before the active one) would mean."""
    base = store.active_version()
    target = base - 1 if version is None else version
    if not 0 <= target < base:
        return _plan(base, target, Change(), [found("version-unknown", version=target)])
    return _Rollback(store=store, base=base, target=target, now=now).plan()


@dataclass(slots=True, kw_only=True)
class _Rollback:
    store: MetadataStore
    base: int
    target: int
    now: datetime
    findings: list[Finding] = field(default_factory=list)
    put: list[StoredPeer] = field(default_factory=list)
    end: list[PeerId] = field(default_factory=list)
    settings: list[tuple[PeerId, PeerSettings | None]] = field(default_factory=list)

    def plan(self) -> Plan:
        then, today = self.store.sources(self.target), self.store.sources(self.base)
        put_sources = tuple(self._sources(then, today))
        if any_blocks(self.findings):
            return _plan(self.base, self.target, Change(), self.findings)
        changes = self.store.changes(self.base, self.target).rows
        ids = [(change.kind, change.entity_id) for change in changes]
        withdrawn = self.store.withdrawn(ids)
        returning = [peer_id for peer_id, one in zip(ids, changes, strict=True) if one.before.peer is None]
        removed = self.store.removed_in(self.base, returning)
        for peer_id, moved in zip(ids, changes, strict=True):
            self._peer(peer_id, moved, withdrawn, removed.get(peer_id), then)
            self._said(peer_id, moved)
        change = Change(
            put=tuple(self.put),
            end=tuple(self.end),
            settings=tuple(self.settings),
            put_sources=put_sources,
            end_sources=tuple(name for name in today if name not in then),
        )
        if not change:
            self.findings.append(found("nothing-changes"))
        return _plan(self.base, self.target, change, self.findings)

    def _sources(
        self, then: Mapping[str, Source], today: Mapping[str, Source]
    ) -> Iterator[tuple[Source, tuple[Quarantined, ...]]]:
        quarantined = self.store.quarantined(self.target)
        for name, source in then.items():
            present = today.get(name)
            if source == present:
                continue
            source = replace(source, signers=present.signers if present else source.signers)
            if source == present:
                continue  # other signers are pinned now; that is all that differs
            if source.valid_until <= self.now:
                moment = f"{source.valid_until:%Y-%m-%d %H:%M:%S} UTC"
                self.findings.append(
                    found("rollback-source-expired", source=name, version=self.target, valid_until=moment)
                )
            if source.signed_by not in {key.fingerprint for key in source.signers}:
                self.findings.append(found("rollback-signer-unpinned", source=name, version=self.target))
            yield source, quarantined.get(name, ())

    def _peer(
        self,
        peer_id: PeerId,
        change: PeerChange,
        withdrawn: Mapping[tuple[PeerId, str], int],
        removed_in: int | None,
        then: Mapping[str, Source],
    ) -> None:
        present, wanted = change.before.peer, change.after.peer
        if wanted is None:
            if present is not None:
                self.end.append(peer_id)
            return
        if present is not None and _same(present, wanted):
            return
        record = self._usable(peer_id, wanted, withdrawn)
        if record is not None:
            if present is None and removed_in is not None:
                self.findings.append(found("rollback-entity-returns", entity_id=wanted.entity_id, since=removed_in))
            usable = replace(wanted, record=record)
            if present is None or not _same(present, usable):
                self.put.append(usable)
        elif present is not None and present.source and present.source not in then:
            # It cannot go back, and the federation that answers for it today goes.
            self.end.append(peer_id)

    def _usable(
        self, peer_id: PeerId, wanted: StoredPeer, withdrawn: Mapping[tuple[PeerId, str], int]
    ) -> EntityRecord | None:
        """What the peer had then, without what must not come back; None when nothing useful is left."""
        record, entity_id = wanted.record, wanted.entity_id
        if record.valid_until is not None and record.valid_until <= self.now:
            moment = f"{record.valid_until:%Y-%m-%d %H:%M:%S} UTC"
            self.findings.append(
                found("rollback-entity-expired", entity_id=entity_id, version=self.target, valid_until=moment)
            )
            return None
        gone = {key: since for key in keys_of(record) if (since := withdrawn.get((peer_id, key))) is not None}
        for key, since in gone.items():
            self.findings.append(
                found("rollback-key-withdrawn", entity_id=entity_id, fingerprint=key[:16], since=since)
            )
        left = _without(record, frozenset(gone))
        if gone and _lost_its_keys(record, left):
            self.findings.append(found("rollback-entity-kept", entity_id=entity_id, version=self.target))
            return None
        return left

    def _said(self, peer_id: PeerId, change: PeerChange) -> None:
        present, wanted = change.before.settings, change.after.settings
        if present == wanted:
            return
        if present is not None and present.blocked and not (wanted and wanted.blocked):
            self.findings.append(found("rollback-block-kept", entity_id=change.entity_id, version=self.target))
            wanted = replace(wanted or PeerSettings(), blocked=True)
        if wanted != present:
            self.settings.append((peer_id, wanted))


def _plan(base: int, target: int, change: Change, findings: list[Finding]) -> Plan:
    refused = any_blocks(findings)
    return Plan(
        base=base,
        action="metadata rollback",
        subject=f"version {target}",
        content_hash=None,
        change=Change() if refused else change,
        findings=tuple(findings),
        refused=refused,
        rolled_back_to=target,
    )


def _same(one: StoredPeer, other: StoredPeer) -> bool:
    """Whether two states of a peer differ in nothing but what an administrator said."""
    return (one.source, one.record, one.signed_by) == (other.source, other.record, other.signed_by)


def _lost_its_keys(record: EntityRecord, left: EntityRecord) -> bool:
    """Whether the keys of one purpose are all gone, so that the peer could not be used."""
    return (bool(signing_keys_of(record)) and not signing_keys_of(left)) or (
        record.sp is not None
        and left.sp is not None
        and bool(record.sp.encryption_keys)
        and not left.sp.encryption_keys
    )


def _without(record: EntityRecord, gone: frozenset[str]) -> EntityRecord:
    def left(keys: tuple[PeerKey, ...]) -> tuple[PeerKey, ...]:
        return tuple(key for key in keys if key.fingerprint not in gone)

    sp, idp = record.sp, record.idp
    if sp is not None:
        sp = replace(sp, signing_keys=left(sp.signing_keys), encryption_keys=left(sp.encryption_keys))
    if idp is not None:
        idp = replace(idp, signing_keys=left(idp.signing_keys), encryption_keys=left(idp.encryption_keys))
    return replace(record, sp=sp, idp=idp)
