"""Our key ring follows its states within seconds, keeps the last one while the store is away, and names what is
missing."""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.command_line import Folder, make_folder

from broker.config.load import load_settings
from broker.core.errors import StoreUnavailable
from broker.flow.key_ports import KeyEntry
from broker.stores.sql_keys import SqlKeyStates
from broker.wiring.current_keys import CurrentKeys
from broker.wiring.opened import Opened, open_all

LOOKS_AGAIN_AFTER_S = 2.1


class BreakableStates(SqlKeyStates):
    """The real states, on a store that a test may take away."""

    away = False
    looked = 0

    def list(self) -> tuple[KeyEntry, ...]:
        self.looked += 1
        if self.away:
            raise StoreUnavailable("the test took it away")
        return super().list()


class Node:
    """A serving process's view of its keys."""

    def __init__(self, folder: Folder, opened: Opened) -> None:
        self.folder = folder
        self.states = BreakableStates(opened.durable)
        self.keys = CurrentKeys(self.states, folder.keys)

    def signing(self) -> str:
        key = self.keys().active_signing
        assert key is not None
        return key.key_id

    def fingerprint(self, name: str) -> str:
        return next(entry.fingerprint for entry in self.states.list() if entry.key_id == name)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("pattern") / "broker").path


@pytest.fixture
def node(pattern: Path, tmp_path: Path) -> Iterator[Node]:
    folder = Folder(path=Path(shutil.copytree(pattern, tmp_path / "broker")))
    with closing(open_all(load_settings(folder.config, {}))) as opened:
        yield Node(folder, opened)


def promote_another(folder: Folder) -> None:
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    folder.done("keys", "promote", "signing-2")


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time pass after which a node looks again."""
    now = time.monotonic() + LOOKS_AGAIN_AFTER_S
    monkeypatch.setattr("broker.wiring.current_keys.time.monotonic", lambda: now)


def test_the_store_is_asked_every_two_seconds_and_no_oftener(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(100):
        node.signing()
    assert node.states.looked == 1
    later(monkeypatch)
    node.signing()
    assert node.states.looked == 2


def test_a_promotion_is_followed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    before = node.signing()
    promote_another(node.folder)
    assert node.signing() == before
    later(monkeypatch)
    assert node.signing() == node.fingerprint("signing-2") != before


def test_the_last_ring_counts_while_the_store_is_away(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    before = node.signing()
    node.states.away = True
    later(monkeypatch)
    assert node.signing() == before


def test_without_a_store_from_the_beginning_there_is_no_ring(node: Node) -> None:
    node.states.away = True
    with pytest.raises(StoreUnavailable):
        node.keys()
    node.states.away = False
    assert node.signing()


def test_a_key_whose_file_is_not_here_is_missing_until_it_is(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    file = node.folder.keys / "signing-2.key"
    file.rename(node.folder.path / "away")
    assert list(node.keys.missing) == ["signing-2"]
    assert node.fingerprint("signing-2") not in node.keys.held()
    (node.folder.path / "away").rename(file)
    later(monkeypatch)
    assert list(node.keys.missing) == []
    assert node.fingerprint("signing-2") in node.keys.held()


def test_a_file_with_another_key_is_missing(node: Node) -> None:
    node.folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    name = node.folder.key_named("encryption")
    for ending in ("key", "crt"):
        shutil.copy(node.folder.keys / f"{name}.{ending}", node.folder.keys / f"signing-2.{ending}")
    assert node.keys.missing == ("signing-2",)


def test_a_retired_key_is_neither_held_nor_missing(node: Node) -> None:
    node.folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    node.folder.done("keys", "retire", "signing-2")
    assert node.keys.missing == ()
    assert node.fingerprint("signing-2") not in node.keys.held()
