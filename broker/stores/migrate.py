"""Bringing the durable store to this version."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from broker.core.errors import StoreMismatch
from broker.stores.sql import writing
from broker.stores.version import found_revision, known_revisions

_LOCK = 4_711_000_451  # any number; the same one in every version


def migrate(engine: Engine) -> tuple[str, ...]:
    """Run what is missing, in one transaction, and return the revisions that ran; empty when it was current.

    Safe to run on several nodes at once. Raises StoreMismatch for a store of a newer version, StoreUnavailable.
    """
    known = known_revisions()
    config = Config()
    config.set_main_option("script_location", "broker.stores:migrations")
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = found_revision(connection)
        if before is not None and before not in known:
            raise StoreMismatch(f"the durable store has version {before}, newer than this program ({known[-1]})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return known if before is None else known[known.index(before) + 1 :]
