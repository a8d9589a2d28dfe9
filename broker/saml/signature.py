"""Enveloped signatures: judge the shape, verify, and give back the octets that were signed.

python-xmlsec would run XSLT and XPath transforms and follow `file:` references, so nothing reaches it that is not of
the one shape that SAML allows. What comes back are canonical bytes whose digest we computed ourselves and compared
with the one that the signature covers: whatever a library dereferenced, these octets are the signed ones.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import xmlsec
from lxml import etree

from broker.core.errors import MessageUnreadable
from broker.messages.entity import PeerKey
from broker.saml.algorithms import (
    ACCEPTED_SIGNATURES,
    DIGESTS,
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    ENVELOPED,
    EXC_C14N,
    EXC_C14N_WITH_COMMENTS,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    SHA256,
    SIGNATURES,
)
from broker.saml.keys import OwnKey, find_peer_key, xmlsec_public_key
from broker.saml.signature_shape import SignatureRejected, SignatureShape, read_shape
from broker.saml.xml import DS, canonicalise, serialise

__all__ = ["SignatureRejected", "Verified", "covered_octets", "sign_enveloped", "verify_enveloped"]


_SIGNATURE_TRANSFORMS: Mapping[str, Any] = {
    RSA_SHA256: xmlsec.constants.TransformRsaSha256,
    RSA_SHA384: xmlsec.constants.TransformRsaSha384,
    RSA_SHA512: xmlsec.constants.TransformRsaSha512,
    ECDSA_SHA256: xmlsec.constants.TransformEcdsaSha256,
    ECDSA_SHA384: xmlsec.constants.TransformEcdsaSha384,
    ECDSA_SHA512: xmlsec.constants.TransformEcdsaSha512,
}
"""python-xmlsec has no names for RSA-PSS, so for that it cannot be told to do nothing else."""

_CANONICALISATIONS = (xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformExclC14NWithComments)
_REFERENCE_TRANSFORMS = (
    *_CANONICALISATIONS,
    xmlsec.constants.TransformEnveloped,
    xmlsec.constants.TransformSha256,
    xmlsec.constants.TransformSha384,
    xmlsec.constants.TransformSha512,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a signature covers, and how."""

    data: bytes  # exclusive C14N of the root without its signature and without comments
    signature_algorithm: str
    digest_algorithm: str
    key_id: str  # SHA-256 of the certificate whose key verified, hex


def verify_enveloped(
    root: etree._Element,
    keys: Sequence[PeerKey],
    *,
    allow_comments_c14n: bool = False,
    allow_empty_uri: bool = False,
    allow_nested: bool = False,
    accepted: Collection[str] = ACCEPTED_SIGNATURES,
) -> Verified:
    """The octets of the document under `root` that its one signature covers, verified with any of `keys`.

    `root` is the root of its document and is used up: what it holds afterwards is nobody's to read. KeyInfo is never
    looked at. `allow_comments_c14n` (metadata) takes exclusive C14N with comments too; a reference to the document or
    to an ID covers no comments even so (XML Signature 4.4.3.3). `allow_empty_uri` (metadata) takes URI="".
    `allow_nested` (metadata) takes signatures further down, which are not looked at. `accepted` are signature
    algorithms; RSA-PSS only counts when named there.

    Raises:
        SignatureRejected: absent, misshapen, with algorithms that are refused, or not by any of `keys`.

    Spec: SAML core 5.4; Sweden Connect Deployment Profile 8.
    """
    shape = read_shape(
        root,
        canonicalisations=(EXC_C14N, EXC_C14N_WITH_COMMENTS) if allow_comments_c14n else (EXC_C14N,),
        allow_empty_uri=allow_empty_uri,
        allow_nested=allow_nested,
        accepted=accepted,
    )
    key_id = _verify_with_any(root, shape, keys)
    data = covered_octets(root, shape)
    return Verified(
        data=data,
        signature_algorithm=shape.signature_algorithm,
        digest_algorithm=shape.digest_algorithm,
        key_id=key_id,
    )


def _verify_with_any(root: etree._Element, shape: SignatureShape, keys: Sequence[PeerKey]) -> str:
    # Nothing but the keys of the argument may count, so xmlsec does not get to see any other.
    for key_info in shape.signature.findall(f"{{{DS}}}KeyInfo"):
        shape.signature.remove(key_info)
    key_type = SIGNATURES[shape.signature_algorithm].key_type
    for key in keys:
        public = find_peer_key(key, key_type)
        if public is None:
            continue
        context = _context(shape.signature_algorithm)
        context.key = xmlsec_public_key(public)
        try:
            if shape.uri:
                context.register_id(root, "ID")
            context.verify(shape.signature)
        except xmlsec.Error:
            continue
        return key.fingerprint
    raise SignatureRejected("the signature does not verify with any key of the peer")


def _context(signature_algorithm: str) -> xmlsec.SignatureContext:
    """A context that refuses by itself what the shape has ruled out already."""
    context = xmlsec.SignatureContext()
    transform = _SIGNATURE_TRANSFORMS.get(signature_algorithm)
    if transform is not None:
        for allowed in (transform, *_CANONICALISATIONS):
            context.enable_signature_transform(allowed)
        for allowed in _REFERENCE_TRANSFORMS:
            context.enable_reference_transform(allowed)
    return context


def covered_octets(root: etree._Element, shape: SignatureShape) -> bytes:
    """The octets under `root` whose digest is the one in `shape`; the signature itself is taken out of the tree.

    Raises:
        SignatureRejected: the document is not what was digested.
    """
    _cut_out(shape.signature)
    try:
        data = canonicalise(root, shape.inclusive_prefixes)
    except MessageUnreadable as unreadable:
        raise SignatureRejected(unreadable.detail) from None
    digest = hashlib.new(DIGESTS[shape.digest_algorithm], data).digest()
    if not hmac.compare_digest(digest, shape.digest):
        raise SignatureRejected("the canonical bytes are not those that were signed")
    return data


def _cut_out(element: etree._Element) -> None:
    """Remove `element` and leave the text after it, which the signature covers."""
    tail, before, parent = element.tail or "", element.getprevious(), element.getparent()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def sign_enveloped(
    root: etree._Element,
    key: OwnKey,
    *,
    signature_algorithm: str,
    digest_algorithm: str = SHA256,
    after_qname: str | None = None,
) -> bytes:
    """The octets of `root` with an enveloped signature, placed after its child `after_qname`, or first.

    `root` itself stays as it is, and needs an ID. White space is kept, so nothing may be reformatted afterwards.

    Raises:
        ValueError: no ID, no such child, or a key that does not fit the algorithm.

    Spec: SAML core 5.4.
    """
    if SIGNATURES[signature_algorithm].key_type != key.key_type:
        raise ValueError("the key does not fit the signature algorithm")
    # A tree of its own: xmlsec registers the ID with the document, which must not outlive this call.
    own = deepcopy(root)
    identifier = own.get("ID")
    if not identifier:
        raise ValueError("the element has no ID")
    signature = _template(identifier, key, signature_algorithm, digest_algorithm)
    if after_qname is None:
        own.insert(0, signature)
    else:
        before = own.find(after_qname)
        if before is None:
            raise ValueError("the element to sign after is missing")
        before.addnext(signature)
    context = xmlsec.SignatureContext()
    context.key = key.xmlsec_key
    context.register_id(own, "ID")
    context.sign(signature)
    return serialise(own)


def _template(identifier: str, key: OwnKey, signature_algorithm: str, digest_algorithm: str) -> etree._Element:
    signature = etree.Element(f"{{{DS}}}Signature", nsmap={"ds": DS})
    signed_info = _add(signature, "SignedInfo")
    _add(signed_info, "CanonicalizationMethod", Algorithm=EXC_C14N)
    _add(signed_info, "SignatureMethod", Algorithm=signature_algorithm)
    reference = _add(signed_info, "Reference", URI=f"#{identifier}")
    transforms = _add(reference, "Transforms")
    _add(transforms, "Transform", Algorithm=ENVELOPED)
    _add(transforms, "Transform", Algorithm=EXC_C14N)
    _add(reference, "DigestMethod", Algorithm=digest_algorithm)
    _add(reference, "DigestValue")
    _add(signature, "SignatureValue")
    x509_data = _add(_add(signature, "KeyInfo"), "X509Data")
    _add(x509_data, "X509Certificate").text = key.certificate
    return signature


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{DS}}}{name}", attributes)
