"""The stores and secrets of one process."""

import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Engine

from broker.audit.chain import ChainedAuditLog
from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, load_secrets
from broker.config.settings import Settings
from broker.core.errors import ConfigRejected
from broker.flow.system import SystemClock, SystemIds
from broker.stores.embedded import EmbeddedTransientStore
from broker.stores.opening import open_transient
from broker.stores.sealing import SealingKeys
from broker.stores.sql import open_durable
from broker.stores.sql_audit import SqlAuditRows
from broker.stores.stamp import stamp_durable, stamp_transient
from broker.stores.transient import TransientStore
from broker.stores.version import check_current


@dataclass(frozen=True)
class Opened:
    """Opens each thing at first use; nothing is connected before."""

    settings: Settings
    clock: SystemClock
    ids: SystemIds

    @cached_property
    def durable(self) -> Engine:
        """The durable store, migrated and of our environment. Raises StoreMismatch, StoreUnavailable."""
        engine = self.unchecked_durable
        check_current(engine)
        stamp_durable(engine, self.settings.broker.environment, self.clock.now())
        return engine

    @cached_property
    def unchecked_durable(self) -> Engine:
        """The durable store as it is, for `migrate`."""
        return open_durable(
            self.settings.durable_url, password=self._password(self.settings.stores.durable_password_file)
        )

    @cached_property
    def audit(self) -> ChainedAuditLog:
        """The audit log of this process, for everything in it that records. Raises StoreMismatch, StoreUnavailable."""
        return ChainedAuditLog(SqlAuditRows(self.durable), self.node)

    @cached_property
    def transient(self) -> TransientStore:
        """The transient store, of our environment. Raises StoreMismatch, StoreUnavailable."""
        store = open_transient(
            self.settings.transient_url,
            self.clock,
            password=self.transient_password,
        )
        stamp_transient(store, self.settings.broker.environment, self.clock.now())
        return store

    @property
    def transient_password(self) -> str | None:
        """For Redis, from its file."""
        return self._password(self.settings.stores.transient_password_file)

    @cached_property
    def sealing(self) -> SealingKeys:
        """The secrets for encryption at rest. Raises ConfigRejected."""
        return SealingKeys(self._secrets(SEALING_SECRET))

    @cached_property
    def name_id_secret(self) -> bytes:
        """The secret behind every persistent NameID. Raises ConfigRejected."""
        secrets = self._secrets(NAME_ID_SECRET)
        if len(secrets) != 1:
            # A second line would be a rotation elsewhere; here it would silently change every NameID.
            file = self.settings.keys_folder / NAME_ID_SECRET
            raise ConfigRejected((f"{file}: has {len(secrets)} lines; this secret cannot be rotated, keep the first",))
        return secrets[0]

    @cached_property
    def pseudonym_secret(self) -> bytes:
        """The secret behind the pseudonyms in the audit: of the same file, so that one thing must be backed up."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"broker audit pseudonym").derive(
            self.name_id_secret
        )

    def close(self) -> None:
        """Close what was opened; it opens again when it is used again."""
        if "unchecked_durable" in self.__dict__:
            self.unchecked_durable.dispose()
        transient = self.__dict__.get("transient")
        if isinstance(transient, EmbeddedTransientStore):
            transient.close()

    @property
    def node(self) -> str:
        """The name of this machine, for heartbeats and audit chains."""
        return socket.gethostname()

    def _secrets(self, name: str) -> tuple[bytes, ...]:
        try:
            return load_secrets(self.settings.keys_folder / name)
        except ValueError as problem:
            raise ConfigRejected((str(problem),)) from None

    def _password(self, file: Path | None) -> str | None:
        if file is None:
            return None
        path = self.settings.home / file
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as failure:
            raise ConfigRejected((f"{path}: {getattr(failure, 'strerror', 'not UTF-8')}",)) from None


def open_all(settings: Settings) -> Opened:
    """The stores and secrets that `settings` name."""
    return Opened(settings=settings, clock=SystemClock(), ids=SystemIds())
