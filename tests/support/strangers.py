"""Peers with habits of their own, by xmlsec1: no category and no level declared, and all done a little differently."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from support import xmlsec1
from support.attack_crypto import x509_data
from support.attack_peers import (
    NS,
    EServicePeer,
    Rewrite,
    UpstreamPeer,
    key_descriptor,
    same,
)
from support.attack_query import private_key
from support.attack_world import Login
from support.ciphers import DIGESTS, XENC, Sealed, block_cipher
from support.key_pairs import KeyPair
from support.messages import (
    ECDSA_SHA256,
    OAEP,
    RSA_SHA256,
    AssertionDraft,
    RequestDraft,
    decrypted,
    signed_query,
)
from support.signatures import SignatureDraft

BLOCKS = {block_cipher(bits, mode): f"aes-{bits}" for mode in ("cbc", "gcm") for bits in (128, 192, 256)}
"""Ciphers, and what xmlsec1 calls their session keys."""


def algorithm_of(keys: KeyPair) -> str:
    """How `keys` sign."""
    return RSA_SHA256 if isinstance(private_key(keys.key), rsa.RSAPrivateKey) else ECDSA_SHA256


def sign(xml: str, element: str, identifier: str, keys: KeyPair) -> str:
    """`xml` with an enveloped signature after its first Issuer, whatever its prefix; by xmlsec1."""
    method = f'<ds:SignatureMethod Algorithm="{algorithm_of(keys)}"/>'
    template = SignatureDraft(method=method, uri=f'URI="#{identifier}"').xml()
    with_template = re.sub(r"(</(?:\w+:)?Issuer>)", lambda found: found[1] + template, xml, count=1)
    prefix, _, name = element.partition(":")
    return xmlsec1.sign(with_template, keys, "--id-attr:ID", f"{NS[prefix]}:{name}")


def with_keys(*descriptors: tuple[KeyPair, str | None]) -> Rewrite:
    """Metadata with these keys instead."""

    def rewrite(metadata: str) -> str:
        head, found, tail = metadata.partition("<md:KeyDescriptor")
        assert found
        rest = tail.rpartition("</md:KeyDescriptor>")[2]
        return head + "".join(key_descriptor(keys, use) for keys, use in descriptors) + rest

    return rewrite


@dataclass(frozen=True, slots=True)
class StrangeEService(EServicePeer):
    """An e-service that signs and reads with xmlsec1."""

    habit: Rewrite = same
    signer: KeyPair | None = None
    reader: KeyPair | None = None
    own_acs: str | None = None

    @property
    def acs(self) -> str:
        return self.own_acs or f"https://{self.name}.example.se/acs"

    def metadata(self) -> str:
        """Its own metadata, in its own way."""
        return self.habit(EServicePeer.metadata(self))

    def query(self, draft: RequestDraft | None = None, relay_state: str | None = "opaque") -> str:
        """The signed query string of a request by Redirect."""
        return signed_query((draft or self.request()).xml(), self.signer or self.keys, relay_state=relay_state).decode()

    def form(self, draft: RequestDraft, relay_state: str | None = "opaque", rewrite: Rewrite = same) -> dict[str, str]:
        """The fields of a signed request by POST; `rewrite` happens before signing."""
        xml = sign(rewrite(draft.xml()), "saml2p:AuthnRequest", draft.request_id, self.signer or self.keys)
        fields = {"SAMLRequest": base64.b64encode(xml.encode()).decode()}
        return fields if relay_state is None else {**fields, "RelayState": relay_state}

    def read(self, fields: dict[str, str]) -> etree._Element:
        """The Assertion in an answer, decrypted."""
        response = etree.fromstring(base64.b64decode(fields["SAMLResponse"]))
        sealed = response.find("saml2:EncryptedAssertion/xenc:EncryptedData", NS)
        assert sealed is not None
        return etree.fromstring(decrypted(etree.tostring(sealed), self.reader or self.keys).encode())


@dataclass(frozen=True, slots=True)
class StrangeUpstream(UpstreamPeer):
    """An IdP that signs and encrypts with xmlsec1."""

    habit: Rewrite = same
    signer: KeyPair | None = None
    block: str = f"{XENC}aes256-cbc"
    digest: str | None = None
    signs_assertion: bool = False
    assertion_habit: Callable[[AssertionDraft], AssertionDraft] = same
    assertion_text: Rewrite = same
    response_text: Rewrite = same

    def metadata(self) -> str:
        """Its own metadata, in its own way."""
        return self.habit(UpstreamPeer.metadata(self))

    def answer(self, login: Login) -> str:
        """The signed Response to the broker's question."""
        draft = self.assertion_habit(self.assertion(login.asked))
        keys = self.signer or self.keys
        text = self.assertion_text(draft.xml())
        if self.signs_assertion:
            text = sign(text, "saml2:Assertion", draft.assertion_id, keys)
        response = self.response(login.asked, self._sealed(text, login.world.broker_certificate))
        return sign(self.response_text(response.xml()), "saml2p:Response", response.response_id, keys)

    def _sealed(self, text: str, certificate: bytes) -> str:
        keys = KeyPair(key=b"", certificate=certificate)
        if self.digest not in (None, "sha1"):  # which Debian's xmlsec1 cannot do yet
            bits, _, mode = self.block.rpartition("aes")[2].partition("-")
            return Sealed(keys=keys, plain=text.encode(), bits=int(bits), mode=mode, digest=self.digest).xml()
        digest = f'<ds:DigestMethod Algorithm="{DIGESTS[self.digest]}"/>' if self.digest else ""
        template = (
            f'<xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element">'
            f'<xenc:EncryptionMethod Algorithm="{self.block}"/><ds:KeyInfo xmlns:ds="{NS["ds"]}"><xenc:EncryptedKey>'
            f'<xenc:EncryptionMethod Algorithm="{OAEP}">{digest}</xenc:EncryptionMethod>'
            f"<ds:KeyInfo>{x509_data(keys)}</ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>"
            "</xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
        )
        data = xmlsec1.encrypt(text, template, keys, BLOCKS[self.block])
        return f"<saml2:EncryptedAssertion>{data}</saml2:EncryptedAssertion>"
