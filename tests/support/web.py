"""The web alone: a flow that does what the test says, and everything else real, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from support.scripted import BANKID, CountingIds, StandingClock, make_e_service, make_upstream
from werkzeug.test import TestResponse

from broker.core.discovery import Choice, Excluded, Offer
from broker.core.login import EntityId, LoginId, Reference
from broker.core.parties import EService, Upstream
from broker.flow.steps import AskCitizen, NextStep, TellCitizen
from broker.flow.visit import Visit
from broker.messages.inbound import InboundMessage
from broker.stores.memory import MemoryTransientStore
from broker.stores.sealing import SealingKeys
from broker.stores.values import SealedValues
from broker.web.app import WebParts, builtin_logo, create_app
from broker.web.ports import Readiness

BASE_URL = "https://login.example.se"
LOGIN = LoginId("login-1")
REFERENCE = Reference("ABCDEFGHJKLM")

Script = Callable[[Visit], NextStep]


@dataclass(slots=True)
class ScriptedFlow:
    """Answers every call with `script`, and remembers the calls."""

    script: Script
    calls: list[tuple[str, object]] = field(default_factory=list)

    def start(self, message: InboundMessage, visit: Visit) -> NextStep:
        return self._note("start", message, visit)

    def begin(self, login_id: LoginId, visit: Visit) -> NextStep:
        return self._note("begin", login_id, visit)

    def show(self, login_id: LoginId, visit: Visit) -> NextStep:
        return self._note("show", login_id, visit)

    def choose(self, login_id: LoginId, upstream: EntityId, visit: Visit) -> NextStep:
        return self._note("choose", (login_id, upstream), visit)

    def arrive(self, message: InboundMessage, visit: Visit) -> NextStep:
        return self._note("arrive", message, visit)

    def conclude(self, login_id: LoginId, handover: str | None, visit: Visit) -> NextStep:
        return self._note("conclude", (login_id, handover), visit)

    def cancel(self, login_id: LoginId, visit: Visit) -> NextStep:
        return self._note("cancel", login_id, visit)

    def answer_error(self, login_id: LoginId, visit: Visit) -> NextStep:
        return self._note("answer_error", login_id, visit)

    def _note(self, name: str, what: object, visit: Visit) -> NextStep:
        self.calls.append((name, what))
        return self.script(visit)


def always(step: NextStep | Exception) -> Script:
    """The same for every call: a step, or a failure to raise."""

    def script(visit: Visit) -> NextStep:
        if isinstance(step, Exception):
            raise step
        return step

    return script


def make_parts(script: Script, **changes: object) -> WebParts:
    """A production web with its sessions in memory."""
    clock = StandingClock()
    parts = WebParts(
        flow=ScriptedFlow(script),
        base_url=BASE_URL,
        environment="production",
        service_names={"sv": "Sundby inloggning", "en": "Sundby login"},
        operator_names={"sv": "Sundby kommun", "en": "Sundby municipality"},
        logo=builtin_logo(),
        ids=CountingIds(),
        clock=clock,
        sessions=SealedValues(MemoryTransientStore(clock), SealingKeys([bytes(32)]), "session"),
        session_redis=None,
        session_lifetime=timedelta(hours=4),
        ended_lifetime=timedelta(minutes=15),
        trusted_proxies=(),
        ops_networks=(),
        idp_metadata=lambda: b"<idp/>",
        sp_metadata=lambda: b"<sp/>",
        readiness=Readiness,
        sign_in_addresses=lambda entity_id, _: (f"{entity_id}/sso",),
    )
    return replace(parts, **changes)  # type: ignore[arg-type]  # a builder: the dataclass checks the names


def make_app(script: Script | NextStep | Exception, **changes: object) -> Flask:
    """A web whose flow answers everything with `script`, visited over https."""
    app = create_app(make_parts(script if callable(script) else always(script), **changes))
    app.config["PREFERRED_URL_SCHEME"] = "https"
    return app


def browse(script: Script | NextStep | Exception, **changes: object) -> FlaskClient:
    """A browser of its own at such a web."""
    return make_app(script, **changes).test_client()


def make_choice(*offers: Upstream, excluded: tuple[Excluded, ...] = ()) -> Choice:
    """The offers of a login; one when none is named."""
    listed = offers or (make_upstream(),)
    return Choice(
        offers=tuple(Offer(upstream=upstream, contexts=tuple(upstream.contexts)) for upstream in listed),
        excluded=excluded,
    )


def ask(*offers: Upstream, excluded: tuple[Excluded, ...] = (), e_service: EService | None = None) -> AskCitizen:
    """The chooser of `LOGIN`."""
    return AskCitizen(
        login_id=LOGIN, e_service=e_service or make_e_service(), choice=make_choice(*offers, excluded=excluded)
    )


def tell(code: str, *, e_service: EService | None = None, login_id: LoginId | None = None) -> TellCitizen:
    """A stop page."""
    return TellCitizen(code=code, reference=REFERENCE, e_service=e_service, login_id=login_id)


def many_upstreams(number: int) -> tuple[Upstream, ...]:
    """eIDs named eID 01, eID 02, …"""
    return tuple(
        make_upstream(EntityId(f"{BANKID}/{position:02}"), names={"sv": f"eID {position:02}"})
        for position in range(1, number + 1)
    )


@dataclass(slots=True)
class Element:
    """One start tag and the text that followed it, up to the next tag."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Page(HTMLParser):
    """What a page says, in document order: enough to look up headings, forms and links."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.status = response.status_code
        self.policy = response.headers["Content-Security-Policy"]
        self.feed(response.get_data(as_text=True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag=tag, attributes={name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements:
            self.elements[-1].text += data

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Every such element."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag and all(element.attributes.get(name) == value for name, value in wanted.items())
        ]

    @property
    def heading(self) -> str:
        """The one h1."""
        (h1,) = self.find("h1")
        return h1.text.strip()

    @property
    def language(self) -> str:
        """Of the whole page."""
        return self.find("html")[0].attributes["lang"]

    @property
    def text(self) -> str:
        """All words, without their tags."""
        return " ".join(" ".join(element.text for element in self.elements).split())
