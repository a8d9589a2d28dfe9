"""What the web needs from the rest: the flow, and the health of the installation."""

from dataclasses import dataclass
from typing import Protocol

from broker.core.login import EntityId, LoginId
from broker.flow.steps import NextStep
from broker.flow.visit import Visit
from broker.messages.inbound import InboundMessage


class Flow(Protocol):
    """One login; each method handles one HTTP request. Every method may raise a BrokerError, for a stop page."""

    def start(self, message: InboundMessage, visit: Visit) -> NextStep:
        """An AuthnRequest arrived."""
        ...

    def begin(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The browser that carried a POST request comes back, now with its cookie."""
        ...

    def show(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The citizen looks at the login: first time, reload, back button, language switch."""
        ...

    def choose(self, login_id: LoginId, upstream: EntityId, visit: Visit) -> NextStep:
        """The citizen pressed one offer."""
        ...

    def arrive(self, message: InboundMessage, visit: Visit) -> NextStep:
        """A Response arrived."""
        ...

    def conclude(self, login_id: LoginId, handover: str | None, visit: Visit) -> NextStep:
        """The browser fetches the outcome, with the `handover` of the step that led here."""
        ...

    def cancel(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The citizen gave up."""
        ...

    def answer_error(self, login_id: LoginId, visit: Visit) -> NextStep:
        """The citizen has read what went wrong and returns to the e-service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether this node can serve logins now. Sentences for the operator; no personal data, no secrets."""

    problems: tuple[str, ...] = ()  # any makes the node not ready
    warnings: tuple[str, ...] = ()  # soon a problem
