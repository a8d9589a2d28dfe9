from ipaddress import ip_network

import pytest

from broker.web.addresses import client_address, read_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="plain"),
        pytest.param(" 192.0.2.1 ", "192.0.2.1", id="with spaces"),
        pytest.param("192.0.2.1:4711", "192.0.2.1", id="with a port"),
        pytest.param("2001:db8::1", "2001:db8::1", id="IPv6"),
        pytest.param('"[2001:db8::1]:4711"', "2001:db8::1", id="IPv6 with a port, quoted"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="IPv4 in IPv6's clothes"),
        pytest.param("unknown", None, id="a word"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_an_address_is_read_however_proxies_write_it(written: str, address: str | None) -> None:
    read = read_address(written)
    assert (None if read is None else str(read)) == address


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        pytest.param("192.0.2.1", [], "192.0.2.1", id="no proxy"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="the proxy itself asks"),
        pytest.param("10.0.0.1", ["192.0.2.1"], "192.0.2.1", id="behind a trusted proxy"),
        pytest.param("192.0.2.66", ["192.0.2.1"], None, id="a proxy that nobody configured"),
        pytest.param(
            "10.0.0.1", ["198.51.100.9, 192.0.2.1"], "192.0.2.1", id="what the client wrote stays on the left"
        ),
        pytest.param("10.0.0.1", ["192.0.2.1, 10.0.0.2"], "192.0.2.1", id="behind two trusted proxies"),
        pytest.param("10.0.0.1", ["192.0.2.1", "fd00::2"], "192.0.2.1", id="in two headers"),
        pytest.param("10.0.0.1", ["192.0.2.1, nonsense"], None, id="an unreadable entry hides who is behind it"),
        pytest.param(None, ["192.0.2.1"], None, id="a peer without an address is nobody"),
    ],
)
def test_the_client_is_the_first_address_that_no_trusted_proxy_vouches_past(
    peer: str | None, forwarded_for: list[str], client: str | None
) -> None:
    found = client_address(peer, forwarded_for, PROXIES)
    assert (None if found is None else str(found)) == client
