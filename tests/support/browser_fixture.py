"""A pytest plugin: the one Chromium of a test process. Playwright allows no second one at the same time."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from support.chromium import run_chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; a test opens a context of its own in it."""
    with run_chromium() as browser:
        yield browser
