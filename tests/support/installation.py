"""A whole broker in this process: what `init` writes, real stores on SQLite, the real application.

Its peers (`attack_peers`) are not our code. What happened is read where an operator would: the audit.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, write_key_pair, write_secret
from broker.config.load import load_settings
from broker.config.settings import Assurance
from broker.config.template import render_settings
from broker.flow.metadata_plans import SettingsPatch, Upload, UploadKind
from broker.stores.schema import AUDIT_EVENT
from broker.wiring.directories import build_metadata_desk
from broker.wiring.migration import migrate_stores
from broker.wiring.opened import Opened, open_all
from broker.wiring.serving import build_app

BASE_URL = "http://127.0.0.1:18080"
_RECENT = 50  # more than any one test makes


@dataclass(slots=True)
class Installation:
    """One broker with its folder."""

    folder: Path
    opened: Opened
    app: Flask

    def register(
        self,
        metadata: str,
        kind: UploadKind,
        *,
        contexts: tuple[str, ...] = (),
        categories: tuple[str, ...] = (),
        dialect: str = "sweden_connect",
    ) -> None:
        """Add one peer, as an administrator would."""
        said = SettingsPatch(vouched_contexts=contexts, vouched_categories=categories)
        if kind is UploadKind.UPSTREAM:
            said = SettingsPatch(vouched_contexts=contexts, vouched_categories=categories, dialect=dialect)
        outcome = build_metadata_desk(self.opened).add(
            Upload(data=metadata.encode(), file_name="peer.xml", kind=kind, said=said)
        )
        assert not outcome.refused, [finding.sentence("en") for finding in outcome.findings]

    def recent_events(self) -> list[dict[str, Any]]:
        """The newest audit events, oldest first."""
        newest = select(AUDIT_EVENT.c.body).order_by(AUDIT_EVENT.c.seq.desc()).limit(_RECENT)
        with self.opened.durable.connect() as connection:
            return [json.loads(body) for body in reversed(list(connection.execute(newest).scalars()))]


def make_installation(folder: Path, *, assurance: Assurance = "hub") -> Installation:
    """A fresh broker in `folder`, with RSA-2048 keys."""
    text = render_settings(base_url=BASE_URL, environment="test", assurance=assurance, organisation="Exempelkommunen")
    (folder / "broker.toml").write_text(text, encoding="utf-8")
    keys = folder / "keys"
    keys.mkdir()
    (folder / "data").mkdir()
    now = datetime.now(UTC)
    for use in ("signing", "encryption"):
        write_key_pair(keys, f"{use}-1", "rsa2048", "broker", now)
    for secret in (NAME_ID_SECRET, SEALING_SECRET):
        write_secret(keys, secret)
    settings = load_settings(folder / "broker.toml", {})
    migrate_stores(settings)
    opened = open_all(settings)
    return Installation(folder=folder, opened=opened, app=build_app(opened))
