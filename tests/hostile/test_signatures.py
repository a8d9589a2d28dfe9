"""Signatures of a Response: none, of somebody else, over something else."""

import base64
import re
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from support.attack_crypto import x509_data
from support.attack_peers import NS, PERSON, PNR, VICTIM, changed, peer_keys, rewritten
from support.attack_query import private_key
from support.attack_world import World
from support.key_pairs import KeyPair

INVALID = "upstream-signature-invalid"
STRANGER = peer_keys("stranger")


def test_an_unsigned_response_is_refused(world: World) -> None:
    login = world.login()
    draft = login.upstream.response(login.asked, login.seal(login.assertion().xml()))
    world.assert_refused(login.deliver(draft.xml()), INVALID)


def test_taking_the_signature_off_is_noticed(world: World) -> None:
    login = world.login()
    stripped = re.sub(r"<ds:Signature .*?</ds:Signature>", "", login.answer(), flags=re.DOTALL)
    assert "Signature" not in stripped
    world.assert_refused(login.deliver(stripped), INVALID)


@pytest.mark.parametrize("signer", ["stranger", "other", "bygglov"])
def test_the_key_of_somebody_else_does_not_count(world: World, signer: str) -> None:
    login = world.login()
    world.assert_refused(login.answered(keys=peer_keys(signer)), INVALID)


def test_our_own_key_does_not_count(world: World) -> None:
    login = world.login()
    folder = world.installation.opened.settings.keys_folder
    ours = KeyPair(key=(folder / "signing-1.key").read_bytes(), certificate=(folder / "signing-1.crt").read_bytes())
    world.assert_refused(login.answered(keys=ours), INVALID)


def bare_key_of(keys: KeyPair) -> str:
    """The public key as RSA numbers."""
    numbers = private_key(keys.key).public_key().public_numbers()
    assert isinstance(numbers, rsa.RSAPublicNumbers)
    modulus, exponent = (
        base64.b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
        for number in (numbers.n, numbers.e)
    )
    written = f"<ds:Modulus>{modulus}</ds:Modulus><ds:Exponent>{exponent}</ds:Exponent>"
    return f"<ds:KeyValue><ds:RSAKeyValue>{written}</ds:RSAKeyValue></ds:KeyValue>"


KEY_INFOS = {
    "a certificate": x509_data(STRANGER),
    "the genuine certificate": x509_data(peer_keys("idp")),
    "both certificates": x509_data(peer_keys("idp"), STRANGER),
    "a bare key": bare_key_of(STRANGER),
    "a name": "<ds:KeyName>https://idp.example.org/idp</ds:KeyName>",
    "a file": f'<ds:RetrievalMethod URI="file:///etc/passwd" Type="{NS["ds"]}rawX509Certificate"/>',
    "an address": f'<ds:RetrievalMethod URI="http://127.0.0.1:9/key" Type="{NS["ds"]}X509Data"/>',
}


def bringing(answer: str, key_info: str) -> str:
    """`answer` with another KeyInfo in its signature, which no signature covers."""
    return re.sub(r"<ds:KeyInfo>.*?</ds:KeyInfo>", f"<ds:KeyInfo>{key_info}</ds:KeyInfo>", answer, count=1)


@pytest.mark.parametrize("key_info", KEY_INFOS.values(), ids=KEY_INFOS.keys())
def test_no_key_that_the_message_brings_counts(world: World, key_info: str) -> None:
    login = world.login()
    world.assert_refused(login.deliver(bringing(login.answer(keys=STRANGER), key_info)), INVALID)


@pytest.mark.parametrize("key_info", KEY_INFOS.values(), ids=KEY_INFOS.keys())
def test_no_key_that_the_message_brings_is_looked_at(world: World, key_info: str) -> None:
    login = world.login()
    assert login.assert_granted(login.deliver(bringing(login.answer(), key_info)))[PNR] == PERSON[PNR]


# --- signed, and then changed ------------------------------------------------------------------------------------


def other_signature_value(answer: str) -> str:
    def flipped(found: re.Match[str]) -> str:
        octets = bytearray(base64.b64decode(found[2]))
        octets[-1] ^= 1
        return found[1] + base64.b64encode(octets).decode() + found[3]

    return re.sub(r"(<ds:SignatureValue>)([^<]+)(<)", flipped, answer)


def other_digest_value(answer: str) -> str:
    return re.sub(r"(<ds:DigestValue>)[^<]+", rf"\1{base64.b64encode(bytes(32)).decode()}", answer)


def empty_signature_value(answer: str) -> str:
    return re.sub(r"(<ds:SignatureValue>)[^<]+", r"\1", answer)


def other_issue_instant(answer: str) -> str:
    return re.sub(r' IssueInstant="[^"]+"', ' IssueInstant="2100-01-01T00:00:00Z"', answer, count=1)


def one_attribute_more(answer: str) -> str:
    return answer.replace(" ID=", ' Consent="urn:oasis:names:tc:SAML:2.0:consent:obtained" ID=', 1)


def white_space(answer: str) -> str:
    return answer.replace("<saml2p:Status>", "\n<saml2p:Status>")


def signature_twice(answer: str) -> str:
    found = re.search(r"<ds:Signature .*?</ds:Signature>", answer, re.DOTALL)
    assert found
    return answer.replace(found[0], found[0] * 2)


def signature_at_the_end(answer: str) -> str:
    found = re.search(r"<ds:Signature .*?</ds:Signature>", answer, re.DOTALL)
    assert found
    return answer.replace(found[0], "").replace("</saml2p:Response>", f"{found[0]}</saml2p:Response>")


def signature_of_another_namespace(answer: str) -> str:
    return answer.replace(NS["ds"], "http://www.w3.org/2000/09/xmldsig")


def no_signed_info(answer: str) -> str:
    return re.sub(r"<ds:SignedInfo>.*?</ds:SignedInfo>", "", answer, flags=re.DOTALL)


def empty_signed_info(answer: str) -> str:
    return re.sub(r"<ds:SignedInfo>.*?</ds:SignedInfo>", "<ds:SignedInfo/>", answer, flags=re.DOTALL)


def empty_signature(answer: str) -> str:
    return re.sub(
        r"<ds:Signature .*?</ds:Signature>", f'<ds:Signature xmlns:ds="{NS["ds"]}"/>', answer, flags=re.DOTALL
    )


@pytest.mark.parametrize(
    "change",
    [
        other_signature_value,
        other_digest_value,
        empty_signature_value,
        other_issue_instant,
        one_attribute_more,
        white_space,
        signature_twice,
        signature_at_the_end,
        signature_of_another_namespace,
        no_signed_info,
        empty_signed_info,
        empty_signature,
    ],
)
def test_a_change_after_signing_is_noticed(world: World, change: Callable[[str], str]) -> None:
    login = world.login()
    world.assert_refused(login.deliver(change(login.answer())), INVALID)


def test_the_signature_of_another_answer_does_not_fit(world: World) -> None:
    login, other = world.login(), world.login()
    taken = re.search(r"<ds:Signature .*?</ds:Signature>", other.answer(), re.DOTALL)
    assert taken
    draft = login.upstream.response(login.asked, login.seal(changed(values=VICTIM)(login.assertion()).xml()))
    forged = draft.xml().replace("</saml2:Issuer>", f"</saml2:Issuer>{taken[0]}", 1)
    world.assert_refused(login.deliver(forged), INVALID)


@pytest.mark.parametrize("name", [None, "Id", "id", "xml:id"])
def test_a_response_without_an_id_cannot_be_signed(world: World, name: str | None) -> None:
    """The reference has nothing to point at, or something that only some call an ID."""
    login = world.login()
    other = rewritten(" ID=", f" {name}=") if name else partial(re.sub, ' ID="[^"]+"', "", count=1)
    world.assert_refused(login.answered(in_response=other), INVALID)


def test_content_that_has_no_canonical_form_is_not_signed(world: World) -> None:
    """A canonicaliser that fails gave an empty text elsewhere, and everybody's signature fits that."""
    login = world.login()
    relative = rewritten("</saml2p:Response>", '<x:a xmlns:x="relative"/></saml2p:Response>')
    world.assert_refused(login.deliver(relative(login.answer())), INVALID)


def test_a_signed_response_holds_no_other_signature(world: World) -> None:
    """Signed as a whole, so nothing is forged; but no reader shall have a choice of signatures."""
    login = world.login()
    found = re.search(r"<ds:Signature .*?</ds:Signature>", world.login().answer(), re.DOTALL)
    assert found
    extensions = f"<saml2p:Extensions>{found[0]}</saml2p:Extensions><saml2p:Status>"
    world.assert_refused(login.answered(in_response=rewritten("<saml2p:Status>", extensions)), INVALID)
