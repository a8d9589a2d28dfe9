"""The click group: one line per verb."""

import click

import broker
from broker.cli.audit import audit_group
from broker.cli.check import check_command
from broker.cli.demo import demo_command
from broker.cli.explain import explain_command
from broker.cli.init import init_command
from broker.cli.keys import keys_group
from broker.cli.metadata import metadata_group
from broker.cli.migrate import migrate_command
from broker.cli.parts import CliParts
from broker.cli.serve import serve_command


def build_cli(parts: CliParts) -> click.Group:
    """The `broker` command over the given parts."""

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(broker.__version__)
    def cli() -> None:
        """Identity broker for the Swedish public sector."""

    cli.add_command(audit_group(parts.audit))
    cli.add_command(check_command(parts.check))
    cli.add_command(demo_command())
    cli.add_command(explain_command(parts.clock, parts.directory, parts.policy, parts.catalogue))
    cli.add_command(init_command(parts.clock, parts.migrate))
    cli.add_command(keys_group(parts.key_desk))
    cli.add_command(metadata_group(parts.metadata_desk))
    cli.add_command(migrate_command(parts.migrate))
    cli.add_command(serve_command(parts.check, parts.serve))
    return cli
