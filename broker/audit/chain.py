"""The audit log: a hash chain per process, durable before `record` returns."""

import hashlib
import json
import os
import secrets
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from broker.audit.redaction import EventFields, Plain, written_time
from broker.core.errors import AuditUnavailable, StoreUnavailable
from broker.flow.audit_ports import AuditRow, AuditRows, ChainHead
from broker.flow.events import AuditEvent

CHAIN_STARTED = "ChainStarted"
CHAINS_ANCHORED = "ChainsAnchored"
NO_HASH = "0" * 64
_ANCHOR_EVERY_S = 60.0
_RECENT = timedelta(minutes=15)  # a chain that writes is touched at least as often as it anchors


@dataclass(slots=True)
class _Waiting:
    """An event on its way to the store."""

    fields: Mapping[str, Plain]
    at: datetime
    stored: bool | None = None


@dataclass(slots=True)
class _Chain:
    """This process's chain. Whoever holds the lock writes for everybody who waits."""

    pid: int
    name: str = field(default_factory=lambda: secrets.token_hex(10))
    lock: Lock = field(default_factory=Lock)
    waiting: deque[_Waiting] = field(default_factory=deque)
    seq: int = -1
    hash: str = NO_HASH
    anchored_at: float = 0.0
    broken: bool = False


class ChainedAuditLog:
    """Implements `flow.ports.AuditLog`.

    Nothing is written before the first event. When an append fails, nobody knows whether the rows are there after all
    (a connection may be lost after the commit), so the chain is left as it is and the next event begins a new one,
    which anchors it: an interrupted chain is whole. A fork does the same.
    """

    def __init__(self, rows: AuditRows, node: str, *, anchor_every_s: float = _ANCHOR_EVERY_S) -> None:
        self._rows = rows
        self._node = node
        self._anchor_every_s = anchor_every_s
        self._fields = EventFields()
        self._chain: _Chain | None = None

    def record(self, event: AuditEvent) -> None:
        """Store `event`. Raises AuditUnavailable when it is not durably stored."""
        try:
            waiting = _Waiting(self._fields.plain(event), event.at)
        except TypeError as problem:
            raise AuditUnavailable(f"audit: {problem}") from None
        chain = self._current()
        chain.waiting.append(waiting)
        with chain.lock:
            if waiting.stored is None:
                self._write(chain)
        if not waiting.stored:
            raise AuditUnavailable("audit: the event could not be stored")

    def head(self) -> ChainHead | None:
        """The end of this process's chain, to be kept somewhere else; None before its first event."""
        chain = self._chain
        return None if chain is None or chain.seq < 0 else ChainHead(chain=chain.name, seq=chain.seq, hash=chain.hash)

    def _current(self) -> _Chain:
        """Two threads may each begin a chain here; both are whole, and one of them stays short."""
        chain = self._chain
        if chain is None or chain.broken or chain.pid != os.getpid():
            chain = self._chain = _Chain(os.getpid())
        return chain

    def _write(self, chain: _Chain) -> None:
        """Store everything that waits, in one step. The lock is held."""
        batch = [chain.waiting.popleft() for _ in range(len(chain.waiting))]
        stored = False
        try:
            if not chain.broken:
                self._append(chain, batch)
                stored = True
        except StoreUnavailable as problem:
            raise AuditUnavailable(f"audit: {problem.detail}") from problem
        finally:
            chain.broken = chain.broken or not stored
            for waiting in batch:
                waiting.stored = stored

    def _append(self, chain: _Chain, batch: Sequence[_Waiting]) -> None:
        heads: tuple[ChainHead, ...] = ()
        links: list[tuple[Mapping[str, Plain], datetime]] = [(waiting.fields, waiting.at) for waiting in batch]
        now = batch[0].at
        due = time.monotonic() >= chain.anchored_at
        if chain.seq < 0:
            self._rows.begin(chain.name, self._node, now)
            heads = self._rows.loose_heads(chain.name, None)
            links.insert(0, (self._anchor(CHAIN_STARTED, heads, now), now))
        elif due:
            heads = self._rows.loose_heads(chain.name, now - _RECENT)
            if heads:
                links.insert(0, (self._anchor(CHAINS_ANCHORED, heads, now), now))
        rows = []
        seq, last = chain.seq, chain.hash
        for fields, at in links:
            seq += 1
            rows.append(_link(chain.name, seq, last, fields, at))
            last = rows[-1].hash
        self._rows.append(rows)
        chain.seq, chain.hash = seq, last
        if due:
            chain.anchored_at = time.monotonic() + self._anchor_every_s
            with suppress(StoreUnavailable):  # a hint only: at worst the same heads are anchored twice
                self._rows.note_anchored(chain.name, heads, now)

    def _anchor(self, kind: str, heads: Sequence[ChainHead], now: datetime) -> Mapping[str, Plain]:
        return {
            "kind": kind,
            "at": written_time(now),
            "node": self._node,
            "heads": [f"{head.chain} {head.seq} {head.hash}" for head in heads],
        }


def link_hash(chain: str, seq: int, last: str, body: str) -> str:
    """The hash of one link: SHA-256 over a version, the chain, the number, the hash before, and the body, by line."""
    return hashlib.sha256(f"broker-audit/1\n{chain}\n{seq}\n{last}\n{body}".encode()).hexdigest()


def _link(chain: str, seq: int, last: str, fields: Mapping[str, Plain], at: datetime) -> AuditRow:
    body = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return AuditRow(
        chain=chain,
        seq=seq,
        at=at,
        kind=str(fields["kind"]),
        reference=_text(fields, "reference"),
        e_service=_text(fields, "e_service"),
        upstream=_text(fields, "upstream"),
        code=_text(fields, "code"),
        body=body,
        hash=link_hash(chain, seq, last, body),
    )


def _text(fields: Mapping[str, Plain], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) else None
