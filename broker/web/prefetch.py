"""Requests that only look: HEAD, and a browser that fetches a page before anybody asked for it."""

from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed


def refuse_looks() -> Response | None:
    """Refuse what would take a step of a login, or claim a message, without a citizen behind it."""
    if request.method == "HEAD":
        rule = request.url_rule
        methods = rule.methods if rule is not None and rule.methods else set()
        raise MethodNotAllowed(sorted(methods - {"HEAD"}))
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")).lower():
        # A browser throws a prefetched page away when it is an error, and asks again in earnest.
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return None
