"""One login from AuthnRequest to Response: start, choose, arrive, conclude, cancel.

Each method handles one HTTP request and returns the browser's next step. An expected failure that the e-service
can be told is parked as a refusal, shown to the citizen and returned by their click (Deployment Profile 6.4);
every other one is raised as a BrokerError and ends on a stop page.
"""

import hmac
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from broker.core.decision import GRANTED, LoginGranted, LoginRefused
from broker.core.discovery import Choice, Exclusion, Offer
from broker.core.errors import (
    Answer,
    BrokerError,
    Cancelled,
    LoginExpired,
    LoginMovedOn,
    LoginNotYours,
    NoUpstreamAvailable,
    NoUpstreamForAssurance,
    PassiveNotPossible,
    PeerWithdrawn,
    ReplayedAssertion,
    UpstreamNotOffered,
)
from broker.core.login import AnswerAddress, ContextUri, EntityId, LoginId, LoginRequest, RefusedRequest
from broker.core.ports import IdSource
from broker.core.state import LoginEnded, LoginStarted, LoginState, ReadyToAnswer, UpstreamPending
from broker.flow.answers import AnswerWriter, WrittenAnswer
from broker.flow.arrival import Arrival, handover_of
from broker.flow.events import AuditEvent, LoginRequested, UpstreamAsked
from broker.flow.policy import Policy
from broker.flow.ports import (
    AuditLog,
    Directory,
    EServicePeer,
    EServiceSide,
    LoginStore,
    Stored,
    UpstreamSide,
)
from broker.flow.steps import AskCitizen, GoTo, NextStep, Place, PostBrowser, SendBrowser, TellCitizen
from broker.flow.visit import Visit
from broker.messages.inbound import Binding, InboundMessage

_MAX_ATTEMPTS = 50  # each choice costs a signature and an audit event

_log = structlog.get_logger("broker.login")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a login may wait, by what it waits for."""

    login: timedelta  # from the request until the upstream's answer
    answer: timedelta  # a granted login waiting for the browser that fetches it, nothing shown meanwhile
    page: timedelta  # a refusal waiting for the citizen's click
    tombstone: timedelta  # how long the back button is explained


class LoginFlow:
    """The citizen's way through the broker."""

    def __init__(
        self,
        *,
        e_services: EServiceSide,
        upstreams: UpstreamSide,
        directory: Directory,
        logins: LoginStore,
        audit: AuditLog,
        policy: Policy,
        ids: IdSource,
        lifetimes: Lifetimes,
    ) -> None:
        self._e_services = e_services
        self._upstreams = upstreams
        self._directory = directory
        self._logins = logins
        self._audit = audit
        self._policy = policy
        self._lifetimes = lifetimes
        self._answers = AnswerWriter(e_services=e_services, directory=directory, ids=ids)
        self._arrival = Arrival(upstreams=upstreams, directory=directory, policy=policy)

    # --- an e-service sends somebody -----------------------------------------------------------------------------

    def start(self, message: InboundMessage, visit: Visit) -> NextStep:
        """Take an AuthnRequest in.

        A cross-site POST comes without our cookie, so its login is parked unbound and `begin`, a GET, binds it.
        """
        carries_cookie = message.binding is Binding.REDIRECT
        read = self._e_services.read_request(message, visit.now)
        if isinstance(read, RefusedRequest):
            _log.warning(
                "request refused",
                reference=read.to.reference,
                e_service=read.to.e_service,
                code=read.code,
                detail=read.detail,
            )
            return self._refuse_new(read.to, read.code, carries_cookie, visit)
        peer = self._get_e_service(read.e_service, visit)
        accepted = self._policy.accepted(read.accepted, peer.policy)
        choice = self._choice(read, accepted, peer, visit)
        refusal = _why_impossible(read, choice)
        self._audit.record(_requested(read, accepted, len(choice.offers), refusal, visit))
        if refusal is not None:
            return self._refuse_new(read.address, refusal.code, carries_cookie, visit)
        if carries_cookie and len(choice.offers) == 1:
            pending, step = self._ask(read, accepted, choice.offers[0], "only-offer", 1, visit)
            self._logins.add(pending)
            visit.browser.adopt(read.login_id)
            return step
        started = LoginStarted(
            request=read, accepted=accepted, bound=carries_cookie, expires_at=visit.now + self._lifetimes.login
        )
        self._logins.add(started)
        if not carries_cookie:
            return GoTo(login_id=read.login_id, place=Place.BEGIN)
        visit.browser.adopt(read.login_id)
        return AskCitizen(login_id=read.login_id, e_service=peer.policy, choice=choice)

    def begin(self, login_id: LoginId, visit: Visit) -> NextStep:
        """Bind a login that came by POST to the first browser that fetches it, once."""
        stored = self._find(login_id, visit)
        match stored.state:
            case LoginStarted(bound=False) as state:
                step = self._present(stored, state, visit)
            case ReadyToAnswer(bound=False) as state:
                self._move(stored, replace(state, bound=True))
                step = self._tell(state.to, _code_of(state), visit)
            case _:
                return self.show(login_id, visit)
        visit.browser.adopt(login_id)
        return step

    # --- the citizen's pages -------------------------------------------------------------------------------------

    def show(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The page that fits the login's state: for a reload, the back button, a language switch."""
        return self._show(login_id, None, visit)

    def _show(self, login_id: LoginId, handover: str | None, visit: Visit) -> NextStep:
        stored = self._find_owned(login_id, visit)
        match stored.state:
            case LoginStarted() | UpstreamPending() as state:
                peer = self._get_e_service(state.request.e_service, visit)
                choice = self._choice(state.request, state.accepted, peer, visit)
                return AskCitizen(login_id=login_id, e_service=peer.policy, choice=choice)
            case ReadyToAnswer() as state:
                return self._conclude(stored, state, handover, visit)
            case LoginEnded() as state:
                return self._already_done(state, visit)

    def choose(self, login_id: LoginId, upstream: EntityId, visit: Visit) -> NextStep:
        """Send the citizen to the chosen upstream; after going back, to another one."""
        stored = self._find_owned(login_id, visit)
        state = stored.state
        if isinstance(state, ReadyToAnswer):
            return GoTo(login_id=login_id, place=Place.CONTINUE)
        if isinstance(state, LoginEnded):
            return self._already_done(state, visit)
        peer = self._get_e_service(state.request.e_service, visit)
        choice = self._choice(state.request, state.accepted, peer, visit)
        offer = next((o for o in choice.offers if o.upstream.entity_id == upstream), None)
        if offer is None:
            raise UpstreamNotOffered("the chosen entityID is not among the offers")
        attempt = state.attempt + 1 if isinstance(state, UpstreamPending) else 1
        if attempt > _MAX_ATTEMPTS:
            raise LoginMovedOn("chosen more often than anybody needs")
        pending, step = self._ask(state.request, state.accepted, offer, "citizen", attempt, visit)
        self._move(stored, pending)
        return step

    def cancel(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The citizen gives up here: straight back to the e-service with the cancel status."""
        stored = self._find_owned(login_id, visit)
        state = stored.state
        if isinstance(state, LoginEnded):
            return self._already_done(state, visit)
        to = state.to if isinstance(state, ReadyToAnswer) else state.request.address
        return self._answer_refused(stored, to, Cancelled.code, visit)

    # --- the upstream answers ------------------------------------------------------------------------------------

    def arrive(self, message: InboundMessage, visit: Visit) -> NextStep:
        """Take a Response in: verify, decide, park. The browser that started the login fetches the outcome.

        The POST comes from another site and carries no cookie, so nothing is answered here. That it is the same
        browser is proven by the handover, which it is given here: else whoever sends somebody to the upstream with
        a request of their own login would be logged in as that person.
        """
        handover = handover_of(message)
        relay_state = self._upstreams.relay_state_of(message)
        login_id, attempt = _split_relay_state(relay_state)
        stored = self._find(login_id, visit)
        state = stored.state
        if not isinstance(state, UpstreamPending):
            # A reload of the POST: what was decided is decided.
            return GoTo(login_id=login_id, place=Place.CONTINUE, handover=handover)
        if attempt != state.attempt:
            raise LoginMovedOn("an answer to a question that the citizen has left")
        e_service = self._get_e_service(state.request.e_service, visit)
        decided = self._arrival.decide(message, state, e_service, visit.now)
        self._audit.record(decided.event)
        _log.info(
            "upstream answered",
            reference=decided.event.reference,
            e_service=decided.event.e_service,
            upstream=decided.event.upstream,
            code=decided.event.code,
            detail=decided.event.detail,
        )
        if isinstance(decided.outcome, LoginRefused) and decided.outcome.code == ReplayedAssertion.code:
            # Most often the same form posted twice at once, by script and by button. The other request is deciding
            # this login, and must not lose it to us; if nobody is, the citizen is asked again.
            return GoTo(login_id=login_id, place=Place.CONTINUE, handover=handover)
        lifetime = self._lifetimes.answer if isinstance(decided.outcome, LoginGranted) else self._lifetimes.page
        ready = ReadyToAnswer(
            to=state.request.address,
            outcome=decided.outcome,
            bound=True,
            expires_at=visit.now + lifetime,
            handover=handover,
        )
        self._move(stored, ready)
        return GoTo(login_id=login_id, place=Place.CONTINUE, handover=handover)

    def conclude(self, login_id: LoginId, handover: str | None, visit: Visit) -> NextStep:
        """Answer the e-service, through the browser that started the login and brought the answer, once."""
        return self._show(login_id, handover, visit)

    def answer_error(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The citizen has read what went wrong and returns to the e-service."""
        stored = self._find_owned(login_id, visit)
        state = stored.state
        if isinstance(state, ReadyToAnswer) and isinstance(state.outcome, LoginRefused):
            return self._answer_refused(stored, state.to, state.outcome.code, visit)
        return self.show(login_id, visit)

    # --- steps that several of the above share -------------------------------------------------------------------

    def _present(self, stored: Stored, state: LoginStarted, visit: Visit) -> NextStep:
        peer = self._get_e_service(state.request.e_service, visit)
        choice = self._choice(state.request, state.accepted, peer, visit)
        if len(choice.offers) == 1:
            pending, step = self._ask(state.request, state.accepted, choice.offers[0], "only-offer", 1, visit)
            self._move(stored, pending)
            return step
        self._move(stored, replace(state, bound=True))
        return AskCitizen(login_id=state.request.login_id, e_service=peer.policy, choice=choice)

    def _ask(
        self,
        request: LoginRequest,
        accepted: tuple[ContextUri, ...],
        offer: Offer,
        chosen_by: str,
        attempt: int,
        visit: Visit,
    ) -> tuple[UpstreamPending, NextStep]:
        entity_id = offer.upstream.entity_id
        peer = self._directory.find_upstream(entity_id, visit.now)
        if peer is None:
            raise PeerWithdrawn(f"upstream {entity_id}")
        asked = self._upstreams.ask(
            request, offer.contexts, peer, relay_state=f"{request.login_id}.{attempt}", now=visit.now
        )
        self._audit.record(
            UpstreamAsked(
                at=visit.now,
                reference=request.reference,
                e_service=request.e_service,
                upstream=entity_id,
                dialect=peer.policy.dialect,
                contexts=asked.contexts,
                chosen_by=chosen_by,
                signing_key=asked.message.signing_key_id,
                signature_algorithm=asked.message.signature_algorithm,
            )
        )
        pending = UpstreamPending(
            request=request,
            accepted=accepted,
            upstream=entity_id,
            asked=asked.contexts,
            sent_id=asked.message.message_id,
            acs_url=asked.acs_url,
            force_authn=asked.force_authn,
            attempt=attempt,
            sent_at=visit.now,
            expires_at=visit.now + self._lifetimes.login,
        )
        if asked.binding is Binding.REDIRECT:
            return pending, SendBrowser(url=asked.message.url)
        return pending, PostBrowser(url=asked.message.url, fields=asked.message.fields, e_service=None)

    def _conclude(self, stored: Stored, state: ReadyToAnswer, handover: str | None, visit: Visit) -> NextStep:
        outcome = state.outcome
        if isinstance(outcome, LoginRefused):
            if outcome.code == Cancelled.code:
                return self._answer_refused(stored, state.to, outcome.code, visit)
            return self._tell(state.to, outcome.code, visit)
        if not _is_same(handover, state.handover):
            raise LoginMovedOn("the answer was brought by another browser, or this page is not where it led")
        if self._directory.find_upstream(outcome.upstream, visit.now) is None:
            raise PeerWithdrawn(f"upstream {outcome.upstream}")  # since it answered
        try:
            answer = self._answers.write_granted(state.to, outcome, visit)
        except BrokerError as failure:
            if failure.answer is not Answer.E_SERVICE:
                raise
            refused = LoginRefused(code=failure.code)
            expires_at = visit.now + self._lifetimes.page
            self._move(stored, replace(state, outcome=refused, expires_at=expires_at))
            return self._tell(state.to, failure.code, visit)
        return self._answer(stored, self._ended(state.to, GRANTED, visit), answer, visit)

    def _answer_refused(self, stored: Stored, to: AnswerAddress, code: str, visit: Visit) -> NextStep:
        return self._answer(stored, self._ended(to, code, visit), self._answers.write_refused(to, code, visit), visit)

    def _answer(self, stored: Stored, ended: LoginEnded, answer: WrittenAnswer, visit: Visit) -> NextStep:
        """Won first, then recorded, then sent: of two tabs one answers, and no assertion leaves unrecorded."""
        self._move(stored, ended)
        try:
            self._audit.record(answer.event)
        except BrokerError:
            # Nothing has left. What was decided waits again, so that the citizen can fetch it when the audit is back.
            with suppress(BrokerError):
                current = self._logins.find(ended.login_id, visit.now)
                if current is not None and current.state == ended:
                    self._logins.move(current, stored.state)
            raise
        visit.browser.forget(ended.login_id)
        return answer.step

    def _refuse_new(self, to: AnswerAddress, code: str, carries_cookie: bool, visit: Visit) -> NextStep:
        """Refuse before anybody was asked: silently when passive (no page may be shown), else after a page."""
        if to.is_passive:
            answer = self._answers.write_refused(to, code, visit)
            self._audit.record(answer.event)
            return answer.step
        self._logins.add(
            ReadyToAnswer(
                to=to,
                outcome=LoginRefused(code=code),
                bound=carries_cookie,
                expires_at=visit.now + self._lifetimes.page,
            )
        )
        if not carries_cookie:
            return GoTo(login_id=to.login_id, place=Place.BEGIN)
        visit.browser.adopt(to.login_id)
        return self._tell(to, code, visit)

    def _tell(self, to: AnswerAddress, code: str, visit: Visit) -> TellCitizen:
        peer = self._directory.find_e_service(to.e_service, visit.now)
        return TellCitizen(
            code=code,
            reference=to.reference,
            e_service=peer.policy if peer else None,
            login_id=to.login_id if peer else None,
        )

    def _already_done(self, state: LoginEnded, visit: Visit) -> TellCitizen:
        """Tell who comes back to an ended login which service to start again from."""
        peer = self._directory.find_e_service(state.e_service, visit.now)
        return TellCitizen(
            code=LoginMovedOn.code,
            reference=state.reference,
            e_service=peer.policy if peer else None,
            login_id=None,
        )

    def _choice(
        self, request: LoginRequest, accepted: tuple[ContextUri, ...], peer: EServicePeer, visit: Visit
    ) -> Choice:
        return self._policy.offers(
            e_service=peer.policy,
            accepted=accepted,
            idp_list=request.idp_list,
            wanted=request.wanted_attributes,
            upstreams=self._directory.upstreams(visit.now),
        )

    def _ended(self, to: AnswerAddress, code: str, visit: Visit) -> LoginEnded:
        return LoginEnded(
            login_id=to.login_id,
            reference=to.reference,
            e_service=to.e_service,
            code=code,
            expires_at=visit.now + self._lifetimes.tombstone,
        )

    def _get_e_service(self, entity_id: EntityId, visit: Visit) -> EServicePeer:
        peer = self._directory.find_e_service(entity_id, visit.now)
        if peer is None:
            raise PeerWithdrawn(f"e-service {entity_id}")
        return peer

    def _find(self, login_id: LoginId, visit: Visit) -> Stored:
        stored = self._logins.find(login_id, visit.now)
        if stored is None:
            raise LoginExpired("no such login")
        return stored

    def _find_owned(self, login_id: LoginId, visit: Visit) -> Stored:
        # Ownership first: whether a login exists is nobody else's business.
        if not visit.browser.owns(login_id):
            raise LoginNotYours("the login is not among this browser's")
        return self._find(login_id, visit)

    def _move(self, seen: Stored, new: LoginState) -> None:
        if not self._logins.move(seen, new):
            raise LoginMovedOn("another request has taken this step")


def _is_same(shown: str | None, given: str | None) -> bool:
    if shown is None or given is None:
        return False
    return hmac.compare_digest(shown.encode("utf-8", "replace"), given.encode())


def _code_of(state: ReadyToAnswer) -> str:
    return state.outcome.code if isinstance(state.outcome, LoginRefused) else GRANTED


def _why_impossible(request: LoginRequest, choice: Choice) -> BrokerError | None:
    if not choice.offers:
        reasons = {excluded.reason for excluded in choice.excluded}
        if reasons <= {Exclusion.CANNOT_REACH_ASSURANCE}:
            return NoUpstreamForAssurance(f"asked {request.accepted}")
        return NoUpstreamAvailable(", ".join(sorted(reason.value for reason in reasons)))
    if request.is_passive:
        return PassiveNotPossible("nobody is logged in here: single sign-on is not in use")
    return None


def _requested(
    request: LoginRequest,
    accepted: tuple[ContextUri, ...],
    offers: int,
    refusal: BrokerError | None,
    visit: Visit,
) -> AuditEvent:
    return LoginRequested(
        at=visit.now,
        reference=request.reference,
        e_service=request.e_service,
        asked=request.accepted,
        accepted=accepted,
        force_authn=request.force_authn,
        is_passive=request.is_passive,
        offers=offers,
        code=refusal.code if refusal else None,
    )


def _split_relay_state(relay_state: str | None) -> tuple[LoginId, int]:
    login_id, _, attempt = (relay_state or "").rpartition(".")
    if not login_id or not attempt.isascii() or not attempt.isdigit() or len(attempt) > 2:
        raise LoginExpired("the Response names no login of ours in RelayState")
    return LoginId(login_id), int(attempt)
