"""Status pairs both ways, and that no refusal lacks one."""

import pytest

from broker.core import errors
from broker.core.errors import Answer, BrokerError
from broker.vocabulary import statuses as s
from broker.vocabulary.statuses import ANSWERS, code_for_upstream_status, status_for


def all_errors() -> list[type[BrokerError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, BrokerError) and value is not BrokerError
    ]


def test_every_failure_that_an_e_service_is_told_has_a_status_and_no_other() -> None:
    assert {error.code for error in all_errors() if error.answer is Answer.E_SERVICE} == set(ANSWERS)


def test_every_failure_has_its_own_code() -> None:
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("code", "pair"),
    [
        ("request-signature-invalid", (s.REQUESTER, s.REQUEST_DENIED)),
        ("request-unsupported", (s.REQUESTER, s.REQUEST_UNSUPPORTED)),
        ("name-id-policy-unsupported", (s.REQUESTER, s.INVALID_NAME_ID_POLICY)),
        ("proxy-count-exceeded", (s.REQUESTER, s.PROXY_COUNT_EXCEEDED)),
        ("no-upstream-for-assurance", (s.REQUESTER, s.NO_AUTHN_CONTEXT)),
        ("no-upstream-available", (s.REQUESTER, s.NO_AVAILABLE_IDP)),
        ("passive-not-possible", (s.REQUESTER, s.NO_PASSIVE)),
        ("cancelled", (s.RESPONDER, s.CANCEL)),
        ("fraud", (s.RESPONDER, s.FRAUD)),
        ("possible-fraud", (s.RESPONDER, s.POSSIBLE_FRAUD)),
        ("upstream-refused", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-authn-failed", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-signature-invalid", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-assertion-unacceptable", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-assertion-undecryptable", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-assertion-replayed", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-answer-incomplete", (s.RESPONDER, s.AUTHN_FAILED)),
        ("upstream-lacks-assurance", (s.RESPONDER, s.NO_AUTHN_CONTEXT)),
        ("upstream-unknown-principal", (s.RESPONDER, s.UNKNOWN_PRINCIPAL)),
        ("upstream-not-available", (s.RESPONDER, s.NO_AVAILABLE_IDP)),
        ("assurance-not-met", (s.RESPONDER, s.NO_AUTHN_CONTEXT)),
        ("assurance-not-declared", (s.RESPONDER, s.NO_AUTHN_CONTEXT)),
        ("coordination-number-not-accepted", (s.REQUESTER, s.REQUEST_DENIED)),
        ("required-attribute-missing", (s.REQUESTER, s.REQUEST_DENIED)),
        ("e-service-cannot-decrypt", (s.REQUESTER, s.REQUEST_DENIED)),
        ("anything unexpected", (s.RESPONDER, None)),
    ],
)
def test_a_refusal_is_told_by_its_pair(code: str, pair: tuple[str, str | None]) -> None:
    assert status_for(code) == pair


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        pytest.param((s.RESPONDER, s.CANCEL), "cancelled", id="cancel"),
        pytest.param((s.REQUESTER, s.CANCEL), "cancelled", id="cancel under another top level"),
        pytest.param((s.RESPONDER, s.FRAUD), "fraud", id="fraud"),
        pytest.param((s.RESPONDER, s.POSSIBLE_FRAUD), "possible-fraud", id="possible fraud"),
        pytest.param((s.RESPONDER, s.CANCEL, s.FRAUD), "fraud", id="the gravest of several"),
        pytest.param((s.RESPONDER, s.UNKNOWN_PRINCIPAL), "upstream-unknown-principal", id="another person"),
        pytest.param((s.REQUESTER, s.NO_AUTHN_CONTEXT), "upstream-lacks-assurance", id="no such level"),
        pytest.param((s.RESPONDER, s.AUTHN_FAILED), "upstream-authn-failed", id="failed"),
        pytest.param((s.REQUESTER, s.AUTHN_FAILED), "upstream-authn-failed", id="failed, as BankID says it"),
        pytest.param((s.REQUESTER, s.NO_AVAILABLE_IDP), "upstream-not-available", id="country not available"),
        pytest.param((s.RESPONDER, s.NO_SUPPORTED_IDP), "upstream-not-available", id="country not supported"),
        pytest.param((s.REQUESTER, s.REQUEST_DENIED), "upstream-refused", id="denied"),
        pytest.param((s.REQUESTER, s.REQUEST_UNSUPPORTED), "upstream-refused", id="unsupported"),
        pytest.param((s.REQUESTER, s.INVALID_NAME_ID_POLICY), "upstream-refused", id="name id"),
        pytest.param((s.RESPONDER, s.NO_PASSIVE), "upstream-refused", id="passive, which we never ask for"),
        pytest.param((s.VERSION_MISMATCH,), "upstream-refused", id="version"),
        pytest.param((s.RESPONDER,), "upstream-refused", id="no second level"),
        pytest.param(("urn:made-up", "urn:unknown"), "upstream-refused", id="unknown"),
        pytest.param((), "upstream-refused", id="nothing"),
    ],
)
def test_an_upstreams_status_becomes_one_of_our_codes(codes: tuple[str, ...], code: str) -> None:
    assert code_for_upstream_status(codes) == code
    assert code in ANSWERS, "and it can be told to the e-service"
