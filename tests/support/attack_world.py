"""One installation among its peers, logins that have come half way, and what became of them.

`assert_logs_in` is the unforged twin of every attack: the same drafts, unbent.
"""

import base64
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree
from support.attack_browser import Browser, Form, Page, read_asked, values_of
from support.attack_peers import (
    ACCEPTS_COORDINATION_NUMBER,
    ACS_PATH,
    EIDAS_HIGH,
    EIDAS_NF_HIGH,
    HOSTILE_NAME,
    LOA2,
    LOA3,
    LOA3_NONRESIDENT,
    LOA3_ORGID,
    LOA3_PNR,
    LOA4,
    NS,
    PERSON,
    PNR,
    SSO_PATH,
    AskedUpstream,
    EServicePeer,
    Rewrite,
    UpstreamPeer,
    requires,
    same,
    scope,
    seal,
    ui_info,
)
from support.installation import Installation
from support.key_pairs import KeyPair
from support.messages import AssertionDraft, RequestDraft, ResponseDraft

from broker import web
from broker.flow.metadata_plans import UploadKind
from broker.web.languages import load_catalogues
from broker.web.texts import stop_keys

_MOVED_ON = "login-moved-on"
LogLines = Sequence[MutableMapping[str, Any]]


class World:
    """One installation among peers; more can be registered before the first login."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.e_service, self.other_e_service = EServicePeer(), EServicePeer("forskola")
        self.upstream, self.other_upstream = UpstreamPeer(), UpstreamPeer("other")
        for peer in (self.e_service, self.other_e_service, self.upstream, self.other_upstream):
            self.register(peer)
        self.demanding_e_service = EServicePeer("bostad", requires(PNR))
        self.employer = EServicePeer("personal")
        self.register(self.demanding_e_service, categories=())
        self.register(self.employer, categories=(LOA3_ORGID,))
        self.open_e_service, self.fickle_e_service = EServicePeer("oppen"), EServicePeer("borta")
        self.register(self.open_e_service, categories=(LOA3_PNR, ACCEPTS_COORDINATION_NUMBER))
        self.register(self.fickle_e_service)
        self.fickle_upstreams = UpstreamPeer("degraded"), UpstreamPeer("compromised"), UpstreamPeer("blocked")
        for upstream in self.fickle_upstreams:
            self.register(upstream)
        self.lax_e_service = EServicePeer("slarv", flags="")
        shown = ui_info(HOSTILE_NAME, "javascript:alert(1)")
        hostile_id = f"https://x/{HOSTILE_NAME.replace(' ', '')}"
        self.hostile_upstream = UpstreamPeer("hostile", shown, f"{hostile_id}idp")
        self.hostile_e_service = EServicePeer(
            "fientlig", f"<md:Extensions>{shown}</md:Extensions>", own_id=f"{hostile_id}sp"
        )
        self.pretender = UpstreamPeer("pretender", declared=(LOA3, EIDAS_NF_HIGH, EIDAS_HIGH))
        for peer in (self.lax_e_service, self.hostile_upstream, self.hostile_e_service):
            self.register(peer)
        self.register(self.pretender, contexts=())
        self.upstream_of_levels = UpstreamPeer("levels", scope("kommun.se"))
        self.register(self.upstream_of_levels, contexts=(LOA2, LOA3, LOA4, LOA3_NONRESIDENT))
        keys = installation.opened.settings.keys_folder
        self.broker_certificate = (keys / "encryption-1.crt").read_bytes()
        self.lines: LogLines = ()
        self._words = load_catalogues(Path(web.__file__).parent / "locale").default
        self._granted: list[Form] = []
        self._checked = 0

    def register(
        self,
        peer: EServicePeer | UpstreamPeer,
        *,
        contexts: tuple[str, ...] = (LOA3,),
        categories: tuple[str, ...] = (LOA3_PNR,),
        dialect: str = "sweden_connect",
    ) -> None:
        """Add a peer that declares nothing, so that levels and categories are an administrator's word."""
        if isinstance(peer, EServicePeer):
            self.installation.register(peer.metadata(), UploadKind.E_SERVICE, categories=categories)
        else:
            self.installation.register(peer.metadata(), UploadKind.UPSTREAM, contexts=contexts, dialect=dialect)

    # --- going somewhere -----------------------------------------------------------------------------------------

    def browser(self) -> Browser:
        """A browser with a cookie jar of its own."""
        return Browser(client=self.installation.app.test_client(), granted=self._granted)

    def start(self, query: str, browser: Browser | None = None) -> Page:
        """Send an AuthnRequest by Redirect, and follow as far as our own pages go."""
        browser = browser or self.browser()
        return browser.follow(browser.get(f"{SSO_PATH}?{query}"))

    def start_by_post(self, fields: Any, browser: Browser | None = None, **more: Any) -> Page:
        """Send an AuthnRequest by POST, which comes without our cookie, and follow in `browser`."""
        arrived = self.browser().post(SSO_PATH, fields, **more)
        return (browser or self.browser()).follow(arrived) if arrived.status == 303 else arrived

    def choose(self, page: Page, upstream: UpstreamPeer | None = None) -> AskedUpstream:
        """Press the button of an upstream, and read what it is asked."""
        choice = page.own_action("choice")
        assert choice, page.text
        return read_asked(page.browser.post(choice, {"upstream": (upstream or self.upstream).entity_id}))

    def login(
        self,
        *,
        e_service: EServicePeer | None = None,
        upstream: UpstreamPeer | None = None,
        bend: Callable[[RequestDraft], RequestDraft] = same,
        browser: Browser | None = None,
        relay_state: str = "opaque",
    ) -> "Login":
        """A login that has come as far as the upstream."""
        e_service, browser = e_service or self.e_service, browser or self.browser()
        draft = bend(e_service.request())
        page = self.start(e_service.query(draft, relay_state), browser)
        return self.login_from(page, draft.request_id, e_service, upstream)

    def login_from(
        self,
        page: Page,
        request_id: str,
        e_service: EServicePeer | None = None,
        upstream: UpstreamPeer | None = None,
    ) -> "Login":
        """The login that goes on from `page`, the choice."""
        upstream = upstream or self.upstream
        asked = self.choose(page, upstream) if page.own_action("choice") else read_asked(page)  # there is only one
        return Login(
            world=self,
            browser=page.browser,
            e_service=e_service or self.e_service,
            upstream=upstream,
            request_id=request_id,
            asked=asked,
            path=f"/login/{asked.relay_state.partition('.')[0]}",
        )

    def deliver(self, fields: Any, browser: Browser, **more: Any) -> Page:
        """Post to our ACS, cross-site and so without cookie, and follow what comes in `browser`."""
        parked = self.browser().post(ACS_PATH, fields, **more)
        return browser.follow(parked) if parked.status == 303 else parked

    # --- what became of it ---------------------------------------------------------------------------------------

    def assert_logs_in(self) -> None:
        """The unforged twin: a genuine login, whole, checked at the e-service."""
        login = self.login()
        assert login.assert_granted(login.answered())[PNR] == PERSON[PNR]

    def assert_refused(self, page: Page, code: str, *failed: str) -> Page:
        """`page` refuses with `code`; with `failed`, for exactly these failed checks.

        The button that takes the citizen back is pressed: what it posts must be an error. Returns the last page.
        """
        found, detail = self.ended(page)
        assert found == code, (found, detail)
        assert page.form is not None or page.title == self.title_of(code)
        if failed:
            assert detail.rpartition(" failed ")[2].split(", ") == list(failed), detail
        back = page.own_action("answer")
        last = page.browser.post(back) if back else page
        if last.form is not None:
            assert not last.form.grants
            assert self.ended(last)[0] == code
        self.assert_nothing_left()
        return last

    def assert_nothing_left(self) -> None:
        """No page so far held an assertion that `Login.assert_granted` has not looked at."""
        assert len(self._granted) == self._checked

    def title_of(self, code: str) -> str:
        """The heading of the stop page for `code`."""
        return self._words(stop_keys(code)[0])

    def ended(self, page: Page) -> tuple[str, str]:
        """The code and the detail that stand in audit or log for what `page` shows, which does not say itself."""
        if page.is_html and page.title == self.title_of(_MOVED_ON):
            return _MOVED_ON, ""  # under the reference of the login, which ended in another way
        if page.form is not None and "SAMLResponse" in page.form.fields:
            name, value = "response", page.form.response.get("ID")
        else:
            name, value = "reference", page.reference
        assert value, f"{page.status}: neither an answer nor a reference in {page.text}"
        said = [*self.lines, *self.installation.recent_events()]
        about = [one for one in said if one.get(name) == value and one.get("code") is not None]
        assert about, f"nothing is recorded about {name} {value}"
        return str(about[-1]["code"]), next((str(one["detail"]) for one in reversed(about) if one.get("detail")), "")

    def take(self, page: Page) -> Form:
        """The form of a page that grants, which from now on is accounted for."""
        assert page.form is not None, page.text
        assert page.form.grants, self.ended(page)
        self._checked += 1
        return page.form


@dataclass(slots=True, kw_only=True)
class Login:
    """A login whose citizen is at the upstream."""

    world: World
    browser: Browser
    e_service: EServicePeer
    upstream: UpstreamPeer
    request_id: str
    asked: AskedUpstream
    path: str  # of its pages
    answers: list[str] = field(default_factory=list)

    def assertion(self) -> AssertionDraft:
        """The assertion that answers perfectly."""
        return self.upstream.assertion(self.asked)

    def seal(self, assertion: str) -> str:
        """`assertion`, encrypted for the broker."""
        return seal(assertion, self.world.broker_certificate)

    def answer(
        self,
        *,
        assertion: Callable[[AssertionDraft], AssertionDraft] = same,
        in_assertion: Rewrite = same,
        content: str | None = None,
        response: Callable[[ResponseDraft], ResponseDraft] = same,
        in_response: Rewrite = same,
        keys: KeyPair | None = None,
    ) -> str:
        """A Response, signed, its assertion encrypted; perfect unless bent.

        The drafts are bent first, their texts (`in_…`) are rewritten next, and then comes the cryptography. `content`
        stands in place of the encrypted assertion.
        """
        if content is None:
            content = self.seal(in_assertion(assertion(self.assertion()).xml()))
        draft = response(self.upstream.response(self.asked, content))
        return self.upstream.sign(draft, keys, in_response)

    def deliver(self, response: str | bytes, relay_state: str | None = "", browser: Browser | None = None) -> Page:
        """Post `response`; with no `relay_state` given, with the one that belongs to this login."""
        octets = response.encode() if isinstance(response, str) else response
        fields = {"SAMLResponse": base64.b64encode(octets).decode()}
        if relay_state is not None:
            fields["RelayState"] = relay_state or self.asked.relay_state
        return self.world.deliver(fields, browser or self.browser)

    def answered(self, **bends: Any) -> Page:
        """`answer`, delivered."""
        return self.deliver(self.answer(**bends))

    def assert_granted(self, page: Page) -> dict[str, list[str]]:
        """The e-service gets an answer to its own request. Returns the values that it reads, by attribute name."""
        return values_of(self.read(page))

    def read(self, page: Page) -> etree._Element:
        """The Assertion that the e-service gets, with `page` accounted for."""
        form = self.world.take(page)
        assert form.action == self.e_service.acs
        assertion = self.e_service.read(form.fields)
        confirmation = assertion.find(".//saml2:SubjectConfirmationData", NS)
        assert confirmation is not None
        assert confirmation.get("InResponseTo") == self.request_id
        return assertion
