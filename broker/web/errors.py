"""Failure → page, HTTP status and log line."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

import structlog
from flask import Response
from werkzeug.exceptions import HTTPException, InternalServerError

from broker.core.errors import BrokerError
from broker.flow.steps import TellCitizen
from broker.web.texts import WITHOUT_REFERENCE
from broker.web.visits import Visits

STATUS_OF: Mapping[str, HTTPStatus] = MappingProxyType(
    {
        "message-unreadable": HTTPStatus.BAD_REQUEST,
        "unknown-e-service": HTTPStatus.FORBIDDEN,
        "destination-mismatch": HTTPStatus.BAD_REQUEST,
        "answer-url-not-registered": HTTPStatus.BAD_REQUEST,
        "message-stale": HTTPStatus.BAD_REQUEST,
        "message-replayed": HTTPStatus.BAD_REQUEST,
        "request-signature-invalid": HTTPStatus.BAD_REQUEST,
        "request-unsupported": HTTPStatus.BAD_REQUEST,
        "name-id-policy-unsupported": HTTPStatus.BAD_REQUEST,
        "proxy-count-exceeded": HTTPStatus.BAD_REQUEST,
        "login-expired": HTTPStatus.GONE,
        "login-not-yours": HTTPStatus.FORBIDDEN,
        "login-moved-on": HTTPStatus.CONFLICT,
        "cancelled": HTTPStatus.OK,
        "no-upstream-for-assurance": HTTPStatus.FORBIDDEN,
        "no-upstream-available": HTTPStatus.FORBIDDEN,
        "upstream-not-offered": HTTPStatus.FORBIDDEN,
        "passive-not-possible": HTTPStatus.FORBIDDEN,
        "upstream-signature-invalid": HTTPStatus.FORBIDDEN,
        "upstream-refused": HTTPStatus.FORBIDDEN,
        "upstream-authn-failed": HTTPStatus.FORBIDDEN,
        "upstream-lacks-assurance": HTTPStatus.FORBIDDEN,
        "upstream-unknown-principal": HTTPStatus.FORBIDDEN,
        "upstream-not-available": HTTPStatus.FORBIDDEN,
        "fraud": HTTPStatus.FORBIDDEN,
        "possible-fraud": HTTPStatus.FORBIDDEN,
        "upstream-assertion-unacceptable": HTTPStatus.FORBIDDEN,
        "upstream-assertion-undecryptable": HTTPStatus.FORBIDDEN,
        "upstream-assertion-replayed": HTTPStatus.FORBIDDEN,
        "upstream-answer-incomplete": HTTPStatus.FORBIDDEN,
        "assurance-not-met": HTTPStatus.FORBIDDEN,
        "assurance-not-declared": HTTPStatus.FORBIDDEN,
        "coordination-number-not-accepted": HTTPStatus.FORBIDDEN,
        "required-attribute-missing": HTTPStatus.FORBIDDEN,
        "e-service-cannot-decrypt": HTTPStatus.FORBIDDEN,
        "peer-withdrawn": HTTPStatus.FORBIDDEN,
        "store-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "audit-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "key-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "metadata-rejected": HTTPStatus.INTERNAL_SERVER_ERROR,
        "config-rejected": HTTPStatus.INTERNAL_SERVER_ERROR,
        "store-mismatch": HTTPStatus.INTERNAL_SERVER_ERROR,
        "key-rejected": HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)
"""Code → HTTP status. A refusal is never a 5xx: those are for the load balancer, and say that this node is ill."""

WORTH_RETRYING: Mapping[str, str] = MappingProxyType(
    {
        "upstream-not-offered": "stop.choose-again",
        "store-unavailable": "stop.retry",
        "audit-unavailable": "stop.retry",
        "key-unavailable": "stop.retry",
    }
)
"""Failures after which the same login may go on → the words of the link."""

_HTTP_CODES: Mapping[int, str] = MappingProxyType(
    {
        HTTPStatus.FORBIDDEN: "foreign-form",
        HTTPStatus.NOT_FOUND: "not-found",
        HTTPStatus.METHOD_NOT_ALLOWED: "wrong-method",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
        HTTPStatus.REQUEST_URI_TOO_LONG: "too-large",
    }
)


class Failures:
    """Turns every exception that leaves a view into a page. The one place in web/ that catches everything."""

    def __init__(self, visits: Visits, stop: Callable[[TellCitizen, HTTPStatus], Response]) -> None:
        self._visits = visits
        self._stop = stop
        self._log = structlog.get_logger("broker.web")

    def answer(self, failure: Exception) -> Response | HTTPException:
        """The page for `failure`."""
        if isinstance(failure, InternalServerError) and failure.original_exception is not None:
            # From outside the views, for example while the session was stored.
            original = failure.original_exception
            failure = original if isinstance(original, Exception) else failure
        if isinstance(failure, BrokerError):
            return self._expected(failure)
        if isinstance(failure, HTTPException) and failure.code is not None and failure.code < 500:
            return self._http(failure, failure.code)
        return self._unexpected(failure)

    def _expected(self, failure: BrokerError) -> Response:
        status = STATUS_OF.get(failure.code, HTTPStatus.FORBIDDEN)
        reference = self._visits.of_browser().reference
        # The fault names the level: whose doing it is says who should look.
        log = getattr(self._log, failure.fault.value)
        log("stopped", reference=reference, code=failure.code, detail=failure.detail, status=int(status))
        return self._page(failure.code, status)

    def _http(self, failure: HTTPException, status: int) -> Response | HTTPException:
        if status < 400:
            return failure
        code = _HTTP_CODES.get(status, "bad-request")
        if code not in WITHOUT_REFERENCE:
            reference = self._visits.of_browser().reference
            self._log.warning("stopped", reference=reference, code=code, detail=failure.name, status=status)
        response = self._page(code, HTTPStatus(status))
        for name, value in failure.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
        return response

    def _unexpected(self, failure: Exception) -> Response:
        log_unexpected(failure, self._visits.of_browser().reference)
        return self._page("unexpected", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _page(self, code: str, status: HTTPStatus) -> Response:
        reference = self._visits.of_browser().reference
        return self._stop(TellCitizen(code=code, reference=reference, e_service=None, login_id=None), status)


def log_unexpected(failure: BaseException, reference: str | None) -> None:
    """Log that something unforeseen happened; the log's redaction keeps types and lines, and drops its words."""
    structlog.get_logger("broker.web").error("unexpected failure", reference=reference, exc_info=failure)
