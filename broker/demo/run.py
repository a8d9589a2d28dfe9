"""Starts the demo: a real broker, set up by its own commands, and the simulated parties around it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.demo import words
from broker.demo.federation import (
    BROKER_HOST,
    E_SERVICE_HOST,
    PORTS,
    UPSTREAM_HOST,
    Federation,
    the_federation,
)
from broker.demo.keys import key_files, make_key
from broker.demo.party_metadata import describe_e_service, describe_federation
from broker.demo.processes import Processes, StartFailed, is_free, python, run

SIGNER = "federation"
FIRST_PORT = 8700
LAST_PORT = 9700
HOSTS = (BROKER_HOST, E_SERVICE_HOST, UPSTREAM_HOST)


class CannotStart(Exception):
    """Something that the demo needs is missing here; the text says what, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDemo:
    """A started demo."""

    federation: Federation
    folder: Path
    config: Path
    processes: Processes


def check_programs() -> None:
    """Raises CannotStart when a program that the simulated parties run is not installed."""
    if shutil.which("xmlsec1") is None:
        raise CannotStart(
            "the demo's simulated parties need the program xmlsec1, which is not installed.\n"
            "On Debian and Ubuntu: apt install xmlsec1"
        )


def choose_port(wanted: int | None) -> int:
    """The first of a row of free ports: from `wanted`, or anywhere when None. Raises CannotStart."""
    if wanted is not None:
        taken = [f"{host}:{port}" for port, host in _addresses(wanted) if not is_free(host, port)]
        if taken:
            raise CannotStart(f"cannot listen on {', '.join(taken)}: in use, or not an address of this machine")
        return wanted
    for first in range(FIRST_PORT, LAST_PORT, 10):
        if all(is_free(host, port) for port, host in _addresses(first)):
            return first
    raise CannotStart(f"found no {PORTS} free ports in a row on {', '.join(HOSTS)}; choose with --port")


def _addresses(first: int) -> list[tuple[int, str]]:
    federation = the_federation(first)
    return [(first, BROKER_HOST), *((party.port, party.host) for party in federation.parties)]


@contextmanager
def running_demo(port: int | None) -> Iterator[RunningDemo]:
    """A started demo in a temporary folder; stopped, and its folder removed, on leaving.

    Raises:
        CannotStart: a program or an address is missing.
        StartFailed: a command or a process of the demo failed.
    """
    check_programs()
    federation = the_federation(choose_port(port))
    with tempfile.TemporaryDirectory(prefix="broker-demo-") as name:
        folder = Path(name)
        logs = folder / "logs"
        logs.mkdir()
        config = _set_up_broker(federation, folder / "broker")
        _register_everybody(federation, folder, config)
        with Processes(logs) as processes:
            processes.start("broker", _verb("serve", config, "--bind", federation.broker_bind))
            processes.wait_for("broker", f"{federation.broker}/health/live")
            for party in federation.parties:
                arguments = ["-m", "broker.demo.party", party.key, "--port", str(_first_port(federation))]
                processes.start(party.key, python(*arguments, "--folder", str(folder)))
            for party in federation.parties:
                processes.wait_for(party.key, f"{party.base}/alive")
            yield RunningDemo(federation=federation, folder=folder, config=config, processes=processes)


def _first_port(federation: Federation) -> int:
    return int(federation.broker_bind.rsplit(":", 1)[1])


def _verb(verb: str, config: Path, *arguments: str) -> list[str]:
    return python("-m", "broker", *verb.split(), *arguments, "--config", str(config))


def _set_up_broker(federation: Federation, folder: Path) -> Path:
    """`broker init`, and what an operator edits in the file it writes."""
    identity = ["--base-url", federation.broker, "--environment", "test", "--assurance", "hub"]
    run(
        python(
            "-m", "broker", "init", str(folder), *identity, "--organisation", "Exempelkommunen", "--keys", "rsa2048"
        ),
        "broker init",
    )
    config = folder / "broker.toml"
    connectors = [party.entity_id for party in federation.upstreams.values() if party.countries]
    scopes = [scope for party in federation.upstreams.values() for scope in party.scopes]
    edits = {
        "eidas_connectors = []": f"eidas_connectors = {_toml(connectors)}",
        "[service]": f"[service]\nscopes = {_toml(scopes)}\ncategories = {_toml([words.LOA3_PNR, words.LOA3_ORGID])}",
    }
    text = config.read_text(encoding="utf-8")
    for before, after in edits.items():
        if text.count(before) != 1:
            raise StartFailed(f"broker init wrote no single {before!r} into {config}")
        text = text.replace(before, after)
    config.write_text(text, encoding="utf-8")
    return config


def _toml(values: list[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _register_everybody(federation: Federation, folder: Path, config: Path) -> None:
    """Make everybody's keys and metadata, and give them to the broker with its own commands."""
    for party in federation.parties:
        make_key(folder, party.key)
    signer = make_key(folder, SIGNER)
    members = [(party, key_files(folder, party.key)) for party in federation.upstreams.values()]
    aggregate = folder / "federation.xml"
    aggregate.write_text(describe_federation(members, signer, f"{federation.broker}/demo"), encoding="utf-8")
    run(
        _verb("metadata add", config, str(aggregate), "--kind", "federation", "--signer", str(signer.certificate)),
        "broker metadata add (federation)",
    )
    for upstream in federation.upstreams.values():
        if upstream.dialect != "sweden_connect":
            run(
                _verb("metadata set", config, upstream.entity_id, "--dialect", upstream.dialect),
                f"broker metadata set ({upstream.key})",
            )
    for e_service in federation.e_services.values():
        file = folder / f"{e_service.key}.xml"
        file.write_text(describe_e_service(e_service, key_files(folder, e_service.key)), encoding="utf-8")
        run(
            _verb("metadata add", config, str(file), "--kind", "e-service"),
            f"broker metadata add ({e_service.key})",
        )
    [certificate] = (config.parent / "keys").glob("signing-*.crt")
    shutil.copy(certificate, folder / "broker.crt")
