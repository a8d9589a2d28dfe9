from datetime import timedelta

import pytest
from support.scripted import NOW

from broker.core.login import LoginId
from broker.web.visits import MAX_LOGINS, NoBrowser, SessionBrowser

LIFETIME = timedelta(hours=4)
ENDED = timedelta(minutes=15)


def browser(values: dict[str, str], later: timedelta = timedelta()) -> SessionBrowser:
    return SessionBrowser(values, now=NOW + later, lifetime=LIFETIME, ended_lifetime=ENDED)


def login(number: int) -> LoginId:
    return LoginId(f"login-{number}")


def test_a_browser_owns_what_it_adopted_and_nothing_else() -> None:
    values: dict[str, str] = {}
    browser(values).adopt(login(1))
    assert browser(values).owns(login(1))
    assert not browser(values).owns(login(2))


def test_ownership_ends_with_its_time() -> None:
    values: dict[str, str] = {}
    browser(values).adopt(login(1))
    assert not browser(values, LIFETIME).owns(login(1))


def test_an_ended_login_stays_known_for_a_while_for_the_back_button() -> None:
    values: dict[str, str] = {}
    browser(values).adopt(login(1))
    browser(values).forget(login(1))
    assert browser(values, ENDED - timedelta(seconds=1)).owns(login(1))
    assert not browser(values, ENDED).owns(login(1))


def test_forgetting_a_strangers_login_does_not_make_it_ours() -> None:
    values: dict[str, str] = {}
    browser(values).forget(login(1))
    assert not values


def test_of_too_many_logins_the_oldest_are_dropped() -> None:
    values: dict[str, str] = {}
    for number in range(MAX_LOGINS + 5):
        browser(values, timedelta(seconds=number)).adopt(login(number))
    owned = [number for number in range(MAX_LOGINS + 5) if browser(values, timedelta(minutes=1)).owns(login(number))]
    assert owned == list(range(5, MAX_LOGINS + 5))


def test_logins_whose_time_has_passed_leave_the_session() -> None:
    values: dict[str, str] = {}
    browser(values).adopt(login(1))
    browser(values, LIFETIME).adopt(login(2))
    assert list(values) == ["login:login-2"]


def test_a_session_holds_strings_only() -> None:
    values: dict[str, str] = {}
    browser(values).adopt(login(1))
    browser(values).speak("en")
    assert all(isinstance(value, str) for value in values.values())


def test_a_language_alone_is_no_reason_for_a_session() -> None:
    values: dict[str, str] = {}
    browser(values).speak("en")
    assert not values


@pytest.mark.parametrize("value", ["", "-1", "tomorrow", "١٢٣"])
def test_an_unreadable_end_is_no_ownership(value: str) -> None:
    assert not browser({"login:login-1": value}).owns(login(1))


def test_a_cross_site_post_owns_nothing_and_cannot_write() -> None:
    stranger = NoBrowser()
    assert not stranger.owns(login(1))
    with pytest.raises(RuntimeError):
        stranger.adopt(login(1))
    with pytest.raises(RuntimeError):
        stranger.forget(login(1))
