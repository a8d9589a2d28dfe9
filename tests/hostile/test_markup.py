"""Markup, line breaks and host names of strangers: what is shown or echoed is text, what is not asked for is not."""

import pytest
from lxml import etree, html
from markupsafe import escape
from support.attack_browser import Page, read_asked
from support.attack_peers import ACS_PATH, HOSTILE_NAME, NS, PERSON, SSO_PATH, changed
from support.attack_world import World
from support.messages import form_value

STATES = {
    "markup": HOSTILE_NAME,
    "a line break": "a\r\nSet-Cookie: evil=1\r\n\r\n<html>",
    "escaped markup": "&lt;script&gt;&#x3c;script&#x3e;",
    "turned letters": "\u202egnp.exe",
    "an address": "javascript:alert(1)",
    "a template": "{{ config }}{% import os %}",
    "the end of a form": "</form></body></html>",
    "long": "å" * 1000,
    "empty": "",
}


def as_parsed(relay_state: str) -> str:
    """What HTML makes of line breaks; a browser sends them as CR LF again."""
    return relay_state.replace("\r\n", "\n")


def assert_calm(page: Page) -> None:
    """No script but our own, nothing that runs by itself, no base, no frame."""
    root = html.document_fromstring(page.text)
    assert all((script.get("src") or "").startswith("/static/") for script in root.iter("script"))
    assert not [name for element in root.iter(etree.Element) for name in element.attrib if name.startswith("on")]
    assert not list(root.iter("iframe", "object", "embed", "base", "svg"))
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("relay_state", STATES.values(), ids=STATES.keys())
def test_a_relay_state_comes_back_as_it_was_and_nowhere_else(world: World, relay_state: str) -> None:
    login = world.login(relay_state=relay_state)
    page = login.answered()
    assert_calm(page)
    form = world.take(page)
    assert form.fields.get("RelayState", "") == as_parsed(relay_state)
    assert all("evil" not in value for _, value in page.headers.items())
    assert relay_state not in repr(world.lines) or len(relay_state) < 2


@pytest.mark.parametrize("relay_state", STATES.values(), ids=STATES.keys())
def test_so_it_does_with_an_error(world: World, relay_state: str) -> None:
    login = world.login(relay_state=relay_state)
    page = login.answered(assertion=changed(audience="urn:x"))
    assert_calm(page)
    last = world.assert_refused(page, "upstream-assertion-unacceptable")
    assert_calm(last)
    assert last.form is not None
    assert last.form.fields.get("RelayState", "") == as_parsed(relay_state)


def test_the_name_of_a_stranger_is_not_repeated(world: World) -> None:
    draft = changed(issuer="https://x/<script>alert(1)</script>")(world.e_service.request())
    page = world.start(world.e_service.query(draft))
    assert_calm(page)
    assert "https://x/" not in page.text
    world.assert_refused(page, "unknown-e-service")


@pytest.mark.parametrize(
    "address",
    [
        "/login/<script>alert(1)</script>",
        "/login/%3Cscript%3Ealert(1)%3C/script%3E",
        "/login/..%2f..%2fetc%2fpasswd",
        "/login/a%0d%0aSet-Cookie:%20evil=1",
        "/<script>alert(1)</script>",
        "/login//evil.example",
        "/static/../keys/signing-1.key",
        "/static/..%2fkeys%2fsigning-1.key",
    ],
)
def test_an_address_that_is_none_is_not_repeated(world: World, address: str) -> None:
    page = world.browser().get(address)
    assert page.status == 404
    assert "evil" not in page.text
    assert "evil" not in str(page.headers)
    assert_calm(page)


@pytest.mark.parametrize("address", ["/saml//idp/sso", "/saml/idp//metadata", "/login//a", "/health//live"])
def test_no_address_with_slashes_too_many_leads_to_the_host_of_the_request(world: World, address: str) -> None:
    page = world.browser().get(address, {"Host": "evil.example"})
    assert (page.status, page.headers.get("Location")) == (404, None)


@pytest.mark.parametrize("language", ["<script>", "../../etc/passwd", "en\r\nSet-Cookie: evil=1", "x" * 5000])
def test_a_language_that_is_none_changes_nothing(world: World, language: str) -> None:
    login = world.login()
    page = login.browser.client.get(login.path, query_string={"language": language}, base_url="http://127.0.0.1:18080")
    assert page.status_code == 200
    assert "evil" not in str(page.headers)
    assert language not in page.text


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Original-URL"])
def test_no_address_is_made_from_what_a_browser_says_of_us(world: World, header: str) -> None:
    headers = {header: "evil.example"}
    browser = world.browser()
    page = browser.get(f"{SSO_PATH}?{world.e_service.query()}", headers)
    assert page.status == 303
    assert page.headers["Location"].startswith("/login/")
    page = browser.get(page.headers["Location"], headers)
    assert "evil.example" not in page.text
    sent = browser.post(page.own_action("choice") or "", {"upstream": world.upstream.entity_id}, headers)
    assert b"evil.example" not in read_asked(sent).xml


def test_a_citizen_cannot_choose_their_address(world: World) -> None:
    """What the e-service is told is where the connection comes from: no proxy is trusted here."""
    login = world.login()
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state}
    parked = world.browser().post(ACS_PATH, fields)
    says = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"), "203.0.113.66")
    assertion = login.read(login.browser.get(parked.headers["Location"], says))
    confirmation = assertion.find(".//saml2:SubjectConfirmationData", NS)
    assert confirmation is not None
    assert confirmation.get("Address") in (None, "127.0.0.1")


# --- peers whose metadata are markup ---------------------------------------------------------------------------------


def test_the_names_of_upstreams_are_shown_as_text(world: World) -> None:
    page = world.start(world.e_service.query())
    assert_calm(page)
    assert escape(HOSTILE_NAME) in page.text
    assert f'value="{escape(world.hostile_upstream.entity_id)}"' in page.text
    login = world.login(upstream=world.hostile_upstream)
    assert login.assert_granted(login.answered()) == PERSON


def test_the_names_of_e_services_are_shown_as_text(world: World) -> None:
    page = world.start(world.hostile_e_service.query())
    assert_calm(page)
    assert escape(HOSTILE_NAME) in page.text
    login = world.login(e_service=world.hostile_e_service)
    refused = login.answered(assertion=changed(audience="urn:x"))
    assert_calm(refused)
    assert "javascript:" not in refused.text
    assert_calm(world.assert_refused(refused, "upstream-assertion-unacceptable"))
    login = world.login(e_service=world.hostile_e_service)
    page = login.answered()
    assert_calm(page)
    assert login.assert_granted(page) == PERSON
