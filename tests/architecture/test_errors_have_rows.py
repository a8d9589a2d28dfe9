import pytest

from broker.core import errors
from broker.core.errors import Answer, BrokerError
from broker.vocabulary.statuses import ANSWERS
from broker.web.errors import STATUS_OF
from broker.web.texts import STOP_TEXTS

EVERY_ERROR = tuple(
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, BrokerError) and found is not BrokerError
)


def code_of(error: type[BrokerError]) -> str:
    return error.code


def test_every_code_is_used_once() -> None:
    codes = [error.code for error in EVERY_ERROR]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", EVERY_ERROR, ids=code_of)
def test_every_failure_has_words_and_an_http_status(error: type[BrokerError]) -> None:
    assert error.code in STOP_TEXTS
    assert error.code in STATUS_OF


@pytest.mark.parametrize("error", EVERY_ERROR, ids=code_of)
def test_a_failure_has_a_saml_status_exactly_when_the_e_service_is_answered(error: type[BrokerError]) -> None:
    assert (error.code in ANSWERS) == (error.answer is Answer.E_SERVICE)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=code_of)
def test_only_our_own_faults_are_server_errors(error: type[BrokerError]) -> None:
    assert STATUS_OF[error.code] < 500 or error.fault is errors.Fault.OURS
