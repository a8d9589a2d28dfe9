"""What `broker check` finds, and what `serve` refuses to start with."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from broker.cli.parts import Remark
from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, is_private
from broker.config.settings import Settings
from broker.core.errors import BrokerError, ConfigRejected
from broker.flow.key_ports import KeyState, KeyUse
from broker.stores.sql_keys import SqlKeyStates
from broker.vocabulary.context_rules import assertable
from broker.wiring.current_keys import CurrentKeys
from broker.wiring.directories import metadata_remarks
from broker.wiring.opened import Opened, open_all
from broker.wiring.own_metadata import OwnMetadataDocuments, load_logo
from broker.wiring.policies import build_catalogue, build_policy

BLOCKS, WARNING, INFORMATION = "blocks", "warning", "information"
_SOON = timedelta(days=60)


def check_installation(settings: Settings) -> tuple[Remark, ...]:
    """Everything worth knowing; each part is looked at even when another is broken."""
    with closing(open_all(settings)) as opened:
        return _check(opened)


def _check(opened: Opened) -> tuple[Remark, ...]:
    settings = opened.settings
    parts: tuple[tuple[str, Callable[[Opened], Iterator[Remark]]], ...] = (
        ("broker", _levels),
        ("files", _modes),
        ("files", _needing(lambda: opened.name_id_secret)),
        ("files", _needing(lambda: opened.sealing)),
        ("files", _needing(lambda: load_logo(settings))),
        ("broker", _needing(lambda: build_policy(opened))),
        ("stores.transient", _needing(lambda: opened.transient.get("check", opened.clock.now()))),
        ("stores.durable", _needing(lambda: opened.durable)),
        ("keys", _keys),
        ("metadata", metadata_remarks),
    )
    remarks: list[Remark] = []
    problems: dict[str, str] = {}  # a setting or a store that stops several parts is one thing to mend
    for where, part in parts:
        try:
            remarks.extend(part(opened))
        except ConfigRejected as rejected:
            for problem in rejected.problems:
                problems.setdefault(problem, where)
        except BrokerError as failure:
            problems.setdefault(f"{failure.code}: {failure.detail}", where)
    blocking = [Remark(severity=BLOCKS, where=where, what=problem) for problem, where in problems.items()]
    return (*blocking, *remarks)


def _needing(use: Callable[[], object]) -> Callable[[Opened], Iterator[Remark]]:
    """A part that must merely work."""

    def part(_opened: Opened) -> Iterator[Remark]:
        use()
        yield from ()

    return part


def _levels(opened: Opened) -> Iterator[Remark]:
    settings = opened.settings
    build_catalogue(settings)
    may_assert = assertable(settings.assurance_rules())
    unusable = [uri for uri in settings.default_contexts() if uri not in may_assert]
    if unusable:
        what = f"default_contexts has levels that a {settings.broker.assurance} broker may not assert: {unusable}"
        yield Remark(
            severity=WARNING if len(unusable) < len(settings.default_contexts()) else BLOCKS, where="broker", what=what
        )
    if settings.broker.assurance == "hub":
        yield Remark(
            severity=INFORMATION,
            where="broker.assurance",
            what="a hub passes Swedish level names on inside one legal entity; that the federation's rules allow this "
            "is our reading of the Registry 3.1.1.2, and yours to confirm with Digg",
        )
    if not settings.broker.eidas_connectors:
        yield Remark(
            severity=INFORMATION,
            where="broker.eidas_connectors",
            what="no eIDAS connector is named, so nobody's eIDAS levels count and foreign eIDs cannot be used",
        )


def _modes(opened: Opened) -> Iterator[Remark]:
    for path in _private_files(opened.settings):
        if path.exists() and not is_private(path):
            yield Remark(severity=WARNING, where=str(path), what="others on this machine can read it: chmod 600")


def _private_files(settings: Settings) -> tuple[Path, ...]:
    folder = settings.keys_folder
    passwords = (settings.stores.transient_password_file, settings.stores.durable_password_file)
    return (
        *sorted(folder.glob("*.key")),
        folder / NAME_ID_SECRET,
        folder / SEALING_SECRET,
        *(settings.home / file for file in passwords if file is not None),
    )


def _keys(opened: Opened) -> Iterator[Remark]:
    states = SqlKeyStates(opened.durable)
    entries = states.list()
    for use in KeyUse:
        if not any(entry.use is use and entry.state is KeyState.ACTIVE for entry in entries):
            what = f"no {use.value} key was ever taken into use: run `broker migrate` (first time) or `broker keys add`"
            yield Remark(severity=BLOCKS, where="keys", what=what)
    keys = CurrentKeys(states, opened.settings.keys_folder)
    ring = keys()
    for entry in entries:
        if entry.key_id in keys.missing:
            yield Remark(
                severity=BLOCKS if entry.state is KeyState.ACTIVE else WARNING,
                where=f"keys/{entry.key_id}",
                what=f"the {entry.use.value} key {entry.key_id} is {entry.state.value}, but {entry.file_name} and its "
                "certificate are not here, or cannot be read, or are of another key: copy them from another node",
            )
    soon = opened.clock.now() + _SOON
    for entry in entries:
        if entry.state is not KeyState.RETIRED and entry.not_after < soon:
            what = f"the certificate of {entry.key_id} ends {entry.not_after:%Y-%m-%d}; plan a rollover"
            yield Remark(severity=WARNING, where=f"keys/{entry.key_id}", what=what)
    if ring.active_signing is not None and ring.active_encryption is not None:
        documents = OwnMetadataDocuments(opened, keys)
        documents.idp()
        documents.sp()
