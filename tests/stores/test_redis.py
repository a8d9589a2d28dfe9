import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis import Redis
from redis.exceptions import ResponseError
from support.programs import free_port, give_away, open_folder
from support.servers import HOST, RedisServer, SilentServer, redis_behind_sentinel, redis_server
from support.store_values import SetClock, SystemClock, in_seconds

from broker.core.errors import StoreUnavailable
from broker.stores.opening import open_transient
from broker.stores.redis import RedisTransientStore
from broker.stores.redis_urls import read_redis_url
from broker.stores.transient import TransientStore

pytestmark = pytest.mark.services


def refuses_everything(store: TransientStore) -> None:
    now = datetime.now(UTC)
    for operation in (
        lambda: store.add("key", b"", in_seconds(60)),
        lambda: store.put("key", b"", in_seconds(60)),
        lambda: store.get("key", now),
        lambda: store.swap("key", 1, b"", in_seconds(60)),
        lambda: store.delete("key"),
    ):
        with pytest.raises(StoreUnavailable):
            operation()


@pytest.mark.parametrize("scheme", ["redis://{}", "redis+sentinel://{}/logins", "redis+cluster://{}"])
def test_a_server_that_is_not_there_is_an_unavailable_store_at_once(clock: SystemClock, scheme: str) -> None:
    store = open_transient(scheme.format(f"{HOST}:{free_port(HOST)}"), clock)
    started = time.monotonic()
    refuses_everything(store)
    assert time.monotonic() - started < 5


def test_a_server_that_is_silent_is_not_waited_for_long(clock: SystemClock) -> None:
    silent = SilentServer()
    store = RedisTransientStore(read_redis_url(f"redis://{HOST}:{silent.port}"), clock, timeout_s=0.2)
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        store.add("key", b"", in_seconds(60))
    assert time.monotonic() - started < 1.5
    silent.close()


def test_a_restart_between_two_operations_is_not_noticed(clock: SystemClock) -> None:
    with redis_server("--appendonly", "yes", "--appendfsync", "always") as server:
        store = open_transient(server.url, clock)
        assert store.add("key", b"value", in_seconds(60))
        server.stop()
        refuses_everything(store)
        server.start()
        found = store.get("key", clock.now())
        assert found is not None
        assert store.swap("key", found.version, b"next", in_seconds(60))


def test_a_server_that_cannot_write_is_an_unavailable_store(fresh_redis: RedisServer, clock: SystemClock) -> None:
    store = open_transient(fresh_redis.url, clock)
    with fresh_redis.client as client:
        client.config_set("maxmemory", "1")
        client.config_set("maxmemory-policy", "noeviction")
        try:
            with pytest.raises(StoreUnavailable):
                store.add("key", b"value", in_seconds(60))
        finally:
            client.config_set("maxmemory", "0")
    assert store.add("key", b"value", in_seconds(60))


def test_an_entry_leaves_the_server_when_the_brokers_clock_says(fresh_redis: RedisServer, set_clock: SetClock) -> None:
    store = open_transient(fresh_redis.url, set_clock)
    store.add("key", b"value", set_clock.now() + timedelta(seconds=100))
    with fresh_redis.client as client:
        (name,) = client.keys()
        assert 99_000 < int(client.pttl(name)) <= 100_000


def test_what_others_wrote_under_our_names_is_nothing(fresh_redis: RedisServer, clock: SystemClock) -> None:
    store = open_transient(fresh_redis.url, clock)
    with fresh_redis.client as client:
        client.set("broker:key", b"short")
    assert store.get("key", clock.now()) is None
    assert not store.swap("key", 1, b"value", in_seconds(60))


def test_a_failover_is_followed(clock: SystemClock) -> None:
    with redis_behind_sentinel() as url:
        store = open_transient(url, clock)
        assert store.add("before", b"value", in_seconds(60))
        host, port = read_redis_url(url).hosts[0]
        until = time.monotonic() + 30
        with Redis(host=host, port=port) as sentinel:
            before = master_of(sentinel)
            while master_of(sentinel) == before:
                assert time.monotonic() < until
                with suppress(ResponseError):  # it does not know the replica yet, or is at it already
                    sentinel.execute_command("SENTINEL", "FAILOVER", "logins")
                time.sleep(0.2)
        while not written(store):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert store.get("before", clock.now()) is not None


def master_of(sentinel: Redis) -> object:
    answer: object = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "logins")  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
    return answer


def written(store: TransientStore) -> bool:
    try:
        return store.add("after", b"value", in_seconds(60))
    except StoreUnavailable:
        return False


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(in_seconds(-60))
        .not_valid_after(in_seconds(3600))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.key", folder / f"{name}.crt"
    pem = serialization.Encoding.PEM
    files[0].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    files[1].write_bytes(certificate.public_bytes(pem))
    return files


def test_tls_needs_a_certificate_of_the_named_authority(tmp_path: Path, clock: SystemClock) -> None:
    port = free_port(HOST)
    _, stranger = write_certificate(tmp_path, "stranger")
    with open_folder("redis-tls-") as folder:
        key, certificate = write_certificate(folder, "server")
        give_away(folder)
        options = ("--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(certificate))
        with redis_server(*options, "--tls-key-file", str(key), "--tls-cert-file", str(certificate)):
            trusted = open_transient(f"rediss://{HOST}:{port}/0?ca={certificate}", clock)
            assert trusted.add("key", b"value", in_seconds(60))
            for ca in (f"?ca={stranger}", ""):
                with pytest.raises(StoreUnavailable):
                    open_transient(f"rediss://{HOST}:{port}/0{ca}", clock).get("key", clock.now())
