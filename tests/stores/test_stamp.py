from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.processes import in_processes
from support.store_values import SystemClock

from broker.core.errors import StoreMismatch
from broker.stores.migrate import migrate
from broker.stores.opening import open_transient
from broker.stores.stamp import stamp_durable, stamp_transient


def test_the_durable_store_belongs_to_the_first_environment(
    open_empty: Callable[[], Engine], clock: SystemClock
) -> None:
    engine = open_empty()
    migrate(engine)
    stamp_durable(engine, "qa", clock.now())
    stamp_durable(engine, "qa", clock.now())
    with pytest.raises(StoreMismatch, match="'qa'"):
        stamp_durable(engine, "production", clock.now())


def test_nodes_may_stamp_at_once(open_empty: Callable[[], Engine], clock: SystemClock) -> None:
    engine = open_empty()
    migrate(engine)

    def stamp(index: int) -> str:
        environment = "qa" if index else "production"
        try:
            stamp_durable(engine, environment, clock.now())
        except StoreMismatch:
            return ""
        return environment

    assert len({won for won in in_processes(4, stamp) if won}) == 1


def test_the_transient_store_belongs_to_the_first_environment(tmp_path: Path, clock: SystemClock) -> None:
    store = open_transient(f"sqlite:///{tmp_path / 'transient.sqlite'}", clock)
    stamp_transient(store, "qa", clock.now())
    stamp_transient(store, "qa", clock.now())
    with pytest.raises(StoreMismatch, match="'qa'"):
        stamp_transient(store, "production", clock.now())
