"""A serving process says that it lives and what it holds, and takes leave."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from support.store_values import SystemClock

from broker.core.errors import StoreUnavailable
from broker.flow.key_ports import NodeBeat
from broker.wiring.heartbeat import Heartbeat

NAME = f"node-1:{os.getpid()}"


class Beats:
    """Heartbeats in memory, on a store that a test may take away."""

    def __init__(self) -> None:
        self.known: dict[str, frozenset[str]] = {}
        self.away = False

    def beat(self, node: str, fingerprints: frozenset[str], now: datetime) -> None:
        self._answer()
        self.known[node] = fingerprints

    def leave(self, node: str) -> None:
        self._answer()
        self.known.pop(node, None)

    def live(self, now: datetime) -> tuple[NodeBeat, ...]:
        return tuple(
            NodeBeat(node=node, seen_at=datetime.now(UTC), fingerprints=held) for node, held in self.known.items()
        )

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the test took it away")


def beating(beats: Beats, held: Callable[[], frozenset[str]] = lambda: frozenset({"f"})) -> Heartbeat:
    return Heartbeat(beats=beats, node="node-1", fingerprints=held, clock=SystemClock())


def test_it_is_known_before_it_serves_and_not_after_it_ended() -> None:
    beats = Beats()
    heartbeat = beating(beats)
    heartbeat.start()
    assert beats.known == {NAME: frozenset({"f"})}
    heartbeat.stop()
    assert beats.known == {}


@pytest.mark.parametrize("when", ["start", "stop"])
def test_a_store_that_is_away_stops_nobody(when: str) -> None:
    beats = Beats()
    heartbeat = beating(beats)
    beats.away = when == "start"
    heartbeat.start()
    beats.away = when == "stop"
    heartbeat.stop()
    assert beats.known == ({NAME: frozenset({"f"})} if when == "stop" else {})


def test_keys_that_cannot_be_read_stop_nobody() -> None:
    def unreadable() -> frozenset[str]:
        raise StoreUnavailable("no states yet")

    heartbeat = beating(Beats(), unreadable)
    heartbeat.start()
    heartbeat.stop()
