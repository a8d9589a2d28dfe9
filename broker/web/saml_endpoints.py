"""Where peers' messages arrive, and our own metadata."""

from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestURITooLarge, UnsupportedMediaType

from broker.messages.inbound import Binding, InboundMessage
from broker.web.pages import Pages
from broker.web.ports import Flow
from broker.web.prefetch import refuse_looks
from broker.web.visits import Visits

SSO_PATH = "/saml/idp/sso"
ACS_PATH = "/saml/sp/acs"
MAX_QUERY_BYTES = 64 * 1024


def saml_endpoints(*, flow: Flow, visits: Visits, pages: Pages, base_url: str) -> Blueprint:
    """SSO for e-services, ACS for upstreams. Their addresses are built from `base_url`, never from the request."""
    endpoints = Blueprint("saml", __name__)
    endpoints.before_request(refuse_looks)

    @endpoints.get(SSO_PATH)
    def sso_redirect() -> Response:
        """An AuthnRequest by HTTP-Redirect: a navigation, so the browser's cookie comes with it."""
        raw_query = request.query_string
        if len(raw_query) > MAX_QUERY_BYTES:
            raise RequestURITooLarge
        message = InboundMessage(binding=Binding.REDIRECT, endpoint=base_url + SSO_PATH, raw_query=raw_query)
        return pages.render(flow.start(message, visits.of_browser()))

    @endpoints.post(SSO_PATH)
    def sso_post() -> Response:
        """An AuthnRequest by HTTP-POST."""
        return pages.render(flow.start(_posted(base_url + SSO_PATH), visits.of_message()))

    @endpoints.post(ACS_PATH)
    def acs() -> Response:
        """A Response of an upstream."""
        return pages.render(flow.arrive(_posted(base_url + ACS_PATH), visits.of_message()))

    return endpoints


def metadata_pages(*, idp_metadata: Callable[[], bytes], sp_metadata: Callable[[], bytes]) -> Blueprint:
    """Our two signed EntityDescriptors."""
    documents = Blueprint("metadata", __name__)

    @documents.get("/saml/idp/metadata")
    def idp() -> Response:
        """We as IdP."""
        return _document(idp_metadata())

    @documents.get("/saml/sp/metadata")
    def sp() -> Response:
        """We as SP."""
        return _document(sp_metadata())

    return documents


def _posted(endpoint: str) -> InboundMessage:
    # The POST binding knows one encoding; multipart would be a second parser open to strangers.
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType
    fields = tuple(request.form.items(multi=True))
    return InboundMessage(binding=Binding.POST, endpoint=endpoint, fields=fields)


def _document(content: bytes) -> Response:
    response = Response(content, content_type="application/samlmetadata+xml")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
