"""HTTP-Redirect: a deflated message in the query, signed over the octets that were sent.

ECDSA signatures: the algorithm's URI says r‖s (RFC 6931 2.3.6), and xmlsec and the Shibboleth SP write that. OpenSAML
and with it nearly every IdP and SP in Java hand the octets to `SHA256withECDSA`, which means DER, and can neither read
nor write the other form. Both forms encode the same two numbers, so both are read; DER is written, because the
upstreams that can verify ECDSA here at all are Java.

Spec: SAML bindings 3.4, errata E7 and E71.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from broker.core.errors import MessageUnreadable
from broker.messages.entity import PeerKey
from broker.saml.algorithms import ACCEPTED_SIGNATURES, SIGNATURES, SignatureAlgorithm
from broker.saml.keys import OwnKey, PublicKey, find_peer_key
from broker.saml.signature_shape import SignatureRejected
from broker.saml.xml import MESSAGE_BOUNDS
from broker.vocabulary.identifiers import DEFLATE_ENCODING

REQUEST = "SAMLRequest"

_MAX_QUERY = 256 * 1024
_KNOWN = (b"SAMLRequest", b"SAMLResponse", b"SAMLEncoding", b"SAMLart", b"RelayState", b"SigAlg", b"Signature")
_LOOKS_LIKE_OURS = re.compile(rb"saml.*|relaystate|sigalg|signature", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(rb"(?:[^%]|%[0-9A-Fa-f]{2})*")
_BASE64_ESCAPES = str.maketrans({"+": "%2B", "/": "%2F", "=": "%3D"})
_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectMessage:
    """A message of the Redirect binding, decoded; nothing about it is verified.

    `signed_octets` are exactly as received, in the order that the binding prescribes; None with the other two when
    the query is unsigned.
    """

    xml: bytes
    relay_state: str | None
    signed_octets: bytes | None
    signature_algorithm: str | None
    signature: bytes | None


def decode_request(raw_query: bytes) -> RedirectMessage:
    """The message in `raw_query`, the query string exactly as received.

    Raises:
        MessageUnreadable: not one AuthnRequest deflated within bounds; a parameter of the binding given twice, half
            or in disguise.
    """
    raw = _parameters(raw_query)
    if REQUEST not in raw or "SAMLResponse" in raw or "SAMLart" in raw:
        raise MessageUnreadable("the query is not one request")
    if _text(raw.get("SAMLEncoding"), "SAMLEncoding") not in (None, DEFLATE_ENCODING):
        raise MessageUnreadable("SAMLEncoding is not DEFLATE")
    if ("SigAlg" in raw) != ("Signature" in raw):
        raise MessageUnreadable("SigAlg and Signature belong together")
    signed = "Signature" in raw
    return RedirectMessage(
        xml=_inflate(_base64(raw[REQUEST], REQUEST)),
        relay_state=_text(raw.get("RelayState"), "RelayState"),
        signed_octets=_signed_octets(raw) if signed else None,
        signature_algorithm=_text(raw.get("SigAlg"), "SigAlg"),
        signature=_base64(raw["Signature"], "Signature") if signed else None,
    )


def verify(
    message: RedirectMessage, keys: Sequence[PeerKey], *, accepted: Collection[str] = ACCEPTED_SIGNATURES
) -> str:
    """The id (SHA-256 of the certificate, hex) of the key among `keys` that signed the query.

    Raises:
        SignatureRejected: unsigned, with an algorithm that is refused, or not by any of `keys`.

    Spec: SAML bindings 3.4.4.1; Sweden Connect Deployment Profile 5.2 and 8.
    """
    if message.signed_octets is None or message.signature is None or message.signature_algorithm is None:
        raise SignatureRejected("the query is not signed")
    algorithm = SIGNATURES.get(message.signature_algorithm)
    if algorithm is None or message.signature_algorithm not in accepted:
        raise SignatureRejected("the signature algorithm is refused")
    for key in keys:
        public = find_peer_key(key, algorithm.key_type)
        if public is not None and _verifies(public, algorithm, message.signature, message.signed_octets):
            return key.fingerprint
    raise SignatureRejected("the signature does not verify with any key of the peer")


def encode(
    message: bytes, *, field: str, relay_state: str | None, key: OwnKey, algorithm: str, destination: str
) -> str:
    """The URL that carries `message` to `destination`, signed.

    Raises:
        ValueError: `key` does not fit `algorithm`.
    """
    deflate = zlib.compressobj(level=9, wbits=-zlib.MAX_WBITS)
    compressed = deflate.compress(message) + deflate.flush()
    parts = [f"{field}={_quoted_base64(compressed)}"]
    if relay_state:
        parts.append(f"RelayState={_quoted(relay_state.encode())}")
    parts.append(f"SigAlg={_quoted(algorithm.encode())}")
    signature = _sign(key, SIGNATURES[algorithm], "&".join(parts).encode("ascii"))
    parts.append(f"Signature={_quoted_base64(signature)}")
    return f"{destination}{'&' if '?' in destination else '?'}{'&'.join(parts)}"


# --- the query -------------------------------------------------------------------------------------------------


def _parameters(raw_query: bytes) -> dict[str, bytes]:
    """The binding's parameters, values as received. Others are not ours to judge, unless they look like these."""
    if len(raw_query) > _MAX_QUERY:
        raise MessageUnreadable("the query is too large")
    found: dict[str, bytes] = {}
    for pair in raw_query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if not _LOOKS_LIKE_OURS.fullmatch(unquote_to_bytes(name)):
            continue
        # Written otherwise (another case, escaped), another reader of the query may or may not take it for ours.
        if name not in _KNOWN or name.decode("ascii") in found:
            raise MessageUnreadable("a parameter of the binding is given twice or in disguise")
        found[name.decode("ascii")] = value
    return found


def _signed_octets(raw: dict[str, bytes]) -> bytes:
    names = (REQUEST, "RelayState", "SigAlg")
    return b"&".join(name.encode("ascii") + b"=" + raw[name] for name in names if name in raw)


def _octets(raw: bytes, name: str) -> bytes:
    if not _ESCAPED.fullmatch(raw):
        raise MessageUnreadable(f"{name} is not escaped properly")
    return unquote_to_bytes(raw.replace(b"+", b" "))


def _text(raw: bytes | None, name: str) -> str | None:
    if raw is None:
        return None
    try:
        return _octets(raw, name).decode("utf-8")
    except UnicodeDecodeError:
        raise MessageUnreadable(f"{name} is no text") from None


def _base64(raw: bytes, name: str) -> bytes:
    try:
        value = base64.b64decode(_octets(raw, name), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value:
        raise MessageUnreadable(f"{name} is no base64")
    return value


def _inflate(data: bytes) -> bytes:
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        xml = inflate.decompress(data, MESSAGE_BOUNDS.max_bytes + 1)
    except zlib.error:
        raise MessageUnreadable("the message does not inflate") from None
    if len(xml) > MESSAGE_BOUNDS.max_bytes:
        raise MessageUnreadable("the message is too large")
    if not inflate.eof or inflate.unused_data:
        raise MessageUnreadable("the message does not inflate")
    return xml


def _quoted(value: bytes) -> str:
    return quote(value, safe="")


def _quoted_base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii").translate(_BASE64_ESCAPES)  # a tenth of what `quote` takes


# --- the signature ---------------------------------------------------------------------------------------------


def _sign(key: OwnKey, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
    if algorithm.key_type != key.key_type:
        raise ValueError("the key does not fit the signature algorithm")
    digest = _HASHES[algorithm.digest]()
    if isinstance(key.private_key, rsa.RSAPrivateKey):
        return key.private_key.sign(data, _rsa_padding(algorithm), digest)
    return key.private_key.sign(data, ec.ECDSA(digest))


def _verifies(public: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
    digest = _HASHES[algorithm.digest]()
    if isinstance(public, rsa.RSAPublicKey):
        try:
            public.verify(signature, data, _rsa_padding(algorithm), digest)
        except InvalidSignature:
            return False
        return True
    return any(_verifies_ec(public, form, data, digest) for form in _der_forms(public, signature))


def _verifies_ec(public: ec.EllipticCurvePublicKey, der: bytes, data: bytes, digest: hashes.HashAlgorithm) -> bool:
    try:
        public.verify(der, data, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _der_forms(public: ec.EllipticCurvePublicKey, signature: bytes) -> list[bytes]:
    """`signature` as DER, and as DER of what it says when it is r‖s."""
    half = (public.curve.key_size + 7) // 8
    if len(signature) != 2 * half:
        return [signature]
    numbers = (int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    return [encode_dss_signature(*numbers), signature]


def _rsa_padding(algorithm: SignatureAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.pss:
        digest = _HASHES[algorithm.digest]()
        return padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    return padding.PKCS1v15()
