"""`broker audit`: a tampered log is found, and everything in it comes out."""

import json
import os
import sqlite3
import subprocess
import sys

import pytest
from support.command_line import Folder
from support.running_broker import clean_environment


@pytest.fixture
def audited(folder: Folder) -> Folder:
    """An installation with some events."""
    for number in range(2, 5):
        folder.done("keys", "add", f"signing-{number}", "--use", "signing", "--kind", "p256")
    return folder


def tamper(folder: Folder, statement: str) -> None:
    connection = sqlite3.connect(folder.data / "durable.sqlite")
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


def test_an_untouched_log_is_whole(audited: Folder) -> None:
    assert "whole" in audited.done("audit", "verify")
    assert audited.run("audit", "verify", "--json").json == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET body = replace(body, 'signing-3', 'signing-9') WHERE body LIKE '%signing-3%'",
        "UPDATE audit_event SET code = 'granted' WHERE body LIKE '%signing-3%'",
        "UPDATE audit_event SET at = '2020-01-01 00:00:00.000000' WHERE body LIKE '%signing-3%'",
        "DELETE FROM audit_event WHERE body LIKE '%signing-3%'",
        "DELETE FROM audit_event WHERE chain = (SELECT chain FROM audit_event WHERE body LIKE '%signing-3%')",
        "UPDATE audit_event SET hash = '0' WHERE body LIKE '%signing-4%'",
    ],
    ids=["a changed body", "a changed column", "a changed time", "a removed row", "a removed chain", "a changed hash"],
)
def test_a_tampered_log_is_found(audited: Folder, statement: str) -> None:
    tamper(audited, statement)
    said = audited.run("audit", "verify")
    assert said.code == 1
    assert "chain " in said.out
    assert "whole" not in said.out
    told = audited.run("audit", "verify", "--json")
    assert told.code == 1
    assert {remark["severity"] for remark in told.json} == {"blocks"}
    assert all(remark["where"] and remark["what"] for remark in told.json)


def test_everything_is_exported_as_one_line_of_json_each_oldest_first(audited: Folder) -> None:
    events = [json.loads(line) for line in audited.done("audit", "export").splitlines()]
    assert all({"chain", "seq", "hash", "event"} == set(event) for event in events)
    assert [event["event"]["at"] for event in events] == sorted(event["event"]["at"] for event in events)
    added = [e["event"]["subject"] for e in events if e["event"].get("action") == "keys add"]
    assert added[-3:] == ["signing-2", "signing-3", "signing-4"]


def test_a_log_is_exported_even_when_it_was_tampered_with(audited: Folder) -> None:
    tamper(audited, "UPDATE audit_event SET hash = '0' WHERE body LIKE '%signing-4%'")
    assert "signing-4" in audited.done("audit", "export")


def test_a_reader_that_has_read_enough_is_no_failure_worth_a_trace(audited: Folder) -> None:
    for number in range(5, 8):
        audited.done("keys", "add", f"signing-{number}", "--use", "signing", "--kind", "p256")
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "broker", "audit", "export", "--config", str(audited.config)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=clean_environment(), text=True)
    os.close(write)
    assert "Traceback" not in done.stderr
