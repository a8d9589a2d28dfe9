"""The levels: all of the Registry, who may issue each."""

import pytest

from broker.core.login import ContextUri
from broker.vocabulary import contexts as x
from broker.vocabulary.contexts import CONNECTOR_ONLY, CONTEXTS, FOREIGN, NONRESIDENT, ROWS, Issuer, Scheme

E = "http://id.elegnamnden.se/loa/1.0/"
S = "http://id.swedenconnect.se/loa/1.0/"

SPECIFIED: list[tuple[str, str, Scheme, Issuer]] = [
    (E, "loa2 loa3 loa4", Scheme.SWEDISH, Issuer.REVIEWED),
    (E, "loa1", Scheme.SWEDISH, Issuer.NOBODY),
    (S, "loa2-nonresident loa3-nonresident loa4-nonresident", Scheme.NONRESIDENT, Issuer.EMPLOYEE_EID),
    (S, "uncertified-loa2 uncertified-loa3", Scheme.UNCERTIFIED, Issuer.ANYONE),
    (E, "eidas-low eidas-sub eidas-high", Scheme.EIDAS, Issuer.CONNECTOR),
    (E, "eidas-nf-low eidas-nf-sub eidas-nf-high", Scheme.EIDAS_NOTIFIED, Issuer.CONNECTOR),
    (
        S,
        "uncertified-eidas-low uncertified-eidas-sub uncertified-eidas-high",
        Scheme.UNCERTIFIED_EIDAS,
        Issuer.PROXY,
    ),
    (E, "loa2-sigmessage loa3-sigmessage loa4-sigmessage", Scheme.SIGN_MESSAGE, Issuer.NOBODY),
    (E, "eidas-low-sigm eidas-sub-sigm eidas-high-sigm", Scheme.SIGN_MESSAGE, Issuer.NOBODY),
    (E, "eidas-nf-low-sigm eidas-nf-sub-sigm eidas-nf-high-sigm", Scheme.SIGN_MESSAGE, Issuer.NOBODY),
    (S, "uncertified-loa3-sigmessage", Scheme.SIGN_MESSAGE, Issuer.NOBODY),
    ("http://eidas.europa.eu/LoA/", "low substantial high test", Scheme.EU_NODE, Issuer.EIDAS_NODE),
    ("http://eidas.europa.eu/NotNotified/LoA/", "low substantial high", Scheme.EU_NODE, Issuer.EIDAS_NODE),
    ("http://eidas.europa.eu/LoA/NotNotified/", "low substantial high", Scheme.EU_NODE, Issuer.EIDAS_NODE),
]
FLAT = [
    pytest.param(ContextUri(prefix + name), scheme, issuer, id=prefix + name)
    for prefix, names, scheme, issuer in SPECIFIED
    for name in names.split()
]


@pytest.mark.parametrize(("uri", "scheme", "issuer"), FLAT)
def test_a_level_has_its_scheme_and_issuer(uri: ContextUri, scheme: Scheme, issuer: Issuer) -> None:
    row = CONTEXTS[uri]
    assert row.uri == uri
    assert row.scheme is scheme
    assert row.issuer is issuer
    assert row.retired is (issuer is Issuer.NOBODY)


def test_these_are_all_the_levels_each_once() -> None:
    assert len(ROWS) == len(CONTEXTS) == len(FLAT)


def test_strength_grows_with_the_level_inside_a_scheme() -> None:
    assert CONTEXTS[x.LOA4].level > CONTEXTS[x.LOA3].level > CONTEXTS[x.LOA2].level
    for high, sub, low in (
        (x.EIDAS_NF_HIGH, x.EIDAS_NF_SUB, x.EIDAS_NF_LOW),
        (x.EIDAS_HIGH, x.EIDAS_SUB, x.EIDAS_LOW),
        (x.UNCERTIFIED_EIDAS_HIGH, x.UNCERTIFIED_EIDAS_SUB, x.UNCERTIFIED_EIDAS_LOW),
    ):
        assert CONTEXTS[high].level > CONTEXTS[sub].level > CONTEXTS[low].level


def test_official_eidas_levels_are_the_connectors_own() -> None:
    assert {
        x.EIDAS_NF_HIGH,
        x.EIDAS_NF_SUB,
        x.EIDAS_NF_LOW,
        x.EIDAS_HIGH,
        x.EIDAS_SUB,
        x.EIDAS_LOW,
    } == CONNECTOR_ONLY


def test_nonresident_levels() -> None:
    assert {x.LOA4_NONRESIDENT, x.LOA3_NONRESIDENT, x.LOA2_NONRESIDENT} == NONRESIDENT


def test_foreign_levels_are_the_connectors_and_what_a_proxy_makes_of_them() -> None:
    uncertified = {x.UNCERTIFIED_EIDAS_HIGH, x.UNCERTIFIED_EIDAS_SUB, x.UNCERTIFIED_EIDAS_LOW}
    assert CONNECTOR_ONLY | uncertified == FOREIGN
    assert {x.UNCERTIFIED_LOA2, x.UNCERTIFIED_LOA3}.isdisjoint(FOREIGN)
