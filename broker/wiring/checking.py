"""What `broker check` finds, and what `serve` refuses to start with."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from broker.cli.parts import Remark
from broker.config.key_files import NAME_ID_SECRET, SEALING_SECRET, is_private
from broker.config.settings import Settings
from broker.core.errors import BrokerError, ConfigRejected
from broker.flow.key_ports import KeyState
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
    opened = open_all(settings)
    parts: tuple[tuple[str, Callable[[Opened], Iterator[Remark]]], ...] = (
        ("broker", _levels),
        ("files", _files),
        ("stores.transient", _transient),
        ("stores.durable", _durable),
        ("keys", _keys),
        ("metadata", metadata_remarks),
    )
    remarks: list[Remark] = []
    for where, part in parts:
        try:
            remarks.extend(part(opened))
        except ConfigRejected as rejected:
            remarks.extend(Remark(severity=BLOCKS, where=where, what=problem) for problem in rejected.problems)
        except BrokerError as failure:
            remarks.append(Remark(severity=BLOCKS, where=where, what=f"{failure.code}: {failure.detail}"))
    return tuple(dict.fromkeys(remarks))


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


def _files(opened: Opened) -> Iterator[Remark]:
    build_policy(opened)
    load_logo(opened.settings)
    folder = opened.settings.keys_folder
    for path in sorted((*folder.glob("*.key"), folder / NAME_ID_SECRET, folder / SEALING_SECRET)):
        if not is_private(path):
            yield Remark(severity=WARNING, where=str(path), what="others on this machine can read it: chmod 600")


def _transient(opened: Opened) -> Iterator[Remark]:
    opened.transient.get("check", opened.clock.now())
    yield from ()


def _durable(opened: Opened) -> Iterator[Remark]:
    opened.durable.dispose()
    yield from ()


def _keys(opened: Opened) -> Iterator[Remark]:
    states = SqlKeyStates(opened.durable)
    keys = CurrentKeys(states, opened.settings.keys_folder)
    ring = keys()
    for use, key in (("signing", ring.active_signing), ("encryption", ring.active_encryption)):
        if key is None:
            yield Remark(
                severity=BLOCKS,
                where="keys",
                what=f"no active {use} key: run `broker migrate` (first time) or `broker keys add`",
            )
    for key_id in keys.missing:
        what = "is in use, but its files are not here or are of another key"
        yield Remark(severity=WARNING, where=f"keys/{key_id}", what=what)
    soon = opened.clock.now() + _SOON
    for entry in states.list():
        if entry.state is not KeyState.RETIRED and entry.not_after < soon:
            what = f"its certificate ends {entry.not_after:%Y-%m-%d}; plan a rollover"
            yield Remark(severity=WARNING, where=f"keys/{entry.key_id}", what=what)
    if ring.active_signing is not None and ring.active_encryption is not None:
        documents = OwnMetadataDocuments(opened, keys)
        documents.idp()
        documents.sp()
