"""What the README promises to somebody with a bare Debian 12, done there: `apt-get install make`, then a verb.

Nothing of this machine is seen from there but how it reaches its package registries. The clone holds what is
committed.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bare_debian import BareDebian, bare_debian
from support.programs import open_folder

pytestmark = pytest.mark.machine


@pytest.fixture(scope="module")
def debian() -> Iterator[BareDebian]:
    """One root for the tests here: each installs what it needs on top."""
    with open_folder("bare-debian-") as folder, bare_debian(folder) as machine:
        machine.run("apt-get update -q && apt-get install -q -y --no-install-recommends make", seconds=300)
        yield machine


def test_make_demo_leads_to_finished_logins(debian: BareDebian) -> None:
    said = debian.run("make demo ARGS=--once", seconds=600)
    assert "bankid" in said.lower()


def test_the_packages_for_make_test_are_enough(debian: BareDebian, shared_data: Path) -> None:
    beside = debian.root / "srv" / "shared" / "data"
    shutil.copytree(shared_data, beside)
    debian.run("make setup packages", seconds=900)
    # Every suite that uses a Debian package, but for the whole logins of the demo: those need no others.
    selected = '-m "services or browser or interop" --ignore tests/journeys --ignore tests/machine'
    said = debian.run(f".venv/bin/python -m pytest -q -n 2 --dist loadfile {selected}", seconds=1200, CI="true")
    assert " passed" in said
