"""LoginState ↔ versioned JSON ↔ sealed bytes."""

from typing import Any

from pydantic import TypeAdapter, ValidationError

from broker.core.login import LoginId
from broker.core.state import LoginEnded, LoginStarted, LoginState, ReadyToAnswer, UpstreamPending, login_id_of
from broker.stores.sealing import SealingKeys

_PURPOSE = "login"
_VERSION = (
    "login-state/1"  # raise it when an old reader could misunderstand; a new field with a default is no such case
)


class LoginCodec:
    """Seals states for the transient store.

    The plain form is a line with version and kind, then JSON. What cannot be read (changed, another login's, sealed
    with a secret that is gone, written by a version that meant something else) is None: the login has expired.
    """

    def __init__(self, keys: SealingKeys) -> None:
        self._keys = keys
        kinds: tuple[type[LoginState], ...] = (LoginStarted, UpstreamPending, ReadyToAnswer, LoginEnded)
        self._adapters: dict[bytes, TypeAdapter[Any]] = {_heading(kind): TypeAdapter(kind) for kind in kinds}

    def seal(self, state: LoginState) -> bytes:
        """`state`, readable only under its own login id."""
        heading = _heading(type(state))
        return self._keys.seal(_PURPOSE, login_id_of(state), heading + b"\n" + self._adapters[heading].dump_json(state))

    def unseal(self, login_id: LoginId, sealed: bytes) -> LoginState | None:
        """The state of `login_id`, or None when it cannot be read."""
        plain = self._keys.unseal(_PURPOSE, login_id, sealed)
        if plain is None:
            return None
        heading, _, body = plain.partition(b"\n")
        adapter = self._adapters.get(heading)
        if adapter is None:
            return None
        try:
            state: LoginState = adapter.validate_json(body, strict=True)
        except ValidationError:
            return None
        return state if login_id_of(state) == login_id else None


def _heading(kind: type[LoginState]) -> bytes:
    return f"{_VERSION} {kind.__name__}".encode("ascii")
