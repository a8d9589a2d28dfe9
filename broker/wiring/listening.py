"""Whether we can listen at an address, asked before the server starts: it would try for seconds, and say less."""

import socket

from broker.core.errors import ConfigRejected


def check_listening(bind: str) -> None:
    """Return when one could listen at `bind`, HOST:PORT, now. Raises ConfigRejected."""
    host, _, port = bind.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failure:
        raise ConfigRejected((f"serve.bind: cannot listen on {bind}: {failure.strerror}",)) from None
