"""Starting, watching and stopping the processes of the demo."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import broker

STOP_S = 8
START_S = 40
POLL_S = 0.05
TAIL_LINES = 15
LONGEST_LINE = 300


class StartFailed(Exception):
    """A process did not start, or a command failed; the text says which, with the end of what it printed."""


def python(*arguments: str) -> list[str]:
    """This Python, running a module; the folder that one happens to stand in cannot shadow the program."""
    return [sys.executable, "-P", "-W", "ignore:CFB has been moved", *arguments]


def environment() -> dict[str, str]:
    """What child processes inherit: the same program as this one, and no proxy between the parties."""
    program = str(Path(broker.__file__).resolve().parent.parent)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}
    path = os.pathsep.join([program, *filter(None, [inherited.get("PYTHONPATH")])])
    everybody = "127.0.0.1,127.0.0.2,127.0.0.3"
    return inherited | {"PYTHONPATH": path, "NO_PROXY": everybody, "no_proxy": everybody, "PYTHONUNBUFFERED": "1"}


def run(arguments: Sequence[str], name: str) -> str:
    """What a command prints. Raises StartFailed when it does not exit with 0."""
    done = subprocess.run(  # noqa: S603 — our own interpreter and arguments
        [*arguments], env=environment(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        raise StartFailed(f"{name} exited with {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(url: str) -> bool:
    """Whether a GET of `url` gives 200."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


class Processes:
    """Child processes, each with a log file; all are stopped on leaving."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, arguments: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        """Start `name` in a session of its own, so that Ctrl-C reaches us alone and we stop it in order.

        Its standard input is a pipe that closes when we are gone, however that came about.
        """
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 — our own interpreter and arguments
                [*arguments],
                env=environment() | dict(more or {}),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, name: str, url: str, log: str | None = None) -> None:
        """Wait until `name` answers at `url`. Raises StartFailed when it ends or takes too long."""
        deadline = time.monotonic() + START_S
        while self._running[name].poll() is None:
            if answers(url):
                return
            if time.monotonic() > deadline:
                raise StartFailed(f"{name} does not answer at {url}:\n{self.tail(log or name)}")
            time.sleep(POLL_S)
        raise StartFailed(f"{name} ended at once:\n{self.tail(log or name)}")

    def ended(self) -> str | None:
        """The name of a process that has ended by itself, if any."""
        return next((name for name, process in self._running.items() if process.poll() is not None), None)

    def tail(self, name: str) -> str:
        """The last lines that `name` has printed."""
        file = self._logs / f"{name}.log"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return "\n".join(f"  {line[:LONGEST_LINE]}" for line in lines[-TAIL_LINES:])

    def stop(self) -> None:
        """Stop everything: politely, then not."""
        processes = list(self._running.values())
        self._running.clear()
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            if process.stdin is not None:
                process.stdin.close()
        deadline = time.monotonic() + STOP_S
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                # The whole session: a server's workers must not outlive it.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
