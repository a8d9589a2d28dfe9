import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from support.processes import in_processes
from support.store_values import in_seconds

from broker.stores.transient import TransientStore, Versioned


@pytest.fixture
def key() -> str:
    return f"test:{secrets.token_hex(8)}"


def found(store: TransientStore, key: str) -> Versioned:
    entry = store.get(key, datetime.now(UTC))
    assert entry is not None
    return entry


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n", b"x" * 300_000], ids=["empty", "binary", "large"])
def test_what_was_added_is_found(transient: TransientStore, key: str, value: bytes) -> None:
    assert transient.add(key, value, in_seconds(60))
    assert found(transient, key).value == value


def test_an_unknown_key_finds_nothing(transient: TransientStore, key: str) -> None:
    assert transient.get(key, datetime.now(UTC)) is None


def test_a_second_add_changes_nothing(transient: TransientStore, key: str) -> None:
    transient.add(key, b"first", in_seconds(60))
    before = found(transient, key)
    assert not transient.add(key, b"second", in_seconds(60))
    assert found(transient, key) == before


def test_an_entry_is_not_seen_at_its_end(transient: TransientStore, key: str) -> None:
    end = in_seconds(60)
    transient.add(key, b"value", end)
    assert transient.get(key, end - timedelta(milliseconds=2)) is not None
    assert transient.get(key, end) is None


def test_after_its_end_an_entry_is_gone_for_adding_and_swapping(transient: TransientStore, key: str) -> None:
    transient.add(key, b"value", in_seconds(0.3))
    version = found(transient, key).version
    time.sleep(0.35)
    assert not transient.swap(key, version, b"late", in_seconds(60))
    assert transient.add(key, b"new", in_seconds(60))
    assert found(transient, key).value == b"new"


def test_a_swap_replaces_what_was_read_and_prolongs_it(transient: TransientStore, key: str) -> None:
    transient.add(key, b"first", in_seconds(30))
    assert transient.swap(key, found(transient, key).version, b"second", in_seconds(90))
    entry = transient.get(key, in_seconds(60))
    assert entry is not None
    assert entry.value == b"second"


def test_a_swap_from_an_old_version_changes_nothing(transient: TransientStore, key: str) -> None:
    transient.add(key, b"first", in_seconds(60))
    old = found(transient, key).version
    transient.swap(key, old, b"second", in_seconds(60))
    assert not transient.swap(key, old, b"third", in_seconds(60))
    assert found(transient, key).value == b"second"


def test_a_swap_of_nothing_stores_nothing(transient: TransientStore, key: str) -> None:
    assert not transient.swap(key, 1, b"value", in_seconds(60))
    assert transient.get(key, datetime.now(UTC)) is None


def test_a_name_that_comes_back_never_has_an_old_version(transient: TransientStore, key: str) -> None:
    transient.add(key, b"first", in_seconds(60))
    old = found(transient, key).version
    transient.delete(key)
    transient.add(key, b"second", in_seconds(60))
    assert not transient.swap(key, old, b"third", in_seconds(60))


def test_a_put_replaces_anything_and_makes_old_versions_lose(transient: TransientStore, key: str) -> None:
    transient.put(key, b"first", in_seconds(60))
    old = found(transient, key).version
    transient.put(key, b"second", in_seconds(60))
    assert found(transient, key).value == b"second"
    assert not transient.swap(key, old, b"third", in_seconds(60))


def test_deleting_twice_is_quiet(transient: TransientStore, key: str) -> None:
    transient.add(key, b"value", in_seconds(60))
    transient.delete(key)
    transient.delete(key)
    assert transient.get(key, datetime.now(UTC)) is None


def test_of_many_racing_adds_one_wins(transient: TransientStore, key: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda n: transient.add(key, str(n).encode(), in_seconds(60)), range(64)))
    assert wins.count(True) == 1
    assert found(transient, key).value == str(wins.index(True)).encode()


def test_of_many_racing_swaps_one_wins(transient: TransientStore, key: str) -> None:
    transient.add(key, b"value", in_seconds(60))
    version = found(transient, key).version
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda n: transient.swap(key, version, str(n).encode(), in_seconds(60)), range(64)))
    assert wins.count(True) == 1
    assert found(transient, key).value == str(wins.index(True)).encode()


def test_of_racing_processes_one_wins_each_key(shared: Callable[[], TransientStore], key: str) -> None:
    store = shared()
    assert store.add(f"{key}:warm", b"", in_seconds(60))  # opened before the fork, as a preloading server does

    def claim(_index: int) -> list[bool]:
        return [store.add(f"{key}:{n}", b"", in_seconds(60)) for n in range(100)]

    answers = in_processes(3, claim)
    assert [sum(wins) for wins in zip(*answers, strict=True)] == [1] * 100


def test_processes_that_count_by_swapping_lose_no_count(shared: Callable[[], TransientStore], key: str) -> None:
    shared().add(key, b"0", in_seconds(60))

    def count(_index: int) -> None:
        store = shared()
        counted = 0
        while counted < 50:
            entry = found(store, key)
            counted += store.swap(key, entry.version, str(int(entry.value) + 1).encode(), in_seconds(60))

    in_processes(3, count)
    assert found(shared(), key).value == b"150"


def test_another_opening_sees_the_same_entries(shared: Callable[[], TransientStore], key: str) -> None:
    shared().add(key, b"value", in_seconds(60))
    assert found(shared(), key).value == b"value"
