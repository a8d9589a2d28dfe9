"""What the commands work on."""

import os
from collections.abc import Iterator

import click
import structlog

from broker.audit.verification import export_events, verify_chains
from broker.cli.options import MISUSED
from broker.cli.parts import AuditTools, CliParts, Remark
from broker.config.settings import Settings
from broker.core.ports import Clock
from broker.flow.key_desk import KeyDesk
from broker.flow.metadata_desk import MetadataDesk
from broker.flow.policy import Policy
from broker.flow.ports import Directory
from broker.flow.system import SystemClock
from broker.stores.sql_audit import SqlAuditRows
from broker.web.server import run_server
from broker.wiring.checking import check_installation
from broker.wiring.directories import build_directory, build_metadata_desk
from broker.wiring.listening import check_listening
from broker.wiring.migration import build_key_desk, migrate_stores
from broker.wiring.opened import Opened, open_all
from broker.wiring.policies import build_catalogue, build_policy
from broker.wiring.serving import build_worker_when_possible

_log = structlog.get_logger("broker.serve")


def build_parts() -> CliParts:
    """Everything, opened only when a command asks for it."""
    clock: Clock = SystemClock()
    return CliParts(
        clock=clock,
        directory=_directory,
        policy=_policy,
        catalogue=build_catalogue,
        metadata_desk=_metadata_desk,
        key_desk=_key_desk,
        audit=_audit_tools,
        check=check_installation,
        migrate=migrate_stores,
        serve=_serve,
    )


def _opened(settings: Settings) -> Opened:
    """Open until the command ends."""
    opened = open_all(settings)
    click.get_current_context().call_on_close(opened.close)
    return opened


def _directory(settings: Settings) -> Directory:
    return build_directory(_opened(settings))


def _policy(settings: Settings) -> Policy:
    return build_policy(_opened(settings))


def _metadata_desk(settings: Settings) -> MetadataDesk:
    return build_metadata_desk(_opened(settings))


def _key_desk(settings: Settings) -> KeyDesk:
    return build_key_desk(_opened(settings))


def _audit_tools(settings: Settings) -> AuditTools:
    rows = SqlAuditRows(_opened(settings).durable)

    def verify() -> tuple[Remark, ...]:
        report = verify_chains(rows)
        return tuple(
            Remark(severity="blocks", where=f"chain {broken.chain}, event {broken.seq}", what=broken.code.value)
            for broken in report.breaks
        )

    def export() -> Iterator[str]:
        return export_events(rows)

    return AuditTools(verify=verify, export=export)


def _serve(settings: Settings, bind: str, workers: int) -> None:
    check_listening(bind)
    _log.info("serving", bind=bind, workers=workers, environment=settings.broker.environment)
    master = os.getpid()
    try:
        run_server(
            lambda: build_worker_when_possible(settings), bind=bind, workers=workers, threads=settings.serve.threads
        )
    except SystemExit as ended:
        # Workers end through here too, and tell the server by their own codes what became of them.
        raise SystemExit(MISUSED if ended.code and os.getpid() == master else ended.code) from None
