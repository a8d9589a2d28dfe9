"""What only a browser can tell: that the policy lets a login through and nothing else, and that nobody gets stuck."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, BrowserContext, expect
from support.programs import free_port
from support.scripted import make_e_service, make_upstream
from support.served import served
from support.web import LOGIN, Script, ask, make_parts, many_upstreams, tell
from werkzeug.wrappers import Request, Response

from broker.core.discovery import Excluded, Exclusion
from broker.core.login import EntityId
from broker.flow.steps import NextStep, PostBrowser, SendBrowser
from broker.flow.visit import Visit
from broker.web.app import create_app

pytestmark = pytest.mark.browser

PAGE = f"/login/{LOGIN}"
LONG = "Äldreomsorgens självbetjäning och ansökan om hemtjänst i Upplands-Väsby-Sollentunakommunen"


@dataclass(slots=True)
class Peer:
    """An e-service or upstream on another site; remembers what reached it."""

    base_url: str = ""
    arrived: list[tuple[str, str, str | None]] = field(default_factory=list)

    def __call__(self, environ: dict[str, object], start_response: object) -> object:
        arrival = Request(environ)
        if arrival.path != "/favicon.ico":
            self.arrived.append((arrival.method, arrival.path, arrival.headers.get("Origin")))
        page = Response("<!doctype html><title>peer</title><h1>peer</h1>", content_type="text/html")
        return page(environ, start_response)  # type: ignore[arg-type]  # as above


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Another site than ours."""
    peer = Peer()
    with served(peer, "127.0.0.2", free_port("127.0.0.2")) as base_url:  # type: ignore[arg-type]  # the plain WSGI types
        peer.base_url = base_url
        yield peer


@pytest.fixture
def port() -> int:
    """Ours."""
    return free_port("127.0.0.1")


def web(script: Script, port: int) -> Flask:
    return create_app(make_parts(script, base_url=f"http://127.0.0.1:{port}", environment="test"))


def told_by_the_console(context: BrowserContext) -> list[str]:
    """What the browser complains about from now on: a violated policy is among it."""
    told: list[str] = []
    context.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    return told


@pytest.mark.parametrize("scripted", [True, False], ids=["with-javascript", "without-javascript"])
def test_a_choice_leads_to_an_upstream_on_another_site(
    chromium: Browser, peer: Peer, port: int, scripted: bool
) -> None:
    def script(_: Visit) -> NextStep:
        if request.method == "POST":
            return SendBrowser(url=f"{peer.base_url}/sso?SAMLRequest=x")
        return ask(make_upstream(EntityId(f"{peer.base_url}/idp")), make_upstream())

    with served(web(script, port), "127.0.0.1", port) as base_url:
        context = chromium.new_context(java_script_enabled=scripted)
        told = told_by_the_console(context)
        page = context.new_page()
        page.goto(base_url + PAGE)
        page.locator("button[name=upstream]").first.click()
        page.wait_for_url(f"{peer.base_url}/sso*")
        assert peer.arrived == [("GET", "/sso", None)]
        assert told == []
        context.close()


def test_an_answer_posts_itself_once_and_is_no_stop_on_the_way_back(chromium: Browser, peer: Peer, port: int) -> None:
    def script(_: Visit) -> NextStep:
        if request.path.endswith("/continue"):
            return PostBrowser(url=f"{peer.base_url}/acs", fields=(("SAMLResponse", "x"),), e_service=make_e_service())
        return ask()

    with served(web(script, port), "127.0.0.1", port) as base_url:
        context = chromium.new_context(locale="sv-SE")
        told = told_by_the_console(context)
        page = context.new_page()
        page.goto(base_url + PAGE)
        page.goto(f"{base_url}{PAGE}/continue")
        page.wait_for_url(f"{peer.base_url}/acs")
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Logga in till Bygglov")
        assert peer.arrived == [("POST", "/acs", base_url)]
        assert told == []
        context.close()


def test_who_goes_back_to_a_form_can_stay_there(chromium: Browser, peer: Peer, port: int) -> None:
    step = PostBrowser(url=f"{peer.base_url}/sso", fields=(("SAMLRequest", "x"),), e_service=None)
    with served(web(lambda _: step, port), "127.0.0.1", port) as base_url:
        context = chromium.new_context(locale="sv-SE")
        page = context.new_page()
        # The script is late the first time, so the citizen presses the button; then it is there.
        page.route("**/onward.*", lambda route: route.abort())
        page.goto(f"{base_url}{PAGE}/continue")
        page.get_by_role("button", name="Fortsätt").click()
        page.wait_for_url(f"{peer.base_url}/sso")
        page.unroute_all()
        page.go_back()
        expect(page.get_by_role("button", name="Fortsätt")).to_be_visible()
        page.wait_for_timeout(300)
        assert len(peer.arrived) == 1
        context.close()


def test_no_page_scrolls_sideways_on_a_narrow_screen(chromium: Browser, port: int) -> None:
    named = make_e_service(names={"sv": LONG}, support_contact="medborgarkontoret.upplands-vasby@kommunen.example.se")
    missing = Excluded(upstream=make_upstream(names={"sv": LONG}), reason=Exclusion.NOT_ALLOWED, detail="")
    steps: dict[str, NextStep] = {
        "/login/few": ask(make_upstream(names={"sv": LONG}), excluded=(missing,), e_service=named),
        "/login/many": ask(*many_upstreams(12), e_service=named),
        "/login/stopped": tell("fraud", e_service=named, login_id=LOGIN),
        "/login/posted": PostBrowser(url="https://a.example.se/acs", fields=(), e_service=named),
    }
    with served(web(lambda _: steps[request.path], port), "127.0.0.1", port) as base_url:
        context = chromium.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=False)
        page = context.new_page()
        for path in steps:
            page.goto(base_url + path)
            for details in page.locator("summary").all():
                details.click()
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        context.close()


def test_the_chooser_works_with_the_keyboard_alone(chromium: Browser, port: int) -> None:
    with served(web(lambda _: ask(*many_upstreams(9)), port), "127.0.0.1", port) as base_url:
        context = chromium.new_context(locale="sv-SE")
        page = context.new_page()
        page.goto(base_url + PAGE)
        reached = []
        for _ in range(14):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert outline == "3px"
        assert reached[:4] == ["Hoppa till innehållet", "English", "q", "Sök"]
        assert [text.split()[-1] for text in reached[4:13]] == [f"{number:02}" for number in range(1, 10)]
        assert reached[13] == "Varför saknas min e-legitimation?"
        context.close()
