"""`broker serve` as a process of its own, on an installation made by `support.command_line`."""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from support.citizen import Send, over_http
from support.command_line import Folder, make_folder
from support.programs import Program, free_port, running
from support.running_broker import clean_environment

HOST = "127.0.0.1"
NOTICED_WITHIN_S = 5.0  # a running server acts on a change of metadata or keys within this time
LOOKS_AGAIN_AFTER_S = 2.5

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealBroker:
    """A serving process with its workers."""

    folder: Folder
    base_url: str
    program: Program

    @property
    def send(self) -> Send:
        return over_http(self.base_url)

    @property
    def workers(self) -> tuple[int, ...]:
        """The process ids of the workers."""
        master = self.program.process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return tuple(map(int, children))

    @property
    def log(self) -> str:
        """Everything that was printed."""
        return self.program.output.read_text(encoding="utf-8", errors="replace")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every log line; all of them are JSON."""
        return [json.loads(line) for line in self.log.splitlines()]

    def ready(self) -> dict[str, Any]:
        """What /health/ready says."""
        found: dict[str, Any] = json.loads(self.send("GET", "/health/ready", {}, b"").text)
        return found

    @contextmanager
    def full_disk(self, largest_file: int) -> Iterator[None]:
        """Let no worker make a file larger than this many bytes."""
        limits = resource.prlimit(self.workers[0], resource.RLIMIT_FSIZE)
        for worker in self.workers:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (largest_file, limits[1]))
        try:
            yield
        finally:
            for worker in self.workers:
                resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)

    def kill_worker(self) -> int:
        """kill -9 one of them, and wait until another has taken its place."""
        before = self.workers
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: before[0] not in self.workers and len(self.workers) == len(before), seconds=10)
        return before[0]


def let_every_worker_notice() -> None:
    """After a change: each looks again when it is asked, if it has not for two seconds; which one is asked, nobody
    can choose."""
    time.sleep(LOOKS_AGAIN_AFTER_S)


def wait_until(condition: Callable[[], T], *, seconds: float = NOTICED_WITHIN_S) -> T:
    """What `condition` gives as soon as it is true; a failure when it does not become true in time."""
    until = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.1)


def make_served_folder(path: Path) -> tuple[Folder, str]:
    """An installation for a free port of this machine, and the port's HOST:PORT."""
    bind = f"{HOST}:{free_port(HOST)}"
    return make_folder(path, base_url=f"http://{bind}"), bind


@contextmanager
def serving(
    folder: Folder, bind: str, *, workers: int = 2, settings: Mapping[str, str] | None = None
) -> Iterator[RealBroker]:
    """Run `broker serve` until the block ends; `settings` are variables that override the file."""
    command: list[str | Path] = [sys.executable, "-m", "broker", "serve", "--config", folder.config]
    command += ["--bind", bind, "--workers", str(workers)]
    with running(command, folder=folder.path, name="serve", env=clean_environment() | {**(settings or {})}) as program:
        program.wait_for(f"http://{bind}/health/live")
        broker = RealBroker(folder=folder, base_url=f"http://{bind}", program=program)
        wait_until(lambda: len(broker.workers) == workers)
        yield broker
