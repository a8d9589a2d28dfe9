from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from support.processes import in_processes

from broker.core.errors import KeyRejected
from broker.flow.key_ports import Heartbeats, KeyEntry, KeyState, KeyStates, KeyUse
from broker.stores.sql_keys import SqlHeartbeats, SqlKeyStates

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def states(durable: Engine) -> KeyStates:
    return SqlKeyStates(durable)


@pytest.fixture
def beats(durable: Engine) -> Heartbeats:
    return SqlHeartbeats(durable)


def make_entry(
    key_id: str, state: KeyState = KeyState.PUBLISHED, use: KeyUse = KeyUse.SIGNING, *, age_days: int = 0
) -> KeyEntry:
    added = NOW - timedelta(days=age_days)
    return KeyEntry(
        key_id=key_id,
        use=use,
        state=state,
        fingerprint=f"fingerprint of {key_id}",
        file_name=f"{key_id}.key",
        not_after=NOW + timedelta(days=3650),
        added_at=added,
        promoted_at=added if state is KeyState.ACTIVE else None,
    )


def state_of(states: KeyStates) -> dict[str, KeyState]:
    return {entry.key_id: entry.state for entry in states.list()}


@pytest.fixture
def rollover(states: KeyStates) -> KeyStates:
    states.add(make_entry("old", KeyState.ACTIVE, age_days=2))
    states.add(make_entry("new", age_days=1))
    return states


def test_keys_are_listed_as_added_oldest_first(states: KeyStates) -> None:
    entries = [make_entry("b", KeyState.ACTIVE, age_days=3), make_entry("a", age_days=2), make_entry("c", age_days=1)]
    for entry in (entries[2], entries[0], entries[1]):
        states.add(entry)
    assert states.list() == tuple(entries)


def test_promotion_exchanges_the_active_key(rollover: KeyStates) -> None:
    rollover.promote("new", NOW)
    assert state_of(rollover) == {"old": KeyState.PUBLISHED, "new": KeyState.ACTIVE}
    assert rollover.list()[1].promoted_at == NOW


def test_the_uses_do_not_touch_each_other(rollover: KeyStates) -> None:
    rollover.add(make_entry("encryption", KeyState.ACTIVE, KeyUse.ENCRYPTION))
    rollover.promote("new", NOW)
    assert state_of(rollover)["encryption"] is KeyState.ACTIVE


def test_one_key_may_serve_both_uses(rollover: KeyStates) -> None:
    entry = make_entry("both", use=KeyUse.ENCRYPTION)
    rollover.add(entry)
    assert entry in rollover.list()


def test_a_second_active_key_of_a_use_is_refused(rollover: KeyStates) -> None:
    with pytest.raises(KeyRejected):
        rollover.add(make_entry("third", KeyState.ACTIVE))
    assert set(state_of(rollover)) == {"old", "new"}


@pytest.mark.parametrize("key_id", ["old", "new"])
def test_a_known_key_is_refused(rollover: KeyStates, key_id: str) -> None:
    with pytest.raises(KeyRejected):
        rollover.add(make_entry(key_id))


def test_a_key_cannot_begin_retired(states: KeyStates) -> None:
    with pytest.raises(KeyRejected):
        states.add(make_entry("dead", KeyState.RETIRED))


def test_an_unknown_key_is_neither_promoted_nor_retired(rollover: KeyStates) -> None:
    with pytest.raises(KeyRejected):
        rollover.promote("unknown", NOW)
    with pytest.raises(KeyRejected):
        rollover.retire("unknown", NOW)


def test_the_active_key_is_neither_promoted_nor_retired(rollover: KeyStates) -> None:
    with pytest.raises(KeyRejected):
        rollover.promote("old", NOW)
    with pytest.raises(KeyRejected):
        rollover.retire("old", NOW)


def test_a_retired_key_never_comes_back(rollover: KeyStates) -> None:
    rollover.retire("new", NOW)
    assert state_of(rollover)["new"] is KeyState.RETIRED
    with pytest.raises(KeyRejected):
        rollover.promote("new", NOW)
    with pytest.raises(KeyRejected):
        rollover.add(make_entry("new"))


def test_promotion_waits_for_every_live_node_to_have_the_file(rollover: KeyStates, beats: Heartbeats) -> None:
    both = frozenset({"fingerprint of old", "fingerprint of new"})
    beats.beat("node-1", both, NOW)
    beats.beat("node-2", frozenset({"fingerprint of old"}), NOW)
    with pytest.raises(KeyRejected, match="node-2"):
        rollover.promote("new", NOW)
    assert state_of(rollover) == {"old": KeyState.ACTIVE, "new": KeyState.PUBLISHED}
    beats.beat("node-2", both, NOW)
    rollover.promote("new", NOW)


def test_a_node_that_left_or_fell_silent_is_not_waited_for(rollover: KeyStates, beats: Heartbeats) -> None:
    beats.beat("left", frozenset(), NOW)
    beats.leave("left")
    beats.beat("silent", frozenset(), NOW - timedelta(seconds=31))
    rollover.promote("new", NOW)
    assert state_of(rollover)["new"] is KeyState.ACTIVE


def test_a_node_lives_for_thirty_seconds_after_each_beat(beats: Heartbeats) -> None:
    beats.beat("node-1", frozenset({"a", "b"}), NOW)
    beats.beat("node-1", frozenset({"a"}), NOW + timedelta(seconds=20))
    (live,) = beats.live(NOW + timedelta(seconds=50))
    assert (live.node, live.fingerprints, live.seen_at) == (
        "node-1",
        frozenset({"a"}),
        NOW + timedelta(seconds=20),
    )
    assert beats.live(NOW + timedelta(seconds=51)) == ()


def test_of_racing_promotions_one_key_ends_active(rollover: KeyStates) -> None:
    names = [f"candidate-{n}" for n in range(3)]
    for name in names:
        rollover.add(make_entry(name))

    def promote(index: int) -> bool:
        try:
            rollover.promote(names[index], NOW)
        except KeyRejected:
            return False
        return True

    assert any(in_processes(3, promote))
    assert list(state_of(rollover).values()).count(KeyState.ACTIVE) == 1
