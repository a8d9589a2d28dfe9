"""Decide what one upstream Response means for the login that waits for it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from broker.core.decision import GRANTED, LoginGranted, LoginRefused
from broker.core.errors import Answer, BrokerError, PeerWithdrawn
from broker.core.state import UpstreamPending
from broker.flow.events import UpstreamAnswered
from broker.flow.policy import Policy
from broker.flow.ports import Answered, Directory, EServicePeer, UpstreamPeer, UpstreamSide
from broker.messages.assertion import UpstreamStatus
from broker.messages.inbound import InboundMessage
from broker.vocabulary.statuses import code_for_upstream_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The outcome, and its audit event, not yet recorded."""

    outcome: LoginGranted | LoginRefused
    event: UpstreamAnswered


class Arrival:
    """Reads the Response and asks the policy."""

    def __init__(self, *, upstreams: UpstreamSide, directory: Directory, policy: Policy) -> None:
        self._upstreams = upstreams
        self._directory = directory
        self._policy = policy

    def decide(
        self, message: InboundMessage, pending: UpstreamPending, e_service: EServicePeer, now: datetime
    ) -> Decided:
        """Granted or refused; a refusal that the e-service cannot be told is raised instead.

        Raises:
            BrokerError: with Answer.STOP_PAGE only.
        """
        peer = self._directory.find_upstream(pending.upstream, now)
        if peer is None:
            raise PeerWithdrawn(f"upstream {pending.upstream}")
        answer: Answered | UpstreamStatus | None = None
        try:
            answer = self._upstreams.read_answer(message, pending, peer, now)
            if isinstance(answer, UpstreamStatus):
                refused = LoginRefused(code=code_for_upstream_status(answer.codes), upstream_status=answer.codes)
                return Decided(outcome=refused, event=_event(pending, answer, refused, "", now))
            granted = self._grant(pending, answer, peer, e_service)
            return Decided(outcome=granted, event=_event(pending, answer, granted, "", now))
        except BrokerError as failure:
            if failure.answer is not Answer.E_SERVICE:
                raise
            refused = LoginRefused(code=failure.code)
            return Decided(outcome=refused, event=_event(pending, answer, refused, failure.detail, now))

    def _grant(
        self, pending: UpstreamPending, answer: Answered, peer: UpstreamPeer, e_service: EServicePeer
    ) -> LoginGranted:
        return self._policy.grant(
            request=pending.request,
            accepted=pending.accepted,
            asked=pending.asked,
            person=answer.person,
            e_service=e_service.policy,
            upstream=peer.policy,
        )


def handover_of(message: InboundMessage) -> str:
    """What is given to the browser that brought `message`, and to nobody else. The same for a reload of the form.

    Who has not seen the Response cannot know it: it holds IDs that its sender made up, and what it encrypted.
    """
    parts = [part.encode("utf-8", "surrogatepass") for field in message.fields for part in field]
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()[:40]


def _event(
    pending: UpstreamPending,
    answer: Answered | UpstreamStatus | None,
    outcome: LoginGranted | LoginRefused,
    detail: str,
    now: datetime,
) -> UpstreamAnswered:
    answered = answer if isinstance(answer, Answered) else None
    granted = outcome if isinstance(outcome, LoginGranted) else None
    person = answered.person if answered else None
    return UpstreamAnswered(
        at=now,
        reference=pending.request.reference,
        e_service=pending.request.e_service,
        upstream=pending.upstream,
        code=GRANTED if isinstance(outcome, LoginGranted) else outcome.code,
        detail=detail,
        upstream_status=answer.codes if isinstance(answer, UpstreamStatus) else (),
        delivered=person.context if person else None,
        asserted=granted.context if granted else None,
        authorities=granted.authorities if granted else (),
        country=person.country if person else None,
        person_pseudonym=granted.person_pseudonym if granted else None,
        released=tuple(f"{released.key}: {released.rule}" for released in granted.released) if granted else (),
        withheld=tuple(f"{withheld.key}: {withheld.rule}" for withheld in granted.withheld) if granted else (),
        unknown_attributes=person.unknown_attributes if person else (),
        upstream_assertion=person.assertion_id if person else None,
        verifying_key=answer.key_id if answer else None,
        signature_algorithm=answered.signature_algorithm if answered else None,
        encryption_algorithm=answered.encryption_algorithm if answered else None,
        at_upstream_ms=round((now - pending.sent_at).total_seconds() * 1000),
    )
