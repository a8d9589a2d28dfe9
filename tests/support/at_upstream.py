"""A login that has come to an upstream, and that upstream in the test's own hands.

It has the key of the demo's, so that its answers are genuine but for what the test makes of them.
"""

from urllib.parse import parse_qsl, urlsplit

from support.peers import REDIRECT
from support.programs import fetch

from broker.demo import words
from broker.demo.browser import PlainBrowser, WebForm, WebPage
from broker.demo.keys import key_files
from broker.demo.personas import RESIDENT
from broker.demo.run import RunningDemo
from broker.demo.upstream import SimulatedUpstream


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

    def grant(self, cipher: str = words.AES256_CBC) -> str:
        """A Response that says who the resident is, in base64."""
        attributes = {name: value for name, value in RESIDENT.attributes.items() if name != "dateOfBirth"}
        attributes["transactionIdentifier"] = "order-1"
        form = self.upstream.grant(self.asked, attributes, words.LOA3, person="resident", cipher=cipher)
        return form.fields["SAMLResponse"]

    def answer(self, xml_base64: str, browser: PlainBrowser | None = None) -> WebPage:
        """The page after the answer was posted, on the way or at the e-service; by another browser, when given."""
        form = WebForm(method="post", action=self.asked.answer_url)
        form.fields = [("SAMLResponse", xml_base64), ("RelayState", self.asked.relay_state or "")]
        page = (browser or self.browser).press(self._page, form)
        forms = [form for form in page.forms if form.value("SAMLResponse")]
        return (browser or self.browser).press(page, forms[0]) if forms else page
