import secrets
from datetime import UTC, datetime

import pytest
from support.store_values import KEYS, in_seconds

from broker.stores.sealing import SealingKeys
from broker.stores.transient import TransientStore
from broker.stores.values import SealedValues


@pytest.fixture
def values(transient: TransientStore) -> SealedValues:
    return SealedValues(transient, KEYS, "session")


@pytest.fixture
def name() -> str:
    return secrets.token_urlsafe(20)


def value_of(values: SealedValues, name: str) -> bytes | None:
    found = values.get(name, datetime.now(UTC))
    return None if found is None else found.value


def test_a_value_is_found_until_it_is_deleted(values: SealedValues, name: str) -> None:
    values.put(name, b"value", in_seconds(60))
    assert value_of(values, name) == b"value"
    values.delete(name)
    assert value_of(values, name) is None


def test_of_two_tabs_that_write_one_reads_again(values: SealedValues, name: str) -> None:
    assert values.add(name, b"login 1", in_seconds(60))
    assert not values.add(name, b"login 2", in_seconds(60))
    read = values.get(name, datetime.now(UTC))
    assert read is not None
    assert values.swap(name, read.version, b"login 1, login 2", in_seconds(60))
    assert not values.swap(name, read.version, b"login 1, login 3", in_seconds(60))
    assert value_of(values, name) == b"login 1, login 2"


def test_namespaces_do_not_see_each_other(transient: TransientStore, values: SealedValues, name: str) -> None:
    values.put(name, b"value", in_seconds(60))
    assert value_of(SealedValues(transient, KEYS, "administrator"), name) is None


def test_a_value_sealed_with_a_secret_that_is_gone_is_not_read(
    transient: TransientStore, values: SealedValues, name: str
) -> None:
    values.put(name, b"value", in_seconds(60))
    assert value_of(SealedValues(transient, SealingKeys([b"\x07" * 32]), "session"), name) is None


def test_the_store_knows_no_name(transient: TransientStore, values: SealedValues, name: str) -> None:
    values.put(name, b"value", in_seconds(60))
    for guess in (name, f"session:{name}"):
        assert transient.get(guess, datetime.now(UTC)) is None
