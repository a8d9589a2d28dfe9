"""Logins in flight, sealed, in the transient store."""

from datetime import datetime

from broker.core.login import LoginId
from broker.core.state import LoginState, login_id_of
from broker.flow.ports import Stored
from broker.stores.codec import LoginCodec
from broker.stores.sealing import hashed_name
from broker.stores.transient import TransientStore


class SealedLoginStore:
    """Implements `flow.ports.LoginStore`. An entry is gone at its state's `expires_at`."""

    def __init__(self, transient: TransientStore, codec: LoginCodec) -> None:
        self._transient = transient
        self._codec = codec

    def add(self, state: LoginState) -> None:
        """Store a new login. Raises ValueError when the id exists, StoreUnavailable."""
        if not self._transient.add(_key(login_id_of(state)), self._codec.seal(state), state.expires_at):
            raise ValueError("a login with this id exists")

    def find(self, login_id: LoginId, now: datetime) -> Stored | None:
        """The current state, or None when unknown, expired or unreadable."""
        found = self._transient.get(_key(login_id), now)
        if found is None:
            return None
        state = self._codec.unseal(login_id, found.value)
        if state is None or state.expires_at <= now:  # the sealed time counts: the store's own can be forged
            return None
        return Stored(state=state, version=found.version)

    def move(self, seen: Stored, new: LoginState) -> bool:
        """Replace `seen` by `new`; False when somebody else moved first, or it has expired."""
        login_id = login_id_of(new)
        if login_id != login_id_of(seen.state):
            raise ValueError("a login cannot move to another id")
        return self._transient.swap(_key(login_id), seen.version, self._codec.seal(new), new.expires_at)


def _key(login_id: LoginId) -> str:
    return hashed_name("login", login_id)
