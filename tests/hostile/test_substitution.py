"""Genuine encrypted assertions in places that they were not made for."""

from copy import deepcopy

from lxml import etree
from support.attack_peers import NS, VICTIM, changed
from support.attack_world import Login, World

UNACCEPTABLE = "upstream-assertion-unacceptable"


def sealed_in(answer: str) -> str:
    """The EncryptedAssertion of a Response, cut out."""
    found = etree.fromstring(answer.encode()).find("saml2:EncryptedAssertion", NS)
    assert found is not None
    return str(etree.tostring(deepcopy(found), encoding="unicode"))


def of_the_victim(login: Login) -> str:
    """The answer of `login`, in which somebody else was authenticated."""
    return login.answer(assertion=changed(values=VICTIM))


def test_the_assertion_of_another_login_does_not_fit(world: World) -> None:
    victims, login = world.login(), world.login()
    page = login.answered(content=sealed_in(of_the_victim(victims)))
    world.assert_refused(page, UNACCEPTABLE, "InResponseTo")


def test_an_upstream_cannot_pass_on_what_another_has_said(world: World) -> None:
    victims, login = world.login(), world.login(upstream=world.other_upstream)
    page = login.answered(content=sealed_in(of_the_victim(victims)))
    world.assert_refused(page, UNACCEPTABLE, "Issuer", "InResponseTo")


def test_an_upstream_cannot_pass_on_what_another_has_said_to_our_very_question(world: World) -> None:
    login = world.login(upstream=world.other_upstream)
    content = login.seal(world.upstream.assertion(login.asked).xml())
    world.assert_refused(login.answered(content=content), UNACCEPTABLE, "Issuer")


def test_nor_when_the_other_has_signed_it(world: World) -> None:
    login = world.login(upstream=world.other_upstream)
    draft = world.upstream.assertion(login.asked)
    content = login.seal(world.upstream.sign_assertion(draft.xml(), draft.assertion_id))
    world.assert_refused(login.answered(content=content), "upstream-signature-invalid")


def test_an_assertion_that_we_made_for_an_e_service_is_none_for_us(world: World) -> None:
    """An e-service that is an upstream too could send our own words back."""
    granted = world.login()
    ours = granted.read(granted.answered())
    login = world.login()
    content = login.seal(str(etree.tostring(ours, encoding="unicode")))
    page = login.answered(content=content)
    checks = ("Issuer", "Audience", "Recipient", "InResponseTo")
    world.assert_refused(page, UNACCEPTABLE, *checks)


def test_a_response_of_ours_is_none_for_us(world: World) -> None:
    granted, login = world.login(), world.login()
    form = world.take(granted.answered())
    page = login.deliver(etree.tostring(form.response))
    world.assert_refused(page, "upstream-signature-invalid")


def test_the_request_that_we_sent_is_no_answer(world: World) -> None:
    login = world.login()
    world.assert_refused(login.deliver(login.asked.xml), "message-unreadable")
