"""A metadata desk over a real store on SQLite, with the real reader, at a time that the test sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from support.metadata_files import rsa

from broker.core.errors import AuditUnavailable
from broker.federation.validation import FederationChecks
from broker.flow.events import AdministratorActed, AuditEvent
from broker.flow.metadata_desk import MetadataDesk, Outcome
from broker.flow.metadata_plans import DeskRules, SettingsPatch, Upload, UploadKind
from broker.flow.metadata_ports import PeerQuery, StoredPeer
from broker.messages.finding import Finding
from broker.messages.metadata import PeerKind
from broker.saml.read_metadata import MetadataReader
from broker.stores.migrate import migrate
from broker.stores.sql import open_durable
from broker.stores.sql_metadata import SqlMetadata

OWN_IDP, OWN_SP = "https://login.example.se/saml/idp", "https://login.example.se/saml/sp"
CONNECTOR = "https://connector.eidas.swedenconnect.se/eidas"

RULES = DeskRules(
    own_entities=frozenset((OWN_IDP, OWN_SP)),
    own_idp=OWN_IDP,
    hub=False,
    feed_e_services=frozenset(),
    dialects=frozenset(("sweden_connect", "bankid", "freja")),
    connectors=frozenset((CONNECTOR,)),
)


@dataclass(slots=True)
class MovableClock:
    """A time that the test sets."""

    at: datetime

    def now(self) -> datetime:
        """That time."""
        return self.at


@dataclass(slots=True)
class CountingIds:
    """Identifiers that a test can foresee."""

    given: int = 0

    def message_id(self) -> str:
        """Not asked for by the desk."""
        return self.reference()

    def token(self) -> str:
        """Not asked for by the desk."""
        return self.reference()

    def reference(self) -> str:
        """One more each time."""
        self.given += 1
        return f"REF{self.given}"


@dataclass(slots=True)
class ListedAudit:
    """Audit events, kept in order, unless it is broken."""

    events: list[AuditEvent] = field(default_factory=list)
    broken: bool = False

    def record(self, event: AuditEvent) -> None:
        """Keep `event`."""
        if self.broken:
            raise AuditUnavailable("broken by the test")
        self.events.append(event)

    @property
    def acts(self) -> list[AdministratorActed]:
        """What administrators did."""
        return [event for event in self.events if isinstance(event, AdministratorActed)]


class DeskBench:
    """The desk, and what lies around it."""

    def __init__(self, folder: Path) -> None:
        engine = open_durable(f"sqlite:///{folder / 'durable.sqlite'}")
        migrate(engine)
        self.engine = engine
        self.store = SqlMetadata(engine)
        self.audit = ListedAudit()
        self.clock = MovableClock(datetime.now(UTC))

    def desk(self, rules: DeskRules = RULES, *, actor: str = "anna") -> MetadataDesk:
        """The desk of one administrator."""
        return MetadataDesk(
            store=self.store,
            read=MetadataReader(loopback_http=False),
            checks=FederationChecks(connectors=rules.connectors),
            rules=rules,
            audit=self.audit,
            clock=self.clock,
            ids=CountingIds(),
            actor=actor,
        )

    def add_e_service(
        self, xml: str, said: SettingsPatch | None = None, *, desk: MetadataDesk | None = None
    ) -> Outcome:
        """Add one e-service."""
        return (desk or self.desk()).add(single(xml, UploadKind.E_SERVICE, said))

    def add_upstream(self, xml: str, said: SettingsPatch | None = None, *, desk: MetadataDesk | None = None) -> Outcome:
        """Add one IdP."""
        return (desk or self.desk()).add(single(xml, UploadKind.UPSTREAM, said))

    def add_federation(self, data: bytes, *signers: bytes, desk: MetadataDesk | None = None) -> Outcome:
        """Add a federation, signed by `signer` unless said otherwise."""
        return (desk or self.desk()).add(federation(data, *signers))

    def active(self) -> set[tuple[str, str]]:
        """The kind and entityID of every active peer."""
        rows = self.store.peers(self.store.active_version(), PeerQuery(limit=10_000)).rows
        return {(row.kind.value, row.entity_id) for row in rows}

    def peer(self, entity_id: str, kind: PeerKind = PeerKind.UPSTREAM) -> StoredPeer:
        """An active peer."""
        found = self.store.find_peer(self.store.active_version(), kind, entity_id)
        assert found is not None
        return found

    def is_active(self, entity_id: str, kind: PeerKind = PeerKind.UPSTREAM) -> bool:
        """Whether there is one."""
        return self.store.find_peer(self.store.active_version(), kind, entity_id) is not None


def single(xml: str, kind: UploadKind, said: SettingsPatch | None = None) -> Upload:
    """One peer as an upload."""
    return Upload(data=xml.encode(), file_name="peer.xml", kind=kind, said=said or SettingsPatch())


def federation(data: bytes, *signers: bytes, source: str | None = None) -> Upload:
    """An aggregate as an upload."""
    pinned = signers or (rsa("signer").certificate,)
    return Upload(data=data, file_name="all.xml", kind=UploadKind.FEDERATION, signers=pinned, source=source)


def hub(*named: str) -> DeskRules:
    """The rules of a hub in which `named` e-services of a federation are registered."""
    return replace(RULES, hub=True, feed_e_services=frozenset(named))


def blocking(findings: Sequence[Finding]) -> list[str]:
    """The rules that refuse something."""
    return [finding.rule for finding in findings if finding.blocks]


def rules_of(findings: Sequence[Finding]) -> set[str]:
    """Every rule that has a finding."""
    return {finding.rule for finding in findings}
