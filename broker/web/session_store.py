"""Where the Flask session lives: our transient store, or Flask-Session over Redis. Either way it is loaded lazily."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from flask_session.base import Serializer
from flask_session.redis import RedisSessionInterface
from redis import Redis, RedisError

from broker.core.errors import StoreUnavailable
from broker.core.ports import Clock, IdSource
from broker.stores.values import SealedValues

_ATTEMPTS = 8


class LazySession(SessionMixin):
    """A session that is fetched when somebody first looks into it."""

    def __init__(self, load: Callable[[], SessionMixin]) -> None:
        self._load = load
        self.loaded: SessionMixin | None = None

    def _values(self) -> SessionMixin:
        if self.loaded is None:
            self.loaded = self._load()
        return self.loaded

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values()[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values()))

    def __len__(self) -> int:
        return len(self._values())


class LazySessions(SessionInterface):
    """Wraps a session interface so that a request which asks nothing of its session costs no look-up, and needs no
    store: pages must come even when the store does not.
    """

    def __init__(self, inner: SessionInterface) -> None:
        self._inner = inner

    def open_session(self, app: Flask, request: Request) -> LazySession:
        """A session that has not been fetched yet."""

        def load() -> SessionMixin:
            try:
                session = self._inner.open_session(app, request)
            except RedisError as error:
                raise StoreUnavailable(f"session: {type(error).__name__}") from error
            if session is None:
                raise StoreUnavailable("session: the interface gave none")
            return session

        return LazySession(load)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store what was fetched and changed. Raises StoreUnavailable, once."""
        loaded = session.loaded if isinstance(session, LazySession) else session
        if loaded is None:
            return
        try:
            self._inner.save_session(app, loaded, response)
        except (RedisError, StoreUnavailable) as error:
            if isinstance(session, LazySession):
                session.loaded = None  # the error page is finished with this session too, and must not fail again
            raise StoreUnavailable(f"session: {type(error).__name__}") from error


class StoredSession(dict[str, Any], SessionMixin):
    """What the transient store held, and under which id; None: nothing yet."""

    def __init__(self, sid: str | None, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.sid = sid
        self.fetched = dict(values)


class StoredSessions(SessionInterface):
    """Sessions as sealed JSON in the transient store.

    Two tabs may answer at the same time. So what a request changed is merged into what is stored by compare-and-set;
    the last writer does not wipe out what another tab has just started.
    """

    def __init__(self, values: SealedValues, *, ids: IdSource, clock: Clock, lifetime: timedelta) -> None:
        self._values = values
        self._ids = ids
        self._clock = clock
        self._lifetime = lifetime

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        """The session that the cookie names. A name that is not stored is not kept: nobody chooses their own id."""
        sid = request.cookies.get(self.get_cookie_name(app))
        if sid:
            found = self._values.get(sid, self._clock.now())
            if found is not None:
                return StoredSession(sid, _read(found.value))
        return StoredSession(None, {})

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Store the changes of this request, if there are any."""
        if not isinstance(session, StoredSession):
            raise TypeError("not a session of this interface")
        response.vary.add("Cookie")
        if session == session.fetched:
            return
        written = {key: value for key, value in session.items() if session.fetched.get(key) != value}
        removed = session.fetched.keys() - session.keys()
        sid = session.sid
        if sid is None or not self._merge(sid, written, removed):
            sid = self._ids.token()
            if not self._values.add(sid, _write(session), self._clock.now() + self._lifetime):
                raise StoreUnavailable("session: no room for a new one")
        if sid != session.sid:
            response.set_cookie(
                self.get_cookie_name(app),
                sid,
                path=self.get_cookie_path(app),
                secure=self.get_cookie_secure(app),
                httponly=self.get_cookie_httponly(app),
                samesite=self.get_cookie_samesite(app),
            )

    def _merge(self, sid: str, written: Mapping[str, Any], removed: set[str]) -> bool:
        """Whether the stored session took the changes; False when it is gone."""
        for _ in range(_ATTEMPTS):
            now = self._clock.now()
            stored = self._values.get(sid, now)
            if stored is None:
                return False
            merged = {key: value for key, value in _read(stored.value).items() if key not in removed} | dict(written)
            if self._values.swap(sid, stored.version, _write(merged), now + self._lifetime):
                return True
        raise StoreUnavailable("session: changed by others all the time")


class PlainJson(Serializer):  # type: ignore[misc]  # flask_session is untyped
    """Flask-Session's own serialiser unpickles what is no JSON; whoever can write to Redis would run code here."""

    def encode(self, session: Mapping[str, Any]) -> bytes:
        """JSON."""
        return _write(session)

    def decode(self, serialized_data: bytes) -> dict[str, str]:
        """The values; none when it is not ours."""
        return _read(serialized_data)


def redis_sessions(app: Flask, client: "Redis") -> SessionInterface:
    """Flask-Session's interface for Redis, standalone or behind Sentinel (it does not take a Cluster client).

    Of two tabs that answer within the same milliseconds the last writer wins here.
    """
    interface: SessionInterface = RedisSessionInterface(
        app, client=client, key_prefix="broker:session:", permanent=False, serialization_format="json"
    )
    interface.serializer = PlainJson()  # type: ignore[attr-defined]  # flask_session is untyped
    return interface


def _write(values: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(values), separators=(",", ":")).encode()


def _read(stored: bytes) -> dict[str, str]:
    try:
        values = json.loads(stored)
    except ValueError:
        return {}
    if not isinstance(values, dict):
        return {}
    return {key: value for key, value in values.items() if isinstance(value, str)}
