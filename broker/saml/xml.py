"""The only parser and serialiser. Everything hostile about XML as such ends here.

A document with a DTD or a processing instruction, or beyond its bounds, is refused. Comments may stand in the wire,
since signatures allow them to be added; they are in no canonical bytes, and values are read from those only.
"""

from dataclasses import dataclass

from lxml import etree

from broker.core.errors import MessageUnreadable

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PSC = "http://id.swedenconnect.se/authn/1.0/principal-selection/ns"
CSIG = "http://id.elegnamnden.se/csig/1.1/dss-ext/ns"

ISSUER = f"{{{SAML}}}Issuer"
DS_SIGNATURE = f"{{{DS}}}Signature"

_MAX_NAMESPACE = 256
"""Characters of a namespace URI. The canonical form declares a namespace again for every sibling that uses it: with
long ones, a document of 150 kB has a canonical form of 900 MB."""

# One search for each name: of a union, libxml2 compares every node with every other.
_IDS = tuple(
    etree.XPath(f"descendant-or-self::*/@{name}", smart_strings=False) for name in ("ID", "Id", "id", "xml:id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large a document may be before it is not worth reading. `max_nodes` counts elements and attributes."""

    max_bytes: int
    max_depth: int
    max_nodes: int
    unique_ids: bool


MESSAGE_BOUNDS = Bounds(max_bytes=256 * 1024, max_depth=64, max_nodes=10_000, unique_ids=True)
METADATA_BOUNDS = Bounds(max_bytes=128 * 1024 * 1024, max_depth=64, max_nodes=20_000_000, unique_ids=False)
"""For a file that an operator or a federation feed hands over. An aggregate repeats what its members wrote, so their
IDs may collide; `signature` demands that the one it relies on is unique."""


def parse_wire(data: bytes, bounds: Bounds = MESSAGE_BOUNDS) -> etree._Element:
    """The root of `data`, a document that has been seen by nobody else.

    Raises:
        MessageUnreadable: not one well-formed UTF-8 document within `bounds`, or one with a DTD, a processing
            instruction or (for messages) an ID used twice.
    """
    if len(data) > bounds.max_bytes:
        raise MessageUnreadable("the document is too large")
    # The parser is told UTF-8 whatever the declaration says, so a DTD cannot hide behind an encoding.
    if b"<!DOCTYPE" in data:
        raise MessageUnreadable("the document has a DTD")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        # Its message may quote the document.
        raise MessageUnreadable(f"the document is not well-formed (libxml2 error {error.code})") from None
    _check_tree(root, bounds)
    return root


def parse_verified(data: bytes) -> etree._Element:
    """The root of canonical bytes that a signature covers, or of what decrypted from such. Same bounds as the wire.

    Raises:
        MessageUnreadable: as `parse_wire`; a plaintext has been seen by no parser before.
    """
    return parse_wire(data)


def canonicalise(element: etree._Element, inclusive_prefixes: tuple[str, ...] = ()) -> bytes:
    """Exclusive C14N of `element` without comments.

    Raises:
        MessageUnreadable: it has no canonical form (a relative namespace URI, for example).
    """
    if not isinstance(element.tag, str):
        raise MessageUnreadable("only an element has a canonical form")  # libxml2 crashes on a comment alone
    try:
        data: bytes = etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=list(inclusive_prefixes) or None,
        )
    except etree.C14NError:
        raise MessageUnreadable("the document has no canonical form") from None
    # Elsewhere a failing canonicaliser gave an empty string, and everybody's signature fits that.
    if not data.startswith(b"<"):
        raise MessageUnreadable("the document has no canonical form")
    return data


def serialise(element: etree._Element) -> bytes:
    """`element` as UTF-8 octets without declaration, white space exactly as it stands."""
    data: bytes = etree.tostring(element, encoding="UTF-8", xml_declaration=False)
    return data


def ids_of(root: etree._Element) -> list[str]:
    """Every attribute value of the tree that somebody may take for an ID."""
    return [value for find in _IDS for value in find(root)]


def _check_tree(root: etree._Element, bounds: Bounds) -> None:
    document = root.getroottree().docinfo
    if document.doctype or document.internalDTD is not None:
        raise MessageUnreadable("the document has a DTD")
    if any(not isinstance(node, etree._Comment) for node in _beside(root)):
        raise MessageUnreadable("the document has a processing instruction")
    nodes, depth = 0, 0
    for event, node in etree.iterwalk(root, events=("start", "end", "start-ns", "pi")):
        if event == "start-ns":
            if len(node[1]) > _MAX_NAMESPACE:
                raise MessageUnreadable("the document has a namespace that is too long")
            continue
        if event == "end":
            depth -= 1
            continue
        if event == "pi":
            # It would split a text in two, and which half is the value depends on the reader.
            raise MessageUnreadable("the document has a processing instruction")
        depth += 1
        nodes += 1 + len(node.attrib)
        if depth > bounds.max_depth:
            raise MessageUnreadable("the document is too deep")
        if nodes > bounds.max_nodes:
            raise MessageUnreadable("the document has too many parts")
    if bounds.unique_ids:
        ids = ids_of(root)
        if len(set(ids)) != len(ids):
            raise MessageUnreadable("an ID is used twice")


def _beside(root: etree._Element) -> list[etree._Element]:
    return [*root.itersiblings(preceding=True), *root.itersiblings()]
