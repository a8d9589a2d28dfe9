"""Normalisers: each takes a value from the wire and returns its one written form, or raises ValueError.

All are pure, so none knows today's date: whether a birth date lies in the future is for the caller who knows when
the person authenticated (`is_born_after`). The text of a ValueError never holds the value: it is personal data.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from urllib.parse import unquote

MAX_TEXT = 512  # longer than any name or address line, shorter than what hurts a page or a log
MAX_BLOB = 250_000  # evidence such as BankID's signature; a whole message is capped at 256 KiB

_UNKNOWN_DAY = 60  # a coordination number's day when the day of birth is not known
_COORDINATION_OFFSET = 60

_NO_TEXT = frozenset({"Cc", "Cs", "Cn"})
# With these a name can look like another one on an e-service's page; right-to-left names do not need them.
_TURNS_TEXT = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

_CIVIC_NUMBER = re.compile(r"(?:18|19|20)[0-9]{10}")
_ORGANISATION_NUMBER = re.compile(r"[0-9]{2}[2-9][0-9]{7}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PRID = re.compile(r"[A-Z]{2}:[0-9a-z][0-9a-z-]{8,28}[0-9a-z]")
_EIDAS_IDENTIFIER = re.compile(r"[A-Za-z]{2}/[A-Za-z]{2}/[^\s].*")
_MAIL = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{1,38}")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^;\s]+;[A-Za-z0-9+/]+={0,2}")


def _clean(value: str, limit: int) -> str:
    """`value` trimmed and composed (NFC). Control characters have no place in an identity."""
    composed = unicodedata.normalize("NFC", value).strip()
    if not composed:
        raise ValueError("empty")
    if len(composed) > limit:
        raise ValueError(f"longer than {limit} characters")
    if any(unicodedata.category(character) in _NO_TEXT for character in composed):
        raise ValueError("a control, surrogate or unassigned character")
    if any(unicodedata.bidirectional(character) in _TURNS_TEXT for character in composed):
        raise ValueError("a character that turns the text around it")
    return composed


def text(value: str) -> str:
    """Free text, such as a name. Runs of white space become one space: caseIgnoreMatch does not see the difference."""
    return _clean(" ".join(value.split()), MAX_TEXT)


def opaque(value: str) -> str:
    """An identifier whose inside is not ours to change."""
    return _clean(value, MAX_TEXT)


def blob(value: str) -> str:
    """Base64, without the line breaks that some write."""
    packed = "".join(value.split())
    if not packed or len(packed) > MAX_BLOB:
        raise ValueError("empty or too large")
    try:
        base64.b64decode(packed, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    return packed


def signed_token(value: str) -> str:
    """A compact JWS: three base64url parts."""
    packed = value.strip()
    if len(packed) > MAX_BLOB or not re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", packed, re.ASCII):
        raise ValueError("not a compact JWS")
    return packed


def luhn_holds(digits: str) -> bool:
    """Whether the last of `digits` is the check digit of those before it (weights 2,1,2,… from the left of nine)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + position % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def civic_number(value: str) -> str:
    """A personnummer or samordningsnummer as 12 digits: century, real date, birth number and check digit.

    A coordination number has 60 added to the day, and may have month 00 or day 60 where the date is not known.

    Spec: Attribute Specification 3.1; SKV 704 and 707.
    """
    number = value.strip()
    if not _CIVIC_NUMBER.fullmatch(number):
        raise ValueError("not twelve digits of a known century")
    year, month, day = int(number[:4]), int(number[4:6]), int(number[6:8])
    if day >= _UNKNOWN_DAY:
        # An unknown part is checked as if it were one that always exists.
        day = day - _COORDINATION_OFFSET or 1
        month = month or 1
    try:
        date(year, month, day)
    except ValueError:
        raise ValueError("no such date of birth") from None
    if number[8:11] == "000":
        raise ValueError("no such birth number")
    if not luhn_holds(number[2:]):
        raise ValueError("wrong check digit")
    return number


def is_coordination_number(number: str) -> bool:
    """Whether the normalised `number` is a samordningsnummer: its day part is 60 or more."""
    return int(number[6:8]) >= _UNKNOWN_DAY


def is_born_after(number: str, day: date) -> bool:
    """Whether the normalised civic `number` was issued to somebody born after `day`, as far as it says."""
    born_day = int(number[6:8]) % _COORDINATION_OFFSET
    known = (int(number[:4]), int(number[4:6]), born_day)
    return known > (day.year, day.month, day.day)


def organisation_number(value: str) -> str:
    """An organisationsnummer as 10 digits; the third is at least 2, which keeps it apart from a personnummer."""
    number = value.strip()
    if not _ORGANISATION_NUMBER.fullmatch(number):
        raise ValueError("not the ten digits of an organisation")
    if not luhn_holds(number):
        raise ValueError("wrong check digit")
    return number


def iso_date(value: str) -> str:
    """A calendar date, YYYY-MM-DD."""
    written = value.strip()
    if not _DATE.fullmatch(written):
        raise ValueError("not YYYY-MM-DD")
    try:
        date.fromisoformat(written)
    except ValueError:
        raise ValueError("no such date") from None
    return written


def country_code(value: str) -> str:
    """An ISO 3166-1 alpha-2 code, upper case."""
    code = value.strip().upper()
    if not _COUNTRY.fullmatch(code):
        raise ValueError("not a country code of two letters")
    return code


def gender(value: str) -> str:
    """M, F or U; either case on the wire."""
    letter = value.strip().upper()
    if letter not in ("M", "F", "U"):
        raise ValueError("not M, F or U")
    return letter


def prid(value: str) -> str:
    """A provisional identifier, `CC:identifier`; compared without case, so written in one.

    Spec: eIDAS Constructed Attributes 2.
    """
    country, colon, identifier = value.strip().partition(":")
    written = f"{country.upper()}{colon}{identifier.lower()}"
    if not _PRID.fullmatch(written):
        raise ValueError("not a provisional identifier")
    return written


def prid_persistence(value: str) -> str:
    """A, B or C: how long a provisional identifier stays the same."""
    letter = value.strip()
    if letter not in ("A", "B", "C"):
        raise ValueError("not A, B or C")
    return letter


def eidas_identifier(value: str) -> str:
    """The eIDAS PersonIdentifier, `CC/CC/identifier`; verbatim."""
    identifier = opaque(value)
    if not _EIDAS_IDENTIFIER.fullmatch(identifier):
        raise ValueError("not an eIDAS person identifier")
    return identifier


def mail(value: str) -> str:
    """An e-mail address."""
    address = opaque(value)
    if not _MAIL.fullmatch(address):
        raise ValueError("not an e-mail address")
    return address


def phone(value: str) -> str:
    """A telephone number, for people to read."""
    number = opaque(value)
    if not _PHONE.fullmatch(number):
        raise ValueError("not a telephone number")
    return number


def scoped(value: str) -> str:
    """`identifier@scope`; the identifier may hold an @ itself, so the scope follows the last one."""
    written = opaque(value)
    identifier, scope = split_scope(written)
    if not identifier or not scope or any(character.isspace() for character in scope):
        raise ValueError("not identifier@scope")
    return written


def split_scope(value: str) -> tuple[str, str]:
    """Identifier and scope of a scoped value; no @ at all gives an empty identifier."""
    identifier, _, scope = value.rpartition("@")
    return identifier, scope


def digest(value: str) -> str:
    """`algorithmURI;base64`, as signMessageDigest is written."""
    written = opaque(value)
    if not _DIGEST.fullmatch(written):
        raise ValueError("not algorithm;digest")
    return written


def uri_list(value: str) -> str:
    """URIs separated by semicolons, one value."""
    uris = [part.strip() for part in opaque(value).split(";")]
    kept = [uri for uri in uris if uri]
    if not kept or any(":" not in uri or " " in uri for uri in kept):
        raise ValueError("not a list of URIs")
    return ";".join(kept)


def parameters(value: str) -> str:
    """`key=value;key=value`, both URL-encoded; kept as written. Every part must have a key."""
    written = _clean(value, MAX_BLOB)
    if any(not part.partition("=")[0].strip() for part in written.split(";") if part.strip()):
        raise ValueError("a part without a key")
    return written


def read_parameters(value: str) -> Mapping[str, str]:
    """The decoded keys and values of `parameters`; a part without `=` counts as empty, the first of a key wins."""
    read: dict[str, str] = {}
    for part in value.split(";"):
        key, _, raw = part.partition("=")
        if key.strip():
            read.setdefault(unquote(key.strip()), unquote(raw.strip()))
    return read
