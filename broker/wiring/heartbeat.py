"""A serving process says that it lives, and which keys it holds, so that `keys promote` can wait for every node."""

import os
import threading
from collections.abc import Callable

import structlog

from broker.core.errors import BrokerError
from broker.core.ports import Clock
from broker.flow.key_ports import Heartbeats

_EVERY_S = 5.0  # a process counts as gone after 30 s without a beat

_log = structlog.get_logger("broker.heartbeat")


class Heartbeat:
    """A daemon thread of one worker."""

    def __init__(
        self, *, beats: Heartbeats, node: str, fingerprints: Callable[[], frozenset[str]], clock: Clock
    ) -> None:
        self._beats = beats
        self._name = f"{node}:{os.getpid()}"
        self._fingerprints = fingerprints
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Beat once now, so that a node is known before it serves, and then every few seconds."""
        self._beat()
        self._thread.start()

    def stop(self) -> None:
        """Take leave."""
        self._stopping.set()
        self._thread.join(timeout=_EVERY_S)
        try:
            self._beats.leave(self._name)
        except BrokerError as failure:
            _log.warning("heartbeat", code=failure.code, detail=failure.detail)

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self._beat()

    def _beat(self) -> None:
        try:
            self._beats.beat(self._name, self._fingerprints(), self._clock.now())
        except BrokerError as failure:
            # The store is away; logins say so themselves, and the next beat comes soon.
            _log.warning("heartbeat", code=failure.code, detail=failure.detail)
