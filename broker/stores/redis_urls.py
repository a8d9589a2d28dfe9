"""The addresses of Redis that an operator may write."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_DEFAULT_PORT = 6379
_DEFAULT_SENTINEL_PORT = 26379


class Topology(Enum):
    """How the servers are arranged."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SCHEMES = {
    "redis": (Topology.STANDALONE, False),
    "rediss": (Topology.STANDALONE, True),
    "redis+unix": (Topology.STANDALONE, False),
    "redis+sentinel": (Topology.SENTINEL, False),
    "rediss+sentinel": (Topology.SENTINEL, True),
    "redis+cluster": (Topology.CLUSTER, False),
    "rediss+cluster": (Topology.CLUSTER, True),
}
# A URL names certificates; it cannot make us trust less: there is no option for "do not verify".
_TLS_OPTIONS = {"ca": "ssl_ca_certs", "certificate": "ssl_certfile", "key": "ssl_keyfile"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """A checked address. For TLS the server's certificate and name are always verified."""

    topology: Topology
    hosts: tuple[tuple[str, int], ...]  # the server, the sentinels, or some nodes of the cluster
    socket_path: str | None
    master: str  # the name that the sentinels know; empty otherwise
    database: int
    username: str | None
    password: str | None = field(repr=False)
    tls: bool
    tls_files: tuple[tuple[str, str], ...]

    def tls_options(self) -> dict[str, Any]:
        """Keyword arguments for redis-py; none without TLS."""
        if not self.tls:
            return {}
        return {"ssl": True, "ssl_cert_reqs": "required", "ssl_check_hostname": True, **dict(self.tls_files)}


def is_redis_url(url: str) -> bool:
    """Whether the scheme of `url` is one of ours."""
    return urlsplit(url).scheme in _SCHEMES


def read_redis_url(url: str, password: str | None = None) -> RedisAddress:
    """Read `redis://[user[:password]@]host[:port][/database]` and its relatives.

    `rediss` is TLS, with `?ca=FILE&certificate=FILE&key=FILE` where needed; `redis+unix:///path/to/socket`;
    `redis+sentinel://h1:p,h2:p/master[/database]`; `redis+cluster://h1:p,h2:p`. `password`, which comes from a file,
    goes before one in the URL.

    Raises ValueError with a sentence that does not repeat the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"unknown scheme {parts.scheme!r}")
    topology, tls = _SCHEMES[parts.scheme]
    account, _, places = parts.netloc.rpartition("@")
    username, _, url_password = account.partition(":")
    path = [unquote(piece) for piece in parts.path.split("/")[1:]] if parts.path not in ("", "/") else []
    socket_path = None
    master = ""
    if parts.scheme == "redis+unix":
        if places or not path:
            raise ValueError("redis+unix:// needs a path and no host")
        socket_path, path = unquote(parts.path), []
    elif topology is Topology.SENTINEL:
        if not path or not path[0]:
            raise ValueError("the name of the master is missing: redis+sentinel://host:port,…/master/0")
        master = path.pop(0)
    elif topology is Topology.CLUSTER and path:
        raise ValueError("a cluster has no numbered databases")
    hosts = () if socket_path else _hosts(places, _DEFAULT_SENTINEL_PORT if master else _DEFAULT_PORT)
    if topology is Topology.STANDALONE and len(hosts) > 1:
        raise ValueError("several hosts need redis+sentinel:// or redis+cluster://")
    return RedisAddress(
        topology=topology,
        hosts=hosts,
        socket_path=socket_path,
        master=master,
        database=_database(path),
        username=unquote(username) or None,
        password=password or unquote(url_password) or None,
        tls=tls,
        tls_files=_tls_files(parts.query, tls=tls),
    )


def _hosts(places: str, default_port: int) -> tuple[tuple[str, int], ...]:
    found = []
    for place in places.split(","):
        try:
            parts = urlsplit(f"//{place}")
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("a host or port cannot be read") from None
        if not host:
            raise ValueError("a host is missing")
        found.append((host, port or default_port))
    return tuple(found)


def _database(path: list[str]) -> int:
    if not path:
        return 0
    if len(path) > 1 or not path[0].isascii() or not path[0].isdigit():
        raise ValueError("the database must be a number")
    return int(path[0])


def _tls_files(query: str, *, tls: bool) -> tuple[tuple[str, str], ...]:
    given = parse_qsl(query, keep_blank_values=True)
    for name, _ in given:
        if not tls or name not in _TLS_OPTIONS:
            raise ValueError(f"unknown option {name!r}")
    return tuple((_TLS_OPTIONS[name], value) for name, value in given)
