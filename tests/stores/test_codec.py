from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta, timezone
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_values import KEYS, PERSONAL, make_ended, make_pending, make_ready, make_started

from broker.core.decision import LoginGranted, LoginRefused
from broker.core.login import LoginId
from broker.core.state import LoginState, login_id_of
from broker.stores.codec import LoginCodec
from broker.stores.sealing import SealingKeys

CODEC = LoginCodec(KEYS)
ZONES = st.sampled_from(
    [timezone(timedelta(0)), timezone(timedelta(hours=2)), timezone(timedelta(hours=-9, minutes=-30))]
)
TIMES = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2900, 1, 1), timezones=ZONES)  # noqa: DTZ001


def built(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that states are made of; times carry a zone, as the types promise."""
    if kind is datetime:
        return TIMES
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: built(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, UnionType):
        return st.one_of(*(built(option) for option in get_args(kind)))
    return st.from_type(kind)


@settings(deadline=None)
@given(state=built(LoginState))
def test_every_state_comes_back_as_it_was(state: LoginState) -> None:
    assert CODEC.unseal(login_id_of(state), CODEC.seal(state)) == state


@pytest.mark.parametrize("outcome", [LoginGranted, LoginRefused])
def test_an_outcome_comes_back_as_what_it_was(outcome: type) -> None:
    state = make_ready()
    if outcome is LoginRefused:
        state = replace(state, outcome=LoginRefused(code="cancelled", upstream_status=("urn:a", "urn:b")))
    found = CODEC.unseal(LoginId("login-1"), CODEC.seal(state))
    assert found == state


@pytest.mark.parametrize("make", [make_started, make_pending, make_ready, make_ended])
def test_a_state_is_readable_only_under_its_own_login(make: Any) -> None:
    assert CODEC.unseal(LoginId("login-2"), CODEC.seal(make("login-1"))) is None


def test_no_octet_can_be_changed() -> None:
    sealed = CODEC.seal(make_ended())
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert CODEC.unseal(LoginId("login-1"), bytes(changed)) is None


@pytest.mark.parametrize("length", [0, 1, 5, 17, 33])
def test_a_stump_is_not_read(length: int) -> None:
    assert CODEC.unseal(LoginId("login-1"), CODEC.seal(make_ended())[:length]) is None


def sealed_plain(plain: bytes) -> bytes:
    return KEYS.seal("login", "login-1", plain)


def plain_of(state: LoginState) -> bytes:
    plain = KEYS.unseal("login", login_id_of(state), CODEC.seal(state))
    assert plain is not None
    return plain


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain.replace(b"login-state/1", b"login-state/2"),
        lambda plain: plain.replace(b"LoginEnded", b"LoginForgotten"),
        lambda plain: plain.replace(b'"code"', b'"cade"'),
        lambda plain: plain.replace(b'"granted"', b"7"),
        lambda plain: plain[:-1],
        lambda plain: plain.partition(b"\n")[2],
        lambda _: b"",
    ],
    ids=["another version", "unknown kind", "missing field", "wrong type", "cut", "no heading", "empty"],
)
def test_what_another_version_wrote_is_no_state(spoil: Any) -> None:
    assert CODEC.unseal(LoginId("login-1"), sealed_plain(spoil(plain_of(make_ended())))) is None


def test_the_form_can_be_written_down() -> None:
    """What is stored now, the next version must read: change this only together with the version in the heading."""
    heading, _, body = plain_of(make_ended()).partition(b"\n")
    assert heading == b"login-state/1 LoginEnded"
    assert body.startswith(b'{"login_id":"login-1","reference":"ABCDEFGHJKLM","e_service":')


def test_a_field_that_a_newer_version_added_does_not_disturb() -> None:
    plain = plain_of(make_ended()).replace(b'{"login_id"', b'{"newer":1,"login_id"')
    assert CODEC.unseal(LoginId("login-1"), sealed_plain(plain)) is not None


def test_a_login_under_anothers_name_is_no_state() -> None:
    plain = plain_of(make_ended("login-2"))
    assert CODEC.unseal(LoginId("login-1"), sealed_plain(plain)) is None


def test_a_replaced_secret_still_opens_what_it_sealed() -> None:
    old, new = b"\x01" * 32, b"\x02" * 32
    sealed = LoginCodec(SealingKeys([old])).seal(make_ready())
    assert LoginCodec(SealingKeys([new, old])).unseal(LoginId("login-1"), sealed) is not None
    assert LoginCodec(SealingKeys([new])).unseal(LoginId("login-1"), sealed) is None
    newer = LoginCodec(SealingKeys([new, old])).seal(make_ready())
    assert LoginCodec(SealingKeys([old])).unseal(LoginId("login-1"), newer) is None


@pytest.mark.parametrize("make", [make_started, make_pending, make_ready])
def test_nothing_personal_shows_through(make: Any) -> None:
    sealed = CODEC.seal(make())
    assert not [value for value in (*PERSONAL, "login-1") if value.encode() in sealed]
