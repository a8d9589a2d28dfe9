"""What the commands work on: built from the settings by `wiring`, only when a command needs it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from broker.config.settings import Settings
from broker.core.ports import Clock
from broker.flow.key_desk import KeyDesk
from broker.flow.metadata_desk import MetadataDesk
from broker.flow.policy import Policy
from broker.flow.ports import Directory
from broker.vocabulary.attributes import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One finding about configuration, keys, stores or metadata."""

    severity: str  # "blocks", "warning" or "information"
    where: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditTools:
    """The two things an operator does with the hash chain."""

    verify: Callable[[], tuple[Remark, ...]]  # every broken link; empty when whole
    export: Callable[[], Iterator[str]]  # JSON lines, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class CliParts:
    """One callable per command family."""

    clock: Clock
    directory: Callable[[Settings], Directory]
    policy: Callable[[Settings], Policy]
    catalogue: Callable[[Settings], Catalogue]
    metadata_desk: Callable[[Settings], MetadataDesk]
    key_desk: Callable[[Settings], KeyDesk]
    audit: Callable[[Settings], AuditTools]
    check: Callable[[Settings], tuple[Remark, ...]]
    migrate: Callable[[Settings], tuple[str, ...]]  # what was done, a line each
    serve: Callable[[Settings, str, int], None]
