"""Sealed values with a name and an end, for what is no login: the citizen's session."""

from datetime import datetime

from broker.stores.sealing import SealingKeys, hashed_name
from broker.stores.transient import TransientStore, Versioned


class SealedValues:
    """Bytes under one namespace. The store holds neither the names (it has hashes) nor the values in clear.

    For data that two requests may change at once (two tabs), read with `get`, write with `swap`, and read again when
    it says False; `put` lets the last writer win. Every method raises StoreUnavailable.
    """

    def __init__(self, transient: TransientStore, keys: SealingKeys, namespace: str) -> None:
        self._transient = transient
        self._keys = keys
        self._namespace = namespace

    def get(self, name: str, now: datetime) -> Versioned | None:
        """The value and its version; None when unknown, expired or unreadable."""
        found = self._transient.get(hashed_name(self._namespace, name), now)
        if found is None:
            return None
        plain = self._keys.unseal(self._namespace, name, found.value)
        return None if plain is None else Versioned(value=plain, version=found.version)

    def add(self, name: str, value: bytes, until: datetime) -> bool:
        """Store a new value; False when the name exists."""
        return self._transient.add(hashed_name(self._namespace, name), self._seal(name, value), until)

    def put(self, name: str, value: bytes, until: datetime) -> None:
        """Store a value, whatever was there."""
        self._transient.put(hashed_name(self._namespace, name), self._seal(name, value), until)

    def swap(self, name: str, version: int, value: bytes, until: datetime) -> bool:
        """Replace the value read at `version`; False when somebody else was first."""
        return self._transient.swap(hashed_name(self._namespace, name), version, self._seal(name, value), until)

    def delete(self, name: str) -> None:
        """Forget the value."""
        self._transient.delete(hashed_name(self._namespace, name))

    def _seal(self, name: str, value: bytes) -> bytes:
        return self._keys.seal(self._namespace, name, value)
