"""Provisional identifiers: how the Swedish connector makes a `prid` of an eIDAS PersonIdentifier.

Through the connector a prid is passed on as it came, never recomputed; this is for checking consistency, and for
those that play a connector.

Spec: eIDAS Constructed Attributes 1.2, section 2, and the connector's three algorithms.
"""

import hashlib
import re
from enum import Enum

from broker.vocabulary.identifiers import iso_country

_ADDRESSED_TO_SWEDEN = re.compile(r"([A-Za-z]{2})/(?:SE|se)/")  # "Se" is refused by the connector too
_WHITE_SPACE = re.compile(r"\s", re.ASCII)  # ASCII only, as in the reference implementation
_BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_SHORTEST, _LONGEST = 10, 30
_FEWEST_DISTINGUISHING = 6
_SHORTEST_SPECIAL = 16


class PridAlgorithm(Enum):
    """Which algorithm applies is the connector operator's policy, country by country."""

    DEFAULT = "default-eIDAS"
    COLLISION_RESISTANT = "colresist-eIDAS"
    SPECIAL_CHARACTERS = "special-characters-eIDAS"


def construct_prid(person_identifier: str, *, country: str, algorithm: PridAlgorithm) -> str:
    """The prid of somebody whose eID is of `country` (ISO 3166-1 alpha-2).

    Raises:
        ValueError: the identifier was not made for Sweden or by that country, or has too little in it. The text
            never holds it.
    """
    addressed = _ADDRESSED_TO_SWEDEN.match(person_identifier)
    if addressed is None:
        raise ValueError("a person identifier that was not made for Sweden")
    if iso_country(addressed[1]) != iso_country(country):
        raise ValueError("a person identifier of another country")
    stripped = _WHITE_SPACE.sub("", person_identifier[addressed.end() :])
    return f"{country.upper()}:{_identifier(stripped, algorithm)}"


def is_consistent(prid: str, person_identifier: str, country: str) -> bool:
    """Whether any of the algorithms makes `prid` of `person_identifier`."""
    for algorithm in PridAlgorithm:
        try:
            made = construct_prid(person_identifier, country=country, algorithm=algorithm)
        except ValueError:
            continue
        if made.casefold() == prid.casefold():
            return True
    return False


def _identifier(stripped: str, algorithm: PridAlgorithm) -> str:
    if algorithm is PridAlgorithm.SPECIAL_CHARACTERS:
        if len(stripped) < _SHORTEST_SPECIAL:
            raise ValueError("a person identifier that is too short")
        return _hashed(stripped, 36)
    normalised = re.sub("[^0-9a-z]+", "-", stripped.lower()).strip("-")
    if len(normalised.replace("-", "")) < _FEWEST_DISTINGUISHING:
        raise ValueError("a person identifier with too few distinguishing characters")
    if len(normalised) > _LONGEST:
        # Of the identifier with its case, which lower-casing would have lost.
        return _hashed(stripped, 16 if algorithm is PridAlgorithm.DEFAULT else 36)
    return normalised.rjust(_SHORTEST, "0")


def _hashed(stripped: str, base: int) -> str:
    """The first 30 digits of the hash as a number: leading zeros fall away, so the first digit is never 0."""
    number = int.from_bytes(hashlib.sha256(stripped.encode()).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, base)
        digits = _BASE_36[digit] + digits
    return digits[:_LONGEST]
