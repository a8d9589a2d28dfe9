"""Every normaliser, by table: what it takes, in which form, and what it refuses."""

from collections.abc import Callable
from datetime import date

import pytest

from broker.vocabulary import values


def number(eleven: str) -> str:
    """`eleven` digits with their check digit, by the textbook: weights 2,1,2,… over the nine after the century."""
    products = (int(digit) * weight for digit, weight in zip(eleven[2:], (2, 1, 2, 1, 2, 1, 2, 1, 2), strict=True))
    return eleven + str((10 - sum(sum(map(int, str(product))) for product in products) % 10) % 10)


GOOD: list[tuple[Callable[[str], str], str, str]] = [
    (values.text, "  Åsa \n Maria ", "Åsa Maria"),
    (values.text, "A\u030asa", "Åsa"),
    (values.text, "x" * 512, "x" * 512),
    (values.text, "شیرین\u200cزاده", "شیرین\u200cزاده"),  # right to left, with a joiner
    (values.opaque, " a  b ", "a  b"),
    (values.blob, " QUJD\nREVG ", "QUJDREVG"),
    (values.signed_token, " aa.b-b.c_c ", "aa.b-b.c_c"),
    (values.civic_number, " 196408233234 ", "196408233234"),
    (values.civic_number, "198611239883", "198611239883"),
    (values.civic_number, "195006262546", "195006262546"),
    (values.civic_number, "201701012393", "201701012393"),
    (values.civic_number, "197010632391", "197010632391"),  # coordination number, 3 October 1970
    (values.civic_number, number("20000289238"), number("20000289238")),  # coordination number, 29 February 2000
    (values.civic_number, number("19700060238"), number("19700060238")),  # month and day unknown
    (values.civic_number, number("19701060238"), number("19701060238")),  # day unknown
    (values.civic_number, number("19700063238"), number("19700063238")),  # month unknown
    (values.civic_number, number("18900101238"), number("18900101238")),
    (values.organisation_number, " 2120001231 ", "2120001231"),
    (values.organisation_number, "5562265719", "5562265719"),
    (values.organisation_number, "2021006883", "2021006883"),
    (values.iso_date, " 2000-02-29 ", "2000-02-29"),
    (values.country_code, " se ", "SE"),
    (values.gender, "f", "F"),
    (values.gender, "M", "M"),
    (values.gender, "u", "U"),
    (values.prid, "NO:05068907693", "NO:05068907693"),
    (values.prid, "no:ABC4567890", "NO:abc4567890"),
    (values.prid, "DE:" + "a" * 30, "DE:" + "a" * 30),
    (values.prid, "FI:1-2-3-4-56", "FI:1-2-3-4-56"),
    (values.prid_persistence, " B ", "B"),
    (values.eidas_identifier, "ES/SE/02635542Y", "ES/SE/02635542Y"),
    (values.eidas_identifier, "AT/SE/a/b+c=", "AT/SE/a/b+c="),
    (values.mail, "a@example.se", "a@example.se"),
    (values.phone, "+46 (8) 905-10", "+46 (8) 905-10"),
    (values.scoped, "vlindman@5562265719", "vlindman@5562265719"),
    (values.scoped, "v@home@5562265719", "v@home@5562265719"),
    (
        values.digest,
        "http://www.w3.org/2001/04/xmlenc#sha256;0yKaSQ==",
        "http://www.w3.org/2001/04/xmlenc#sha256;0yKaSQ==",
    ),
    (values.uri_list, " urn:a ; urn:b;", "urn:a;urn:b"),
    (values.parameters, "foo=%C3%85;bar=123", "foo=%C3%85;bar=123"),
    (values.parameters, "flag;bar=", "flag;bar="),
]

BAD: list[tuple[Callable[[str], str], str, str]] = [
    (values.text, "   ", "only white space"),
    (values.text, "x" * 513, "too long"),
    (values.text, "a\x00b", "a control character"),
    (values.text, "a\ud800b", "half a surrogate pair"),
    (values.text, "a\ufdd0b", "no character"),
    (values.text, "a\u202eb", "text turned around"),
    (values.opaque, "a\u2067b", "text turned around"),
    (values.opaque, "a\nb", "a line break inside"),
    (values.blob, "", "empty"),
    (values.blob, "A", "not base64"),
    (values.blob, "A" * 250_004, "too large"),
    (values.signed_token, "aa.bb", "two parts"),
    (values.signed_token, "a." + "b" * 250_000 + ".c", "a token that is too large"),
    (values.civic_number, "6408233234", "ten digits"),
    (values.civic_number, "19640823-3234", "a separator"),
    (values.civic_number, "176408233234", "an unknown century"),
    (values.civic_number, "216408233234", "a century to come"),
    (values.civic_number, "١٩٦٤٠٨٢٣٣٢٣٤", "digits of another script"),
    (values.civic_number, "19640823TF34", "an interim number"),
    (values.civic_number, "198905059483", "one digit changed"),
    (values.civic_number, "196408233235", "a wrong check digit"),
    (values.civic_number, number("19641323323"), "month 13"),
    (values.civic_number, number("19640023323"), "month 00 in a personnummer"),
    (values.civic_number, number("19640800323"), "day 00"),
    (values.civic_number, number("19640832323"), "day 32"),
    (values.civic_number, number("19000229238"), "29 February 1900"),
    (values.civic_number, number("19701092238"), "coordination day 92"),
    (values.civic_number, number("19701361238"), "coordination month 13"),
    (values.civic_number, number("19000289238"), "coordination number of 29 February 1900"),
    (values.civic_number, number("19640823000"), "birth number 000"),
    (values.organisation_number, "5562265718", "a wrong check digit of an organisation"),
    (values.organisation_number, "6408233234", "the number of a sole trader"),
    (values.organisation_number, "165562265719", "with the prefix 16"),
    (values.iso_date, "2000-2-1", "unpadded"),
    (values.iso_date, "2001-02-29", "no such day"),
    (values.iso_date, "20000229", "compact"),
    (values.iso_date, "2000-02-29T00:00", "a time"),
    (values.country_code, "SWE", "three letters"),
    (values.country_code, "S1", "a digit"),
    (values.gender, "X", "an unknown letter"),
    (values.prid, "NO:123456789", "nine characters"),
    (values.prid, "NO:" + "1" * 31, "thirty-one characters"),
    (values.prid, "NO:-123456789", "a leading hyphen"),
    (values.prid, "NO:123456789-", "a trailing hyphen"),
    (values.prid, "NO1234567890", "no colon"),
    (values.prid, "N1:1234567890", "no country"),
    (values.prid_persistence, "a", "lower case"),
    (values.prid_persistence, "D", "an unknown class"),
    (values.eidas_identifier, "ES/02635542Y", "one country"),
    (values.eidas_identifier, "ES/SE/", "nothing behind the countries"),
    (values.mail, "example.se", "no @"),
    (values.mail, "a b@example.se", "a space"),
    (values.phone, "call me", "letters"),
    (values.scoped, "vlindman", "no scope"),
    (values.scoped, "@5562265719", "no identifier"),
    (values.scoped, "vlindman@", "an empty scope"),
    (values.scoped, "vlindman@5562 265719", "a space in the scope"),
    (values.digest, "sha256;AAAA", "no algorithm URI"),
    (values.digest, "urn:x", "no digest"),
    (values.uri_list, ";", "only separators"),
    (values.uri_list, "urn:a;nonsense", "no URI"),
    (values.uri_list, "urn:a b", "a space in a URI"),
    (values.parameters, "=x", "no key"),
    (values.parameters, "", "nothing"),
]


@pytest.mark.parametrize(
    ("normalise", "wire", "written"),
    [pytest.param(*row, id=f"{row[0].__name__}: {row[1][:30]!r}") for row in GOOD],
)
def test_a_good_value_gets_its_one_written_form(normalise: Callable[[str], str], wire: str, written: str) -> None:
    assert normalise(wire) == written
    assert normalise(written) == written, "a written form stays as it is"


@pytest.mark.parametrize(
    ("normalise", "wire"), [pytest.param(row[0], row[1], id=f"{row[0].__name__}: {row[2]}") for row in BAD]
)
def test_a_malformed_value_is_refused_without_repeating_it(normalise: Callable[[str], str], wire: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        normalise(wire)
    assert len(wire) < 4 or wire not in str(refused.value)


@pytest.mark.parametrize(
    ("number", "coordination"),
    [("198611239883", False), ("197010632391", True), (number("19700060238"), True), (number("20000289238"), True)],
)
def test_a_coordination_number_is_told_by_its_day(number: str, coordination: bool) -> None:
    assert values.is_coordination_number(number) is coordination


@pytest.mark.parametrize(
    ("number", "day", "later"),
    [
        ("201701012393", date(2016, 12, 31), True),
        ("201701012393", date(2017, 1, 1), False),
        ("197010632391", date(1970, 10, 2), True),
        ("197010632391", date(1970, 10, 3), False),
        (number("19700060238"), date(1970, 1, 1), False),  # what is unknown is not held against anybody
        (number("19700060238"), date(1969, 12, 31), True),
    ],
)
def test_a_birth_date_in_the_future_is_seen_from_a_given_day(number: str, day: date, later: bool) -> None:
    assert values.is_born_after(number, day) is later


def test_the_textbook_number_has_the_check_digit_of_the_textbook() -> None:
    assert [digit for digit in "0123456789" if values.luhn_holds(f"640823323{digit}")] == ["4"]


@pytest.mark.parametrize(
    ("value", "parts"),
    [("a@b@c", ("a@b", "c")), ("a@c", ("a", "c")), ("c", ("", "c"))],
)
def test_the_scope_follows_the_last_at_sign(value: str, parts: tuple[str, str]) -> None:
    assert values.split_scope(value) == parts


def test_parameters_are_split_before_they_are_decoded() -> None:
    read = values.read_parameters("LocatorDesignator=22;Thoroughfare=Arcacia%20Avenue%3B%3D;empty=;flag; ;=x;flag=2")
    assert read == {"LocatorDesignator": "22", "Thoroughfare": "Arcacia Avenue;=", "empty": "", "flag": ""}
