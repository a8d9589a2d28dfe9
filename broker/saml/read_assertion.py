"""The content of an Assertion, as far as the profile lets it have any. What it says is judged elsewhere."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from lxml import etree
from saml2 import saml

from broker.messages.assertion import VerifiedAssertion
from broker.saml.checks import VERSION
from broker.saml.elements import read_element
from broker.saml.lexical import Malformed, read_id, read_instant, read_uri, read_uri_if_given
from broker.vocabulary.identifiers import ATTRIBUTE_NAME_FORMAT_URI, CONFIRMATION_BEARER

# Absent means this (SAML core 2.7.3.1): the interpretation is ours, and ours is that Name is a URI.
_UNSPECIFIED = saml.NAME_FORMAT_UNSPECIFIED
_MAX_NAME_ID = 1024


def read_content(
    root: etree._Element, *, signature_algorithm: str, encryption_algorithm: str, key_id: str
) -> VerifiedAssertion:
    """What the Assertion under `root` says; the other arguments say how that became known.

    Raises:
        Malformed: no Assertion by the schema, or one that is not exactly of the profile.

    Spec: Sweden Connect Deployment Profile 6.1 and 6.2; Attribute Specification 2, 3.1.2 and 3.2.
    """
    assertion = read_element(saml.Assertion, root)
    if assertion.version != VERSION:
        raise Malformed("Assertion/@Version")
    if assertion.issuer is None:
        raise Malformed("no Issuer in the Assertion")
    if assertion.statement or assertion.authz_decision_statement:
        raise Malformed("a statement of a kind that we do not understand")
    subject = _given(assertion.subject, "Subject")
    confirmation = _confirmation(subject)
    conditions = _given(assertion.conditions, "Conditions")
    authn = _single(assertion.authn_statement, "AuthnStatement")
    context = _given(authn.authn_context, "AuthnContext")
    return VerifiedAssertion(
        assertion_id=read_id(assertion.id, "Assertion/@ID"),
        issuer=read_uri(assertion.issuer.text, "Assertion/Issuer"),
        issue_instant=read_instant(assertion.issue_instant, "Assertion/@IssueInstant"),
        audiences=_audiences(conditions),
        recipient=confirmation.recipient,
        in_response_to=confirmation.in_response_to,
        not_before=read_instant(conditions.not_before, "Conditions/@NotBefore"),
        not_on_or_after=min(
            read_instant(conditions.not_on_or_after, "Conditions/@NotOnOrAfter"),
            read_instant(confirmation.not_on_or_after, "SubjectConfirmationData/@NotOnOrAfter"),
        ),
        authn_instant=read_instant(authn.authn_instant, "AuthnInstant"),
        session_not_on_or_after=(
            read_instant(authn.session_not_on_or_after, "SessionNotOnOrAfter")
            if authn.session_not_on_or_after is not None
            else None
        ),
        session_index=authn.session_index,
        context=read_uri(_given(context.authn_context_class_ref, "AuthnContextClassRef").text, "AuthnContextClassRef"),
        authorities=tuple(read_uri(a.text, "AuthenticatingAuthority") for a in context.authenticating_authority),
        name_id=_name_id(subject),
        name_id_format=read_uri_if_given(subject.name_id.format, "NameID/@Format"),
        attributes=_attributes(_single(assertion.attribute_statement, "AttributeStatement")),
        signature_algorithm=signature_algorithm,
        encryption_algorithm=encryption_algorithm,
        key_id=key_id,
    )


def _given(element: Any, what: str) -> Any:
    if element is None:
        raise Malformed(f"no {what}")
    return element


def _single(elements: Sequence[Any], what: str) -> Any:
    if len(elements) != 1:
        raise Malformed(f"not exactly one {what}")
    return elements[0]


def _confirmation(subject: Any) -> Any:
    """The SubjectConfirmationData of the one bearer confirmation (Deployment Profile 6.2; SAML profiles 4.1.4.2)."""
    confirmation = _single(subject.subject_confirmation, "SubjectConfirmation")
    if read_uri(confirmation.method, "Method") != CONFIRMATION_BEARER:
        raise Malformed("SubjectConfirmation is not by bearer")
    if confirmation.base_id is not None or confirmation.name_id is not None or confirmation.encrypted_id is not None:
        raise Malformed("SubjectConfirmation names somebody else")
    data = _given(confirmation.subject_confirmation_data, "SubjectConfirmationData")
    if data.not_before is not None:
        raise Malformed("SubjectConfirmationData/@NotBefore")
    return data


def _name_id(subject: Any) -> str:
    if subject.base_id is not None or subject.encrypted_id is not None:
        raise Malformed("Subject without plain NameID")
    text = (_given(subject.name_id, "NameID").text or "").strip()
    if not text or len(text) > _MAX_NAME_ID:
        raise Malformed("NameID is empty or too long")
    return text


def _audiences(conditions: Any) -> tuple[str, ...]:
    """Who is in every AudienceRestriction: each of them must hold (SAML core 2.5.1.4)."""
    if conditions.condition or conditions.proxy_restriction:
        # We are a proxy, and cannot pass a restriction on; what we do not understand must fail (SAML core 2.5.1.1).
        raise Malformed("a condition that we cannot meet")
    restrictions = [
        tuple(read_uri(audience.text, "Audience") for audience in restriction.audience)
        for restriction in conditions.audience_restriction
    ]
    if not restrictions:
        raise Malformed("no AudienceRestriction")
    return tuple(a for a in restrictions[0] if all(a in other for other in restrictions[1:]))


def _attributes(statement: Any) -> dict[str, tuple[str, ...]]:
    if statement.encrypted_attribute:
        raise Malformed("EncryptedAttribute")
    attributes: dict[str, tuple[str, ...]] = {}
    for attribute in statement.attribute:
        name = read_uri(attribute.name, "Attribute/@Name")
        if attribute.name_format not in (None, ATTRIBUTE_NAME_FORMAT_URI, _UNSPECIFIED):
            raise Malformed("Attribute/@NameFormat is not uri")
        if name in attributes:
            raise Malformed("an Attribute is given twice")
        values = (unicodedata.normalize("NFC", value.text or "").strip() for value in attribute.attribute_value)
        attributes[name] = tuple(value for value in values if value)
    return {name: values for name, values in attributes.items() if values}
