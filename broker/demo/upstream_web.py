"""The pages of a simulated IdP: choose who to be, or cancel."""

import secrets
import uuid
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response, abort, redirect, request
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT

from broker.demo import words
from broker.demo.federation import Country, Option, UpstreamParty
from broker.demo.pages import make_app, page, post_form
from broker.demo.upstream import Asked, Form, RequestRefused, SimulatedUpstream


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryChoice:
    """One country on the connector's list."""

    country: Country
    usable: bool


def level_for(option: Option, contexts: tuple[str, ...]) -> str | None:
    """The level to answer for `option`, or None when it reaches none of the requested ones."""
    answers = words.EIDAS_ANSWERS.get(option.level, (option.level,))
    return next((level for level in answers if not contexts or level in contexts), None)


def country_choices(party: UpstreamParty, asked: Asked) -> tuple[CountryChoice, ...]:
    """The countries that the request leaves to choose from; those that cannot reach the level are shown disabled."""
    prefix = words.COUNTRY_ALIAS
    wanted = {alias.removeprefix(prefix).upper() for alias in asked.idp_list if alias.startswith(prefix)}
    choices = []
    for country in party.countries:
        reachable = {uri for level in country.levels for uri in words.EIDAS_SELECTABLE[level]}
        usable = not asked.contexts or not reachable.isdisjoint(asked.contexts)
        if not wanted or country.code in wanted:
            choices.append(CountryChoice(country=country, usable=usable))
    return tuple(choices)


def create_upstream_app(upstream: SimulatedUpstream) -> Flask:
    """The web application of one simulated IdP."""
    party = upstream.party
    app = make_app(party)
    pending: dict[str, Asked] = {}
    lock = Lock()

    def find(token: str) -> Asked:
        with lock:
            asked = pending.get(token)
        if asked is None:
            abort(page("gone.html", status=410))
        return asked

    def answer(token: str, form: Form) -> Response:
        with lock:
            pending.pop(token, None)
        return post_form(form.url, form.fields)

    def chosen_country(asked: Asked) -> Country | None:
        choices = country_choices(party, asked)
        clicked = request.values.get("country")
        for choice in choices:
            if choice.usable and (choice.country.code == clicked or len(choices) == 1):
                return choice.country
        return None

    def options(asked: Asked) -> tuple[Option, ...]:
        country = chosen_country(asked)
        candidates = country.options if country else party.options
        return tuple(option for option in candidates if level_for(option, asked.contexts))

    @app.route("/sso", methods=["GET", "POST"])
    def receive_request() -> Response:
        binding = BINDING_HTTP_POST if request.method == "POST" else BINDING_HTTP_REDIRECT
        try:
            asked = upstream.read_request(binding, (request.form if request.method == "POST" else request.args))
        except RequestRefused as problem:
            return page("problem.html", status=400, problem=str(problem))
        if asked.is_passive:
            form = upstream.refuse(asked, words.REQUESTER, words.NO_PASSIVE)
            return post_form(form.url, form.fields)
        token = secrets.token_urlsafe(16)
        with lock:
            pending[token] = asked
        return redirect(f"/login/{token}", 303)  # type: ignore[return-value]  # Flask's Response is a werkzeug one

    @app.get("/login/<token>")
    def choose(token: str) -> Response:
        asked = find(token)
        country = chosen_country(asked)
        if party.countries and country is None:
            return page("countries.html", asked=asked, choices=country_choices(party, asked))
        return page("persons.html", asked=asked, country=country, options=options(asked), short=_short)

    @app.post("/login/<token>")
    def identify(token: str) -> Response:
        asked = find(token)
        clicked = request.form.get("option", "")
        if clicked == "cancel":
            return answer(token, upstream.refuse(asked, words.RESPONDER, words.CANCEL, "Cancelled by the user"))
        if clicked == "unable":
            second = words.NO_AVAILABLE_IDP if party.countries else words.NO_AUTHN_CONTEXT
            return answer(token, upstream.refuse(asked, words.REQUESTER, second))
        option = next((option for option in options(asked) if option.key == clicked), None)
        level = level_for(option, asked.contexts) if option else None
        if option is None or level is None:
            return page("problem.html", status=400, problem="no such choice")
        country = chosen_country(asked)
        names = upstream.releasable(asked.sender)
        attributes = {name: value for name, value in option.persona.attributes.items() if name in names}
        attributes["transactionIdentifier"] = str(uuid.uuid4())
        form = upstream.grant(
            asked,
            attributes,
            level,
            person=option.persona.key,
            authorities=(country.authority,) if country else (),
            address=request.remote_addr,
        )
        return answer(token, form)

    return app


def _short(level: str) -> str:
    return level.rsplit("/", 1)[-1]
