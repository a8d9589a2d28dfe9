"""Rollover of our own keys: list, add, promote, retire. One desk for the command and, later, the pages."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from broker.core.errors import KeyRejected
from broker.core.ports import Clock, IdSource
from broker.flow.events import AdministratorActed
from broker.flow.key_ports import KeyEntry, KeyState, KeyStates, KeyUse
from broker.flow.ports import AuditLog


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """A key pair found in the keys folder of this node."""

    key_id: str  # the file name without its ending
    file_name: str
    fingerprint: str  # SHA-256 of the certificate's DER, hex lower case
    not_after: datetime
    is_rsa: bool


class KeyFolder(Protocol):
    """The keys folder of this node."""

    def find(self, key_id: str) -> KeyFile | None:
        """The pair `key_id.key` and `key_id.crt`, or None. Raises KeyRejected when it is broken."""
        ...

    def create(self, key_id: str, kind: str, now: datetime) -> KeyFile:
        """Generate a pair of `kind`. Raises KeyRejected when the file exists."""
        ...


class KeyDesk:
    """What an administrator does with keys; every change is an audit event."""

    def __init__(
        self, *, states: KeyStates, folder: KeyFolder, audit: AuditLog, clock: Clock, ids: IdSource, actor: str
    ) -> None:
        self._states = states
        self._folder = folder
        self._audit = audit
        self._clock = clock
        self._ids = ids
        self._actor = actor

    def list(self) -> tuple[KeyEntry, ...]:
        """Every key, oldest first."""
        return self._states.list()

    def add(self, key_id: str, use: KeyUse, kind: str) -> KeyEntry:
        """Publish a key: the pair that lies in the folder under this name, else a new one of `kind`.

        The first key of its use becomes active at once; there is nothing to roll over from.
        """
        now = self._clock.now()
        file = self._folder.find(key_id)
        is_rsa = kind.startswith("rsa") if file is None else file.is_rsa
        if use is KeyUse.ENCRYPTION and not is_rsa:
            raise KeyRejected(f"{key_id}: an encryption key must be RSA (Deployment Profile 8)")
        file = file or self._folder.create(key_id, kind, now)
        first = not any(entry.use is use and entry.state is KeyState.ACTIVE for entry in self._states.list())
        entry = KeyEntry(
            key_id=key_id,
            use=use,
            state=KeyState.ACTIVE if first else KeyState.PUBLISHED,
            fingerprint=file.fingerprint,
            file_name=file.file_name,
            not_after=file.not_after,
            added_at=now,
            promoted_at=now if first else None,
        )
        self._change("keys add", key_id, now, lambda: self._states.add(entry))
        return entry

    def promote(self, key_id: str) -> None:
        """Sign with this key from now on (or announce it for encryption). Raises KeyRejected."""
        now = self._clock.now()
        self._change("keys promote", key_id, now, lambda: self._states.promote(key_id, now))

    def retire(self, key_id: str) -> None:
        """Use this key for nothing any more. Raises KeyRejected."""
        now = self._clock.now()
        self._change("keys retire", key_id, now, lambda: self._states.retire(key_id, now))

    def _change(self, action: str, key_id: str, now: datetime, change: Callable[[], None]) -> None:
        event = AdministratorActed(
            at=now,
            reference=self._ids.reference(),
            actor=self._actor,
            action=action,
            subject=key_id,
            before=None,
            after=None,
            content_hash=None,
            findings=(),
        )
        self._audit.record(event)  # first: what cannot be recorded is not done
        try:
            change()
        except KeyRejected as refused:
            self._audit.record(replace(event, findings=(f"blocks {refused.code}",)))
            raise
