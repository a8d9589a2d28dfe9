"""Lexical forms of SAML values."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from broker.saml.lexical import (
    Malformed,
    read_boolean,
    read_id,
    read_index,
    read_instant,
    read_number,
    read_uri,
    read_uri_if_given,
    write_boolean,
    write_instant,
)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2026-11-23T08:15:02Z", datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC), id="seconds"),
        pytest.param(
            " 2026-11-23T08:15:02.5Z\n", datetime(2026, 11, 23, 8, 15, 2, 500_000, tzinfo=UTC), id="half a second"
        ),
        pytest.param(
            "2026-11-23T08:15:02.1234567Z",
            datetime(2026, 11, 23, 8, 15, 2, 123_456, tzinfo=UTC),
            id="seven digits, as .NET writes",
        ),
        pytest.param("2026-11-23T09:15:02+01:00", datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC), id="Swedish winter"),
        pytest.param("2026-11-23T07:45:02-00:30", datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC), id="west"),
        pytest.param("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), id="first year"),
        pytest.param("9000-12-31T23:59:59Z", datetime(9000, 12, 31, 23, 59, 59, tzinfo=UTC), id="last year"),
    ],
)
def test_an_instant_is_read(text: str, moment: datetime) -> None:
    assert read_instant(text, "IssueInstant") == moment


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param("2026-11-23T08:15:02", id="no time zone"),
        pytest.param("2026-11-23", id="a date"),
        pytest.param("2026-11-23 08:15:02Z", id="a space for the T"),
        pytest.param("2026-13-23T08:15:02Z", id="month 13"),
        pytest.param("2026-02-29T08:15:02Z", id="no leap year"),
        pytest.param("2026-11-23T24:00:00Z", id="hour 24"),
        pytest.param("2026-11-23T08:15:60Z", id="leap second"),
        pytest.param("٢٠٢٦-11-23T08:15:02Z", id="other digits"),
        pytest.param("-2026-11-23T08:15:02Z", id="before our era"),
        pytest.param("0001-01-01T00:00:00Z", id="first year of the calendar"),
        pytest.param("9999-12-31T23:59:59Z", id="end of the calendar"),
        pytest.param("2026-11-23T08:15:02+15:00", id="an offset that no place has"),
        pytest.param("12026-11-23T08:15:02Z", id="five digits"),
        pytest.param("2026-11-23T08:15:02Z\x00", id="a control character"),
    ],
)
def test_anything_else_is_no_instant(text: str | None) -> None:
    with pytest.raises(Malformed):
        read_instant(text, "IssueInstant")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC), "2026-11-23T08:15:02Z"),
        (datetime(2026, 11, 23, 8, 15, 2, 4_999, tzinfo=UTC), "2026-11-23T08:15:02.004Z"),
        (datetime(2026, 11, 23, 9, 15, 2, tzinfo=timezone(timedelta(hours=1))), "2026-11-23T08:15:02Z"),
    ],
)
def test_an_instant_is_written_in_utc(moment: datetime, text: str) -> None:
    assert write_instant(moment) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), (" true ", True), ("false", False), ("0", False), (None, False)],
)
def test_a_boolean_is_read(text: str | None, value: bool) -> None:
    assert read_boolean(text, "ForceAuthn") is value


@pytest.mark.parametrize("text", ["", "True", "yes", "01", "true false"])
def test_anything_else_is_no_boolean(text: str) -> None:
    with pytest.raises(Malformed):
        read_boolean(text, "ForceAuthn")


def test_a_boolean_is_written_in_words() -> None:
    assert (write_boolean(True), write_boolean(False)) == ("true", "false")


@pytest.mark.parametrize(("text", "value"), [("0", 0), (" 65535 ", 65_535), ("007", 7), (None, None)])
def test_an_index_is_read(text: str | None, value: int | None) -> None:
    assert read_index(text, "index") == value


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "65536", "9" * 5000, "²", "١", "a"])
def test_anything_else_is_no_index(text: str) -> None:
    with pytest.raises(Malformed):
        read_index(text, "index")


def test_a_count_may_exceed_an_index() -> None:
    assert read_number("100000", "ProxyCount") == 100_000


@pytest.mark.parametrize("text", ["_a", "id-1.2", "Ångström", "x" * 256])
def test_an_id_is_read(text: str) -> None:
    assert read_id(text, "ID") == text


@pytest.mark.parametrize("text", [None, "", "1a", "-a", "a b", "a:b", "a\nb", "x" * 257, "a<b"])
def test_anything_else_is_no_id(text: str | None) -> None:
    with pytest.raises(Malformed):
        read_id(text, "ID")


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://a.example/sp", "https://a.example/sp"),
        ("\n  https://a.example/sp\t", "https://a.example/sp"),
        ("skatteverket_sso", "skatteverket_sso"),
        ("http://id.swedenconnect.se/contract/år", "http://id.swedenconnect.se/contract/år"),
    ],
)
def test_a_uri_is_read(text: str, uri: str) -> None:
    assert read_uri(text, "Issuer") == uri


@pytest.mark.parametrize("text", [None, "", "  ", "a b", "a\nb", "a\u00a0b", "a\u200eb", "x" * 2049])
def test_anything_else_is_no_uri(text: str | None) -> None:
    with pytest.raises(Malformed):
        read_uri(text, "Issuer")


def test_an_absent_uri_may_be_asked_for() -> None:
    assert read_uri_if_given(None, "Destination") is None


def test_an_empty_uri_is_not_an_absent_one() -> None:
    with pytest.raises(Malformed):
        read_uri_if_given("", "Destination")


def test_the_detail_never_repeats_the_value() -> None:
    with pytest.raises(Malformed) as caught:
        read_id("198611239883", "NameID")
    assert "1986" not in caught.value.detail
