"""`broker migrate`: bring the durable store to this version."""

from collections.abc import Callable
from pathlib import Path

import click

from broker.cli.options import config_option, report_errors, settings_of
from broker.config.settings import Settings


def migrate_command(migrate: Callable[[Settings], tuple[str, ...]]) -> click.Command:
    """The verb."""

    @click.command("migrate")
    @config_option
    @report_errors
    def run(config: Path) -> None:
        """Bring the durable store to this version; `serve` refuses one that is newer or not migrated."""
        for line in migrate(settings_of(config)):
            click.echo(line)

    return run
