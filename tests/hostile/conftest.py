"""One broker for the whole suite: an attack must not hurt what comes after it."""

import pytest
from support.attack_peers import World
from support.installation import make_installation


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(make_installation(tmp_path_factory.mktemp("broker")))
