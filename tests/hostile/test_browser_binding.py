"""Logins and the browsers that started them: another one gets nowhere, and nobody is given another's session."""

import pytest
from support.attack_browser import Page
from support.attack_peers import ACS_PATH, PERSON, PNR, VICTIM, changed
from support.attack_world import Login, World
from support.messages import form_value

NOT_YOURS = "login-not-yours"
EXPIRED = "login-expired"
UNACCEPTABLE = "upstream-assertion-unacceptable"


# --- another browser ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["", "/continue", "/begin"])
def test_the_pages_of_a_login_are_for_its_own_browser(world: World, page: str) -> None:
    login = world.login()
    world.assert_refused(world.browser().get(login.path + page), NOT_YOURS)
    login.assert_granted(login.answered())


@pytest.mark.parametrize("button", ["choice", "cancel", "answer"])
def test_the_buttons_of_a_login_are_for_its_own_browser(world: World, button: str) -> None:
    login = world.login()
    pressed = world.browser().post(f"{login.path}/{button}", {"upstream": world.other_upstream.entity_id})
    world.assert_refused(pressed, NOT_YOURS)
    login.assert_granted(login.answered())


def test_a_browser_with_a_login_of_its_own_gets_no_other(world: World) -> None:
    victims, own = world.login(), world.login()
    page = victims.deliver(victims.answer(assertion=changed(values=VICTIM)), browser=own.browser)
    world.assert_refused(page, NOT_YOURS)
    assert own.assert_granted(own.answered())[PNR] == PERSON[PNR]


def test_an_attacker_cannot_log_a_victim_in_as_themselves(world: World) -> None:
    """Login CSRF: the attacker's own answer, posted by the victim's browser."""
    attackers = world.login()
    for victim in (world.browser(), world.login().browser):
        world.assert_refused(attackers.deliver(attackers.answer(), browser=victim), NOT_YOURS)
        attackers = world.login()


def test_a_login_that_came_by_post_is_bound_to_the_first_browser_that_fetches_it(world: World) -> None:
    fields = world.e_service.form(world.e_service.request())
    parked = world.browser().post("/saml/idp/sso", fields)
    first, second = world.browser(), world.browser()
    page = first.follow(parked)
    assert page.own_action("choice")
    world.assert_refused(second.follow(parked), NOT_YOURS)
    world.choose(page)


def test_a_refusal_that_came_by_post_is_bound_likewise(world: World) -> None:
    draft = changed(children="<saml2p:Scoping ProxyCount='0'/>")(world.e_service.request())
    parked = world.browser().post("/saml/idp/sso", world.e_service.form(draft))
    first, second = world.browser(), world.browser()
    page = first.follow(parked)
    assert page.own_action("answer")
    world.assert_refused(second.follow(parked), NOT_YOURS)
    world.assert_refused(page, "proxy-count-exceeded")


def test_logins_cannot_be_guessed(world: World) -> None:
    login = world.login()
    guess = login.path[:-4] + "AAAA"
    world.assert_refused(login.browser.get(guess), NOT_YOURS)
    world.assert_refused(login.deliver(login.answer(), relay_state=f"{guess.rpartition('/')[2]}.1"), EXPIRED)


def test_whether_a_login_exists_cannot_be_told_from_outside(world: World) -> None:
    login, stranger = world.login(), world.browser()
    real, made_up = stranger.get(login.path), stranger.get(f"/login/{'A' * 27}")
    assert (real.status, real.title) == (made_up.status, made_up.title)


# --- RelayState --------------------------------------------------------------------------------------------------


def two_logins(world: World) -> tuple[Login, Login]:
    """Two tabs of one browser."""
    browser = world.browser()
    return world.login(browser=browser), world.login(browser=browser)


def test_the_answer_of_one_tab_does_not_count_in_the_other(world: World) -> None:
    first, second = two_logins(world)
    page = second.deliver(first.answer(assertion=changed(values=VICTIM)))
    world.assert_refused(page, UNACCEPTABLE, "InResponseTo")
    first.assert_granted(first.answered())


def test_two_tabs_do_not_disturb_each_other(world: World) -> None:
    first, second = two_logins(world)
    second.assert_granted(second.answered())
    first.assert_granted(first.answered())


def test_the_answer_of_another_e_services_login_does_not_count(world: World) -> None:
    browser = world.browser()
    first, second = world.login(browser=browser), world.login(browser=browser, e_service=world.other_e_service)
    world.assert_refused(second.deliver(first.answer()), UNACCEPTABLE, "InResponseTo")


@pytest.mark.parametrize(
    "relay_state",
    [
        "x",
        "opaque",
        ".",
        ".1",
        "a.b",
        "a.99999",
        "a.-1",
        "a.１",  # a digit that is none
        "a.1\0",
        "../../etc/passwd.1",
        "{login}",
        "{login}.1.1",
        "{login}.1 ",
        "{login}. 1",
        " {login}.1",
        "{login}.1\r\nSet-Cookie: a=b",
        "a" * 100_000,
    ],
)
def test_a_relay_state_that_is_not_ours_finds_nothing(world: World, relay_state: str) -> None:
    login = world.login()
    found = relay_state.replace("{login}", login.path.rpartition("/")[2])
    world.assert_refused(login.deliver(login.answer(), relay_state=found), EXPIRED)
    login.assert_granted(login.answered())


def test_an_answer_without_relay_state_finds_nothing(world: World) -> None:
    login = world.login()
    world.assert_refused(login.deliver(login.answer(), relay_state=None), EXPIRED)


def test_an_answer_with_two_relay_states_finds_nothing(world: World) -> None:
    login = world.login()
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": [login.asked.relay_state] * 2}
    world.assert_refused(world.deliver(fields, login.browser), EXPIRED)


def test_an_answer_to_a_question_that_was_left_does_not_count(world: World) -> None:
    login = world.login()
    page = login.browser.get(login.path)
    again = world.choose(page, world.other_upstream)
    assert again.relay_state != login.asked.relay_state
    world.assert_refused(login.deliver(login.answer()), "login-moved-on")
    # nor under the number of the new question: it is another upstream's
    world.assert_refused(login.deliver(login.answer(), relay_state=again.relay_state), "upstream-signature-invalid")


def test_an_unsolicited_response_finds_no_login(world: World) -> None:
    login = world.login()
    unsolicited = login.answer(response=changed(in_response_to=""), assertion=changed(in_response_to=""))
    world.assert_refused(login.deliver(unsolicited, relay_state=world.e_service.acs), EXPIRED)


def test_an_answer_before_anybody_was_asked_leads_back_to_the_choice(world: World) -> None:
    browser = world.browser()
    page = world.start(world.e_service.query(), browser)
    path = (page.own_action("choice") or "").removesuffix("/choice")
    other = world.login()
    after = other.deliver(other.answer(), relay_state=f"{path.rpartition('/')[2]}.1", browser=browser)
    assert after.own_action("choice") == f"{path}/choice"
    assert after.form is None


# --- sessions ----------------------------------------------------------------------------------------------------


def test_a_session_is_never_taken_over_from_a_name_that_a_stranger_chose(world: World) -> None:
    """Session fixation: the attacker plants a cookie, and waits until the victim has a login in it."""
    victim = world.browser()
    victim.plant("planted-by-an-attacker")
    login = world.login(browser=victim)
    assert victim.cookie != "planted-by-an-attacker"
    attacker = world.browser()
    attacker.plant("planted-by-an-attacker")
    world.assert_refused(attacker.get(login.path), NOT_YOURS)


def test_an_attackers_own_session_in_the_victims_browser_gives_the_attacker_nothing(world: World) -> None:
    """The attacker's real session, planted: both browsers own the login then, and who brought the answer gets it."""
    attacker = world.browser()
    world.login(browser=attacker)
    victim = attacker.tab()
    login = world.login(browser=victim)
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state}
    parked = world.browser().post(ACS_PATH, fields)
    page = attacker.get(f"{login.path}/continue")
    assert (page.form, page.title) == (None, world.title_of("login-moved-on"))
    login.assert_granted(victim.follow(parked))


def cookies_of(page: Page) -> list[str]:
    return page.headers.getlist("Set-Cookie")


def test_messages_of_peers_set_no_cookie(world: World) -> None:
    login = world.login()
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state}
    arrived = [
        world.browser().post(ACS_PATH, fields),
        world.browser().post("/saml/idp/sso", world.e_service.form(world.e_service.request())),
        world.browser().post(ACS_PATH, {"SAMLResponse": "x", "RelayState": "y"}),
        login.browser.tab().post(ACS_PATH, fields),
    ]
    assert [cookies_of(page) for page in arrived] == [[], [], [], []]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    page = world.browser().get(f"/saml/idp/sso?{world.e_service.query()}")
    [cookie] = cookies_of(page)
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie
