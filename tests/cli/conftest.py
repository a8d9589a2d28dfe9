"""One installation per test, copied from one per session: making keys is what takes time."""

import shutil
from pathlib import Path

import pytest
from support.command_line import Folder, make_folder


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("pattern") / "broker").path


@pytest.fixture
def folder(pattern: Path, tmp_path: Path) -> Folder:
    """A fresh installation of a hub in environment `test`."""
    return Folder(path=Path(shutil.copytree(pattern, tmp_path / "broker")))
