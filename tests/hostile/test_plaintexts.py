"""What decrypts: no parser has seen it before ours, and the signature of the Response says nothing of its form."""

import re
from collections.abc import Callable

import pytest
from support.attack_peers import DISPLAY_NAME, GIVEN_NAME, NS, PERSON, PNR, SURNAME, VICTIM, changed, seal
from support.attack_world import Login, World
from support.ciphers import Sealed
from support.key_pairs import KeyPair

UNDECRYPTABLE = "upstream-assertion-undecryptable"
UNACCEPTABLE = "upstream-assertion-unacceptable"


def sealed(login: Login, plaintext: bytes) -> str:
    """`plaintext`, whatever it is, as an EncryptedAssertion."""
    return Sealed(keys=KeyPair(key=b"", certificate=login.world.broker_certificate), plain=plaintext).xml()


def with_doctype(inner: str, text: str) -> bytes:
    return f"<!DOCTYPE saml2:Assertion [{inner}]>{text}".encode()


def with_id_twice(text: str) -> bytes:
    found = re.search(r' ID="[^"]+"', text)
    assert found
    return text.replace("<saml2:Conditions", f"<saml2:Conditions{found[0]}").encode()


def with_depth(text: str) -> bytes:
    advice = f"<saml2:Advice>{'<a>' * 70}{'</a>' * 70}</saml2:Advice>"
    return text.replace("</saml2:Conditions>", f"</saml2:Conditions>{advice}").encode()


def in_namespace(namespace: str) -> Callable[[str], bytes]:
    return lambda text: text.replace(f'xmlns:saml2="{NS["saml2"]}"', f'xmlns:saml2="{namespace}"').encode()


PLAINTEXTS: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda _: b"",
    "no XML": lambda _: b"an assertion",
    "two assertions": lambda text: (text * 2).encode(),
    "text after it": lambda text: f"{text}!".encode(),
    "a stylesheet": lambda text: f"<?xml-stylesheet href='x'?>{text}".encode(),
    "a processing instruction inside": lambda text: text.replace("1986", "1986<?x y?>").encode(),
    "a DTD": lambda text: with_doctype("", text),
    "an entity": lambda text: with_doctype('<!ENTITY a "1986">', text.replace("1986", "&a;")),
    "a file": lambda text: with_doctype('<!ENTITY a SYSTEM "file:///etc/passwd">', text.replace("1986", "&a;")),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 and says so": lambda text: f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16"),
    "Latin-1": lambda text: text.encode("latin-1"),
    "NUL": lambda text: text.replace("Testsson", "Tests\0son").encode(),
    "an ID twice": with_id_twice,
    "too deep": with_depth,
    "a Response": lambda text: f'<saml2p:Response xmlns:saml2p="{NS["saml2p"]}">{text}</saml2p:Response>'.encode(),
    "of SAML 1": in_namespace("urn:oasis:names:tc:SAML:1.0:assertion"),
    "of nobody's namespace": in_namespace("urn:x"),
}


@pytest.mark.parametrize("plaintext", PLAINTEXTS.values(), ids=PLAINTEXTS.keys())
def test_a_plaintext_that_is_not_one_plain_assertion_is_refused(
    world: World, plaintext: Callable[[str], bytes]
) -> None:
    login = world.login()
    content = sealed(login, plaintext(login.assertion().xml()))
    world.assert_refused(login.answered(content=content), UNDECRYPTABLE)


def test_an_encrypted_assertion_inside_an_encrypted_assertion_is_refused(world: World) -> None:
    login = world.login()
    content = login.seal(login.seal(login.assertion().xml()))
    world.assert_refused(login.answered(content=content), UNDECRYPTABLE)


def test_an_assertion_in_another_encoding_that_says_so_is_refused(world: World) -> None:
    login = world.login()
    octets = f'<?xml version="1.0" encoding="iso-8859-1"?>{login.assertion().xml()}'.encode("latin-1")
    world.assert_refused(login.answered(content=sealed(login, octets)), UNDECRYPTABLE)


# --- well-formed, and not of the profile -------------------------------------------------------------------------


def encrypted_part(element: str, wrapper: str) -> Callable[[Login, str], str]:
    """Encrypts `element` again, as SAML allows and the profile does not."""

    def encrypt(login: Login, text: str) -> str:
        found = re.search(rf"<saml2:{element}[ >].*?</saml2:{element}>", text, re.DOTALL)
        assert found
        part = found[0].replace(f"<saml2:{element}", f'<saml2:{element} xmlns:saml2="{NS["saml2"]}"', 1)
        part = part.replace(' xsi:type="xs:string"', "")
        inner = seal(part, login.world.broker_certificate)
        return text.replace(found[0], inner.replace("EncryptedAssertion", wrapper))

    return encrypt


def replacing(old: str, new: str) -> Callable[[Login, str], str]:
    """Replaces `old`, a regular expression that must match, once."""

    def replace(login: Login, text: str) -> str:
        replaced, count = re.subn(old, new, text, count=1, flags=re.DOTALL)
        assert count == 1
        return replaced

    return replace


_SECOND = f'<saml2:Attribute Name="{PNR}"><saml2:AttributeValue>191212121212</saml2:AttributeValue></saml2:Attribute>'
SHAPES = {
    "EncryptedID": encrypted_part("NameID", "EncryptedID"),
    "EncryptedAttribute": encrypted_part("Attribute", "EncryptedAttribute"),
    "two Issuers": replacing(r"(<saml2:Issuer>.*?</saml2:Issuer>)", r"\1\1"),
    "no Issuer": replacing(r"<saml2:Issuer>.*?</saml2:Issuer>", ""),
    "two Subjects": replacing(r"(<saml2:Subject>.*?</saml2:Subject>)", r"\1\1"),
    "no Subject": replacing(r"<saml2:Subject>.*?</saml2:Subject>", ""),
    "no NameID": replacing(r"<saml2:NameID .*?</saml2:NameID>", ""),
    "two NameIDs": replacing(r"(<saml2:NameID .*?</saml2:NameID>)", r"\1\1"),
    "BaseID": replacing(r"(<saml2:NameID )", r"<saml2:BaseID/>\1"),
    "two Conditions": replacing(r"(<saml2:Conditions .*?</saml2:Conditions>)", r"\1\1"),
    "no Conditions": replacing(r"<saml2:Conditions .*?</saml2:Conditions>", ""),
    "two AuthnStatements": replacing(r"(<saml2:AuthnStatement .*?</saml2:AuthnStatement>)", r"\1\1"),
    "no AuthnStatement": replacing(r"<saml2:AuthnStatement .*?</saml2:AuthnStatement>", ""),
    "two levels": replacing(r"(<saml2:AuthnContextClassRef>.*?</saml2:AuthnContextClassRef>)", r"\1\1"),
    "no level": replacing(r"<saml2:AuthnContextClassRef>.*?</saml2:AuthnContextClassRef>", ""),
    "two AttributeStatements": replacing(r"(<saml2:AttributeStatement>.*?</saml2:AttributeStatement>)", r"\1\1"),
    "no AttributeStatement": replacing(r"<saml2:AttributeStatement>.*?</saml2:AttributeStatement>", ""),
    "an attribute twice": replacing(r"(</saml2:AttributeStatement>)", rf"{_SECOND}\1"),
    "elements in a value": replacing(r"198611239883", "<a>198611239883</a>"),
    "a value of another type": replacing(
        r'xsi:type="xs:string">198611239883', 'xsi:type="xs:base64Binary">198611239883'
    ),
    "an unknown attribute": replacing(r"<saml2:Subject>", '<saml2:Subject for="everybody">'),
    "an unknown child": replacing(r"</saml2:Subject>", "<saml2:Role/></saml2:Subject>"),
    "text where none belongs": replacing(r"</saml2:Subject>", "and friends</saml2:Subject>"),
    "another kind of statement": replacing(
        r"(<saml2:AttributeStatement>)",
        r'<saml2:AuthzDecisionStatement Resource="urn:x" Decision="Permit"><saml2:Action Namespace="urn:x">a'
        r"</saml2:Action></saml2:AuthzDecisionStatement>\1",
    ),
    "attribute names that are no URIs": replacing(r'attrname-format:uri"', 'attrname-format:basic"'),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_an_assertion_of_another_shape_is_refused(world: World, shape: Callable[[Login, str], str]) -> None:
    login = world.login()
    content = login.seal(shape(login, login.assertion().xml()))
    world.assert_refused(login.answered(content=content), UNACCEPTABLE)


# --- comments, which signatures do not cover ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [PNR, SURNAME, GIVEN_NAME, DISPLAY_NAME])
def test_a_comment_cuts_no_value_short(world: World, name: str) -> None:
    login = world.login()
    [value] = PERSON[name]
    content = login.seal(login.assertion().xml().replace(f">{value}<", f">{value[:3]}<!-- -->{value[3:]}<"))
    assert login.assert_granted(login.answered(content=content)) == PERSON


def test_a_comment_does_not_make_another_person(world: World) -> None:
    login = world.login()
    [number], [victims] = PERSON[PNR], VICTIM[PNR]
    text = changed(values={**PERSON, PNR: [victims + number]})(login.assertion()).xml()
    content = login.seal(text.replace(victims, f"{victims}<!-- -->"))
    world.assert_refused(login.answered(content=content), "upstream-answer-incomplete")


def test_a_comment_does_not_make_another_issuer(world: World) -> None:
    login = world.login(upstream=world.other_upstream)
    text = changed(issuer=f"{world.upstream.entity_id}.evil")(login.assertion()).xml()
    content = login.seal(text.replace(".evil", "<!-- -->.evil"))
    world.assert_refused(login.answered(content=content), UNACCEPTABLE, "Issuer")


def test_a_comment_in_the_name_id_does_not_make_another_subject(world: World) -> None:
    values = {name: values for name, values in PERSON.items() if name != PNR}
    subjects = []
    for name_id in ("victim", "victim<!-- -->.attacker", "victim.attacker"):
        login = world.login()
        text = changed(values=values)(login.assertion()).xml().replace("persistent-subject", name_id)
        subject = login.read(login.answered(content=login.seal(text))).findtext(".//saml2:NameID", namespaces=NS)
        subjects.append(subject)
    assert subjects[0] != subjects[1] == subjects[2]
