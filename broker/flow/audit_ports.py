"""The rows of the audit log, as the chain writes them and the durable store keeps them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The last row of a chain at some moment. Who knows a head can tell whether its chain was cut before it."""

    chain: str
    seq: int
    hash: str  # SHA-256, hex


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One link. `hash` covers chain, seq, the hash before it, and `body`; the other fields repeat what `body` says."""

    chain: str
    seq: int  # from 0 without gaps
    at: datetime
    kind: str
    reference: str | None
    e_service: str | None
    upstream: str | None
    code: str | None
    body: str  # canonical JSON of the whole event
    hash: str


class AuditRows(Protocol):
    """Where the rows are. Every method raises StoreUnavailable when the store does not answer or cannot write."""

    def begin(self, chain: str, node: str, now: datetime) -> None:
        """Announce a new chain."""
        ...

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Store all rows, or none, durably: they survive a power failure when this returns."""
        ...

    def loose_heads(self, chain: str, since: datetime | None) -> tuple[ChainHead, ...]:
        """The heads of other chains that no anchor covers yet; only of chains touched after `since`, when given."""
        ...

    def note_anchored(self, chain: str, heads: Sequence[ChainHead], now: datetime) -> None:
        """`chain` lives, and has anchored `heads`: they are loose no more."""
        ...

    def by_chain(self, kinds: Sequence[str] | None = None) -> Iterator[AuditRow]:
        """Every row, or those of `kinds`, ordered by chain and seq, as of one moment."""
        ...

    def by_time(self, since: datetime | None, until: datetime | None) -> Iterator[AuditRow]:
        """The rows with since <= at < until, oldest first."""
        ...
