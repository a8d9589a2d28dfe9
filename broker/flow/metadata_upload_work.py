"""What plans for an upload share: the material, the remarks collected so far, and which keys a change withdraws."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from broker.flow.metadata_changes import keys_of, warn_of_losses
from broker.flow.metadata_plans import DeskRules, Plan, Upload
from broker.flow.metadata_ports import Change, MetadataChecks, MetadataStore, PeerId, StoredPeer
from broker.messages.finding import Finding, found
from broker.messages.metadata import ReadDocument

_UNNAMED = "federation"
_LONGEST_NAME = 500

KeyOf = tuple[PeerId, str]


@dataclass(slots=True, kw_only=True)
class UploadWork:
    """One upload on its way to a plan."""

    store: MetadataStore
    checks: MetadataChecks
    rules: DeskRules
    upload: Upload
    document: ReadDocument
    base: int
    now: datetime
    findings: list[Finding]

    @property
    def source_name(self) -> str:
        """What a federation is called here: as the administrator says, else as it calls itself."""
        name = (self.upload.source or self.document.name or self.upload.file_name).strip()
        return name[:_LONGEST_NAME] or _UNNAMED

    def refuse(self, subject: str) -> Plan:
        """A plan that changes nothing."""
        return self._plan(subject, Change(), refused=True)

    def propose(self, subject: str, change: Change) -> Plan:
        """A plan for `change`."""
        if not change:
            self.findings.append(found("nothing-changes"))
        return self._plan(subject, change, refused=False)

    def _plan(self, subject: str, change: Change, *, refused: bool) -> Plan:
        return Plan(
            base=self.base,
            action="metadata add",
            subject=subject,
            content_hash=self.document.content_hash,
            change=change,
            findings=tuple(self.findings),
            refused=refused,
        )

    def follow_keys(
        self, put: Collection[StoredPeer], gone: Collection[PeerId] = ()
    ) -> tuple[tuple[KeyOf, ...], tuple[KeyOf, ...]]:
        """The keys that the change withdraws, and those withdrawn before that it reinstates; with remarks.

        `gone` are peers whose federation no longer has them: their keys are withdrawn too.
        """
        ids = [(peer.kind, peer.entity_id) for peer in put]
        before = self.store.load_peers(self.base, [*ids, *gone])
        earlier = self._last_seen([peer_id for peer_id in ids if peer_id not in before])
        withdrawn = self.store.withdrawn(ids)
        withdraw: list[KeyOf] = []
        reinstate: list[KeyOf] = []
        for peer, peer_id in zip(put, ids, strict=True):
            keys = keys_of(peer.record)
            if (old := before.get(peer_id)) is not None:
                self.findings += warn_of_losses(old.record, peer.record)
            if (old := old or earlier.get(peer_id)) is not None:
                withdraw += [(peer_id, key) for key in keys_of(old.record) if key not in keys]
            for key in keys:
                if (version := withdrawn.get((peer_id, key))) is not None:
                    reinstate.append((peer_id, key))
                    remark = found(
                        "withdrawn-key-returns", entity_id=peer.entity_id, fingerprint=key[:16], version=version
                    )
                    self.findings.append(remark)
        for peer_id in gone:
            if (old := before.get(peer_id)) is not None:
                withdraw += [(peer_id, key) for key in keys_of(old.record)]
        return tuple(withdraw), tuple(reinstate)

    def _last_seen(self, ids: Collection[PeerId]) -> dict[PeerId, StoredPeer]:
        """Peers that come back, as they were when they left."""
        by_version: dict[int, list[PeerId]] = {}
        for peer_id, version in self.store.removed_in(self.base, ids).items():
            by_version.setdefault(version - 1, []).append(peer_id)
        last: dict[PeerId, StoredPeer] = {}
        for version, some in by_version.items():
            last |= self.store.load_peers(version, some)
        return last
