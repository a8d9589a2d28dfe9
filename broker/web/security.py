"""Headers, the Content Security Policy of each response, cookies, and whose form was posted."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import Forbidden

_FEATURES = ("browsing-topics", "camera", "geolocation", "microphone", "payment", "usb")
_PERMISSIONS = ", ".join(f"{feature}=()" for feature in _FEATURES)
_HSTS_SECONDS = 2 * 365 * 24 * 3600


def content_policy(*, nonce: str | None = None, targets: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy of one page.

    Only the page with a script has a `nonce`. `targets` are the origins, beyond https:, that a form may lead to:
    browsers check redirects that follow a form too, so `https:` has to be there for the way to the upstreams.
    """
    directives = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        " ".join(("form-action 'self' https:", *targets)),
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    if nonce is not None:
        directives.insert(1, f"script-src 'nonce-{nonce}'")
    return "; ".join(directives)


def origin_of(url: str) -> str:
    """Scheme, host and port as a browser writes an Origin: lower case, without the scheme's own port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    own_port = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{bracketed}" + ("" if parts.port in (None, own_port) else f":{parts.port}")


def form_target(url: str) -> str:
    """The source expression that lets a form lead to `url`; the policy's grammar has no IPv6 addresses."""
    origin = origin_of(url)
    return f"{urlsplit(url).scheme}:" if "[" in origin else origin


def cookie_name(base_url: str, environment: str) -> str:
    """`__Host-` binds the cookie to exactly this host over TLS; test environments have a name of their own."""
    name = "broker-test" if environment == "test" else "broker"
    return f"__Host-{name}" if base_url.startswith("https:") else name


def set_cookie_rules(app: Flask, base_url: str, environment: str) -> None:
    """Configure the one cookie: for this host only, unreadable for scripts, withheld from cross-site posts."""
    app.config.update(
        SESSION_COOKIE_NAME=cookie_name(base_url, environment),
        SESSION_COOKIE_SECURE=base_url.startswith("https:"),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_DOMAIN=None,
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def standing_headers(base_url: str, environment: str) -> Mapping[str, str]:
    """What every response carries unless it says otherwise."""
    headers = {
        "Content-Security-Policy": content_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not no-referrer: that turns the Origin of our own forms into "null", and we check it.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex, nofollow",
    }
    if environment != "test" and base_url.startswith("https:"):
        headers["Strict-Transport-Security"] = f"max-age={_HSTS_SECONDS}"
    return headers


def add_headers(app: Flask, base_url: str, environment: str) -> None:
    """Put the standing headers on every response of `app`."""
    headers = standing_headers(base_url, environment)

    def complete(response: Response) -> Response:
        present = {name.lower() for name, _ in response.headers}  # one look at the list, not one for each
        for name, value in headers.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        return response

    app.after_request(complete)


def check_own_form(base_url: str) -> None:
    """The form that was posted is one of ours.

    The session's cookie is SameSite=Lax and each login belongs to a session, which stops other sites. This stops
    pages of the same site too (another host of the municipality), for which SameSite makes no difference.

    Raises:
        Forbidden: the browser says that the form came from elsewhere.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site != "same-origin":
        raise Forbidden
    if origin is not None and origin != origin_of(base_url):
        raise Forbidden
