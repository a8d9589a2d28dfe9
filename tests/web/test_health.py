from http import HTTPStatus
from ipaddress import ip_network

from support.web import ask, browse

from broker.web.ports import Readiness

LOOPBACK = (ip_network("127.0.0.0/8"),)
ILL = Readiness(problems=("the durable store does not answer",), warnings=("a key ends soon",))


def test_a_process_that_answers_is_alive_whatever_else_is_wrong() -> None:
    assert browse(ask(), readiness=lambda: ILL).get("/health/live").status_code == HTTPStatus.OK


def test_a_node_with_a_problem_is_not_ready() -> None:
    assert browse(ask(), readiness=lambda: ILL).get("/health/ready").status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_warning_alone_leaves_a_node_ready() -> None:
    client = browse(ask(), readiness=lambda: Readiness(warnings=("soon",)))
    assert client.get("/health/ready").status_code == HTTPStatus.OK


def test_strangers_learn_only_whether() -> None:
    assert browse(ask(), readiness=lambda: ILL).get("/health/ready").json == {"ready": False}


def test_operations_learn_what() -> None:
    client = browse(ask(), readiness=lambda: ILL, ops_networks=LOOPBACK)
    assert client.get("/health/ready").json == {
        "ready": False,
        "problems": list(ILL.problems),
        "warnings": list(ILL.warnings),
    }


def test_whoever_comes_through_a_proxy_that_nobody_configured_is_a_stranger() -> None:
    client = browse(ask(), readiness=lambda: ILL, ops_networks=LOOPBACK)
    assert client.get("/health/ready", headers={"X-Forwarded-For": "127.0.0.1"}).json == {"ready": False}


def test_operations_may_come_through_a_trusted_proxy() -> None:
    client = browse(ask(), readiness=lambda: ILL, trusted_proxies=LOOPBACK, ops_networks=(ip_network("192.0.2.0/24"),))
    told = client.get("/health/ready", headers={"X-Forwarded-For": "192.0.2.7"}).json
    assert told is not None
    assert told["problems"] == list(ILL.problems)
    assert client.get("/health/ready", headers={"X-Forwarded-For": "198.51.100.7"}).json == {"ready": False}
