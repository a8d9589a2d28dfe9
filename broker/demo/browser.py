"""A browser without JavaScript: follows redirects, presses buttons, and keeps cookies by the SameSite rules.

It is as strict as the strictest browser where that can break a login: a cross-site POST carries no Lax cookie,
a cookie without SameSite is Lax, and a form may only lead where its page's CSP lets it, redirects included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

TIMEOUT_S = 15
MOST_REDIRECTS = 20


class BrowserStopped(Exception):
    """The browser cannot, or must not, go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """One submit button of a form."""

    name: str | None
    value: str
    disabled: bool


@dataclass(slots=True, kw_only=True)
class WebForm:
    """One form of a page, as it stands when nobody has touched it."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        """The value of the first field called `name`."""
        return next((value for field_name, value in self.fields if field_name == name), None)

    def button(self, name: str, value: str) -> Button | None:
        """The usable button with this name and value."""
        return next((one for one in self.buttons if (one.name, one.value, one.disabled) == (name, value, False)), None)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[WebForm] = []
        self._form: WebForm | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._form = WebForm(method=(given.get("method") or "get").lower(), action=given.get("action") or "")
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "button":
            self._form.buttons.append(
                Button(name=given.get("name"), value=given.get("value") or "", disabled="disabled" in given)
            )
        elif tag == "input" and given.get("name"):
            ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if ticked and "disabled" not in given:
                self._form.fields.append((given["name"] or "", given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """What the browser shows."""

    url: str
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: str
    forms: Sequence[WebForm]

    @property
    def host(self) -> str:
        """The host of the address."""
        return urlsplit(self.url).hostname or ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _site(url: str) -> tuple[str, str | None]:
    """Scheme and host: of an address in figures, the whole host is the site, and ports do not count."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname


def _form_action(page: WebPage) -> Sequence[str] | None:
    for directive in page.headers.get("content-security-policy", "").split(";"):
        name, *sources = directive.split() or [""]
        if name.lower() == "form-action":
            return sources
    return None


def check_form_action(page: WebPage, target: str) -> None:
    """Raises BrowserStopped when the page's CSP does not let its forms lead to `target`."""
    sources = _form_action(page)
    if sources is None:
        return
    allowed = {_origin(page.url) if source == "'self'" else source.rstrip("/") for source in sources}
    if not allowed.intersection({_origin(target), f"{urlsplit(target).scheme}:", "*"}):
        raise BrowserStopped(f"form-action of {_origin(page.url)} does not allow {_origin(target)}")


class PlainBrowser:
    """One browser profile. `pages` are all pages it was ever shown, redirects included, newest last."""

    def __init__(self, language: str = "sv") -> None:
        self.pages: list[WebPage] = []
        self._language = language
        self._cookies: dict[tuple[str, str], Morsel[str]] = {}  # by host and name

    def open(self, url: str) -> WebPage:
        """Type an address."""
        return self._navigate("GET", url, b"", None)

    def press(self, page: WebPage, form: WebForm, button: Button | None = None) -> WebPage:
        """Submit a form of `page` by one of its buttons (default: its first)."""
        chosen = button or next((one for one in form.buttons if not one.disabled), None)
        fields = list(form.fields)
        if chosen is not None and chosen.name:
            fields.append((chosen.name, chosen.value))
        target = urljoin(page.url, form.action)
        if form.method == "get":
            return self._navigate("GET", f"{target.split('?')[0]}?{urlencode(fields)}", b"", page)
        return self._navigate("POST", target, urlencode(fields).encode(), page)

    def _navigate(self, method: str, url: str, body: bytes, start: WebPage | None) -> WebPage:
        crossed = False
        for _ in range(MOST_REDIRECTS):
            if start is not None:
                check_form_action(start, url)
                crossed = crossed or _site(start.url) != _site(url)
            page = self._fetch(method, url, body, start, crossed)
            self.pages.append(page)
            if page.status not in (301, 302, 303, 307, 308):
                return page
            url = urljoin(url, page.headers["location"])
            if page.status not in (307, 308):
                method, body = "GET", b""
        raise BrowserStopped(f"too many redirects, the last to {_origin(url)}")

    def _fetch(self, method: str, url: str, body: bytes, start: WebPage | None, crossed: bool) -> WebPage:
        parts = urlsplit(url)
        headers = {
            "Accept": "text/html",
            "Accept-Language": self._language,
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-Site": _fetch_site(start, url, crossed),
        }
        foreign = start is not None and _site(start.url) != _site(url)
        cookies = self._cookies_for(url, allow_lax=not foreign or method == "GET", allow_strict=not foreign)
        if cookies:
            headers["Cookie"] = cookies
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            secret = start is None or start.headers.get("referrer-policy") == "no-referrer"
            headers["Origin"] = "null" if secret else _origin(start.url if start else url)
        connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT_S)
        try:
            target = parts.path or "/"
            connection.request(method, f"{target}?{parts.query}" if parts.query else target, body or None, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            received = response.getheaders()
        except OSError as problem:
            raise BrowserStopped(f"{_origin(url)}: {problem}") from problem
        finally:
            connection.close()
        self._keep_cookies(url, [value for name, value in received if name.lower() == "set-cookie"])
        parser = _Forms()
        parser.feed(text)
        lowered = {name.lower(): value for name, value in received}
        return WebPage(url=url, status=response.status, headers=lowered, body=text, forms=parser.forms)

    def _cookies_for(self, url: str, *, allow_lax: bool, allow_strict: bool) -> str:
        parts = urlsplit(url)
        sent = []
        for (host, name), cookie in self._cookies.items():
            same_site = (cookie["samesite"] or "lax").lower()
            allowed = allow_strict if same_site == "strict" else allow_lax
            path = cookie["path"] or "/"
            inside = parts.path == path or parts.path.startswith(path if path.endswith("/") else f"{path}/")
            if host == parts.hostname and allowed and inside:
                sent.append(f"{name}={cookie.value}")
        return "; ".join(sent)

    def _keep_cookies(self, url: str, lines: Sequence[str]) -> None:
        host = urlsplit(url).hostname or ""
        for line in lines:
            for name, cookie in SimpleCookie(line).items():
                if cookie["secure"] or cookie["domain"]:
                    continue  # a browser refuses both for plain http on an address in figures
                if cookie["max-age"] == "0" or "1970" in cookie["expires"]:
                    self._cookies.pop((host, name), None)
                else:
                    self._cookies[host, name] = cookie


def _fetch_site(start: WebPage | None, url: str, crossed: bool) -> str:
    if start is None:
        return "none"
    if crossed:
        return "cross-site"
    return "same-origin" if _origin(start.url) == _origin(url) else "same-site"
