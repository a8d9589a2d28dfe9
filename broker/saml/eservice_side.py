"""The broker as IdP: what an e-service asks, and what it is answered."""

from collections.abc import Callable
from datetime import datetime, timedelta

from broker.core.errors import (
    Answer,
    AnswerUrlNotRegistered,
    BrokerError,
    MessageUnreadable,
    ReplayedMessage,
    RequestSignatureInvalid,
    RequestUnsupported,
    RequiredAttributeMissing,
    UnknownEService,
)
from broker.core.login import (
    AnswerAddress,
    ContextUri,
    LoginId,
    LoginRequest,
    NameIdKind,
    PrincipalHint,
    Reference,
    RefusedRequest,
    WantedAttribute,
)
from broker.core.ports import IdSource
from broker.flow.ports import Directory, EServicePeer, SeenIds
from broker.messages.assertion import ErrorPlan, ResponsePlan, WrittenMessage
from broker.messages.authn_request import VerifiedAuthnRequest
from broker.messages.entity import AttributeService, Endpoint, SpRole
from broker.messages.inbound import InboundMessage
from broker.saml.algorithms import pick_encryption
from broker.saml.checks import Window, check_delivery, check_profile
from broker.saml.keys import KeyRing
from broker.saml.read_request import ArrivedRequest, take_request
from broker.saml.write_response import ResponseWriter
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.identifiers import BINDING_POST, NAME_ID_FORMATS

_CLAIM_MARGIN = timedelta(seconds=1)
_LONGEST_NAME = 200  # of a stranger, in the log


class SamlEServiceSide:
    """Implements `flow.ports.EServiceSide`."""

    def __init__(
        self,
        *,
        entity_id: str,
        keys: Callable[[], KeyRing],
        directory: Directory,
        seen: SeenIds,
        ids: IdSource,
        catalogue: Catalogue,
        clock_skew: timedelta,
        request_max_age: timedelta,
    ) -> None:
        self._directory = directory
        self._seen = seen
        self._ids = ids
        self._catalogue = catalogue
        self._window = Window(max_age=request_max_age, skew=clock_skew)
        self._writer = ResponseWriter(entity_id=entity_id, keys=keys, ids=ids, catalogue=catalogue)

    def read_request(self, message: InboundMessage, now: datetime) -> LoginRequest | RefusedRequest:
        """Verify an AuthnRequest and claim its ID.

        The ID is claimed after the signature, so strangers can neither fill the store nor burn somebody's ID.

        Raises:
            BrokerError: with Answer.STOP_PAGE only: nobody can be answered.
        """
        arrived = take_request(message)
        peer = self._directory.find_e_service(arrived.issuer, now)
        if peer is None:
            raise UnknownEService(arrived.issuer[:_LONGEST_NAME])
        role = _role_of(peer)
        try:
            request = arrived.verify(role.signing_keys)
        except RequestSignatureInvalid as failure:
            return self._refuse_unverified(arrived, peer, failure)
        check_delivery(request, endpoint=message.endpoint, window=self._window, now=now)
        until = self._window.closes(request.issue_instant) + _CLAIM_MARGIN
        if not self._seen.claim(f"authn-request:{request.issuer}", request.request_id, until):
            raise ReplayedMessage(f"{request.issuer}: AuthnRequest")
        to = self._address(peer, choose_acs(role, request.acs_url, request.acs_index), request)
        try:
            return self._understand(request, peer, to, now)
        except BrokerError as refusal:
            if refusal.answer is not Answer.E_SERVICE:
                raise
            return RefusedRequest(to=to, code=refusal.code, detail=refusal.detail)

    def write_granted(self, plan: ResponsePlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        """Signed Response with the assertion encrypted.

        Raises:
            EServiceCannotDecrypt, KeyUnavailable.
        """
        return self._writer.write_granted(plan, peer.record, now)

    def write_refused(self, plan: ErrorPlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        """Signed Response without assertion.

        Raises:
            KeyUnavailable.
        """
        return self._writer.write_refused(plan, peer.record, now)

    def _refuse_unverified(
        self, arrived: ArrivedRequest, peer: EServicePeer, failure: RequestSignatureInvalid
    ) -> RefusedRequest:
        """A bad signature earns an error Response too, but only at a registered address (Deployment Profile 5.2)."""
        answer_url = choose_acs(_role_of(peer), arrived.acs_url, arrived.acs_index)
        to = AnswerAddress(
            login_id=LoginId(self._ids.token()),
            reference=Reference(self._ids.reference()),
            e_service=peer.policy.entity_id,
            answer_url=answer_url,
            request_id=arrived.request_id,
            relay_state=arrived.relay_state,
            is_passive=False,  # nobody has said so whom we believe
        )
        return RefusedRequest(to=to, code=failure.code, detail=failure.detail)

    def _address(self, peer: EServicePeer, answer_url: str, request: VerifiedAuthnRequest) -> AnswerAddress:
        return AnswerAddress(
            login_id=LoginId(self._ids.token()),
            reference=Reference(self._ids.reference()),
            e_service=peer.policy.entity_id,
            answer_url=answer_url,
            request_id=request.request_id,
            relay_state=request.relay_state,
            is_passive=request.is_passive,
        )

    def _understand(
        self, request: VerifiedAuthnRequest, peer: EServicePeer, to: AnswerAddress, now: datetime
    ) -> LoginRequest:
        role = _role_of(peer)
        check_profile(request, signature_service=peer.policy.signature_service)
        pick_encryption(role.encryption_keys)  # better now than after the citizen has identified themselves
        return LoginRequest(
            login_id=to.login_id,
            reference=to.reference,
            e_service=to.e_service,
            request_id=to.request_id,
            answer_url=to.answer_url,
            relay_state=to.relay_state,
            accepted=tuple(map(ContextUri, request.contexts)),
            idp_list=request.idp_list,
            requester_ids=request.requester_ids,
            proxy_count=request.proxy_count,
            force_authn=request.force_authn,
            is_passive=request.is_passive,
            name_id=choose_name_id(request.name_id_format, role),
            wanted_attributes=self._wanted(request, role),
            principal=self._principal(request),
            received_at=now,
        )

    def _wanted(self, request: VerifiedAuthnRequest, role: SpRole) -> tuple[WantedAttribute, ...]:
        service = choose_attribute_service(role, request.attribute_service_index)
        wanted: dict[str, WantedAttribute] = {}
        for requested in service.requested if service else ():
            row = self._catalogue.find_by_name(requested.name)
            if row is not None:
                required = requested.required or (row.key in wanted and wanted[row.key].required)
                wanted[row.key] = WantedAttribute(key=row.key, required=required)
            elif requested.required:
                # Nobody can deliver it; the citizen need not try (Deployment Profile 6.2.1).
                raise RequiredAttributeMissing(f"{request.issuer}: requires {requested.name}, which is unknown here")
        return tuple(wanted.values())

    def _principal(self, request: VerifiedAuthnRequest) -> tuple[PrincipalHint, ...]:
        hints: list[PrincipalHint] = []
        for name, value in request.principal:
            row = self._catalogue.find_by_name(name)
            if row is None:
                continue
            try:
                hints.append(PrincipalHint(key=row.key, value=row.normalise(value)))
            except ValueError:
                # Ignoring it would let anybody log in where one person was expected.
                raise RequestUnsupported(f"{request.issuer}: malformed MatchValue for {row.key}") from None
        if request.principal and not hints:
            raise RequestUnsupported(f"{request.issuer}: no MatchValue is of an attribute that is known here")
        return tuple(hints)


def choose_acs(role: SpRole, url: str | None, index: int | None) -> str:
    """Where the answer goes: always a POST endpoint of the metadata, never an address of the message.

    Raises:
        AnswerUrlNotRegistered: the named one is not in the metadata, or there is none.
        MessageUnreadable: named twice, by URL and by index.

    Spec: Sweden Connect Deployment Profile 5.4.2; SAML metadata 2.2.3.
    """
    registered = [endpoint for endpoint in role.acs if endpoint.binding == BINDING_POST]
    if url is not None and index is not None:
        raise MessageUnreadable("AssertionConsumerServiceURL and AssertionConsumerServiceIndex exclude each other")
    if url is not None:
        named = next((endpoint for endpoint in registered if endpoint.location == url), None)
    elif index is not None:
        named = next((endpoint for endpoint in registered if endpoint.index == index), None)
    else:
        named = min(registered, key=_default_first, default=None)
    if named is None:
        raise AnswerUrlNotRegistered("no such AssertionConsumerService with HTTP-POST in the metadata")
    return named.location


def _default_first(endpoint: Endpoint) -> tuple[bool, int]:
    return not endpoint.is_default, endpoint.index or 0


def choose_attribute_service(role: SpRole, index: int | None) -> AttributeService | None:
    """The AttributeConsumingService that counts: the one asked for, else the default, else the lowest; None for none.

    Raises:
        RequestUnsupported: the metadata has none with this index.
    """
    if index is None:
        return min(role.attribute_services, key=lambda s: (not s.is_default, s.index), default=None)
    for service in role.attribute_services:
        if service.index == index:
            return service
    raise RequestUnsupported("AttributeConsumingServiceIndex is not in the metadata")


def choose_name_id(asked: str | None, role: SpRole) -> NameIdKind:
    """The NameID format: asked, else the first usable one in the metadata, else persistent.

    Spec: Sweden Connect Deployment Profile 3 and 6.2.
    """
    kinds = {uri: kind for kind, uri in NAME_ID_FORMATS.items()}
    for uri in (asked, *role.name_id_formats):
        if uri in kinds:
            return kinds[uri]
    return NameIdKind.PERSISTENT


def _role_of(peer: EServicePeer) -> SpRole:
    if peer.record.sp is None:  # the directory promises it
        raise UnknownEService(f"{peer.record.entity_id} has no SPSSODescriptor")
    return peer.record.sp
