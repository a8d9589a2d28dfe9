import re
from dataclasses import fields
from datetime import timedelta
from typing import get_args

import pytest
from support.source_tree import REPOSITORY, shown, tracked

from broker.audit.chain import CHAIN_STARTED, CHAINS_ANCHORED
from broker.audit.redaction import LOG_KEYS
from broker.cli.main import build_cli
from broker.config.settings import BrokerPart
from broker.flow.events import AuditEvent
from broker.wiring.commands import build_parts

DATA = (REPOSITORY / "docs" / "data.md").read_text()
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:`|^)broker ([a-z]+)(?=`| [^\n]*--|\s*\|| [a-z]+`)", re.MULTILINE)
COMMON = {"at", "reference"}
"""Described once, for every event."""


def row_of(kind: str) -> str:
    """The line of docs/data.md that describes an event."""
    return next((line for line in DATA.splitlines() if line.startswith("|") and f"`{kind}`" in line), "")


@pytest.mark.parametrize("event", get_args(AuditEvent), ids=lambda event: event.__name__)
def test_every_field_of_an_audit_event_is_described(event: type) -> None:
    described = row_of(event.__name__)
    assert described
    assert not [
        field.name for field in fields(event) if field.name not in COMMON and f"`{field.name}`" not in described
    ]


@pytest.mark.parametrize("kind", [CHAIN_STARTED, CHAINS_ANCHORED])
def test_the_rows_that_tie_chains_together_are_described(kind: str) -> None:
    assert row_of(kind)


def test_no_field_of_a_log_line_names_a_person() -> None:
    assert not LOG_KEYS & {"name_id", "subject", "attributes", "pnr", "relay_state", "value", "values", "session"}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("login_lifetime_s", "(30 minutes)"),
        ("answer_lifetime_s", "a minute (`answer_lifetime_s`)"),
        ("page_lifetime_s", "15 minutes (`page_lifetime_s`)"),
    ],
)
def test_the_times_that_are_promised_are_the_defaults(setting: str, said: str) -> None:
    words = {timedelta(minutes=1): "a minute", timedelta(minutes=15): "15 minutes", timedelta(minutes=30): "30 minutes"}
    default = timedelta(seconds=BrokerPart.model_fields[setting].default)
    assert said in DATA
    assert words[default] in said


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{shown(document)}: {target}"
        for document in tracked()
        if document.suffix == ".md"
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert not broken


def test_every_decision_is_in_the_list() -> None:
    folder = REPOSITORY / "docs" / "adr"
    listed = (folder / "README.md").read_text()
    assert not [path.name for path in folder.glob("0*.md") if f"({path.name})" not in listed]


def test_every_command_that_the_documents_show_exists() -> None:
    verbs = build_cli(build_parts()).commands
    shown_commands = [
        (shown(document), verb)
        for document in tracked()
        if document.suffix == ".md" and "adr" not in document.parts
        for verb in COMMAND.findall(document.read_text())
    ]
    assert {verb for _, verb in shown_commands} >= {"init", "serve", "check", "metadata", "explain", "keys", "audit"}
    assert not [(document, verb) for document, verb in shown_commands if verb not in verbs]
