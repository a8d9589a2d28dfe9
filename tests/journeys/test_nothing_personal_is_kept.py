"""After whole logins and failures, nothing that the broker wrote holds a value of anybody: searched, not believed."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.at_upstream import AtTheUpstream
from support.programs import fetch

from broker.demo.browser import PlainBrowser
from broker.demo.federation import BROKER_HOST
from broker.demo.once import NOT_TELLING, Once, Result, the_logins
from broker.demo.personas import PERSONAS
from broker.demo.processes import environment, python
from broker.demo.run import RunningDemo
from broker.demo.visitor import Intention, Visitor

pytestmark = pytest.mark.services

TELLING = {
    value
    for persona in PERSONAS
    for name, value in persona.attributes.items()
    if name not in NOT_TELLING and len(value) > 3
}


def spellings(value: str) -> Iterator[bytes]:
    """How a value could lie in a file."""
    yield value.encode()
    yield value.encode("utf-16-le")
    yield value.encode("unicode_escape")
    for shift in range(3):  # base64 of a longer text that has the value inside
        encoded = base64.b64encode(b"\0" * shift + value.encode())
        yield encoded[4:-4] if len(encoded) > 16 else encoded


def found_in(content: bytes) -> set[str]:
    """The persons' values in `content`."""
    return {value for value in TELLING if any(spelling in content for spelling in spellings(value))}


@pytest.fixture(scope="module")
def results(demo: RunningDemo) -> list[Result]:
    """Every scripted login has been tried; one more is decided and waits for the browser that began it."""
    results: list[Result] = []
    Once(demo.federation).run(the_logins(), results.append)
    arrived = AtTheUpstream(demo)
    page = arrived.answer(arrived.grant(), PlainBrowser())
    assert page.host == BROKER_HOST
    return results


@pytest.fixture(scope="module")
def received(demo: RunningDemo) -> set[str]:
    """NameIDs and RelayStates of some logins, as the e-service got them."""
    kept = set()
    for key, option in (("bankid", "resident:loa3"), ("freja", "protected:loa3")):
        upstream = demo.federation.upstreams[key]
        intention = Intention(e_service=demo.federation.e_services["bygglov"], upstream=upstream, option=option)
        answer = Visitor(demo.federation, PlainBrowser()).log_in(intention).received
        kept |= {answer["name_id"], answer["relay_state"]}
    return kept


def files_of(demo: RunningDemo) -> list[Path]:
    """Everything that the broker wrote: stores with their write-ahead logs, and its log."""
    written = [path for path in (demo.config.parent / "data").rglob("*") if path.is_file()]
    return [*written, demo.folder / "logs" / "broker.log"]


def test_the_search_finds_what_is_there() -> None:
    person = PERSONAS[0].attributes["sn"]
    for content in (person.encode(), person.encode("utf-16-le"), base64.b64encode(f"x{person}xxxxxxxx".encode())):
        assert found_in(b"\0\1" + content + b"\2") == {person}


def test_no_file_holds_a_person(demo: RunningDemo, results: list[Result]) -> None:
    assert not [result for result in results if result.problems]
    files = files_of(demo)
    assert len(files) > 2
    assert {path.name: found for path in files if (found := found_in(path.read_bytes()))} == {}


def test_no_file_holds_a_name_id_or_a_relay_state(demo: RunningDemo, received: set[str]) -> None:
    assert len(received) == 4
    for path in files_of(demo):
        content = path.read_bytes()
        assert not [value for value in received if value.encode() in content], path.name


def test_the_audit_export_holds_no_person(demo: RunningDemo, results: list[Result]) -> None:
    command = python("-m", "broker", "audit", "export", "--config", str(demo.config))
    exported = subprocess.run(command, env=environment(), capture_output=True, check=True).stdout
    assert exported.count(b"\n") > 2 * len(results)
    assert found_in(exported) == set()


def test_the_chains_of_the_audit_are_whole(demo: RunningDemo, results: list[Result]) -> None:
    command = python("-m", "broker", "audit", "verify", "--config", str(demo.config))
    assert subprocess.run(command, env=environment(), capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("path", ["/saml/idp/metadata", "/saml/sp/metadata", "/health/ready"])
def test_what_anybody_may_fetch_holds_no_person(demo: RunningDemo, results: list[Result], path: str) -> None:
    assert found_in(fetch(f"{demo.federation.broker}{path}")) == set()
