"""Plans for a federation's signed aggregate: which of its entities become peers here, and which are left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from broker.flow.metadata_plans import Keep, Plan, check_said
from broker.flow.metadata_ports import (
    DEFAULT_DIALECT,
    Change,
    Indexed,
    PeerId,
    PeerSettings,
    Quarantined,
    Source,
    StoredPeer,
)
from broker.flow.metadata_upload_work import UploadWork
from broker.messages.entity import EntityRecord
from broker.messages.finding import Finding, any_blocks, found
from broker.messages.metadata import PeerKind, ReadEntity

_NAMED_LEAVERS = 20  # beyond that, only how many leave is said
_ADMINISTRATOR = "administrator"


@dataclass(slots=True)
class _Sorted:
    """The entities of an aggregate, sorted into what becomes of them."""

    peers: dict[PeerId, EntityRecord] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    skipped: int = 0


def plan_federation(work: UploadWork) -> Plan:
    """Replace what the source brought before by what it brings now."""
    name = work.source_name
    present = work.store.sources(work.base).get(name)
    everything = work.store.index(work.base)
    work.findings += _source_findings(work, name, present)
    work.findings += check_said(
        work.upload.said, kind=PeerKind.UPSTREAM, entity_id=None, from_federation=True, rules=work.rules
    )
    taken = _sort(work, name, everything)
    if work.rules.hub and work.rules.own_idp in taken.own:
        work.findings.append(found("own-idp-in-feed"))
    if taken.skipped:
        work.findings.append(found("feed-e-services-skipped", count=taken.skipped))
    if not taken.peers:
        work.findings.append(found("document-empty", wanted="federation"))
    # A finding about one entity keeps that entity out; one about the whole keeps the whole out.
    if any_blocks(finding for finding in work.findings if finding.entity_id is None):
        return work.refuse(name)
    source = _source(work, name, present, taken)
    if source is None:
        return work.refuse(name)
    return _replace(work, source, present, everything, taken)


def _source_findings(work: UploadWork, name: str, present: Source | None) -> Iterator[Finding]:
    if present is None:
        return
    before = {key.fingerprint for key in present.signers}
    now = {key.fingerprint for key in work.document.signers}
    if not before & now:
        # Perhaps another federation of the same name: it must not take over the entities of this one.
        yield found("source-has-other-signers", source=name)
    elif before != now:
        yield found("source-signers-changed")
    if work.document.valid_until is not None and work.document.valid_until < present.valid_until:
        yield found("source-older")


def _source(work: UploadWork, name: str, present: Source | None, taken: _Sorted) -> Source | None:
    document, dialect = work.document, work.upload.said.dialect
    if document.signed_by is None or document.valid_until is None:
        return None  # the checks have said so; nothing may come of it even if they had not
    return Source(
        name=name,
        signers=document.signers,
        signed_by=document.signed_by,
        valid_until=document.valid_until,
        content_hash=document.content_hash,
        dialect=dialect if not isinstance(dialect, Keep) else present.dialect if present else DEFAULT_DIALECT,
        own_entities=tuple(taken.own),
    )


def _sort(work: UploadWork, name: str, everything: Mapping[PeerId, Indexed]) -> _Sorted:
    elsewhere = {entity_id: one.source for (_, entity_id), one in everything.items() if one.source != name}
    taken = _Sorted()
    for entity in work.document.entities:
        if entity.entity_id in work.rules.own_entities:
            taken.own.append(entity.entity_id)
            work.findings.append(found("own-entity-skipped", entity_id=entity.entity_id, line=entity.line))
        else:
            _sort_entity(work, entity, elsewhere.get(entity.entity_id), taken)
    return taken


def _sort_entity(work: UploadWork, entity: ReadEntity, elsewhere: str | None, taken: _Sorted) -> None:
    kinds = [kind for kind in PeerKind if kind in entity.roles and _wanted(work, entity, kind)]
    if PeerKind.E_SERVICE in entity.roles and PeerKind.E_SERVICE not in kinds:
        taken.skipped += 1
    remarks: dict[Finding, None] = {}
    broken: dict[Finding, None] = {}
    for kind in kinds:
        record = entity.record(kind)
        about = [*entity.findings_about(kind)]
        if record is not None:
            about += work.checks.peer(record, kind, work.now)
        if elsewhere is not None:
            source = elsewhere or _ADMINISTRATOR
            about.append(found("entity-active-elsewhere", entity_id=entity.entity_id, line=entity.line, source=source))
        remarks |= dict.fromkeys(about)
        blocking = [finding for finding in about if finding.blocks]
        broken |= dict.fromkeys(blocking)
        if record is not None and not blocking:
            taken.peers[kind, entity.entity_id] = record
    work.findings += remarks
    if broken:
        taken.quarantined.append(Quarantined(entity_id=entity.entity_id, findings=tuple(broken)))


def _wanted(work: UploadWork, entity: ReadEntity, kind: PeerKind) -> bool:
    return kind is PeerKind.UPSTREAM or not work.rules.hub or entity.entity_id in work.rules.feed_e_services


def _replace(
    work: UploadWork, source: Source, present: Source | None, everything: Mapping[PeerId, Indexed], taken: _Sorted
) -> Plan:
    before = {peer_id for peer_id, one in everything.items() if one.source == source.name}
    gone = sorted(before - taken.peers.keys(), key=lambda peer_id: (peer_id[1], peer_id[0].value))
    put = tuple(
        StoredPeer(
            kind=kind,
            entity_id=entity_id,
            source=source.name,
            record=record,
            settings=PeerSettings(),
            signed_by=None,
        )
        for (kind, entity_id), record in taken.peers.items()
        if not _same(work, everything.get((kind, entity_id)), source.name, record)
    )
    blocked = work.store.blocked(work.base)
    work.findings += (found("entity-blocked", entity_id=peer_id[1]) for peer_id in taken.peers if peer_id in blocked)
    work.findings += _leaving(gone, len(before))
    withdraw, reinstate = work.follow_keys(put, gone)
    quarantined = tuple(taken.quarantined)
    same = source == present and quarantined == work.store.quarantined(work.base).get(source.name)
    change = Change(
        put=put,
        end=tuple(gone),
        put_sources=() if same else ((source, quarantined),),
        withdraw=withdraw,
        reinstate=reinstate,
    )
    return work.propose(source.name, change)


def _same(work: UploadWork, present: Indexed | None, source: str, record: EntityRecord) -> bool:
    return (
        present is not None
        and present.source == source
        and present.valid_until == record.valid_until
        and present.content_id == work.store.content_id(record)
    )


def _leaving(gone: Sequence[PeerId], total: int) -> Iterator[Finding]:
    if gone:
        yield found("entities-leave", count=len(gone), total=total)
    if len(gone) <= _NAMED_LEAVERS:
        for kind, entity_id in gone:
            yield found("entity-leaves", entity_id=entity_id, kind=kind.value)
