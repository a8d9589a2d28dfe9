"""Signature wrapping: a genuinely signed element hidden in a document that says something else.

Each of `RESPONSES` and `ASSERTIONS` takes a signed element and a forged one without signature (both are used up), and
gives the root of the forged document. The numbers XSW1 to XSW8 are those of Somorovsky et al., "On Breaking SAML".
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from types import MappingProxyType

from lxml import etree
from support.messages import NAMESPACES as NS

Wrap = Callable[[etree._Element, etree._Element], etree._Element]

_SIGNATURE = f"{{{NS['ds']}}}Signature"
_ISSUER = f"{{{NS['saml2']}}}Issuer"


def wrapped(wrap: Wrap, signed: str, forged: str) -> str:
    """The document that `wrap` makes."""
    root = wrap(etree.fromstring(signed.encode()), etree.fromstring(forged.encode()))
    return str(etree.tostring(root, encoding="unicode"))


def _take_signature(signed: etree._Element) -> etree._Element:
    signature = signed.find(_SIGNATURE)
    assert signature is not None
    signed.remove(signature)
    return signature


def _after_issuer(root: etree._Element, *elements: etree._Element) -> etree._Element:
    issuer = root.find(_ISSUER)
    assert issuer is not None
    for element in reversed(elements):
        issuer.addnext(element)
    return root


def _made(name: str, child: etree._Element) -> etree._Element:
    prefix, _, local = name.partition(":")
    element = etree.Element(f"{{{NS[prefix]}}}{local}", nsmap={prefix: NS[prefix]})
    element.append(child)
    return element


def _appended(root: etree._Element, *elements: etree._Element) -> etree._Element:
    for element in elements:
        root.append(element)
    return root


# --- where the signed element goes, when the forged one is the root --------------------------------------------------


def inside_the_signature(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW1 (Response), XSW6 (Assertion)."""
    signature = _take_signature(signed)
    signature.append(signed)
    return _after_issuer(forged, signature)


def before_the_signature(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW2 (Response): detached."""
    signature = _take_signature(signed)
    return _after_issuer(forged, signed, signature)


def in_an_object_of_the_signature(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW8."""
    signature = _take_signature(signed)
    signature.append(_made("ds:Object", signed))
    return _after_issuer(forged, signature)


def in_the_key_info_of_the_signature(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """A part of the signature that no signature covers."""
    signature = _take_signature(signed)
    key_info = signature.find("ds:KeyInfo", NS)
    assert key_info is not None
    key_info.append(signed)
    return _after_issuer(forged, signature)


def whole_in_extensions(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """The forged root has no signature of its own."""
    return _after_issuer(forged, _made("saml2p:Extensions", signed))


def in_extensions_with_the_signature_at_the_root(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW7 turned around."""
    signature = _take_signature(signed)
    return _after_issuer(forged, signature, _made("saml2p:Extensions", signed))


def in_status_detail(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """A place for anything, in every Response."""
    signature = _take_signature(signed)
    status = forged.find("saml2p:Status", NS)
    assert status is not None
    status.append(_made("saml2p:StatusDetail", signed))
    return _after_issuer(forged, signature)


def at_the_end(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW5: the forged root carries the signature, the signed element stands last, without it."""
    signature = _take_signature(signed)
    return _appended(_after_issuer(forged, signature), signed)


def whole_at_the_end(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW4: the signed element, signature and all, inside the forged one."""
    return _appended(forged, signed)


def with_a_copy_of_the_signature(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """Signed inside, and the same signature at the root as well."""
    signature = signed.find(_SIGNATURE)
    assert signature is not None
    return _appended(_after_issuer(forged, deepcopy(signature)), signed)


def in_an_envelope(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """Both under a root that is neither."""
    return _appended(_made("saml2p:ArtifactResponse", forged), signed)


# --- where the forged element goes, when the signed one stays the root -----------------------------------------------


def forged_in_an_object(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """The enveloped transform takes the signature out, so its Object may hold anything."""
    signature = signed.find(_SIGNATURE)
    assert signature is not None
    signature.append(_made("ds:Object", forged))
    return signed


def forged_at_the_end(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """Added after signing."""
    return _appended(signed, forged)


def forged_in_extensions(signed: etree._Element, forged: etree._Element) -> etree._Element:
    """XSW7: added after signing, in a place for anything."""
    signature = signed.find(_SIGNATURE)
    assert signature is not None
    signature.addnext(_made("saml2p:Extensions", forged))
    return signed


# --- the two IDs are one ---------------------------------------------------------------------------------------------


def _same_id(wrap: Wrap, attribute: str = "ID") -> Wrap:
    def with_same_id(signed: etree._Element, forged: etree._Element) -> etree._Element:
        own = signed.get("ID") or ""
        if attribute != "ID":
            del forged.attrib["ID"]
        forged.set(attribute, own)
        return wrap(signed, forged)

    return with_same_id


def _without_id(wrap: Wrap) -> Wrap:
    def without_id(signed: etree._Element, forged: etree._Element) -> etree._Element:
        del forged.attrib["ID"]
        return wrap(signed, forged)

    return without_id


def _without_inner_id(wrap: Wrap) -> Wrap:
    def without_inner_id(signed: etree._Element, forged: etree._Element) -> etree._Element:
        forged.set("ID", signed.get("ID") or "")
        del signed.attrib["ID"]
        return wrap(signed, forged)

    return without_inner_id


RESPONSES: Mapping[str, Wrap] = MappingProxyType(
    {
        "XSW1, signed inside the signature": inside_the_signature,
        "XSW2, signed before the signature": before_the_signature,
        "signed in an Object": in_an_object_of_the_signature,
        "signed in KeyInfo": in_the_key_info_of_the_signature,
        "signed whole in Extensions": whole_in_extensions,
        "signed in Extensions": in_extensions_with_the_signature_at_the_root,
        "signed in StatusDetail": in_status_detail,
        "signed at the end": at_the_end,
        "signed whole at the end": whole_at_the_end,
        "signature twice": with_a_copy_of_the_signature,
        "forged in an Object": forged_in_an_object,
        "forged at the end": forged_at_the_end,
        "forged in Extensions": forged_in_extensions,
        "no ID outside": _without_id(in_extensions_with_the_signature_at_the_root),
        "no ID inside": _without_inner_id(in_extensions_with_the_signature_at_the_root),
    }
)
"""Around a Response, or a request."""

SAME_ID: Mapping[str, Wrap] = MappingProxyType(
    {
        "ID, signed first": _same_id(before_the_signature),
        "ID, signed last": _same_id(at_the_end),
        "Id": _same_id(in_extensions_with_the_signature_at_the_root, "Id"),
        "id": _same_id(in_extensions_with_the_signature_at_the_root, "id"),
        "xml:id": _same_id(in_extensions_with_the_signature_at_the_root, "{http://www.w3.org/XML/1998/namespace}id"),
    }
)
"""Around a Response, with the ID of the signed element given twice, by whatever name."""

ASSERTIONS: Mapping[str, Wrap] = MappingProxyType(
    {
        "XSW4, signed whole inside": whole_at_the_end,
        "XSW5, signed at the end": at_the_end,
        "XSW6, signed inside the signature": inside_the_signature,
        "XSW8, signed in an Object": in_an_object_of_the_signature,
        "signed before the signature": before_the_signature,
        "signed in KeyInfo": in_the_key_info_of_the_signature,
        "forged in an Object": forged_in_an_object,
        "forged at the end": forged_at_the_end,
    }
)
"""Around one Assertion."""
