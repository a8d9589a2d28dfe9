"""The real clock and the real randomness, handed in at start-up."""

import secrets
from datetime import UTC, datetime

_READABLE = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0/O and no 1/I/L to confuse
_BITS = 160
_LENGTH = 12


class SystemClock:
    """The machine's clock, kept right by the operator (NTP): peers' messages are judged by it."""

    def now(self) -> datetime:
        """The current time; aware, UTC."""
        return datetime.now(UTC)


class SystemIds:
    """Identifiers from the operating system's random source."""

    def message_id(self) -> str:
        """Underscore and 160 random bits as hex."""
        return f"_{secrets.token_hex(_BITS // 8)}"

    def token(self) -> str:
        """160 random bits, URL-safe, 27 characters."""
        return secrets.token_urlsafe(_BITS // 8)

    def reference(self) -> str:
        """Twelve characters, some 59 bits: unique among logins, worth nothing to who hears it."""
        number = secrets.randbits(_BITS)  # so many that the remainder favours no character
        digits = []
        for _ in range(_LENGTH):
            number, digit = divmod(number, len(_READABLE))
            digits.append(_READABLE[digit])
        return "".join(digits)
