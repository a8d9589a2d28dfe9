"""The transient store in Redis or Valkey: for several nodes. Standalone, behind Sentinel, or a Cluster.

Redis acknowledges a write before its replicas have it, so a failover may forget the last moments: logins that the
citizen begins again. An operator who wants less of that sets `min-replicas-to-write 1` in Redis.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any, Protocol

from redis.backoff import ConstantBackoff, NoBackoff
from redis.client import Redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel

from broker.core.errors import StoreUnavailable
from broker.core.ports import Clock
from broker.stores.redis_urls import RedisAddress, Topology
from broker.stores.transient import Versioned

# An entry is one string: 8 bytes version, 8 bytes `until` in milliseconds, the value. Each script changes nothing
# when it is run again, so a command whose answer was lost can be repeated without the caller losing to itself.
_NUMBER_BYTES = 8
_ADD = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GETRANGE', KEYS[1], 0, 7) == string.sub(ARGV[1], 1, 8) then return 1 end
return 0
"""
_SWAP = """
local seen = redis.call('GETRANGE', KEYS[1], 0, 7)
if seen == ARGV[3] then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1 end
if seen == string.sub(ARGV[1], 1, 8) then return 1 end
return 0
"""
_PREFIX = "broker:"


class _Commands(Protocol):
    def execute_command(self, *args: Any) -> Any: ...  # a status, a number, bytes or None, by command


class RedisTransientStore:
    """Entries live as long as they should by the caller's clock: the TTL is relative, so Redis' own clock is not asked.

    Nothing is connected before the first operation. Connections are per process: redis-py notices a fork.
    """

    def __init__(self, address: RedisAddress, clock: Clock, *, timeout_s: float = 1.0) -> None:
        self._connect = _connector(address, timeout_s)
        self._clock = clock
        self._client: _Commands | None = None
        self._lock = Lock()

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        """Store a new entry; False when the key exists."""
        return self._run("EVAL", _ADD, 1, _PREFIX + key, _packed(value, until), self._ttl(until)) == 1

    def put(self, key: str, value: bytes, until: datetime) -> None:
        """Store an entry whether the key exists or not."""
        self._run("SET", _PREFIX + key, _packed(value, until), "PX", self._ttl(until))

    def get(self, key: str, now: datetime) -> Versioned | None:
        """The entry, or None."""
        found = self._run("GET", _PREFIX + key)
        if not isinstance(found, bytes) or len(found) < 2 * _NUMBER_BYTES:
            return None
        if _number(found[_NUMBER_BYTES : 2 * _NUMBER_BYTES]) <= _milliseconds(now):
            return None
        return Versioned(value=found[2 * _NUMBER_BYTES :], version=_number(found[:_NUMBER_BYTES]))

    def swap(self, key: str, version: int, value: bytes, until: datetime) -> bool:
        """Replace the entry read at `version`."""
        seen = version.to_bytes(_NUMBER_BYTES, "big")
        return self._run("EVAL", _SWAP, 1, _PREFIX + key, _packed(value, until), self._ttl(until), seen) == 1

    def delete(self, key: str) -> None:
        """Remove the entry, if there is one."""
        self._run("DEL", _PREFIX + key)

    def _run(self, *command: str | bytes | int) -> object:
        try:
            answer: object = self._connected().execute_command(*command)
            return answer
        except (RedisError, RedisClusterException, OSError) as error:
            raise StoreUnavailable(f"transient store: {command[0]!s}: {type(error).__name__}") from error

    def _connected(self) -> _Commands:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _ttl(self, until: datetime) -> int:
        return max(1, _milliseconds(until) - _milliseconds(self._clock.now()))


def redis_client(address: RedisAddress, timeout_s: float = 1.0) -> Redis | None:
    """A client of redis-py, standalone or behind Sentinel; None for a Cluster, whose client is of another kind."""
    client = None if address.topology is Topology.CLUSTER else _connector(address, timeout_s)()
    return client if isinstance(client, Redis) else None


def _connector(address: RedisAddress, timeout_s: float) -> Callable[[], _Commands]:
    """How to connect. Lost connections are tried again at once; a server that is silent is not waited for twice."""
    options: dict[str, Any] = {
        "username": address.username,
        "password": address.password,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "protocol": 2,
        **address.tls_options(),
    }
    retry = Retry(ConstantBackoff(0.05), 2, supported_errors=(RedisConnectionError,))

    def standalone() -> _Commands:
        if address.socket_path:
            return Redis(unix_socket_path=address.socket_path, db=address.database, retry=retry, **options)
        host, port = address.hosts[0]
        return Redis(host=host, port=port, db=address.database, retry=retry, **options)

    def behind_sentinel() -> _Commands:
        asking = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "retry": Retry(NoBackoff(), 0)}
        asking.update(address.tls_options())
        sentinel = Sentinel(list(address.hosts), sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # redis-py
        master: _Commands = sentinel.master_for(  # type: ignore[no-untyped-call]  # redis-py
            address.master, db=address.database, retry=retry, **options
        )
        return master

    def cluster() -> _Commands:
        nodes = [ClusterNode(host, port) for host, port in address.hosts]  # type: ignore[no-untyped-call]  # redis-py
        return RedisCluster(startup_nodes=nodes, retry=Retry(ConstantBackoff(0.05), 2), **options)

    match address.topology:
        case Topology.STANDALONE:
            return standalone
        case Topology.SENTINEL:
            return behind_sentinel
        case Topology.CLUSTER:
            return cluster


def _packed(value: bytes, until: datetime) -> bytes:
    return (
        secrets.randbits(63).to_bytes(_NUMBER_BYTES, "big")
        + _milliseconds(until).to_bytes(_NUMBER_BYTES, "big")
        + value
    )


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
