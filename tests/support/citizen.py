"""A citizen's browser at the broker: the same over HTTP and inside this process. It goes to nobody else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from flask import Flask
from lxml import html

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the broker answered."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    text: str

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    @property
    def title(self) -> str:
        """The heading."""
        return str(self._document.xpath("normalize-space(//h1)"))

    @property
    def reference(self) -> str:
        """The reference that the citizen is told, or nothing."""
        return "".join(str(self._document.xpath("string(//span[@class='code'])")).split())

    @property
    def offers(self) -> tuple[str, ...]:
        """The entityIDs that can be chosen."""
        return tuple(self._document.xpath("//button[@name='upstream']/@value"))

    def action(self, last: str) -> str:
        """The address of the form of ours that ends in `last`: choice, cancel, answer."""
        found = [action for action in self._document.xpath("//form/@action") if action.endswith(f"/{last}")]
        assert len(set(found)) == 1, f"{self.status} at {self.url}: {self.text}"
        return str(found[0])

    def links(self, start: str) -> tuple[str, ...]:
        """Where the links of the page's main part lead that begin with `start`."""
        return tuple(href for href in self._document.xpath("//main//a/@href") if href.startswith(start))

    def form(self) -> tuple[str, dict[str, str]]:
        """Address and fields of the form that posts a message to somebody else."""
        for form in self._document.forms if self.text else ():
            names = set(form.fields)
            if names & {"SAMLResponse", "SAMLRequest"}:
                return form.get("action"), {name: value or "" for name, value in form.fields.items()}
        raise AssertionError(f"{self.status} at {self.url} posts nothing:\n{self.text}")

    @property
    def posts(self) -> bool:
        """Whether the page posts a message to somebody else."""
        return 'name="SAMLResponse"' in self.text or 'name="SAMLRequest"' in self.text

    @property
    def _document(self) -> Any:
        return html.document_fromstring(self.text or "<p></p>")


Send = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Method, path with query, headers, body."""


def over_http(base_url: str, *, listening: str | None = None, timeout_s: float = 30) -> Send:
    """A new connection for each request, so that any worker may take it.

    `listening` is where the broker really is, when its own address belongs to a TLS terminator.
    """
    parts = urlsplit(listening or base_url)

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_s)
        try:
            connection.request(method, path, body or None, dict(headers))
            response = connection.getresponse()
            text = response.read().decode()
            return Reply(url=base_url + path, status=response.status, headers=tuple(response.getheaders()), text=text)
        finally:
            connection.close()

    return send


def in_process(app: Flask, base_url: str) -> Send:
    """Straight into the application."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        client = app.test_client(use_cookies=False)
        path_only, _, query = path.partition("?")
        found = client.open(
            path_only, method=method, query_string=query, headers=dict(headers), data=body, base_url=base_url
        )
        return Reply(
            url=base_url + path, status=found.status_code, headers=tuple(found.headers.items()), text=found.text
        )

    return send


@dataclass(slots=True, kw_only=True)
class Citizen:
    """One cookie jar, and every page that it was shown."""

    send: Send
    base_url: str
    seen: list[Reply]
    language: str = "sv"
    _cookies: dict[str, str] = field(default_factory=dict)

    def get(self, url: str) -> Reply:
        """Fetch a page of the broker's, and go on as long as it redirects to itself."""
        return self._follow(self._request("GET", url, b"", with_cookies=True))

    def press(self, page: Reply, last: str, **fields: str) -> Reply:
        """Submit the form of ours that ends in `last`."""
        body = urlencode(fields).encode()
        return self._follow(self._request("POST", urljoin(page.url, page.action(last)), body, with_cookies=True))

    def post_from_elsewhere(self, url: str, fields: Mapping[str, str]) -> Reply:
        """A form on another site: browsers withhold the cookie from the POST, and not from what follows."""
        return self._follow(self.park(url, fields))

    def park(self, url: str, fields: Mapping[str, str]) -> Reply:
        """The same, and go no further."""
        return self._request("POST", url, urlencode(fields).encode(), with_cookies=False)

    def _follow(self, reply: Reply) -> Reply:
        for _ in range(10):
            where = urljoin(self.base_url, reply.header("Location"))
            if reply.status != 303 or not where.startswith(f"{self.base_url}/"):
                return reply
            reply = self._request("GET", where, b"", with_cookies=True)
        raise AssertionError(f"redirected for ever, the last time to {reply.header('Location')}")

    def _request(self, method: str, url: str, body: bytes, *, with_cookies: bool) -> Reply:
        where = urljoin(self.base_url, url)
        assert where.startswith(f"{self.base_url}/"), f"not the broker: {where}"
        headers = {"Accept": "text/html", "Accept-Language": self.language}
        if with_cookies and self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        if method == "POST":
            headers |= {"Content-Type": FORM, "Origin": self.base_url if with_cookies else "http://127.0.0.3"}
        reply = self.send(method, where.removeprefix(self.base_url), headers, body)
        for name, value in reply.headers:
            if name.lower() == "set-cookie":
                self._cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        self.seen.append(reply)
        return reply
