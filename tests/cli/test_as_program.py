"""The command as a program of its own: exit statuses, streams, and disks that are full."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import Folder
from support.programs import need_program
from support.running_broker import clean_environment

pytestmark = pytest.mark.services  # an interpreter each: too slow for the fast tests

OPTIONS = ("--base-url", "https://login.example.se", "--environment", "qa", "--assurance", "hub", "--keys", "p256")


def program(*arguments: str | Path, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run `python -m broker`; no file may grow beyond `limit` bytes."""
    command = [sys.executable, "-m", "broker", *map(str, arguments)]
    if limit is not None:
        command = [need_program("prlimit", "util-linux"), f"--fsize={limit}", "--", *command]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_the_exit_status_is_0_when_all_is_well(folder: Folder) -> None:
    done = program("check", "--config", folder.config, "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), list)
    assert done.stderr == ""


def test_the_exit_status_is_1_when_something_is_refused(folder: Folder) -> None:
    done = program("keys", "retire", folder.key_named("signing"), "--config", folder.config)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("key-rejected: ")


def test_the_exit_status_is_2_when_it_is_misused_or_misconfigured(folder: Folder) -> None:
    assert program("nonsense").returncode == 2
    assert program("keys", "list", "--config", "none.toml").returncode == 2
    folder.edit("workers = 2", "workers = -2")
    assert program("serve", "--config", folder.config).returncode == 2


def test_json_stands_alone_on_standard_output_even_when_there_is_something_to_log(folder: Folder) -> None:
    (folder.keys / f"{folder.key_named('signing')}.key").unlink()
    done = program("check", "--config", folder.config, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)
    assert all(json.loads(line)["event"] for line in done.stderr.splitlines())


@pytest.mark.parametrize("limit", [0, 3000, 60_000], ids=["nothing fits", "a key fits", "no database fits"])
def test_init_on_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path, limit: int) -> None:
    done = program("init", tmp_path / "broker", *OPTIONS, limit=limit)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "verb", [("keys", "add", "signing-2", "--use", "signing", "--kind", "p256"), ("metadata", "rollback"), ("migrate",)]
)
def test_other_verbs_on_a_full_disk_say_a_sentence(folder: Folder, verb: tuple[str, ...]) -> None:
    done = program(*verb, "--config", folder.config, limit=0)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr
