"""The hardened parse, and the two ways out of a tree."""

import pytest
from lxml import etree

from broker.core.errors import MessageUnreadable
from broker.saml.xml import (
    MESSAGE_BOUNDS,
    METADATA_BOUNDS,
    Bounds,
    canonicalise,
    ids_of,
    parse_verified,
    parse_wire,
    serialise,
)

BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"hello", id="no XML"),
        pytest.param(b"<a>", id="unclosed"),
        pytest.param(b"<a/><b/>", id="two roots"),
        pytest.param(b"<a/>trailing", id="text after the root"),
        pytest.param(b"<a b='1' b='2'/>", id="an attribute twice"),
        pytest.param(b"<a>\x00</a>", id="a NUL"),
        pytest.param(b"<a>\xff</a>", id="not UTF-8"),
        pytest.param(b"<p:a/>", id="an undeclared prefix"),
        pytest.param(b"<a>&b;</a>", id="an undeclared entity"),
        pytest.param(b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe5</a>', id="Latin-1"),
        pytest.param('<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-7"?>+ADw-+ACE-DOCTYPE a+AD4-<a/>', id="a DTD in UTF-7"),
    ],
)
def test_what_is_no_document_in_utf8_is_refused(data: bytes) -> None:
    with pytest.raises(MessageUnreadable, match="not well-formed"):
        parse_wire(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"<!DOCTYPE a><a/>", id="empty"),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', id="external"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', id="external entity"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1/"> %b;]><a/>', id="parameter entity"),
        pytest.param(b'<!DOCTYPE a [<!ATTLIST a ID ID "_x">]><a/>', id="attribute default"),
        pytest.param(BOMB, id="entities in entities"),
        pytest.param(b"\xef\xbb\xbf" + BOMB, id="after a byte order mark"),
    ],
)
def test_a_dtd_is_refused(data: bytes) -> None:
    with pytest.raises(MessageUnreadable, match="DTD"):
        parse_wire(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<?evil data?><a/>",
        b"<a/><?evil data?>",
        b"<a>admin<?evil data?>istrator</a>",
        b"<!-- --><?evil?><a/>",
    ],
    ids=["before", "after", "inside", "behind a comment"],
)
def test_a_processing_instruction_is_refused(data: bytes) -> None:
    with pytest.raises(MessageUnreadable, match="processing instruction"):
        parse_wire(data)


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def test_depth_is_bounded() -> None:
    assert parse_wire(nested(MESSAGE_BOUNDS.max_depth)) is not None
    with pytest.raises(MessageUnreadable, match="too deep"):
        parse_wire(nested(MESSAGE_BOUNDS.max_depth + 1))


def test_depth_beyond_what_the_parser_takes_is_refused_too() -> None:
    with pytest.raises(MessageUnreadable):
        parse_wire(nested(5000))


def test_size_is_bounded() -> None:
    room = MESSAGE_BOUNDS.max_bytes - len(b"<a></a>")
    assert parse_wire(b"<a>" + b"x" * room + b"</a>") is not None
    with pytest.raises(MessageUnreadable, match="too large"):
        parse_wire(b"<a>" + b"x" * (room + 1) + b"</a>")


@pytest.mark.parametrize(
    "document",
    [
        b'<a xmlns:p="urn:%s"><p:b/></a>',
        b'<a><b xmlns="urn:%s"/></a>',
        b'<a xmlns:p="urn:%s" p:b=""/>',
    ],
    ids=["used by a child", "default", "used by an attribute"],
)
def test_a_namespace_that_would_swell_the_canonical_form_is_refused(document: bytes) -> None:
    parse_wire(document % (b"x" * 200))
    with pytest.raises(MessageUnreadable, match="namespace that is too long"):
        parse_wire(document % (b"x" * 300))


@pytest.mark.parametrize(
    "inner",
    [
        b"<b/>" * 21,
        b"<b " + b" ".join(b'a%d="1"' % number for number in range(21)) + b"/>",
    ],
    ids=["elements", "attributes"],
)
def test_the_number_of_parts_is_bounded(inner: bytes) -> None:
    bounds = Bounds(max_bytes=4096, max_depth=4, max_nodes=20, unique_ids=True)
    with pytest.raises(MessageUnreadable, match="too many parts"):
        parse_wire(b"<a>" + inner + b"</a>", bounds)


@pytest.mark.parametrize(
    "data",
    [
        b'<a ID="_1"><b ID="_1"/></a>',
        b'<a ID="_1"><b Id="_1"/></a>',
        b'<a id="_1"><b ID="_1"/></a>',
        b'<a xml:id="_1"><b ID="_1"/></a>',
        b'<a ID="_1" id="_1"/>',
    ],
)
def test_an_id_used_twice_is_refused_in_a_message_whatever_it_is_called(data: bytes) -> None:
    with pytest.raises(MessageUnreadable, match="used twice"):
        parse_wire(data)


def test_an_aggregate_may_hold_the_same_id_twice() -> None:
    root = parse_wire(b'<a ID="_1"><b ID="_1"/></a>', METADATA_BOUNDS)
    assert ids_of(root) == ["_1", "_1"]


def test_no_error_quotes_the_document() -> None:
    with pytest.raises(MessageUnreadable) as caught:
        parse_wire(b"<a><personnummer-198001019876></a>")
    assert "1980" not in caught.value.detail
    assert caught.value.__suppress_context__


def test_verified_bytes_are_held_to_the_same_bounds() -> None:
    with pytest.raises(MessageUnreadable, match="DTD"):
        parse_verified(BOMB)


def test_canonical_bytes_have_the_whole_text_around_a_comment() -> None:
    root = parse_wire(b"<!-- x --><a>admin<!-- -->@example.se<!-- y --></a><!-- z -->")
    assert canonicalise(root) == b"<a>admin@example.se</a>"


def test_canonical_bytes_follow_exclusive_canonicalisation() -> None:
    root = parse_wire(b"<p:a xmlns:p='urn:p' xmlns:q='urn:q' b=\"2\" a='1'><![CDATA[<]]><c/></p:a>")
    assert canonicalise(root) == b'<p:a xmlns:p="urn:p" a="1" b="2">&lt;<c></c></p:a>'


def test_named_prefixes_are_kept() -> None:
    root = parse_wire(b"<p:a xmlns:p='urn:p' xmlns:q='urn:q'/>")
    assert canonicalise(root, ("q",)) == b'<p:a xmlns:p="urn:p" xmlns:q="urn:q"></p:a>'


def test_what_has_no_canonical_form_is_refused_and_not_empty() -> None:
    with pytest.raises(MessageUnreadable, match="no canonical form"):
        canonicalise(parse_wire(b'<a xmlns="relative"/>'))


def test_what_is_no_element_has_no_canonical_bytes() -> None:
    with pytest.raises(MessageUnreadable, match="only an element"):
        canonicalise(etree.Comment("nothing of this is canonical"))


def test_serialised_octets_are_as_written() -> None:
    assert serialise(parse_wire("<a> <b>å</b>\n</a>".encode())) == "<a> <b>å</b>\n</a>".encode()
