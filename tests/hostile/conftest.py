"""One broker for the whole suite: an attack must not hurt what comes after it."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from support.attack_peers import PERSON, VICTIM
from support.attack_world import World
from support.installation import make_installation


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(make_installation(tmp_path_factory.mktemp("broker")))


@pytest.fixture(autouse=True)
def _aftermath(world: World) -> Iterator[None]:
    """After each attack: no assertion went out that the test did not expect, the log names nobody, and a genuine login
    works."""
    with capture_logs() as world.lines:
        yield
        world.assert_nothing_left()
        world.assert_logs_in()
    written = repr(world.lines)
    named = [value for person in (PERSON, VICTIM) for values in person.values() for value in values if value in written]
    assert not named
