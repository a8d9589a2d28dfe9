"""The Redirect binding: the query as received, its signature, and the URL that we write."""

import base64
import zlib
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from support.key_pairs import KeyPair
from support.keys import key_pair, own_key
from support.saml_peers import peer_key

from broker.core.errors import MessageUnreadable
from broker.saml import redirect
from broker.saml.algorithms import (
    ACCEPTED_SIGNATURES,
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    PSS_SHA256,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    SIGNATURES,
)
from broker.saml.signature_shape import SignatureRejected
from broker.saml.xml import MESSAGE_BOUNDS

PEER = key_pair("rsa2048")
EC_PEER = key_pair("p256")
STRANGER = key_pair("rsa2048", "stranger")
XML = b'<saml2p:AuthnRequest xmlns:saml2p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_1"/>'
SHA: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
KIND = {"RSA": "rsa2048", "EC": "p256"}


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def escaped(data: bytes) -> str:
    return quote(base64.b64encode(data), safe="")


REQUEST = f"SAMLRequest={escaped(deflated(XML))}"


def signature(octets: bytes, pair: KeyPair, algorithm: str, *, raw: bool = True) -> bytes:
    """What a peer computes over `octets`."""
    key = serialization.load_pem_private_key(pair.key, password=None)
    digest = SHA[SIGNATURES[algorithm].digest]()
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(octets, pss if SIGNATURES[algorithm].pss else padding.PKCS1v15(), digest)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    der = key.sign(octets, ec.ECDSA(digest))
    size = (key.curve.key_size + 7) // 8
    return b"".join(number.to_bytes(size) for number in decode_dss_signature(der)) if raw else der


def signed(query: str = REQUEST, pair: KeyPair = PEER, algorithm: str = RSA_SHA256, *, raw: bool = True) -> bytes:
    """`query` with SigAlg and the signature over it."""
    octets = f"{query}&SigAlg={quote(algorithm, safe='')}"
    return f"{octets}&Signature={escaped(signature(octets.encode(), pair, algorithm, raw=raw))}".encode()


def verified(query: bytes, *pairs: KeyPair) -> str:
    return redirect.verify(redirect.decode_request(query), [peer_key(pair) for pair in pairs])


# --- the query -------------------------------------------------------------------------------------------------


def test_an_unsigned_request_is_decoded() -> None:
    message = redirect.decode_request(f"{REQUEST}&RelayState=a%20b%2B%C3%A5".encode())
    assert message == redirect.RedirectMessage(
        xml=XML, relay_state="a b+å", signed_octets=None, signature_algorithm=None, signature=None
    )


@pytest.mark.parametrize(("written", "meant"), [("", None), ("&RelayState=", ""), ("&RelayState=a+b", "a b")])
def test_relay_state_is_absent_empty_or_decoded(written: str, meant: str | None) -> None:
    assert redirect.decode_request(f"{REQUEST}{written}".encode()).relay_state == meant


def test_the_signed_octets_are_the_received_ones_in_the_order_of_the_binding() -> None:
    # Lower-case escapes, escapes without need: re-encoding would give other octets (errata E7).
    pieces = [b"Signature=QQ%3d%3d", b"SigAlg=%75rn%3ax", b"lang=sv", REQUEST.encode(), b"RelayState=%61%2f"]
    message = redirect.decode_request(b"&".join(pieces))
    assert message.signed_octets == REQUEST.encode() + b"&RelayState=%61%2f&SigAlg=%75rn%3ax"
    assert (message.signature_algorithm, message.signature, message.relay_state) == ("urn:x", b"A", "a/")


def test_parameters_of_others_are_nobodys_business() -> None:
    query = b"&&utm_source=x&utm_source=y&%ff=%zz&" + signed() + b"&lang&=&"
    assert verified(query, PEER) == peer_key(PEER).fingerprint


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("lang=sv", id="no request"),
        pytest.param(f"{REQUEST}&{REQUEST}", id="the request twice"),
        pytest.param(f"{REQUEST}&SAMLRequest=", id="the request twice, once empty"),
        pytest.param(f"{REQUEST}&RelayState=a&RelayState=a", id="RelayState twice"),
        pytest.param(f"{REQUEST}&SigAlg=a&SigAlg=b&Signature=QQ==", id="SigAlg twice"),
        pytest.param(f"{REQUEST}&SigAlg=a&Signature=QQ==&Signature=QQ==", id="Signature twice"),
        pytest.param(f"{REQUEST}&SAMLResponse=QQ==", id="a response too"),
        pytest.param(f"{REQUEST}&SAMLart=QQ==", id="an artifact too"),
        pytest.param(f"{REQUEST}&SAMLOther=1", id="an unknown SAML parameter"),
        pytest.param(f"{REQUEST}&samlrequest=QQ==", id="the request in lower case"),
        pytest.param(f"{REQUEST}&SAML%52equest=QQ==", id="the request escaped"),
        pytest.param(f"{REQUEST}&relaystate=a", id="RelayState in lower case"),
        pytest.param(f"{REQUEST}&RelayStat%65=a", id="RelayState escaped"),
        pytest.param(f"{REQUEST}&SIGALG=a", id="SigAlg in capitals"),
        pytest.param(f"{REQUEST}&SigAlg=a", id="SigAlg without Signature"),
        pytest.param(f"{REQUEST}&Signature=QQ==", id="Signature without SigAlg"),
        pytest.param(f"{REQUEST}&SAMLEncoding=urn:x", id="another encoding"),
        pytest.param(f"{REQUEST}&SAMLEncoding=", id="an empty encoding"),
        pytest.param(f"{REQUEST}&RelayState=%ff", id="RelayState is no UTF-8"),
        pytest.param(f"{REQUEST}&RelayState=%4", id="half an escape"),
        pytest.param(f"{REQUEST}&RelayState=%zz", id="no escape"),
        pytest.param("SAMLRequest=", id="an empty request"),
        pytest.param("SAMLRequest=!!!!", id="no base64"),
        pytest.param(f"SAMLRequest=%0A{escaped(deflated(XML))}", id="a line break in base64"),
        pytest.param(f"SAMLRequest={base64.urlsafe_b64encode(b'?' * 9).decode()}", id="base64url"),
        pytest.param(f"SAMLRequest={quote(base64.b64encode(deflated(XML)).decode().rstrip('='))}A", id="cut base64"),
        pytest.param(f"SAMLRequest={escaped(XML)}", id="not deflated"),
        pytest.param(f"SAMLRequest={escaped(zlib.compress(XML))}", id="zlib instead of raw deflate"),
        pytest.param(f"SAMLRequest={escaped(deflated(XML)[:-3])}", id="cut short"),
        pytest.param(f"SAMLRequest={escaped(deflated(XML) + b'more')}", id="something after"),
        pytest.param(f"{REQUEST}&SigAlg=a&Signature=!", id="a signature that is no base64"),
    ],
)
def test_anything_but_one_plain_request_is_refused(query: str) -> None:
    with pytest.raises(MessageUnreadable):
        redirect.decode_request(query.encode())


def test_the_one_encoding_may_be_named() -> None:
    query = f"{REQUEST}&SAMLEncoding=urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings%3AURL-Encoding%3ADEFLATE"
    assert redirect.decode_request(query.encode()).xml == XML


def test_a_message_that_inflates_beyond_the_bound_is_refused_early() -> None:
    bomb = deflated(b"\0" * (32 * 1024 * 1024))
    assert len(bomb) < 256 * 1024
    with pytest.raises(MessageUnreadable, match="too large"):
        redirect.decode_request(f"SAMLRequest={escaped(bomb)}".encode())


def test_a_message_may_be_as_large_as_the_bound() -> None:
    largest = b"x" * MESSAGE_BOUNDS.max_bytes
    assert len(redirect.decode_request(f"SAMLRequest={escaped(deflated(largest))}".encode()).xml) == len(largest)
    with pytest.raises(MessageUnreadable, match="too large"):
        redirect.decode_request(f"SAMLRequest={escaped(deflated(largest + b'x'))}".encode())


def test_an_endless_query_is_not_read() -> None:
    with pytest.raises(MessageUnreadable, match="too large"):
        redirect.decode_request(b"a" * (256 * 1024 + 1))


# --- the signature ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [RSA_SHA256, RSA_SHA384, RSA_SHA512])
def test_rsa_verifies(algorithm: str) -> None:
    assert verified(signed(algorithm=algorithm), STRANGER, PEER) == peer_key(PEER).fingerprint


@pytest.mark.parametrize("raw", [True, False], ids=["r and s", "DER"])
@pytest.mark.parametrize("algorithm", [ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512])
@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_ecdsa_verifies_in_both_forms(kind: str, algorithm: str, *, raw: bool) -> None:
    pair = key_pair(kind)
    assert verified(signed(pair=pair, algorithm=algorithm, raw=raw), PEER, pair) == peer_key(pair).fingerprint


def test_relay_state_is_covered() -> None:
    query = signed(f"{REQUEST}&RelayState=a%2fb")
    assert verified(query, PEER)
    for changed in (query.replace(b"%2f", b"%2F"), query.replace(b"&RelayState=a%2fb", b"")):
        with pytest.raises(SignatureRejected):
            verified(changed, PEER)


def test_the_order_of_the_query_does_not_matter() -> None:
    pieces = signed(f"{REQUEST}&RelayState=abc").split(b"&")
    assert verified(b"&".join(reversed(pieces)), PEER)


def test_an_added_relay_state_is_noticed() -> None:
    with pytest.raises(SignatureRejected):
        verified(signed() + b"&RelayState=injected", PEER)


def changed_signature(query: bytes) -> bytes:
    head, _, value = query.rpartition(b"&Signature=")
    octets = bytearray(base64.b64decode(value.replace(b"%3D", b"=").replace(b"%2B", b"+").replace(b"%2F", b"/")))
    octets[-1] ^= 1
    return head + f"&Signature={escaped(bytes(octets))}".encode()


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(REQUEST.encode(), id="unsigned"),
        pytest.param(signed(pair=STRANGER), id="another key"),
        pytest.param(changed_signature(signed()), id="a changed RSA signature"),
        pytest.param(changed_signature(signed(pair=EC_PEER, algorithm=ECDSA_SHA256)), id="changed r and s"),
        pytest.param(changed_signature(signed(pair=EC_PEER, algorithm=ECDSA_SHA256, raw=False)), id="changed DER"),
        pytest.param(
            f"{REQUEST}&SigAlg={quote(ECDSA_SHA256, safe='')}&Signature={escaped(bytes(64))}".encode(), id="zeroes"
        ),
        pytest.param(
            f"{REQUEST}&SigAlg={quote(ECDSA_SHA256, safe='')}&Signature={escaped(b'0')}".encode(), id="one octet"
        ),
        pytest.param(signed().replace(b"rsa-sha256", b"rsa-sha512"), id="another algorithm"),
        pytest.param(signed().replace(b"rsa-sha256", b"hmac-sha256"), id="HMAC"),
        pytest.param(
            signed().replace(b"2001%2F04%2Fxmldsig-more%23rsa-sha256", b"2000%2F09%2Fxmldsig%23rsa-sha1"), id="SHA-1"
        ),
        pytest.param(signed(algorithm=PSS_SHA256), id="PSS"),
        pytest.param(signed(pair=key_pair("rsa1024")), id="a short key"),
    ],
)
def test_whatever_does_not_verify_is_rejected(query: bytes) -> None:
    with pytest.raises(SignatureRejected):
        verified(query, PEER, EC_PEER, key_pair("rsa1024"))


def test_pss_counts_for_a_side_that_has_declared_it() -> None:
    message = redirect.decode_request(signed(algorithm=PSS_SHA256))
    assert redirect.verify(message, [peer_key(PEER)], accepted={PSS_SHA256}) == peer_key(PEER).fingerprint


# --- what we write ---------------------------------------------------------------------------------------------


def written(algorithm: str = RSA_SHA256, *, relay_state: str | None = "abc", destination: str = "https://idp/") -> str:
    return redirect.encode(
        XML,
        field="SAMLRequest",
        relay_state=relay_state,
        key=own_key(key_pair(KIND[SIGNATURES[algorithm].key_type])),
        algorithm=algorithm,
        destination=destination,
    )


@pytest.mark.parametrize("algorithm", sorted(ACCEPTED_SIGNATURES))
def test_what_we_write_verifies_by_the_book(algorithm: str) -> None:
    query = urlsplit(written(algorithm)).query
    octets, _, _ = query.partition("&Signature=")
    given = parse_qs(query, strict_parsing=True)
    assert given["SigAlg"] == [algorithm]
    assert zlib.decompress(base64.b64decode(given["SAMLRequest"][0]), wbits=-15) == XML
    value = base64.b64decode(given["Signature"][0])
    public = own_key(key_pair(KIND[SIGNATURES[algorithm].key_type])).private_key.public_key()
    digest = SHA[SIGNATURES[algorithm].digest]()
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(value, octets.encode(), padding.PKCS1v15(), digest)
    else:
        public.verify(value, octets.encode(), ec.ECDSA(digest))  # DER, as Java peers want it


@pytest.mark.parametrize("algorithm", [RSA_SHA256, ECDSA_SHA256])
def test_we_verify_what_we_write(algorithm: str) -> None:
    pair = key_pair(KIND[SIGNATURES[algorithm].key_type])
    assert verified(urlsplit(written(algorithm, relay_state="å &=")).query.encode(), pair)


def test_parameters_stand_in_the_order_of_the_binding() -> None:
    names = [pair.partition("=")[0] for pair in urlsplit(written()).query.split("&")]
    assert names == ["SAMLRequest", "RelayState", "SigAlg", "Signature"]


@pytest.mark.parametrize("relay_state", [None, ""])
def test_no_relay_state_leaves_no_parameter(relay_state: str | None) -> None:
    assert "RelayState" not in written(relay_state=relay_state)


def test_a_destination_with_a_query_keeps_it() -> None:
    url = written(destination="https://idp/sso?tenant=1")
    assert url.startswith("https://idp/sso?tenant=1&SAMLRequest=")


def test_a_key_that_does_not_fit_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        redirect.encode(
            XML,
            field="SAMLRequest",
            relay_state=None,
            key=own_key(PEER),
            algorithm=ECDSA_SHA256,
            destination="https://idp/",
        )
