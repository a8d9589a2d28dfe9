"""What even pure code must be handed: time and randomness."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the one `now` of an HTTP request."""

    def now(self) -> datetime:
        """The current time; aware, UTC."""
        ...


class IdSource(Protocol):
    """Gives unpredictable identifiers."""

    def message_id(self) -> str:
        """A SAML message ID: underscore and 160 random bits as hex, a valid NCName."""
        ...

    def token(self) -> str:
        """160 random bits, URL-safe, at most 80 bytes."""
        ...

    def reference(self) -> str:
        """Twelve characters without look-alikes, to be read aloud in groups of four."""
        ...
