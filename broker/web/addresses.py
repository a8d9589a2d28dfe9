"""Who is at the other end of the connection, when proxies that we trust stand between."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def read_address(text: str) -> Address | None:
    """One IP address, as proxies write it: with brackets, with a port, IPv4 mapped into IPv6; None if it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_inside(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address belongs to one of the networks."""
    return any(address in network for network in networks)


def client_address(
    peer: str | None, forwarded_for: Sequence[str], trusted_proxies: Sequence[Network]
) -> Address | None:
    """The citizen's address, or None when it cannot be known.

    X-Forwarded-For grows to the right and its left end is whatever the client wrote. So it is read from the right,
    for as long as the one who wrote the entry is trusted. `forwarded_for` has every such header of the request.
    """
    address = read_address(peer or "")
    if forwarded_for and address is not None and not is_inside(address, trusted_proxies):
        return None  # a proxy that nobody configured, or a liar: the peer's own address may be either's
    entries = [entry for header in forwarded_for for entry in header.split(",")]
    while address is not None and entries and is_inside(address, trusted_proxies):
        address = read_address(entries.pop())
    return address
