"""The ports of the flow, scripted: what a test says an e-service asked and an upstream answered.

The SAML sides have suites of their own; here the flow is alone with real policies and a real login store in memory.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from broker.core.errors import AuditUnavailable, BrokerError
from broker.core.login import (
    ContextUri,
    EntityId,
    LoginId,
    LoginRequest,
    NameIdKind,
    Reference,
    RefusedRequest,
)
from broker.core.parties import EService, Upstream
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.state import UpstreamPending
from broker.flow.events import AuditEvent
from broker.flow.ports import Answered, Asked, EServicePeer, UpstreamPeer
from broker.flow.visit import Visit
from broker.messages.assertion import ErrorPlan, ResponsePlan, UpstreamStatus, WrittenMessage
from broker.messages.entity import EntityRecord, IdpRole, SpRole
from broker.messages.inbound import Binding, InboundMessage
from broker.vocabulary.contexts import LOA3

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
E_SERVICE = EntityId("https://bygglov.example.se/sp")
BANKID = EntityId("https://bankid.example.se/idp")
FREJA = EntityId("https://freja.example.se/idp")
PNR = "198611239883"

REDIRECT = InboundMessage(binding=Binding.REDIRECT, endpoint="https://login.example.se/saml/idp/sso")
POST = replace(REDIRECT, binding=Binding.POST)


@dataclass(slots=True)
class StandingClock:
    """A clock that moves when the test says so."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


class CountingIds:
    """Identifiers that a test can predict."""

    def __init__(self) -> None:
        self._count = count(1)

    def message_id(self) -> str:
        return f"_{next(self._count):040x}"

    def token(self) -> str:
        return f"token-{next(self._count)}"

    def reference(self) -> str:
        return f"REF{next(self._count):09d}"


@dataclass(slots=True)
class TestBrowser:
    """The logins of one browser."""

    __test__ = False
    logins: set[LoginId] = field(default_factory=set)

    def owns(self, login_id: LoginId) -> bool:
        return login_id in self.logins

    def adopt(self, login_id: LoginId) -> None:
        self.logins.add(login_id)

    def forget(self, login_id: LoginId) -> None:
        self.logins.discard(login_id)


def visit_of(browser: TestBrowser, now: datetime = NOW) -> Visit:
    """One HTTP request from `browser`."""
    return Visit(now=now, reference=Reference("REFVISIT0001"), client_address="192.0.2.17", browser=browser)


def make_record(entity_id: str) -> EntityRecord:
    """Metadata with both roles and nothing else."""
    sp = SpRole(
        acs=(),
        attribute_services=(),
        authn_requests_signed=True,
        want_assertions_signed=False,
        signing_keys=(),
        encryption_keys=(),
        name_id_formats=(),
    )
    idp = IdpRole(
        sso=(),
        want_authn_requests_signed=True,
        signing_keys=(),
        encryption_keys=(),
        name_id_formats=(),
        scopes=(),
        principal_selection=(),
    )
    return EntityRecord(
        entity_id=entity_id,
        valid_until=None,
        names={},
        descriptions={},
        information_urls={},
        logos=(),
        organization_names={},
        contacts=(),
        categories=(),
        assurance=(),
        digest_methods=(),
        signing_methods=(),
        sp=sp,
        idp=idp,
    )


def make_e_service(**changes: object) -> EService:
    """An e-service of this municipality that counts as loa3-pnr."""
    e_service = EService(
        entity_id=E_SERVICE,
        names={"sv": "Bygglov", "en": "Building permits"},
        logos=(),
        information_urls={},
        support_contact=None,
        categories=frozenset(),
        from_feed=False,
        allowed_upstreams=None,
        single_sign_on=False,
        signature_service=False,
    )
    return replace(e_service, **changes)  # type: ignore[arg-type]  # a builder: the dataclass checks the names


def make_upstream(entity_id: EntityId = BANKID, **changes: object) -> Upstream:
    """A stranger IdP vouched for at loa3."""
    upstream = Upstream(
        entity_id=entity_id,
        names={"sv": "BankID", "en": "BankID"},
        logos=(),
        dialect="sweden_connect",
        contexts=frozenset({LOA3}),
        categories=frozenset(),
        categories_known=False,
        scopes=frozenset(),
        principal_selection=frozenset(),
        eidas_connector=False,
        hidden=False,
    )
    return replace(upstream, **changes)  # type: ignore[arg-type]  # a builder: the dataclass checks the names


def make_request(login_id: str = "login-1", **changes: object) -> LoginRequest:
    """A request for loa3 and nothing special."""
    request = LoginRequest(
        login_id=LoginId(login_id),
        reference=Reference("REFLOGIN0001"),
        e_service=E_SERVICE,
        request_id="_request",
        answer_url="https://bygglov.example.se/acs",
        relay_state="opaque",
        accepted=(LOA3,),
        idp_list=(),
        requester_ids=(),
        proxy_count=None,
        force_authn=False,
        is_passive=False,
        name_id=NameIdKind.PERSISTENT,
        wanted_attributes=(),
        principal=(),
        received_at=NOW,
    )
    return replace(request, **changes)  # type: ignore[arg-type]  # a builder: the dataclass checks the names


def make_person(**changes: object) -> AuthenticatedPerson:
    """A resident with a personnummer, authenticated at loa3."""
    person = AuthenticatedPerson(
        upstream=BANKID,
        context=LOA3,
        authenticated_at=NOW - timedelta(seconds=5),
        authorities=(),
        attributes={AttributeKey("pnr"): (PNR,), AttributeKey("transaction"): ("tx-1",)},
        name_id=None,
        country=None,
        assertion_id="_upstream-assertion",
    )
    return replace(person, **changes)  # type: ignore[arg-type]  # a builder: the dataclass checks the names


@dataclass(slots=True)
class ScriptedDirectory:
    """The active peers."""

    e_services: dict[str, EService]
    known: dict[str, Upstream]

    def find_e_service(self, entity_id: str, now: datetime) -> EServicePeer | None:
        policy = self.e_services.get(entity_id)
        return EServicePeer(policy=policy, record=make_record(entity_id)) if policy else None

    def find_upstream(self, entity_id: str, now: datetime) -> UpstreamPeer | None:
        policy = self.known.get(entity_id)
        return UpstreamPeer(policy=policy, record=make_record(entity_id)) if policy else None

    def upstreams(self, now: datetime) -> tuple[Upstream, ...]:
        return tuple(self.known.values())


@dataclass(slots=True)
class ScriptedEServices:
    """Reads what the test prepared; writes plans as form fields so that a test can see them."""

    incoming: LoginRequest | RefusedRequest | BrokerError
    fail_writing: BrokerError | None = None
    granted: list[ResponsePlan] = field(default_factory=list)
    refused: list[ErrorPlan] = field(default_factory=list)

    def read_request(self, message: InboundMessage, now: datetime) -> LoginRequest | RefusedRequest:
        if isinstance(self.incoming, BrokerError):
            raise self.incoming
        return self.incoming

    def write_granted(self, plan: ResponsePlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        if self.fail_writing is not None:
            raise self.fail_writing
        self.granted.append(plan)
        return _written(plan.answer_url)

    def write_refused(self, plan: ErrorPlan, peer: EServicePeer, now: datetime) -> WrittenMessage:
        self.refused.append(plan)
        return _written(plan.answer_url)


@dataclass(slots=True)
class ScriptedUpstreams:
    """Sends by Redirect; answers what the test prepared."""

    answer: Answered | UpstreamStatus | BrokerError
    asked: list[tuple[str, tuple[ContextUri, ...], str]] = field(default_factory=list)
    during_answer: Callable[[], None] | None = None

    def ask(
        self,
        request: LoginRequest,
        contexts: tuple[ContextUri, ...],
        peer: UpstreamPeer,
        *,
        relay_state: str,
        now: datetime,
    ) -> Asked:
        self.asked.append((peer.policy.entity_id, contexts, relay_state))
        return Asked(
            message=_written(f"{peer.policy.entity_id}/sso"),
            binding=Binding.REDIRECT,
            contexts=contexts,
            acs_url="https://login.example.se/saml/sp/acs",
            force_authn=request.force_authn,
        )

    def relay_state_of(self, message: InboundMessage) -> str | None:
        return dict(message.fields).get("RelayState")

    def read_answer(
        self, message: InboundMessage, pending: UpstreamPending, peer: UpstreamPeer, now: datetime
    ) -> Answered | UpstreamStatus:
        if self.during_answer is not None:
            self.during_answer()
        if isinstance(self.answer, BrokerError):
            raise self.answer
        return self.answer


@dataclass(slots=True)
class RecordingAudit:
    """Keeps events, or fails as a full disk would."""

    events: list[AuditEvent] = field(default_factory=list)
    broken: bool = False

    def record(self, event: AuditEvent) -> None:
        if self.broken:
            raise AuditUnavailable("disk full")
        self.events.append(event)


def answered(person: AuthenticatedPerson | None = None) -> Answered:
    """An accepted authentication."""
    return Answered(person=person or make_person(), key_id="k", signature_algorithm="s", encryption_algorithm="e")


def response_to(relay_state: str) -> InboundMessage:
    """A Response as the browser posts it to our ACS."""
    return InboundMessage(
        binding=Binding.POST,
        endpoint="https://login.example.se/saml/sp/acs",
        fields=(("SAMLResponse", "…"), ("RelayState", relay_state)),
    )


def _written(url: str) -> WrittenMessage:
    return WrittenMessage(
        url=url,
        fields=(),
        message_id="_written",
        signature_algorithm="s",
        signing_key_id="k",
    )
