"""`NextStep` → response."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import assert_never
from urllib.parse import urlencode, urlsplit

from flask import Response, request

from broker.core.login import EntityId, LoginId
from broker.core.parties import EService, Texts
from broker.core.ports import IdSource
from broker.flow.steps import AskCitizen, GoTo, NextStep, Place, PostBrowser, SendBrowser, TellCitizen
from broker.web.errors import STATUS_OF, WORTH_RETRYING
from broker.web.languages import Catalogue, Catalogues, text_in
from broker.web.peers import LinkView
from broker.web.security import content_policy, form_target
from broker.web.static_files import StaticFiles
from broker.web.templating import Templates
from broker.web.views import (
    HelpView,
    chooser_view,
    help_view,
    login_path,
    post_view,
    stop_view,
)
from broker.web.visits import Visits

HANDOVER = "handover"
"""The parameter of our own address that carries `GoTo.handover`."""

_SCRIPT = "onward.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageLink:
    """The same page in another language."""

    href: str
    tag: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameView:
    """What surrounds every page."""

    language: str
    direction: str
    title: str
    name: str  # of this service, as citizens know it
    operator: str | None
    test: bool
    style: str
    icon: str
    script: str | None
    nonce: str | None
    languages: tuple[LanguageLink, ...]
    help: HelpView


class Pages:
    """Renders steps. Redirects to a page of ours whatever could not be reloaded where it was asked for."""

    def __init__(
        self,
        *,
        templates: Templates,
        files: StaticFiles,
        catalogues: Catalogues,
        visits: Visits,
        ids: IdSource,
        service_names: Texts,
        operator_names: Texts,
        environment: str,
        sign_in_addresses: Callable[[EntityId, datetime], tuple[str, ...]],
    ) -> None:
        self._templates = templates
        self._files = files
        self._catalogues = catalogues
        self._visits = visits
        self._ids = ids
        self._service_names = service_names
        self._operator_names = operator_names
        self._test = environment == "test"
        self._marked_as_test = environment != "production"
        self._sign_in_addresses = sign_in_addresses

    def render(self, step: NextStep) -> Response:
        """The response for one step of a login."""
        match step:
            case SendBrowser():
                return see_other(self._checked(step.url))
            case PostBrowser():
                return self._post(step)
            case GoTo():
                query = f"?{urlencode({HANDOVER: step.handover})}" if step.handover else ""
                return see_other(f"{login_path(step.login_id)}/{step.place.value}{query}")
            case AskCitizen():
                path = login_path(step.login_id)
                return self._choose(step) if _is_shown_at(path) else see_other(path)
            case TellCitizen():
                if step.login_id is not None and not _is_below(login_path(step.login_id)):
                    return see_other(login_path(step.login_id))
                return self.stop(step, STATUS_OF.get(step.code, HTTPStatus.FORBIDDEN))
            case _:
                assert_never(step)

    def stop(self, step: TellCitizen, status: HTTPStatus) -> Response:
        """A stop page."""
        t = self._visits.catalogue()
        again = request.method == "GET" and not request.path.startswith("/saml/")
        view = stop_view(step, t, others=() if again else self._catalogues.others(t), retry=self._retry(step, t))
        html = self._templates.render(
            "stop", frame=self._frame(t, view.title, step.e_service, switch=again), view=view, t=t
        )
        return _page(html, status, content_policy())

    def _choose(self, step: AskCitizen) -> Response:
        t = self._visits.catalogue()
        view = chooser_view(step, t, english=self._catalogues.find("en"), query=request.args.get("q", ""))
        html = self._templates.render(
            "choose", frame=self._frame(t, view.title, step.e_service, switch=True, query=view.query), view=view, t=t
        )
        return _page(html, HTTPStatus.OK, content_policy(targets=self._plain_targets(step)))

    def _post(self, step: PostBrowser) -> Response:
        t = self._visits.catalogue()
        view = post_view(step, t)
        url = self._checked(view.url)
        nonce = self._ids.token()
        frame = self._frame(t, view.title, step.e_service, nonce=nonce)
        html = self._templates.render("post", frame=frame, view=view, t=t)
        targets = (form_target(url),) if url.startswith("http:") else ()
        response = _page(html, HTTPStatus.OK, content_policy(nonce=nonce, targets=targets))
        # The peer already knows who we are; some check the Origin of a form, which "same-origin" would make "null".
        response.headers["Referrer-Policy"] = "strict-origin"
        return response

    def _frame(
        self,
        t: Catalogue,
        title: str,
        e_service: EService | None,
        *,
        switch: bool = False,
        query: str = "",
        nonce: str | None = None,
    ) -> FrameView:
        return FrameView(
            language=t.language,
            direction=t.direction,
            title=title,
            name=text_in(self._service_names, t.language) or "",
            operator=text_in(self._operator_names, t.language),
            test=self._marked_as_test,
            style=self._files.url("broker.css"),
            icon=self._files.url("icon.svg"),
            script=self._files.url(_SCRIPT) if nonce is not None else None,
            nonce=nonce,
            languages=tuple(_language_link(other, query) for other in self._catalogues.others(t)) if switch else (),
            help=help_view(e_service, t),
        )

    def _retry(self, step: TellCitizen, t: Catalogue) -> LinkView | None:
        """The same login once more, where that can help."""
        login_id = (request.view_args or {}).get("login_id")
        if step.login_id is not None or not isinstance(login_id, str) or step.code not in WORTH_RETRYING:
            return None
        # Relative to nothing the browser sent: the id passed the route's pattern.
        href = login_path(LoginId(login_id))
        if handover := request.args.get(HANDOVER):  # without it the outcome is for nobody
            href += f"/{Place.CONTINUE.value}?{urlencode({HANDOVER: handover})}"
        return LinkView(href=href, text=t(WORTH_RETRYING[step.code]))

    def _plain_targets(self, step: AskCitizen) -> tuple[str, ...]:
        """The http: origins that the choice may lead to: a test environment's loopback peers."""
        if not self._test:
            return ()
        now = self._visits.of_browser().now
        addresses = (
            address
            for offer in step.choice.offers
            for address in self._sign_in_addresses(offer.upstream.entity_id, now)
        )
        return tuple(sorted({form_target(address) for address in addresses if address.startswith("http:")}))

    def _checked(self, url: str) -> str:
        """`url`, when a browser may be sent there. Metadata was checked at import; this is the last door."""
        scheme = urlsplit(url).scheme
        if scheme == "https" or (scheme == "http" and self._test):
            return url
        raise ValueError(f"refused to send a browser to a {scheme or 'relative'} address")


def see_other(url: str) -> Response:
    """303: fetch `url` with GET, whatever method led here."""
    response = Response(status=HTTPStatus.SEE_OTHER)
    response.headers["Location"] = url
    return response


def _page(html: str, status: HTTPStatus, policy: str) -> Response:
    response = Response(html, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def _is_shown_at(path: str) -> bool:
    return request.method == "GET" and request.path == path


def _is_below(path: str) -> bool:
    return request.method == "GET" and (request.path == path or request.path.startswith(f"{path}/"))


def _language_link(catalogue: Catalogue, query: str) -> LanguageLink:
    # Only a query: the browser keeps the path, and nothing of it has to be repeated here.
    parameters = {"q": query} if query else {}
    return LanguageLink(
        href="?" + urlencode({**parameters, "language": catalogue.language}),
        tag=catalogue.language,
        name=catalogue.name,
    )
