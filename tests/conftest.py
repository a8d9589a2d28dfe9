"""Fixtures that every suite may use."""

import os
from pathlib import Path

import pytest

pytest_plugins = ["support.suite_counts", "support.browser_fixture"]

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real metadata and messages, which lies beside a full checkout and not in a user's clone."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        reason = f"the folder of real metadata is missing beside this checkout: ../{folder.parent.name}/{folder.name}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
