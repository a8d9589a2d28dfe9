"""Starts the demo: a real broker, set up by its own commands, and the simulated parties around it."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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
from broker.demo.party import BROKER_CERTIFICATE
from broker.demo.party_metadata import describe_e_service, describe_federation
from broker.demo.processes import Processes, StartFailed, is_free, python, run

SIGNER = "federation"
BROKER = "broker"
PARTIES = "parties"
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


@contextmanager
def reserved_port(wanted: int | None) -> Iterator[int]:
    """The first of a row of free ports: from `wanted`, or anywhere when None. Raises CannotStart.

    Two demos that start at the same moment would find the same ports free, so a name that only one process can
    hold goes with them.
    """
    for first in [wanted] if wanted is not None else range(FIRST_PORT, LAST_PORT, 10):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as name:
            taken = [f"{host}:{port}" for port, host in _addresses(first) if not is_free(host, port)]
            if not taken and _take(name, f"\0broker-demo-{first}"):
                yield first
                return
    if wanted is not None:
        raise CannotStart(f"cannot listen on {', '.join(taken) or wanted}: in use, or not an address of this machine")
    raise CannotStart(f"found no {PORTS} free ports in a row on {', '.join(HOSTS)}; choose with --port")


def _take(sock: socket.socket, name: str) -> bool:
    try:
        sock.bind(name)
    except OSError:
        return False
    return True


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
    with ExitStack() as stack:
        first = stack.enter_context(reserved_port(port))
        federation = the_federation(first)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="broker-demo-")))
        (folder / "logs").mkdir()
        processes = stack.enter_context(Processes(folder / "logs"))
        # They load their libraries while the broker is set up, and go on when it answers.
        keys = [party.key for party in federation.parties]
        more = ["--port", str(first), "--folder", str(folder)]
        processes.start(PARTIES, python("-m", "broker.demo.party", *keys, *more))
        config = _set_up_broker(federation, folder)
        _register_everybody(federation, folder, config)
        processes.start(BROKER, _verb("serve", config, "--bind", federation.broker_bind))
        processes.wait_for(BROKER, f"{federation.broker}/health/live")
        for party in federation.parties:
            processes.wait_for(PARTIES, f"{party.base}/alive", log=party.key)
        yield RunningDemo(federation=federation, folder=folder, config=config, processes=processes)


def _verb(verb: str, config: Path, *arguments: str) -> list[str]:
    return python("-m", "broker", *verb.split(), *arguments, "--config", str(config))


def _set_up_broker(federation: Federation, folder: Path) -> Path:
    """`broker init` while the parties' keys are made, and what an operator edits in the file it writes."""
    identity = ["--base-url", federation.broker, "--environment", "test", "--assurance", "hub"]
    more = ["--organisation", "Exempelkommunen", "--keys", "rsa2048"]
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, python("-m", "broker", "init", str(folder / "broker"), *identity, *more), "broker init")
        for name in (SIGNER, *(party.key for party in federation.parties)):
            make_key(folder, name)
        done.result()
    config = folder / "broker" / "broker.toml"
    [certificate] = (config.parent / "keys").glob("signing-*.crt")
    shutil.copy(certificate, folder / BROKER_CERTIFICATE)
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
    """Make everybody's metadata, and give them to the broker with its own commands."""
    signer = key_files(folder, SIGNER)
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
