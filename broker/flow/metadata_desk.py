"""The metadata desk: everything that an administrator does with peers. One desk for the command and, later, the pages.

Each use case first makes a plan (findings, and the change that would follow) and then carries it out: the audit event
is stored, then the next version is made, all or nothing. Of two administrators at once, one wins and the other is told.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from broker.core.ports import Clock, IdSource
from broker.flow.events import AdministratorActed
from broker.flow.metadata_changes import (
    PeerDifference,
    SourceDifference,
    describe_change,
    describe_sources,
    keys_of,
)
from broker.flow.metadata_plans import DeskRules, Plan, SettingsPatch, Upload, check_said
from broker.flow.metadata_ports import (
    ADMINISTRATOR,
    Act,
    Change,
    MetadataChecks,
    MetadataStore,
    PeerId,
    PeerPage,
    PeerQuery,
    PeerSettings,
    Quarantined,
    ReadMetadata,
    Source,
    StoredPeer,
    VersionEntry,
)
from broker.flow.metadata_rollback import plan_rollback
from broker.flow.metadata_uploads import UploadPlanner
from broker.flow.ports import AuditLog
from broker.messages.finding import Finding, any_blocks, found
from broker.messages.metadata import PeerKind
from broker.vocabulary.findings import Severity

_AUDITED_FINDINGS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a plan. Without `after`, nothing was changed."""

    before: int
    after: int | None
    refused: bool
    subject: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The active version: a page of its peers, its federations, and what those brought that is not used."""

    version: int
    page: PeerPage
    sources: tuple[Source, ...]
    quarantined: dict[str, tuple[Quarantined, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerDetail:
    """One peer of the active version, with everything that is known and remarked about it."""

    peer: StoredPeer
    source: Source | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """A page of what differs between two versions, and how many peers differ."""

    before: int
    after: int
    rows: tuple[PeerDifference, ...]
    total: int
    sources: tuple[SourceDifference, ...]


class MetadataDesk:
    """What one administrator (`actor`) does. Raises StoreUnavailable, AuditUnavailable."""

    def __init__(
        self,
        *,
        store: MetadataStore,
        read: ReadMetadata,
        checks: MetadataChecks,
        rules: DeskRules,
        audit: AuditLog,
        clock: Clock,
        ids: IdSource,
        actor: str,
    ) -> None:
        self._store = store
        self._checks = checks
        self._rules = rules
        self._audit = audit
        self._clock = clock
        self._ids = ids
        self._actor = actor
        self._uploads = UploadPlanner(store=store, read=read, checks=checks, rules=rules)

    # --- changing ------------------------------------------------------------------------------------------------

    def add(self, upload: Upload, why: str = "") -> Outcome:
        """Take a file over: a peer, or a federation in place of what it brought before."""
        return self.carry_out(self.plan_add(upload), why)

    def plan_add(self, upload: Upload) -> Plan:
        """What `add` would do."""
        return self._uploads.plan(upload, self._clock.now())

    def set(self, entity_id: str, said: SettingsPatch, *, kind: PeerKind | None = None, why: str = "") -> Outcome:
        """Change what is said about a peer."""
        return self.carry_out(self._plan_set(entity_id, said, kind), why)

    def block(self, entity_id: str, *, lift: bool = False, why: str = "") -> Outcome:
        """Take a peer out of use in all its roles until the block is lifted, whatever metadata come."""
        return self.carry_out(self._plan_block(entity_id, lift), why)

    def remove(
        self, name: str, *, kind: PeerKind | None = None, keys_withdrawn: bool = False, why: str = ""
    ) -> Outcome:
        """Remove a peer that was added by an administrator, or a whole federation.

        With `keys_withdrawn`, no rollback brings the keys back.
        """
        return self.carry_out(self._plan_remove(name, kind, keys_withdrawn), why)

    def rollback(self, version: int | None = None, why: str = "") -> Outcome:
        """Go back to `version`, else to the one before the active one, by making a new version."""
        return self.carry_out(self.plan_rollback(version), why)

    def plan_rollback(self, version: int | None = None) -> Plan:
        """What `rollback` would do."""
        return plan_rollback(self._store, version, self._clock.now())

    def carry_out(self, plan: Plan, why: str = "") -> Outcome:
        """Make the version that `plan` proposes, after the audit event is stored."""
        now = self._clock.now()
        if plan.refused or not plan.change:
            self._record(plan, now, plan.findings, after=None)
            return _outcome(plan, plan.findings, None, refused=plan.refused)
        self._record(plan, now, plan.findings, after=plan.base + 1)
        act = Act(
            at=now,
            actor=self._actor,
            action=plan.action,
            subject=plan.subject,
            why=why,
            content_hash=plan.content_hash,
            rolled_back_to=plan.rolled_back_to,
        )
        made = self._store.commit(plan.base, plan.change, act)
        if made is None:
            findings = (*plan.findings, found("version-moved-on", version=self._store.active_version()))
            self._record(plan, now, findings, after=None)
            return _outcome(plan, findings, None, refused=True)
        return _outcome(plan, plan.findings, made, refused=False)

    def _record(self, plan: Plan, now: datetime, findings: Iterable[Finding], *, after: int | None) -> None:
        event = AdministratorActed(
            at=now,
            reference=self._ids.reference(),
            actor=self._actor,
            action=plan.action,
            subject=plan.subject,
            before=plan.base,
            after=after,
            content_hash=plan.content_hash,
            findings=tuple(_audited(findings)),
        )
        self._audit.record(event)

    # --- plans ---------------------------------------------------------------------------------------------------

    def _plan_set(self, entity_id: str, said: SettingsPatch, kind: PeerKind | None) -> Plan:
        base = self._store.active_version()
        peers = self._peers(base, entity_id, kind)
        findings = list(_one_needed(peers, entity_id))
        change = Change()
        if not findings:
            ((peer_id, peer),) = peers.items()
            findings += check_said(
                said,
                kind=peer.kind,
                entity_id=entity_id,
                from_federation=peer.source != ADMINISTRATOR,
                rules=self._rules,
            )
            settings = said.apply(peer.settings)
            findings += self._unknown_upstreams(base, entity_id, settings)
            if settings != peer.settings:
                change = Change(settings=((peer_id, settings),))
        return _plan(base, "metadata set", entity_id, change, findings)

    def _plan_block(self, entity_id: str, lift: bool) -> Plan:
        base = self._store.active_version()
        said = {(kind, entity_id): self._store.settings(base, kind, entity_id) for kind in PeerKind}
        known = any(one is not None for one in said.values()) or bool(self._peers(base, entity_id, None))
        findings = [] if known else [found("entity-unknown", name=entity_id)]
        # In both kinds, whichever it has: metadata may bring the other role tomorrow.
        settings = {peer_id: one or PeerSettings() for peer_id, one in said.items()}
        changed = tuple(
            (peer_id, replace(one, blocked=not lift)) for peer_id, one in settings.items() if one.blocked is lift
        )
        action = "metadata block --lift" if lift else "metadata block"
        return _plan(base, action, entity_id, Change(settings=changed), findings)

    def _plan_remove(self, name: str, kind: PeerKind | None, keys_withdrawn: bool) -> Plan:
        base = self._store.active_version()
        peers = self._peers(base, name, kind)
        if not peers and name in self._store.sources(base):
            return self._plan_remove_source(base, name, keys_withdrawn)
        findings = [] if peers else [found("entity-unknown", name=name)]
        for source in {peer.source for peer in peers.values()} - {ADMINISTRATOR}:
            findings.append(found("entity-of-federation", entity_id=name, source=source))
        return _plan(base, "metadata remove", name, _removal(peers, keys_withdrawn), findings)

    def _plan_remove_source(self, base: int, name: str, keys_withdrawn: bool) -> Plan:
        ids = tuple(self._store.index(base, name))
        keys = _keys(self._store.load_peers(base, ids)) if keys_withdrawn else ()
        # What was said about its peers stays: should the federation come back, a blocked peer is blocked.
        change = Change(end=ids, end_sources=(name,), withdraw=keys)
        findings = [found("entities-leave", count=len(ids), total=len(ids))] if ids else []
        return _plan(base, "metadata remove", name, change, findings)

    def _peers(self, base: int, entity_id: str, kind: PeerKind | None) -> dict[PeerId, StoredPeer]:
        wanted = [(one, entity_id) for one in PeerKind if kind in (None, one)]
        return dict(self._store.load_peers(base, wanted))

    def _unknown_upstreams(self, base: int, entity_id: str, settings: PeerSettings) -> Iterator[Finding]:
        wanted = [(PeerKind.UPSTREAM, upstream) for upstream in settings.allowed_upstreams or ()]
        active = self._store.load_peers(base, wanted)
        for peer_id in wanted:
            if peer_id not in active:
                yield found("upstream-unknown", entity_id=entity_id, upstream=peer_id[1])

    # --- looking -------------------------------------------------------------------------------------------------

    def overview(self, query: PeerQuery | None = None) -> Overview:
        """The active version."""
        version = self._store.active_version()
        return Overview(
            version=version,
            page=self._store.peers(version, query or PeerQuery()),
            sources=tuple(sorted(self._store.sources(version).values(), key=lambda source: source.name)),
            quarantined=dict(self._store.quarantined(version)),
        )

    def show(self, entity_id: str) -> tuple[PeerDetail, ...]:
        """The peer in each of its roles; empty when it is not active."""
        version, now = self._store.active_version(), self._clock.now()
        sources = self._store.sources(version)
        return tuple(
            PeerDetail(
                peer=peer,
                source=sources.get(peer.source),
                findings=self._checks.peer(peer.record, peer.kind, now),
            )
            for peer in self._peers(version, entity_id, None).values()
        )

    def history(self, *, before: int | None = None, limit: int = 100) -> tuple[VersionEntry, ...]:
        """The newest versions first, from below `before`."""
        return self._store.history(before=before, limit=limit)

    def diff(
        self, before: int | None = None, after: int | None = None, *, offset: int = 0, limit: int | None = None
    ) -> Differences:
        """What differs from `before` (else the version before `after`) to `after` (else the active one)."""
        last = self._store.active_version() if after is None else after
        first = max(last - 1, 0) if before is None else before
        changes = self._store.changes(first, last, offset=offset, limit=limit)
        return Differences(
            before=first,
            after=last,
            rows=tuple(describe_change(row) for row in changes.rows),
            total=changes.total,
            sources=describe_sources(self._store.sources(first), self._store.sources(last)),
        )

    def review(self) -> tuple[Finding, ...]:
        """What stands against serving with the active version, or should be looked after: for start-up and `check`."""
        version, now = self._store.active_version(), self._clock.now()
        return tuple(self._review(version, now))

    def _review(self, version: int, now: datetime) -> Iterator[Finding]:
        for source in self._store.sources(version).values():
            yield from self._checks.source(source, now)
            if self._rules.hub and self._rules.own_idp in source.own_entities:
                yield found("own-idp-in-feed")
        if self._rules.hub:
            own = self._store.load_peers(version, [(kind, self._rules.own_idp) for kind in PeerKind])
            if any(peer.source != ADMINISTRATOR for peer in own.values()):
                yield found("own-idp-in-feed")


def _outcome(plan: Plan, findings: tuple[Finding, ...], after: int | None, *, refused: bool) -> Outcome:
    return Outcome(before=plan.base, after=after, refused=refused, subject=plan.subject, findings=findings)


def _plan(base: int, action: str, subject: str, change: Change, findings: list[Finding]) -> Plan:
    refused = any_blocks(findings)
    if not refused and not change:
        findings = [*findings, found("nothing-changes")]
    return Plan(
        base=base,
        action=action,
        subject=subject,
        content_hash=None,
        change=Change() if refused else change,
        findings=tuple(findings),
        refused=refused,
    )


def _one_needed(peers: dict[PeerId, StoredPeer], entity_id: str) -> Iterator[Finding]:
    if not peers:
        yield found("entity-unknown", name=entity_id)
    elif len(peers) > 1:
        yield found("kind-needed", entity_id=entity_id)


def _removal(peers: dict[PeerId, StoredPeer], keys_withdrawn: bool) -> Change:
    """The end of `peers` and of what was said about them, except a block: whoever adds them again is told."""
    said = tuple(
        (peer_id, PeerSettings(blocked=True) if peer.settings.blocked else None)
        for peer_id, peer in peers.items()
        if peer.settings != PeerSettings()
    )
    return Change(end=tuple(peers), settings=said, withdraw=_keys(peers) if keys_withdrawn else ())


def _keys(peers: Mapping[PeerId, StoredPeer]) -> tuple[tuple[PeerId, str], ...]:
    return tuple((peer_id, key) for peer_id, peer in peers.items() for key in keys_of(peer.record))


def _audited(findings: Iterable[Finding]) -> Iterator[str]:
    worth = [finding for finding in findings if finding.severity is not Severity.INFORMATION]
    for finding in worth[:_AUDITED_FINDINGS]:
        yield f"{finding.severity.value} {finding.rule} {finding.entity_id or ''}".strip()
    if len(worth) > _AUDITED_FINDINGS:
        yield f"and {len(worth) - _AUDITED_FINDINGS} more"
