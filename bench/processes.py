"""What a tree of processes has used, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """`pid` and all its descendants that live."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree, with that of children that ended and were waited for."""
    return sum(sum(map(int, _fields(process)[11:15])) for process in tree(pid)) / _TICK


def pss_megabytes(pid: int) -> dict[int, float]:
    """Proportional set size of each process of the tree, in 10⁶ bytes."""
    return {process: _pss(process) for process in tree(pid)}


def _fields(pid: int) -> list[str]:
    """/proc/PID/stat from its third field on: the second may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise ValueError(f"no Pss of {pid}")
