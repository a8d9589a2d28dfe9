from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

import pytest
from flask import request
from flask.testing import FlaskClient
from redis import Redis
from redis.backoff import ConstantBackoff, NoBackoff
from redis.retry import Retry
from support.programs import free_port, need_program, running
from support.scripted import StandingClock
from support.web import LOGIN, ask, browse, make_app
from werkzeug.test import TestResponse

from broker.core.errors import LoginNotYours, StoreUnavailable
from broker.core.login import LoginId
from broker.flow.steps import NextStep
from broker.flow.visit import Visit
from broker.stores.memory import MemoryTransientStore
from broker.stores.sealing import SealingKeys
from broker.stores.transient import Versioned
from broker.stores.values import SealedValues

COOKIE = "__Host-broker"
PAGE = f"/login/{LOGIN}"


def adopt(visit: Visit) -> NextStep:
    visit.browser.adopt(LOGIN)
    return ask()


def need_ownership(visit: Visit) -> NextStep:
    if not visit.browser.owns(LOGIN):
        raise LoginNotYours("test")
    return ask()


def adopt_once(visit: Visit) -> NextStep:
    """The first request adopts, every later one must own."""
    if visit.reference.endswith("1"):
        return adopt(visit)
    return need_ownership(visit)


def cookie_of(response: TestResponse) -> str | None:
    return response.headers.get("Set-Cookie")


class CountedStore(MemoryTransientStore):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__(StandingClock())
        self.reads = 0
        self.keys: list[str] = []
        self.values: list[bytes] = []

    def get(self, key: str, now: datetime) -> Versioned | None:
        self.reads += 1
        return super().get(key, now)

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        self.keys.append(key)
        self.values.append(value)
        return super().add(key, value, until)


class LostStore(MemoryTransientStore):
    """Does not answer."""

    def get(self, key: str, now: datetime) -> Versioned | None:
        raise StoreUnavailable("test")

    def add(self, key: str, value: bytes, until: datetime) -> bool:
        raise StoreUnavailable("test")


def sealed(store: MemoryTransientStore) -> SealedValues:
    return SealedValues(store, SealingKeys([bytes(32)]), "session")


def test_the_cookie_is_bound_to_this_host_and_kept_from_scripts_and_other_sites() -> None:
    cookie = cookie_of(browse(adopt).get(PAGE))
    assert cookie is not None
    name_and_value, *attributes = cookie.split("; ")
    assert name_and_value.startswith(f"{COOKIE}=")
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_a_login_is_owned_by_the_browser_that_has_the_cookie() -> None:
    app = make_app(adopt_once)
    first = app.test_client()
    assert first.get(PAGE).status_code == HTTPStatus.OK
    assert first.get(PAGE).status_code == HTTPStatus.OK
    assert app.test_client().get(PAGE).status_code == HTTPStatus.FORBIDDEN


def test_who_asks_nothing_of_the_session_costs_no_look_up() -> None:
    store = CountedStore()
    client = browse(ask(), sessions=sealed(store))
    client.set_cookie(COOKIE, "somebody")
    for path in ("/health/live", "/saml/idp/metadata", "/logo"):
        client.get(path)
    assert store.reads == 0


def test_reading_writes_nothing() -> None:
    store = CountedStore()
    response = browse(need_ownership, sessions=sealed(store)).get(PAGE)
    assert cookie_of(response) is None
    assert store.keys == []


def test_nobody_chooses_the_id_of_their_session() -> None:
    client = browse(adopt)
    client.set_cookie(COOKIE, "chosen-by-somebody-else")
    cookie = cookie_of(client.get(PAGE))
    assert cookie is not None
    assert "chosen-by-somebody-else" not in cookie


def test_the_store_learns_neither_the_id_nor_the_logins() -> None:
    store = CountedStore()
    cookie = cookie_of(browse(adopt, sessions=sealed(store)).get(PAGE))
    assert cookie is not None
    sid = cookie.partition("=")[2].partition(";")[0]
    assert sid not in store.keys[0]
    assert LOGIN.encode() not in store.values[0]


def adopt_by_path(visit: Visit) -> NextStep:
    visit.browser.adopt(LoginId(request.path.rpartition("/")[2]))
    return ask()


def logins_of(client: FlaskClient) -> set[str]:
    with client.session_transaction() as session:
        return {key.removeprefix("login:") for key in session if key.startswith("login:")}


def test_a_second_login_joins_the_first() -> None:
    client = browse(adopt_by_path)
    client.get("/login/first")
    client.get("/login/second")
    assert logins_of(client) == {"first", "second"}


def test_two_tabs_that_start_at_the_same_time_both_keep_their_login() -> None:
    def script(visit: Visit) -> NextStep:
        step = adopt_by_path(visit)
        if request.path == "/login/slow":
            other_tab.get("/login/fast")  # starts later and is finished sooner
        return step

    app = make_app(script)
    tab, other_tab = app.test_client(), app.test_client()
    tab.get("/login/first")
    cookie = tab.get_cookie(COOKIE)
    assert cookie is not None
    other_tab.set_cookie(COOKIE, cookie.value, secure=True)
    tab.get("/login/slow")
    assert logins_of(tab) == {"first", "slow", "fast"}


def test_what_one_tab_forgot_another_does_not_bring_back() -> None:
    def script(visit: Visit) -> NextStep:
        step = adopt_by_path(visit)
        if request.path == "/login/slow":
            with other_tab.session_transaction() as session:
                del session["login:first"]
        return step

    app = make_app(script)
    tab, other_tab = app.test_client(), app.test_client()
    tab.get("/login/first")
    cookie = tab.get_cookie(COOKIE)
    assert cookie is not None
    other_tab.set_cookie(COOKIE, cookie.value, secure=True)
    tab.get("/login/slow")
    assert logins_of(tab) == {"slow"}


def test_a_lost_store_is_a_page_that_may_be_tried_again() -> None:
    client = browse(need_ownership, sessions=sealed(LostStore(StandingClock())))
    client.set_cookie(COOKIE, "somebody")
    assert client.get(PAGE).status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_a_login_that_could_not_be_remembered_does_not_go_on() -> None:
    response = browse(adopt, sessions=sealed(LostStore(StandingClock()))).get(PAGE)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    program = need_program("redis-server", "redis-server")
    folder = tmp_path_factory.mktemp("redis")
    port = free_port("127.0.0.1")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, folder=folder):
        client = Redis(host="127.0.0.1", port=port, retry=Retry(ConstantBackoff(0.05), 100))
        client.ping()
        yield client
        client.close()


@pytest.mark.services
def test_sessions_in_redis_keep_the_login_and_the_cookie_rules(redis: Redis) -> None:
    client = browse(adopt_once, session_redis=redis)
    cookie = cookie_of(client.get(PAGE))
    assert cookie is not None
    assert set(cookie.split("; ")[1:]) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}
    assert client.get(PAGE).status_code == HTTPStatus.OK


@pytest.mark.services
def test_reading_a_session_in_redis_writes_nothing(redis: Redis) -> None:
    redis.flushall()
    response = browse(need_ownership, session_redis=redis).get(PAGE)
    assert cookie_of(response) is None
    assert redis.dbsize() == 0


@pytest.mark.services
def test_what_somebody_planted_in_redis_is_not_unpickled(redis: Redis, tmp_path: Path) -> None:
    planted = tmp_path / "planted"
    redis.set("broker:session:known", b"cposix\nsystem\n(S'touch " + str(planted).encode() + b"'\ntR.")
    client = browse(need_ownership, session_redis=redis)
    client.set_cookie(COOKIE, "known")
    assert client.get(PAGE).status_code == HTTPStatus.FORBIDDEN
    assert not planted.exists()


@pytest.mark.services
def test_a_lost_redis_is_a_page_that_may_be_tried_again() -> None:
    lost = Redis(host="127.0.0.1", port=free_port("127.0.0.1"), retry=Retry(NoBackoff(), 0))
    client = browse(need_ownership, session_redis=lost)
    client.set_cookie(COOKIE, "somebody")
    assert client.get(PAGE).status_code == HTTPStatus.SERVICE_UNAVAILABLE
