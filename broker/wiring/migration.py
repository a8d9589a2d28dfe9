"""What `broker migrate` does: tables, environment stamp, and the first keys."""

from collections.abc import Sequence
from contextlib import closing

from broker.config.settings import Settings
from broker.core.errors import KeyRejected
from broker.flow.key_desk import KeyDesk
from broker.flow.key_ports import KeyUse
from broker.stores.key_folder import FileKeyFolder
from broker.stores.migrate import migrate
from broker.stores.sql_keys import SqlKeyStates
from broker.wiring.actor import current_actor
from broker.wiring.opened import Opened, open_all


def migrate_stores(settings: Settings) -> tuple[str, ...]:
    """Bring the durable store to this version; a line for each thing done."""
    with closing(open_all(settings)) as opened:
        ran = migrate(opened.unchecked_durable)
        lines = [f"durable store: revision {revision} applied" for revision in ran] or ["durable store: current"]
        desk = build_key_desk(opened)  # opens the store with its checks, and stamps the environment
        known = {entry.use for entry in desk.list()}
        lines.extend(_take_keys_into_use(opened, desk, [use for use in KeyUse if use not in known]))
    return tuple(lines)


def build_key_desk(opened: Opened) -> KeyDesk:
    """The desk for our own keys."""
    return KeyDesk(
        states=SqlKeyStates(opened.durable),
        folder=FileKeyFolder(opened.settings.keys_folder, opened.settings.organisation.name["sv"]),
        audit=opened.audit,
        clock=opened.clock,
        ids=opened.ids,
        actor=current_actor(),
    )


def _take_keys_into_use(opened: Opened, desk: KeyDesk, uses: Sequence[KeyUse]) -> list[str]:
    """A new store knows no key yet: the pairs that `init` wrote, by name, become active, one per use."""
    folder = FileKeyFolder(opened.settings.keys_folder, opened.settings.organisation.name["sv"])
    files = folder.found() if uses else ()
    lines = []
    for use in uses:
        named = [file for file in files if file.key_id.startswith(f"{use.value}-")]
        if not named:
            raise KeyRejected(
                f"no {use.value} key in {opened.settings.keys_folder}: put the {use.value}-….key and .crt of "
                f"another node there and migrate again, or run: broker keys add {use.value}-1 --use {use.value}"
            )
        for file in named:
            entry = desk.add(file.key_id, use, "")
            lines.append(f"key {entry.key_id}: {entry.state.value}")
    return lines
