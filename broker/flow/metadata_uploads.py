"""Plans for an uploaded file: what it would change, and what stands against it. Nothing is changed here."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from broker.flow.metadata_aggregates import plan_federation
from broker.flow.metadata_plans import DeskRules, Plan, Upload, UploadKind, check_said
from broker.flow.metadata_ports import (
    ADMINISTRATOR,
    Change,
    MetadataChecks,
    MetadataStore,
    PeerSettings,
    ReadMetadata,
    StoredPeer,
)
from broker.flow.metadata_upload_work import UploadWork
from broker.messages.entity import EntityRecord
from broker.messages.finding import Finding, any_blocks, found
from broker.messages.metadata import PeerKind, ReadEntity


class UploadPlanner:
    """Plans uploads for one installation."""

    def __init__(self, *, store: MetadataStore, read: ReadMetadata, checks: MetadataChecks, rules: DeskRules) -> None:
        self._store = store
        self._read = read
        self._checks = checks
        self._rules = rules

    def plan(self, upload: Upload, now: datetime) -> Plan:
        """What taking `upload` over would mean."""
        federation = upload.kind is UploadKind.FEDERATION
        document = self._read(upload.data, upload.signers)
        work = UploadWork(
            store=self._store,
            checks=self._checks,
            rules=self._rules,
            upload=upload,
            document=document,
            base=self._store.active_version(),
            now=now,
            findings=[*document.findings],
        )
        if federation and not upload.signers:
            work.findings.append(found("signer-required"))
        if not any_blocks(work.findings):
            work.findings += self._checks.document(document, federation=federation, now=now)
        if any_blocks(work.findings):
            return work.refuse(work.source_name)
        return plan_federation(work) if federation else _plan_single(work)


def _plan_single(work: UploadWork) -> Plan:
    """One e-service or IdP, for which the administrator vouches."""
    kind = PeerKind.E_SERVICE if work.upload.kind is UploadKind.E_SERVICE else PeerKind.UPSTREAM
    entities = work.document.entities
    if len(entities) > 1:
        work.findings.append(found("several-entities", count=len(entities)))
        return work.refuse(work.source_name)
    if not entities:
        work.findings.append(found("document-empty", wanted=kind.value))
        return work.refuse(work.source_name)
    (entity,) = entities
    record = entity.record(kind)
    work.findings += entity.findings_about(kind)
    work.findings += _not_usable(work, entity, kind)
    if record is None or any_blocks(work.findings):
        return work.refuse(entity.entity_id or work.source_name)
    return _take_single(work, kind, record)


def _not_usable(work: UploadWork, entity: ReadEntity, kind: PeerKind) -> Iterator[Finding]:
    if entity.entity_id in work.rules.own_entities:
        yield found("own-entity-skipped", entity_id=entity.entity_id, line=entity.line)
        yield found("document-empty", wanted=kind.value)
    elif kind not in entity.roles and not any_blocks(work.findings):
        yield found("role-missing", entity_id=entity.entity_id, line=entity.line, wanted=kind.value)


def _take_single(work: UploadWork, kind: PeerKind, record: EntityRecord) -> Plan:
    entity_id, document = record.entity_id, work.document
    if document.valid_until is not None:
        record = replace(record, valid_until=min(record.valid_until or document.valid_until, document.valid_until))
    if document.signed_by is None:
        rule = "signature-not-checked" if document.signed else "signature-none-vouched"
        work.findings.append(found(rule, entity_id=entity_id))
    before = work.store.settings(work.base, kind, entity_id) or PeerSettings()
    settings = work.upload.said.apply(before)
    work.findings += _unanswered(work.checks.peer(record, kind, work.now), settings)
    work.findings += check_said(
        work.upload.said, kind=kind, entity_id=entity_id, from_federation=False, rules=work.rules
    )
    active = work.store.load_peers(work.base, [(one, entity_id) for one in PeerKind])
    for source in {peer.source for peer in active.values()} - {ADMINISTRATOR}:
        work.findings.append(found("entity-active-elsewhere", entity_id=entity_id, source=source))
    if settings.blocked:
        work.findings.append(found("entity-blocked", entity_id=entity_id))
    if any_blocks(work.findings):
        return work.refuse(entity_id)
    peer = StoredPeer(
        kind=kind,
        entity_id=entity_id,
        source=ADMINISTRATOR,
        record=record,
        settings=settings,
        signed_by=document.signed_by,
    )
    present = active.get((kind, entity_id))
    same = present is not None and (present.record, present.signed_by) == (record, peer.signed_by)
    put = () if same else (peer,)
    withdraw, reinstate = work.follow_keys(put)
    change = Change(
        put=put,
        settings=(((kind, entity_id), settings),) if settings != before else (),
        withdraw=withdraw,
        reinstate=reinstate,
    )
    return work.propose(entity_id, change)


def _unanswered(findings: Iterable[Finding], settings: PeerSettings) -> Iterator[Finding]:
    """Without the remarks that the administrator's word has answered."""
    answered = {
        "assurance-missing": bool(settings.vouched_contexts),
        "category-missing": bool(settings.vouched_categories),
    }
    return (finding for finding in findings if not answered.get(finding.rule, False))
