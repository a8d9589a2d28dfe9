"""`broker init`: a folder with settings, keys, secrets and an empty data folder. Never overwrites."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from broker.cli.options import MISUSED, report_errors, settings_of
from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, KeyKind, write_key_pair, write_new, write_secret
from broker.config.settings import Assurance, Environment, Settings
from broker.config.template import render_settings
from broker.core.errors import ConfigRejected
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
        file = folder / "broker.toml"
        taken = [path for path in (file, folder / "keys", folder / "data") if path.exists()]
        if taken:
            names = ", ".join(str(path) for path in taken)
            click.echo(f"{names}: exists already; init never overwrites. Choose another DIR.", err=True)
            sys.exit(MISUSED)
        folder.mkdir(parents=True, exist_ok=True)
        text = render_settings(
            base_url=base_url, environment=environment, assurance=assurance, organisation=organisation
        )
        write_new(file, text.encode())
        try:
            settings = settings_of(file)
        except ConfigRejected:
            file.unlink()  # nothing else was written: a corrected call can use the same DIR
            raise
        now = clock.now()
        keys = folder / "keys"
        keys.mkdir(mode=0o700)
        (folder / "data").mkdir(mode=0o700)
        day = now.strftime("%Y%m%d")
        encryption_kind: KeyKind = "rsa3072" if kind == "p256" else kind  # the profile has no EC encryption keys
        write_key_pair(keys, f"signing-{day}", kind, f"{organisation} signing", now)
        write_key_pair(keys, f"encryption-{day}", encryption_kind, f"{organisation} encryption", now)
        write_secret(keys, NAME_ID_SECRET)
        write_secret(keys, SEALING_SECRET)
        for line in migrate(settings):
            click.echo(line)
        click.echo(f"Wrote {file}. Back up {keys}: losing {NAME_ID_SECRET} changes every citizen's NameID.")
        click.echo(f"Next: broker check --config {file}; broker serve --config {file}")

    return init
