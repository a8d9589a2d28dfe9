"""XML that is hostile as such, on both legs. A request's query is signed as it is: nothing else is wrong with it."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from support.attack_peers import PERSON, SSO_PATH
from support.attack_query import Query, deflated, escaped
from support.attack_world import World

UNREADABLE = "message-unreadable"
ISSUER = "<saml2:Issuer>"
Wire = Callable[[str], bytes]


def before(prolog: str) -> Wire:
    """Something in front of the document, where no signature covers it."""
    return lambda text: f"{prolog}{text}".encode()


def doctype(inner: str = "", external: str = "") -> str:
    return f"<!DOCTYPE saml2p:Response {external}[{inner}]>"


def with_entity(declaration: str) -> Wire:
    """The entity `a`, declared so, used in the Issuer."""
    return lambda text: (doctype(declaration) + text.replace(ISSUER, f"{ISSUER}&a;", 1)).encode()


def inside(content: str) -> Wire:
    """Something at the end of the document element."""

    def insert(text: str) -> bytes:
        head, _, tail = text.rpartition("</")
        return f"{head}{content}</{tail}".encode()

    return insert


def in_octets(old: bytes, new: bytes) -> Wire:
    return lambda text: text.encode().replace(old, new, 1)


def encoded(encoding: str, declared: str | None = None) -> Wire:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    return lambda text: f"{declaration}{text}".encode(encoding)


LAUGHS = "".join(f'<!ENTITY {name} "{f"&{last};" * 10}">' for last, name in zip("hgfedcb", "gfedcba", strict=True))

WIRE: dict[str, Wire] = {
    "nothing": lambda _: b"",
    "no XML": lambda _: b"SAML",
    "HTML": lambda _: b"<!doctype html><html><body>",
    "cut off": lambda text: text.encode()[:-20],
    "a DTD": before(doctype()),
    "a DTD from a file": before('<!DOCTYPE saml2p:Response SYSTEM "file:///etc/passwd">'),
    "a DTD from an address": before('<!DOCTYPE saml2p:Response PUBLIC "-//X//EN" "http://127.0.0.1:9/x.dtd">'),
    "a DTD after a comment": before(f"<!-- -->{doctype()}"),
    "a default attribute": before(doctype('<!ATTLIST saml2p:Response Version CDATA "2.0">')),
    "an entity": with_entity('<!ENTITY a "https://">'),
    "an entity from a file": with_entity('<!ENTITY a SYSTEM "file:///etc/passwd">'),
    "an entity from an address": with_entity('<!ENTITY a SYSTEM "http://127.0.0.1:9/">'),
    "a parameter entity": before(doctype('<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;')),
    "a billion laughs": with_entity(f'<!ENTITY h "ha">{LAUGHS}'),
    "entities in a circle": with_entity('<!ENTITY a "&b;"><!ENTITY b "&a;">'),
    "an entity that nobody declared": lambda text: text.replace(ISSUER, f"{ISSUER}&a;", 1).encode(),
    "a stylesheet": before('<?xml-stylesheet href="http://127.0.0.1:9/x.xsl" type="text/xsl"?>'),
    "an instruction inside": inside("<?php phpinfo() ?>"),
    "an instruction in a value": lambda text: text.replace(".example", "<?x?>.example", 1).encode(),
    "an instruction after": lambda text: f"{text}<?x?>".encode(),
    "two roots": lambda text: (text * 2).encode(),
    "text after": lambda text: f"{text}x".encode(),
    "NUL after": lambda text: f"{text}\0".encode(),
    "NUL inside": in_octets(b".example", b"\0.example"),
    "NUL by reference": in_octets(b".example", b"&#0;.example"),
    "a control character": in_octets(b".example", b"\x01.example"),
    "half a character": in_octets(b".example", b"\xc3.example"),
    "an overlong character": in_octets(b".example", b"\xc0\xae.example"),
    "a surrogate": in_octets(b".example", b"\xed\xa0\x80.example"),
    "UTF-16": encoded("utf-16"),
    "UTF-16, declared": encoded("utf-16", "UTF-16"),
    "UTF-16 without a mark": encoded("utf-16-le", "UTF-16LE"),
    "UTF-16 with a DTD": lambda text: f"{doctype()}{text}".encode("utf-16"),
    "UTF-32": encoded("utf-32", "UTF-32"),
    "UTF-7 with a DTD": lambda text: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE a+AD4-' + text.encode(),
    "EBCDIC": encoded("cp037", "cp037"),
    "too deep": inside("<a>" * 70 + "</a>" * 70),
    "too many elements": inside("<a/>" * 21_000),
    "too many attributes": inside("<a b='' c='' d=''/>" * 5_500),
    "too large": inside(f"<!--{'x' * 300_000}-->"),
    "a long namespace": inside(f'<a xmlns="urn:{"x" * 3000}"/>'),
    "an attribute twice": in_octets(b" Version=", b' Version="2.0" Version='),
    "a prefix that nobody declared": inside("<x:a/>"),
    "an ID twice": inside('<a ID="_a"/><a ID="_a"/>'),
    "an ID twice by other names": inside('<a Id="_a"/><a xml:id="_a"/>'),
}


@pytest.mark.parametrize("wire", WIRE.values(), ids=WIRE.keys())
def test_a_response_in_hostile_xml_is_refused(world: World, wire: Wire) -> None:
    login = world.login()
    world.assert_refused(login.deliver(wire(login.answer())), UNREADABLE)
    login.assert_granted(login.answered())


@pytest.mark.parametrize("wire", WIRE.values(), ids=WIRE.keys())
def test_a_request_in_hostile_xml_is_refused(world: World, wire: Wire) -> None:
    query = Query.of(wire(world.e_service.request().xml())).signed(world.e_service.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)


HARMLESS: dict[str, Wire] = {
    "a mark of byte order": encoded("utf-8-sig"),
    "a declaration": encoded("utf-8", "UTF-8"),
    "another declaration": encoded("ascii", "ISO-8859-1"),
    "comments around": lambda text: f"<!-- a -->{text}<!-- b -->".encode(),
    "a comment inside": inside("<!-- a -->"),
    "white space after": lambda text: f"{text}\n\n".encode(),
    "white space before": lambda text: f"\n{text}".encode(),
}


@pytest.mark.parametrize("wire", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_is_harmless_logs_in(world: World, wire: Wire) -> None:
    request = world.e_service.request()
    page = world.start(Query.of(wire(request.xml())).signed(world.e_service.keys).text())
    assert page.own_action("choice")
    login = world.login()
    assert login.assert_granted(login.deliver(wire(login.answer()))) == PERSON


# --- what grows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [300_000, 20_000_000])
def test_a_request_that_inflates_beyond_bounds_is_refused(world: World, size: int) -> None:
    bomb = world.e_service.request().xml().encode() + b" " * size
    assert len(deflated(bomb)) < 64 * 1024
    query = Query.of(bomb).signed(world.e_service.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)


def test_a_request_without_a_canonical_form_is_refused(world: World) -> None:
    xml = inside('<x:a xmlns:x="relative"/>')(world.e_service.request().xml())
    world.assert_refused(world.start(Query.of(xml).signed(world.e_service.keys).text()), UNREADABLE)


def test_a_deflated_bomb_of_elements_is_refused(world: World) -> None:
    bomb = b"<a>" * 80_000 + b"</a>" * 80_000
    query = Query.of(bomb).signed(world.e_service.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(bytes, id="not deflated"),
        pytest.param(lambda xml: deflated(xml)[:-2], id="cut off"),
        pytest.param(lambda xml: deflated(xml) + b"more", id="and more"),
        pytest.param(lambda xml: deflated(xml) * 2, id="twice"),
        pytest.param(zlib.compress, id="with a header of zlib"),
        pytest.param(gzip.compress, id="with a header of gzip"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
def test_what_does_not_inflate_is_refused(world: World, pack: Callable[[bytes], bytes]) -> None:
    octets = pack(world.e_service.request().xml().encode())
    query = Query((("SAMLRequest", escaped(octets)),)).signed(world.e_service.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)


@pytest.mark.parametrize("name", ["a", "RelayState", "SAMLRequest"])
def test_a_query_beyond_bounds_is_not_read(world: World, name: str) -> None:
    page = world.browser().get(f"{SSO_PATH}?{name}={'x' * 70_000}")
    assert page.status == 414
    world.assert_refused(page, "too-large")
