"""The element model: read strictly, written with one prefix per namespace."""

import pytest
from lxml import etree
from saml2 import ExtensionElement, saml, samlp

from broker.saml.elements import read_element, write_element
from broker.saml.lexical import Malformed

SAML = saml.NAMESPACE
SAMLP = samlp.NAMESPACE
XMLNS = (
    f'xmlns:a="{SAML}" xmlns:p="{SAMLP}" xmlns:x="urn:test:foreign" '
    f'xmlns:xs="{saml.XS_NAMESPACE}" xmlns:xsi="{saml.XSI_NAMESPACE}"'
)


def parse(text: str) -> etree._Element:
    return etree.fromstring(text.replace(" ", f" {XMLNS} ", 1) if " " in text else text.replace(">", f" {XMLNS}>", 1))


def test_children_and_attributes_become_members() -> None:
    status = read_element(
        samlp.Status,
        parse(
            '<p:Status ><p:StatusCode Value="urn:a">\n <p:StatusCode Value="urn:b"/></p:StatusCode>'
            "<p:StatusMessage>told</p:StatusMessage></p:Status>"
        ),
    )
    assert status.status_code.value == "urn:a"
    assert status.status_code.status_code.value == "urn:b"
    assert status.status_message.text == "told"


def test_a_default_of_the_class_is_not_taken_for_sent() -> None:
    assert read_element(saml.Attribute, parse('<a:Attribute Name="n"/>')).name_format is None


def test_an_attribute_of_another_namespace_is_left_alone() -> None:
    assert read_element(saml.Attribute, parse('<a:Attribute Name="n" x:of="y"/>')).name == "n"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        pytest.param(samlp.Status, "<a:Status />", id="another namespace"),
        pytest.param(samlp.Status, "<p:Extensions />", id="another name"),
        pytest.param(saml.Attribute, "<a:Attribute />", id="a required attribute is missing"),
        pytest.param(saml.Attribute, '<a:Attribute Name="n" name="m"/>', id="an unknown attribute"),
        pytest.param(saml.Attribute, '<a:Attribute Name="n"><x:Y/></a:Attribute>', id="an unknown child"),
        pytest.param(saml.Attribute, '<a:Attribute Name="n">text</a:Attribute>', id="text before"),
        pytest.param(saml.Subject, "<a:Subject ><a:NameID>n</a:NameID>text</a:Subject>", id="text after a child"),
        pytest.param(saml.NameID, "<a:NameID >a<x:Y/>b</a:NameID>", id="an element in a text"),
        pytest.param(saml.NameID, "<a:NameID >a<?pi?>b</a:NameID>", id="a processing instruction in a text"),
        pytest.param(saml.NameID, "<a:NameID >a<!-- c -->b</a:NameID>", id="a comment in a text"),
        pytest.param(
            samlp.Status,
            '<p:Status ><p:StatusCode Value="urn:a"/><p:StatusCode Value="urn:b"/></p:Status>',
            id="the second of what may be there once",
        ),
        pytest.param(
            saml.Subject, "<a:Subject ><a:NameID>a</a:NameID><a:NameID>b</a:NameID></a:Subject>", id="two NameIDs"
        ),
        pytest.param(saml.OneTimeUse, "<a:OneTimeUse >text</a:OneTimeUse>", id="text in an empty element"),
    ],
)
def test_what_the_schema_does_not_allow_is_malformed(model: type, text: str) -> None:
    with pytest.raises(Malformed):
        read_element(model, parse(text))


def test_foreign_content_is_not_read() -> None:
    detail = read_element(
        samlp.Status,
        parse('<p:Status ><p:StatusCode Value="urn:a"/><p:StatusDetail><x:Y b="c">d</x:Y></p:StatusDetail></p:Status>'),
    ).status_detail
    assert detail.extension_elements == []


def test_a_key_beside_the_data_of_a_confirmation_is_not_read() -> None:
    data = read_element(
        saml.SubjectConfirmationData,
        parse('<a:SubjectConfirmationData Recipient="r"><x:Y/></a:SubjectConfirmationData>'),
    )
    assert (data.recipient, data.extension_elements) == ("r", [])


def test_of_what_nobody_wants_only_the_presence_is_noted() -> None:
    request = read_element(
        samlp.AuthnRequest,
        parse('<p:AuthnRequest ID="_a" Version="2.0" IssueInstant="t"><a:Subject><x:Y/></a:Subject></p:AuthnRequest>'),
        unread=[f"{{{SAML}}}Subject"],
    )
    assert request.subject is not None
    assert request.subject.name_id is None


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        pytest.param('xsi:type="xs:string"', "åäö & <", id="a string"),
        pytest.param("", "plain", id="no type"),
        pytest.param('xsi:type="lost:string"', "plain", id="a prefix that canonicalisation has dropped"),
        pytest.param('xsi:type="xs:string"', "", id="an empty string"),
    ],
)
def test_a_string_value_is_read(attribute: str, text: str) -> None:
    element = parse(f"<a:AttributeValue {attribute}></a:AttributeValue>")
    element.text = text
    assert (read_element(saml.AttributeValue, element).text or "") == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('<a:AttributeValue xsi:type="xs:integer">1</a:AttributeValue>', id="an integer"),
        pytest.param('<a:AttributeValue xsi:type="x:string">1</a:AttributeValue>', id="a string of somebody else"),
        pytest.param('<a:AttributeValue xsi:type="">1</a:AttributeValue>', id="an empty type"),
        pytest.param('<a:AttributeValue xsi:nil="true"/>', id="nil"),
        pytest.param('<a:AttributeValue x:LatinScript="false">1</a:AttributeValue>', id="a foreign attribute"),
        pytest.param("<a:AttributeValue ><x:Y>1</x:Y></a:AttributeValue>", id="an element"),
        pytest.param("<a:AttributeValue >1<?pi?>2</a:AttributeValue>", id="a processing instruction"),
    ],
)
def test_a_value_that_is_no_string_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read_element(saml.AttributeValue, parse(text))


def test_written_elements_use_the_given_prefixes_only() -> None:
    request = samlp.AuthnRequest(
        id="_a",
        issuer=saml.Issuer(text="https://a.example"),
        extensions=samlp.Extensions(
            extension_elements=[
                ExtensionElement(
                    "Outer",
                    namespace="urn:test:foreign",
                    children=[ExtensionElement("Inner", "urn:test:foreign", {"Name": "n"}, text="v")],
                )
            ]
        ),
    )
    element = write_element(request, {"p": SAMLP, "a": SAML, "x": "urn:test:foreign"})
    assert etree.tostring(element).decode() == (
        f'<p:AuthnRequest xmlns:p="{SAMLP}" xmlns:a="{SAML}" xmlns:x="urn:test:foreign" ID="_a">'
        "<a:Issuer>https://a.example</a:Issuer>"
        '<p:Extensions><x:Outer><x:Inner Name="n">v</x:Inner></x:Outer></p:Extensions></p:AuthnRequest>'
    )


def test_a_written_value_is_an_xs_string_and_reads_back() -> None:
    attribute = saml.Attribute(name="n", attribute_value=[saml.AttributeValue(text="å"), saml.AttributeValue(text="b")])
    element = write_element(attribute, {"a": SAML, "xs": saml.XS_NAMESPACE, "xsi": saml.XSI_NAMESPACE})
    assert [value.get(saml.XSI_TYPE) for value in element] == ["xs:string", "xs:string"]
    assert [value.text for value in read_element(saml.Attribute, element).attribute_value] == ["å", "b"]


def test_a_text_that_xml_cannot_carry_is_not_written() -> None:
    with pytest.raises(ValueError, match="XML"):
        write_element(saml.Issuer(text="a\x01"), {"a": SAML})
