"""Every story is told once to a broker of each kind; the tests then look at what it left behind."""

import pytest
from support.aftermath import Aftermath, embedded_aftermath, shared_aftermath
from support.programs import need_program
from support.servers import postgresql, redis

__all__ = ["postgresql", "redis"]


@pytest.fixture(scope="session", params=["embedded", pytest.param("shared", marks=pytest.mark.services)])
def aftermath(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """With stores in SQLite, and with stores in Redis and PostgreSQL."""
    need_program("xmlsec1", "xmlsec1")
    root = tmp_path_factory.mktemp("leaks")
    if request.param == "embedded":
        return embedded_aftermath(root)
    return shared_aftermath(root, request.getfixturevalue("redis"), request.getfixturevalue("postgresql"))
