"""The port of the transient store: named values that expire, with compare-and-set."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned:
    """A value and the version it was read at.

    Versions are random, not counted: a name that was deleted and added again never has an old version, so
    a writer with an old copy always loses.
    """

    value: bytes
    version: int


class TransientStore(Protocol):
    """Named values for all threads, processes and, where it is shared, nodes.

    An entry is gone at its `until`. Names are printable ASCII and say nothing; values are sealed by the callers.
    Every method raises StoreUnavailable when the store does not answer or cannot write.
    """

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        """Store a new entry; False, and nothing changed, when the key exists. Of many racing callers one wins."""
        ...

    def put(self, key: str, value: bytes, until: datetime) -> None:
        """Store an entry whether the key exists or not: the last writer wins."""
        ...

    def get(self, key: str, now: datetime) -> Versioned | None:
        """The entry, or None when there is none or its `until` has come."""
        ...

    def swap(self, key: str, version: int, value: bytes, until: datetime) -> bool:
        """Replace the entry read at `version`; False, and nothing changed, when it was changed, deleted or expired."""
        ...

    def delete(self, key: str) -> None:
        """Remove the entry, if there is one."""
        ...
