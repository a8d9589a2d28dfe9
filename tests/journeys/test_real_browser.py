"""Whole logins by clicking in Chromium, with JavaScript and without, across three sites."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from broker.demo import words
from broker.demo.personas import GREEK, PERSONAS, PROTECTED, RESIDENT
from broker.demo.run import RunningDemo

pytestmark = pytest.mark.browser

TIMEOUT_MS = 15_000
NewCitizen = Callable[[], BrowserContext]


@pytest.fixture(params=[True, False], ids=["with-javascript", "without-javascript"])
def scripted(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs scripts."""
    return bool(request.param)


@pytest.fixture
def new_citizen(chromium: Browser, scripted: bool) -> Iterator[NewCitizen]:
    """Opens browsers without history."""
    opened = []

    def open_browser() -> BrowserContext:
        context = chromium.new_context(java_script_enabled=scripted, locale="sv-SE")
        context.set_default_timeout(TIMEOUT_MS)
        opened.append(context)
        return context

    yield open_browser
    for context in opened:
        context.close()


@pytest.fixture
def page(new_citizen: NewCitizen) -> Page:
    """A tab of one citizen."""
    return new_citizen().new_page()


class Clicks:
    """What one presses, and the pages between that post themselves when scripts run."""

    def __init__(self, demo: RunningDemo, *, scripted: bool) -> None:
        self.demo = demo
        self.scripted = scripted

    def start(self, page: Page, e_service: str = "bygglov") -> None:
        page.goto(f"{self.demo.federation.e_services[e_service].base}/")
        page.get_by_role("button", name="Logga in", exact=True).click()
        expect(page.locator('button[name="upstream"]').first).to_be_visible()

    def choose(self, page: Page, upstream: str = "bankid") -> None:
        page.locator(f'button[name="upstream"][value="{self.demo.federation.upstreams[upstream].entity_id}"]').click()

    def identify(self, page: Page, option: str = "resident:loa3") -> None:
        page.locator(f'button[name="option"][value="{option}"]').click()

    def arrive(self, page: Page) -> None:
        """From the upstream's answer to the e-service's page."""
        for _ in range(0 if self.scripted else 2):  # the upstream's form, and the broker's
            page.locator('form:has(input[name="SAMLResponse"]) button').click()
        page.wait_for_url("**/received/*")


@pytest.fixture
def clicks(demo: RunningDemo, scripted: bool) -> Clicks:
    """How to click."""
    return Clicks(demo, scripted=scripted)


def log_in(clicks: Clicks, page: Page) -> None:
    clicks.start(page)
    clicks.choose(page)
    clicks.identify(page)
    clicks.arrive(page)


def test_a_resident_logs_in(clicks: Clicks, page: Page) -> None:
    log_in(clicks, page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Du är inloggad")
    expect(page.locator("#attributes")).to_contain_text(RESIDENT.attributes["personalIdentityNumber"])
    expect(page.locator("#level")).to_have_text(words.LOA3)


def test_a_greek_visitor_logs_in_through_the_connector(clicks: Clicks, page: Page) -> None:
    clicks.start(page, "etablering")
    clicks.choose(page, "eidas")
    page.locator('button[name="country"][value="GR"]').click()
    clicks.identify(page, "greek:eidas-nf-sub")
    clicks.arrive(page)
    expect(page.locator("#attributes")).to_contain_text(GREEK.attributes["prid"])
    expect(page.locator("#level")).to_have_text(words.UNCERTIFIED_EIDAS_SUB)


def test_a_request_by_post_leads_to_the_same_place(clicks: Clicks, page: Page) -> None:
    page.goto(f"{clicks.demo.federation.e_services['bygglov'].base}/")
    page.locator("summary").click()
    page.locator('input[name="post"]').check()
    page.get_by_role("button", name="Logga in", exact=True).click()
    if not clicks.scripted:
        page.locator('form:has(input[name="SAMLRequest"]) button').click()
    clicks.choose(page)
    clicks.identify(page)
    clicks.arrive(page)
    expect(page.locator("#level")).to_have_text(words.LOA3)


def test_cancelling_at_the_upstream_goes_straight_back(clicks: Clicks, page: Page) -> None:
    clicks.start(page)
    clicks.choose(page)
    clicks.identify(page, "cancel")
    clicks.arrive(page)
    expect(page.locator("#status")).to_contain_text(words.CANCEL)


def test_a_refusal_is_shown_before_the_e_service_is_told(clicks: Clicks, page: Page) -> None:
    clicks.start(page)
    clicks.choose(page)
    clicks.identify(page, "coordination:loa3")
    if not clicks.scripted:
        page.locator('form:has(input[name="SAMLResponse"]) button').click()
    page.locator('form[action$="/answer"] button').click()
    if not clicks.scripted:
        page.locator('form:has(input[name="SAMLResponse"]) button').click()
    page.wait_for_url("**/received/*")
    expect(page.locator("#status")).to_contain_text(words.REQUEST_DENIED)


def test_two_tabs_at_once_both_end_where_they_belong(clicks: Clicks, new_citizen: NewCitizen) -> None:
    browser = new_citizen()
    first, second = browser.new_page(), browser.new_page()
    clicks.start(first)
    clicks.start(second, "etablering")
    clicks.choose(first)
    clicks.choose(second, "freja")
    clicks.identify(second)
    clicks.identify(first)
    clicks.arrive(second)
    clicks.arrive(first)
    for page, e_service in ((first, "bygglov"), (second, "etablering")):
        assert page.url.startswith(clicks.demo.federation.e_services[e_service].base)
        expect(page.locator("#level")).to_have_text(words.LOA3)


def test_reloading_and_going_back_before_the_choice_are_harmless(clicks: Clicks, page: Page) -> None:
    clicks.start(page)
    page.reload()
    clicks.choose(page)
    page.locator('button[name="option"]').first.wait_for()
    page.go_back()
    clicks.choose(page, "freja")
    clicks.identify(page)
    clicks.arrive(page)
    expect(page.locator("#level")).to_have_text(words.LOA3)


def test_going_back_after_the_login_earns_a_friendly_page(clicks: Clicks, page: Page) -> None:
    clicks.start(page)
    chooser = page.url
    clicks.choose(page)
    clicks.identify(page)
    clicks.arrive(page)
    answer = page.goto(chooser)
    assert answer is not None
    assert answer.status < 500
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.locator('input[name="SAMLResponse"]').count() == 0


def test_no_page_of_the_broker_names_a_person_with_protected_identity(clicks: Clicks, page: Page) -> None:
    host = urlsplit(clicks.demo.federation.broker).netloc
    bodies: list[str] = []
    page.on("response", lambda answer: bodies.append(body_of(answer)) if urlsplit(answer.url).netloc == host else None)
    clicks.start(page)
    clicks.choose(page)
    clicks.identify(page, "protected:loa3")
    clicks.arrive(page)
    expect(page.locator("#attributes")).to_contain_text(PROTECTED.attributes["sn"])
    telling = {value for person in PERSONAS for name, value in person.attributes.items() if name in ("sn", "givenName")}
    assert bodies
    assert not [value for value in telling for body in bodies if value in body]


def body_of(answer: Response) -> str:
    """The text of a response; nothing for redirects, which have none."""
    return "" if 300 <= answer.status < 400 else answer.text()


# With scripts the answer is on its way before anybody can take it.
@pytest.mark.parametrize("scripted", [False], indirect=True, ids=["without-javascript"])
def test_an_answer_carried_to_another_browser_ends_there(clicks: Clicks, new_citizen: NewCitizen) -> None:
    victim, thief = new_citizen().new_page(), new_citizen().new_page()
    clicks.start(victim)
    clicks.choose(victim)
    clicks.identify(victim)
    thief.set_content(victim.locator('form:has(input[name="SAMLResponse"])').evaluate("form => form.outerHTML"))
    thief.locator("form button").click()
    thief.wait_for_load_state()
    assert thief.locator('input[name="SAMLResponse"]').count() == 0
    assert thief.url.startswith(clicks.demo.federation.broker)
