"""Where the CPU of a login goes: the broker's own WSGI application in this process, under cProfile's eyes.

The profiler's clock is the thread's CPU time, so waiting for a store costs nothing here. What the standard library and
the built-in functions do is put on the account of whoever called them.
"""

import cProfile
import io
import pstats
import time
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.browser import Page, log_in
from bench.peers import EService, Proxy, Upstream
from broker.config.load import load_settings
from broker.wiring.logs import configure_logs
from broker.wiring.opened import open_all
from broker.wiring.serving import build_app

Function = tuple[str, int, str]
Entry = tuple[int, int, float, float, Mapping[Function, tuple[int, int, float, float]]]

_PARTS: tuple[tuple[str, str], ...] = (
    ("broker/saml/", "SAML: our reading and writing"),
    ("broker/stores/redis", "transient store"),
    ("broker/stores/embedded", "transient store"),
    ("broker/audit/", "audit"),
    ("broker/stores/sql", "audit"),
    ("broker/stores/", "sealing and codec"),
    ("broker/web/", "web: our part"),
    ("broker/", "policy, flow, directory"),
    ("saml2/", "SAML: pysaml2's classes"),
    ("redis/", "redis-py"),
    ("flask_session/", "flask-session"),
    ("psycopg/", "database driver and SQLAlchemy"),
    ("psycopg_pool/", "database driver and SQLAlchemy"),
    ("sqlalchemy/", "database driver and SQLAlchemy"),
    ("flask/", "Flask, Werkzeug, Jinja"),
    ("werkzeug/", "Flask, Werkzeug, Jinja"),
    ("jinja2/", "Flask, Werkzeug, Jinja"),
    ("markupsafe/", "Flask, Werkzeug, Jinja"),
    ("<template>", "Flask, Werkzeug, Jinja"),
    ("structlog/", "structlog"),
    ("pydantic/", "sealing and codec"),
    ("cryptography/", "cryptography and xmlsec"),
)
_CRYPTOGRAPHY = ("xmlsec", "cryptography", "_hashlib", "hashlib", "_rust", "posix.urandom")


@dataclass(slots=True)
class Wsgi:
    """A browser without a network. `seconds` is the CPU time inside the application."""

    app: Any
    profile: cProfile.Profile | None
    seconds: float = 0.0
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str) -> Page:
        """Navigate, with the cookie."""
        return self._follow(self._call("GET", url, b""))

    def post_from_elsewhere(self, url: str, fields: dict[str, str]) -> Page:
        """A form of another site, without."""
        return self._follow(self._call("POST", url, urlencode(fields).encode()))

    def _follow(self, page: Page) -> Page:
        while page.location is not None and page.location.startswith("/"):
            page = self._call("GET", page.location, b"")
        return page

    def _call(self, method: str, url: str, body: bytes) -> Page:
        parts = urlsplit(url)
        given: list[Any] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_ACCEPT_LANGUAGE": "sv",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if method == "POST" else "",
            "CONTENT_LENGTH": str(len(body)),
        }
        if method == "GET" and self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())

        def start(status: str, headers: list[tuple[str, str]], _info: object = None) -> None:
            given.extend((status, headers))

        began = time.thread_time()
        if self.profile is not None:
            self.profile.enable()
        text = b"".join(self.app(environ, start)).decode()
        if self.profile is not None:
            self.profile.disable()
        self.seconds += time.thread_time() - began
        status, headers = given
        for name, value in headers:
            if name == "Set-Cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        return Page(int(status.split()[0]), dict(headers).get("Location"), text)


def profile_logins(
    config: Path, e_service: EService, upstream: Upstream, proxy: Proxy, logins: int
) -> tuple[float, pstats.Stats]:
    """CPU seconds of one login inside the application, measured without the profiler, and then what that saw."""
    configure_logs()
    app = build_app(open_all(load_settings(config, {})))
    first = 10_000_000
    profile = cProfile.Profile(time.thread_time)
    _run(app, None, e_service, upstream, proxy, range(first, first + 50))
    spent = _run(app, None, e_service, upstream, proxy, range(first + 50, first + 50 + logins)) / logins
    _run(app, profile, e_service, upstream, proxy, range(first + 50 + logins, first + 50 + 2 * logins))
    return spent, pstats.Stats(profile)


def _run(
    app: Any, profile: cProfile.Profile | None, e_service: EService, upstream: Upstream, proxy: Proxy, numbers: range
) -> float:
    seconds = 0.0
    for number in numbers:
        browser = Wsgi(app, profile)
        delivered = log_in(browser, e_service.ask(proxy, number), upstream, proxy)
        e_service.check(delivered, proxy)
        seconds += browser.seconds
    return seconds


def by_part(stats: pstats.Stats) -> dict[str, float]:
    """Each part's share of the time, the largest first."""
    table: Mapping[Function, Entry] = stats.stats  # type: ignore[attr-defined]  # typeshed leaves it out
    shares: MutableMapping[str, float] = {}
    known: dict[Function, Mapping[str, float]] = {}
    for function, (_, _, own, _, _) in table.items():
        for part, share in _owners(function, table, known, ()).items():
            shares[part] = shares.get(part, 0.0) + own * share
    total = sum(shares.values())
    return {part: spent / total for part, spent in sorted(shares.items(), key=lambda item: -item[1])}


def _owners(
    function: Function,
    table: Mapping[Function, Entry],
    known: dict[Function, Mapping[str, float]],
    path: tuple[Function, ...],
) -> Mapping[str, float]:
    part = _part_of(function)
    if part is not None:
        return {part: 1.0}
    if function in known:
        return known[function]
    callers = {
        caller: spent[2] + 1e-12
        for caller, spent in table[function][4].items()
        if caller not in path and caller in table
    }
    total = sum(callers.values())
    found: dict[str, float] = {}
    for caller, weight in callers.items():
        for owner, share in _owners(caller, table, known, (*path, function)).items():
            found[owner] = found.get(owner, 0.0) + share * weight / total
    found = found or {"other": 1.0}
    if not path:
        known[function] = found
    return found


def _part_of(function: Function) -> str | None:
    file, _, name = function
    if any(word in name for word in _CRYPTOGRAPHY):
        return "cryptography and xmlsec"
    if "lxml" in name:
        return "lxml"
    return next((part for beginning, part in _PARTS if _is_below(file, beginning)), None)


def _is_below(file: str, beginning: str) -> bool:
    return f"/{beginning}" in file or file.startswith(beginning)


def most_expensive(stats: pstats.Stats, number: int) -> Iterable[str]:
    """The profiler's own table, by time in the function itself and by time below it."""
    for order in ("tottime", "cumulative"):
        text = io.StringIO()
        stats.stream = text  # type: ignore[attr-defined]  # typeshed leaves it out
        stats.sort_stats(order).print_stats(number)
        yield text.getvalue()
