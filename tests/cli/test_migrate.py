"""`broker migrate`: tables, environment stamp, first keys; on a store of any age."""

import sqlite3
from pathlib import Path

import pytest
from support.command_line import Folder

from broker.stores.version import known_revisions


def states(folder: Folder) -> list[tuple[str, str, str]]:
    return [(key["key_id"], key["use"], key["state"]) for key in folder.run("keys", "list", "--json").json]


def set_revision(folder: Folder, revision: str) -> None:
    connection = sqlite3.connect(folder.data / "durable.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


@pytest.fixture
def unmigrated(folder: Folder) -> Folder:
    for file in folder.data.iterdir():
        file.unlink()
    return folder


def test_a_new_store_gets_its_tables_and_takes_the_keys_of_the_folder_into_use(unmigrated: Folder) -> None:
    said = unmigrated.done("migrate")
    assert all(revision in said for revision in known_revisions())
    assert {(use, state) for _, use, state in states(unmigrated)} == {("signing", "active"), ("encryption", "active")}
    assert unmigrated.run("check").code == 0


def test_a_current_store_stays_as_it_is(folder: Folder) -> None:
    before = states(folder)
    assert "current" in folder.done("migrate")
    assert states(folder) == before


def test_a_store_of_a_newer_version_is_refused_and_stays_as_it_is(folder: Folder) -> None:
    set_revision(folder, "9999")
    for verb in ("migrate", "check", "serve"):
        refused = folder.run(verb)
        assert refused.code == 2
        assert "newer" in refused.err + refused.out
    set_revision(folder, known_revisions()[-1])
    assert folder.run("check").code == 0


def test_a_store_of_an_older_version_must_be_migrated_first(folder: Folder) -> None:
    set_revision(folder, known_revisions()[0])
    for verb in ("check", "serve"):
        refused = folder.run(verb)
        assert refused.code == 2
        assert "broker migrate" in refused.err + refused.out


@pytest.mark.parametrize("use", ["signing", "encryption"])
def test_a_first_migration_that_misses_a_key_is_finished_by_the_next(
    unmigrated: Folder, tmp_path: Path, use: str
) -> None:
    pair = [unmigrated.keys / f"{unmigrated.key_named(use)}.{ending}" for ending in ("key", "crt")]
    for file in pair:
        file.rename(tmp_path / file.name)
    refused = unmigrated.run("migrate")
    assert refused.code == 1
    assert f"no {use} key" in refused.err
    checked = unmigrated.run("check")
    assert checked.code == 2
    assert f"no {use} key" in checked.out
    for file in pair:
        (tmp_path / file.name).rename(file)
    unmigrated.done("migrate")
    assert {(use, state) for _, use, state in states(unmigrated)} == {("signing", "active"), ("encryption", "active")}
    assert unmigrated.run("check").code == 0
