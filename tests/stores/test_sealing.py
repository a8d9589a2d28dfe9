import pytest

from broker.stores.sealing import SealingKeys, hashed_name

SECRET = bytes(range(32))


def test_the_same_value_never_looks_the_same() -> None:
    keys = SealingKeys([SECRET])
    assert keys.seal("purpose", "name", b"value") != keys.seal("purpose", "name", b"value")


@pytest.mark.parametrize(("purpose", "name"), [("other", "name"), ("purpose", "other"), ("purpos", "ename"), ("", "")])
def test_a_value_opens_only_where_it_was_put(purpose: str, name: str) -> None:
    keys = SealingKeys([SECRET])
    sealed = keys.seal("purpose", "name", b"value")
    assert keys.unseal("purpose", "name", sealed) == b"value"
    assert keys.unseal(purpose, name, sealed) is None


def test_secrets_that_look_alike_from_outside_are_all_tried() -> None:
    keys = SealingKeys([SECRET, SECRET[::-1], b"\x05" * 32])
    for secret in (SECRET, SECRET[::-1], b"\x05" * 32):
        assert keys.unseal("purpose", "name", SealingKeys([secret]).seal("purpose", "name", b"value")) == b"value"


@pytest.mark.parametrize("secrets", [[], [b""], [b"short"], [SECRET, b"x" * 33]])
def test_a_secret_of_another_length_is_refused(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="secret"):
        SealingKeys(secrets)


def test_the_secrets_are_not_shown() -> None:
    assert SECRET.hex() not in repr(SealingKeys([SECRET]))
    assert str(SECRET) not in repr(SealingKeys([SECRET]))


def test_a_name_in_the_store_does_not_tell_the_id() -> None:
    assert "the-login-id" not in hashed_name("login", "the-login-id")
    assert hashed_name("login", "a") != hashed_name("login", "b")
    assert hashed_name("login", "a").startswith("login:")
