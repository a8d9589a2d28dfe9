"""`broker check`: every finding about configuration, keys, stores and metadata; nothing is started."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from broker.cli.options import MISUSED, config_option, json_option, print_json, report_errors, settings_of
from broker.cli.parts import Remark
from broker.config.settings import Settings
from broker.core.errors import ConfigRejected


def check_command(check: Callable[[Settings], tuple[Remark, ...]]) -> click.Command:
    """The verb."""

    @click.command("check")
    @config_option
    @json_option
    @report_errors
    def run(config: Path, as_json: bool) -> None:
        """Say everything that is wrong, or worth knowing, about this installation."""
        try:
            remarks = check(settings_of(config))
        except ConfigRejected as rejected:
            remarks = tuple(Remark(severity="blocks", where=str(config), what=what) for what in rejected.problems)
        if as_json:
            print_json([asdict(remark) for remark in remarks])
        else:
            print_remarks(remarks)
        if any(remark.severity == "blocks" for remark in remarks):
            sys.exit(MISUSED)

    return run


def print_remarks(remarks: tuple[Remark, ...], *, to_stderr: bool = False) -> None:
    """One line each, the worst first."""
    order = {"blocks": 0, "warning": 1, "information": 2}
    for remark in sorted(remarks, key=lambda r: order[r.severity]):
        click.echo(f"{remark.severity:12} {remark.where}: {remark.what}", err=to_stderr)
    if not any(remark.severity == "blocks" for remark in remarks):
        click.echo("Nothing prevents start-up.", err=to_stderr)
