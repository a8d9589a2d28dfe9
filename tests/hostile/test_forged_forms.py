"""Our buttons, pressed by pages that are not ours; and buttons that we did not offer."""

from dataclasses import replace

import pytest
from support.attack_peers import LOA4, asks_for, changed
from support.attack_world import Login, World

FOREIGN = "foreign-form"
NOT_OFFERED = "upstream-not-offered"
BUTTONS = ("choice", "cancel", "answer")


def press(login: Login, button: str, headers: dict[str, str]) -> str:
    """The code after pressing `button` in the login's own browser, from a page that sends `headers`."""
    data = {"upstream": login.upstream.entity_id}
    page = login.browser.post(f"{login.path}/{button}", data, headers)
    login.world.assert_refused(page, FOREIGN)
    return login.world.ended(page)[0]


@pytest.mark.parametrize("button", BUTTONS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:18080.evil.example"},
        {"Origin": "https://127.0.0.1:18080"},
        {"Origin": "http://127.0.0.1:18081", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_a_form_of_another_page_presses_no_button(world: World, button: str, headers: dict[str, str]) -> None:
    login = world.login()
    assert press(login, button, headers) == FOREIGN
    login.assert_granted(login.answered())


@pytest.mark.parametrize("button", BUTTONS)
def test_a_link_presses_no_button(world: World, button: str) -> None:
    login = world.login()
    page = login.browser.get(f"{login.path}/{button}?upstream={login.upstream.entity_id}")
    assert page.status == 405
    login.assert_granted(login.answered())


@pytest.mark.parametrize(
    "upstream",
    [
        "https://nobody.example.org/idp",
        "https://bygglov.example.se/sp",
        "http://127.0.0.1:18080/saml/idp",
        "https://IDP.example.org/idp",
        "https://idp.example.org/idp/",
        " https://idp.example.org/idp",
        "<script>alert(1)</script>",
        "x" * 100_000,
        "\0",
    ],
    ids=lambda text: text[:40],
)
def test_who_was_not_offered_cannot_be_chosen(world: World, upstream: str) -> None:
    browser = world.browser()
    page = world.start(world.e_service.query(), browser)
    choice = page.own_action("choice")
    assert choice
    refused = browser.post(choice, {"upstream": upstream})
    world.assert_refused(refused, NOT_OFFERED)
    assert upstream not in refused.text
    world.choose(page)


def test_who_is_excluded_by_the_request_cannot_be_chosen(world: World) -> None:
    entry = f'<saml2p:IDPEntry ProviderID="{world.upstream.entity_id}"/>'
    entries = f'{entry}<saml2p:IDPEntry ProviderID="{world.upstream_of_levels.entity_id}"/>'
    draft = world.e_service.request()
    children = f"{draft.children}<saml2p:Scoping><saml2p:IDPList>{entries}</saml2p:IDPList></saml2p:Scoping>"
    page = world.start(world.e_service.query(replace(draft, children=children)))
    choice = page.own_action("choice")
    assert choice
    world.assert_refused(page.browser.post(choice, {"upstream": world.other_upstream.entity_id}), NOT_OFFERED)


def test_who_cannot_reach_the_level_cannot_be_chosen(world: World) -> None:
    """Only one upstream reaches loa4, so the citizen is sent there at once; going back offers nobody else."""
    login = world.login(upstream=world.upstream_of_levels, bend=changed(children=asks_for(LOA4)))
    refused = login.browser.post(f"{login.path}/choice", {"upstream": world.upstream.entity_id})
    world.assert_refused(refused, NOT_OFFERED)


def test_choosing_nobody_leads_back_to_the_choice(world: World) -> None:
    login = world.login()
    page = login.browser.follow(login.browser.post(f"{login.path}/choice", {}))
    assert page.own_action("choice") == f"{login.path}/choice"


@pytest.mark.parametrize("button", BUTTONS)
def test_no_button_works_after_the_end(world: World, button: str) -> None:
    login = world.login()
    login.assert_granted(login.answered())
    page = login.browser.post(f"{login.path}/{button}", {"upstream": login.upstream.entity_id})
    world.assert_refused(login.browser.follow(page), "login-moved-on")


def test_an_answer_waiting_for_its_browser_is_not_changed_by_a_choice(world: World) -> None:
    login = world.login()
    login.deliver(login.answer(), browser=world.browser())
    page = login.browser.post(f"{login.path}/choice", {"upstream": world.other_upstream.entity_id})
    assert page.headers["Location"] == f"{login.path}/continue"


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_a_browser_that_looks_ahead_takes_no_step(world: World, header: str) -> None:
    login = world.login()
    client = login.browser.client
    looked = client.get(f"{login.path}/continue", base_url="http://127.0.0.1:18080", headers={header: "prefetch"})
    assert looked.status_code == 503
    assert not looked.data
    login.assert_granted(login.answered())
