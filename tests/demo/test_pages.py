"""The parties' pages, clicked through without a broker in between."""

import base64
import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from support.peers import Peers
from werkzeug.test import TestResponse

from broker.demo import words
from broker.demo.e_service_web import create_e_service_app
from broker.demo.upstream_web import create_upstream_app

ALL_EIDAS = (words.EIDAS_NF_SUB, words.EIDAS_NF_HIGH)


class Pair:
    """An e-service and an upstream with test clients for both."""

    def __init__(self, peers: Peers, upstream: str, asks: tuple[str, ...]) -> None:
        service_party = peers.e_service_party("etablering", asks=asks, want_assertions_signed=False)
        e_service, idp = peers.acquainted(service_party, peers.upstream_party(upstream))
        self.e_service: FlaskClient = create_e_service_app(e_service, idp.party.entity_id).test_client()
        self.upstream: FlaskClient = create_upstream_app(idp).test_client()

    def begin(self, **ticks: str) -> str:
        """The path of the upstream's first page."""
        sent = self.e_service.post("/login", data=ticks)
        arrived = self.upstream.get("/sso?" + urlsplit(sent.headers["Location"]).query)
        return arrived.headers["Location"]

    def finish(self, answer: TestResponse) -> TestResponse:
        """The e-service's page after the upstream's answer."""
        return self.e_service.post("/acs", data=hidden(answer.text), follow_redirects=True)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page)}


@pytest.fixture(scope="module")
def bankid(peers: Peers) -> Pair:
    return Pair(peers, "bankid", (words.LOA3,))


@pytest.fixture(scope="module")
def connector(peers: Peers) -> Pair:
    return Pair(peers, "eidas", ALL_EIDAS)


def test_a_resident_logs_in(bankid: Pair) -> None:
    path = bankid.begin()
    assert "Åsa Björkängen" in bankid.upstream.get(path).text
    shown = bankid.finish(bankid.upstream.post(path, data={"option": "resident:loa3"})).text
    assert "198611239883" in shown
    assert words.LOA3 in shown


def test_a_request_by_post_is_served_too(bankid: Pair) -> None:
    form = bankid.e_service.post("/login", data={"post": "1"})
    arrived = bankid.upstream.post("/sso", data=hidden(form.text))
    assert arrived.status_code == 303


def test_cancelling_is_shown_as_such(bankid: Pair) -> None:
    answer = bankid.upstream.post(bankid.begin(), data={"option": "cancel"})
    assert words.CANCEL in bankid.finish(answer).text


def test_a_passive_request_gets_no_page(bankid: Pair) -> None:
    sent = bankid.e_service.post("/login", data={"passive": "1"})
    answer = bankid.upstream.get("/sso?" + urlsplit(sent.headers["Location"]).query)
    assert words.NO_PASSIVE in bankid.finish(answer).text


def test_a_level_that_nobody_here_reaches_is_refused_by_a_button(bankid: Pair) -> None:
    path = bankid.begin(levels="ticked", level=words.LOA4)
    assert 'value="unable"' in bankid.upstream.get(path).text
    assert words.NO_AUTHN_CONTEXT in bankid.finish(bankid.upstream.post(path, data={"option": "unable"})).text


def test_an_answered_login_is_over(bankid: Pair) -> None:
    path = bankid.begin()
    bankid.upstream.post(path, data={"option": "cancel"})
    assert bankid.upstream.get(path).status_code == 410


def test_a_forged_answer_is_a_problem_page(bankid: Pair) -> None:
    forged = base64.b64encode(b"<Response/>").decode()
    assert bankid.e_service.post("/acs", data={"SAMLResponse": forged}).status_code == 400


def test_a_visitor_chooses_a_country_that_reaches_the_level(connector: Pair) -> None:
    page = connector.upstream.get(connector.begin()).text
    assert re.search(r'value="FI">', page)
    assert re.search(r'value="XX" disabled>', page)


def test_a_named_country_is_not_asked_for_again(connector: Pair) -> None:
    assert "Ελένη" in connector.upstream.get(connector.begin(country="GR")).text


@pytest.mark.parametrize(
    ("person", "country", "level"),
    [("finnish:eidas-nf-high", "FI", words.EIDAS_NF_HIGH), ("greek:eidas-nf-sub", "GR", words.EIDAS_NF_SUB)],
)
def test_the_level_is_the_strongest_requested_that_the_country_reached(
    connector: Pair, person: str, country: str, level: str
) -> None:
    answer = connector.upstream.post(connector.begin(), data={"option": person, "country": country})
    shown = connector.finish(answer).text
    assert f'id="level">{level}<' in shown
    assert f"https://eidas.{country.lower()}.example/proxy" in shown


def test_names_in_other_scripts_arrive_in_latin_letters(connector: Pair) -> None:
    answer = connector.upstream.post(connector.begin(), data={"option": "greek:eidas-nf-sub", "country": "GR"})
    shown = connector.finish(answer).text
    assert "Papadopoulou" in shown
    assert "Ελένη" not in shown


@pytest.mark.parametrize(("query", "language"), [("", "sv"), ("?lang=en", "en"), ("?lang=xx", "sv")])
def test_pages_are_in_swedish_or_english(bankid: Pair, query: str, language: str) -> None:
    fresh = bankid.e_service.application.test_client()
    assert f'<html lang="{language}">' in fresh.get(f"/{query}").text


def test_a_clicked_language_lasts(bankid: Pair) -> None:
    fresh = bankid.e_service.application.test_client()
    fresh.get("/?lang=en")
    assert '<html lang="en">' in fresh.get("/").text


def test_pages_are_marked_demo_and_load_nothing_from_elsewhere(bankid: Pair) -> None:
    page = bankid.e_service.get("/")
    assert "Demo –" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
