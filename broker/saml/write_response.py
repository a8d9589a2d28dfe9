"""ResponsePlan or ErrorPlan → a signed Response, posted through the browser; an assertion always encrypted."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree
from saml2 import saml, samlp

from broker.core.errors import EServiceCannotDecrypt
from broker.core.ports import IdSource
from broker.messages.assertion import ErrorPlan, ResponsePlan, WrittenMessage
from broker.messages.entity import EntityRecord
from broker.saml import encryption, signature
from broker.saml.algorithms import SignatureChoice, pick_encryption, pick_signature
from broker.saml.checks import VERSION
from broker.saml.elements import write_element
from broker.saml.keys import KeyRing, SigningKey
from broker.saml.lexical import write_instant
from broker.saml.xml import ISSUER, SAML, SAMLP, XS, XSI, serialise
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.identifiers import ATTRIBUTE_NAME_FORMAT_URI, CONFIRMATION_BEARER, NAME_ID_FORMATS
from broker.vocabulary.statuses import SUCCESS, StatusPair, status_for

FIELD = "SAMLResponse"
LIFETIME = timedelta(minutes=5)
BACKDATED = timedelta(seconds=10)  # for an e-service whose clock is behind ours

_ASSERTION_PREFIXES = {"saml2": SAML, "xs": XS, "xsi": XSI}
_RESPONSE_PREFIXES = {"saml2p": SAMLP, "saml2": SAML}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionFacts:
    """What the wire needs beside the plan."""

    assertion_id: str
    entity_id: str  # ours, as IdP
    now: datetime


class ResponseWriter:
    """Writes our Responses."""

    def __init__(self, *, entity_id: str, keys: Callable[[], KeyRing], ids: IdSource, catalogue: Catalogue) -> None:
        self._entity_id = entity_id
        self._keys = keys
        self._ids = ids
        self._catalogue = catalogue

    def write_granted(self, plan: ResponsePlan, record: EntityRecord, now: datetime) -> WrittenMessage:
        """The Response with one assertion: encrypted always, signed itself only for an e-service that wants it.

        Raises:
            EServiceCannotDecrypt: no usable encryption key in the metadata.
            KeyUnavailable: no active signing key.

        Spec: Sweden Connect Deployment Profile 6.1, 6.2.
        """
        if record.sp is None:  # the directory promises it
            raise EServiceCannotDecrypt(f"{record.entity_id} has no SPSSODescriptor")
        key = self._keys().signing
        signing = pick_signature(record, key.key_type)
        sealing = pick_encryption(record.sp.encryption_keys)
        facts = AssertionFacts(assertion_id=self._ids.message_id(), entity_id=self._entity_id, now=now)
        assertion = build_assertion(plan, facts, self._catalogue)
        # As octets: what decrypts must stand alone, with the declaration of the xs that only values mention.
        octets = _signed(assertion, key, signing) if record.sp.want_assertions_signed else serialise(assertion)
        sealed = encryption.encrypt_assertion(octets, sealing)
        message_id = self._ids.message_id()
        root = build_response(
            message_id=message_id,
            entity_id=self._entity_id,
            destination=plan.answer_url,
            in_response_to=plan.in_response_to,
            status=(SUCCESS, None),
            now=now,
        )
        root.append(sealed)
        signed = _signed(root, key, signing)
        return WrittenMessage(
            url=plan.answer_url,
            fields=_fields(signed, plan.relay_state),
            message_id=message_id,
            signature_algorithm=signing.signature_algorithm,
            signing_key_id=key.key_id,
            encryption_algorithm=f"{sealing.block_cipher} {sealing.key_transport}",
            assertion_id=facts.assertion_id,
        )

    def write_refused(self, plan: ErrorPlan, record: EntityRecord, now: datetime) -> WrittenMessage:
        """The Response with the status pair of `plan.code` and no assertion.

        Raises:
            KeyUnavailable: no active signing key.

        Spec: Sweden Connect Deployment Profile 6.4.
        """
        key = self._keys().signing
        signing = pick_signature(record, key.key_type)
        message_id = self._ids.message_id()
        root = build_response(
            message_id=message_id,
            entity_id=self._entity_id,
            destination=plan.answer_url,
            in_response_to=plan.in_response_to,
            status=status_for(plan.code),
            now=now,
        )
        signed = _signed(root, key, signing)
        return WrittenMessage(
            url=plan.answer_url,
            fields=_fields(signed, plan.relay_state),
            message_id=message_id,
            signature_algorithm=signing.signature_algorithm,
            signing_key_id=key.key_id,
        )


def build_response(
    *, message_id: str, entity_id: str, destination: str, in_response_to: str, status: StatusPair, now: datetime
) -> etree._Element:
    """The Response before an assertion is added and it is signed."""
    top, second = status
    response = samlp.Response(
        id=message_id,
        version=VERSION,
        issue_instant=write_instant(now),
        destination=destination,
        in_response_to=in_response_to,
        issuer=saml.Issuer(text=entity_id),
        status=samlp.Status(
            status_code=samlp.StatusCode(
                value=top, status_code=samlp.StatusCode(value=second) if second is not None else None
            )
        ),
    )
    return write_element(response, _RESPONSE_PREFIXES)


def build_assertion(plan: ResponsePlan, facts: AssertionFacts, catalogue: Catalogue) -> etree._Element:
    """The Assertion before it is signed and encrypted: a document of its own."""
    assertion = saml.Assertion(
        id=facts.assertion_id,
        version=VERSION,
        issue_instant=write_instant(facts.now),
        issuer=saml.Issuer(text=facts.entity_id),
        subject=_subject(plan, facts),
        conditions=saml.Conditions(
            not_before=write_instant(facts.now - BACKDATED),
            not_on_or_after=write_instant(facts.now + LIFETIME),
            audience_restriction=[saml.AudienceRestriction(audience=[saml.Audience(text=plan.e_service)])],
        ),
        authn_statement=[
            saml.AuthnStatement(
                authn_instant=write_instant(plan.authenticated_at),
                session_index=facts.assertion_id,
                authn_context=saml.AuthnContext(
                    authn_context_class_ref=saml.AuthnContextClassRef(text=plan.context),
                    authenticating_authority=[saml.AuthenticatingAuthority(text=a) for a in plan.authorities],
                ),
            )
        ],
        attribute_statement=_attribute_statement(plan, catalogue),
    )
    return write_element(assertion, _ASSERTION_PREFIXES)


def _subject(plan: ResponsePlan, facts: AssertionFacts) -> saml.Subject:
    return saml.Subject(
        name_id=saml.NameID(
            text=plan.name_id,
            format=NAME_ID_FORMATS[plan.name_id_kind],
            name_qualifier=facts.entity_id,
            sp_name_qualifier=plan.e_service,
        ),
        subject_confirmation=[
            saml.SubjectConfirmation(
                method=CONFIRMATION_BEARER,
                subject_confirmation_data=saml.SubjectConfirmationData(
                    in_response_to=plan.in_response_to,
                    recipient=plan.answer_url,
                    not_on_or_after=write_instant(facts.now + LIFETIME),
                    address=plan.client_address,
                ),
            )
        ],
    )


def _attribute_statement(plan: ResponsePlan, catalogue: Catalogue) -> list[saml.AttributeStatement]:
    """One statement, or none: the schema knows no empty one."""
    attributes = []
    for released in plan.released:
        row = catalogue.get(released.key)
        attributes.append(
            saml.Attribute(
                name=row.name,
                name_format=ATTRIBUTE_NAME_FORMAT_URI,
                friendly_name=row.friendly,
                attribute_value=[saml.AttributeValue(text=value) for value in released.values],
            )
        )
    return [saml.AttributeStatement(attribute=attributes)] if attributes else []


def _signed(root: etree._Element, key: SigningKey, chosen: SignatureChoice) -> bytes:
    return signature.sign_enveloped(
        root,
        key,
        signature_algorithm=chosen.signature_algorithm,
        digest_algorithm=chosen.digest_algorithm,
        after_qname=ISSUER,
    )


def _fields(signed: bytes, relay_state: str | None) -> tuple[tuple[str, str], ...]:
    message = (FIELD, base64.b64encode(signed).decode())
    return (message,) if relay_state is None else (message, ("RelayState", relay_state))
