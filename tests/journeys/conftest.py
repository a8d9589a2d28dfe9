"""One running demo, and one Chromium, for all whole logins."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.chromium import run_chromium
from support.programs import need_program

from broker.demo.run import RunningDemo, running_demo


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningDemo]:
    """The broker with its demo federation, set up and served by its own commands."""
    need_program("xmlsec1", "xmlsec1")
    with running_demo(None) as demo:
        yield demo


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with run_chromium() as browser:
        yield browser
