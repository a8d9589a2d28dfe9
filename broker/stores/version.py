"""Which version of the tables a durable store has, and which one this program needs; without loading Alembic."""

from importlib import resources

from sqlalchemy import Connection, Engine, inspect, text

from broker.core.errors import StoreMismatch
from broker.stores.sql import reading

_VERSION_TABLE = "alembic_version"


def known_revisions() -> tuple[str, ...]:
    """The revisions that come with this program, oldest first: the leading number of each file."""
    files = resources.files("broker.stores.migrations.versions").iterdir()
    return tuple(sorted(file.name.partition("_")[0] for file in files if file.name[:1].isdigit()))


def found_revision(connection: Connection) -> str | None:
    """The revision of the store; None when it was never migrated."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return str(found[0]) if len(found) == 1 else None


def check_current(engine: Engine) -> None:
    """Refuse a durable store that this version cannot serve. Raises StoreMismatch, StoreUnavailable."""
    with reading(engine) as connection:
        found = found_revision(connection)
    known = known_revisions()
    if found is None:
        raise StoreMismatch("the durable store is empty: run `broker migrate`")
    if found not in known:
        raise StoreMismatch(f"the durable store has version {found}, newer than this program ({known[-1]})")
    if found != known[-1]:
        raise StoreMismatch(f"the durable store has version {found}, not {known[-1]}: run `broker migrate`")
