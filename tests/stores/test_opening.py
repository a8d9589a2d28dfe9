from pathlib import Path

import pytest
from support.store_values import SystemClock, in_seconds

from broker.core.errors import ConfigRejected
from broker.stores.embedded import EmbeddedTransientStore
from broker.stores.opening import open_transient
from broker.stores.redis import RedisTransientStore
from broker.stores.sql import open_durable


@pytest.mark.parametrize("form", ["sqlite:///{}", "{}"])
def test_a_path_opens_the_embedded_store(tmp_path: Path, clock: SystemClock, form: str) -> None:
    path = tmp_path / "with a space.sqlite"
    store = open_transient(form.format(path), clock)
    assert isinstance(store, EmbeddedTransientStore)
    assert store.add("key", b"value", in_seconds(60))
    assert path.exists()


@pytest.mark.parametrize("url", ["redis://host", "rediss://host", "redis+sentinel://a/logins", "redis+cluster://a,b"])
def test_a_redis_url_opens_redis_without_connecting(clock: SystemClock, url: str) -> None:
    assert isinstance(open_transient(url, clock), RedisTransientStore)


@pytest.mark.parametrize(
    "url", ["memory://", "", "sqlite://", "sqlite://host/path", "sqlite:///path?mode=ro", "redis://host/x"]
)
def test_any_other_url_is_a_problem_of_the_configuration(clock: SystemClock, url: str) -> None:
    with pytest.raises(ConfigRejected) as refused:
        open_transient(url, clock)
    assert refused.value.problems[0].startswith("stores.transient: ")


@pytest.mark.parametrize(
    "url", ["mysql://host/db", "postgresql://host/db", "", "sqlite://", "postgresql+psycopg://host:x/db"]
)
def test_any_other_durable_url_is_a_problem_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigRejected) as refused:
        open_durable(url)
    assert refused.value.problems[0].startswith("stores.durable: ")


def test_a_password_from_a_file_is_used_and_not_shown() -> None:
    engine = open_durable("postgresql+psycopg://broker@host/db", password="secret")
    assert engine.url.password == "secret"
    assert "secret" not in repr(engine)
