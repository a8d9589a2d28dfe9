"""A simulated e-service on stock pysaml2: writes signed AuthnRequests, believes only signed and encrypted Responses."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.response import StatusError
from saml2.samlp import IDPEntry, IDPList, RequesterID, Scoping, response_from_string
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from broker.demo import words
from broker.demo.federation import EServiceParty
from broker.demo.keys import KeyFiles
from broker.demo.peer_config import SKEW_S, PeerMetadata, e_service_settings


class AnswerRefused(Exception):
    """The Response is not acceptable; nobody is logged in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How an e-service asks. Empty `contexts` leaves RequestedAuthnContext out."""

    contexts: tuple[str, ...]
    force_authn: bool = False
    is_passive: bool = False
    idp_list: tuple[str, ...] = ()
    requester_ids: tuple[str, ...] = ()
    proxy_count: int | None = None
    name_id_format: str | None = None
    acs_index: str | None = None
    relay_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request on its way: a URL to go to, or with `fields` a form to post there."""

    request_id: str
    url: str
    fields: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What an accepted Response says. With `status`, it is a refusal, and the rest is empty."""

    issuer: str
    relay_state: str
    status: tuple[str, ...] = ()  # status codes, outermost first, of a Response without success
    level: str = ""
    authn_instant: str = ""
    authorities: tuple[str, ...] = ()
    name_id: str = ""
    name_id_format: str = ""
    name_qualifier: str = ""
    sp_name_qualifier: str = ""
    attributes: Mapping[str, tuple[str, ...]]
    cipher: str = ""
    assertion_signed: bool = False
    assertion_id: str = ""


class SimulatedEService:
    """One e-service. `metadata` says whom it trusts, in pysaml2's terms; `changes` replace settings of its service."""

    def __init__(self, party: EServiceParty, keys: KeyFiles, metadata: PeerMetadata, **changes: Any) -> None:
        self.party = party
        self._client = Saml2Client(config=SPConfig().load(e_service_settings(party, keys, metadata, **changes)))
        self._outstanding: dict[str, tuple[Question, datetime]] = {}
        self._lock = Lock()

    def ask(self, upstream: str, question: Question, binding: str = BINDING_HTTP_REDIRECT) -> Sent:
        """A signed AuthnRequest to `upstream`."""
        # pysaml2 writes both flags only when they are set.
        flags = {name: "true" for name in ("force_authn", "is_passive") if getattr(question, name)}
        destination = self._client.sso_location(upstream, binding)
        request_id, request = self._client.create_authn_request(
            destination,
            scoping=_scoping(question),
            nameid_format=question.name_id_format,
            requested_authn_context={"authn_context_class_ref": list(question.contexts), "comparison": "exact"},
            sign=binding == BINDING_HTTP_POST,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            assertion_consumer_service_index=question.acs_index,
            **flags,
        )
        with self._lock:
            self._outstanding[request_id] = (question, datetime.now(UTC))
        if binding == BINDING_HTTP_POST:
            fields = {"SAMLRequest": base64.b64encode(str(request).encode()).decode()}
            if question.relay_state:
                fields["RelayState"] = question.relay_state
            return Sent(request_id=request_id, url=destination, fields=fields)
        sent = self._client.apply_binding(
            binding, str(request), destination, question.relay_state, sign=True, sigalg=SIG_RSA_SHA256
        )
        return Sent(request_id=request_id, url=dict(sent["headers"])["Location"], fields=None)

    def read_answer(self, fields: Mapping[str, str]) -> Received:
        """Verify a posted Response, once, against what was asked. Raises AnswerRefused."""
        relay_state = fields.get("RelayState", "")
        try:
            envelope = response_from_string(base64.b64decode(fields["SAMLResponse"], validate=True))
        except Exception as problem:  # pysaml2 and the XML parser raise nearly anything, and each means no
            raise AnswerRefused(f"unreadable: {problem}") from problem
        if envelope is None:
            raise AnswerRefused("the posted message is not a Response")
        request_id = envelope.in_response_to
        with self._lock:
            outstanding = self._outstanding.pop(request_id, None)
        if outstanding is None:
            raise AnswerRefused("unsolicited, or answered before")
        if relay_state != outstanding[0].relay_state:
            raise AnswerRefused("RelayState is not what was sent")
        try:
            response = self._client.parse_authn_request_response(
                fields["SAMLResponse"],
                BINDING_HTTP_POST,
                outstanding={request_id: self.party.acs},
                conv_info={"entity_id": self.party.entity_id},
            )
        except StatusError:  # raised only after the signature of the Response was verified
            return Received(
                issuer=envelope.issuer.text.strip(),
                relay_state=relay_state,
                status=_status_codes(envelope),
                attributes={},
            )
        except Exception as problem:  # as above
            raise AnswerRefused(f"{type(problem).__name__}: {problem}") from problem
        if response is None:
            raise AnswerRefused("pysaml2 could not read the Response")
        received = _received(response, _cipher(envelope), relay_state)
        _check(received, *outstanding)
        return received


def _scoping(question: Question) -> Scoping | None:
    if not question.idp_list and not question.requester_ids and question.proxy_count is None:
        return None
    entries = [IDPEntry(provider_id=provider) for provider in question.idp_list]
    return Scoping(
        idp_list=IDPList(idp_entry=entries) if entries else None,
        requester_id=[RequesterID(text=requester) for requester in question.requester_ids],
        proxy_count=None if question.proxy_count is None else str(question.proxy_count),
    )


def _status_codes(envelope: Any) -> tuple[str, ...]:
    codes = []
    code = envelope.status.status_code
    while code is not None:
        codes.append(code.value)
        code = code.status_code
    return tuple(codes)


def _cipher(envelope: Any) -> str:
    """How the one assertion is encrypted. pysaml2 would take a plain one as well, or one by 3DES: we do not."""
    if envelope.assertion or len(envelope.encrypted_assertion) != 1:
        raise AnswerRefused("not exactly one assertion, encrypted")
    cipher: str = envelope.encrypted_assertion[0].encrypted_data.encryption_method.algorithm
    if cipher not in words.SESSION_KEYS:
        raise AnswerRefused(f"encrypted by {cipher}")
    return cipher


def _received(response: Any, cipher: str, relay_state: str) -> Received:
    [(level, authorities, instant)] = response.authn_info()
    name_id = response.name_id
    return Received(
        issuer=response.issuer(),
        relay_state=relay_state,
        level=level.strip(),
        authn_instant=instant,
        authorities=tuple(authority.strip() for authority in authorities),
        name_id=name_id.text,
        name_id_format=name_id.format or "",
        name_qualifier=name_id.name_qualifier or "",
        sp_name_qualifier=name_id.sp_name_qualifier or "",
        attributes={name: tuple(values) for name, values in sorted(response.ava.items())},
        cipher=cipher,
        assertion_signed=response.assertion.signature is not None,
        assertion_id=response.assertion.id,
    )


def _check(received: Received, question: Question, sent_at: datetime) -> None:
    """What pysaml2 leaves to its caller."""
    if question.contexts and received.level not in question.contexts:
        raise AnswerRefused(f"the level {received.level} was not asked for")
    authenticated = datetime.fromisoformat(received.authn_instant)
    if question.force_authn and authenticated < sent_at - timedelta(seconds=SKEW_S):
        raise AnswerRefused("ForceAuthn was asked, and the authentication is older")
