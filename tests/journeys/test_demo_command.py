"""The command itself, from any folder: a table and an exit status; Ctrl-C leaves nothing behind."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.running_broker import clean_environment
from support.source_tree import REPOSITORY

pytestmark = pytest.mark.services

LIMIT_S = 60


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = clean_environment() | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)}
    command = [sys.executable, "-P", "-m", "broker", "demo", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines that mention `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace") if entry.name.isdigit() else ""
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def work_of_children() -> float:
    """Processor time of all processes that this one has waited for, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_once_logs_in_through_every_kind_of_upstream_within_a_minute(tmp_path: Path) -> None:
    before = work_of_children()
    with start(tmp_path, "--once") as demo:
        said, _ = demo.communicate(timeout=5 * LIMIT_S)
    assert demo.returncode == 0, said
    # What it costs, not how long the other tests let it wait: on an idle machine of two cores, less than a minute.
    assert work_of_children() - before < LIMIT_S
    assert "All as it must be" in said
    assert not list(tmp_path.iterdir())
    assert not processes_of(tmp_path)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_stopping_leaves_nothing_behind(tmp_path: Path, how: signal.Signals) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "Ctrl-C" in line:
                break
        assert len(processes_of(tmp_path)) > 1
        os.kill(demo.pid, how)
        said = demo.stdout.read()
    assert demo.returncode == 0, said
    assert not list(tmp_path.iterdir())
    assert not processes_of(tmp_path)
