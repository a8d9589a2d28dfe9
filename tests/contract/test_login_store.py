import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from support.processes import in_processes
from support.store_values import KEYS, make_ended, make_pending, make_ready, make_started

from broker.core.login import LoginId
from broker.core.state import LoginState
from broker.flow.ports import LoginStore, Stored
from broker.stores.codec import LoginCodec
from broker.stores.logins import SealedLoginStore
from broker.stores.transient import TransientStore


@pytest.fixture
def login_id() -> LoginId:
    return LoginId(secrets.token_hex(20))


def found(logins: LoginStore, login_id: str) -> Stored:
    stored = logins.find(LoginId(login_id), datetime.now(UTC))
    assert stored is not None
    return stored


@pytest.mark.parametrize("make", [make_started, make_pending, make_ready, make_ended])
def test_every_state_is_found_as_it_was_added(
    logins: LoginStore, login_id: LoginId, make: Callable[[str], LoginState]
) -> None:
    state = make(login_id)
    logins.add(state)
    assert found(logins, login_id).state == state


def test_an_unknown_login_is_not_found(logins: LoginStore, login_id: LoginId) -> None:
    assert logins.find(login_id, datetime.now(UTC)) is None


def test_a_login_is_not_found_at_its_end(logins: LoginStore, login_id: LoginId) -> None:
    state = make_started(login_id)
    logins.add(state)
    assert logins.find(login_id, state.expires_at - timedelta(milliseconds=2)) is not None
    assert logins.find(login_id, state.expires_at) is None


def test_an_id_cannot_be_added_twice(logins: LoginStore, login_id: LoginId) -> None:
    logins.add(make_started(login_id))
    with pytest.raises(ValueError, match="exists"):
        logins.add(make_ended(login_id))


def test_a_login_moves_from_what_was_read(logins: LoginStore, login_id: LoginId) -> None:
    logins.add(make_started(login_id))
    pending = make_pending(login_id)
    assert logins.move(found(logins, login_id), pending)
    assert found(logins, login_id).state == pending


def test_a_login_does_not_move_twice_from_the_same_reading(logins: LoginStore, login_id: LoginId) -> None:
    logins.add(make_pending(login_id))
    read = found(logins, login_id)
    ready = make_ready(login_id)
    assert logins.move(read, ready)
    assert not logins.move(read, make_ended(login_id))
    assert found(logins, login_id).state == ready


def test_a_login_that_is_gone_does_not_move(logins: LoginStore, login_id: LoginId) -> None:
    nowhere = Stored(state=make_pending(login_id), version=17)
    assert not logins.move(nowhere, make_ready(login_id))


def test_a_login_cannot_move_to_another_id(logins: LoginStore, login_id: LoginId) -> None:
    logins.add(make_started(login_id))
    with pytest.raises(ValueError, match="another id"):
        logins.move(found(logins, login_id), make_pending("another"))


def test_of_racing_moves_one_wins(logins: LoginStore, login_id: LoginId) -> None:
    logins.add(make_pending(login_id))
    read = found(logins, login_id)
    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(lambda _: logins.move(read, make_ready(login_id)), range(32)))
    assert wins.count(True) == 1


def test_of_processes_that_read_the_same_one_moves_it(shared: Callable[[], TransientStore], login_id: LoginId) -> None:
    logins = SealedLoginStore(shared(), LoginCodec(KEYS))
    names = [f"{login_id}-{n}" for n in range(40)]
    for name in names:
        logins.add(make_pending(name))
    read = [found(logins, name) for name in names]
    answers = in_processes(
        3, lambda _: [logins.move(stored, make_ready(n)) for stored, n in zip(read, names, strict=True)]
    )
    assert [sum(wins) for wins in zip(*answers, strict=True)] == [1] * 40
