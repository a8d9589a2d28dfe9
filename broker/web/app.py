"""The web application, put together from plain parts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from flask import Blueprint, Flask, Response, request
from redis import Redis
from werkzeug.routing import BaseConverter

from broker.core.login import EntityId
from broker.core.parties import Texts
from broker.core.ports import Clock, IdSource
from broker.stores.values import SealedValues
from broker.web.addresses import Network
from broker.web.errors import Failures, log_unexpected
from broker.web.health import health_pages
from broker.web.languages import load_catalogues
from broker.web.login import login_pages
from broker.web.pages import Pages
from broker.web.ports import Flow, Readiness
from broker.web.request_log import log_requests
from broker.web.saml_endpoints import metadata_pages, saml_endpoints
from broker.web.security import add_headers, set_cookie_rules
from broker.web.session_store import LazySessions, StoredSessions, redis_sessions
from broker.web.static_files import load_static_files, static_pages
from broker.web.templating import Templates, templates_folder
from broker.web.visits import Visits

_LOCALE = Path(__file__).parent / "locale"
_LOGO = Path(__file__).parent / "static" / "icon.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLogo:
    """The picture of this service, at /logo."""

    content: bytes
    media_type: str


def builtin_logo() -> ServedLogo:
    """The logo of an installation that has none of its own."""
    return ServedLogo(content=_LOGO.read_bytes(), media_type="image/svg+xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """Everything that the web application is made of."""

    flow: Flow
    base_url: str  # scheme, host, port; no path
    environment: str  # "production", "qa" or "test"
    service_names: Texts  # what citizens know this login service as
    operator_names: Texts  # the organisation that runs it
    logo: ServedLogo
    ids: IdSource
    clock: Clock
    sessions: SealedValues  # citizens' sessions in the transient store
    session_redis: Redis | None  # set: Flask-Session keeps them in this Redis instead (standalone or Sentinel)
    session_lifetime: timedelta  # longer than a login, so that a late citizen is told that they waited too long
    ended_lifetime: timedelta  # how long the back button is explained after a login has ended
    trusted_proxies: tuple[Network, ...]
    ops_networks: tuple[Network, ...]
    idp_metadata: Callable[[], bytes]
    sp_metadata: Callable[[], bytes]
    readiness: Callable[[], Readiness]
    sign_in_addresses: Callable[[EntityId, datetime], tuple[str, ...]]  # of an upstream; asked in `test` only
    max_body: int = 512 * 1024  # bytes of a posted form


class _Token(BaseConverter):
    """The id of a login in a path: the letters of a URL-safe token, and nothing else."""

    regex = "[A-Za-z0-9_-]{1,80}"


class _App(Flask):
    """Flask's own logger would write an exception with its words, which may quote what somebody sent."""

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> None:
        failure = exc_info[1]
        if failure is not None:
            log_unexpected(failure, None)


def create_app(parts: WebParts) -> Flask:
    """The WSGI application.

    Raises:
        ValueError: a text is missing in one of the languages.
    """
    app = _App("broker.web", static_folder=None, template_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=parts.max_body,
        MAX_FORM_MEMORY_SIZE=parts.max_body,
        MAX_FORM_PARTS=20,
        PERMANENT_SESSION_LIFETIME=parts.session_lifetime,
    )
    app.url_map.converters["token"] = _Token
    app.url_map.strict_slashes = True
    # An address with slashes too many would be answered by a redirect to whatever host the request names.
    app.url_map.merge_slashes = False
    set_cookie_rules(app, parts.base_url, parts.environment)
    stored = StoredSessions(parts.sessions, ids=parts.ids, clock=parts.clock, lifetime=parts.session_lifetime)
    app.session_interface = LazySessions(
        stored if parts.session_redis is None else redis_sessions(app, parts.session_redis)
    )
    catalogues = load_catalogues(_LOCALE)
    files = load_static_files()
    visits = Visits(
        ids=parts.ids,
        clock=parts.clock,
        catalogues=catalogues,
        trusted_proxies=parts.trusted_proxies,
        session_lifetime=parts.session_lifetime,
        ended_lifetime=parts.ended_lifetime,
    )
    pages = Pages(
        templates=Templates(templates_folder()),
        files=files,
        catalogues=catalogues,
        visits=visits,
        ids=parts.ids,
        service_names=parts.service_names,
        operator_names=parts.operator_names,
        environment=parts.environment,
        sign_in_addresses=parts.sign_in_addresses,
    )
    failures = Failures(visits, pages.stop)
    app.register_error_handler(Exception, failures.answer)
    add_headers(app, parts.base_url, parts.environment)
    log_requests(app)
    base_url = parts.base_url
    app.register_blueprint(saml_endpoints(flow=parts.flow, visits=visits, pages=pages, base_url=base_url))
    app.register_blueprint(metadata_pages(idp_metadata=parts.idp_metadata, sp_metadata=parts.sp_metadata))
    app.register_blueprint(login_pages(flow=parts.flow, visits=visits, pages=pages, base_url=base_url))
    app.register_blueprint(
        health_pages(readiness=parts.readiness, trusted_proxies=parts.trusted_proxies, ops_networks=parts.ops_networks)
    )
    app.register_blueprint(static_pages(files))
    app.register_blueprint(_logo_page(parts.logo))
    return app


def _logo_page(logo: ServedLogo) -> Blueprint:
    pages = Blueprint("logo", __name__)

    @pages.get("/logo")
    def show() -> Response:
        """Our logo, at an address that our metadata can name."""
        response = Response(logo.content, content_type=logo.media_type)
        response.headers["Cache-Control"] = "public, max-age=86400"
        # IdPs show it on their pages, as a picture; opened by itself, an SVG may not do anything.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        response.add_etag()
        response.make_conditional(request)
        return response

    return pages
