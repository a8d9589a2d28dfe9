"""The signature of a metadata document, and for administrators: which of several things is wrong with it."""

import hashlib
import hmac
from collections.abc import Sequence

from lxml import etree

from broker.core.errors import MessageUnreadable
from broker.messages.entity import PeerKey
from broker.messages.finding import Finding, found
from broker.saml.algorithms import ACCEPTED_SIGNATURES, DIGESTS, EXC_C14N, EXC_C14N_WITH_COMMENTS
from broker.saml.metadata_names import ds
from broker.saml.signature import SignatureRejected, Verified, verify_enveloped
from broker.saml.signature_shape import read_shape
from broker.saml.xml import canonicalise


def verify_metadata(root: etree._Element, signature: etree._Element, signers: Sequence[PeerKey]) -> Verified | Finding:
    """The octets that one of `signers` signed, or why there are none. `root` is used up.

    Real aggregates canonicalise with comments, refer to the document as a whole, and hold entities that were signed
    on their own; of these, only the signature of the whole counts.
    """
    line = signature.sourceline
    if refused := _refused_algorithm(signature):
        return found("signature-algorithm-refused", line=line, what=refused)
    try:
        return verify_enveloped(root, signers, allow_comments_c14n=True, allow_empty_uri=True, allow_nested=True)
    except SignatureRejected as rejected:
        return _why_rejected(root, signature, signers, rejected, line)


def _refused_algorithm(signature: etree._Element) -> str | None:
    info = signature.find(ds("SignedInfo"))
    if info is None:
        return None
    for element in info.iter(ds("SignatureMethod"), ds("DigestMethod")):
        accepted = ACCEPTED_SIGNATURES if element.tag == ds("SignatureMethod") else DIGESTS
        algorithm = element.get("Algorithm") or ""
        if algorithm not in accepted:
            return algorithm.rpartition("#")[2] or "?"
    return None


def _why_rejected(
    root: etree._Element,
    signature: etree._Element,
    signers: Sequence[PeerKey],
    rejected: SignatureRejected,
    line: int | None,
) -> Finding:
    """A diagnosis, after the verdict. Nothing of the document is used."""
    try:
        shape = read_shape(
            root,
            canonicalisations=(EXC_C14N, EXC_C14N_WITH_COMMENTS),
            allow_empty_uri=True,
            allow_nested=True,
            accepted=ACCEPTED_SIGNATURES,
        )
        # The text after the signature belongs to what was signed; where it lands does not matter to the octets.
        previous = signature.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + (signature.tail or "")
        else:
            root.text = (root.text or "") + (signature.tail or "")
        root.remove(signature)
        octets = canonicalise(root, shape.inclusive_prefixes)
    except (SignatureRejected, MessageUnreadable):
        return found("signature-form-refused", line=line, what=rejected.detail)
    digest = hashlib.new(DIGESTS[shape.digest_algorithm], octets).digest()
    if not hmac.compare_digest(digest, shape.digest):
        return found("signature-content-changed", line=line)
    return found("signature-wrong-signer", line=line, signers=", ".join(key.fingerprint[:16] for key in signers))
