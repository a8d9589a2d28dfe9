import pytest

from broker.stores.redis_urls import Topology, is_redis_url, read_redis_url


@pytest.mark.parametrize(
    ("url", "topology", "hosts", "database"),
    [
        ("redis://localhost", Topology.STANDALONE, (("localhost", 6379),), 0),
        ("redis://10.0.0.1:7000/3", Topology.STANDALONE, (("10.0.0.1", 7000),), 3),
        ("redis://[::1]:7000/", Topology.STANDALONE, (("::1", 7000),), 0),
        ("rediss://redis.example:6380", Topology.STANDALONE, (("redis.example", 6380),), 0),
        ("redis+sentinel://a,b:7001/logins", Topology.SENTINEL, (("a", 26379), ("b", 7001)), 0),
        ("redis+sentinel://a:1,b:2,c:3/logins/5", Topology.SENTINEL, (("a", 1), ("b", 2), ("c", 3)), 5),
        ("redis+cluster://a:1,b:2", Topology.CLUSTER, (("a", 1), ("b", 2)), 0),
        ("rediss+cluster://a", Topology.CLUSTER, (("a", 6379),), 0),
    ],
)
def test_an_address_says_where_and_how(
    url: str, topology: Topology, hosts: tuple[tuple[str, int], ...], database: int
) -> None:
    address = read_redis_url(url)
    assert (address.topology, address.hosts, address.database) == (topology, hosts, database)
    assert address.tls == url.startswith("rediss")
    assert is_redis_url(url)


def test_the_sentinels_master_is_named() -> None:
    assert read_redis_url("redis+sentinel://a/logins/5").master == "logins"


def test_a_socket_is_a_path() -> None:
    assert read_redis_url("redis+unix:///run/redis/redis.sock").socket_path == "/run/redis/redis.sock"


def test_an_account_may_be_in_the_url_but_a_password_from_a_file_goes_before() -> None:
    url = "redis://user%40x:p%3Aq@host:1/0"
    assert read_redis_url(url).username == "user@x"
    assert read_redis_url(url).password == "p:q"
    assert read_redis_url(url, "from a file").password == "from a file"


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(read_redis_url("redis://:secret@host"))


def test_tls_always_verifies_and_may_name_files() -> None:
    options = read_redis_url("rediss://host?ca=/etc/ca.pem&certificate=/etc/c.pem&key=/etc/k.pem").tls_options()
    assert options == {
        "ssl": True,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": "/etc/ca.pem",
        "ssl_certfile": "/etc/c.pem",
        "ssl_keyfile": "/etc/k.pem",
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://host",
        "redis://",
        "redis://host:port",
        "redis://a,b",
        "redis://host/zero",
        "redis://host/0/1",
        "redis://host?ssl_cert_reqs=none",
        "rediss://host?ssl_cert_reqs=none",
        "rediss://host?ssl_check_hostname=false",
        "redis://host?ca=/etc/ca.pem",
        "redis+sentinel://a:1",
        "redis+sentinel://a:1//0",
        "redis+sentinel://a:1,/logins",
        "redis+cluster://a:1/3",
        "redis+unix://host/path",
        "redis+unix://",
    ],
)
def test_what_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 any sentence will do
        read_redis_url(url)


@pytest.mark.parametrize("url", ["redis://:secret@host:port", "redis://:secret@host/x", "redis://:secret@"])
def test_a_refusal_does_not_repeat_the_password(url: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 any sentence will do
        read_redis_url(url)
    assert "secret" not in str(refused.value)
