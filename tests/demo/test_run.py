"""`broker demo` says what it lacks, in words, and with the exit status for misuse."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from broker.demo.federation import PORTS, the_federation
from broker.demo.run import CannotStart, reserved_port

MISUSED = 2


def demo(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path if path is not None else os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", "broker.demo", *arguments], env=environment, capture_output=True, text=True, timeout=60
    )


def test_a_missing_system_package_is_named(tmp_path: Path) -> None:
    done = demo(path=str(tmp_path))
    assert done.returncode == MISUSED
    assert "apt install xmlsec1" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo("--port", str(port - 1))
    assert done.returncode == MISUSED
    assert f"127.0.0.2:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_below_the_privileged_ones_is_misuse() -> None:
    assert demo("--port", "80").returncode == MISUSED


def test_any_free_ports_will_do() -> None:
    with reserved_port(None) as first:
        federation = the_federation(first)
    ports = [int(federation.broker_bind.rpartition(":")[2]), *(party.port for party in federation.parties)]
    assert ports == list(range(ports[0], ports[0] + PORTS))


def test_taken_ports_are_stepped_over() -> None:
    with reserved_port(None) as first:
        pass
    with socket.create_server(("127.0.0.3", first + PORTS - 1)):
        with reserved_port(None) as other:
            assert other != first
        with pytest.raises(CannotStart, match="in use"), reserved_port(first):
            pass


def test_two_demos_that_start_at_once_take_different_ports() -> None:
    with reserved_port(None) as first, reserved_port(None) as second:
        assert first != second
