"""For the platform: alive, and ready."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request

from broker.web.addresses import Network, client_address, is_inside
from broker.web.ports import Readiness


def health_pages(
    *, readiness: Callable[[], Readiness], trusted_proxies: Sequence[Network], ops_networks: Sequence[Network]
) -> Blueprint:
    """/health/live and /health/ready."""
    health = Blueprint("health", __name__, url_prefix="/health")

    def asked_by_operations() -> bool:
        forwarded_for = request.headers.getlist("X-Forwarded-For")
        client = client_address(request.remote_addr, forwarded_for, trusted_proxies)
        return client is not None and is_inside(client, ops_networks)

    @health.get("/live")
    def live() -> Response:
        """The process answers. Nothing else is asked, so that a lost store restarts nobody."""
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @health.get("/ready")
    def ready() -> Response:
        """Whether logins can be served here; what is wrong is for the operator's networks only."""
        state = readiness()
        body: dict[str, object] = {"ready": not state.problems}
        if asked_by_operations():
            body |= {"problems": list(state.problems), "warnings": list(state.warnings)}
        response = jsonify(body)
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE if state.problems else HTTPStatus.OK
        return response

    return health
