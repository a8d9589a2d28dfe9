"""Keys are slow to make: one set for the whole session."""

import pytest
from support.peers import PeerKeys, Peers


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Peers:
    """A builder of simulated parties."""
    return Peers(keys=PeerKeys(folder=tmp_path_factory.mktemp("keys")))
