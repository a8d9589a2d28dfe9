"""The content of an Assertion: what is read, what is tolerated, what is outside the profile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.messages import TRANSIENT, AssertionDraft

from broker.messages.assertion import VerifiedAssertion
from broker.saml.lexical import Malformed
from broker.saml.read_assertion import read_content
from broker.saml.xml import canonicalise, parse_verified, parse_wire

NOW = datetime(2026, 11, 23, 8, 15, 2, tzinfo=UTC)
UPSTREAM = "https://idp.example"
PNR = "urn:oid:1.2.752.29.4.13"

ASSERTION = AssertionDraft(
    issuer=UPSTREAM,
    audience="https://broker.example/saml/sp",
    recipient="https://broker.example/saml/sp/acs",
    in_response_to="_q",
    now=NOW,
    context="urn:test:loa3",
    values={PNR: ["198611239883"], "urn:oid:2.5.4.4": ["Ek"]},
)


def read(xml: str) -> VerifiedAssertion:
    """What is read of `xml` once a signature has covered it."""
    root = parse_verified(canonicalise(parse_wire(xml.encode())))
    return read_content(root, signature_algorithm="rsa", encryption_algorithm="aes", key_id="k")


def changed(old: str, new: str, count: int = -1) -> str:
    """The assertion with `old` replaced, which must be there."""
    xml = ASSERTION.xml()
    assert old in xml
    return xml.replace(old, new, count)


def with_values(**changes: Any) -> str:
    return replace(ASSERTION, **changes).xml()


ENCRYPTED_DATA = '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/>'
CONFIRMATION = ASSERTION.xml()[
    ASSERTION.xml().index("<saml2:SubjectConfirmation ") : ASSERTION.xml().index("</saml2:Subject>")
]
AUTHN = ASSERTION.xml()[
    ASSERTION.xml().index("<saml2:AuthnStatement") : ASSERTION.xml().index("<saml2:AttributeStatement>")
]
ATTRIBUTES = ASSERTION.xml()[
    ASSERTION.xml().index("<saml2:AttributeStatement>") : ASSERTION.xml().index("</saml2:Assertion>")
]
VALUE = '<saml2:AttributeValue xsi:type="xs:string">198611239883</saml2:AttributeValue>'
NAME_ID = ">persistent-subject</saml2:NameID>"
CONTEXT = "<saml2:AuthnContextClassRef>urn:test:loa3</saml2:AuthnContextClassRef>"
AUDIENCE = "<saml2:Audience>https://broker.example/saml/sp</saml2:Audience>"
RESTRICTION = f"<saml2:AudienceRestriction>{AUDIENCE}</saml2:AudienceRestriction>"


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(with_values(attributes={"ID": None}), id="no ID"),
        pytest.param(with_values(attributes={"ID": "0"}), id="an ID that is no NCName"),
        pytest.param(with_values(attributes={"Version": "1.1"}), id="another version"),
        pytest.param(with_values(attributes={"IssueInstant": "now"}), id="IssueInstant is none"),
        pytest.param(with_values(issuer=""), id="an empty Issuer"),
        pytest.param(changed(f"<saml2:Issuer>{UPSTREAM}</saml2:Issuer>", ""), id="no Issuer"),
        pytest.param(
            changed(f"<saml2:Issuer>{UPSTREAM}</saml2:Issuer>", f"<saml2:Issuer>{UPSTREAM}</saml2:Issuer>" * 2),
            id="two Issuers",
        ),
        # Subject
        pytest.param(changed("saml2:Subject>", "saml2:Advice>"), id="no Subject"),
        pytest.param(changed(NAME_ID, "/>").replace("<saml2:NameID", "<saml2:NameID", 1), id="an empty NameID"),
        pytest.param(changed(NAME_ID, ">  </saml2:NameID>"), id="a blank NameID"),
        pytest.param(changed(NAME_ID, f">{'x' * 1025}</saml2:NameID>"), id="a long NameID"),
        pytest.param(changed(NAME_ID, ">a<saml2:NameID>b</saml2:NameID></saml2:NameID>"), id="markup in the NameID"),
        pytest.param(changed(NAME_ID, NAME_ID + "<saml2:NameID>other</saml2:NameID>"), id="two NameIDs"),
        pytest.param(
            changed(NAME_ID, NAME_ID + f"<saml2:EncryptedID>{ENCRYPTED_DATA}</saml2:EncryptedID>"), id="EncryptedID too"
        ),
        pytest.param(changed(NAME_ID, NAME_ID + "<saml2:BaseID/>"), id="BaseID too"),
        pytest.param(
            changed("<saml2:NameID ", f"<saml2:EncryptedID>{ENCRYPTED_DATA}</saml2:EncryptedID><saml2:BaseID ").replace(
                NAME_ID, "/>"
            ),
            id="no plain NameID",
        ),
        # SubjectConfirmation
        pytest.param(changed(CONFIRMATION, ""), id="no SubjectConfirmation"),
        pytest.param(changed(CONFIRMATION, CONFIRMATION * 2), id="two SubjectConfirmations"),
        pytest.param(changed("cm:bearer", "cm:holder-of-key"), id="holder of key"),
        pytest.param(changed("cm:bearer", "cm:sender-vouches"), id="sender vouches"),
        pytest.param(changed(' Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"', ""), id="no Method"),
        pytest.param(
            changed(
                "<saml2:SubjectConfirmationData", "<saml2:NameID>other</saml2:NameID><saml2:SubjectConfirmationData"
            ),
            id="confirmed for somebody else",
        ),
        pytest.param(
            changed(CONFIRMATION, '<saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"/>'),
            id="no SubjectConfirmationData",
        ),
        pytest.param(with_values(data={"NotBefore": "2026-11-23T08:00:00Z"}), id="NotBefore in the confirmation"),
        pytest.param(with_values(data={"NotOnOrAfter": None}), id="no NotOnOrAfter in the confirmation"),
        pytest.param(with_values(data={"NotOnOrAfter": "soon"}), id="NotOnOrAfter is no instant"),
        # Conditions
        pytest.param(changed("saml2:Conditions", "saml2:Advice"), id="no Conditions"),
        pytest.param(with_values(conditions={"NotBefore": None}), id="no NotBefore"),
        pytest.param(with_values(conditions={"NotOnOrAfter": None}), id="no NotOnOrAfter"),
        pytest.param(with_values(conditions={"NotOnOrAfter": "2026-11-23"}), id="NotOnOrAfter is a date"),
        pytest.param(changed(RESTRICTION, ""), id="no AudienceRestriction"),
        pytest.param(changed(AUDIENCE, "<saml2:Audience/>"), id="an empty Audience"),
        pytest.param(changed(RESTRICTION, RESTRICTION + "<saml2:ProxyRestriction Count='0'/>"), id="ProxyRestriction"),
        pytest.param(
            changed(RESTRICTION, RESTRICTION + "<saml2:Condition xmlns:x='urn:x' xsi:type='x:Odd'/>"),
            id="an unknown condition",
        ),
        pytest.param(changed(RESTRICTION, RESTRICTION + "<x xmlns='urn:x'/>"), id="a foreign condition"),
        # AuthnStatement
        pytest.param(changed(AUTHN, ""), id="no AuthnStatement"),
        pytest.param(changed(AUTHN, AUTHN * 2), id="two AuthnStatements"),
        pytest.param(with_values(authn={"AuthnInstant": None}), id="no AuthnInstant"),
        pytest.param(with_values(authn={"AuthnInstant": "2026-11-23T08:15:02"}), id="AuthnInstant without zone"),
        pytest.param(with_values(authn={"SessionNotOnOrAfter": ""}), id="an empty SessionNotOnOrAfter"),
        pytest.param(with_values(context=""), id="an empty AuthnContextClassRef"),
        pytest.param(changed(CONTEXT, ""), id="no AuthnContextClassRef"),
        pytest.param(changed(CONTEXT, CONTEXT * 2), id="two AuthnContextClassRefs"),
        pytest.param(changed(CONTEXT, CONTEXT.replace("loa3", "<b/>loa3")), id="markup in AuthnContextClassRef"),
        pytest.param(with_values(authorities=[""]), id="an empty AuthenticatingAuthority"),
        pytest.param(
            changed(AUTHN, AUTHN + "<saml2:Statement xmlns:x='urn:x' xsi:type='x:Odd'/>"), id="an unknown statement"
        ),
        pytest.param(
            changed(
                AUTHN,
                AUTHN
                + "<saml2:AuthzDecisionStatement Resource='r' Decision='Permit'>"
                + "<saml2:Action Namespace='urn:n'>a</saml2:Action></saml2:AuthzDecisionStatement>",
            ),
            id="AuthzDecisionStatement",
        ),
        # AttributeStatement
        pytest.param(changed(ATTRIBUTES, ""), id="no AttributeStatement"),
        pytest.param(changed(ATTRIBUTES, ATTRIBUTES * 2), id="two AttributeStatements"),
        pytest.param(
            changed(
                "</saml2:AttributeStatement>",
                f"<saml2:EncryptedAttribute>{ENCRYPTED_DATA}</saml2:EncryptedAttribute></saml2:AttributeStatement>",
            ),
            id="EncryptedAttribute",
        ),
        pytest.param(changed(' Name="urn:oid:2.5.4.4"', ""), id="an attribute without Name"),
        pytest.param(changed('"urn:oid:2.5.4.4"', '" "'), id="a blank Name"),
        pytest.param(changed('"urn:oid:2.5.4.4"', f'"{PNR}"'), id="one Name twice"),
        pytest.param(changed('"urn:oid:2.5.4.4"', f'" {PNR} "'), id="one Name twice, with white space"),
        pytest.param(changed("attrname-format:uri", "attrname-format:basic", 1), id="another NameFormat"),
        pytest.param(changed(VALUE, VALUE.replace("1986", "19<b>8</b>6")), id="markup in a value"),
        pytest.param(changed("xs:string", "xs:integer", 1), id="an integer"),
        pytest.param(changed(VALUE, VALUE.replace("xsi:type", "xsi:nil='true' xsi:type")), id="nil"),
        pytest.param(
            changed("</saml2:AttributeStatement>", "text</saml2:AttributeStatement>"), id="text between attributes"
        ),
    ],
)
def test_an_assertion_outside_the_profile_is_malformed(xml: str) -> None:
    with pytest.raises(Malformed):
        read(xml)


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(changed(' NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"', ""), id="no NameFormat"),
        pytest.param(changed("attrname-format:uri", "attrname-format:unspecified"), id="an unspecified NameFormat"),
        pytest.param(changed(' xsi:type="xs:string"', ""), id="no xsi:type"),
        pytest.param(changed(RESTRICTION, RESTRICTION + "<saml2:OneTimeUse/>"), id="OneTimeUse"),
        pytest.param(changed(VALUE, VALUE.replace(">1986", ">\n 1986")), id="white space around a value"),
        pytest.param(changed(VALUE, VALUE.replace(">1986", "><!-- c -->19<!-- c -->86")), id="comments in a value"),
        pytest.param(
            changed("<saml2:AuthnContext>", "<saml2:SubjectLocality Address='192.0.2.1'/><saml2:AuthnContext>"),
            id="SubjectLocality",
        ),
        pytest.param(
            changed(
                RESTRICTION + "</saml2:Conditions>",
                RESTRICTION + "</saml2:Conditions><saml2:Advice><x xmlns='urn:x'>y</x></saml2:Advice>",
            ),
            id="Advice",
        ),
        pytest.param(
            changed(CONTEXT, CONTEXT + "<saml2:AuthnContextDecl><x xmlns='urn:x'>y</x></saml2:AuthnContextDecl>"),
            id="AuthnContextDecl",
        ),
        pytest.param(with_values(authn={"SessionIndex": None}), id="no SessionIndex"),
        pytest.param(with_values(name_id_format=TRANSIENT), id="a transient NameID"),
    ],
)
def test_what_other_software_writes_is_tolerated(xml: str) -> None:
    assert read(xml).attributes[PNR] == ("198611239883",)


def test_a_session_end_is_read() -> None:
    ends = with_values(authn={"SessionNotOnOrAfter": "2026-11-23T16:15:02Z"})
    assert read(ends).session_not_on_or_after == NOW + timedelta(hours=8)


def test_the_earlier_of_two_ends_counts() -> None:
    assert read(with_values(data={"NotOnOrAfter": "2026-11-23T08:16:02Z"})).not_on_or_after == NOW + timedelta(
        minutes=1
    )
    assert read(with_values(conditions={"NotOnOrAfter": "2026-11-23T08:17:02Z"})).not_on_or_after == NOW + timedelta(
        minutes=2
    )


def test_an_audience_must_be_in_every_restriction() -> None:
    other = (
        "<saml2:AudienceRestriction><saml2:Audience>https://other.example</saml2:Audience></saml2:AudienceRestriction>"
    )
    assert read(changed(RESTRICTION, RESTRICTION + other)).audiences == ()
    assert read(changed(RESTRICTION, RESTRICTION * 2)).audiences == ("https://broker.example/saml/sp",)


def test_values_are_trimmed_composed_and_kept_in_order() -> None:
    read_values = read(with_values(values={"urn:a": [" A\u030asa ", "b", "", "  "], "urn:b": [""], "urn:c": []}))
    assert read_values.attributes == {"urn:a": ("Åsa", "b")}
