"""Times, keys and states for tests of the stores; the person in them has values that can be searched for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from broker.core.decision import LoginGranted, Released, Withheld
from broker.core.login import (
    AnswerAddress,
    ContextUri,
    EntityId,
    LoginId,
    LoginRequest,
    NameIdKind,
    PrincipalHint,
    Reference,
    WantedAttribute,
)
from broker.core.person import AttributeKey
from broker.core.state import LoginEnded, LoginStarted, LoginState, ReadyToAnswer, UpstreamPending
from broker.stores.sealing import SealingKeys

KEYS = SealingKeys([bytes(range(32))])
PERSONAL = ("199001012385", "Ödegård-Wrångstedt", "Kristalina", "pairwise-8f1d", "kristalina@example.se", "relay-7c55")
"""What no store file, log or audit row may contain: each is somewhere in the states below."""
CIVIC_NUMBER, SURNAME, GIVEN_NAME, NAME_ID, MAIL, RELAY_STATE = PERSONAL


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)


class SetClock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Aware, UTC."""
        return self.time

    def pass_time(self, seconds: float) -> None:
        """Go on."""
        self.time += timedelta(seconds=seconds)


def in_seconds(seconds: float) -> datetime:
    """A moment from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def make_request(login_id: str = "login-1") -> LoginRequest:
    """A request that names the person it expects."""
    return LoginRequest(
        login_id=LoginId(login_id),
        reference=Reference("ABCDEFGHJKLM"),
        e_service=EntityId("https://e-service.example/sp"),
        request_id="_request",
        answer_url="https://e-service.example/acs",
        relay_state=RELAY_STATE,
        accepted=(ContextUri("https://levels.example/3"),),
        idp_list=(),
        requester_ids=(),
        proxy_count=None,
        force_authn=False,
        is_passive=False,
        name_id=NameIdKind.PERSISTENT,
        wanted_attributes=(WantedAttribute(key=AttributeKey("mail"), required=True),),
        principal=(PrincipalHint(key=AttributeKey("personalIdentityNumber"), value=CIVIC_NUMBER),),
        received_at=datetime.now(UTC),
    )


def make_started(login_id: str = "login-1", *, lives_s: float = 60) -> LoginStarted:
    """A login that has just begun."""
    request = make_request(login_id)
    return LoginStarted(request=request, accepted=request.accepted, bound=True, expires_at=in_seconds(lives_s))


def make_pending(login_id: str = "login-1", *, lives_s: float = 60) -> UpstreamPending:
    """A login whose citizen is at the upstream."""
    request = make_request(login_id)
    return UpstreamPending(
        request=request,
        accepted=request.accepted,
        upstream=EntityId("https://upstream.example/idp"),
        asked=request.accepted,
        attempt=1,
        sent_id="_sent",
        acs_url="https://broker.example/acs",
        force_authn=False,
        sent_at=datetime.now(UTC),
        expires_at=in_seconds(lives_s),
    )


def make_ready(login_id: str = "login-1", *, lives_s: float = 60) -> ReadyToAnswer:
    """A login that was granted: the person is in it."""
    values = {"personalIdentityNumber": CIVIC_NUMBER, "sn": SURNAME, "givenName": GIVEN_NAME, "mail": MAIL}
    granted = LoginGranted(
        upstream=EntityId("https://upstream.example/idp"),
        delivered=ContextUri("https://levels.example/3"),
        context=ContextUri("https://levels.example/3"),
        authenticated_at=datetime.now(UTC),
        authorities=("https://upstream.example/idp",),
        name_id=NAME_ID,
        name_id_kind=NameIdKind.PERSISTENT,
        released=tuple(
            Released(key=AttributeKey(key), values=(value,), rule="requested attribute")
            for key, value in values.items()
        ),
        withheld=(Withheld(key=AttributeKey("gender"), rule="not requested"),),
        country=None,
        upstream_assertion_id="_assertion",
        person_pseudonym="0" * 64,
    )
    address: AnswerAddress = make_request(login_id).address
    return ReadyToAnswer(
        to=address, outcome=granted, bound=True, expires_at=in_seconds(lives_s), handover="brought-by-1"
    )


def make_ended(login_id: str = "login-1", *, lives_s: float = 60) -> LoginEnded:
    """A tombstone."""
    return LoginEnded(
        login_id=LoginId(login_id),
        reference=Reference("ABCDEFGHJKLM"),
        e_service=EntityId("https://e-service.example/sp"),
        code="granted",
        expires_at=in_seconds(lives_s),
    )


def later(state: LoginState, seconds: float) -> LoginState:
    """The same state with a later end."""
    return replace(state, expires_at=state.expires_at + timedelta(seconds=seconds))
