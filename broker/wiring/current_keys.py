"""Our key ring as it is now: a change of states reaches every worker within seconds, without restart."""

import threading
import time
from pathlib import Path

import structlog

from broker.core.errors import BrokerError, KeyRejected
from broker.flow.key_ports import KeyEntry, KeyState, KeyStates
from broker.saml.keys import KeyEntry as PairEntry
from broker.saml.keys import KeyRing, load_key_ring

_EVERY_S = 2.0

_log = structlog.get_logger("broker.keys")


class CurrentKeys:
    """Call it for the ring. States are looked at again every two seconds; files only when the states changed."""

    def __init__(self, states: KeyStates, folder: Path) -> None:
        self._states = states
        self._folder = folder
        self._lock = threading.Lock()
        self._entries: tuple[KeyEntry, ...] | None = None
        self._ring: KeyRing | None = None
        self._missing: tuple[str, ...] = ()
        self._looked_at = float("-inf")

    def __call__(self) -> KeyRing:
        """The ring. While the store does not answer, the last one.

        Raises:
            StoreUnavailable: the store has not answered since this process began.
        """
        now = time.monotonic()
        ring = self._ring
        if ring is not None and now - self._looked_at < _EVERY_S:
            return ring
        with self._lock:
            if self._ring is None or now - self._looked_at >= _EVERY_S:
                self._refresh()
                self._looked_at = time.monotonic()
            assert self._ring is not None  # noqa: S101 — _refresh sets it or raises
            return self._ring

    @property
    def missing(self) -> tuple[str, ...]:
        """The ids of keys in use whose files this node does not have, or cannot read."""
        self()
        return self._missing

    def held(self) -> frozenset[str]:
        """The fingerprints of every key pair in the folder that is known: what this node could promote."""
        self()
        return frozenset(
            entry.fingerprint
            for entry in self._entries or ()
            if entry.key_id not in self._missing and entry.state is not KeyState.RETIRED
        )

    def _refresh(self) -> None:
        try:
            entries = self._states.list()
        except BrokerError as failure:
            if self._ring is None:
                raise
            _log.warning("key states not read", code=failure.code, detail=failure.detail)
            return
        if entries == self._entries and not self._missing:
            return
        self._ring, self._missing = _load(entries, self._folder)
        self._entries = entries


def _load(entries: tuple[KeyEntry, ...], folder: Path) -> tuple[KeyRing, tuple[str, ...]]:
    """The ring of the keys whose files are here and fit, and the ids of the others."""
    pairs: list[PairEntry] = []
    missing: list[str] = []
    for entry in entries:
        if entry.state is KeyState.RETIRED:
            continue
        try:
            pair = _pair(entry, folder)
            ring = load_key_ring((pair,))
        except (OSError, KeyRejected) as failure:
            _log.error("key not loaded", key_id=entry.key_id, detail=getattr(failure, "detail", "file not readable"))
            missing.append(entry.key_id)
            continue
        if entry.fingerprint not in {key.key_id for key in (*ring.published_signing, *ring.decryption)}:
            _log.error("key not loaded", key_id=entry.key_id, detail="the file holds another key")
            missing.append(entry.key_id)
            continue
        pairs.append(pair)
    return load_key_ring(pairs), tuple(missing)


def _pair(entry: KeyEntry, folder: Path) -> PairEntry:
    private = folder / entry.file_name
    return PairEntry(
        use=entry.use,
        state=entry.state,
        certificate=private.with_suffix(".crt").read_bytes(),
        private_key=private.read_bytes(),
    )
