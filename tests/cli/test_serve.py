"""`broker serve` as a process: what it refuses, how it starts, and how it ends."""

import json
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import BASE_URL, Folder
from support.programs import free_port
from support.real_broker import HOST, RealBroker, make_served_folder, serving, wait_until

pytestmark = pytest.mark.services

ENDS_WITHIN_S = 35  # a worker that is just beginning may miss the signal, and then has the 30 s of grace


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    folder, bind = make_served_folder(tmp_path / "broker")
    with serving(folder, bind) as broker:
        yield broker


def address_of(broker: RealBroker) -> tuple[str, int]:
    return HOST, int(broker.base_url.rpartition(":")[2])


def test_an_address_in_use_is_refused_at_once_and_named(folder: Folder) -> None:
    with socket.create_server((HOST, 0)) as taken:
        bind = f"{HOST}:{taken.getsockname()[1]}"
        began = time.monotonic()
        refused = folder.run("serve", "--bind", bind)
    assert refused.code == 2
    assert bind in refused.err
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("bind", ["192.0.2.1:8080", "no-such-host.invalid:8080"], ids=["not ours", "no such name"])
def test_an_address_of_nobody_here_is_refused(folder: Folder, bind: str) -> None:
    refused = folder.run("serve", "--bind", bind)
    assert (refused.code, bind in refused.err) == (2, True)


def test_it_says_where_it_serves_and_nothing_but_json(broker: RealBroker) -> None:
    broker.send("GET", "/saml/idp/metadata", {}, b"")
    first = broker.lines[0]
    assert (first["event"], first["workers"], first["environment"]) == ("serving", 2, "test")
    assert f"http://{first['bind']}" == broker.base_url
    assert all("event" in line for line in broker.lines)


def test_it_ends_in_time_and_takes_leave(broker: RealBroker) -> None:
    wait_until(lambda: len(broker.workers) == 2)
    began = time.monotonic()
    os.kill(broker.program.process.pid, signal.SIGTERM)
    assert broker.program.process.wait(ENDS_WITHIN_S) == 0
    assert time.monotonic() - began < ENDS_WITHIN_S
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(address_of(broker), timeout=2)
    # No process is left that a promotion would wait for.
    broker.folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    broker.folder.done("keys", "promote", "signing-2")


def test_a_request_in_progress_is_finished_first(broker: RealBroker) -> None:
    body = b"SAMLResponse=x&RelayState=y"
    head = f"POST /saml/sp/acs HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    with socket.create_connection(address_of(broker), timeout=20) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        time.sleep(0.5)  # a worker has begun to read it
        os.kill(broker.program.process.pid, signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[5:])
        answer = connection.makefile("rb").readline()
    assert b" 4" in answer  # refused, and answered
    assert broker.program.process.wait(ENDS_WITHIN_S) == 0


def test_an_interrupt_ends_it_too(broker: RealBroker) -> None:
    os.kill(broker.program.process.pid, signal.SIGINT)
    assert broker.program.process.wait(ENDS_WITHIN_S) == 0
    assert "Traceback" not in broker.log


def test_a_worker_that_dies_is_replaced_and_the_log_says_so(broker: RealBroker) -> None:
    died = broker.kill_worker()
    wait_until(lambda: any(str(died) in line["event"] and line["level"] == "error" for line in broker.lines))
    assert broker.ready()["ready"]


def test_workers_that_can_never_serve_end_it_as_a_misconfiguration(broker: RealBroker) -> None:
    connection = sqlite3.connect(broker.folder.data / "durable.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")  # a newer program has migrated it
    connection.commit()
    connection.close()
    os.kill(broker.workers[0], signal.SIGKILL)
    assert broker.program.process.wait(ENDS_WITHIN_S) == 2
    assert "newer" in broker.log
    assert "Traceback" not in broker.log


def test_flags_override_settings_and_the_environment_does_too(tmp_path: Path) -> None:
    folder, bind = make_served_folder(tmp_path / "broker")
    folder.edit('bind = "127.0.0.1:8080"', f'bind = "{HOST}:1"')
    folder.edit("workers = 2", "workers = 64")
    with serving(folder, bind, workers=1, settings={"BROKER_SERVE__THREADS": "2"}) as broker:
        assert len(broker.workers) == 1


def test_many_requests_at_once_are_all_answered(broker: RealBroker) -> None:
    statuses: list[int] = []

    def ask() -> None:
        for _ in range(10):
            statuses.append(broker.send("GET", "/saml/sp/metadata", {}, b"").status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 80


def test_the_host_of_a_request_changes_no_address(broker: RealBroker) -> None:
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    for path in ("/saml/idp/metadata", "/saml/sp/metadata", "/login/x", "/nosuch"):
        assert "evil.example" not in broker.send("GET", path, forged, b"").text


def test_health_tells_details_to_operations_only(tmp_path: Path) -> None:
    folder, bind = make_served_folder(tmp_path / "broker")
    folder.edit("trusted_proxies = []", 'trusted_proxies = ["127.0.0.0/8"]\nops_networks = ["10.0.0.0/8"]')
    with serving(folder, bind, workers=1) as broker:
        outside = broker.send("GET", "/health/ready", {"X-Forwarded-For": "192.0.2.7"}, b"")
        inside = broker.send("GET", "/health/ready", {"X-Forwarded-For": "10.1.2.3"}, b"")
    assert json.loads(outside.text) == {"ready": True}
    assert set(json.loads(inside.text)) == {"ready", "problems", "warnings"}


def test_what_blocks_is_listed_completely(folder: Folder) -> None:
    (folder.keys / "sealing.secret").unlink()
    (folder.keys / f"{folder.key_named('encryption')}.key").unlink()
    folder.edit('transient = ""', f'transient = "redis://{HOST}:1/0"')
    refused = folder.run("serve", "--bind", f"{HOST}:{free_port(HOST)}")
    assert refused.code == 2
    assert len([line for line in refused.err.splitlines() if line.startswith("blocks")]) == 3
    assert BASE_URL not in refused.err
