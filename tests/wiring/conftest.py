"""Served brokers on either pair of stores."""

from collections.abc import Iterator

import pytest
from support.programs import need_program
from support.servers import postgresql, redis
from support.store_pairs import Town, town

__all__ = ["postgresql", "redis"]


@pytest.fixture(scope="module", params=["SQLite", "Redis and PostgreSQL"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One served broker with two workers for the tests of a file; each test leaves it as it found it."""
    need_program("xmlsec1", "xmlsec1")
    root = tmp_path_factory.mktemp("served")
    if request.param == "SQLite":
        with town(root) as made:
            yield made
    else:
        servers = request.getfixturevalue("redis"), request.getfixturevalue("postgresql")
        servers[0].forget_everything()
        with town(root, redis=servers[0], postgresql=servers[1]) as made:
            yield made
