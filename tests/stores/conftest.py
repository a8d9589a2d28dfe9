"""Servers and stores of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine
from support.servers import PostgresqlServer, fresh_redis, postgresql, redis
from support.store_values import SetClock, SystemClock

from broker.stores.sql import open_durable

__all__ = ["fresh_redis", "postgresql", "redis"]


@pytest.fixture
def set_clock() -> SetClock:
    """A time that the test moves."""
    return SetClock()


@pytest.fixture
def clock() -> SystemClock:
    """The real time."""
    return SystemClock()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def open_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Opens one durable store, without tables, as often as it is called."""
    if request.param == "postgresql":
        url = cast(PostgresqlServer, request.getfixturevalue("postgresql")).new_database()
    else:
        url = f"sqlite:///{tmp_path / 'durable.sqlite'}"
    engines: list[Engine] = []

    def open_it() -> Engine:
        engines.append(open_durable(url))
        return engines[-1]

    yield open_it
    for engine in engines:
        engine.dispose()
