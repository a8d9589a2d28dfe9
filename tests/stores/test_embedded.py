import os
import signal
import sqlite3
import stat
import threading
import time
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest
from support.processes import in_processes
from support.store_values import SetClock, SystemClock, in_seconds

from broker.core.errors import StoreUnavailable
from broker.stores.embedded import EmbeddedTransientStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transient.sqlite"


def test_its_files_are_for_the_owner_only(path: Path, clock: SystemClock) -> None:
    EmbeddedTransientStore(path, clock).add("key", b"value", in_seconds(60))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {path.name: 0o600, f"{path.name}-wal": 0o600, f"{path.name}-shm": 0o600}


def test_expired_entries_leave_the_file(path: Path, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EmbeddedTransientStore(path, set_clock)
    for number in range(1200):
        store.add(f"key:{number}", b"value", set_clock.now() + timedelta(seconds=10))
    set_clock.pass_time(11)
    moment = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    for number in range(4):  # 500 at a time, as long as there are more
        store.add(f"new:{number}", b"value", set_clock.now() + timedelta(seconds=10))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM entry_1").fetchone() == (4,)
    connection.close()


def test_a_lock_that_is_held_too_long_is_an_unavailable_store(path: Path, clock: SystemClock) -> None:
    store = EmbeddedTransientStore(path, clock, busy_timeout_s=0.1)
    store.add("key", b"value", in_seconds(60))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        store.add("other", b"value", in_seconds(60))
    assert store.get("key", clock.now()) is not None  # readers do not wait for writers
    other.execute("ROLLBACK")
    other.close()
    assert store.add("other", b"value", in_seconds(60))


def test_a_lock_that_is_held_shortly_is_waited_for(path: Path, clock: SystemClock) -> None:
    store = EmbeddedTransientStore(path, clock)
    store.add("key", b"value", in_seconds(60))
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, lambda: other.execute("ROLLBACK"))
    release.start()
    assert store.add("other", b"value", in_seconds(60))
    release.join()
    other.close()


@pytest.mark.parametrize("kind", ["no folder", "no database"])
def test_a_file_that_cannot_be_used_is_an_unavailable_store(tmp_path: Path, clock: SystemClock, kind: str) -> None:
    path = tmp_path / "missing" / "transient.sqlite"
    if kind == "no database":
        path = tmp_path / "transient.sqlite"
        path.write_bytes(b"something else entirely " * 1000)
    with pytest.raises(StoreUnavailable) as refused:
        EmbeddedTransientStore(path, clock).add("key", b"value", in_seconds(60))
    assert str(tmp_path) not in refused.value.detail


def test_a_full_disk_is_an_unavailable_store_until_there_is_room(path: Path, clock: SystemClock) -> None:
    resource = pytest.importorskip("resource")
    store = EmbeddedTransientStore(path, clock)
    assert store.add("before", b"value", in_seconds(60))

    def fill(_index: int) -> tuple[bool, bool]:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        refused = False
        try:
            for number in range(100):
                store.add(f"key:{number}", b"x" * 10_000, in_seconds(60))
        except StoreUnavailable:
            refused = True
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return refused, store.add("after", b"value", in_seconds(60))

    assert in_processes(1, fill) == [(True, True)]
    assert store.get("before", clock.now()) is not None


def test_a_killed_worker_loses_nothing_and_holds_up_nobody(path: Path, clock: SystemClock) -> None:
    store = EmbeddedTransientStore(path, clock)
    context = get_context("fork")
    told, tell = context.Pipe(duplex=False)

    def work() -> None:
        for number in range(100_000):
            store.add(f"key:{number}", b"value", in_seconds(60))
            tell.send(number)

    worker = context.Process(target=work)
    worker.start()
    tell.close()
    last = 0
    while last < 50:
        last = told.recv()
    os.kill(worker.pid or 0, signal.SIGKILL)
    worker.join()
    while told.poll():
        try:
            last = told.recv()
        except EOFError:
            break
    told.close()
    assert all(store.get(f"key:{number}", clock.now()) is not None for number in range(last + 1))
    assert store.add("next", b"value", in_seconds(60))


def test_many_processes_may_open_a_new_file_at_once(path: Path, clock: SystemClock) -> None:
    def open_it(index: int) -> bool:
        return EmbeddedTransientStore(path, clock).add(f"key:{index}", b"value", in_seconds(60))

    assert in_processes(6, open_it) == [True] * 6


def test_a_fork_in_the_middle_of_work_disturbs_neither_side(path: Path, clock: SystemClock) -> None:
    store = EmbeddedTransientStore(path, clock)
    stop = threading.Event()
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            key = f"parent:{len(written)}"
            assert store.add(key, b"value", in_seconds(60))
            written.append(key)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for turn in range(5):
            wins = in_processes(2, lambda index, turn=turn: store.add(f"child:{turn}:{index}", b"", in_seconds(60)))  # type: ignore[misc]
            assert wins == [True, True]
    finally:
        stop.set()
        writer.join()
    assert all(store.get(key, clock.now()) is not None for key in written)
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
