"""Runs simulated parties, each a process of its own: `python -m broker.demo.party KEY… --port N --folder DIR`.

The libraries are loaded once; every party is then forked from that, which is much faster than loading them each.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import click
from flask import Flask
from saml2 import class_name, md
from werkzeug.serving import make_server

from broker.demo.e_service import SimulatedEService
from broker.demo.e_service_web import create_e_service_app
from broker.demo.federation import Federation, Party, the_federation
from broker.demo.keys import key_files
from broker.demo.peer_config import PeerMetadata
from broker.demo.processes import answers
from broker.demo.upstream import SimulatedUpstream
from broker.demo.upstream_web import create_upstream_app

POLL_S = 0.05
BROKER_CERTIFICATE = "broker.crt"


def broker_metadata(url: str, certificate: Path) -> PeerMetadata:
    """The broker's metadata, fetched by pysaml2, which checks its signature with `certificate`."""
    return {"remote": [{"url": url, "cert": str(certificate), "node_name": class_name(md.EntityDescriptor())}]}


def make_party_app(federation: Federation, key: str, folder: Path) -> tuple[Party, Flask]:
    """The party called `key` and its web application; the broker must be answering."""
    certificate = folder / BROKER_CERTIFICATE
    files = key_files(folder, key)
    if key in federation.e_services:
        e_service = SimulatedEService(
            federation.e_services[key], files, broker_metadata(federation.broker_idp_metadata, certificate)
        )
        return e_service.party, create_e_service_app(e_service, f"{federation.broker}/saml/idp")
    upstream = SimulatedUpstream(
        federation.upstreams[key], files, broker_metadata(federation.broker_sp_metadata, certificate)
    )
    return upstream.party, create_upstream_app(upstream)


def serve_party(federation: Federation, key: str, folder: Path) -> None:
    """Serve `key` until told to stop, or until whoever started us is gone."""
    party, app = make_party_app(federation, key, folder)
    server = make_server(party.host, party.port, app, threaded=True)

    def stop_with_starter() -> None:
        sys.stdin.buffer.read()  # a pipe that nobody writes to: it ends with its other end
        server.shutdown()

    # shutdown() waits for the serving loop, so it must not run in the loop's own thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=stop_with_starter, daemon=True).start()
    server.serve_forever()


def fork(work: Callable[[], None], log: Path) -> int:
    """The process that does `work`, writing to `log`."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        work()
        status = 0
    except BaseException:  # the parent's stack lies above us, and must not go on here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


@click.command()
@click.argument("keys", nargs=-1, required=True)
@click.option("--port", type=int, required=True, help="First port of the federation.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the keys and logs lie.")
def main(keys: tuple[str, ...], port: int, folder: Path) -> None:
    """Serve once the broker does, until told to stop or until one party ends."""
    federation = the_federation(port)
    children: set[int] = set()

    def stop(_signal: int = 0, _frame: FrameType | None = None) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    while not answers(f"{federation.broker}/health/live"):
        time.sleep(POLL_S)
    signal.signal(signal.SIGTERM, stop)
    for key in keys:
        children.add(fork(partial(serve_party, federation, key, folder), folder / "logs" / f"{key}.log"))
    while children:
        ended, _ = os.wait()
        children.discard(ended)
        stop()


if __name__ == "__main__":
    main()
