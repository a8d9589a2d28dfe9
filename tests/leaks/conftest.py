"""Every story is told once to a broker of each kind; the tests then look at what it left behind."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support.aftermath import Aftermath, embedded_aftermath, shared_aftermath
from support.programs import need_program
from support.servers import postgresql, redis

__all__ = ["postgresql", "redis"]


@pytest.fixture(scope="session", params=["embedded", pytest.param("shared", marks=pytest.mark.services)])
def aftermath(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """With stores in SQLite, and with stores in Redis and PostgreSQL."""
    need_program("xmlsec1", "xmlsec1")
    root = tmp_path_factory.mktemp("leaks")
    with ExitStack() as stack:
        if request.param == "embedded":
            yield embedded_aftermath(root, stack)
        else:
            servers = request.getfixturevalue("redis"), request.getfixturevalue("postgresql")
            yield shared_aftermath(root, stack, *servers)
