"""The broker as its operator runs it: the installed commands, in a folder of the test's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.programs import Program, running

CHANGES_SEEN_WITHIN_S = 5.0  # a running server acts on a change of metadata or keys within this time


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A folder that `broker init` wrote."""

    folder: Path
    bind: str  # host:port

    @property
    def base_url(self) -> str:
        return f"http://{self.bind}"

    @property
    def idp_entity_id(self) -> str:
        return f"{self.base_url}/saml/idp"

    @property
    def idp_metadata_url(self) -> str:
        return f"{self.base_url}/saml/idp/metadata"

    @property
    def sp_metadata_url(self) -> str:
        return f"{self.base_url}/saml/sp/metadata"

    @property
    def config(self) -> Path:
        return self.folder / "broker.toml"

    @property
    def signing_certificate(self) -> Path:
        """The certificate that our own metadata is signed with."""
        (certificate,) = (self.folder / "keys").glob("signing-*.crt")
        return certificate

    def run(self, *arguments: str | Path) -> str:
        """What `broker ARGUMENTS --config …` printed; anything but exit 0 is a failure that shows what it said."""
        return broker(*arguments, "--config", self.config)

    def json(self, *arguments: str | Path) -> Any:
        """The same, asked for JSON."""
        return json.loads(self.run(*arguments, "--json"))


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of the broker."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BROKER_")}


def broker(*arguments: str | Path) -> str:
    """Run `python -m broker ARGUMENTS` and return what it printed on standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "broker", *map(str, arguments)],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = f"broker {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, said
    return done.stdout


def make_installation(folder: Path, *, bind: str, environment: str = "test", assurance: str = "hub") -> Installation:
    """Run `broker init`."""
    broker(
        *("init", folder, "--base-url", f"http://{bind}"),
        *("--environment", environment, "--assurance", assurance, "--organisation", "Provkommunen"),
    )
    return Installation(folder=folder, bind=bind)


@contextmanager
def serving(installation: Installation, *, workers: int = 2) -> Iterator[Program]:
    """Run `broker serve` until the block ends."""
    command = [
        *(sys.executable, "-m", "broker", "serve", "--config", str(installation.config)),
        *("--bind", installation.bind, "--workers", str(workers)),
    ]
    with running(command, folder=installation.folder, name="serve", env=clean_environment()) as server:
        server.wait_for(f"{installation.base_url}/health/live")
        yield server
