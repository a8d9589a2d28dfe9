"""The rows of the audit log in memory: the twin for the fast tests."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock

from broker.core.errors import StoreUnavailable
from broker.flow.audit_ports import AuditRow, ChainHead


class MemoryAuditRows:
    """Implements `flow.audit_ports.AuditRows`; a test may take it away, and count how often it was written to."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.available = True
        self.appends = 0
        self._anchored: dict[str, int] = {}
        self._lock = Lock()

    def begin(self, chain: str, node: str, now: datetime) -> None:
        """Announce a new chain."""
        self._answer()
        self._anchored[chain] = -1

    def append(self, rows: Sequence[AuditRow]) -> None:
        """Store all rows, or none."""
        self._answer()
        with self._lock:
            self.appends += 1
            self.rows.extend(rows)

    def loose_heads(self, chain: str, since: datetime | None) -> tuple[ChainHead, ...]:
        """The heads of other chains that no anchor covers yet."""
        self._answer()
        last = {row.chain: row for row in self.rows if row.chain != chain}
        return tuple(
            ChainHead(chain=row.chain, seq=row.seq, hash=row.hash)
            for row in last.values()
            if row.seq > self._anchored.get(row.chain, -1)
        )

    def note_anchored(self, chain: str, heads: Sequence[ChainHead], now: datetime) -> None:
        """`chain` has anchored `heads`."""
        self._answer()
        self._anchored.update((head.chain, head.seq) for head in heads)

    def by_chain(self, kinds: Sequence[str] | None = None) -> Iterator[AuditRow]:
        """Every row, or those of `kinds`."""
        self._answer()
        found = [row for row in self.rows if kinds is None or row.kind in kinds]
        return iter(sorted(found, key=lambda row: (row.chain, row.seq)))

    def by_time(self, since: datetime | None, until: datetime | None) -> Iterator[AuditRow]:
        """The rows with since <= at < until."""
        self._answer()
        found = [row for row in self.rows if (since is None or row.at >= since) and (until is None or row.at < until)]
        return iter(sorted(found, key=lambda row: (row.at, row.chain, row.seq)))

    def _answer(self) -> None:
        if not self.available:
            raise StoreUnavailable("the test took it away")
