"""One running demo for all whole logins."""

from collections.abc import Iterator

import pytest
from support.programs import need_program

from broker.demo.run import RunningDemo, running_demo


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningDemo]:
    """The broker with its demo federation, set up and served by its own commands."""
    need_program("xmlsec1", "xmlsec1")
    with running_demo(None) as demo:
        yield demo
