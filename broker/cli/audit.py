"""`broker audit verify | export`: the hash chain of audit events."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from broker.cli.options import REFUSED, config_option, json_option, print_json, report_errors, settings_of
from broker.cli.parts import AuditTools
from broker.config.settings import Settings


def audit_group(tools: Callable[[Settings], AuditTools]) -> click.Group:
    """The verbs."""

    @click.group("audit")
    def audit() -> None:
        """The audit log: append-only, hash-chained."""

    @audit.command("verify")
    @config_option
    @json_option
    @report_errors
    def verify(config: Path, as_json: bool) -> None:
        """Find removed, changed or reordered events; exit 1 when there are any."""
        broken = tools(settings_of(config)).verify()
        if as_json:
            print_json([asdict(remark) for remark in broken])
        for remark in broken if not as_json else ():
            click.echo(f"{remark.where}: {remark.what}")
        if broken:
            sys.exit(REFUSED)
        if not as_json:
            click.echo("The audit log is whole.")

    @audit.command("export")
    @config_option
    @report_errors
    def export(config: Path) -> None:
        """Print every event as JSON lines, oldest first."""
        for line in tools(settings_of(config)).export():
            click.echo(line)

    return audit
