"""What counts as an instant, a boolean, an index or an identifier on the wire."""

import re
from datetime import UTC, datetime, timedelta

MAX_ID = 256
MAX_URI = 2048

_INSTANT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,12}))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_NC_NAME = re.compile(r"[^\W\d][\w.\-]*")
_WHOLE_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_XML_SPACE = " \t\r\n"
_MAX_INDEX = 65_535  # xs:unsignedShort
# Room on both sides for adding a lifetime or a skew without leaving what datetime can hold.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


class Malformed(Exception):
    """A message that does not follow its schema. `detail` names the part, never its value."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def read_instant(text: str | None, what: str) -> datetime:
    """An xs:dateTime as aware UTC. SAML demands UTC; an explicit offset says the same moment, so it is taken too.

    Raises:
        Malformed: absent, without time zone, or no moment of the years that a message can speak of.

    Spec: SAML core 1.3.3.
    """
    match = _INSTANT.fullmatch((text or "").strip(_XML_SPACE))
    if match is None:
        raise Malformed(f"{what} is no instant in UTC")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise Malformed(f"{what} is out of range")
    fraction = int((match[7] or "")[:6].ljust(6, "0"))
    try:
        local = datetime(year, month, day, hour, minute, second, fraction, tzinfo=UTC)
    except ValueError:
        raise Malformed(f"{what} is no instant in UTC") from None
    return local - _offset(match[8])


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return size if zone[0] == "+" else -size


def write_instant(at: datetime) -> str:
    """`at` as xs:dateTime in UTC; milliseconds only when there are any."""
    utc = at.astimezone(UTC)
    milliseconds = utc.microsecond // 1000
    return f"{utc:%Y-%m-%dT%H:%M:%S}" + (f".{milliseconds:03d}Z" if milliseconds else "Z")


def read_boolean(text: str | None, what: str) -> bool:
    """An xs:boolean; absent is false, as for every SAML attribute that we read.

    Raises:
        Malformed: anything but true, false, 1, 0.
    """
    if text is None:
        return False
    try:
        return _BOOLEANS[text.strip(_XML_SPACE)]
    except KeyError:
        raise Malformed(f"{what} is no boolean") from None


def write_boolean(value: bool) -> str:
    """`value` as xs:boolean."""
    return "true" if value else "false"


def read_number(text: str | None, what: str) -> int | None:
    """A whole number, or None when absent.

    Raises:
        Malformed: a sign, letters, or absurdly many digits.
    """
    if text is None:
        return None
    written = text.strip(_XML_SPACE)
    if not _WHOLE_NUMBER.fullmatch(written):
        raise Malformed(f"{what} is no whole number")
    return int(written)


def read_index(text: str | None, what: str) -> int | None:
    """An endpoint or attribute service index (xs:unsignedShort), or None when absent.

    Raises:
        Malformed: out of range.
    """
    number = read_number(text, what)
    if number is not None and number > _MAX_INDEX:
        raise Malformed(f"{what} is out of range")
    return number


def read_id(text: str | None, what: str) -> str:
    """A message or assertion ID: an NCName of bearable length.

    Raises:
        Malformed: absent or something else.
    """
    written = (text or "").strip(_XML_SPACE)
    if len(written) > MAX_ID or not _NC_NAME.fullmatch(written):
        raise Malformed(f"{what} is no identifier")
    return written


def read_uri(text: str | None, what: str) -> str:
    """A URI without the white space around it that even the specifications' examples have.

    Only what could not be compared or logged is refused: real entityIDs and categories hold non-ASCII letters, and
    some entityIDs are no URIs at all.

    Raises:
        Malformed: absent, empty, too long, or with white space or control characters inside.
    """
    written = (text or "").strip(_XML_SPACE)
    if not written or len(written) > MAX_URI or not written.isprintable() or " " in written:
        raise Malformed(f"{what} is no URI")
    return written


def read_uri_if_given(text: str | None, what: str) -> str | None:
    """Like `read_uri`, None when absent.

    Raises:
        Malformed: present, and no URI.
    """
    return None if text is None else read_uri(text, what)
