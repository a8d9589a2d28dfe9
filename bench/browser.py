"""A browser, as far as a login needs one: one connection, cookies by SameSite, redirects, forms."""

import http.client
import re
import time
from dataclasses import dataclass
from html import unescape
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from bench.peers import Delivered, Proxy, Sent, Upstream

_FIELD = re.compile(r"<input([^>]*)>")
_ATTRIBUTE = re.compile(r'(name|value)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered."""

    status: int
    location: str | None
    body: str


class Browser:
    """A fresh one for each login. `seconds` is what was spent waiting for the server."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._cookies: dict[str, tuple[str, bool]] = {}
        self.seconds = 0.0

    def get(self, url: str) -> Page:
        """Navigate, and follow redirects for as long as they stay here."""
        return self._follow(self._send("GET", url, None))

    def post_from_elsewhere(self, url: str, fields: dict[str, str]) -> Page:
        """A form of another site: only cookies with SameSite=None are sent."""
        return self._follow(self._send("POST", url, urlencode(fields)))

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _follow(self, page: Page) -> Page:
        while page.location is not None and page.location.startswith(("/", self._origin + "/")):
            page = self._send("GET", page.location, None)
        return page

    def _send(self, method: str, url: str, body: str | None) -> Page:
        headers = {"Accept-Language": "sv", "User-Agent": "bench"}
        cookies = [f"{name}={value}" for name, (value, none) in self._cookies.items() if none or method == "GET"]
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request(method, url.removeprefix(self._origin), body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        self.seconds += time.perf_counter() - began
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            first, *rest = cookie.split(";")
            name, _, value = first.partition("=")
            self._cookies[name] = (value, any(part.strip().lower() == "samesite=none" for part in rest))
        return Page(answer.status, answer.headers["Location"], text)


class Navigates(Protocol):
    """What a login needs of a browser."""

    def get(self, url: str) -> Page:
        """Navigate."""
        ...

    def post_from_elsewhere(self, url: str, fields: dict[str, str]) -> Page:
        """Post a form of another site."""
        ...


def log_in(browser: Navigates, sent: Sent, upstream: Upstream, proxy: Proxy) -> Delivered:
    """One login, from the e-service's redirect to the form that returns there."""
    asked = browser.get(sent.url)
    if asked.location is None or not asked.location.startswith(upstream.sso):
        raise AssertionError(f"not sent to the upstream: {asked.status} {asked.location} {asked.body[:2000]}")
    acs, form = upstream.answer(asked.location, sent.pnr, proxy)
    page = browser.post_from_elsewhere(acs, form)
    fields = _fields(page.body)
    if page.status != 200 or "SAMLResponse" not in fields:
        raise AssertionError(f"no answer for the e-service: {page.status} {page.body[:2000]}")
    return Delivered(sent, fields["SAMLResponse"], fields.get("RelayState"))


def _fields(html: str) -> dict[str, str]:
    found = (dict(_ATTRIBUTE.findall(attributes)) for attributes in _FIELD.findall(html))
    return {unescape(field["name"]): unescape(field.get("value", "")) for field in found if "name" in field}
