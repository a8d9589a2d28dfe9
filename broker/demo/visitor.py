"""One visitor's way through a login: what to press on each page that comes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from broker.demo.browser import BrowserStopped, PlainBrowser, WebForm, WebPage
from broker.demo.federation import EServiceParty, Federation, UpstreamParty

MOST_STEPS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Intention:
    """What the visitor means to do. Without `option` they cancel at the upstream; without `upstream`, at the broker."""

    e_service: EServiceParty
    upstream: UpstreamParty | None
    option: str = "cancel"
    country: str | None = None  # to choose on the connector's page
    ticks: Sequence[tuple[str, str]] = ()  # on the e-service's start page


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where the visit ended."""

    received: Mapping[str, Any]  # what the e-service has, as data
    broker_pages: Sequence[WebPage] = field(default_factory=tuple)
    chose: bool  # whether the broker asked which eID
    told: bool  # whether the broker showed why it refused


class Visitor:
    """A person with a browser."""

    def __init__(self, federation: Federation, browser: PlainBrowser) -> None:
        self._broker = urlsplit(federation.broker).hostname
        self._browser = browser

    def log_in(self, intention: Intention) -> Outcome:
        """Start at the e-service and press on until it shows what it received. Raises BrowserStopped."""
        first = len(self._browser.pages)
        start = self._browser.open(f"{intention.e_service.base}/")
        [form] = start.forms
        form.fields = [] if intention.ticks else form.fields
        form.fields.extend(intention.ticks)
        page = self._browser.press(start, form, form.buttons[0])
        chose = told = False
        for _ in range(MOST_STEPS):
            if page.host == self._broker:
                chose = chose or any(button.name == "upstream" for one in page.forms for button in one.buttons)
                told = told or _form_to(page, "/answer") is not None
            if page.url.startswith(f"{intention.e_service.base}/received/"):
                data = self._browser.open(f"{page.url}.json")
                shown = [one for one in self._browser.pages[first:] if one.host == self._broker]
                return Outcome(received=json.loads(data.body), broker_pages=shown, chose=chose, told=told)
            page = self._next(page, intention)
        raise BrowserStopped(f"going in circles, the last page is {page.url}")

    def _next(self, page: WebPage, intention: Intention) -> WebPage:
        for form in page.forms:
            if form.value("SAMLRequest") or form.value("SAMLResponse"):
                return self._browser.press(page, form)
        if page.host == self._broker:
            return self._at_broker(page, intention)
        if intention.upstream is not None and page.url.startswith(intention.upstream.base):
            return self._at_upstream(page, intention)
        raise BrowserStopped(f"no way on from {page.url.split('?')[0]} (status {page.status}): {_problem(page)}")

    def _at_broker(self, page: WebPage, intention: Intention) -> WebPage:
        if form := _form_to(page, "/answer"):
            return self._browser.press(page, form)
        if intention.upstream is None:
            if form := _form_to(page, "/cancel"):
                return self._browser.press(page, form)
        else:
            for form in page.forms:
                if button := form.button("upstream", intention.upstream.entity_id):
                    return self._browser.press(page, form, button)
        path = urlsplit(page.url).path
        raise BrowserStopped(f"the broker's page {path} (status {page.status}) offers no way on")

    def _at_upstream(self, page: WebPage, intention: Intention) -> WebPage:
        for form in page.forms:
            if intention.country and (button := form.button("country", intention.country)):
                return self._browser.press(page, form, button)
            if button := form.button("option", intention.option):
                return self._browser.press(page, form, button)
        raise BrowserStopped(f"the upstream's page has neither {intention.country} nor {intention.option}")


def _form_to(page: WebPage, ending: str) -> WebForm | None:
    return next((form for form in page.forms if urlsplit(form.action).path.endswith(ending)), None)


def _problem(page: WebPage) -> str:
    before, found, after = page.body.partition('id="problem">')
    return after.partition("<")[0] if found else before[:200]
