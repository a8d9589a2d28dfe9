"""Query strings of the HTTP-Redirect binding, parameter by parameter."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from support.key_pairs import KeyPair
from support.messages import ECDSA_SHA256, RSA_SHA256

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def private_key(pem: bytes) -> PrivateKey:
    """Loaded once: OpenSSL takes a tenth of a second to check an RSA key."""
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, PrivateKey)
    return key


def sign_octets(keys: KeyPair, octets: bytes) -> bytes:
    """RSA PKCS#1 v1.5 or ECDSA (as DER), with SHA-256."""
    key = private_key(keys.key)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(octets, ec.ECDSA(hashes.SHA256()))


def deflated(octets: bytes) -> bytes:
    """Raw DEFLATE."""
    deflate = zlib.compressobj(level=9, wbits=-15)
    return deflate.compress(octets) + deflate.flush()


def escaped(octets: bytes) -> str:
    """Base64 in a query."""
    return quote(base64.b64encode(octets), safe="")


@dataclass(frozen=True, slots=True)
class Query:
    """Parameters in the order of sending, values escaped already."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, xml: str | bytes, *, relay_state: str | None = "opaque", name: str = "SAMLRequest") -> "Query":
        """An unsigned message."""
        octets = xml.encode() if isinstance(xml, str) else xml
        relay = () if relay_state is None else (("RelayState", quote(relay_state, safe="")),)
        return cls(((name, escaped(deflated(octets))), *relay))

    def signed(
        self,
        keys: KeyPair,
        *,
        algorithm: str | None = None,
        sign: Callable[[KeyPair, bytes], bytes] = sign_octets,
        over: str | None = None,
    ) -> "Query":
        """With SigAlg, and a Signature over everything so far, or over `over`."""
        if algorithm is None:
            algorithm = RSA_SHA256 if isinstance(private_key(keys.key), rsa.RSAPrivateKey) else ECDSA_SHA256
        query = self.adding("SigAlg", quote(algorithm, safe=""))
        return query.adding("Signature", escaped(sign(keys, (query.text() if over is None else over).encode())))

    def adding(self, name: str, value: str) -> "Query":
        """With one parameter more, at the end."""
        return Query((*self.pairs, (name, value)))

    def without(self, *names: str) -> "Query":
        """Without these parameters."""
        return Query(tuple(pair for pair in self.pairs if pair[0] not in names))

    def with_value(self, name: str, value: str) -> "Query":
        """With another value in the same place."""
        assert any(pair[0] == name for pair in self.pairs)
        return Query(tuple((key, value if key == name else old) for key, old in self.pairs))

    def ordered(self, *names: str) -> "Query":
        """The same parameters in another order."""
        assert sorted(names) == sorted(name for name, _ in self.pairs)
        return replace(self, pairs=tuple((name, self.value(name)) for name in names))

    def value(self, name: str) -> str:
        """The escaped value of the first `name`."""
        return next(value for key, value in self.pairs if key == name)

    def text(self) -> str:
        """The query string."""
        return "&".join(f"{name}={value}" for name, value in self.pairs)
