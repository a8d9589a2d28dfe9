"""Going back: what was then, as far as it may still be used now."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.key_pairs import KeyPair
from support.metadata_desks import DeskBench, blocking, rules_of
from support.metadata_files import (
    LOA2,
    LOA3,
    EServiceDraft,
    UpstreamDraft,
    fingerprint_of,
    key_descriptor,
    rsa,
    signed_aggregate,
)

from broker.flow.metadata_desk import Outcome
from broker.flow.metadata_plans import SettingsPatch
from broker.messages.metadata import PeerKind

E_SERVICE, UPSTREAM = "https://bygglov.example.se/sp", "https://eid.example.se/idp"
FEED = "https://md.example.se/all"
OLD, NEW = rsa("old"), rsa("new")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    made = DeskBench(tmp_path)
    yield made
    made.engine.dispose()


def accepted(outcome: Outcome) -> int:
    assert not outcome.refused, blocking(outcome.findings)
    assert outcome.after is not None
    return outcome.after


def upstream(
    *keys: KeyPair, entity_id: str = UPSTREAM, name: str = "Exempel-id", levels: tuple[str, ...] = (LOA3,)
) -> str:
    return UpstreamDraft(entity_id=entity_id, keys=keys or (OLD,), names={"sv": name}, levels=levels).xml()


def keys_in_force(bench: DeskBench, entity_id: str = UPSTREAM) -> set[str]:
    idp = bench.peer(entity_id).record.idp
    assert idp is not None
    return {key.fingerprint for key in idp.signing_keys}


def fingerprints(*pairs: KeyPair) -> set[str]:
    return {fingerprint_of(pair) for pair in pairs}


# --- the plain way back ----------------------------------------------------------------------------------------


def test_a_rollback_is_a_new_version_with_the_old_content(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(name="Först")))
    accepted(bench.add_upstream(upstream(name="Sedan", levels=(LOA3, LOA2))))
    assert accepted(bench.desk().rollback(1)) == 3
    record = bench.peer(UPSTREAM).record
    assert (record.names["sv"], record.assurance) == ("Först", (LOA3,))
    assert bench.store.changes(1, 3).total == 0
    assert bench.desk().history()[0].act.rolled_back_to == 1


def test_without_a_version_the_last_change_is_undone(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.add_e_service(EServiceDraft().xml()))
    accepted(bench.desk().rollback())
    assert bench.active() == {("upstream", UPSTREAM)}


def test_everything_can_be_undone_down_to_nothing(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.desk().rollback(0))
    assert bench.active() == set()


def test_a_rollback_can_itself_be_undone(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.add_upstream(upstream(OLD, NEW, entity_id=UPSTREAM)))
    accepted(bench.desk().rollback(1))
    assert keys_in_force(bench) == fingerprints(OLD)
    outcome = bench.desk().rollback(2)
    accepted(outcome)
    assert keys_in_force(bench) == fingerprints(OLD, NEW)
    assert "rollback-key-withdrawn" not in rules_of(outcome.findings)


def test_switching_back_and_forth_many_times_ends_where_it_should(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.add_e_service(EServiceDraft().xml()))
    for number in range(10):
        accepted(bench.desk().rollback(1 + number % 2))
        assert (("e-service", E_SERVICE) in bench.active()) == (number % 2 == 1)


def test_what_was_said_goes_back_too(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(levels=()), SettingsPatch(vouched_contexts=(LOA2,))))
    accepted(bench.desk().set(UPSTREAM, SettingsPatch(vouched_contexts=(LOA3,), dialect="bankid")))
    accepted(bench.desk().rollback())
    settings = bench.peer(UPSTREAM).settings
    assert (settings.vouched_contexts, settings.dialect) == ((LOA2,), None)


@pytest.mark.parametrize("version", [2, 7, -1])
def test_only_an_earlier_version_can_be_gone_back_to(bench: DeskBench, version: int) -> None:
    accepted(bench.add_upstream(upstream()))
    outcome = bench.desk().rollback(version)
    assert blocking(outcome.findings) == ["version-unknown"]
    assert bench.store.active_version() == 1


def test_from_the_beginning_there_is_no_way_back(bench: DeskBench) -> None:
    assert blocking(bench.desk().rollback().findings) == ["version-unknown"]


# --- keys ------------------------------------------------------------------------------------------------------


def test_a_replaced_key_does_not_come_back(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD, name="Först")))
    accepted(bench.add_upstream(upstream(OLD, NEW)))
    accepted(bench.add_upstream(upstream(NEW)))
    outcome = bench.desk().rollback(2)
    assert (outcome.refused, outcome.after) == (False, None)
    assert "rollback-key-withdrawn" in rules_of(outcome.findings)
    assert keys_in_force(bench) == fingerprints(NEW)


def test_a_peer_whose_keys_were_all_replaced_stays_as_it_is(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD, name="Först")))
    accepted(bench.add_upstream(upstream(NEW, name="Sedan")))
    outcome = bench.desk().rollback(1)
    assert (outcome.refused, outcome.after) == (False, None)
    assert rules_of(outcome.findings) >= {"rollback-key-withdrawn", "rollback-entity-kept"}
    assert keys_in_force(bench) == fingerprints(NEW)
    assert bench.peer(UPSTREAM).record.names["sv"] == "Sedan"


def test_what_else_goes_back_goes_back_without_the_replaced_key(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD, NEW, name="Först")))
    accepted(bench.add_upstream(upstream(NEW, name="Sedan")))
    accepted(bench.desk().rollback(1))
    assert keys_in_force(bench) == fingerprints(NEW)
    assert bench.peer(UPSTREAM).record.names["sv"] == "Först"


def test_an_e_service_does_not_go_back_to_an_encryption_key_that_it_has_given_up(bench: DeskBench) -> None:
    def xml(encryption: KeyPair) -> str:
        descriptors = key_descriptor(rsa("signing"), "signing") + key_descriptor(encryption, "encryption")
        return EServiceDraft(key_descriptors=descriptors).xml()

    accepted(bench.add_e_service(xml(OLD)))
    accepted(bench.add_e_service(xml(NEW)))
    outcome = bench.desk().rollback()
    assert "rollback-entity-kept" in rules_of(outcome.findings)
    sp = bench.peer(E_SERVICE, PeerKind.E_SERVICE).record.sp
    assert sp is not None
    assert {key.fingerprint for key in sp.encryption_keys} == fingerprints(NEW)


def test_a_key_that_the_peer_has_again_is_no_longer_withdrawn(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD)))
    accepted(bench.add_upstream(upstream(NEW)))
    outcome = bench.add_upstream(upstream(OLD, NEW))
    accepted(outcome)
    assert "withdrawn-key-returns" in rules_of(outcome.findings)
    accepted(bench.desk().rollback(1))
    assert keys_in_force(bench) == fingerprints(OLD)


def test_a_key_that_a_feed_withdrew_does_not_come_back(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(upstream(OLD, NEW))))
    accepted(bench.add_federation(signed_aggregate(upstream(NEW))))
    outcome = bench.desk().rollback(1)
    accepted(outcome)
    assert "rollback-key-withdrawn" in rules_of(outcome.findings)
    assert keys_in_force(bench) == fingerprints(NEW)


# --- peers that left -------------------------------------------------------------------------------------------


def test_a_peer_that_an_administrator_removed_returns_and_that_is_said(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.desk().remove(UPSTREAM))
    outcome = bench.desk().rollback()
    accepted(outcome)
    assert "rollback-entity-returns" in rules_of(outcome.findings)
    assert keys_in_force(bench) == fingerprints(OLD)


def test_a_peer_that_was_removed_for_its_keys_does_not_return(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.add_e_service(EServiceDraft().xml()))
    accepted(bench.desk().remove(UPSTREAM, keys_withdrawn=True))
    outcome = bench.desk().rollback()
    assert "rollback-key-withdrawn" in rules_of(outcome.findings)
    assert bench.active() == {("e-service", E_SERVICE)}


def test_a_peer_that_was_added_anew_with_another_key_does_not_get_the_old_one_back(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD)))
    accepted(bench.desk().remove(UPSTREAM))
    accepted(bench.add_upstream(upstream(NEW)))
    bench.desk().rollback(1)
    assert keys_in_force(bench) == fingerprints(NEW)


def test_an_entity_that_its_federation_dropped_does_not_return(bench: DeskBench) -> None:
    dropped = upstream(OLD, entity_id="urn:dropped")
    accepted(bench.add_federation(signed_aggregate(dropped, upstream(NEW))))
    accepted(bench.add_federation(signed_aggregate(upstream(NEW))))
    outcome = bench.desk().rollback(1)
    accepted(outcome)
    assert bench.active() == {("upstream", UPSTREAM)}
    assert "rollback-key-withdrawn" in rules_of(outcome.findings)


def test_metadata_of_a_peer_that_have_expired_are_not_used_again(bench: DeskBench) -> None:
    soon = bench.clock.at + timedelta(days=1)
    attributes = f'validUntil="{soon:%Y-%m-%dT%H:%M:%SZ}"'
    accepted(bench.add_upstream(UpstreamDraft(attributes=attributes, names={"sv": "Först"}).xml()))
    accepted(bench.add_upstream(UpstreamDraft(names={"sv": "Sedan"}).xml()))
    bench.clock.at += timedelta(days=2)
    outcome = bench.desk().rollback()
    assert outcome.after is None
    assert "rollback-entity-expired" in rules_of(outcome.findings)
    assert bench.peer(UPSTREAM).record.names["sv"] == "Sedan"


# --- blocks ----------------------------------------------------------------------------------------------------


def test_no_rollback_lifts_a_block(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.desk().set(UPSTREAM, SettingsPatch(dialect="bankid")))
    accepted(bench.desk().block(UPSTREAM))
    outcome = bench.desk().rollback(1)
    accepted(outcome)
    assert "rollback-block-kept" in rules_of(outcome.findings)
    settings = bench.peer(UPSTREAM).settings
    assert (settings.blocked, settings.dialect) == (True, None)


def test_a_block_of_then_is_a_block_again(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream()))
    accepted(bench.desk().block(UPSTREAM))
    accepted(bench.desk().block(UPSTREAM, lift=True))
    accepted(bench.desk().rollback())
    assert bench.peer(UPSTREAM).settings.blocked


# --- federations -----------------------------------------------------------------------------------------------


def test_a_federation_goes_back_with_its_entities(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(upstream(name="Först"))))
    accepted(bench.add_federation(signed_aggregate(upstream(name="Sedan"), upstream(NEW, entity_id="urn:2"))))
    first, _ = bench.store.sources(1)[FEED], bench.store.sources(2)[FEED]
    accepted(bench.desk().rollback())
    assert bench.active() == {("upstream", UPSTREAM)}
    assert bench.store.sources(3)[FEED] == first


def test_a_removed_federation_returns(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(upstream())))
    accepted(bench.desk().remove(FEED))
    accepted(bench.desk().rollback())
    assert bench.active() == {("upstream", UPSTREAM)}
    assert set(bench.store.sources(3)) == {FEED}


def test_a_federation_that_has_expired_since_is_not_used_again(bench: DeskBench) -> None:
    soon = bench.clock.at + timedelta(days=3)
    accepted(bench.add_federation(signed_aggregate(upstream(), valid_until=soon)))
    accepted(bench.add_federation(signed_aggregate(upstream(name="Sedan"))))
    bench.clock.at += timedelta(days=4)
    outcome = bench.desk().rollback()
    assert outcome.refused
    assert blocking(outcome.findings) == ["rollback-source-expired"]
    assert bench.peer(UPSTREAM).record.names["sv"] == "Sedan"


def test_a_federation_whose_signer_is_no_longer_pinned_is_not_used_again(bench: DeskBench) -> None:
    old, new = rsa("signer"), rsa("new-signer")
    accepted(bench.add_federation(signed_aggregate(upstream())))
    accepted(
        bench.add_federation(signed_aggregate(upstream(name="Sedan"), signer=new), old.certificate, new.certificate)
    )
    accepted(bench.add_federation(signed_aggregate(upstream(name="Nu"), signer=new), new.certificate))
    outcome = bench.desk().rollback(1)
    assert outcome.refused
    assert blocking(outcome.findings) == ["rollback-signer-unpinned"]
    accepted(bench.desk().rollback(2))
    assert bench.peer(UPSTREAM).record.names["sv"] == "Sedan"
    # The signers that are pinned now stay pinned: a rollback brings no trust back.
    assert [key.fingerprint for key in bench.store.sources(4)[FEED].signers] == [fingerprint_of(new)]


def test_a_refused_rollback_is_audited(bench: DeskBench) -> None:
    bench.desk().rollback(9)
    (act,) = bench.audit.acts
    assert (act.action, act.subject, act.after, act.findings) == (
        "metadata rollback",
        "version 9",
        None,
        ("blocks version-unknown",),
    )


def test_a_peer_that_cannot_go_back_leaves_with_the_federation_that_answers_for_it(bench: DeskBench) -> None:
    accepted(bench.add_upstream(upstream(OLD)))
    accepted(bench.desk().remove(UPSTREAM, keys_withdrawn=True))
    accepted(bench.add_federation(signed_aggregate(upstream(NEW))))
    accepted(bench.desk().rollback(1))
    assert bench.active() == set()
    assert bench.store.sources(4) == {}
