import pytest

from broker.core import errors
from broker.core.errors import Answer, BrokerError

EVERY_ERROR = tuple(
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, BrokerError) and found is not BrokerError
)


def by_code(error: type[BrokerError]) -> str:
    return error.code


@pytest.mark.parametrize("error", EVERY_ERROR, ids=by_code)
def test_every_failure_says_where_it_ends_and_whose_doing_it_is(error: type[BrokerError]) -> None:
    assert error.answer in Answer
    assert error.fault in errors.Fault


def test_every_code_is_used_once() -> None:
    codes = [error.code for error in EVERY_ERROR]
    assert len(codes) == len(set(codes))
