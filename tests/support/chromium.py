"""Debian's Chromium through Playwright."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Request, sync_playwright
from support.programs import need_file

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def run_chromium() -> Iterator[Browser]:
    """One headless browser; every test opens a context of its own in it."""
    need_file(CHROMIUM, "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """One SAML message as the browser carried it."""

    url: str  # without the query
    method: str
    fields: dict[str, str]

    @property
    def xml(self) -> str:
        """The message in a POST form."""
        return base64.b64decode(self.fields.get("SAMLResponse") or self.fields["SAMLRequest"]).decode()


@dataclass(slots=True)
class Traffic:
    """Every SAML message that a browser context carries, in order."""

    messages: list[Carried] = field(default_factory=list)

    def to(self, url: str) -> list[Carried]:
        """Those that went to `url`."""
        return [message for message in self.messages if message.url == url]


def watch(context: BrowserContext) -> Traffic:
    """Record what `context` carries from now on."""
    traffic = Traffic()

    def note(request: Request) -> None:
        encoded = urlsplit(request.url).query if request.method == "GET" else request.post_data or ""
        fields = {name: values[0] for name, values in parse_qs(encoded).items()}
        if "SAMLRequest" in fields or "SAMLResponse" in fields:
            url = request.url.partition("?")[0]
            traffic.messages.append(Carried(url=url, method=request.method, fields=fields))

    context.on("request", note)
    return traffic
