"""pysaml2's element classes as the model of SAML: filled from our own parser's tree, and turned back into one.

The classes know which child and attribute each element has. Their own reading is too kind for us: of two Issuers
the last one wins silently, what is unknown is kept as an extension, and AttributeValue guesses types. So the tables
are theirs and the reading is ours. Their own writing registers prefixes for the whole process; ours does not.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from lxml import etree
from saml2 import ExtensionElement, SamlBase, saml, samlp

from broker.saml.lexical import Malformed

_SPACE = " \t\r\n"
_XSI_TYPE = saml.XSI_TYPE
_XS_STRING = "string"


def tag_of(element: Any) -> str:
    """The qualified name of an element class or instance, as lxml writes it."""
    if isinstance(element, ExtensionElement):
        return f"{{{element.namespace}}}{element.tag}"
    return f"{{{element.c_namespace}}}{element.c_tag}"


_FOREIGN = frozenset(
    map(tag_of, (samlp.Extensions, samlp.StatusDetail, saml.Advice, saml.AuthnContextDecl, saml.EncryptedAssertion))
)
"""Elements made for foreign content. Known to be there, not read: so it cannot influence anything."""


def read_element(model: type[SamlBase], element: etree._Element, *, unread: Collection[str] = ()) -> Any:
    """An instance of `model` with everything that its class knows; every text and attribute as it stands.

    Of the elements in `unread` (qualified names) only the presence is noted.

    Raises:
        Malformed: another element; something missing, repeated, unknown or misplaced.
    """
    if element.tag != tag_of(model):
        raise Malformed(f"not {model.c_tag}")
    return _read(model, element, _FOREIGN.union(unread))


def _read(model: type[SamlBase], element: etree._Element, unread: Collection[str]) -> Any:
    if element.tag in unread:
        return model()
    if model is saml.AttributeValue:
        return _read_value(element)
    target = model()
    for member, _, _ in model.c_attributes.values():
        setattr(target, member, None)  # some classes have defaults, which nobody sent
    for child in element:
        _read_child(target, child, unread)
    for name, value in element.attrib.items():
        known = model.c_attributes.get(name)
        if known is not None:
            setattr(target, known[0], str(value))
        elif not str(name).startswith("{"):
            raise Malformed(f"{model.c_tag} has an unknown attribute")
    for name, (member, _, required) in model.c_attributes.items():
        if required and getattr(target, member) is None:
            raise Malformed(f"{model.c_tag} lacks {name}")
    target.text = element.text
    if not model.c_value_type and (element.text or "").strip(_SPACE):
        raise Malformed(f"{model.c_tag} has text")
    return target


def _read_child(target: Any, child: etree._Element, unread: Collection[str]) -> None:
    model = type(target)
    if not isinstance(child.tag, str):
        # Canonical bytes hold no comments, but may hold processing instructions, which split a text in two.
        raise Malformed(f"{model.c_tag} holds a processing instruction")
    if (child.tail or "").strip(_SPACE):
        raise Malformed(f"{model.c_tag} has text")
    known = model.c_children.get(child.tag)
    if known is None:
        if model.c_any:
            return
        raise Malformed(f"{model.c_tag} has an unknown child")
    member, kind = known
    if isinstance(kind, list):
        getattr(target, member).append(_read(kind[0], child, unread))
    elif getattr(target, member) is not None:
        raise Malformed(f"{model.c_tag} has more than one {kind.c_tag}")
    else:
        setattr(target, member, _read(kind, child, unread))


def _read_value(element: etree._Element) -> Any:
    """An AttributeValue that is a string and nothing else (Attribute Specification 3.2)."""
    if len(element):
        raise Malformed("an AttributeValue holds elements")
    for name, value in element.attrib.items():
        if name != _XSI_TYPE:
            raise Malformed("an AttributeValue has an attribute that we do not understand")
        prefix, _, local = str(value).strip(_SPACE).rpartition(":")
        # Exclusive canonicalisation drops a declaration that only an attribute's value uses, so an undeclared
        # prefix is the usual case; a declared one must mean XML Schema.
        if local != _XS_STRING or element.nsmap.get(prefix or None, saml.XS_NAMESPACE) != saml.XS_NAMESPACE:
            raise Malformed("an AttributeValue is no string")
    return saml.AttributeValue(text=element.text)


def write_element(instance: SamlBase | ExtensionElement, nsmap: Mapping[str, str]) -> etree._Element:
    """The tree of `instance`, with exactly the prefixes of `nsmap`, declared at its root.

    Raises:
        ValueError: a text that XML cannot carry (a control character).
    """
    root = etree.Element(tag_of(instance), nsmap=dict(nsmap))
    _fill(root, instance)
    return root


def _fill(element: etree._Element, instance: SamlBase | ExtensionElement) -> None:
    attributes, children = (
        (instance.attributes.items(), instance.children)
        if isinstance(instance, ExtensionElement)
        else (_attributes_of(instance), _children_of(instance))
    )
    for name, value in attributes:
        element.set(name, value)
    for child in children:
        _fill(etree.SubElement(element, tag_of(child)), child)
    element.text = instance.text


def _attributes_of(instance: SamlBase) -> Iterable[tuple[str, str]]:
    for name, (member, _, _) in instance.c_attributes.items():
        value = getattr(instance, member)
        if value is not None:
            yield name, value
    for name, value in instance.extension_attributes.items():
        # pysaml2 writes declarations as if they were attributes; ours are in `nsmap`.
        if name.startswith("{"):
            yield name, value


def _children_of(instance: SamlBase) -> Iterable[SamlBase | ExtensionElement]:
    for member in instance.c_child_order:
        value = getattr(instance, member)
        yield from value if isinstance(value, list) else () if value is None else (value,)
    yield from instance.extension_elements
