"""One HTTP request seen from inside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from broker.core.login import LoginId, Reference


class Browser(Protocol):
    """The session of the browser that sent the request; nothing is loaded or stored before it is asked."""

    def owns(self, login_id: LoginId) -> bool:
        """Whether this browser started the login."""
        ...

    def adopt(self, login_id: LoginId) -> None:
        """Remember that this browser started the login."""
        ...

    def forget(self, login_id: LoginId) -> None:
        """The login has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Built once per HTTP request. One request has one *now*; nobody below asks the clock."""

    now: datetime  # aware, UTC
    reference: Reference  # for errors that happen before a login is known
    client_address: str | None
    browser: Browser
