"""What a serving worker knows: the newest version within two seconds, entity by entity, and nothing past its time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.metadata_desks import OWN_IDP, DeskBench, federation
from support.metadata_files import EServiceDraft, UpstreamDraft, fingerprint_of, rsa, signed_aggregate

from broker.core.errors import StoreUnavailable
from broker.federation.directory import ActiveDirectory
from broker.flow.metadata_plans import SettingsPatch
from broker.flow.metadata_ports import ActiveMetadata, Source, StoredPeer
from broker.messages.metadata import PeerKind
from broker.vocabulary.attributes import CATALOGUE

E_SERVICE, UPSTREAM = "https://bygglov.example.se/sp", "https://eid.example.se/idp"


@dataclass(slots=True)
class Stopwatch:
    """Monotonic seconds that pass when the test says so."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass(slots=True)
class Observed:
    """A store that counts what is read of it, and can be out of reach."""

    store: ActiveMetadata
    down: bool = False
    read: list[str] = field(default_factory=list)

    def active_version(self) -> int:
        self._note("version")
        return self.store.active_version()

    def sources(self, version: int) -> Mapping[str, Source]:
        self._note("sources")
        return self.store.sources(version)

    def find_peer(self, version: int, kind: PeerKind, entity_id: str) -> StoredPeer | None:
        self._note(entity_id)
        return self.store.find_peer(version, kind, entity_id)

    def changed_peers(self, kind: PeerKind, *, after: int, version: int) -> Iterator[tuple[str, StoredPeer | None]]:
        self._note(f"changed after {after}")
        return self.store.changed_peers(kind, after=after, version=version)

    def _note(self, what: str) -> None:
        if self.down:
            raise StoreUnavailable("out of reach, says the test")
        self.read.append(what)


class Worker:
    """A directory with its surroundings."""

    def __init__(
        self, bench: DeskBench, *, feed_e_services: frozenset[str] | None = None, own: frozenset[str] = frozenset()
    ) -> None:
        self.bench = bench
        self.stopwatch = Stopwatch()
        self.store = Observed(bench.store)
        self.directory = ActiveDirectory(
            self.store,
            connectors=frozenset(),
            own_entities=own,
            feed_e_services=feed_e_services,
            review_counts=False,
            catalogue=CATALOGUE,
            monotonic=self.stopwatch,
        )

    def wait(self) -> None:
        """Two seconds pass."""
        self.stopwatch.seconds += 2

    def has_e_service(self, entity_id: str = E_SERVICE) -> bool:
        return self.directory.find_e_service(entity_id, self.bench.clock.at) is not None

    def has_upstream(self, entity_id: str = UPSTREAM) -> bool:
        return self.directory.find_upstream(entity_id, self.bench.clock.at) is not None

    def names(self) -> list[str]:
        return [upstream.names["sv"] for upstream in self.directory.upstreams(self.bench.clock.at)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    made = DeskBench(tmp_path)
    yield made
    made.engine.dispose()


@pytest.fixture
def worker(bench: DeskBench) -> Worker:
    bench.add_e_service(EServiceDraft().xml())
    bench.add_upstream(UpstreamDraft().xml())
    return Worker(bench)


def test_a_peer_is_found_with_what_policy_and_the_wire_need(worker: Worker) -> None:
    now = worker.bench.clock.at
    e_service = worker.directory.find_e_service(E_SERVICE, now)
    upstream = worker.directory.find_upstream(UPSTREAM, now)
    assert e_service is not None
    assert (e_service.policy.entity_id, e_service.policy.from_feed) == (E_SERVICE, False)
    assert e_service.record.sp is not None
    assert upstream is not None
    assert upstream.record.idp is not None
    assert worker.directory.upstreams(now) == (upstream.policy,)


def test_a_stranger_is_not_found(worker: Worker) -> None:
    for stranger in ("urn:nobody", UPSTREAM, "x" * 100_000, "", "'; DROP TABLE metadata_peer; --"):
        assert not worker.has_e_service(stranger)
    assert not worker.has_upstream(E_SERVICE)


def test_a_login_reads_the_two_peers_it_needs_and_later_ones_nothing(worker: Worker) -> None:
    for _ in range(3):
        worker.has_e_service()
        worker.has_upstream()
    assert worker.store.read == ["version", "sources", E_SERVICE, UPSTREAM]


def test_the_version_is_looked_at_every_two_seconds(worker: Worker) -> None:
    worker.has_upstream()
    for _ in range(4):
        worker.stopwatch.seconds += 0.99
        worker.has_upstream()
    assert worker.store.read.count("version") == 2


def test_a_change_counts_after_two_seconds(worker: Worker) -> None:
    assert worker.names() == ["Exempel-id"]
    worker.bench.desk().block(UPSTREAM)
    assert worker.has_upstream()
    worker.wait()
    assert not worker.has_upstream()
    assert worker.names() == []
    worker.bench.desk().block(UPSTREAM, lift=True)
    worker.wait()
    assert worker.has_upstream()
    assert worker.names() == ["Exempel-id"]


def test_a_replaced_key_counts_after_two_seconds(worker: Worker) -> None:
    def keys() -> list[str]:
        peer = worker.directory.find_upstream(UPSTREAM, worker.bench.clock.at)
        assert peer is not None
        assert peer.record.idp is not None
        return [key.fingerprint for key in peer.record.idp.signing_keys]

    assert keys() == [fingerprint_of(rsa())]
    worker.bench.add_upstream(UpstreamDraft(keys=(rsa("new"),)).xml())
    worker.wait()
    assert keys() == [fingerprint_of(rsa("new"))]


def test_only_what_changed_is_read_for_the_list(worker: Worker) -> None:
    worker.names()
    worker.bench.add_upstream(UpstreamDraft(entity_id="urn:2", names={"sv": "Annan"}).xml())
    worker.wait()
    assert worker.names() == ["Annan", "Exempel-id"]
    assert [what for what in worker.store.read if what.startswith("changed")] == ["changed after 0", "changed after 2"]


def test_the_list_is_in_swedish_order(worker: Worker) -> None:
    for number, name in enumerate(("Öppet", "Ålands", "Ärlig", "bankid", "Zeta", "Zeta")):
        worker.bench.add_upstream(UpstreamDraft(entity_id=f"urn:{number}", names={"sv": name}).xml())
    assert worker.names() == ["bankid", "Exempel-id", "Zeta", "Zeta", "Ålands", "Ärlig", "Öppet"]


def test_what_was_said_reaches_the_list(worker: Worker) -> None:
    worker.names()
    worker.bench.desk().set(UPSTREAM, SettingsPatch(dialect="bankid"))
    worker.wait()
    (upstream,) = worker.directory.upstreams(worker.bench.clock.at)
    assert upstream.dialect == "bankid"


# --- time ------------------------------------------------------------------------------------------------------


def test_nothing_outlives_its_own_end_of_validity(bench: DeskBench) -> None:
    ends = bench.clock.at + timedelta(hours=1)
    attributes = f'validUntil="{ends:%Y-%m-%dT%H:%M:%SZ}"'
    bench.add_e_service(EServiceDraft(attributes=attributes).xml())
    bench.add_upstream(UpstreamDraft(attributes=attributes).xml())
    bench.add_upstream(UpstreamDraft(entity_id="urn:2", names={"sv": "Utan slut"}).xml())
    worker = Worker(bench)
    assert (worker.has_e_service(), worker.has_upstream()) == (True, True)
    assert worker.names() == ["Exempel-id", "Utan slut"]
    bench.clock.at += timedelta(hours=1)
    assert (worker.has_e_service(), worker.has_upstream()) == (False, False)
    assert worker.names() == ["Utan slut"]


def test_nothing_outlives_its_federation(bench: DeskBench) -> None:
    ends = bench.clock.at + timedelta(hours=1)
    bench.add_federation(signed_aggregate(UpstreamDraft().xml(), EServiceDraft().xml(), valid_until=ends))
    worker = Worker(bench)
    assert (worker.has_e_service(), worker.has_upstream(), worker.names()) == (True, True, ["Exempel-id"])
    bench.clock.at += timedelta(hours=1)
    assert (worker.has_e_service(), worker.has_upstream(), worker.names()) == (False, False, [])


def test_a_refreshed_federation_counts_longer(bench: DeskBench) -> None:
    members = UpstreamDraft().xml(), EServiceDraft().xml()
    bench.add_federation(signed_aggregate(*members, valid_until=bench.clock.at + timedelta(hours=1)))
    worker = Worker(bench)
    worker.names()
    bench.add_federation(signed_aggregate(*members))
    worker.wait()
    bench.clock.at += timedelta(hours=2)
    assert (worker.has_e_service(), worker.has_upstream(), worker.names()) == (True, True, ["Exempel-id"])


def test_the_dialect_of_a_federation_reaches_its_upstreams(bench: DeskBench) -> None:
    upload = signed_aggregate(UpstreamDraft().xml())
    bench.add_federation(upload)
    worker = Worker(bench)
    assert worker.directory.upstreams(bench.clock.at)[0].dialect == "sweden_connect"
    bench.desk().add(replace(federation(upload), said=SettingsPatch(dialect="freja")))
    worker.wait()
    assert worker.directory.upstreams(bench.clock.at)[0].dialect == "freja"


# --- whom we serve ---------------------------------------------------------------------------------------------


def test_a_hub_serves_no_e_service_of_a_feed_that_is_not_named(bench: DeskBench) -> None:
    other = "https://other.example.se/sp"
    members = UpstreamDraft().xml(), EServiceDraft().xml(), EServiceDraft(entity_id=other).xml()
    bench.add_federation(signed_aggregate(*members))  # taken over while the broker was published
    bench.add_e_service(EServiceDraft(entity_id="urn:registered").xml())
    worker = Worker(bench, feed_e_services=frozenset((other,)))
    assert [worker.has_e_service(one) for one in (E_SERVICE, other, "urn:registered")] == [False, True, True]
    assert worker.has_upstream()


def test_the_broker_is_no_peer_of_its_own(bench: DeskBench) -> None:
    bench.add_federation(signed_aggregate(UpstreamDraft().xml(), EServiceDraft().xml()))
    worker = Worker(bench, own=frozenset((UPSTREAM, E_SERVICE, OWN_IDP)))
    assert (worker.has_e_service(), worker.has_upstream(), worker.names()) == (False, False, [])


# --- a store out of reach --------------------------------------------------------------------------------------


def test_without_the_store_a_worker_goes_on_with_what_it_knows(worker: Worker) -> None:
    assert worker.has_upstream()
    worker.names()
    worker.store.down = True
    worker.wait()
    assert worker.has_upstream()
    assert worker.names() == ["Exempel-id"]
    with pytest.raises(StoreUnavailable):
        worker.has_e_service()
    worker.store.down = False
    assert worker.has_e_service()


def test_a_worker_that_never_reached_the_store_knows_nothing(worker: Worker) -> None:
    worker.store.down = True
    with pytest.raises(StoreUnavailable):
        worker.has_upstream()
    with pytest.raises(StoreUnavailable):
        worker.names()


def test_a_store_that_returns_is_followed_again(worker: Worker) -> None:
    worker.names()
    worker.store.down = True
    worker.wait()
    worker.names()
    worker.bench.desk().block(UPSTREAM)
    worker.store.down = False
    worker.wait()
    assert worker.names() == []
