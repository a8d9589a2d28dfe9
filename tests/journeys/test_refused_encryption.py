"""An upstream that encrypts as pysaml2 does by default, or not at all, logs nobody in; its twin by AES does.

The upstream here is in the test's own process with the key of the demo's, so its answers are genuine otherwise.
"""

import base64
from urllib.parse import parse_qsl, urlsplit

import pytest
from saml2.config import IdPConfig
from saml2.server import Server
from saml2.sigver import TRIPLE_DES_CBC
from support.peers import REDIRECT
from support.programs import fetch

from broker.demo import words
from broker.demo.browser import PlainBrowser, WebForm, WebPage
from broker.demo.keys import key_files
from broker.demo.peer_config import upstream_settings
from broker.demo.personas import RESIDENT
from broker.demo.run import RunningDemo
from broker.demo.upstream import Asked, SimulatedUpstream

pytestmark = pytest.mark.services


class AtTheUpstream:
    """A browser that has been sent to BankID, and that upstream in our hands."""

    def __init__(self, demo: RunningDemo) -> None:
        self.party = demo.federation.upstreams["bankid"]
        self.keys = key_files(demo.folder, self.party.key)
        self.metadata = {"inline": [fetch(demo.federation.broker_sp_metadata).decode()]}
        self.upstream = SimulatedUpstream(self.party, self.keys, self.metadata)
        self.browser = PlainBrowser()
        self._e_service = demo.federation.e_services["bygglov"]
        self._page = self._go()
        [sso] = [page.url for page in self.browser.pages if page.url.startswith(f"{self.party.sso}?")]
        self.asked = self.upstream.read_request(REDIRECT, dict(parse_qsl(urlsplit(sso).query)))

    def _go(self) -> WebPage:
        start = self.browser.open(f"{self._e_service.base}/")
        chooser = self.browser.press(start, start.forms[0])
        for form in chooser.forms:
            if button := form.button("upstream", self.party.entity_id):
                return self.browser.press(chooser, form, button)
        raise AssertionError("BankID is not offered")

    def answer(self, xml_base64: str) -> WebPage:
        """The page after the answer was posted, on the way or at the e-service."""
        form = WebForm(method="post", action=self.asked.answer_url)
        form.fields = [("SAMLResponse", xml_base64), ("RelayState", self.asked.relay_state or "")]
        page = self.browser.press(self._page, form)
        forms = [form for form in page.forms if form.value("SAMLResponse")]
        return self.browser.press(page, forms[0]) if forms else page


@pytest.fixture
def arrived(demo: RunningDemo) -> AtTheUpstream:
    """A login that waits for the upstream's answer."""
    return AtTheUpstream(demo)


def grant(arrived: AtTheUpstream, cipher: str) -> str:
    attributes = {name: value for name, value in RESIDENT.attributes.items() if name != "dateOfBirth"}
    attributes["transactionIdentifier"] = "order-1"
    form = arrived.upstream.grant(arrived.asked, attributes, words.LOA3, person="resident", cipher=cipher)
    return form.fields["SAMLResponse"]


def plain(arrived: AtTheUpstream, asked: Asked) -> str:
    """The same answer by pysaml2's own call, signed and not encrypted."""
    server = Server(config=IdPConfig().load(upstream_settings(arrived.party, arrived.keys, arrived.metadata)))
    response = server.create_authn_response(
        {name: [value] for name, value in RESIDENT.attributes.items()},
        asked.request_id,
        asked.answer_url,
        asked.sender,
        userid="resident",
        authn={"class_ref": words.LOA3},
        sign_response=True,
        encrypt_assertion=False,
    )
    return base64.b64encode(str(response).encode()).decode()


def is_logged_in(page: WebPage) -> bool:
    return "/received/" in page.url and 'id="level"' in page.body


def test_the_twin_by_aes_logs_in(arrived: AtTheUpstream) -> None:
    assert is_logged_in(arrived.answer(grant(arrived, words.AES128_CBC)))


def test_3des_logs_nobody_in(arrived: AtTheUpstream) -> None:
    page = arrived.answer(grant(arrived, TRIPLE_DES_CBC))
    assert not is_logged_in(page)
    assert page.status < 500


def test_an_assertion_in_the_clear_logs_nobody_in(arrived: AtTheUpstream) -> None:
    page = arrived.answer(plain(arrived, arrived.asked))
    assert not is_logged_in(page)
    assert page.status < 500
