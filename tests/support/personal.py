"""Two invented people with values that stand nowhere else, and the search for them in whatever was written."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

SWEDE = {
    "sn": "Wrångstedt-Öh",
    "givenName": "Kristalina Ylva",
    "displayName": "Ylva Wrångstedt-Öh",
    "personalIdentityNumber": "199001012385",
    "dateOfBirth": "1990-01-01",
    "mail": "ylva.w@post.example.se",
    "transactionIdentifier": "order-4711-zq",
}
COORDINATED = {
    "sn": "Ouedraogodottir",
    "givenName": "Bintouline",
    "displayName": "Bintouline Ouedraogodottir",
    "personalIdentityNumber": "197010632391",
    "dateOfBirth": "1970-10-03",
}
FOREIGNER = {
    "sn": "Mäkeläinen-Xu",
    "givenName": "Aurinkoinen",
    "dateOfBirth": "1964-08-23",
    "gender": "M",
    "birthName": "Aurinkoinen Virtahepo",
    "placeOfBirth": "Äkäslompolo",
    "c": "FI",
    "prid": "FI:230864-934x",
    "pridPersistence": "A",
    "eidasPersonIdentifier": "FI/SE/230864-934X",
    "mappedPersonalIdentityNumber": "196408233234",
    "personalIdentityNumberBinding": "http://id.swedenconnect.se/id-binding/process/populationregister",
    "transactionIdentifier": "_finsk-transaktion-99",
}
CONTROL = "Kontrollsdotter-Ärlig 200001012384"
"""Stored, logged and shown in the clear, so that a search that finds nothing is known to work."""

NOT_PERSONAL = {"c", "gender", "pridPersistence", "personalIdentityNumberBinding", "transactionIdentifier"}
"""Of these attributes the values are the same for many, or of the transaction; too short to search for, or public."""

_CIVIC_NUMBER = re.compile(r"(\d\d)(\d{6})(\d{4})")


def values_of(*people: dict[str, str]) -> set[str]:
    """Everything that would tell who somebody is, in every common form."""
    found = set()
    for person in people:
        for name, value in person.items():
            if name not in NOT_PERSONAL:
                found |= set(forms_of(value))
    return found


def forms_of(value: str) -> Iterator[str]:
    """How people and programs write the same: a civic number with and without century and hyphen, names apart."""
    yield value
    yield value.upper()
    yield value.lower()
    if civic := _CIVIC_NUMBER.fullmatch(value):
        century, day, number = civic.groups()
        yield from (f"{century}{day}-{number}", f"{day}{number}", f"{day}-{number}")
    yield from (part for part in value.split() if len(part) > 3)


def spellings(value: str) -> Iterator[bytes]:
    """How `value` could lie in a file or stand on a page."""
    octets = value.encode()
    yield octets
    yield value.encode("utf-16-le")
    yield value.encode("utf-16-be")
    yield octets.hex().encode()
    yield quote(value, safe="").encode()
    yield html.escape(value).encode()
    yield value.encode("ascii", "xmlcharrefreplace")
    yield json.dumps(value)[1:-1].encode()
    yield repr(octets)[2:-1].encode()
    if value.isascii() or all(ord(character) < 256 for character in value):
        yield value.encode("latin-1")
    for shift in range(3):  # inside a longer text: leave out what depends on the neighbours
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            packed = encode(b"\0" * shift + octets)
            inner = packed[-(-shift * 8 // 6) : len(octets + b"\0" * shift) * 8 // 6]
            if len(inner) >= 8:
                yield inner


def found_in(content: bytes, values: Iterable[str]) -> set[str]:
    """Those of `values` that are in `content`, in whatever spelling."""
    return {value for value in values if any(spelling in content for spelling in set(spellings(value)))}
