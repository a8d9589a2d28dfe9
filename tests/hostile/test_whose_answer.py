"""The answer about one person, and the browser of another: who sent whom to the upstream does not matter.

An attacker begins a login and lets a victim answer it: the address of the upstream with our AuthnRequest in it is a
link like any other. The victim identifies themselves, and their browser brings the answer to us.
"""

import pytest
from support.attack_world import Login, World


def answered_by_a_victim(world: World) -> Login:
    """An attacker's login whose answer came through the browser of somebody else."""
    login = world.login()
    world.assert_refused(login.deliver(login.answer(), browser=world.browser()), "login-not-yours")
    return login


@pytest.mark.parametrize("last", ["", "/continue", "/continue?handover=", "/continue?handover=0123456789abcdef"])
def test_who_began_a_login_gets_nothing_of_an_answer_that_another_browser_brought(world: World, last: str) -> None:
    login = answered_by_a_victim(world)
    page = login.browser.get(f"{login.path}{last}")
    assert (page.form, page.title) == (None, world.title_of("login-moved-on"))


@pytest.mark.parametrize("response", ["PHg+", "x"])
def test_posting_something_else_under_the_same_relay_state_leads_to_nothing_either(world: World, response: str) -> None:
    login = answered_by_a_victim(world)
    page = login.deliver(response)
    assert (page.form, page.title) == (None, world.title_of("login-moved-on"))


def test_the_browser_that_brought_its_own_answer_twice_is_answered_once(world: World) -> None:
    login = world.login()
    answer = login.answer()
    login.deliver(answer, browser=world.browser())  # the first try got lost on the way back
    login.assert_granted(login.deliver(answer))
    world.assert_refused(login.deliver(answer), "login-moved-on")
