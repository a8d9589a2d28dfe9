"""Signatures of every wrong shape. Most are genuine: xmlsec1 accepts them, and only the shape speaks against them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support import xmlsec1
from support.keys import key_pair
from support.saml_peers import peer_key
from support.signatures import DS, ENVELOPED, EXCLUSIVE, SAML, SAMLP, Document, SignatureDraft, reference

from broker.core.errors import MessageUnreadable
from broker.saml.algorithms import ACCEPTED_SIGNATURES
from broker.saml.signature import SignatureRejected, verify_enveloped
from broker.saml.signature_shape import read_shape
from broker.saml.xml import METADATA_BOUNDS, parse_wire

PEER = key_pair("rsa2048")
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"

NO_TRANSFORM = ""
STYLESHEET = (
    f'<ds:Transform Algorithm="{XSLT}"><xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:output method="text"/><xsl:template match="/">constant</xsl:template></xsl:stylesheet></ds:Transform>'
)
EVERYTHING_BUT = (
    f'<ds:Transform Algorithm="{XPATH}"><ds:XPath xmlns:saml2p="{SAMLP}">'
    "not(ancestor-or-self::saml2p:Extensions)</ds:XPath></ds:Transform>"
)
DRAFT = SignatureDraft()
INNER = reference("#_inner", f'<ds:Transform Algorithm="{EXCLUSIVE}"/>')


def transform(algorithm: str) -> str:
    return f'<ds:Transform Algorithm="{algorithm}"/>'


def named(element: str, algorithm: str) -> str:
    return f'<ds:{element} Algorithm="{algorithm}"/>'


BOTH = transform(ENVELOPED) + transform(EXCLUSIVE)

GENUINE_BUT_REFUSED = [
    pytest.param(SignatureDraft(digest="http://www.w3.org/2000/09/xmldsig#sha1"), id="a SHA-1 digest"),
    pytest.param(SignatureDraft(digest="http://www.w3.org/2001/04/xmldsig-more#sha224"), id="a SHA-224 digest"),
    pytest.param(SignatureDraft(digest="http://www.w3.org/2001/04/xmlenc#ripemd160"), id="a RIPEMD digest"),
    pytest.param(
        SignatureDraft(method=named("SignatureMethod", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")), id="rsa-sha1"
    ),
    pytest.param(
        SignatureDraft(method=named("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224")),
        id="rsa-sha224",
    ),
    pytest.param(
        SignatureDraft(canonicalisation=named("CanonicalizationMethod", INCLUSIVE)), id="inclusive canonicalisation"
    ),
    pytest.param(
        SignatureDraft(canonicalisation=named("CanonicalizationMethod", EXCLUSIVE + "WithComments")),
        id="canonicalisation with comments",
    ),
    pytest.param(SignatureDraft(transforms=transform(ENVELOPED)), id="no canonicalisation transform"),
    pytest.param(SignatureDraft(transforms=transform(ENVELOPED) + transform(INCLUSIVE)), id="an inclusive transform"),
    pytest.param(
        SignatureDraft(transforms=transform(ENVELOPED) + transform(EXCLUSIVE + "WithComments")),
        id="a transform with comments",
    ),
    pytest.param(SignatureDraft(transforms=transform(ENVELOPED) * 2 + transform(EXCLUSIVE)), id="three transforms"),
    pytest.param(SignatureDraft(transforms=BOTH + EVERYTHING_BUT), id="an XPath transform after"),
    pytest.param(SignatureDraft(transforms=EVERYTHING_BUT + BOTH), id="an XPath transform before"),
    pytest.param(SignatureDraft(transforms=transform(ENVELOPED) + EVERYTHING_BUT), id="an XPath transform instead"),
    pytest.param(SignatureDraft(transforms=STYLESHEET), id="an XSLT transform"),
    pytest.param(SignatureDraft(transforms=transform(ENVELOPED) + STYLESHEET), id="an XSLT transform after"),
    pytest.param(SignatureDraft(more_references=INNER), id="two references"),
    pytest.param(SignatureDraft(references=INNER * 2), id="two references elsewhere"),
    pytest.param(SignatureDraft(uri='URI=""'), id="the whole document"),
    pytest.param(SignatureDraft(uri='URI="#xpointer(/)"'), id="an XPointer to the document"),
    pytest.param(SignatureDraft(uri="URI=\"#xpointer(id('_response'))\""), id="an XPointer to the ID"),
    pytest.param(
        SignatureDraft(uri='URI="#_response" Type="http://www.w3.org/2000/09/xmldsig#Object"'), id="a typed reference"
    ),
    pytest.param(SignatureDraft(after="<ds:Object>free</ds:Object>"), id="an object"),
    pytest.param(SignatureDraft(after='<ds:Object Id="_o"><ds:Manifest/></ds:Object>'), id="an object with a manifest"),
]


@pytest.mark.parametrize("draft", GENUINE_BUT_REFUSED)
def test_a_genuine_signature_of_another_shape_is_refused(draft: SignatureDraft) -> None:
    options = ("--id-attr:Id", "urn:b:b")
    document = xmlsec1.sign(Document(signature=draft.xml()).xml(), PEER, *options)
    assert xmlsec1.verifies(document, PEER, *options)
    refuse(document)


def test_the_same_without_oddities_is_accepted() -> None:
    document = xmlsec1.sign(Document(signature=DRAFT.xml()).xml(), PEER)
    assert verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)])


def refuse(document: str) -> None:
    """Refused for its shape alone: no key was tried, and xmlsec has not seen it."""
    root = parse_wire(document.encode())
    with pytest.raises(SignatureRejected):
        read_shape(
            root,
            canonicalisations=(EXCLUSIVE,),
            allow_empty_uri=False,
            allow_nested=False,
            accepted=ACCEPTED_SIGNATURES,
        )
    with pytest.raises(SignatureRejected):
        verify_enveloped(root, [peer_key(PEER)])


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sha512"])
def test_a_mac_with_the_public_key_as_secret_is_refused(algorithm: str) -> None:
    method = named("SignatureMethod", f"http://www.w3.org/2001/04/xmldsig-more#{algorithm}")
    document = Document(signature=SignatureDraft(method=method).xml()).xml()
    refuse(xmlsec1.sign_with_secret(document, PEER.certificate))


# --- shapes that nobody's tool would write ---------------------------------------------------------------------

REPLACED = [
    pytest.param("<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>", id="two SignedInfo"),
    pytest.param("</ds:SignedInfo>", "</ds:SignedInfo><ds:SignatureValue>QQ==</ds:SignatureValue>", id="two values"),
    pytest.param("</ds:Signature>", "<ds:KeyInfo/><ds:KeyInfo/></ds:Signature>", id="two KeyInfo"),
    pytest.param("<ds:SignedInfo>", '<x xmlns="urn:x"/><ds:SignedInfo>', id="a foreign element"),
    pytest.param("<ds:SignedInfo>", "<!-- --><ds:SignedInfo>", id="a comment in the signature"),
    pytest.param("<ds:SignatureMethod", "<!-- --><ds:SignatureMethod", id="a comment in the signed info"),
    pytest.param("<ds:DigestValue>", "<ds:DigestValue><!-- -->", id="a comment in the digest"),
    pytest.param("<ds:SignatureValue>", "<ds:SignatureValue><!-- -->", id="a comment in the value"),
    pytest.param("<ds:DigestValue>", "<ds:DigestValue>!", id="no base64 in the digest"),
    pytest.param("<ds:SignatureValue>", "<ds:SignatureValue>å", id="no base64 in the value"),
    pytest.param('URI="#_response"', "", id="a reference without URI"),
    pytest.param('URI="#_response"', 'URI="_response"', id="a relative URI"),
    pytest.param('URI="#_response"', 'URI="file:///etc/hostname"', id="a file"),
    pytest.param('URI="#_response"', 'URI="http://127.0.0.1:1/"', id="another server"),
    pytest.param('URI="#_response"', 'URI="#_inner"', id="another element"),
    pytest.param('URI="#_response"', 'URI="#"', id="an empty fragment"),
    pytest.param(f'Transform Algorithm="{ENVELOPED}"', "Transform", id="a nameless transform"),
    pytest.param(f'Transform Algorithm="{ENVELOPED}"', f'Transform Algorithm="{EXCLUSIVE}"', id="not enveloped"),
    pytest.param(f'Transform Algorithm="{ENVELOPED}"', f'Transform Algorithm="{BASE64}"', id="a base64 transform"),
    pytest.param(
        f'<ds:Transform Algorithm="{ENVELOPED}"/>',
        f'<ds:Transform Algorithm="{ENVELOPED}"><x xmlns="urn:x"/></ds:Transform>',
        id="a parameter of the enveloped signature",
    ),
    pytest.param(
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
        f'<ds:Transform Algorithm="{EXCLUSIVE}"><x xmlns="urn:x"/></ds:Transform>',
        id="an unknown parameter of the canonicalisation",
    ),
    pytest.param(
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
        f'<ds:Transform Algorithm="{EXCLUSIVE}"><InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="a/b"/>'
        "</ds:Transform>",
        id="a prefix that is none",
    ),
    pytest.param(
        f'<ds:Transform Algorithm="{EXCLUSIVE}"/>',
        f'<ds:Transform Algorithm="{EXCLUSIVE}"><InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="{"a " * 65}"/>'
        "</ds:Transform>",
        id="too many prefixes",
    ),
    pytest.param(
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>',
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"><x xmlns="urn:x"/></ds:CanonicalizationMethod>',
        id="a parameter of the canonicalisation method",
    ),
    pytest.param(
        'rsa-sha256"/>',
        'rsa-sha256"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>',
        id="a parameter of the signature method",
    ),
    pytest.param('xmlenc#sha256"/>', 'xmlenc#sha256"><x xmlns="urn:x"/></ds:DigestMethod>', id="a digest parameter"),
    pytest.param("<ds:Transforms>", "<ds:Transforms/><ds:Transforms>", id="transforms twice"),
    pytest.param('ID="_response"', 'AssertionID="_response"', id="no ID"),
    pytest.param('ID="_response"', 'ID=""', id="an empty ID"),
]


@pytest.mark.parametrize(("found", "put"), REPLACED)
def test_a_crooked_signature_is_refused_before_any_key_is_tried(found: str, put: str) -> None:
    document = xmlsec1.sign(Document(signature=DRAFT.xml()).xml(), PEER)
    assert found in document
    refuse(document.replace(found, put, 1))


def test_an_empty_signed_info_is_refused() -> None:
    start, _, rest = xmlsec1.sign(Document(signature=DRAFT.xml()).xml(), PEER).partition("<ds:SignedInfo>")
    refuse(start + "<ds:SignedInfo/>" + rest.partition("</ds:SignedInfo>")[2])


def test_a_signed_info_without_reference_is_refused() -> None:
    refuse(Document(signature=SignatureDraft(references="").xml()).xml())


def test_an_unsigned_document_is_refused() -> None:
    refuse(Document().xml())


def test_no_transforms_at_all_are_refused() -> None:
    refuse(xmlsec1.sign(Document(signature=SignatureDraft(transforms=NO_TRANSFORM).xml()).xml(), PEER))


# --- wrapping --------------------------------------------------------------------------------------------------

FORGED = "<saml2:NameID>attacker</saml2:NameID>"
END = "</ds:Signature>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """A genuine document, its signature, and the document without it."""

    genuine: str
    signature: str
    bare: str


def pieces() -> Pieces:
    genuine = xmlsec1.sign(Document(signature=DRAFT.xml()).xml(), PEER)
    start, end = genuine.index("<ds:Signature "), genuine.index(END) + len(END)
    return Pieces(genuine=genuine, signature=genuine[start:end], bare=genuine[:start] + genuine[end:])


def forged(signature: str = "", content: str = "") -> str:
    """The attacker's own Response around the pieces."""
    return Document(signature=signature, content=FORGED + content, attributes={"ID": "_evil"}).xml()


def extensions(content: str) -> str:
    return f"<saml2p:Extensions>{content}</saml2p:Extensions>"


def with_inside(signature: str, content: str) -> str:
    return signature.replace(END, content + END)


AROUND: dict[str, Callable[[Pieces], str]] = {
    "the original in the forgery's extensions": lambda p: forged(content=extensions(p.genuine)),
    "the original as child of the forgery": lambda p: forged(content=p.genuine),
    "its signature on the forgery, the original in extensions": lambda p: forged(p.signature, extensions(p.bare)),
    "the original in an object": lambda p: forged(with_inside(p.signature, f"<ds:Object>{p.bare}</ds:Object>")),
    "the original in the key info": lambda p: forged(with_inside(p.signature, f"<ds:KeyInfo>{p.bare}</ds:KeyInfo>")),
    "its signature on the forgery too": lambda p: forged(p.signature, extensions(p.genuine)),
}
WITHIN: dict[str, Callable[[Pieces], str]] = {
    "the signature twice": lambda p: p.genuine.replace(p.signature, p.signature * 2),
    "the signature last": lambda p: p.bare.replace("</saml2p:Response>", f"{p.signature}</saml2p:Response>"),
    "the signature in the extensions": lambda p: p.genuine.replace(p.signature, extensions(p.signature)),
    "content before the signature": lambda p: p.genuine.replace("<saml2:Issuer>", f"{FORGED}<saml2:Issuer>"),
    "two issuers": lambda p: p.genuine.replace("<saml2:Issuer>", "<saml2:Issuer>evil</saml2:Issuer><saml2:Issuer>"),
}


@pytest.mark.parametrize("name", [*AROUND, *WITHIN])
def test_a_wrapped_document_is_refused(name: str) -> None:
    refuse((AROUND | WITHIN)[name](pieces()))


@pytest.mark.parametrize("name", AROUND)
def test_a_forgery_with_the_same_id_is_not_even_parsed(name: str) -> None:
    document = AROUND[name](pieces()).replace('ID="_evil"', 'ID="_response"')
    with pytest.raises(MessageUnreadable, match="used twice"):
        parse_wire(document.encode())


@pytest.mark.parametrize("name", ["Id", "id", "xml:id"])
def test_in_metadata_where_ids_may_collide_the_signed_one_may_not(name: str) -> None:
    document = xmlsec1.sign(Document(signature=DRAFT.xml()).xml(), PEER).replace('Id="_inner"', f'{name}="_response"')
    root = parse_wire(document.encode(), METADATA_BOUNDS)
    with pytest.raises(SignatureRejected, match="used twice"):
        verify_enveloped(root, [peer_key(PEER)])


def test_only_the_root_of_a_document_is_verified() -> None:
    root = parse_wire(forged(content=pieces().genuine).encode())
    inner = root.find(f"{{{SAMLP}}}Response")
    assert inner is not None
    with pytest.raises(SignatureRejected, match="root"):
        verify_enveloped(inner, [peer_key(PEER)])


def test_a_look_alike_in_another_namespace_is_no_signature() -> None:
    refuse(pieces().genuine.replace(f'xmlns:ds="{DS}"', 'xmlns:ds="urn:other"'))


def test_a_rejection_quotes_nothing_of_the_document() -> None:
    root = parse_wire(Document(attributes={"ID": "_secret"}).xml().encode())
    with pytest.raises(SignatureRejected) as caught:
        verify_enveloped(root, [peer_key(PEER)])
    assert "secret" not in caught.value.detail
    assert SAML not in caught.value.detail
