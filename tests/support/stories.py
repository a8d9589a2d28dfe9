"""Logins that end well, and logins that fail in every way, each full of personal values; `Told` is what to look for."""

import base64
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from support.attack_peers import PNR, asks_for
from support.citizen import Citizen, Reply
from support.key_pairs import KeyPair
from support.messages import AssertionDraft, RequestDraft, ResponseDraft, encrypted, signed, signed_query
from support.parties import LOA3, Parties
from support.peers import POST, REDIRECT
from support.personal import COORDINATED, FOREIGNER, SWEDE, values_of

from broker.demo import words
from broker.demo.attributemaps.sweden_connect import NAMES
from broker.demo.upstream import Asked, Form

AUTHN_FAILED = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
WORDS = f"{SWEDE['displayName']} {SWEDE['personalIdentityNumber']}"
NAME_ID = "anna-lena-från-kiruna"
NODE = "https://node.example"
SELECTION = "http://id.swedenconnect.se/authn/1.0/principal-selection/ns"


@dataclass(slots=True)
class Told:
    """What the stories were about, and the codes that they must have ended with."""

    values: set[str] = field(default_factory=lambda: values_of(SWEDE, COORDINATED, FOREIGNER))
    relay_states: set[str] = field(default_factory=set)
    codes: list[str] = field(default_factory=list)

    def relay_state(self) -> str:
        """A new one, to be looked for."""
        made = f"återvänd-{secrets.token_hex(12)}"
        self.relay_states.add(made)
        return made

    @property
    def everything(self) -> set[str]:
        return self.values | self.relay_states


@dataclass(slots=True, kw_only=True)
class Stories:
    """Told by citizens of their own, to one broker."""

    parties: Parties
    broker_certificate: bytes  # of its encryption key
    told: Told = field(default_factory=Told)

    def tell_all(self) -> Told:
        """Every story that ends."""
        self.log_in_in_every_way()
        self.be_refused_by_policy()
        self.be_refused_by_the_upstream()
        self.give_up()
        self.answer_wrongly()
        self.be_somebody_else()
        self.come_with_nonsense()
        return self.told

    # --- stories -----------------------------------------------------------------------------------------------------

    def log_in_in_every_way(self) -> None:
        """A resident by either binding, and a foreigner; afterwards the answer is sent again, and pages reloaded."""
        for person, foreign, binding in ((SWEDE, False, REDIRECT), (SWEDE, False, POST), (FOREIGNER, True, REDIRECT)):
            citizen, relay_state = self.parties.citizen(), self.told.relay_state()
            asked = self.parties.asked(citizen, relay_state=relay_state, foreign=foreign, binding=binding)
            form = self._granted(asked, person, foreign=foreign)
            page = self.parties.deliver(citizen, form)
            e_service = self.parties.open_e_service if foreign else self.parties.e_service
            received = self.parties.receive(page, e_service)
            assert received.relay_state == relay_state
            assert received.attributes["sn"] == (person["sn"],)
            self.told.values.add(received.name_id)
            self.told.codes += ["granted"]
            again = self.parties.deliver(citizen, form)
            assert again.status in (403, 409)
            assert citizen.get(page.url).status in (403, 409)
            stranger = self.parties.citizen()
            assert stranger.get(page.url).status == 403

    def be_refused_by_policy(self) -> None:
        """A coordination number where a personnummer is needed."""
        self._end_on_a_page("coordination-number-not-accepted", lambda asked: self._granted(asked, COORDINATED))

    def be_refused_by_the_upstream(self) -> None:
        """Error statuses whose message names the person."""
        for top, second, code in (
            (words.RESPONDER, AUTHN_FAILED, "upstream-authn-failed"),
            (words.RESPONDER, None, "upstream-refused"),
            (words.RESPONDER, "http://id.elegnamnden.se/status/1.0/fraud", "fraud"),
        ):
            self._end_on_a_page(code, lambda asked: self.parties.upstream.refuse(asked, top, second, WORDS))  # noqa: B023 — called at once

    def give_up(self) -> None:
        """At the upstream, which names the person; and here."""
        citizen = self.parties.citizen()
        asked = self.parties.asked(citizen, relay_state=self.told.relay_state())
        form = self.parties.upstream.refuse(asked, words.RESPONDER, words.CANCEL, WORDS)
        assert self.parties.receive(self.parties.deliver(citizen, form)).status[-1] == words.CANCEL
        citizen = self.parties.citizen()
        sent = self.parties.ask(self.parties.open_e_service, relay_state=self.told.relay_state())
        page = citizen.press(self.parties.arrive(citizen, sent), "cancel")
        assert self.parties.receive(page, self.parties.open_e_service).status[-1] == words.CANCEL
        self.told.codes += ["cancelled", "cancelled"]

    def answer_wrongly(self) -> None:
        """Responses that are wrong in one thing each, all of them with the person inside."""
        other_key = self._keys("bygglov")
        wrong_number = {**SWEDE, "personalIdentityNumber": "199001012386"}
        self.told.values |= values_of(wrong_number)
        answers: Sequence[tuple[str, Callable[[Asked], Form]]] = (
            ("upstream-answer-incomplete", lambda asked: self._granted(asked, wrong_number)),
            (
                "upstream-answer-incomplete",
                lambda asked: self._granted(asked, {**SWEDE, "personalIdentityNumber": WORDS}),
            ),
            ("upstream-assertion-unacceptable", lambda asked: self._drafted(asked, audience=f"https://x/{WORDS}")),
            ("upstream-assertion-unacceptable", lambda asked: self._drafted(asked, recipient=f"https://x/{WORDS}")),
            ("upstream-assertion-unacceptable", lambda asked: self._drafted(asked, name_id="")),
            ("assurance-not-met", lambda asked: self._drafted(asked, context=words.LOA2)),
            ("assurance-not-met", lambda asked: self._drafted(asked, context="urn:x:no-such-level")),
            ("upstream-assertion-undecryptable", lambda asked: self._drafted(asked, sealed_for=other_key.certificate)),
            ("upstream-assertion-undecryptable", lambda asked: self._drafted(asked, sealed_for=None)),
            ("upstream-signature-invalid", lambda asked: self._drafted(asked, keys=other_key)),
            ("upstream-assertion-undecryptable", lambda asked: self._drafted(asked, content="")),
            ("message-unreadable", lambda asked: _form(asked, f"<{WORDS}>")),
            ("message-unreadable", lambda asked: _form(asked, f'<!DOCTYPE x [<!ENTITY y "{WORDS}">]><x>&y;</x>')),
        )
        for code, answer in answers:
            self._end_on_a_page(code, answer)

    def be_somebody_else(self) -> None:
        """An e-service that says whom it expects, and another one comes."""
        number = "198611239883"
        self.told.values.add(number)
        citizen = self.parties.citizen()
        page = citizen.get(self._expecting(number))
        asked = self.parties.choose(citizen, page)
        page = self.parties.deliver(citizen, self._granted(asked, SWEDE))
        self._go_back(citizen, page)
        self.told.codes.append("upstream-unknown-principal")

    def come_with_nonsense(self) -> None:
        """Requests that are no requests, addresses that are none, and everything that a browser may send along."""
        citizen = self.parties.citizen()
        state = quote(self.told.relay_state())
        number = SWEDE["personalIdentityNumber"]
        draft = self._request().xml()
        query = signed_query(draft, self._keys("bankid"), relay_state=self.told.relay_state()).decode()
        unsigned = signed_query(draft, None, relay_state=self.told.relay_state()).decode()
        for path in (
            f"/saml/idp/sso?SAMLRequest={quote(WORDS)}&RelayState={state}",
            f"/saml/idp/sso?SAMLRequest=fVA%3D&RelayState={state}&RelayState={number}",
            f"/saml/idp/sso?{query}",
            f"/saml/idp/sso?{unsigned}",
            f"/saml/idp/sso?{query[:-9]}",
            f"/saml/idp/sso?RelayState={state}",
            f"/saml/sp/acs?SAMLResponse={quote(WORDS)}&RelayState={state}",
            f"/nosuch/{number}?RelayState={state}",
            f"/login/{number}",
            f"/login/{number}/continue?q={quote(WORDS)}",
            f"/static/{quote(WORDS)}",
        ):
            assert 400 <= citizen.get(f"{self.parties.base_url}{path}").status < 500, path
        fields = {"SAMLRequest": base64.b64encode(f"<{WORDS}/>".encode()).decode(), "RelayState": WORDS}
        for form in (fields, {"RelayState": WORDS}, {"SAMLRequest": "x" * 600_000, "RelayState": WORDS}):
            assert 400 <= citizen.post_from_elsewhere(f"{self.parties.base_url}/saml/idp/sso", form).status < 500
        headers = {
            "Cookie": f"broker={number}; broker-session={number}; x={quote(WORDS)}",
            "Accept-Language": number,
            "User-Agent": number,
            "Referer": f"https://bygglov.example.se/?{number}",
            "X-Forwarded-For": number,
            "X-Request-Id": number,
        }
        for path in ("/login/x", "/nosuch", "/health/ready", "/saml/idp/sso"):
            self.parties.seen.append(self.parties.send("GET", path, headers, b""))

    # --- logins that are left half way -----------------------------------------------------------------------------

    def leave_half_way(self) -> int:
        """Logins in each state that waits for something; how many."""
        chooser = self.parties.citizen()
        self.parties.arrive(chooser, self.parties.ask(self.parties.open_e_service, relay_state=self.told.relay_state()))
        self.parties.asked(self.parties.citizen(), relay_state=self.told.relay_state())
        unbound = self.parties.ask(self.parties.open_e_service, relay_state=self.told.relay_state(), binding=POST)
        assert self.parties.citizen().park(unbound.url, unbound.fields or {}).status == 303
        self.parties.citizen().get(self._expecting("198611239883"))
        for foreign in (False, True):
            citizen = self.parties.citizen()
            asked = self.parties.asked(citizen, relay_state=self.told.relay_state(), foreign=foreign)
            person = FOREIGNER if foreign else SWEDE
            form = self._granted(asked, person, foreign=foreign)
            assert citizen.park(form.url, form.fields).status == 303  # decided, and nobody has fetched it
            self.told.codes.append("granted")
        return 6

    # --- parts -------------------------------------------------------------------------------------------------------

    def _end_on_a_page(self, code: str, answer: Callable[[Asked], Form]) -> None:
        citizen = self.parties.citizen()
        asked = self.parties.asked(citizen, relay_state=self.told.relay_state())
        page = self.parties.deliver(citizen, answer(asked))
        self._go_back(citizen, page)
        self.told.codes.append(code)

    def _go_back(self, citizen: Citizen, page: Reply) -> None:
        """A page explains, and where it has the button, the e-service is told."""
        assert page.status < 500, page.text
        assert page.reference, page.text
        assert not page.posts
        if "/answer" in page.text:
            _, fields = citizen.press(page, "answer").form()
            assert "Assertion" not in base64.b64decode(fields["SAMLResponse"]).decode()

    def _granted(self, asked: Asked, person: dict[str, str], *, foreign: bool = False) -> Form:
        upstream, level = (self.parties.connector, words.EIDAS_NF_HIGH) if foreign else (self.parties.upstream, LOA3)
        form = upstream.grant(asked, person, level, person=person["sn"], authorities=(NODE,) if foreign else ())
        name_id = upstream._name_id(asked, person["sn"]).text  # pairwise, so the same again
        self.told.values.add(name_id)
        return form

    def _drafted(
        self,
        asked: Asked,
        *,
        sealed_for: bytes | None = b"",
        keys: KeyPair | None = None,
        content: str | None = None,
        **changes: str,
    ) -> Form:
        """A signed Response with the person in it, and one thing changed."""
        self.told.values.add(NAME_ID)
        entity_id, now = self.parties.upstream.party.entity_id, datetime.now(UTC)
        draft = AssertionDraft(
            issuer=entity_id,
            audience=f"{self.parties.base_url}/saml/sp",
            recipient=asked.answer_url,
            in_response_to=asked.request_id,
            now=now,
            context=LOA3,
            values={NAMES[name]: [value] for name, value in SWEDE.items()},
            assertion_id=f"_{secrets.token_hex(16)}",
            name_id=NAME_ID,
        )
        if content is None:
            xml = replace(draft, **changes).xml()  # type: ignore[arg-type]  # the dataclass checks the names
            content = xml if sealed_for is None else encrypted(xml, sealed_for or self.broker_certificate)
        response = ResponseDraft(
            issuer=entity_id,
            destination=asked.answer_url,
            in_response_to=asked.request_id,
            issued=now,
            content=content,
            response_id=f"_{secrets.token_hex(16)}",
        )
        own = keys or self._keys("bankid")
        xml = signed(response.xml(), own, element="saml2p:Response", reference=response.response_id)
        return _form(asked, xml)

    def _keys(self, party: str) -> KeyPair:
        files = self.parties.peers.keys.of(party)
        return KeyPair(key=files.key.read_bytes(), certificate=files.certificate.read_bytes())

    def _request(self, children: str = "") -> RequestDraft:
        return RequestDraft(
            issuer=self.parties.e_service.party.entity_id,
            destination=f"{self.parties.idp}/sso",
            issued=datetime.now(UTC),
            request_id=f"_{secrets.token_hex(16)}",
            children=children,
        )

    def _expecting(self, number: str) -> str:
        """The address with a request that says who is expected."""
        value = f'<psc:MatchValue Name="{PNR}">{number}</psc:MatchValue>'
        selection = f'<psc:PrincipalSelection xmlns:psc="{SELECTION}">{value}</psc:PrincipalSelection>'
        request = self._request(f"<saml2p:Extensions>{selection}</saml2p:Extensions>{asks_for(LOA3)}")
        query = signed_query(request.xml(), self._keys("bygglov"), relay_state=self.told.relay_state())
        return f"{request.destination}?{query.decode()}"


def _form(asked: Asked, xml: str) -> Form:
    packed = base64.b64encode(xml.encode()).decode()
    return Form(url=asked.answer_url, fields={"SAMLResponse": packed, "RelayState": asked.relay_state or ""})
