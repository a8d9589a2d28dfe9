"""Request and session → `Visit`: what the flow sees of a browser."""

from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask import g, request, session

from broker.core.errors import BrokerError
from broker.core.login import LoginId, Reference
from broker.core.ports import Clock, IdSource
from broker.flow.visit import Visit
from broker.web.addresses import Network, client_address
from broker.web.languages import Catalogue, Catalogues

MAX_LOGINS = 20
_LOGIN = "login:"
_LANGUAGE = "language"


class SessionBrowser:
    """The browser by its session, which holds strings only: `login:<id>` → end in epoch seconds, and `language`.

    The session is loaded at the first question and stored only when something was written.
    """

    def __init__(
        self, values: MutableMapping[str, Any], *, now: datetime, lifetime: timedelta, ended_lifetime: timedelta
    ) -> None:
        self._values = values
        self._now = now
        self._lifetime = lifetime
        self._ended_lifetime = ended_lifetime

    def owns(self, login_id: LoginId) -> bool:
        """Whether this browser started the login."""
        return self._end(_LOGIN + login_id) > self._now.timestamp()

    def adopt(self, login_id: LoginId) -> None:
        """Remember that this browser started the login; of more than `MAX_LOGINS`, the oldest are dropped."""
        self._values[_LOGIN + login_id] = self._stamp(self._lifetime)
        logins = sorted((key for key in self._values if key.startswith(_LOGIN)), key=self._end, reverse=True)
        for position, key in enumerate(logins):
            if position >= MAX_LOGINS or self._end(key) <= self._now.timestamp():
                del self._values[key]

    def forget(self, login_id: LoginId) -> None:
        """The login has ended. It stays this browser's for a while, so that the back button is told the truth."""
        if self.owns(login_id):
            self._values[_LOGIN + login_id] = self._stamp(self._ended_lifetime)

    def speak(self, language: str) -> None:
        """Remember the language, in a session that exists for a login's sake."""
        if any(key.startswith(_LOGIN) for key in self._values) and self._values.get(_LANGUAGE) != language:
            self._values[_LANGUAGE] = language

    @property
    def language(self) -> str | None:
        """The language chosen earlier in this session."""
        language = self._values.get(_LANGUAGE)
        return language if isinstance(language, str) else None

    def _end(self, key: str) -> int:
        value = self._values.get(key)
        return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else 0

    def _stamp(self, lifetime: timedelta) -> str:
        return str(int((self._now + lifetime).timestamp()))


class NoBrowser:
    """What a peer's cross-site POST says of its browser: nothing.

    Its cookie is withheld (SameSite=Lax), or sent where the peer happens to be on our own site. Neither may make a
    difference, and a session written without the cookie would replace the citizen's own.
    """

    language: str | None = None

    def owns(self, login_id: LoginId) -> bool:
        """Never: the flow must send the browser on to a page of ours."""
        del login_id
        return False

    def adopt(self, login_id: LoginId) -> None:
        """A programming error."""
        del login_id
        raise RuntimeError("a cross-site POST must not write the session")

    def forget(self, login_id: LoginId) -> None:
        """A programming error."""
        del login_id
        raise RuntimeError("a cross-site POST must not write the session")


class Visits:
    """Builds the `Visit` of the current request, once: one request has one *now* and one reference."""

    def __init__(
        self,
        *,
        ids: IdSource,
        clock: Clock,
        catalogues: Catalogues,
        trusted_proxies: Sequence[Network],
        session_lifetime: timedelta,
        ended_lifetime: timedelta,
    ) -> None:
        self._ids = ids
        self._clock = clock
        self._catalogues = catalogues
        self._trusted_proxies = tuple(trusted_proxies)
        self._session_lifetime = session_lifetime
        self._ended_lifetime = ended_lifetime

    def of_browser(self) -> Visit:
        """The visit of a browser whose session may be read and written."""
        if "visit" not in g:
            now = self._clock.now()
            browser = SessionBrowser(
                session, now=now, lifetime=self._session_lifetime, ended_lifetime=self._ended_lifetime
            )
            g.visit = self._make(now, browser)
        return cast(Visit, g.visit)

    def of_message(self) -> Visit:
        """The visit of a cross-site POST: it has no session."""
        if "visit" not in g:
            g.visit = self._make(self._clock.now(), NoBrowser())
        return cast(Visit, g.visit)

    def catalogue(self) -> Catalogue:
        """The language of the response: asked for in the address, chosen before, or the browser's."""
        asked = self._catalogues.find(request.args.get("language"))
        if asked is not None:
            return asked
        browser = self.of_browser().browser
        try:
            chosen = browser.language if isinstance(browser, SessionBrowser | NoBrowser) else None
        except BrokerError:
            chosen = None  # the page that tells of a lost store must not need the store
        preferred = request.accept_languages.best_match(self._catalogues.languages)
        return self._catalogues.find(chosen) or self._catalogues.find(preferred) or self._catalogues.default

    def remember_language(self) -> None:
        """Keep the language that the address asks for, where there is a login to keep it for."""
        asked = self._catalogues.find(request.args.get("language"))
        browser = self.of_browser().browser
        if asked is not None and isinstance(browser, SessionBrowser):
            browser.speak(asked.language)

    def _make(self, now: datetime, browser: SessionBrowser | NoBrowser) -> Visit:
        address = client_address(request.remote_addr, request.headers.getlist("X-Forwarded-For"), self._trusted_proxies)
        return Visit(
            now=now,
            reference=Reference(self._ids.reference()),
            client_address=None if address is None else str(address),
            browser=browser,
        )
