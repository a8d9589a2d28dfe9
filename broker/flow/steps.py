"""What the browser does next. `web/pages.py` renders each, closed with `assert_never`."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from broker.core.discovery import Choice
from broker.core.login import LoginId, Reference
from broker.core.parties import EService


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBrowser:
    """Redirect to a peer: `url` is complete (HTTP-Redirect binding)."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostBrowser:
    """Post a form to a peer (HTTP-POST binding): by script, or by the visible button."""

    url: str
    fields: tuple[tuple[str, str], ...]
    e_service: EService | None  # named on the page when the form goes back to it


class Place(Enum):
    """Our own pages that a step can lead to: /login/<id>/<value>."""

    BEGIN = "begin"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoTo:
    """303 to one of our own pages, so that the browser sends its cookie and a reload is harmless."""

    login_id: LoginId
    place: Place
    handover: str | None = None  # what the browser that brought an answer shows when it fetches the outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class AskCitizen:
    """Show the chooser."""

    login_id: LoginId
    e_service: EService
    choice: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCitizen:
    """Show what went wrong. With `login_id`, a button returns a SAML error to `e_service`; without, no way on."""

    code: str
    reference: Reference
    e_service: EService | None
    login_id: LoginId | None


NextStep: TypeAlias = SendBrowser | PostBrowser | GoTo | AskCitizen | TellCitizen
