"""The pages of a simulated e-service: log in, and see what was received."""

import secrets
from dataclasses import asdict
from threading import Lock

from flask import Flask, Response, abort, jsonify, redirect, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.saml import NAMEID_FORMAT_TRANSIENT

from broker.demo import words
from broker.demo.attributemaps.sweden_connect import NAMES
from broker.demo.e_service import AnswerRefused, Question, Received, SimulatedEService
from broker.demo.federation import EServiceParty
from broker.demo.pages import make_app, page, post_form

LEVELS = (
    words.LOA2,
    words.LOA3,
    words.LOA4,
    words.LOA3_NONRESIDENT,
    words.UNCERTIFIED_EIDAS_SUB,
    words.UNCERTIFIED_EIDAS_HIGH,
)
"""Levels that can be asked for by ticking."""


def question_of(party: EServiceParty) -> Question:
    """What the form on the start page asks for."""
    country = request.form.get("country")
    ticked = tuple(level for level in request.form.getlist("level") if level in LEVELS)
    return Question(
        contexts=ticked if "levels" in request.form else party.asks,
        force_authn="force" in request.form,
        is_passive="passive" in request.form,
        idp_list=(f"{words.COUNTRY_ALIAS}{country.lower()}",) if country else (),
        name_id_format=NAMEID_FORMAT_TRANSIENT if "transient" in request.form else None,
        relay_state=secrets.token_urlsafe(16),
    )


def create_e_service_app(e_service: SimulatedEService, broker: str) -> Flask:
    """The web application of one simulated e-service, which logs in at the IdP with entityID `broker`."""
    party = e_service.party
    app = make_app(party)
    answers: dict[str, Received] = {}
    lock = Lock()

    def find(token: str) -> Received:
        with lock:
            received = answers.get(token)
        if received is None:
            abort(page("gone.html", status=410))
        return received

    @app.get("/")
    def start() -> Response:
        foreign = words.EIDAS_NATURAL_PERSON in party.categories
        return page("start.html", levels=LEVELS, asks=party.asks, foreign=foreign)

    @app.post("/login")
    def log_in() -> Response:
        binding = BINDING_HTTP_POST if "post" in request.form else BINDING_HTTP_REDIRECT
        sent = e_service.ask(broker, question_of(party), binding)
        if sent.fields is not None:
            return post_form(sent.url, sent.fields)
        return redirect(sent.url, 303)  # type: ignore[return-value]  # Flask's Response is a werkzeug one

    @app.post("/acs")
    def receive_answer() -> Response:
        try:
            received = e_service.read_answer(request.form)
        except AnswerRefused as problem:
            return page("problem.html", status=400, problem=str(problem))
        token = secrets.token_urlsafe(16)
        with lock:
            answers[token] = received
        return redirect(f"/received/{token}", 303)  # type: ignore[return-value]  # as above

    @app.get("/received/<token>")
    def show(token: str) -> Response:
        received = find(token)
        rows = [(name, NAMES.get(name, name), values) for name, values in received.attributes.items()]
        return page("received.html", received=received, rows=rows, cancelled=words.CANCEL in received.status)

    @app.get("/received/<token>.json")
    def show_data(token: str) -> Response:
        return jsonify(asdict(find(token)))

    return app
