"""Queries of the Redirect binding whose parameters are not as they were signed."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from support.attack_peers import peer_keys
from support.attack_query import Query, sign_octets
from support.attack_world import World

UNREADABLE = "message-unreadable"
INVALID = "request-signature-invalid"
DEFLATE = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
Bend = Callable[[World, Query], str]


def perfect(world: World) -> Query:
    """A signed query with all its parameters."""
    return Query.of(world.e_service.request().xml(), relay_state="opaque").signed(world.e_service.keys)


def another(world: World) -> Query:
    """Another one of the same e-service."""
    return Query.of(world.e_service.request().xml(), relay_state="another").signed(world.e_service.keys)


def test_a_perfect_query_reaches_the_choice(world: World) -> None:
    assert world.start(perfect(world).text()).own_action("choice")


# --- which parameters ---------------------------------------------------------------------------------------------


def twice(name: str) -> Bend:
    return lambda world, query: query.adding(name, another(world).value(name)).text()


def twice_the_same(name: str) -> Bend:
    return lambda _, query: query.adding(name, query.value(name)).text()


def first_another(name: str) -> Bend:
    return lambda world, query: f"{name}={another(world).value(name)}&{query.text()}"


def in_disguise(name: str, disguise: str) -> Bend:
    return lambda world, query: f"{query.text()}&{disguise}={another(world).value(name)}"


def without(*names: str) -> Bend:
    return lambda _, query: query.without(*names).text()


def adding(name: str, value: str) -> Bend:
    return lambda _, query: query.adding(name, value).text()


def with_value(name: str, value: str) -> Bend:
    return lambda _, query: query.with_value(name, value).text()


REFUSED: dict[str, Bend] = {
    **{f"{name} twice": twice(name) for name in ("SAMLRequest", "RelayState", "Signature")},
    **{f"the same {name} twice": twice_the_same(name) for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature")},
    **{f"another {name} first": first_another(name) for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature")},
    "SAMLRequest in disguise": in_disguise("SAMLRequest", "%53AMLRequest"),
    "SAMLRequest in small letters": in_disguise("SAMLRequest", "samlrequest"),
    "RelayState in disguise": in_disguise("RelayState", "Relay%53tate"),
    "SigAlg in capitals": in_disguise("SigAlg", "SIGALG"),
    "Signature in disguise": in_disguise("Signature", "%53ignature"),
    "and a Response": adding("SAMLResponse", "PHg%2B"),
    "and an artifact": adding("SAMLart", "AAQA"),
    "and a parameter of no binding": adding("SAMLwhatever", "x"),
    "no SAMLRequest": without("SAMLRequest"),
    "SigAlg alone": without("Signature"),
    "Signature alone": without("SigAlg"),
    "another encoding": adding("SAMLEncoding", quote("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:ZIP")),
    "an empty encoding": adding("SAMLEncoding", ""),
    "encodings twice": lambda _, query: f"{query.text()}&SAMLEncoding={DEFLATE}&SAMLEncoding={DEFLATE}",
    "an empty SAMLRequest": with_value("SAMLRequest", ""),
    "an empty Signature": with_value("Signature", ""),
    "a Signature that is no base64": with_value("Signature", "!!!!"),
    "half an escape": lambda _, query: query.with_value("RelayState", "%2").text(),
    "an escape that is none": lambda _, query: query.with_value("RelayState", "%zz").text(),
    "a RelayState that is no text": lambda _, query: query.with_value("RelayState", "%ff%fe").text(),
    "nothing": without("SAMLRequest", "RelayState", "SigAlg", "Signature"),
    "separated by semicolons": lambda _, query: query.text().replace("&RelayState", ";RelayState"),
    "only separators": lambda _, query: "&" * len(query.pairs),
    "everything escaped once more": lambda _, query: quote(query.text(), safe=""),
}


@pytest.mark.parametrize("bend", REFUSED.values(), ids=REFUSED.keys())
def test_a_query_that_two_readers_could_read_in_two_ways_is_refused(world: World, bend: Bend) -> None:
    world.assert_refused(world.start(bend(world, perfect(world))), UNREADABLE)


# --- what was signed ----------------------------------------------------------------------------------------------


def signed_in_order(*names: str) -> Bend:
    """Signed over the parameters in this order, which is not that of the binding, and sent so."""

    def bend(world: World, query: Query) -> str:
        unsigned = query.without("Signature").ordered(*names)
        return unsigned.adding("Signature", signature(world, unsigned.text())).text()

    return bend


def signature(world: World, text: str) -> str:
    from_over = Query(()).signed(world.e_service.keys, over=text)
    return from_over.value("Signature")


def signed_over(*names: str) -> Bend:
    """Sent whole, signed over some of the parameters only."""

    def bend(world: World, query: Query) -> str:
        over = "&".join(f"{name}={query.value(name)}" for name in names)
        return query.with_value("Signature", signature(world, over)).text()

    return bend


def signed_unescaped(world: World, query: Query) -> str:
    raw = "&".join(f"{name}={value}" for name, value in query.without("Signature").pairs)
    return query.with_value("Signature", signature(world, raw.replace("%3A", ":").replace("%2F", "/"))).text()


def escaped_otherwise(_: World, query: Query) -> str:
    return query.with_value("SigAlg", query.value("SigAlg").replace("%3A", "%3a").replace("%2F", "%2f")).text()


def from_another(*names: str) -> Bend:
    def bend(world: World, query: Query) -> str:
        other = another(world)
        for name in names:
            query = query.with_value(name, other.value(name))
        return query.text()

    return bend


def without_relay_state(_: World, query: Query) -> str:
    return query.without("RelayState").text()


def with_an_empty_relay_state(_: World, query: Query) -> str:
    return query.with_value("RelayState", "").text()


def relay_state_added(world: World, _: Query) -> str:
    query = Query.of(world.e_service.request().xml(), relay_state=None).signed(world.e_service.keys)
    return query.adding("RelayState", "evil").text()


def unsigned(_: World, query: Query) -> str:
    return query.without("SigAlg", "Signature").text()


def by_a_stranger(_: World, query: Query) -> str:
    return query.without("SigAlg", "Signature").signed(peer_keys("stranger")).text()


def by_another_e_service(world: World, query: Query) -> str:
    return query.without("SigAlg", "Signature").signed(world.other_e_service.keys).text()


def by_an_upstream(world: World, query: Query) -> str:
    return query.without("SigAlg", "Signature").signed(world.upstream.keys).text()


def one_bit_off(world: World, query: Query) -> str:
    def flipped(keys: object, octets: bytes) -> bytes:
        good = bytearray(sign_octets(world.e_service.keys, octets))
        good[0] ^= 1
        return bytes(good)

    return query.without("SigAlg", "Signature").signed(world.e_service.keys, sign=flipped).text()


UNSIGNED: dict[str, Bend] = {
    "unsigned": unsigned,
    "by a stranger": by_a_stranger,
    "by another e-service": by_another_e_service,
    "by an upstream": by_an_upstream,
    "one bit off": one_bit_off,
    "RelayState of another": from_another("RelayState"),
    "SAMLRequest of another": from_another("SAMLRequest"),
    "Signature of another": from_another("Signature"),
    "RelayState and Signature of another": from_another("RelayState", "Signature"),
    "RelayState taken out": without_relay_state,
    "RelayState emptied": with_an_empty_relay_state,
    "RelayState put in": relay_state_added,
    "signed in another order": signed_in_order("RelayState", "SAMLRequest", "SigAlg"),
    "signed in yet another order": signed_in_order("SigAlg", "SAMLRequest", "RelayState"),
    "signed without SigAlg": signed_over("SAMLRequest", "RelayState"),
    "signed without RelayState": signed_over("SAMLRequest", "SigAlg"),
    "signed without the message": signed_over("RelayState", "SigAlg"),
    "signed unescaped": signed_unescaped,
    "escaped otherwise": escaped_otherwise,
}


@pytest.mark.parametrize("bend", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_a_query_that_its_e_service_did_not_sign_as_it_is_is_refused(world: World, bend: Bend) -> None:
    page = world.start(bend(world, perfect(world)))
    last = world.assert_refused(page, INVALID)
    assert last.form is not None
    assert last.form.action == world.e_service.acs  # told, and nobody else


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "none",
        "",
    ],
)
def test_another_algorithm_than_was_used_or_is_allowed_is_refused(world: World, algorithm: str) -> None:
    query = Query.of(world.e_service.request().xml()).signed(world.e_service.keys, algorithm=algorithm)
    world.assert_refused(world.start(query.text()), INVALID)


# --- what does not matter -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(
            lambda query: query.ordered("Signature", "RelayState", "SigAlg", "SAMLRequest").text(), id="order"
        ),
        pytest.param(lambda query: query.adding("utm_source", "x").text(), id="a parameter of somebody else"),
        pytest.param(lambda query: f"&{query.text()}&&", id="separators"),
        pytest.param(
            lambda query: query.adding("SAMLEncoding", quote(DEFLATE, safe="")).text(), id="the encoding named"
        ),
    ],
)
def test_a_query_in_another_order_or_with_company_reaches_the_choice(
    world: World, bend: Callable[[Query], str]
) -> None:
    assert world.start(bend(perfect(world))).own_action("choice")
