"""`broker serve`: the production server. Refuses to start on any configuration error and lists them all."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from broker.cli.check import print_remarks
from broker.cli.options import MISUSED, config_option, report_errors, settings_of
from broker.cli.parts import Remark
from broker.config.settings import Settings, check_bind


def serve_command(
    check: Callable[[Settings], tuple[Remark, ...]], serve: Callable[[Settings, str, int], None]
) -> click.Command:
    """The verb."""

    @click.command("serve")
    @config_option
    @click.option("--bind", metavar="HOST:PORT", callback=_bind, help="Default: serve.bind of the settings.")
    @click.option("--workers", type=click.IntRange(1, 64), help="Default: serve.workers of the settings.")
    @report_errors
    def run(config: Path, bind: str | None, workers: int | None) -> None:
        """Serve logins until SIGTERM."""
        settings = settings_of(config)
        blocking = tuple(remark for remark in check(settings) if remark.severity == "blocks")
        if blocking:
            print_remarks(blocking, to_stderr=True)
            sys.exit(MISUSED)
        serve(settings, bind or settings.serve.bind, workers or settings.serve.workers)

    return run


def _bind(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return value if value is None else check_bind(value)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from None
