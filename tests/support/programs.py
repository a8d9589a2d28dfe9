"""Programs of the distribution, run by a test in a folder of the test's own."""

import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
UNPRIVILEGED = "nobody"


def absent(reason: str) -> None:
    """Skip for want of something on this machine; where everything must be there (CI=true), fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def need_program(name: str, package: str) -> str:
    """The program's path. Without it the test is skipped, naming the Debian package; where CI=true it fails."""
    found = shutil.which(name, path=SYSTEM_PATH)
    if found is None:
        absent(f"{name} is missing: apt-get install {package}")
    return str(found)


def need_file(path: str, package: str) -> Path:
    """Like `need_program`, for something that a package ships and that is no program."""
    if not Path(path).exists():
        absent(f"{path} is missing: apt-get install {package}")
    return Path(path)


def free_port(*hosts: str) -> int:
    """A TCP port that is free on every one of the loopback addresses."""
    for _ in range(50):
        with socket.create_server((hosts[0], 0)) as first:
            port = int(first.getsockname()[1])
            try:
                for host in hosts[1:]:
                    socket.create_server((host, port)).close()
            except OSError:
                continue
        return port
    raise RuntimeError(f"no port is free on all of {hosts}")


@contextmanager
def open_folder(prefix: str) -> Iterator[Path]:
    """A short-named folder that an unprivileged server may use: pytest's own are closed to others, and too long
    for the path of a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give_away(folder: Path, *, deep: bool = True) -> None:
    """Let the unprivileged user own `folder`, and what is in it; nothing to do unless root runs the tests."""
    if os.geteuid() != 0:
        return
    owner = pwd.getpwnam(UNPRIVILEGED)
    for path in [folder, *(folder.rglob("*") if deep else ())]:
        os.chown(path, owner.pw_uid, owner.pw_gid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One running program and where it writes."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    end: signal.Signals = signal.SIGTERM  # what asks it to end in an orderly way, at once

    def wait_for(self, url: str, *, seconds: float = 30, certificate: Path | None = None) -> None:
        """Return when `url` answers anything at all; fail with the program's own words when it does not."""
        until = time.monotonic() + seconds
        tls = ssl.create_default_context(cafile=certificate)
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=5, context=tls):  # noqa: S310 - a loopback URL of the test's own
                    return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"{self.name} did not answer at {url}; it said:\n{self.said()}")

    def said(self) -> str:
        """The end of what the program has printed."""
        return self.output.read_text(errors="replace")[-4000:]

    def stop(self, *, seconds: float = 20) -> int:
        """Ask it to end, and make it; then make whatever it left of its process group."""
        if self.process.poll() is None:
            self.process.send_signal(self.end)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    folder: Path,
    name: str | None = None,
    env: Mapping[str, str] | None = None,
    unprivileged: bool = False,
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[Program]:
    """Run `command` in `folder` until the block ends; `unprivileged`: not as root, even when root runs the tests."""
    name = name or Path(command[0]).name
    output = folder / f"{name}.output"
    drop = unprivileged and os.geteuid() == 0
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=None if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=UNPRIVILEGED if drop else None,
            group=pwd.getpwnam(UNPRIVILEGED).pw_gid if drop else None,
            extra_groups=[] if drop else None,
        )
    program = Program(name=name, process=process, output=output, end=end)
    try:
        yield program
    finally:
        program.stop()


def fetch(url: str, *, certificate: Path | None = None) -> bytes:
    """The body of a loopback URL that must answer 200; over TLS, with this very certificate."""
    with urllib.request.urlopen(url, timeout=30, context=ssl.create_default_context(cafile=certificate)) as answer:  # noqa: S310 - a loopback URL of the test's own
        body: bytes = answer.read()
    return body
