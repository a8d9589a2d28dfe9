from http import HTTPStatus
from ipaddress import ip_network

import pytest
from support.web import BASE_URL, LOGIN, Page, ScriptedFlow, always, ask, browse, make_parts

from broker.flow.steps import GoTo, NextStep, Place
from broker.flow.visit import Visit
from broker.messages.inbound import Binding, InboundMessage
from broker.web.app import create_app
from broker.web.visits import NoBrowser

SSO = "/saml/idp/sso"
ACS = "/saml/sp/acs"
GO = GoTo(login_id=LOGIN, place=Place.CONTINUE)
FORM = "application/x-www-form-urlencoded"


def message_of(method: str, path: str, **request: object) -> InboundMessage:
    flow = ScriptedFlow(always(GO))
    client = create_app(make_parts(always(GO), flow=flow)).test_client()
    client.open(path, method=method, **request)  # type: ignore[arg-type]  # passed through
    ((_, message),) = flow.calls
    assert isinstance(message, InboundMessage)
    return message


def test_a_redirect_message_keeps_the_octets_that_were_signed() -> None:
    query = "SAMLRequest=a%2bb%2F&SigAlg=http%3A%2F%2Fx&RelayState=%c3%A5&Signature=c%3D&SAMLRequest=twice"
    message = message_of("GET", SSO, query_string=query)
    assert message == InboundMessage(binding=Binding.REDIRECT, endpoint=BASE_URL + SSO, raw_query=query.encode())


@pytest.mark.parametrize("path", [SSO, ACS])
def test_a_posted_message_keeps_every_value_of_every_field(path: str) -> None:
    message = message_of("POST", path, data="SAMLResponse=PHg%2B&RelayState=1&RelayState=2&x=", content_type=FORM)
    assert message.binding is Binding.POST
    assert message.endpoint == BASE_URL + path
    assert message.fields == (("SAMLResponse", "PHg+"), ("RelayState", "1"), ("RelayState", "2"), ("x", ""))


def test_addresses_are_ours_whatever_the_request_says() -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert message_of("GET", SSO, headers=headers).endpoint == BASE_URL + SSO


@pytest.mark.parametrize("path", [SSO, ACS])
def test_a_posted_message_has_no_browser_even_when_a_cookie_came_along(path: str) -> None:
    seen: list[Visit] = []

    def script(visit: Visit) -> NextStep:
        seen.append(visit)
        return GO

    client = browse(script)
    client.set_cookie("__Host-broker", "somebody")
    response = client.post(path, content_type=FORM)
    assert isinstance(seen[0].browser, NoBrowser)
    assert "Set-Cookie" not in response.headers


def test_an_oversized_message_is_refused_before_anybody_reads_it() -> None:
    flow = ScriptedFlow(always(GO))
    client = create_app(make_parts(always(GO), flow=flow)).test_client()
    response = client.post(ACS, data="SAMLResponse=" + "A" * (512 * 1024), content_type=FORM)
    assert response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert Page(response).heading == "Inloggningen kunde inte starta"
    assert flow.calls == []


def test_an_oversized_query_is_refused() -> None:
    response = browse(GO).get(SSO, query_string="SAMLRequest=" + "A" * (64 * 1024))
    assert response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain", "application/json", ""])
def test_only_plain_forms_are_read(content_type: str) -> None:
    response = browse(GO).post(ACS, data=b"SAMLResponse=x", content_type=content_type)
    assert response.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_the_acs_is_for_posts() -> None:
    response = browse(GO).get(ACS)
    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert Page(response).heading == "Sidan kan inte öppnas så här"


@pytest.mark.parametrize(("path", "document"), [("/saml/idp/metadata", b"<idp/>"), ("/saml/sp/metadata", b"<sp/>")])
def test_our_metadata_is_there_and_can_be_asked_for_changes(path: str, document: bytes) -> None:
    client = browse(ask())
    response = client.get(path)
    assert response.data == document
    assert response.content_type == "application/samlmetadata+xml"
    again = client.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == HTTPStatus.NOT_MODIFIED
    assert client.head(path).status_code == HTTPStatus.OK


def test_the_flow_learns_the_citizens_address_through_trusted_proxies_only() -> None:
    seen: list[str | None] = []

    def script(visit: Visit) -> NextStep:
        seen.append(visit.client_address)
        return GO

    for trusted in ((), (ip_network("127.0.0.0/8"),)):
        browse(script, trusted_proxies=trusted).get(SSO, headers={"X-Forwarded-For": "192.0.2.9"})
    assert seen == [None, "192.0.2.9"]
