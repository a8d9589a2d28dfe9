"""Runs one simulated party: `python -m broker.demo.party KEY --port N --folder DIR`."""

import signal
import sys
import threading
from pathlib import Path

import click
from flask import Flask
from werkzeug.serving import make_server

from broker.demo.e_service import SimulatedEService
from broker.demo.e_service_web import create_e_service_app
from broker.demo.federation import Federation, Party, the_federation
from broker.demo.keys import key_files
from broker.demo.peer_config import PeerMetadata
from broker.demo.upstream import SimulatedUpstream
from broker.demo.upstream_web import create_upstream_app


def broker_metadata(url: str, certificate: Path) -> PeerMetadata:
    """The broker's metadata, fetched by pysaml2, which checks its signature with `certificate`."""
    return {"remote": [{"url": url, "cert": str(certificate)}]}


def make_party_app(federation: Federation, key: str, folder: Path) -> tuple[Party, Flask]:
    """The party called `key` and its web application; the broker must be answering."""
    certificate = folder / "broker.crt"
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


@click.command()
@click.argument("key")
@click.option("--port", type=int, required=True, help="First port of the federation.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where the keys lie.")
def main(key: str, port: int, folder: Path) -> None:
    """Serve until told to stop, or until whoever started us is gone."""
    party, app = make_party_app(the_federation(port), key, folder)
    server = make_server(party.host, party.port, app, threaded=True)

    def stop_with_parent() -> None:
        sys.stdin.buffer.read()
        server.shutdown()

    # shutdown() waits for the serving loop, so it must not run in the loop's own thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=stop_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
