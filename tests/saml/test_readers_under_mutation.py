"""Whatever is done to a message before its sender signs it, a reader answers with content or with a refusal."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from saml2 import saml, samlp
from support.messages import AssertionDraft, RequestDraft, ResponseDraft, error_status

from broker.core.errors import MessageUnreadable
from broker.saml.elements import read_element, tag_of
from broker.saml.lexical import Malformed
from broker.saml.read_assertion import read_content
from broker.saml.read_request import read_content as read_request_content
from broker.saml.read_response import read_head_and_codes
from broker.saml.xml import canonicalise, parse_verified, serialise

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
PSC = "http://id.swedenconnect.se/authn/1.0/principal-selection/ns"

ASSERTION = AssertionDraft(
    issuer="https://idp.example",
    audience="https://broker.example/sp",
    recipient="https://broker.example/acs",
    in_response_to="_q",
    now=NOW,
    context="urn:test:loa3",
    values={"urn:oid:1.2.752.29.4.13": ["198611239883"], "urn:oid:2.5.4.11": ["a", "b"]},
    authorities=["https://issuer.example"],
    authn={"SessionNotOnOrAfter": "2026-11-23T16:15:02Z"},
).xml()

REQUEST = RequestDraft(
    issuer="https://e.example",
    destination="https://broker.example/sso",
    issued=NOW,
    attributes={
        "AssertionConsumerServiceURL": "https://e.example/acs",
        "AttributeConsumingServiceIndex": "1",
        "ForceAuthn": "1",
        "IsPassive": "0",
    },
    children=(
        f'<saml2p:Extensions><p:PrincipalSelection xmlns:p="{PSC}"><p:MatchValue Name="urn:n">v</p:MatchValue>'
        "</p:PrincipalSelection></saml2p:Extensions>"
        '<saml2p:NameIDPolicy Format="urn:f" SPNameQualifier="urn:q" AllowCreate="true"/>'
        '<saml2p:RequestedAuthnContext Comparison="exact">'
        "<saml2:AuthnContextClassRef>urn:c</saml2:AuthnContextClassRef></saml2p:RequestedAuthnContext>"
        '<saml2p:Scoping ProxyCount="2"><saml2p:IDPList><saml2p:IDPEntry ProviderID="urn:i"/></saml2p:IDPList>'
        "<saml2p:RequesterID>urn:r</saml2p:RequesterID></saml2p:Scoping>"
    ),
).xml()

RESPONSE = ResponseDraft(
    issuer="https://idp.example",
    destination="https://broker.example/acs",
    in_response_to="_q",
    issued=NOW,
    status=error_status("urn:top", "urn:second"),
).xml()

STRANGE = st.one_of(
    st.sampled_from(
        ["", " ", "\n", "0", "-1", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "true", "a b", "é"]
    ),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=5
    ),
    st.integers().map(str),
)
NAMES = st.sampled_from(
    sorted(
        {
            tag_of(model)
            for module in (saml, samlp)
            for model in vars(module).values()
            if isinstance(model, type) and hasattr(model, "c_tag") and not model.__name__.endswith("_") and model.c_tag
        }
    )
)


@st.composite
def mutated(draw: st.DrawFn, xml: str) -> etree._Element:
    """`xml` with up to four of its parts removed, repeated, moved, renamed, emptied or filled with something else."""
    root = etree.fromstring(xml)
    for _ in range(draw(st.integers(1, 4))):
        elements = list(root.iter("*"))
        element = elements[draw(st.integers(0, len(elements) - 1))]
        other = elements[draw(st.integers(0, len(elements) - 1))]
        change = draw(st.sampled_from(["remove", "repeat", "graft", "rename", "text", "tail", "attribute", "drop"]))
        if change == "remove" and element is not root:
            element.getparent().remove(element)
        elif change == "repeat" and element is not root:
            element.addnext(copy.deepcopy(element))
        elif change == "graft":
            element.append(copy.deepcopy(other))
        elif change == "rename" and element is not root:
            element.tag = draw(NAMES)
        elif change == "text":
            element.text = draw(STRANGE)
        elif change == "tail" and element is not root:
            element.tail = draw(STRANGE)
        elif change == "attribute":
            names = [*element.attrib, "ID", "Version", "{urn:x}y", saml.XSI_TYPE, saml.XSI_NIL]
            element.set(draw(st.sampled_from(names)), draw(STRANGE))
        elif change == "drop" and element.attrib:
            del element.attrib[draw(st.sampled_from(sorted(element.attrib)))]
    return root


def _assertion(root: etree._Element) -> object:
    return read_content(root, signature_algorithm="rsa", encryption_algorithm="aes", key_id="k")


def _request(root: etree._Element) -> object:
    return read_request_content(root, relay_state=None, signature_algorithm="rsa", key_id="k")


READERS: dict[str, tuple[str, Callable[[etree._Element], object]]] = {
    "assertion": (ASSERTION, _assertion),
    "request": (REQUEST, _request),
    "response": (RESPONSE, read_head_and_codes),
}


@pytest.mark.parametrize("kind", READERS)
def test_the_unchanged_message_is_read(kind: str) -> None:
    xml, read = READERS[kind]
    assert read(parse_verified(xml.encode()))


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_message_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    xml, read = READERS[kind]
    changed = data.draw(mutated(xml))
    detail = ""
    try:
        read(parse_verified(canonicalise(etree.fromstring(serialise(changed)))))
    except (Malformed, MessageUnreadable) as refused:
        detail = refused.detail
    assert "198611239883" not in detail


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_element_is_read_or_malformed(data: st.DataObject) -> None:
    """Each class of the model, with the content of another."""
    root = data.draw(mutated(data.draw(st.sampled_from([ASSERTION, REQUEST, RESPONSE]))))
    for element in root.iter("*"):
        model = vars(saml).get(etree.QName(element).localname) or vars(samlp).get(etree.QName(element).localname)
        if isinstance(model, type):
            try:
                read_element(model, element)
            except Malformed:
                continue
