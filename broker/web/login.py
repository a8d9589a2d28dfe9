"""The citizen's way through a login."""

from flask import Blueprint, Response, request

from broker.core.login import EntityId, LoginId
from broker.web.pages import HANDOVER, Pages, see_other
from broker.web.ports import Flow
from broker.web.prefetch import refuse_looks
from broker.web.security import check_own_form
from broker.web.views import login_path
from broker.web.visits import Visits


def login_pages(*, flow: Flow, visits: Visits, pages: Pages, base_url: str) -> Blueprint:
    """/login/<id>: the chooser, the outcome, and what the citizen's buttons lead to."""
    login = Blueprint("login", __name__, url_prefix="/login/<token:login_id>")
    login.before_request(refuse_looks)

    @login.before_request
    def check_form() -> None:
        """Only our own pages may press our buttons."""
        if request.method == "POST":
            check_own_form(base_url)

    @login.get("")
    def show(login_id: str) -> Response:
        """The chooser, or whatever the login has come to."""
        visits.remember_language()
        return pages.render(flow.show(LoginId(login_id), visits.of_browser()))

    @login.get("/begin")
    def begin(login_id: str) -> Response:
        """Bind a login that came by POST to this browser."""
        return pages.render(flow.begin(LoginId(login_id), visits.of_browser()))

    @login.get("/continue")
    def conclude(login_id: str) -> Response:
        """The outcome, for the browser that started the login and brought the answer."""
        visits.remember_language()
        return pages.render(flow.conclude(LoginId(login_id), request.args.get(HANDOVER), visits.of_browser()))

    @login.post("/choice")
    def choose(login_id: str) -> Response:
        """Send the citizen to the chosen upstream."""
        upstream = request.form.get("upstream")
        if not upstream:
            return see_other(login_path(LoginId(login_id)))
        return pages.render(flow.choose(LoginId(login_id), EntityId(upstream), visits.of_browser()))

    @login.post("/cancel")
    def cancel(login_id: str) -> Response:
        """Back to the e-service, with the cancel status."""
        return pages.render(flow.cancel(LoginId(login_id), visits.of_browser()))

    @login.post("/answer")
    def answer(login_id: str) -> Response:
        """Back to the e-service, with the error that the citizen has read about."""
        return pages.render(flow.answer_error(LoginId(login_id), visits.of_browser()))

    return login
