"""Answers from another time. Within the skew of clocks (30 s) they log in, one step beyond they do not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from support.attack_peers import PERSON, PNR, changed
from support.attack_world import Login, World
from support.messages import instant

UNACCEPTABLE = "upstream-assertion-unacceptable"
SKEW = 30
MAX_AGE = 180  # seconds between an IdP's IssueInstant and us
A_STEP = 5  # seconds; instants have no fractions, and the test itself takes time


def at(seconds: int) -> str:
    """So many seconds from now."""
    return instant(datetime.now(UTC) + timedelta(seconds=seconds))


def in_response(seconds: int) -> Mapping[str, Any]:
    return {"response": changed(attributes={"IssueInstant": at(seconds)})}


def in_assertion(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(attributes={"IssueInstant": at(seconds)})}


def not_before(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(conditions={"NotBefore": at(seconds)})}


def conditions_end(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(conditions={"NotOnOrAfter": at(seconds)})}


def confirmation_ends(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(data={"NotOnOrAfter": at(seconds)})}


def authenticated(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(authn={"AuthnInstant": at(seconds)})}


def session_ends(seconds: int) -> Mapping[str, Any]:
    return {"assertion": changed(authn={"SessionNotOnOrAfter": at(seconds)})}


EDGES = {
    "Response too old": (in_response, -(MAX_AGE + SKEW), "IssueInstant"),
    "Response from the future": (in_response, SKEW, "IssueInstant"),
    "assertion too old": (in_assertion, -(MAX_AGE + SKEW), "IssueInstant"),
    "assertion from the future": (in_assertion, SKEW, "IssueInstant"),
    "Conditions not yet": (not_before, SKEW, "NotBefore"),
    "Conditions ended": (conditions_end, -SKEW, "NotOnOrAfter"),
    "SubjectConfirmation ended": (confirmation_ends, -SKEW, "NotOnOrAfter"),
    "AuthnInstant in the future": (authenticated, SKEW, "AuthnInstant"),
    "session ended": (session_ends, -SKEW, "SessionNotOnOrAfter"),
}


@pytest.mark.parametrize(("bend", "edge", "check"), EDGES.values(), ids=EDGES.keys())
def test_one_step_beyond_the_skew_is_refused(world: World, bend: Any, edge: int, check: str) -> None:
    login = world.login()
    beyond = edge + A_STEP if edge > 0 else edge - A_STEP
    world.assert_refused(login.answered(**bend(beyond)), UNACCEPTABLE, check)


@pytest.mark.parametrize(("bend", "edge", "check"), EDGES.values(), ids=EDGES.keys())
def test_one_step_within_the_skew_logs_in(world: World, bend: Any, edge: int, check: str) -> None:
    login = world.login()
    within = edge - A_STEP if edge > 0 else edge + A_STEP
    assert login.assert_granted(login.answered(**bend(within)))[PNR] == PERSON[PNR]


# --- ForceAuthn --------------------------------------------------------------------------------------------------


def forced(world: World) -> Login:
    """A login whose e-service wants the citizen to authenticate now."""
    acs = world.e_service.acs
    return world.login(bend=changed(attributes={"AssertionConsumerServiceURL": acs, "ForceAuthn": "true"}))


def test_force_authn_is_asked_of_the_upstream(world: World) -> None:
    assert b'ForceAuthn="true"' in forced(world).asked.xml


@pytest.mark.parametrize("seconds", [-(SKEW + A_STEP), -3600, -7 * 24 * 3600])
def test_an_old_authentication_is_refused_with_force_authn(world: World, seconds: int) -> None:
    world.assert_refused(forced(world).answered(**authenticated(seconds)), UNACCEPTABLE, "ForceAuthn")


def test_an_old_authentication_is_fine_without_force_authn(world: World) -> None:
    login = world.login()
    assert login.assert_granted(login.answered(**authenticated(-3600)))[PNR] == PERSON[PNR]


def test_a_new_authentication_is_fine_with_force_authn(world: World) -> None:
    login = forced(world)
    assert login.assert_granted(login.answered())[PNR] == PERSON[PNR]


# --- instants that are none --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["", "now", "2026-01-01", "2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "-0001-01-01T00:00:00Z", "1e9"],
)
def test_an_instant_that_is_none_is_refused(world: World, written: str) -> None:
    login = world.login()
    world.assert_refused(login.answered(assertion=changed(conditions={"NotOnOrAfter": written})), UNACCEPTABLE)


@pytest.mark.parametrize("part", ["conditions", "data"])
def test_an_assertion_without_an_end_is_refused(world: World, part: str) -> None:
    login = world.login()
    world.assert_refused(login.answered(assertion=changed(**{part: {"NotOnOrAfter": None}})), UNACCEPTABLE)


def test_a_confirmation_that_begins_later_is_refused(world: World) -> None:
    login = world.login()
    world.assert_refused(login.answered(assertion=changed(data={"NotBefore": at(-60)})), UNACCEPTABLE)


# --- answers to logins that are over -----------------------------------------------------------------------------


def test_an_answer_after_the_lifetime_of_the_login_is_refused(world: World) -> None:
    login = world.login()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31)):
        world.assert_refused(login.answered(), "login-expired")


def test_an_answer_that_waited_too_long_for_its_browser_is_gone(world: World) -> None:
    login = world.login()
    somebody_else = world.browser()
    world.assert_refused(login.deliver(login.answer(), browser=somebody_else), "login-not-yours")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        world.assert_refused(login.browser.get(f"{login.path}/continue"), "login-expired")


def test_a_perfect_answer_is_stale_four_minutes_later(world: World) -> None:
    login = world.login()
    answer = login.answer()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=4)):
        world.assert_refused(login.deliver(answer), UNACCEPTABLE, "IssueInstant")
