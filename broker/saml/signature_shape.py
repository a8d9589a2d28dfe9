"""The one shape of an enveloped signature that we verify, and its parts. Pure: no key, no xmlsec."""

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lxml import etree

from broker.saml.algorithms import DIGESTS, ENVELOPED, SIGNATURES
from broker.saml.xml import DS, DS_SIGNATURE, EC, ISSUER, ids_of

_MAX_PREFIXES = 64
_PREFIX = re.compile(r"#default|[^\W\d][\w.\-]*")


class SignatureRejected(Exception):
    """A signature that is absent, misshapen or wrong. `detail` is for the log and holds nothing of the message."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureShape:
    """The parts of a signature that passed."""

    signature: etree._Element
    uri: str
    signature_algorithm: str
    digest_algorithm: str
    digest: bytes
    inclusive_prefixes: tuple[str, ...]


def read_shape(
    root: etree._Element,
    *,
    canonicalisations: Sequence[str],
    allow_empty_uri: bool,
    allow_nested: bool,
    accepted: Collection[str],
) -> SignatureShape:
    """The parts of the one signature of `root`.

    Raises:
        SignatureRejected: anything that is not exactly as SAML core 5.4 and our lists of algorithms want it.
    """
    signature = _only_signature(root, allow_nested)
    names = [_local(child) for child in _children(signature)]
    if names not in (["SignedInfo", "SignatureValue"], ["SignedInfo", "SignatureValue", "KeyInfo"]):
        raise SignatureRejected("the signature has parts that SAML does not know")
    signed_info = signature[0]
    _base64(signature[1])
    method, signature_method, reference = _exactly(
        signed_info, "CanonicalizationMethod", "SignatureMethod", "Reference"
    )
    if _algorithm(method) not in canonicalisations:
        raise SignatureRejected("the canonicalisation method is refused")
    _inclusive_prefixes(method)
    signature_algorithm = _algorithm(signature_method)
    if signature_algorithm not in accepted or signature_algorithm not in SIGNATURES or len(signature_method):
        raise SignatureRejected("the signature algorithm is refused")
    uri = _uri(reference, root, allow_empty_uri)
    transforms, digest_method, digest_value = _exactly(reference, "Transforms", "DigestMethod", "DigestValue")
    digest_algorithm = _algorithm(digest_method)
    if digest_algorithm not in DIGESTS or len(digest_method):
        raise SignatureRejected("the digest algorithm is refused")
    return SignatureShape(
        signature=signature,
        uri=uri,
        signature_algorithm=signature_algorithm,
        digest_algorithm=digest_algorithm,
        digest=_base64(digest_value),
        inclusive_prefixes=_prefixes_of(transforms, canonicalisations),
    )


def _only_signature(root: etree._Element, allow_nested: bool) -> etree._Element:
    if root.getparent() is not None:
        raise SignatureRejected("the signed element is not the root of the document")
    found = root.findall(DS_SIGNATURE)
    if len(found) != 1:
        raise SignatureRejected("not exactly one signature in its place")
    if not allow_nested and sum(1 for _ in root.iter(DS_SIGNATURE)) != 1:
        raise SignatureRejected("another signature further down")
    before = [child.tag for child in root[: root.index(found[0])] if not isinstance(child, etree._Comment)]
    if before not in ([], [ISSUER]):
        raise SignatureRejected("the signature is not where the schema has it")
    return found[0]


def _uri(reference: etree._Element, root: etree._Element, allow_empty_uri: bool) -> str:
    if not set(reference.attrib) <= {"URI", "Id"}:
        raise SignatureRejected("the reference has an attribute that SAML does not know")
    uri = reference.get("URI")
    if uri == "" and allow_empty_uri:
        return ""
    identifier = root.get("ID")
    if not identifier or uri != f"#{identifier}":
        raise SignatureRejected("the reference does not point at the element that holds the signature")
    if ids_of(root).count(identifier) != 1:
        raise SignatureRejected("the ID of the signed element is used twice")
    return str(uri)


def _prefixes_of(transforms: etree._Element, canonicalisations: Sequence[str]) -> tuple[str, ...]:
    found = _exactly(transforms, "Transform", "Transform")
    first, second = (_algorithm(transform) for transform in found)
    if first != ENVELOPED or len(found[0]) or second not in canonicalisations:
        raise SignatureRejected("the transforms are not enveloped signature and exclusive canonicalisation")
    return _inclusive_prefixes(found[1])


def _inclusive_prefixes(method: etree._Element) -> tuple[str, ...]:
    children = _children(method)
    if not children:
        return ()
    if len(children) != 1 or children[0].tag != f"{{{EC}}}InclusiveNamespaces" or len(children[0]):
        raise SignatureRejected("the canonicalisation has parameters that we do not know")
    prefixes = tuple((children[0].get("PrefixList") or "").split())
    if len(prefixes) > _MAX_PREFIXES or not all(_PREFIX.fullmatch(prefix) for prefix in prefixes):
        raise SignatureRejected("the canonicalisation has parameters that we do not know")
    return prefixes


def _exactly(parent: etree._Element, *names: str) -> list[etree._Element]:
    children = _children(parent)
    if [_local(child) for child in children] != list(names):
        raise SignatureRejected("the signature has parts that SAML does not know")
    return children


def _children(parent: etree._Element) -> list[etree._Element]:
    children = list(parent)
    if any(not isinstance(child.tag, str) for child in children):
        raise SignatureRejected("a comment inside the signature")
    return children


def _local(element: etree._Element) -> str | None:
    name = etree.QName(element)
    return name.localname if name.namespace == DS else None


def _algorithm(element: etree._Element) -> str:
    if set(element.attrib) != {"Algorithm"}:
        raise SignatureRejected("an algorithm of the signature is not named plainly")
    return str(element.get("Algorithm"))


def _base64(element: etree._Element) -> bytes:
    if len(element):
        raise SignatureRejected("a value of the signature is no base64")
    try:
        value = base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if not value:
        raise SignatureRejected("a value of the signature is no base64")
    return value
