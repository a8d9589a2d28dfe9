"""One broker, and every stranger registered with it; all of them are offered to all."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from support.attack_world import World
from support.installation import make_installation
from support.strange_habits import E_SERVICES, UPSTREAMS


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(make_installation(tmp_path_factory.mktemp("broker")))
    for e_service in E_SERVICES.values():
        world.register(e_service)
    for upstream in UPSTREAMS.values():
        world.register(upstream)
    return world


@pytest.fixture(autouse=True)
def _logged(world: World) -> Iterator[None]:
    with capture_logs() as world.lines:
        yield
    world.assert_nothing_left()
