"""What waits between two HTTP requests: one of four states, each with only the fields that exist then.

    LoginStarted --choose--> UpstreamPending --arrive--> ReadyToAnswer --conclude--> LoginEnded

Every move is compare-and-set on the stored version (`flow.ports.LoginStore.move`); the loser of a race gets
`login-moved-on`, never a second assertion.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, assert_never

from broker.core.decision import LoginGranted, LoginRefused
from broker.core.login import AnswerAddress, ContextUri, EntityId, LoginId, LoginRequest, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginStarted:
    """The request is verified; no upstream has been asked."""

    request: LoginRequest
    accepted: tuple[ContextUri, ...]  # decided: asked, or implied by categories, or the default; never empty
    bound: bool  # False until `begin` has bound the login to the browser that carried the POST
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamPending:
    """The citizen is at the upstream."""

    request: LoginRequest
    accepted: tuple[ContextUri, ...]
    upstream: EntityId
    asked: tuple[ContextUri, ...]  # what we listed in RequestedAuthnContext
    sent_id: str  # our AuthnRequest/@ID
    acs_url: str  # our ACS as sent
    force_authn: bool  # as sent upstream
    attempt: int  # counts the questions of this login; part of the RelayState we sent
    sent_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyToAnswer:
    """Decided; waits for the browser that started the login. Holds personal data when granted."""

    to: AnswerAddress
    outcome: LoginGranted | LoginRefused
    bound: bool  # as in LoginStarted: a refused POST request is not yet bound to a browser
    expires_at: datetime
    handover: str | None = None  # what only the browser that brought the answer was given; None: no answer came


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginEnded:
    """A tombstone, so that the back button earns a friendly page."""

    login_id: LoginId
    reference: Reference
    e_service: EntityId
    code: str  # "granted" or the code of the refusal
    expires_at: datetime


LoginState: TypeAlias = LoginStarted | UpstreamPending | ReadyToAnswer | LoginEnded


def login_id_of(state: LoginState) -> LoginId:
    """The id under which `state` is stored."""
    match state:
        case LoginStarted() | UpstreamPending():
            return state.request.login_id
        case ReadyToAnswer():
            return state.to.login_id
        case LoginEnded():
            return state.login_id
        case _ as impossible:
            assert_never(impossible)
