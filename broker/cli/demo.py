"""`broker demo`: the broker with its demo federation, on this machine only."""

import os
import sys
from pathlib import Path

import click

import broker

NO_PYSAML2_WARNING = "ignore:CFB has been moved"  # its import says so, on a new cryptography


def demo_command() -> click.Command:
    """The verb. It becomes another process, so that no other verb pays for loading the simulated parties."""

    @click.command("demo")
    @click.option("--port", type=click.IntRange(1024, 65000), help="First of eight ports in a row. Default: free ones.")
    @click.option("--once", is_flag=True, help="Log in once through every kind of eID, print a table, and stop.")
    def demo(port: int | None, once: bool) -> None:
        """Start a broker with simulated eIDs and e-services; print where to click."""
        program = str(Path(broker.__file__).resolve().parent.parent)
        path = os.pathsep.join([program, *filter(None, [os.environ.get("PYTHONPATH")])])
        chosen = [] if port is None else ["--port", str(port)]
        arguments = [
            sys.executable,
            "-P",
            "-W",
            NO_PYSAML2_WARNING,
            "-m",
            "broker.demo",
            *chosen,
            *(["--once"] if once else []),
        ]
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, arguments, os.environ | {"PYTHONPATH": path})  # noqa: S606 — no shell is the point

    return demo
