"""Provisional identifiers: every vector of the specification, of the connector's tests, and some of our own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.dialects.prid import PridAlgorithm, construct_prid, is_consistent

DEFAULT, COLRESIST, SPECIAL = PridAlgorithm
LONG_DE = "DE/SE/1234567890123456789012345678901"
ZERO = "XX/SE/LEADING-ZERO-TEST-VECTOR-NUMBER-0035"  # its hash begins with 0

AUSTRIAN = "AT/SE/Zk2ME2pjxwzQOjVeFGeqSIage34="

# identifier, default-eIDAS, colresist-eIDAS ("same" as default), special-characters-eIDAS ("hashed" as the second)
VECTORS = [
    ("NO/SE/05068907693", "NO:05068907693", "same", None),
    ("DK/SE/09208-2002-2-194967071622", "DK:09208-2002-2-194967071622", "same", "DK:3ixkg0h6ofuni8iup0m6322hiwuyxk"),
    ("UK/DK/1234567890", None, None, None),
    ("DE/SE/#12345-3456//ABC", "DE:12345-3456-abc", "same", "DE:4jbb4vbv00p8unsvnmgydbhyw2ige4"),
    ("DE/SE/aErf#(EAd9)", "DE:0aerf-ead9", "same", None),
    ("de/se/aErf#(E)", None, None, None),
    ("DE/SE/(1952 12 14-1122)", "DE:19521214-1122", "same", None),
    ("19521214-1122", None, None, None),
    (LONG_DE, "DE:3b7184c0ceaf76a9607a31e4e1f87f", "DE:1hc3tpoleczqu3t8jz2995k2rq7nt8", "hashed"),
    (AUSTRIAN, "AT:zk2me2pjxwzqojvefgeqsiage34", "same", "AT:50bwytdle2mzexopcolmdhmhznihms"),
    ("SK/SE/9718515", "SK:0009718515", "same", None),
    ("AT/SE/SEVKU0FO", "AT:00sevku0fo", "same", None),
    ("FI/SE/1-2-3-4-56", "FI:1-2-3-4-56", "same", None),
    ("DE/SE/" + "A" * 30, "DE:" + "a" * 30, "same", "DE:1dzy9c2im18rghqyqt58txhalc9uav"),
    ("DE/SE/" + "A" * 31, "DE:55ee740f58335c97d42c32125218eb", "DE:253pfv35l5zbfzee6sgm6tp4siup7u", "hashed"),
    (ZERO, "XX:e442055c4834cdea58cd0836f03e4d", "XX:cstd2lg5n6s0p8v83f8zdig4xaz3w9", "hashed"),
    ("DE/Se/1234567890", None, None, None),
    ("D1/SE/1234567890", None, None, None),
]  # fmt: skip
CASES = [
    pytest.param(
        identifier,
        algorithm,
        {"same": default, "hashed": colresist}.get(made or "", made),
        id=f"{algorithm.value} {identifier[:24]}",
    )
    for identifier, default, colresist, special in VECTORS
    for algorithm, made in ((DEFAULT, default), (COLRESIST, colresist), (SPECIAL, special))
]


@pytest.mark.parametrize(("identifier", "algorithm", "prid"), CASES)
def test_vector(identifier: str, algorithm: PridAlgorithm, prid: str | None) -> None:
    country = identifier[:2]
    if prid is None:
        with pytest.raises(ValueError, match="person identifier") as refused:
            construct_prid(identifier, country=country, algorithm=algorithm)
        assert identifier not in str(refused.value)
    else:
        assert construct_prid(identifier, country=country, algorithm=algorithm) == prid


def test_the_country_is_the_one_that_was_asked() -> None:
    assert construct_prid("EL/SE/0427718093", country="gr", algorithm=DEFAULT) == "GR:0427718093"


def test_an_identifier_of_another_country_has_no_prid() -> None:
    with pytest.raises(ValueError, match="another country"):
        construct_prid("NO/SE/05068907693", country="DK", algorithm=DEFAULT)


@pytest.mark.parametrize("prid", ["DE:3b7184c0ceaf76a9607a31e4e1f87f", "DE:1HC3TPOLECZQU3T8JZ2995K2RQ7NT8"])
def test_a_prid_is_consistent_when_an_algorithm_makes_it(prid: str) -> None:
    assert is_consistent(prid, LONG_DE, "DE")


@pytest.mark.parametrize(
    ("prid", "identifier", "country"),
    [
        ("NO:05068907694", "NO/SE/05068907693", "NO"),
        ("NO:05068907693", "NO/SE/05068907693", "DK"),
        ("NO:05068907693", "NO/DK/05068907693", "NO"),
    ],
)
def test_a_prid_that_no_algorithm_makes_is_not_consistent(prid: str, identifier: str, country: str) -> None:
    assert not is_consistent(prid, identifier, country)


@given(st.text(max_size=80), st.sampled_from(list(PridAlgorithm)))
def test_whatever_the_identifier_a_prid_has_its_form(identifier: str, algorithm: PridAlgorithm) -> None:
    try:
        prid = construct_prid(f"NO/SE/{identifier}", country="NO", algorithm=algorithm)
    except ValueError:
        return
    assert re.fullmatch("[A-Z]{2}:[0-9a-z][0-9a-z-]{8,28}[0-9a-z]", prid)
