"""One log line per request, without a personal value: the route and not the address, which may carry a message."""

from time import perf_counter

import structlog
from flask import Flask, Response, g, request

_UNREMARKABLE = frozenset({"static.serve", "logo.show", "health.live", "health.ready"})


def log_requests(app: Flask) -> None:
    """Log method, route, status and duration of what is part of a login."""
    log = structlog.get_logger("broker.web")

    def begin() -> None:
        g.began = perf_counter()

    def finish(response: Response) -> Response:
        rule = request.url_rule
        if rule is not None and rule.endpoint not in _UNREMARKABLE:
            log.info(
                "request",
                method=request.method,
                route=rule.rule,
                status=response.status_code,
                duration_ms=round((perf_counter() - g.began) * 1000, 1) if "began" in g else None,
            )
        return response

    app.before_request(begin)
    app.after_request(finish)
