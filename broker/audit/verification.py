"""Reading the audit log back: is anything missing, changed or moved; and giving it to others."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from broker.audit.chain import CHAIN_STARTED, CHAINS_ANCHORED, NO_HASH, link_hash
from broker.audit.redaction import written_time
from broker.flow.audit_ports import AuditRow, AuditRows, ChainHead

_COLUMNS = ("kind", "reference", "e_service", "upstream", "code")


class BreakCode(Enum):
    """What is wrong at one place."""

    REMOVED = "event-removed"
    CHANGED = "event-changed"  # or moved to another place
    CONTRADICTED = "event-contradicts-anchor"  # rewritten together with its hash
    CUT = "chain-cut"  # this event was once the last that another chain saw
    CHAIN_REMOVED = "chain-removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One place where the log contradicts itself."""

    chain: str
    seq: int
    code: BreakCode


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a reading found. `heads`, kept elsewhere, prove to a later reading that nothing was cut since."""

    events: int
    heads: tuple[ChainHead, ...]
    breaks: tuple[Break, ...]


def verify_chains(rows: AuditRows, known_heads: Sequence[ChainHead] = ()) -> VerifyReport:
    """Check every link, every column against its body, and every anchor; also `known_heads` of an earlier report.

    What it cannot see: events cut off the end of a chain after its last anchor in another chain, and a log in which
    every chain was cut back to, or rewritten from, one earlier moment. Heads kept outside the store show both.
    Raises StoreUnavailable.
    """
    vouched: dict[str, dict[int, str]] = {}
    for row in rows.by_chain((CHAIN_STARTED, CHAINS_ANCHORED)):
        for head in _anchored(row):
            vouched.setdefault(head.chain, {})[head.seq] = head.hash
    breaks: list[Break] = []
    for head in known_heads:
        if vouched.setdefault(head.chain, {}).setdefault(head.seq, head.hash) != head.hash:
            breaks.append(_break(head, BreakCode.CONTRADICTED))
    events = 0
    heads: dict[str, ChainHead] = {}
    for row in rows.by_chain():
        events += 1
        breaks.extend(_check_link(row, heads.get(row.chain)))
        heads[row.chain] = ChainHead(chain=row.chain, seq=row.seq, hash=row.hash)
        if vouched.get(row.chain, {}).pop(row.seq, row.hash) != row.hash:
            breaks.append(_break(heads[row.chain], BreakCode.CONTRADICTED))
    for chain, missing in vouched.items():
        end = heads.get(chain)
        cut = [seq for seq in missing if end is None or seq > end.seq]  # a gap before the end was seen as a gap
        if cut:
            code = BreakCode.CHAIN_REMOVED if end is None else BreakCode.CUT
            breaks.append(Break(chain=chain, seq=max(cut), code=code))
    return VerifyReport(events=events, heads=tuple(heads.values()), breaks=tuple(breaks))


def export_events(rows: AuditRows, since: datetime | None = None, until: datetime | None = None) -> Iterator[str]:
    """Every row as one line of JSON, oldest first. `event` is as hashed: dump it with sorted keys, no spaces, ASCII."""
    for row in rows.by_time(since, until):
        line = {"chain": row.chain, "seq": row.seq, "hash": row.hash, "event": json.loads(row.body)}
        yield json.dumps(line, sort_keys=True)


def _check_link(row: AuditRow, before: ChainHead | None) -> Iterator[Break]:
    expected, last = (0, NO_HASH) if before is None else (before.seq + 1, before.hash)
    here = ChainHead(chain=row.chain, seq=row.seq, hash=row.hash)
    if row.seq != expected:  # its own hash cannot be checked without the one before
        yield Break(chain=row.chain, seq=expected, code=BreakCode.REMOVED)
        if not _columns_agree(row):
            yield _break(here, BreakCode.CHANGED)
    elif link_hash(row.chain, row.seq, last, row.body) != row.hash or not _columns_agree(row):
        yield _break(here, BreakCode.CHANGED)


def _columns_agree(row: AuditRow) -> bool:
    """Whether what is searched for is what was hashed."""
    try:
        body = json.loads(row.body)
        return body["at"] == written_time(row.at) and all(body.get(name) == getattr(row, name) for name in _COLUMNS)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _anchored(row: AuditRow) -> Iterator[ChainHead]:
    """The heads in an anchor; none when it cannot be read, which its own hash will tell."""
    try:
        for text in json.loads(row.body)["heads"]:
            chain, seq, digest = text.split(" ")
            yield ChainHead(chain=chain, seq=int(seq), hash=digest)
    except (ValueError, TypeError, KeyError, AttributeError):
        return


def _break(head: ChainHead, code: BreakCode) -> Break:
    return Break(chain=head.chain, seq=head.seq, code=code)
