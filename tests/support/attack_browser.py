"""A browser whose every page is looked at: none may be a 5xx, and no assertion may leave unnoticed."""

import base64
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask.testing import FlaskClient
from lxml import etree, html
from support.attack_peers import NS, AskedUpstream
from support.installation import BASE_URL
from werkzeug.datastructures import Headers

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
COOKIE = "broker-test"
_HOST = urlsplit(BASE_URL).hostname or ""
_ASSERTIONS = ("Assertion", "EncryptedAssertion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that a page posts to another site."""

    action: str
    fields: dict[str, str]

    @property
    def response(self) -> etree._Element:
        """The Response that it carries."""
        return etree.fromstring(base64.b64decode(self.fields["SAMLResponse"]))

    @property
    def status(self) -> tuple[str, ...]:
        """The status codes of the Response, outermost first."""
        return tuple(code.get("Value") or "" for code in self.response.iterfind(".//saml2p:StatusCode", NS))

    @property
    def grants(self) -> bool:
        """Whether it holds an assertion, or says Success."""
        held = any(self.response.find(f".//saml2:{name}", NS) is not None for name in _ASSERTIONS)
        return held or SUCCESS in self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a browser was answered."""

    browser: "Browser"
    status: int
    headers: Headers
    text: str

    @property
    def form(self) -> Form | None:
        """The form that leaves this site, if the page has one."""
        for form in self._document.forms if self.is_html else ():
            action = form.get("action") or ""
            if urlsplit(action).netloc and not action.startswith(f"{BASE_URL}/"):
                return Form(action=action, fields={name: value or "" for name, value in form.fields.items()})
        return None

    @property
    def reference(self) -> str | None:
        """The reference that the citizen is told."""
        found = self._document.xpath("//span[@class='code']")
        return "".join(found[0].text_content().split()) if found else None

    @property
    def title(self) -> str:
        """The heading."""
        return str(self._document.xpath("string(//h1)"))

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html") and bool(self.text.strip())

    @property
    def _document(self) -> Any:
        return html.document_fromstring(self.text)

    def own_action(self, last: str) -> str | None:
        """The address of our own form that ends in `last`: choice, cancel, answer."""
        found = re.search(rf'action="(/login/[^"/?]+/{last})"', self.text)
        return found[1] if found else None


@dataclass(slots=True)
class Browser:
    """One cookie jar. `granted` counts, for all browsers of a world, the forms that grant."""

    client: FlaskClient
    granted: list[Form]
    pages: list[Page] = field(default_factory=list)

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> Page:
        """Fetch a page of ours; `address` without origin, its query exactly as given."""
        path, _, query = address.partition("?")
        return self._seen(self.client.get(path, query_string=query, base_url=BASE_URL, headers=headers or {}))

    def post(self, path: str, data: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> Page:
        """Post a form (a mapping, or raw octets)."""
        more.setdefault("content_type", "application/x-www-form-urlencoded")
        return self._seen(self.client.post(path, data=data, base_url=BASE_URL, headers=headers or {}, **more))

    @property
    def cookie(self) -> str | None:
        """The session's cookie."""
        found = self.client.get_cookie(COOKIE, domain=_HOST)
        return found.value if found else None

    def plant(self, value: str) -> None:
        """Set the session's cookie from outside."""
        self.client.set_cookie(COOKIE, value, domain=_HOST)

    def tab(self) -> "Browser":
        """A second tab, which can be used at the same time."""
        browser = Browser(client=self.client.application.test_client(), granted=self.granted)
        if self.cookie is not None:
            browser.plant(self.cookie)
        return browser

    def follow(self, page: Page) -> Page:
        """Go where `page` redirects to, as long as that is ours."""
        while page.status == 303 and page.headers["Location"].startswith("/login/"):
            page = self.get(page.headers["Location"])
        return page

    def _seen(self, response: Any) -> Page:
        page = Page(browser=self, status=response.status_code, headers=response.headers, text=response.text)
        assert page.status < 500, page.text
        self.pages.append(page)
        if page.form is not None and "SAMLResponse" in page.form.fields and page.form.grants:
            self.granted.append(page.form)
        return page


def values_of(assertion: etree._Element) -> dict[str, list[str]]:
    """What an Assertion says, by attribute name."""
    attributes: dict[str, list[str]] = {}
    for attribute in assertion.iterfind(".//saml2:Attribute", NS):
        values = attribute.findall("saml2:AttributeValue", NS)
        attributes[attribute.get("Name") or ""] = [value.text or "" for value in values]
    return attributes


def read_asked(page: Page) -> AskedUpstream:
    """The AuthnRequest that `page` sends to an upstream, by Redirect or by POST."""
    if page.form is not None:
        fields = page.form.fields
        xml = base64.b64decode(fields["SAMLRequest"])
    else:
        assert page.status == 303, page.text
        fields = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
        xml = zlib.decompress(base64.b64decode(fields["SAMLRequest"]), wbits=-15)
    request_id = etree.fromstring(xml).get("ID") or ""
    return AskedUpstream(request_id=request_id, relay_state=fields["RelayState"], xml=xml)
