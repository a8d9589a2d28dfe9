"""InboundMessage → VerifiedAssertion, or the status of an upstream that says no.

`take_response` parses; `verify_response` checks the signature with the keys of the upstream that was asked, whoever
the message claims to be from; what follows reads the bytes that this signature covers, or what decrypts from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree
from saml2 import saml, samlp

from broker.core.errors import (
    AssertionUnacceptable,
    AssertionUndecryptable,
    MessageUnreadable,
    UpstreamSignatureInvalid,
)
from broker.messages.assertion import VerifiedAssertion
from broker.messages.entity import PeerKey
from broker.messages.inbound import Binding, InboundMessage
from broker.saml import encryption, post, signature
from broker.saml.checks import ResponseHead
from broker.saml.elements import read_element, tag_of
from broker.saml.keys import DecryptionKey
from broker.saml.lexical import Malformed, read_instant, read_uri, read_uri_if_given
from broker.saml.read_assertion import read_content
from broker.saml.xml import DS_SIGNATURE, canonicalise, parse_verified, parse_wire
from broker.vocabulary.statuses import SUCCESS

FIELD = "SAMLResponse"

_ASSERTION = tag_of(saml.Assertion)
_ENCRYPTED_ASSERTION = tag_of(saml.EncryptedAssertion)
_UNDECRYPTABLE = "the assertion does not decrypt to an Assertion"
_MAX_STATUS_CODES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedResponse:
    """A Response whose signature holds. `encrypted` and `plain` count for nothing before the status is known."""

    head: ResponseHead
    codes: tuple[str, ...]  # status codes, outermost first
    encrypted: tuple[etree._Element, ...]
    plain: int  # how many unencrypted assertions there are
    upstream: str  # who was asked; for the log
    keys: tuple[PeerKey, ...]
    signature_algorithm: str
    key_id: str

    @property
    def succeeded(self) -> bool:
        """Whether the upstream says that somebody was authenticated."""
        return self.codes[0] == SUCCESS


def take_response(message: InboundMessage) -> etree._Element:
    """Decode and parse, within limits. Nothing is verified.

    Raises:
        MessageUnreadable: no bounded, well-formed Response that came by POST.
    """
    if message.binding is not Binding.POST:
        raise MessageUnreadable("a Response comes by POST")
    root = parse_wire(post.decode(message.fields, FIELD))
    if root.tag != tag_of(samlp.Response):
        raise MessageUnreadable("not a Response")
    return root


def verify_response(root: etree._Element, upstream: str, keys: Sequence[PeerKey]) -> VerifiedResponse:
    """Check the signature of the Response, and read what it covers. A signed assertion alone is not enough.

    Raises:
        UpstreamSignatureInvalid: unsigned, or not signed with any of `keys`, or in a form that we refuse.
        AssertionUnacceptable: signed, and yet no Response by the schema.

    Spec: Sweden Connect Deployment Profile 6.1 and 6.3.1.
    """
    try:
        verified = signature.verify_enveloped(root, keys)
    except signature.SignatureRejected as rejected:
        raise UpstreamSignatureInvalid(f"{upstream}: {rejected.detail}") from None
    try:
        covered = parse_verified(verified.data)
        head, codes = read_head_and_codes(covered)
        return VerifiedResponse(
            head=head,
            codes=codes,
            encrypted=tuple(covered.findall(_ENCRYPTED_ASSERTION)),
            plain=len(covered.findall(_ASSERTION)),
            upstream=upstream,
            keys=tuple(keys),
            signature_algorithm=verified.signature_algorithm,
            key_id=verified.key_id,
        )
    except (Malformed, MessageUnreadable) as malformed:
        raise AssertionUnacceptable(f"{upstream}: {malformed.detail}") from None


def read_assertion(response: VerifiedResponse, keys: Sequence[DecryptionKey]) -> VerifiedAssertion:
    """Decrypt and read the one assertion. What it says is not judged here.

    Raises:
        AssertionUndecryptable: not exactly one, not encrypted, or not to us.
        UpstreamSignatureInvalid: the assertion has a signature of its own, which does not hold.
        AssertionUnacceptable: decrypted, and yet no Assertion of the profile.

    Spec: Sweden Connect Deployment Profile 6.1 and 6.3.1.
    """
    if response.plain or len(response.encrypted) != 1:
        raise AssertionUndecryptable(f"{response.upstream}: not exactly one assertion, encrypted")
    try:
        opened = encryption.decrypt_assertion(response.encrypted[0], keys)
        root = parse_verified(opened.data)
    except (encryption.DecryptionRejected, MessageUnreadable):
        raise AssertionUndecryptable(f"{response.upstream}: {_UNDECRYPTABLE}") from None
    if root.tag != _ASSERTION:
        raise AssertionUndecryptable(f"{response.upstream}: {_UNDECRYPTABLE}")
    try:
        if root.find(f".//{DS_SIGNATURE}") is not None:
            data = signature.verify_enveloped(root, response.keys).data
        else:
            data = canonicalise(root)  # the Response's signature covers it; its comments must not cut values short
        return read_content(
            parse_verified(data),
            signature_algorithm=response.signature_algorithm,
            encryption_algorithm=f"{opened.block_algorithm} {opened.key_algorithm}",
            key_id=response.key_id,
        )
    except signature.SignatureRejected as rejected:
        raise UpstreamSignatureInvalid(f"{response.upstream}: assertion: {rejected.detail}") from None
    except (Malformed, MessageUnreadable) as malformed:
        raise AssertionUnacceptable(f"{response.upstream}: {malformed.detail}") from None


# --- the Response ----------------------------------------------------------------------------------------------


def read_head_and_codes(root: etree._Element) -> tuple[ResponseHead, tuple[str, ...]]:
    """What the Response under `root` says about itself, and its status codes. Assertions are not looked into.

    Raises:
        Malformed: no Response by the schema.
    """
    response = read_element(samlp.Response, root, unread=(_ASSERTION,))
    if response.issuer is None:
        raise Malformed("no Issuer")
    if response.status is None or response.status.status_code is None:
        raise Malformed("no Status")
    head = ResponseHead(
        issuer=read_uri(response.issuer.text, "Issuer"),
        version=str(response.version),
        destination=read_uri_if_given(response.destination, "Destination"),
        in_response_to=response.in_response_to,
        issue_instant=read_instant(response.issue_instant, "IssueInstant"),
    )
    return head, _codes(response.status)


def _codes(status: Any) -> tuple[str, ...]:
    codes: list[str] = []
    code = status.status_code
    while code is not None:
        if len(codes) == _MAX_STATUS_CODES:
            raise Malformed("too many StatusCodes")
        codes.append(read_uri(code.value, "StatusCode"))
        code = code.status_code
    return tuple(codes)
