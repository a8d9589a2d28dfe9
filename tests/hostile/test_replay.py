"""Messages that come twice."""

from concurrent.futures import ThreadPoolExecutor

from support.attack_peers import ACS_PATH, PERSON, PNR, changed
from support.attack_world import World
from support.messages import form_value

MOVED_ON = "login-moved-on"


def test_the_same_response_again_earns_nothing(world: World) -> None:
    login = world.login()
    answer = login.answer()
    assert login.assert_granted(login.deliver(answer))[PNR] == PERSON[PNR]
    world.assert_refused(login.deliver(answer), MOVED_ON)


def test_the_page_with_the_answer_is_not_given_twice(world: World) -> None:
    login = world.login()
    login.assert_granted(login.answered())
    for address in (f"{login.path}/continue", login.path, f"{login.path}/begin"):
        world.assert_refused(login.browser.get(address), MOVED_ON)


def test_another_response_to_the_same_question_earns_nothing(world: World) -> None:
    login = world.login()
    login.assert_granted(login.answered())
    world.assert_refused(login.answered(), MOVED_ON)


def test_a_response_of_an_earlier_login_is_refused_in_a_new_one(world: World) -> None:
    first = world.login()
    answer = first.answer()
    first.assert_granted(first.deliver(answer))
    second = world.login()
    world.assert_refused(second.deliver(answer), "upstream-assertion-unacceptable", "InResponseTo")


def test_an_assertion_id_counts_once_even_in_a_new_response_to_a_new_question(world: World) -> None:
    first, second = world.login(), world.login()
    used = first.assertion().assertion_id
    first.assert_granted(first.answered(assertion=changed(assertion_id=used)))
    asked_again = second.answered(assertion=changed(assertion_id=used))
    assert [event["code"] for event in world.installation.recent_events() if event.get("code")][-1] == (
        "upstream-assertion-replayed"
    )
    assert asked_again.form is None
    world.assert_nothing_left()


def test_an_assertion_id_of_another_upstream_is_another_one(world: World) -> None:
    first, second = world.login(), world.login(upstream=world.other_upstream)
    used = first.assertion().assertion_id
    first.assert_granted(first.answered(assertion=changed(assertion_id=used)))
    second.assert_granted(second.answered(assertion=changed(assertion_id=used)))


def test_an_assertion_that_was_refused_does_not_burn_its_id(world: World) -> None:
    first, second = world.login(), world.login()
    used = first.assertion().assertion_id
    world.assert_refused(
        first.answered(assertion=changed(assertion_id=used, audience="https://elsewhere.example")),
        "upstream-assertion-unacceptable",
        "Audience",
    )
    second.assert_granted(second.answered(assertion=changed(assertion_id=used)))


def test_of_many_tabs_that_fetch_the_answer_at_once_one_gets_it(world: World) -> None:
    login = world.login()
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state}
    address = world.browser().post(ACS_PATH, fields).headers["Location"]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda tab: tab.get(address), [login.browser.tab() for _ in range(4)]))
    [granted] = [page for page in pages if page.form is not None]
    login.assert_granted(granted)


def test_of_many_deliveries_at_once_at_most_one_assertion_leaves(world: World) -> None:
    login = world.login()
    fields = {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state}
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda tab: world.deliver(fields, tab), [login.browser.tab() for _ in range(4)]))
    granted = [page for page in pages if page.form is not None]
    assert len(granted) <= 1
    for page in granted:
        login.assert_granted(page)


def test_a_refusal_is_final(world: World) -> None:
    login = world.login()
    refused = login.answered(assertion=changed(audience="https://elsewhere.example"))
    assert world.ended(refused)[0] == "upstream-assertion-unacceptable"
    again = login.answered()
    world.assert_refused(again, "upstream-assertion-unacceptable")
