from http import HTTPStatus

import pytest
from structlog.testing import capture_logs
from support.web import LOGIN, Page, ask, browse
from werkzeug.test import TestResponse

from broker.audit.redaction import keep_allowed_keys
from broker.core.errors import BrokerError, LoginExpired, MessageUnreadable, StoreUnavailable
from broker.web.errors import STATUS_OF

PAGE = f"/login/{LOGIN}"
PERSON = "198611239883"


def reference_on(response: TestResponse) -> str:
    page = Page(response)
    return "".join(element.text.strip() for element in page.elements[_code_at(page) : _code_at(page) + 4])


def _code_at(page: Page) -> int:
    return next(position for position, element in enumerate(page.elements) if element.attributes.get("class") == "code")


@pytest.mark.parametrize(
    ("failure", "level"),
    [(LoginExpired("x"), "info"), (MessageUnreadable("x"), "warning"), (StoreUnavailable("x"), "error")],
)
def test_an_expected_failure_is_a_page_and_a_log_line_under_one_reference(failure: BrokerError, level: str) -> None:
    with capture_logs() as lines:
        response = browse(failure).get(PAGE)
    line = next(line for line in lines if line["event"] == "stopped")
    assert response.status_code == STATUS_OF[failure.code]
    assert (line["code"], line["detail"], line["log_level"]) == (failure.code, "x", level)
    assert line["reference"] == reference_on(response)


def test_an_unexpected_failure_is_a_page_that_says_nothing_of_it() -> None:
    with capture_logs() as lines:
        response = browse(KeyError(PERSON)).get(PAGE)
    assert response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert Page(response).heading == "Något gick fel hos oss"
    assert [line["reference"] for line in lines if line["event"] == "unexpected failure"] == [reference_on(response)]


def test_an_unexpected_failure_is_logged_by_what_and_where_and_never_by_its_words() -> None:
    with capture_logs() as lines:
        response = browse(KeyError(PERSON)).get(PAGE)
    logged = [keep_allowed_keys(None, "", line) for line in lines]
    told = next(line["exception"] for line in logged if line["event"] == "unexpected failure")
    assert told[0] == "KeyError"
    assert any("login.py" in passed for passed in told)
    assert PERSON not in str(logged)
    assert PERSON not in response.get_data(as_text=True)


def test_a_request_is_logged_by_its_route_and_not_by_what_it_carried() -> None:
    with capture_logs() as lines:
        browse(ask()).get(f"/saml/idp/sso?SAMLRequest={PERSON}")
        browse(ask()).get(f"{PAGE}?q={PERSON}")
    logged = [keep_allowed_keys(None, "", line) for line in lines]
    assert [(line["method"], line["route"], line["status"]) for line in logged] == [
        ("GET", "/saml/idp/sso", HTTPStatus.SEE_OTHER),
        ("GET", "/login/<token:login_id>", HTTPStatus.OK),
    ]
    assert all(line["duration_ms"] >= 0 for line in logged)
    assert PERSON not in str(lines)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/login", "/static/broker.css", "/saml/idp/slo", "/robots.txt"])
def test_an_unknown_address_is_a_page_of_its_own(path: str) -> None:
    with capture_logs() as lines:
        response = browse(ask()).get(path)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert Page(response).heading == "Sidan finns inte"
    assert lines == []


def test_an_error_page_echoes_nothing() -> None:
    response = browse(ask()).get("/nowhere/<b>echo</b>?x=echo", headers={"Referer": "https://echo.example"})
    assert b"echo" not in response.data


def test_a_wrong_method_says_which_are_right() -> None:
    response = browse(ask()).put(PAGE)
    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert set(response.headers["Allow"].split(", ")) >= {"GET", "OPTIONS"}


def test_options_are_answered() -> None:
    response = browse(ask()).options("/saml/sp/acs")
    assert response.status_code == HTTPStatus.OK
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
