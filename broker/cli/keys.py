"""`broker keys list | add | promote | retire`: rollover without downtime."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from broker.cli.options import config_option, json_option, print_json, print_table, report_errors, settings_of
from broker.config.settings import Settings
from broker.flow.key_desk import KeyDesk
from broker.flow.key_ports import KeyState, KeyUse

_key_id = click.argument("key_id", metavar="KEY")


def keys_group(desk: Callable[[Settings], KeyDesk]) -> click.Group:
    """The verbs."""

    @click.group("keys")
    def keys() -> None:
        """Our own signing and encryption keys.

        A rollover: add a new key, wait until every peer has read our metadata, promote it, wait, retire the old one.
        """

    @keys.command("list")
    @config_option
    @json_option
    @report_errors
    def list_keys(config: Path, as_json: bool) -> None:
        """Every key with its state."""
        entries = desk(settings_of(config)).list()
        if as_json:
            print_json([asdict(entry) | {"use": entry.use.value, "state": entry.state.value} for entry in entries])
            return
        rows = [
            (entry.key_id, entry.use.value, entry.state.value, f"{entry.not_after:%Y-%m-%d}", entry.fingerprint)
            for entry in entries
        ]
        print_table(("KEY", "USE", "STATE", "EXPIRES", "SHA-256"), rows)

    @keys.command("add")
    @config_option
    @_key_id
    @click.option("--use", required=True, type=click.Choice(["signing", "encryption"]))
    @click.option("--kind", type=click.Choice(["rsa3072", "rsa2048", "p256"]), default="rsa3072", show_default=True)
    @report_errors
    def add(config: Path, key_id: str, use: str, kind: str) -> None:
        """Publish KEY: keys/KEY.key and KEY.crt when they exist, else a new pair."""
        entry = desk(settings_of(config)).add(key_id, KeyUse(use), kind)
        state = "active" if entry.state is KeyState.ACTIVE else "published"
        click.echo(f"{entry.file_name} is {state}. Copy it and its certificate to every node before you promote it.")

    @keys.command("promote")
    @config_option
    @_key_id
    @report_errors
    def promote(config: Path, key_id: str) -> None:
        """Sign with KEY (or announce it for encryption); refused until every live node has its file."""
        desk(settings_of(config)).promote(key_id)
        click.echo(f"{key_id} is active.")

    @keys.command("retire")
    @config_option
    @_key_id
    @report_errors
    def retire(config: Path, key_id: str) -> None:
        """Stop using KEY; its file may be deleted afterwards."""
        desk(settings_of(config)).retire(key_id)
        click.echo(f"{key_id} is retired.")

    return keys
