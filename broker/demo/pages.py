"""What the pages of all simulated parties share: language, headers, the form that posts itself."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g, make_response, render_template, request

from broker.demo.federation import Party
from broker.demo.personas import Texts

LANGUAGES = ("sv", "en")


LANGUAGE_COOKIE = "demo-language"


def language() -> str:
    """The language of this request: as clicked, now or before; else as the browser prefers; else Swedish."""
    for clicked in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if clicked in LANGUAGES:
            return clicked
    return request.accept_languages.best_match(LANGUAGES, default="sv") or "sv"


def make_app(party: Party) -> Flask:
    """A Flask application with the pages' helpers and headers."""
    app = Flask("broker.demo")
    app.config.update(MAX_CONTENT_LENGTH=512 * 1024, MAX_FORM_MEMORY_SIZE=512 * 1024)

    @app.before_request
    def begin() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.context_processor
    def helpers() -> dict[str, Any]:
        lang = language()
        say: Callable[[str, str], str] = lambda sv, en: Texts(sv=sv, en=en).say(lang)  # noqa: E731
        return {"party": party, "lang": lang, "say": say, "nonce": g.nonce}

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{g.nonce}'; script-src 'nonce-{g.nonce}'; img-src data:; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if request.args.get("lang") in LANGUAGES:
            response.set_cookie(LANGUAGE_COOKIE, language(), httponly=True, samesite="Lax")
        return response

    @app.get("/alive")
    def alive() -> str:
        return party.key

    return app


def page(template: str, status: int = 200, **data: Any) -> Response:
    """A rendered page."""
    return make_response(render_template(template, **data), status)


def post_form(url: str, fields: Mapping[str, str]) -> Response:
    """A page whose form posts itself, or by its button."""
    return page("post.html", url=url, fields=fields)
