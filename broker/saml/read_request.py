"""InboundMessage → VerifiedAuthnRequest.

Two steps, because the keys that verify a request depend on who says to have sent it: `take_request` parses and
believes nothing, `ArrivedRequest.verify` checks the signature and reads only what it covers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree
from saml2 import saml, samlp

from broker.core.errors import MessageUnreadable, RequestSignatureInvalid
from broker.core.login import EntityId
from broker.messages.authn_request import VerifiedAuthnRequest
from broker.messages.entity import PeerKey
from broker.messages.inbound import Binding, InboundMessage
from broker.saml import post, redirect, signature
from broker.saml.elements import read_element, tag_of
from broker.saml.lexical import (
    Malformed,
    read_boolean,
    read_id,
    read_index,
    read_instant,
    read_number,
    read_uri,
    read_uri_if_given,
)
from broker.saml.xml import CSIG, DS_SIGNATURE, PSC, canonicalise, parse_verified, parse_wire

FIELD = "SAMLRequest"
MAX_RELAY_STATE = 4096  # the specification says 80 bytes; real e-services put whole URLs into it

_UNREAD = frozenset(map(tag_of, (saml.Subject, saml.Conditions)))
_EXTENSIONS = tag_of(samlp.Extensions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedRequest:
    """A parsed AuthnRequest. What it claims is good for finding the keys and, in metadata, the ACS to refuse it at."""

    issuer: str
    request_id: str
    acs_url: str | None
    acs_index: int | None
    relay_state: str | None
    root: etree._Element  # as it came: what a signature is checked on
    canonical: bytes
    query: redirect.RedirectMessage | None  # None for POST

    def verify(self, keys: Sequence[PeerKey]) -> VerifiedAuthnRequest:
        """Check the signature with the issuer's keys, and read what it covers.

        Raises:
            RequestSignatureInvalid: unsigned, or not signed with any of `keys`, or in a form that we refuse.
            MessageUnreadable: signed, and yet no AuthnRequest by the schema.

        Spec: SAML bindings 3.4.4.1 and 3.5; Sweden Connect Deployment Profile 5.2.
        """
        try:
            data, algorithm, key_id = self._verified(keys)
        except signature.SignatureRejected as rejected:
            raise RequestSignatureInvalid(f"{self.issuer}: {rejected.detail}") from None
        try:
            request = read_content(
                parse_verified(data), relay_state=self.relay_state, signature_algorithm=algorithm, key_id=key_id
            )
        except Malformed as malformed:
            raise MessageUnreadable(f"{self.issuer}: {malformed.detail}") from None
        if request.issuer != self.issuer:
            raise RequestSignatureInvalid(f"{self.issuer}: the signature covers another Issuer")
        return request

    def _verified(self, keys: Sequence[PeerKey]) -> tuple[bytes, str, str]:
        if self.query is None:
            verified = signature.verify_enveloped(self.root, keys)
            return verified.data, verified.signature_algorithm, verified.key_id
        if self.root.find(DS_SIGNATURE) is not None:
            raise signature.SignatureRejected("an XML signature in a message of the Redirect binding")
        key_id = redirect.verify(self.query, keys)
        return self.canonical, str(self.query.signature_algorithm), key_id


def take_request(message: InboundMessage) -> ArrivedRequest:
    """Decode and parse, within limits. Nothing is verified.

    Raises:
        MessageUnreadable: no bounded, well-formed AuthnRequest with an Issuer and an ID.
    """
    query: redirect.RedirectMessage | None = None
    if message.binding is Binding.REDIRECT:
        query = redirect.decode_request(message.raw_query)
        data, relay_state = query.xml, query.relay_state
    else:
        data, relay_state = post.decode(message.fields, FIELD), post.relay_state(message.fields)
    if relay_state is not None and len(relay_state) > MAX_RELAY_STATE:
        raise MessageUnreadable("RelayState is too long")
    root = parse_wire(data)
    if root.tag != tag_of(samlp.AuthnRequest):
        raise MessageUnreadable("not an AuthnRequest")
    # Without the comments, which could cut a value short.
    canonical = canonicalise(root)
    claims = parse_verified(canonical)
    try:
        return ArrivedRequest(
            issuer=_claimed_issuer(claims),
            request_id=read_id(claims.get("ID"), "ID"),
            acs_url=read_uri_if_given(claims.get("AssertionConsumerServiceURL"), "AssertionConsumerServiceURL"),
            acs_index=read_index(claims.get("AssertionConsumerServiceIndex"), "AssertionConsumerServiceIndex"),
            relay_state=relay_state,
            root=root,
            canonical=canonical,
            query=query,
        )
    except Malformed as malformed:
        raise MessageUnreadable(malformed.detail) from None


def _claimed_issuer(root: etree._Element) -> str:
    issuers = root.findall(tag_of(saml.Issuer))
    if len(issuers) != 1:
        raise Malformed("not exactly one Issuer")
    return read_uri(issuers[0].text, "Issuer")


def read_content(
    root: etree._Element, *, relay_state: str | None, signature_algorithm: str, key_id: str
) -> VerifiedAuthnRequest:
    """What the AuthnRequest under `root` asks; the other arguments say how it came and became known.

    Raises:
        Malformed: no AuthnRequest by the schema.
    """
    request = read_element(samlp.AuthnRequest, root, unread=_UNREAD)
    if request.issuer is None:
        raise Malformed("no Issuer")
    policy, wanted, scoping = request.name_id_policy, request.requested_authn_context, request.scoping
    listed = scoping.idp_list if scoping else None
    return VerifiedAuthnRequest(
        issuer=EntityId(read_uri(request.issuer.text, "Issuer")),
        request_id=read_id(request.id, "ID"),
        version=str(request.version),
        destination=read_uri_if_given(request.destination, "Destination"),
        issue_instant=read_instant(request.issue_instant, "IssueInstant"),
        acs_url=read_uri_if_given(request.assertion_consumer_service_url, "AssertionConsumerServiceURL"),
        acs_index=read_index(request.assertion_consumer_service_index, "AssertionConsumerServiceIndex"),
        protocol_binding=read_uri_if_given(request.protocol_binding, "ProtocolBinding"),
        attribute_service_index=read_index(request.attribute_consuming_service_index, "AttributeConsumingServiceIndex"),
        force_authn=read_boolean(request.force_authn, "ForceAuthn"),
        is_passive=read_boolean(request.is_passive, "IsPassive"),
        name_id_format=read_uri_if_given(policy.format, "NameIDPolicy/@Format") if policy else None,
        sp_name_qualifier=read_uri_if_given(policy.sp_name_qualifier, "SPNameQualifier") if policy else None,
        subject_given=request.subject is not None,
        comparison=wanted.comparison if wanted else None,
        contexts=_contexts(wanted) if wanted else (),
        declaration_references=bool(wanted and wanted.authn_context_decl_ref),
        idp_list=tuple(read_uri(e.provider_id, "ProviderID") for e in listed.idp_entry) if listed else (),
        idp_list_elsewhere=bool(listed and listed.get_complete is not None),
        requester_ids=tuple(read_uri(r.text, "RequesterID") for r in scoping.requester_id) if scoping else (),
        proxy_count=read_number(scoping.proxy_count, "ProxyCount") if scoping else None,
        sign_message=root.find(f"{_EXTENSIONS}/{{{CSIG}}}SignMessage") is not None,
        principal=_principal(root),
        relay_state=relay_state,
        signature_algorithm=signature_algorithm,
        key_id=key_id,
    )


def _contexts(wanted: Any) -> tuple[str, ...]:
    if not wanted.authn_context_class_ref and not wanted.authn_context_decl_ref:
        raise Malformed("RequestedAuthnContext is empty")
    read = (read_uri(context.text, "AuthnContextClassRef") for context in wanted.authn_context_class_ref)
    return tuple(dict.fromkeys(read))


def _principal(root: etree._Element) -> tuple[tuple[str, str], ...]:
    """Spec: Principal Selection 2.1."""
    values = root.findall(f"{_EXTENSIONS}/{{{PSC}}}PrincipalSelection/{{{PSC}}}MatchValue")
    read: list[tuple[str, str]] = []
    for value in values:
        if len(value) or not (text := (value.text or "").strip()):
            raise Malformed("MatchValue holds no value")
        read.append((read_uri(value.get("Name"), "MatchValue/@Name"), text))
    return tuple(read)
