"""Signature wrapping around the assertion. The Response is unsigned, or signed by an IdP that relays what it got."""

from collections.abc import Callable

import pytest
from support.attack_peers import PERSON, PNR, VICTIM, changed
from support.attack_world import Login, World
from support.attack_wrapping import ASSERTIONS, Wrap, wrapped

INVALID = "upstream-signature-invalid"


def signed_by_itself(login: Login) -> str:
    """An assertion about the attacker, with the upstream's own signature."""
    draft = login.assertion()
    return login.upstream.sign_assertion(draft.xml(), draft.assertion_id)


def forged(login: Login) -> str:
    """An assertion about the victim, without signature."""
    return changed(values=VICTIM)(login.assertion()).xml()


def unsigned_around(login: Login, content: str) -> str:
    """A Response without signature."""
    return login.upstream.response(login.asked, content).xml()


def test_a_signed_assertion_inside_a_signed_response_logs_in(world: World) -> None:
    login = world.login()
    page = login.answered(content=login.seal(signed_by_itself(login)))
    assert login.assert_granted(page)[PNR] == PERSON[PNR]


@pytest.mark.parametrize("wrap", ASSERTIONS.values(), ids=ASSERTIONS.keys())
def test_a_wrapped_assertion_is_refused_even_in_a_signed_response(world: World, wrap: Wrap) -> None:
    login = world.login()
    content = login.seal(wrapped(wrap, signed_by_itself(login), forged(login)))
    world.assert_refused(login.answered(content=content), INVALID)


def plain_signed(login: Login) -> str:
    return signed_by_itself(login)


def encrypted_signed(login: Login) -> str:
    return login.seal(signed_by_itself(login))


def forged_then_signed(login: Login) -> str:  # XSW3
    return forged(login) + signed_by_itself(login)


def signed_then_forged(login: Login) -> str:
    return signed_by_itself(login) + forged(login)


def forged_in_extensions(login: Login) -> str:  # XSW7
    return f"<saml2p:Extensions>{forged(login)}</saml2p:Extensions>{signed_by_itself(login)}"


def forged_around_signed(login: Login) -> str:  # XSW4
    return wrapped(ASSERTIONS["XSW4, signed whole inside"], signed_by_itself(login), forged(login))


@pytest.mark.parametrize(
    "content",
    [
        plain_signed,
        encrypted_signed,
        forged_then_signed,
        signed_then_forged,
        forged_in_extensions,
        forged_around_signed,
    ],
)
def test_a_signature_of_the_assertion_does_not_make_up_for_one_of_the_response(
    world: World, content: Callable[[Login], str]
) -> None:
    login = world.login()
    world.assert_refused(login.deliver(unsigned_around(login, content(login))), INVALID)


def test_an_advice_does_not_carry_anybody(world: World) -> None:
    login = world.login()
    document = forged(login).replace(
        "</saml2:Conditions>", f"</saml2:Conditions><saml2:Advice>{signed_by_itself(login)}</saml2:Advice>"
    )
    world.assert_refused(login.answered(content=login.seal(document)), INVALID)


def test_the_assertion_in_an_advice_is_not_the_assertion(world: World) -> None:
    login = world.login()
    advice = f"</saml2:Conditions><saml2:Advice>{forged(login)}</saml2:Advice>"
    own = login.assertion().xml().replace("</saml2:Conditions>", advice)
    assert login.assert_granted(login.answered(content=login.seal(own)))[PNR] == PERSON[PNR]
