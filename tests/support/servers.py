"""Debian's Redis and PostgreSQL, started by the tests on ports and in folders of their own."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError
from support.programs import Program, absent, free_port, give_away, need_program, open_folder, running

HOST = "127.0.0.1"
POSTGRESQL = Path("/usr/lib/postgresql")


class RedisServer:
    """One redis-server; restarted, it has the port and the files that it had."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port(HOST)
        self._options = options
        self._running = ExitStack()
        self._started = count()

    @property
    def url(self) -> str:
        """Where the transient store is."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def client(self) -> Redis:
        """For looking at the server from outside."""
        return Redis(host=HOST, port=self.port)

    def start(self) -> None:
        """Return when it answers."""
        own = ("--port", str(self.port), "--bind", HOST, "--dir", str(self.folder), "--save", "", *self._options)
        command: list[str | Path] = [need_program("redis-server", "redis-server"), *own]
        program = self._running.enter_context(
            running(command, folder=self.folder, name=f"redis-{self.port}-{next(self._started)}", unprivileged=True)
        )
        wait_until_redis_answers(program, self.client)

    def stop(self) -> None:
        """End it, as an operator would."""
        self._running.close()

    def forget_everything(self) -> None:
        """Remove every key."""
        with self.client as client:
            client.flushall()

    def dump(self) -> bytes:
        """Everything it would write to disk."""
        with self.client as client:
            client.save()
        return (self.folder / "dump.rdb").read_bytes()


class PostgresqlServer:
    """One cluster of PostgreSQL; any local role may log in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port(HOST)
        self._programs = postgresql_programs()
        self._running = ExitStack()
        self._started = count()
        self._databases = count()

    def create(self) -> None:
        """Write the files of an empty cluster."""
        data = ("-D", str(self.folder / "data"), "-U", "broker", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        with running([self._programs / "initdb", *data], folder=self.folder, unprivileged=True) as initdb:
            assert initdb.process.wait(60) == 0, initdb.said()

    def start(self) -> None:
        """Return when it answers."""
        options = {"listen_addresses": HOST, "unix_socket_directories": str(self.folder), "max_connections": "60"}
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        name = f"postgres-{next(self._started)}"
        program = self._running.enter_context(
            running(command, folder=self.folder, name=name, unprivileged=True, end=signal.SIGINT)  # "fast" shutdown
        )
        until = time.monotonic() + 30
        while not self._answers():
            assert program.process.poll() is None, program.said()
            assert time.monotonic() < until, program.said()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, as an operator in a hurry would: clients are not waited for."""
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        self._running.close()

    def new_database(self) -> str:
        """The URL of an empty durable store."""
        name = f"broker_{next(self._databases)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://broker@{HOST}:{self.port}/{name}"

    def _address(self, database: str) -> str:
        return f"host={HOST} port={self.port} user=broker dbname={database} connect_timeout=2"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True


def postgresql_programs() -> Path:
    """The folder of initdb and postgres, which Debian keeps off the path."""
    found = sorted(POSTGRESQL.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        absent("postgres is missing: apt-get install postgresql-15")
    return found[-1].parent


def wait_until_redis_answers(program: Program, client: Redis) -> None:
    """Fail with the program's own words when it does not answer in time."""
    until = time.monotonic() + 15
    with client:
        while True:
            try:
                client.ping()
            except RedisError:
                assert program.process.poll() is None, program.said()
                assert time.monotonic() < until, program.said()
                time.sleep(0.02)
            else:
                return


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """A running redis-server with `options` of its own."""
    with open_folder("redis-") as folder:
        give_away(folder)
        server = RedisServer(folder, *options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL with an empty cluster."""
    with open_folder("postgresql-") as folder:
        give_away(folder)
        server = PostgresqlServer(folder)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def redis_behind_sentinel() -> Iterator[str]:
    """A master, a replica and a sentinel; the URL names the sentinel."""
    with (
        redis_server("--repl-diskless-sync-delay", "0") as master,
        redis_server("--replicaof", HOST, str(master.port)) as replica,
    ):
        wait_for_replica(master, replica)
        with open_folder("sentinel-") as folder:
            port = free_port(HOST)
            config = folder / "sentinel.conf"
            config.write_text(
                f"port {port}\nbind {HOST}\ndir {folder}\nsentinel monitor logins {HOST} {master.port} 1\n"
                "sentinel down-after-milliseconds logins 1000\nsentinel failover-timeout logins 5000\n"
            )
            give_away(folder)
            command: list[str | Path] = [need_program("redis-sentinel", "redis-sentinel"), config]
            with running(command, folder=folder, unprivileged=True) as program:
                wait_until_redis_answers(program, Redis(host=HOST, port=port))
                yield f"redis+sentinel://{HOST}:{port}/logins/0"


def wait_for_replica(master: RedisServer, replica: RedisServer) -> None:
    """Return when the replica has all that the master has."""
    until = time.monotonic() + 15
    with replica.client as client:
        while client.info("replication").get("master_link_status") != "up":
            assert time.monotonic() < until, f"no replication from {master.port} to {replica.port}"
            time.sleep(0.05)


@contextmanager
def redis_cluster() -> Iterator[str]:
    """Three nodes that share the slots; the URL names the first."""
    with ExitStack() as running_nodes:
        nodes: list[tuple[RedisServer, int]] = []
        for _ in range(3):
            talk = free_port(HOST)  # by default it is the port and 10,000, which may be taken or none
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", str(talk))
            nodes.append((running_nodes.enter_context(redis_server(*options)), talk))
        shares = ((0, 5460), (5461, 10922), (10923, 16383))
        for (node, _), (first, last) in zip(nodes, shares, strict=True):
            with node.client as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                for other, talk in nodes:
                    client.execute_command("CLUSTER", "MEET", HOST, other.port, talk)
        until = time.monotonic() + 20
        for node, _ in nodes:
            with node.client as client:
                while b"cluster_state:ok" not in bytes(client.execute_command("CLUSTER", "INFO")):
                    assert time.monotonic() < until, "the cluster does not come together"
                    time.sleep(0.1)
        yield f"redis+cluster://{HOST}:{nodes[0][0].port}"


class SilentServer:
    """Accepts connections and never says a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server((HOST, 0))
        self.port = int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A running Redis; use `fresh_redis` for an empty one."""
    with redis_server() as server:
        yield server


@pytest.fixture
def fresh_redis(redis: RedisServer) -> RedisServer:
    """A running Redis with nothing in it."""
    redis.forget_everything()
    return redis


@pytest.fixture(scope="session")
def redis_sentinel_url() -> Iterator[str]:
    """Redis behind Sentinel."""
    with redis_behind_sentinel() as url:
        yield url


@pytest.fixture(scope="session")
def redis_cluster_url() -> Iterator[str]:
    """A Redis Cluster."""
    with redis_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL; each test asks it for a `new_database`."""
    with postgresql_server() as server:
        yield server


__all__ = [
    "PostgresqlServer",
    "RedisServer",
    "SilentServer",
    "fresh_redis",
    "postgresql",
    "postgresql_server",
    "redis",
    "redis_cluster_url",
    "redis_sentinel_url",
    "redis_server",
]
