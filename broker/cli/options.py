"""Options and outcomes that every verb shares: exit 0 fine, 1 refused, 2 misused or misconfigured.

A store that does not answer is no verdict on what was asked: it counts as misconfigured, so that `audit verify` or
`explain` never seem to have found something.
"""

import errno
import functools
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import click

from broker.config.load import load_settings
from broker.config.settings import Settings
from broker.core.errors import AuditUnavailable, BrokerError, ConfigRejected, StoreMismatch, StoreUnavailable

P = ParamSpec("P")

REFUSED, MISUSED = 1, 2

config_option = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("broker.toml"),
    show_default=True,
    help="The settings file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def settings_of(config: Path) -> Settings:
    """The settings of `config` and the environment. Raises ConfigRejected."""
    return load_settings(config, os.environ)


def report_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Turn an expected failure into a sentence on standard error and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ConfigRejected as rejected:
            click.echo("The configuration is refused:", err=True)
            for problem in rejected.problems:
                click.echo(f"  - {problem}", err=True)
            sys.exit(MISUSED)
        except (StoreMismatch, StoreUnavailable, AuditUnavailable) as failure:
            click.echo(f"{failure.code}: {failure.detail}", err=True)
            sys.exit(MISUSED)
        except BrokerError as refusal:
            click.echo(f"{refusal.code}: {refusal.detail}", err=True)
            sys.exit(REFUSED)
        except OSError as failure:
            if failure.errno == errno.EPIPE:
                raise  # whoever read our output has read enough; click ends quietly
            where = f"{failure.filename}: " if failure.filename else ""
            click.echo(f"{where}{failure.strerror or type(failure).__name__}", err=True)
            sys.exit(MISUSED)

    return run


def print_json(value: Any) -> None:
    """Stable, readable JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str))


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns padded to their widest cell."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
