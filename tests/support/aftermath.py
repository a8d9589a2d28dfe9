"""A broker to which every story was told, and what it left behind: on SQLite in this process, or served by a process
of its own on Redis and PostgreSQL."""

import contextlib
import json
import logging
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from support.citizen import Reply, in_process
from support.command_line import BASE_URL, Folder, logs_in, make_folder
from support.parties import Parties, meet, prepare, register
from support.personal import CONTROL, SWEDE
from support.real_broker import make_served_folder, serving
from support.servers import PostgresqlServer, RedisServer, postgresql_programs
from support.stories import Stories, Told

from broker.config.load import load_settings
from broker.wiring.logs import SERVER, follow_libraries
from broker.wiring.opened import open_all
from broker.wiring.serving import build_app

NUMBER = SWEDE["personalIdentityNumber"]
NO_REQUESTS = (
    f"GET /saml/idp/sso?RelayState={NUMBER} and more HTTP/1.1",
    f"{NUMBER} / HTTP/1.1",
    f"GET /{NUMBER} HTTP/{NUMBER}",
    f"GET / HTTP/1.1\r\nBad Header {NUMBER}: x",
    f"POST /saml/sp/acs HTTP/1.1\r\nHost: x\r\nContent-Length: {NUMBER}x",
    f"GET /{NUMBER * 1000} HTTP/1.1",
)
"""Nothing that a browser sends: the server answers before our code sees it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What a broker left behind, while some logins are still half way."""

    folder: Folder
    told: Told
    log: str
    pages: tuple[Reply, ...]
    export: str
    stores: Mapping[str, bytes]  # each file or dump
    half_way: int  # logins that are still in the transient store

    @property
    def events(self) -> list[dict[str, Any]]:
        """The audit."""
        return [json.loads(line)["event"] for line in self.export.splitlines()]

    @property
    def codes(self) -> Counter[str]:
        """How things ended, by the log and by the audit of answers: each knows some that the other does not."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self.log.splitlines()]
        logged = Counter(str(line["code"]) for line in lines if line.get("code") is not None)
        return logged | Counter(str(event["code"]) for event in self.events if event["kind"] == "LoginConcluded")


def embedded_aftermath(root: Path) -> Aftermath:
    """In this process, on SQLite."""
    folder = make_folder(root / "broker")
    prepare(folder)
    peers = register(folder, root / "parties")
    log = StringIO()
    with logs_in(log), _libraries_followed(), contextlib.closing(open_all(load_settings(folder.config, {}))) as opened:
        parties = meet(peers, BASE_URL, in_process(build_app(opened), BASE_URL))
        opened.transient.put("control", CONTROL.encode(), opened.clock.now().replace(year=9000))

        def stores() -> dict[str, bytes]:
            return {file.name: file.read_bytes() for file in folder.data.iterdir()}

        return _tell(folder, parties, log.getvalue, stores)


def shared_aftermath(root: Path, redis: RedisServer, postgresql: PostgresqlServer) -> Aftermath:
    """`broker serve` with two workers, on Redis and PostgreSQL."""
    redis.forget_everything()
    with redis.client as client:
        client.config_set("rdbcompression", "no")
        client.set("control", CONTROL)
    durable = postgresql.new_database()
    folder, bind = make_served_folder(root / "broker")
    folder.edit('transient = ""', f'transient = "{redis.url}"')
    folder.edit('durable = ""', f'durable = "{durable}"')
    prepare(folder)
    folder.done("migrate")
    peers = register(folder, root / "parties")

    def stores() -> dict[str, bytes]:
        url = durable.replace("+psycopg", "")
        dumped = subprocess.run([postgresql_programs() / "pg_dump", url], capture_output=True, check=True).stdout
        kept = {file.name: file.read_bytes() for file in folder.data.iterdir()}
        return {"redis": redis.dump(), "postgresql": dumped, **kept}

    with serving(folder, bind) as broker:
        for line in NO_REQUESTS:
            _say(bind, line)
        return _tell(folder, meet(peers, broker.base_url, broker.send), lambda: broker.log, stores)


def _tell(
    folder: Folder, parties: Parties, log: Callable[[], str], stores: Callable[[], dict[str, bytes]]
) -> Aftermath:
    certificate = (folder.keys / f"{folder.key_named('encryption')}.crt").read_bytes()
    stories = Stories(parties=parties, broker_certificate=certificate)
    told = stories.tell_all()
    half_way = stories.leave_half_way()
    return Aftermath(
        folder=folder,
        told=told,
        log=log(),
        pages=tuple(parties.seen),
        export=folder.done("audit", "export"),
        stores=stores(),
        half_way=half_way,
    )


@contextlib.contextmanager
def _libraries_followed() -> Iterator[None]:
    before = {name: list(logging.getLogger(name).handlers) for name in (None, SERVER)}
    follow_libraries()
    try:
        yield
    finally:
        for name, handlers in before.items():
            logging.getLogger(name).handlers = handlers


def _say(bind: str, line: str) -> None:
    """A request that no browser would send."""
    host, _, port = bind.partition(":")
    # The server may hang up before we have finished.
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.settimeout(2)
        connection.sendall(f"{line}\r\n\r\n".encode())
        while connection.recv(4096):
            pass
