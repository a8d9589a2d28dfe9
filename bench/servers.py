"""The broker as its operator runs it, and the servers beside it. Debian's Redis and PostgreSQL as they come."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.programs import Program, fetch, free_port, open_folder
from support.running_broker import Installation, broker, serving
from support.servers import HOST, postgresql_server, redis_server

from bench.peers import LOA3, EService, Proxy, Upstream, read_proxy

_CATEGORY = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A proxy that serves. `beside` are the processes of its stores, counted apart."""

    name: str
    config: Path
    program: Program
    proxy: Proxy
    beside: Mapping[str, int] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The root of its tree of processes."""
        return self.program.process.pid


@contextmanager
def broker_on_sqlite(e_service: EService, upstream: Upstream) -> Iterator[Server]:
    """Exactly what `init --keys rsa2048` writes."""
    with open_folder("bench-sqlite-") as folder, _broker("SQLite + SQLite", folder, e_service, upstream, {}) as server:
        yield server


@contextmanager
def broker_on_servers(e_service: EService, upstream: Upstream) -> Iterator[Server]:
    """The same, with Redis and PostgreSQL."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        postgresql = stack.enter_context(postgresql_server())
        folder = stack.enter_context(open_folder("bench-servers-"))
        stores = {"transient": redis.url, "durable": postgresql.new_database()}
        server = stack.enter_context(_broker("Redis + PostgreSQL", folder, e_service, upstream, stores))
        beside = {"redis-server": _pid_of(redis.folder, "redis-server"), "postgres": _postmaster(postgresql.folder)}
        yield replace(server, beside=beside)


@contextmanager
def _broker(
    name: str, folder: Path, e_service: EService, upstream: Upstream, stores: Mapping[str, str]
) -> Iterator[Server]:
    installation = Installation(folder=folder / "broker", bind=f"{HOST}:{free_port(HOST)}")
    broker(
        *("init", installation.folder, "--base-url", installation.base_url, "--environment", "test"),
        *("--assurance", "hub", "--organisation", "Provkommunen", "--keys", "rsa2048"),
    )
    if stores:
        text = installation.config.read_text()
        for store, url in stores.items():
            text = text.replace(f'{store} = ""', f'{store} = "{url}"')
        installation.config.write_text(text)
        installation.run("migrate")
    _register(installation, e_service, upstream)
    with serving(installation, workers=WORKERS) as program:
        proxy = read_proxy(fetch(installation.idp_metadata_url), fetch(installation.sp_metadata_url))
        yield Server(name=name, config=installation.config, program=program, proxy=proxy)


def _register(installation: Installation, e_service: EService, upstream: Upstream) -> None:
    files = {"e-service": e_service.metadata(), "upstream": upstream.metadata()}
    said = {"e-service": ("--category", _CATEGORY), "upstream": ("--loa", LOA3)}
    for kind, metadata in files.items():
        file = installation.folder / f"{kind}.xml"
        file.write_text(metadata)
        installation.run("metadata", "add", file, "--kind", kind, *said[kind])


def _postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def _pid_of(folder: Path, name: str) -> int:
    """The process called `name` that works in `folder`."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_text()
            except OSError:
                continue
            if re.search(rf"{name}\b", line) and (process / "cwd").resolve() == folder.resolve():
                return int(process.name)
    raise LookupError(f"no {name} in {folder}")
