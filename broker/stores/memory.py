"""The transient store in one process's memory: the twin for the fast tests."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from broker.core.ports import Clock
from broker.stores.transient import Versioned


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    value: bytes
    version: int
    until: datetime


class MemoryTransientStore:
    """Forgets everything when the process ends, and no other process sees it; so no URL opens it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = Lock()

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        """Store a new entry; False when the key exists."""
        with self._lock:
            if self._live(key, self._clock.now()) is not None:
                return False
            self._entries[key] = _Entry(value=value, version=secrets.randbits(63), until=until)
            return True

    def put(self, key: str, value: bytes, until: datetime) -> None:
        """Store an entry whether the key exists or not."""
        with self._lock:
            self._entries[key] = _Entry(value=value, version=secrets.randbits(63), until=until)

    def get(self, key: str, now: datetime) -> Versioned | None:
        """The entry, or None."""
        with self._lock:
            entry = self._live(key, now)
        return None if entry is None else Versioned(value=entry.value, version=entry.version)

    def swap(self, key: str, version: int, value: bytes, until: datetime) -> bool:
        """Replace the entry read at `version`."""
        with self._lock:
            entry = self._live(key, self._clock.now())
            if entry is None or entry.version != version:
                return False
            self._entries[key] = _Entry(value=value, version=secrets.randbits(63), until=until)
            return True

    def delete(self, key: str) -> None:
        """Remove the entry, if there is one."""
        with self._lock:
            self._entries.pop(key, None)

    def _live(self, key: str, now: datetime) -> _Entry | None:
        entry = self._entries.get(key)
        return None if entry is None or entry.until <= now else entry
