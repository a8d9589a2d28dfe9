"""A pytest plugin: closes the run with how many tests each suite (folder under tests/) ran."""

from collections import Counter
from pathlib import PurePosixPath

import pytest

COUNTED = ("passed", "failed", "error", "skipped")


def suite_of(node_id: str) -> str:
    """The folder under tests/ that a test lies in: "tests/saml/test_post.py::test_x" is of "saml"."""
    parts = PurePosixPath(node_id.partition("::")[0]).parts
    return parts[1] if len(parts) > 2 else "."


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
