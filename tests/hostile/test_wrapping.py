"""Signature wrapping around the Response: the attacker has a genuine answer and wants to be another."""

from copy import deepcopy

import pytest
from lxml import etree
from support.attack_peers import NS, PERSON, PNR, VICTIM, changed
from support.attack_world import Login, World
from support.attack_wrapping import RESPONSES, SAME_ID, Wrap, in_an_envelope, wrapped
from support.messages import is_signed_by

INVALID = "upstream-signature-invalid"
BELIEVABLE = (
    "XSW2, signed before the signature",
    "signed whole in Extensions",
    "signed in Extensions",
    "signed in StatusDetail",
    "signed at the end",
    "signed whole at the end",
    "forged in an Object",
    "no ID outside",
)
"""Those that xmlsec1 verifies. The others are for verifiers that take less of the document away, or check less."""


def signed_by_itself(login: Login) -> str:
    """What the attacker got for their own login."""
    return login.answer()


def forged(login: Login) -> str:
    """What the attacker wrote: perfect, but for a signature. Encrypting to us needs no secret."""
    content = login.seal(changed(values=VICTIM)(login.assertion()).xml())
    return login.upstream.response(login.asked, content).xml()


def some_verifier_says_yes(login: Login, document: str) -> bool:
    """Whether xmlsec1 finds the signature in `document` in order: then it is all about what the signature is over."""
    return is_signed_by(document.encode(), login.upstream.keys.certificate, element="saml2p:Response")


@pytest.mark.parametrize(("name", "wrap"), RESPONSES.items(), ids=RESPONSES.keys())
def test_a_wrapped_response_is_refused(world: World, name: str, wrap: Wrap) -> None:
    login = world.login()
    document = wrapped(wrap, signed_by_itself(login), forged(login))
    assert some_verifier_says_yes(login, document) == (name in BELIEVABLE)
    world.assert_refused(login.deliver(document), INVALID)


@pytest.mark.parametrize("wrap", SAME_ID.values(), ids=SAME_ID.keys())
def test_an_id_that_is_given_twice_is_refused(world: World, wrap: Wrap) -> None:
    login = world.login()
    document = wrapped(wrap, signed_by_itself(login), forged(login))
    world.assert_refused(login.deliver(document), "message-unreadable")


def test_two_responses_under_another_root_are_refused(world: World) -> None:
    login = world.login()
    document = wrapped(in_an_envelope, signed_by_itself(login), forged(login))
    assert some_verifier_says_yes(login, document)
    world.assert_refused(login.deliver(document), "message-unreadable")


def test_two_documents_in_one_are_refused(world: World) -> None:
    login = world.login()
    world.assert_refused(login.deliver(signed_by_itself(login) + forged(login)), "message-unreadable")


def test_the_response_of_another_namespace_is_refused(world: World) -> None:
    login = world.login()
    root = etree.fromstring(signed_by_itself(login).encode())
    root.tag = "{urn:oasis:names:tc:SAML:2.0:protocol:1}Response"
    world.assert_refused(login.deliver(etree.tostring(root)), "message-unreadable")


def test_the_encrypted_assertion_cannot_be_exchanged(world: World) -> None:
    login = world.login()
    root, other = etree.fromstring(signed_by_itself(login)), etree.fromstring(forged(login))
    sealed = root.find("saml2:EncryptedAssertion", NS)
    assert sealed is not None
    root.replace(sealed, deepcopy(other.find("saml2:EncryptedAssertion", NS)))
    world.assert_refused(login.deliver(etree.tostring(root)), INVALID)


def test_what_stands_in_key_info_is_nobodys_word(world: World) -> None:
    login = world.login()
    root, other = etree.fromstring(signed_by_itself(login)), etree.fromstring(forged(login))
    key_info = root.find("ds:Signature/ds:KeyInfo", NS)
    assert key_info is not None
    key_info.append(other.find("saml2:EncryptedAssertion", NS))
    document = etree.tostring(root, encoding="unicode")
    assert some_verifier_says_yes(login, document)
    assert login.assert_granted(login.deliver(document))[PNR] == PERSON[PNR]


def test_a_wrapped_response_spends_the_login(world: World) -> None:
    login = world.login()
    own = signed_by_itself(login)
    page = login.deliver(wrapped(RESPONSES["signed at the end"], own, forged(login)))
    world.assert_refused(page, INVALID)
    world.assert_refused(login.deliver(own), "login-moved-on")
