"""Every implementation of every store port, for the suites that all of them must pass."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine
from support.servers import (
    PostgresqlServer,
    RedisServer,
    fresh_redis,
    postgresql,
    redis,
    redis_cluster_url,
    redis_sentinel_url,
)
from support.store_values import KEYS, SystemClock

from broker.core.ports import Clock
from broker.flow.ports import LoginStore, SeenIds
from broker.stores.codec import LoginCodec
from broker.stores.logins import SealedLoginStore
from broker.stores.memory import MemoryTransientStore
from broker.stores.migrate import migrate
from broker.stores.opening import open_transient
from broker.stores.seen import SeenIdsIn
from broker.stores.sql import open_durable
from broker.stores.transient import TransientStore

__all__ = ["fresh_redis", "postgresql", "redis", "redis_cluster_url", "redis_sentinel_url"]

SHARED = [
    "embedded",
    pytest.param("redis", marks=pytest.mark.services),
    pytest.param("redis-sentinel", marks=pytest.mark.services),
    pytest.param("redis-cluster", marks=pytest.mark.services),
]
DURABLE = ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]


def url_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """Where an implementation that processes can share is."""
    match kind:
        case "redis":
            return cast(RedisServer, request.getfixturevalue("fresh_redis")).url
        case "redis-sentinel":
            return str(request.getfixturevalue("redis_sentinel_url"))
        case "redis-cluster":
            return str(request.getfixturevalue("redis_cluster_url"))
        case _:
            return f"sqlite:///{folder / 'transient.sqlite'}"


@pytest.fixture
def clock() -> Clock:
    """The real time: Redis keeps no other."""
    return SystemClock()


@pytest.fixture(params=["memory", *SHARED])
def transient(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> TransientStore:
    """Every implementation."""
    kind = str(request.param)
    return MemoryTransientStore(clock) if kind == "memory" else open_transient(url_of(kind, request, tmp_path), clock)


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Callable[[], TransientStore]:
    """Opens one store as often as it is called: every implementation that processes can share."""
    url = url_of(str(request.param), request, tmp_path)
    return lambda: open_transient(url, clock)


@pytest.fixture
def logins(transient: TransientStore) -> LoginStore:
    """Every implementation."""
    return SealedLoginStore(transient, LoginCodec(KEYS))


@pytest.fixture
def seen(transient: TransientStore) -> SeenIds:
    """Every implementation."""
    return SeenIdsIn(transient)


@pytest.fixture(params=DURABLE)
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated store of every kind."""
    if request.param == "postgresql":
        url = cast(PostgresqlServer, request.getfixturevalue("postgresql")).new_database()
    else:
        url = f"sqlite:///{tmp_path / 'durable.sqlite'}"
    engine = open_durable(url)
    migrate(engine)
    yield engine
    engine.dispose()
