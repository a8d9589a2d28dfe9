"""From a URL in `broker.toml` to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from redis.client import Redis

from broker.core.errors import ConfigRejected
from broker.core.ports import Clock
from broker.stores.embedded import EmbeddedTransientStore
from broker.stores.redis import RedisTransientStore, redis_client
from broker.stores.redis_urls import is_redis_url, read_redis_url
from broker.stores.transient import TransientStore


def open_transient(url: str, clock: Clock, *, password: str | None = None) -> TransientStore:
    """The transient store at `url`: `sqlite:////absolute/path` (or a bare path), or one of Redis' (`redis_urls`).

    Nothing is opened or connected yet. `password` is for Redis. Raises ConfigRejected for a URL that is none of these.
    """
    if is_redis_url(url):
        try:
            return RedisTransientStore(read_redis_url(url, password), clock)
        except ValueError as problem:
            raise ConfigRejected((f"stores.transient: {problem}",)) from None
    return EmbeddedTransientStore(sqlite_path(url, "stores.transient"), clock)


def open_redis_client(url: str, *, password: str | None = None) -> Redis | None:
    """A redis-py client for a library that wants one; None where the URL is not Redis, or is a Cluster."""
    if not is_redis_url(url):
        return None
    try:
        return redis_client(read_redis_url(url, password))
    except ValueError as problem:
        raise ConfigRejected((f"stores.transient: {problem}",)) from None


def sqlite_path(url: str, setting: str) -> Path:
    """The file that a `sqlite:///path` URL, or a bare path, names. Raises ConfigRejected, naming `setting`."""
    parts = urlsplit(url)
    if "://" not in url and url:
        return Path(url)
    if parts.scheme != "sqlite":
        raise ConfigRejected((f"{setting}: unknown scheme {parts.scheme!r}",))
    if parts.netloc or parts.query or parts.path in ("", "/"):
        raise ConfigRejected((f"{setting}: a SQLite file is written sqlite:////absolute/path",))
    return Path(unquote(parts.path[1:]))
