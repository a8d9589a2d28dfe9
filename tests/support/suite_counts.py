"""A pytest plugin: closes the run with how many tests each suite (folder under tests/) ran, and which files have grown
too long."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LONG = 300  # lines; past that, ask what second thing a file has become
COUNTED = ("passed", "failed", "error", "skipped")


def suite_of(node_id: str) -> str:
    """The folder under tests/ that a test lies in: "tests/saml/test_post.py::test_x" is of "saml"."""
    parts = PurePosixPath(node_id.partition("::")[0]).parts
    return parts[1] if len(parts) > 2 else "."


def long_files() -> list[tuple[int, str]]:
    """Every source file of more than `LONG` lines, longest first."""
    sizes = (
        (len(path.read_bytes().splitlines()), str(path.relative_to(REPOSITORY)))
        for folder in ("broker", "tests")
        for path in (REPOSITORY / folder).rglob("*.py")
    )
    return sorted((size for size in sizes if size[0] > LONG), reverse=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table; a skipped test is a count of its own, so that nothing hides in a total."""
    counts: dict[str, Counter[str]] = {}
    for outcome in COUNTED:
        for report in terminalreporter.getreports(outcome):
            counts.setdefault(suite_of(report.nodeid), Counter())[outcome] += 1
    if not counts:
        return
    terminalreporter.section("tests per suite")
    for suite in sorted(counts):
        outcomes = ", ".join(f"{counts[suite][outcome]} {outcome}" for outcome in COUNTED if counts[suite][outcome])
        terminalreporter.write_line(f"{suite:14} {outcomes}")
    if long := long_files():
        terminalreporter.section(f"files of more than {LONG} lines")
        for lines, path in long:
            terminalreporter.write_line(f"{lines:5} {path}")
