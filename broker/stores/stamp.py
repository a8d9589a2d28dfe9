"""The environment is written into both stores, so that test data never meets production."""

from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from broker.core.errors import StoreMismatch
from broker.stores.schema import STORE_STAMP
from broker.stores.sql import reading, writing
from broker.stores.transient import TransientStore

_KEY = "stamp:environment"
_UNTIL = datetime(9000, 1, 1, tzinfo=UTC)


def stamp_transient(store: TransientStore, environment: str, now: datetime) -> None:
    """Claim the store for `environment`, or find that it is. Raises StoreMismatch, StoreUnavailable."""
    if store.add(_KEY, environment.encode(), _UNTIL):
        return
    found = store.get(_KEY, now)
    if found is None or found.value != environment.encode():
        raise _mismatch("transient", environment, "" if found is None else found.value.decode(errors="replace"))


def stamp_durable(engine: Engine, environment: str, now: datetime) -> None:
    """Claim the migrated store for `environment`, or find that it is. Raises StoreMismatch, StoreUnavailable."""
    query = select(STORE_STAMP.c.environment)
    with reading(engine) as connection:
        found = connection.execute(query).scalar()
    if found is None:
        try:
            with writing(engine) as connection:
                connection.execute(insert(STORE_STAMP).values(id=1, environment=environment, stamped_at=now))
        except IntegrityError:  # another node was first; what did it write?
            pass
        with reading(engine) as connection:
            found = connection.execute(query).scalar()
    if found != environment:
        raise _mismatch("durable", environment, str(found))


def _mismatch(store: str, environment: str, found: str) -> StoreMismatch:
    return StoreMismatch(f"the {store} store belongs to environment {found!r}, not {environment!r}")
