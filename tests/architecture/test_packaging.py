import re
import tomllib

import pytest
from support.source_tree import REPOSITORY, shown, tracked

LOCKS = ("requirements.lock", "requirements-dev.lock")
HASHED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>\S+)( ; [^\\]+)? \\$")
# Put together here, so that this file does not contain what it looks for.
MACHINE_PATH = re.compile("/" + r"(root|home/\w+|work|Users/\w+)/")
REGISTRIES = ("pypi", "pythonhosted", "npmjs", "deb" + r"\.debian", "crates")
REGISTRY = re.compile("(" + "|".join(REGISTRIES) + r")\.(org|io|com)\b")


def pinned(lock: str) -> set[str]:
    """The names that a lock file pins."""
    lines = (REPOSITORY / lock).read_text().splitlines()
    return {found["name"] for line in lines if (found := HASHED.match(line))}


def needed(requirements: list[str]) -> set[str]:
    """The bare names of requirements such as "psycopg[binary]>=3"."""
    return {re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_everything_and_an_address_for_nothing(lock: str) -> None:
    for line in (REPOSITORY / lock).read_text().splitlines():
        assert line.startswith((" ", "#")) or HASHED.match(line), line
        assert "://" not in line
        assert not line.lstrip().startswith(("--index", "--extra-index", "--find-links", "-i "))


def test_the_locks_have_every_dependency_of_the_project() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    runtime = needed(project["project"]["dependencies"])
    tools = needed(project["dependency-groups"]["dev"])
    assert runtime <= pinned("requirements.lock")
    assert runtime | tools <= pinned("requirements-dev.lock")


def test_what_runs_is_what_was_tested() -> None:
    def rows(lock: str) -> set[str]:
        return {line for line in (REPOSITORY / lock).read_text().splitlines() if HASHED.match(line)}

    assert rows("requirements.lock") <= rows("requirements-dev.lock")


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{shown(path)}: {match[0]}"
        for path in tracked()
        for pattern in (MACHINE_PATH, REGISTRY)
        if (match := pattern.search(path.read_text(errors="replace")))
    ]
    assert not found
