"""`broker init`: a folder with settings, keys, secrets and an empty data folder. Never overwrites."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from broker.cli.options import MISUSED, report_errors
from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, KeyKind, write_key_pair, write_new, write_secret
from broker.config.load import parse_settings
from broker.config.settings import Assurance, Environment, Settings
from broker.config.template import render_settings
from broker.core.ports import Clock


def init_command(clock: Clock, migrate: Callable[[Settings], tuple[str, ...]]) -> click.Command:
    """The verb; `migrate` prepares the embedded stores and takes the keys into use."""

    @click.command("init")
    @click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
    @click.option("--base-url", required=True, metavar="URL", help="Scheme, host and port that citizens see.")
    @click.option("--environment", required=True, type=click.Choice(["production", "qa", "test"]))
    @click.option("--assurance", required=True, type=click.Choice(["hub", "published", "reviewed"]))
    @click.option("--organisation", default="Exempelkommunen", show_default=True, metavar="NAME")
    @click.option("--keys", "kind", type=click.Choice(["rsa3072", "rsa2048", "p256"]), default="rsa3072")
    @report_errors
    def init(
        folder: Path,
        base_url: str,
        environment: Environment,
        assurance: Assurance,
        organisation: str,
        kind: KeyKind,
    ) -> None:
        """Write DIR/broker.toml, DIR/keys/ and DIR/data/ for a new broker."""
        file, keys, data = folder / "broker.toml", folder / "keys", folder / "data"
        taken = [str(path) for path in (file, keys, data) if os.path.lexists(path)]
        if taken:
            click.echo(f"{', '.join(taken)}: exists already; init never overwrites. Choose another DIR.", err=True)
            sys.exit(MISUSED)
        text = render_settings(
            base_url=base_url, environment=environment, assurance=assurance, organisation=organisation
        )
        settings = parse_settings(text, file, os.environ)
        with ExitStack() as undo:  # whatever fails half way leaves nothing: a corrected call can use the same DIR
            if not folder.exists():
                folder.mkdir(parents=True)
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
            for private in (keys, data):
                private.mkdir(mode=0o700)
                undo.callback(shutil.rmtree, private, ignore_errors=True)
            undo.callback(file.unlink, missing_ok=True)
            write_new(file, text.encode())
            _write_keys(keys, kind, organisation, clock)
            done = migrate(settings)
            undo.pop_all()
        for line in done:
            click.echo(line)
        click.echo(f"Wrote {file}. Back up {keys}: losing {NAME_ID_SECRET} changes every citizen's NameID.")
        click.echo(f"Next: broker check --config {file}; broker serve --config {file}")

    return init


def _write_keys(folder: Path, kind: KeyKind, organisation: str, clock: Clock) -> None:
    now = clock.now()
    day = now.strftime("%Y%m%d")
    encryption_kind: KeyKind = "rsa3072" if kind == "p256" else kind  # the profile has no EC encryption keys
    write_key_pair(folder, f"signing-{day}", kind, f"{organisation} signing", now)
    write_key_pair(folder, f"encryption-{day}", encryption_kind, f"{organisation} encryption", now)
    write_secret(folder, NAME_ID_SECRET)
    write_secret(folder, SEALING_SECRET)
