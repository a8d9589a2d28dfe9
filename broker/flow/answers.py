"""Write the answer to an e-service, with the audit event that must be stored before it leaves."""

from dataclasses import dataclass

from broker.core.decision import GRANTED, LoginGranted
from broker.core.errors import PeerWithdrawn
from broker.core.login import AnswerAddress, EntityId, NameIdKind
from broker.core.ports import IdSource
from broker.flow.events import LoginConcluded
from broker.flow.ports import Directory, EServicePeer, EServiceSide
from broker.flow.steps import PostBrowser
from broker.flow.visit import Visit
from broker.messages.assertion import ErrorPlan, ResponsePlan, WrittenMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAnswer:
    """A Response ready to be posted, and its audit event, not yet recorded."""

    step: PostBrowser
    event: LoginConcluded


class AnswerWriter:
    """Turns a decision into a Response for the e-service's current metadata."""

    def __init__(self, *, e_services: EServiceSide, directory: Directory, ids: IdSource) -> None:
        self._e_services = e_services
        self._directory = directory
        self._ids = ids

    def write_granted(self, to: AnswerAddress, granted: LoginGranted, visit: Visit) -> WrittenAnswer:
        """The Response with the assertion.

        Raises:
            EServiceCannotDecrypt, KeyUnavailable, PeerWithdrawn.
        """
        peer = self._get_peer(to.e_service, visit)
        transient = granted.name_id_kind is NameIdKind.TRANSIENT
        message = self._e_services.write_granted(
            ResponsePlan(
                e_service=to.e_service,
                answer_url=to.answer_url,
                in_response_to=to.request_id,
                relay_state=to.relay_state,
                name_id=self._ids.message_id() if transient else granted.name_id,
                name_id_kind=granted.name_id_kind,
                context=granted.context,
                authenticated_at=granted.authenticated_at,
                authorities=granted.authorities,
                released=granted.released,
                client_address=visit.client_address,
            ),
            peer,
            visit.now,
        )
        return _written(to, GRANTED, message, peer, visit)

    def write_refused(self, to: AnswerAddress, code: str, visit: Visit) -> WrittenAnswer:
        """The Response with the error status of `code`."""
        peer = self._get_peer(to.e_service, visit)
        message = self._e_services.write_refused(
            ErrorPlan(
                e_service=to.e_service,
                answer_url=to.answer_url,
                in_response_to=to.request_id,
                relay_state=to.relay_state,
                code=code,
            ),
            peer,
            visit.now,
        )
        return _written(to, code, message, peer, visit)

    def _get_peer(self, entity_id: EntityId, visit: Visit) -> EServicePeer:
        peer = self._directory.find_e_service(entity_id, visit.now)
        if peer is None:
            raise PeerWithdrawn(f"e-service {entity_id}")
        return peer


def _written(to: AnswerAddress, code: str, message: WrittenMessage, peer: EServicePeer, visit: Visit) -> WrittenAnswer:
    return WrittenAnswer(
        step=PostBrowser(url=message.url, fields=message.fields, e_service=peer.policy),
        event=LoginConcluded(
            at=visit.now,
            reference=to.reference,
            e_service=to.e_service,
            code=code,
            response=message.message_id,
            assertion=message.assertion_id,
            signing_key=message.signing_key_id,
            signature_algorithm=message.signature_algorithm,
            encryption_algorithm=message.encryption_algorithm,
        ),
    )
