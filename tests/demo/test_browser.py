"""The scripted browser is as strict as a real one where that can break a login."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from urllib.parse import urlencode

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from broker.demo.browser import BrowserStopped, PlainBrowser, WebPage, check_form_action

COOKIES = (
    "plain=1; Path=/",
    "lax=1; Path=/; SameSite=Lax",
    "strict=1; Path=/; SameSite=Strict",
    "secure=1; Path=/; Secure",
    "inside=1; Path=/login",
    "domain=1; Path=/; Domain=127.0.0.1",
)


def site(request: Request) -> Response:
    """Sets cookies, shows forms, and says what it was sent."""
    if request.path == "/set":
        answer = Response("<h1>set</h1>", mimetype="text/html")
        for cookie in COOKIES:
            answer.headers.add("Set-Cookie", cookie)
        return answer
    if request.path == "/clear":
        return Response(headers={"Set-Cookie": "lax=; Path=/; Max-Age=0"})
    if request.path == "/on":
        return Response(status=303, headers={"Location": "/login/said"})
    if request.path == "/form":
        target, method = request.args["to"], request.args.get("method", "post")
        extra = {"Content-Security-Policy": request.args["csp"]} if "csp" in request.args else {}
        page = (
            f'<form method="{method}" action="{target}"><input type="hidden" name="a" value="1">'
            '<input type="checkbox" name="no" value="1"><input type="checkbox" name="yes" value="1" checked>'
            '<button name="off" value="1" disabled>x</button><button name="b" value="2">y</button></form>'
        )
        return Response(page, mimetype="text/html", headers=extra)
    names = ("Origin", "Sec-Fetch-Site")
    said = [request.method, *sorted(request.cookies), *(f"{name}:{request.headers.get(name)}" for name in names)]
    return Response(" ".join([*said, *(f"{key}={value}" for key, value in request.values.items(multi=True))]))


@contextmanager
def served(host: str) -> Iterator[str]:
    server = make_server(host, 0, Request.application(site), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{host}:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def here() -> Iterator[str]:
    with served("127.0.0.1") as url:
        yield url


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    with served("127.0.0.2") as url:
        yield url


@pytest.fixture
def browser(here: str) -> PlainBrowser:
    browser = PlainBrowser()
    browser.open(f"{here}/set")
    return browser


def press(browser: PlainBrowser, start: str, to: str, **query: str) -> str:
    """The words of the page that a form at `start` leads to."""
    page = browser.open(f"{start}/form?{urlencode({'to': to, **query})}")
    return browser.press(page, page.forms[0]).body


def test_an_address_that_is_typed_gets_every_cookie_that_fits(browser: PlainBrowser, here: str) -> None:
    assert browser.open(f"{here}/login/said").body.startswith("GET inside lax plain strict Origin:None")


def test_secure_cookies_and_foreign_domains_are_not_kept(browser: PlainBrowser, here: str) -> None:
    assert not {"secure", "domain"} & set(browser.open(f"{here}/said").body.split())


def test_paths_limit_cookies(browser: PlainBrowser, here: str) -> None:
    assert "inside" not in browser.open(f"{here}/loginother").body.split()


def test_a_cookie_can_be_taken_back(browser: PlainBrowser, here: str) -> None:
    browser.open(f"{here}/clear")
    assert browser.open(f"{here}/said").body.startswith("GET plain strict ")


def test_a_post_within_the_site_carries_cookies_and_its_origin(browser: PlainBrowser, here: str) -> None:
    said = press(browser, here, f"{here}/said")
    assert said.startswith(f"POST lax plain strict Origin:{here} Sec-Fetch-Site:same-origin")


def test_a_post_from_elsewhere_carries_no_cookie(browser: PlainBrowser, here: str, elsewhere: str) -> None:
    said = press(browser, elsewhere, f"{here}/said")
    assert said.startswith(f"POST Origin:{elsewhere} Sec-Fetch-Site:cross-site")


def test_the_get_that_a_post_from_elsewhere_is_redirected_to_carries_lax_cookies_only(
    browser: PlainBrowser, here: str, elsewhere: str
) -> None:
    assert press(browser, elsewhere, f"{here}/on").startswith("GET inside lax plain Origin:None")


def test_a_form_sends_its_fields_and_the_pressed_button(browser: PlainBrowser, here: str) -> None:
    assert press(browser, here, f"{here}/said").endswith("a=1 yes=1 b=2")


def test_a_get_form_sends_them_in_the_address(browser: PlainBrowser, here: str) -> None:
    assert press(browser, here, f"{here}/said", method="get").endswith("a=1 yes=1 b=2")


def test_form_action_stops_a_form_to_another_place(browser: PlainBrowser, here: str, elsewhere: str) -> None:
    with pytest.raises(BrowserStopped, match="form-action"):
        press(browser, here, f"{elsewhere}/said", csp="form-action 'self'")


@pytest.mark.parametrize("allowed", ["'self' http://127.0.0.2:1", "http:", "*", "'none' http://127.0.0.2:1/"])
def test_form_action_lets_pass_what_it_names(allowed: str) -> None:
    page = WebPage(
        url="http://127.0.0.1/",
        status=200,
        headers={"content-security-policy": f"default-src 'none'; form-action {allowed}"},
        body="",
        forms=(),
    )
    check_form_action(page, "http://127.0.0.2:1/sso")
