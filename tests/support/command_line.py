"""The `broker` command in this process: the real parts, without the half second that a new interpreter takes."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import structlog
from click.testing import CliRunner

from broker.cli.main import build_cli
from broker.wiring.commands import build_parts
from broker.wiring.logs import log_processors

BASE_URL = "http://127.0.0.1:18080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, all of it, as JSON."""
        return json.loads(self.out)


@contextmanager
def logs_in(stream: StringIO) -> Iterator[None]:
    """Log lines go to `stream`, as redacted as in a real process."""
    before = structlog.get_config()
    structlog.configure(
        processors=log_processors(),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def broker(*arguments: str | Path, env: Mapping[str, str | None] | None = None) -> Outcome:
    """Run `broker ARGUMENTS`. An exception that the command does not report itself is the test's failure."""
    with logs_in(StringIO()):
        done = CliRunner().invoke(
            build_cli(build_parts()), [str(argument) for argument in arguments], env=env, catch_exceptions=False
        )
    return Outcome(code=done.exit_code, out=done.stdout, err=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What `broker init` wrote, and commands on it."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "broker.toml"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def data(self) -> Path:
        return self.path / "data"

    def run(self, *arguments: str | Path, env: Mapping[str, str | None] | None = None) -> Outcome:
        """Run a verb with `--config`."""
        return broker(*arguments, "--config", self.config, env=env)

    def done(self, *arguments: str | Path) -> str:
        """What a verb printed that must succeed."""
        outcome = self.run(*arguments)
        assert outcome.code == 0, f"{arguments}: exit {outcome.code}\n{outcome.out}\n{outcome.err}"
        return outcome.out

    def key_named(self, use: str) -> str:
        """The id of the one key of this use."""
        (file,) = self.keys.glob(f"{use}-*.key")
        return file.stem

    def edit(self, before: str, after: str) -> None:
        """Change the settings; `before` must stand there once."""
        text = self.config.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in the settings"
        self.config.write_text(text.replace(before, after), encoding="utf-8")


def init(
    path: Path,
    *more: str,
    base_url: str = BASE_URL,
    environment: str = "test",
    assurance: str = "hub",
) -> Outcome:
    """Run `broker init`."""
    return broker(
        *("init", path, "--base-url", base_url, "--environment", environment, "--assurance", assurance), *more
    )


def make_folder(path: Path, **more: str) -> Folder:
    """A fresh installation with RSA-2048 keys."""
    outcome = init(path, "--keys", "rsa2048", **more)
    assert outcome.code == 0, outcome.err
    return Folder(path=path)
