"""The answer about one person, and the browser of another: who sent whom to the upstream does not matter.

An attacker begins a login and lets a victim answer it: the address of the upstream with our AuthnRequest in it is a
link like any other. The victim identifies themselves, and their browser brings the answer to us.
"""

import pytest
from support.attack_world import World


@pytest.mark.parametrize("last", ["", "/continue"])
def test_who_began_the_login_gets_nothing_of_an_answer_that_another_browser_brought(world: World, last: str) -> None:
    attackers = world.login()
    world.assert_refused(attackers.deliver(attackers.answer(), browser=world.browser()), "login-not-yours")
    world.assert_refused(attackers.browser.get(f"{attackers.path}{last}"), "login-moved-on")
