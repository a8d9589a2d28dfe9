"""Which of our keys count: their states, for all nodes; the private files stay with the operator."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


class KeyUse(Enum):
    """What a key is for."""

    SIGNING = "signing"
    ENCRYPTION = "encryption"


class KeyState(Enum):
    """A key goes forward only: a retired one never comes back.

    PUBLISHED: in our metadata, and used to decrypt. ACTIVE: also used to sign, or announced first for encryption;
    one per use. RETIRED: used for nothing.
    """

    PUBLISHED = "published"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """One key as every node knows it."""

    key_id: str  # what an operator types
    use: KeyUse
    state: KeyState
    fingerprint: str  # SHA-256 of the certificate's DER, hex lower case
    file_name: str  # of the private key, below the keys folder of each node
    not_after: datetime  # of the certificate, for warnings only
    added_at: datetime
    promoted_at: datetime | None = None
    retired_at: datetime | None = None


class KeyStates(Protocol):
    """Every method raises StoreUnavailable when the store does not answer."""

    def list(self) -> tuple[KeyEntry, ...]:
        """Every key, oldest first."""
        ...

    def add(self, entry: KeyEntry) -> None:
        """Add a published key, or the first active one of its use.

        Raises KeyRejected when the id or fingerprint is taken, or it would be a second active one.
        """
        ...

    def promote(self, key_id: str, now: datetime) -> None:
        """Make a published key the active one of its use; the active one becomes published.

        Raises KeyRejected when the key is unknown, or not published, or a live node does not have it.
        """
        ...

    def retire(self, key_id: str, now: datetime) -> None:
        """Take a published key out of use. Raises KeyRejected when it is unknown or the active one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBeat:
    """What one serving process last said about itself."""

    node: str
    seen_at: datetime
    fingerprints: frozenset[str]  # of the keys whose private files it has loaded


class Heartbeats(Protocol):
    """Which processes serve now, and which keys each of them holds. Every method raises StoreUnavailable."""

    def beat(self, node: str, fingerprints: frozenset[str], now: datetime) -> None:
        """Say that `node` (a name of one process) lives; to be repeated well within 30 seconds."""
        ...

    def leave(self, node: str) -> None:
        """Say that `node` stops."""
        ...

    def live(self, now: datetime) -> tuple[NodeBeat, ...]:
        """Everyone who beat within the last 30 seconds, by name."""
        ...
