"""One scripted login through every kind of upstream, and what must come of it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.demo import words
from broker.demo.browser import BrowserStopped, PlainBrowser
from broker.demo.federation import EServiceParty, Federation, Option, UpstreamParty
from broker.demo.personas import COORDINATION, EMPLOYEE, FINNISH, GREEK, PERSONAS, POSTED, PROTECTED, RESIDENT, Persona
from broker.demo.visitor import Intention, Outcome, Visitor

NOT_TELLING = frozenset(
    {"c", "gender", "pridPersistence", "o", "organizationIdentifier", "personalIdentityNumberBinding"}
)
"""Attributes whose values may stand on the broker's pages without telling who somebody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One login to try. With `status`, it must end in that refusal; else in an assertion for `persona`."""

    title: str
    e_service: str
    upstream: str | None  # None: the visitor cancels at the broker
    persona: Persona | None = None
    upstream_level: str = words.LOA3
    level: str = words.LOA3  # as the e-service must receive it
    country: str | None = None  # chosen on the connector's page
    named_country: str | None = None  # named in the request
    ticks: tuple[tuple[str, str], ...] = ()
    authority: str | None = None  # whom the upstream names behind itself
    transient: bool = False  # a NameID for this login only
    choice: bool = True  # there is more than one upstream, so the broker must ask which
    status: tuple[str, str] | None = None
    told: bool = False  # the broker must first show the visitor why it refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one login went. `problems` is empty when all was as it must be."""

    login: Login
    seconds: float
    received: str
    problems: tuple[str, ...]


def the_logins() -> tuple[Login, ...]:
    """Every kind of upstream, every persona, every way to be refused."""
    connector: dict[str, Any] = {"e_service": "etablering", "upstream": "eidas"}
    finland: dict[str, Any] = {
        **connector,
        "persona": FINNISH,
        "upstream_level": words.EIDAS_NF_HIGH,
        "level": words.UNCERTIFIED_EIDAS_HIGH,
        "authority": "https://eidas.fi.example/proxy",
    }
    post = (("post", "1"), ("force", "1"))
    return (
        Login(title="resident", e_service="bygglov", upstream="bankid", persona=RESIDENT),
        Login(title="resident, other eID", e_service="bygglov", upstream="freja", persona=RESIDENT),
        Login(
            title="resident, POST and ForceAuthn", e_service="bygglov", upstream="bankid", persona=RESIDENT, ticks=post
        ),
        Login(
            title="resident, transient NameID",
            e_service="bygglov",
            upstream="bankid",
            persona=RESIDENT,
            ticks=(("transient", "1"),),
            transient=True,
        ),
        Login(
            title="resident at level 2",
            e_service="bygglov",
            upstream="freja",
            persona=RESIDENT,
            ticks=(("levels", "ticked"), ("level", words.LOA2)),
            upstream_level=words.LOA2,
            level=words.LOA2,
            choice=False,
        ),
        Login(title="resident, other e-service", e_service="etablering", upstream="bankid", persona=RESIDENT),
        Login(title="protected identity", e_service="bygglov", upstream="bankid", persona=PROTECTED),
        Login(title="protected identity, other eID", e_service="bygglov", upstream="freja", persona=PROTECTED),
        Login(title="coordination number", e_service="etablering", upstream="bankid", persona=COORDINATION),
        Login(title="coordination number, other eID", e_service="etablering", upstream="freja", persona=COORDINATION),
        Login(title="Finnish visitor", country="FI", **finland),
        Login(title="Finnish visitor, country named", named_country="FI", choice=False, **finland),
        Login(
            title="Greek visitor",
            persona=GREEK,
            country="GR",
            upstream_level=words.EIDAS_NF_SUB,
            level=words.UNCERTIFIED_EIDAS_SUB,
            authority="https://eidas.gr.example/proxy",
            **connector,
        ),
        Login(title="employee", e_service="personal", upstream="tjansteid", persona=EMPLOYEE),
        Login(
            title="employee without Swedish number",
            e_service="personal",
            upstream="freja",
            persona=POSTED,
            upstream_level=words.LOA3_NONRESIDENT,
            level=words.LOA3_NONRESIDENT,
        ),
        Login(
            title="coordination number, no opt-in",
            e_service="bygglov",
            upstream="bankid",
            persona=COORDINATION,
            status=(words.REQUESTER, words.REQUEST_DENIED),
            told=True,
        ),
        Login(
            title="cancel at the eID", e_service="bygglov", upstream="bankid", status=(words.RESPONDER, words.CANCEL)
        ),
        Login(title="cancel abroad", country="FI", status=(words.RESPONDER, words.CANCEL), **connector),
        Login(title="cancel at the broker", e_service="bygglov", upstream=None, status=(words.RESPONDER, words.CANCEL)),
        Login(
            title="a level that nobody has",
            e_service="bygglov",
            upstream=None,
            ticks=(("levels", "ticked"), ("level", words.LOA4)),
            status=(words.REQUESTER, words.NO_AUTHN_CONTEXT),
            told=True,
        ),
        Login(
            title="passive",
            e_service="bygglov",
            upstream=None,
            ticks=(("passive", "1"),),
            status=(words.REQUESTER, words.NO_PASSIVE),
        ),
    )


def expected_attributes(login: Login, e_service: EServiceParty, upstream: UpstreamParty) -> Mapping[str, str]:
    """What the e-service must receive beside transaction data: all that its categories promise, and nothing more."""
    persona = login.persona
    if persona is None:
        return {}
    promised = {name for category in e_service.categories for name in words.ATTRIBUTE_SETS.get(category, ())}
    known = dict(persona.attributes)
    if upstream.countries:  # the eIDAS set has no displayName; the broker makes one
        known["displayName"] = f"{known['givenName']} {known['sn']}"
    elif upstream.knows is not None:
        known = {name: value for name, value in known.items() if name in upstream.knows}
    return {name: value for name, value in known.items() if name in promised}


class Once:
    """Runs the logins one after the other, each in a fresh browser, and remembers NameIDs to compare them."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._name_ids: dict[tuple[str, str], str] = {}  # by e-service and persona

    def run(self, logins: Sequence[Login], report: Callable[[Result], None]) -> None:
        """Try `logins`, reporting each."""
        for login in logins:
            report(self._try(login))

    def _try(self, login: Login) -> Result:
        upstream = self._federation.upstreams[login.upstream] if login.upstream else None
        e_service = self._federation.e_services[login.e_service]
        ticks = login.ticks
        if login.named_country:
            ticks = (*ticks, ("country", login.named_country))
        intention = Intention(
            e_service=e_service,
            upstream=upstream,
            option=Option(persona=login.persona, level=login.upstream_level).key if login.persona else "cancel",
            country=login.country,
            ticks=ticks,
        )
        begun = time.monotonic()
        try:
            outcome = Visitor(self._federation, PlainBrowser()).log_in(intention)
        except BrowserStopped as problem:
            return Result(login=login, seconds=time.monotonic() - begun, received="-", problems=(str(problem),))
        seconds = time.monotonic() - begun
        problems = [*self._check_pages(outcome)]
        if login.status is not None:
            problems += _check_refusal(login, outcome)
        elif upstream is not None:
            problems += self._check_grant(login, e_service, upstream, outcome)
        return Result(login=login, seconds=seconds, received=_summary(outcome.received), problems=tuple(problems))

    def _check_grant(
        self, login: Login, e_service: EServiceParty, upstream: UpstreamParty, outcome: Outcome
    ) -> list[str]:
        received = outcome.received
        if received["status"]:
            return [f"refused: {' '.join(received['status'])}"]
        problems = []
        if outcome.chose != login.choice:
            problems.append("the broker asked needlessly" if outcome.chose else "the broker did not ask which eID")
        attributes = dict(received["attributes"])
        if len(attributes.pop("transactionIdentifier", ())) != 1:
            problems.append("transactionIdentifier is missing")
        expected = expected_attributes(login, e_service, upstream)
        for name in sorted(expected.keys() | attributes.keys()):
            values, wanted = attributes.get(name), expected.get(name)
            if values is None:
                problems.append(f"{name} is missing")
            elif wanted is None:
                problems.append(f"{name} was not to be released")
            elif values != [wanted]:
                problems.append(f"{name} has another value")
        authorities = [upstream.entity_id, *([login.authority] if login.authority else [])]
        ciphers = e_service.ciphers or (words.AES128_CBC, words.AES256_CBC, words.AES192_CBC)
        facts: Mapping[str, tuple[Any, bool]] = {
            "level": (received["level"], received["level"] == login.level),
            "AuthenticatingAuthority": (received["authorities"], received["authorities"] == authorities),
            "Issuer": (received["issuer"], received["issuer"] == f"{self._federation.broker}/saml/idp"),
            "cipher": (received["cipher"], received["cipher"] in ciphers),
            "assertion signature": (
                received["assertion_signed"],
                received["assertion_signed"] == e_service.want_assertions_signed,
            ),
        }
        problems += [f"{name} is {value}" for name, (value, right) in facts.items() if not right]
        return problems + self._check_name_id(login, received)

    def _check_name_id(self, login: Login, received: Mapping[str, Any]) -> list[str]:
        persona = login.persona.key if login.persona else ""
        mine = (login.e_service, f"{persona} {len(self._name_ids)}" if login.transient else persona)
        name_id = received["name_id"]
        problems = []
        if received["name_id_format"].endswith(":transient") != login.transient:
            problems.append(f"NameID is {received['name_id_format']}")
        if self._name_ids.setdefault(mine, name_id) != name_id:
            problems.append("NameID differs from an earlier login of the same person here")
        if any(known == name_id and owner != mine for owner, known in self._name_ids.items()):
            problems.append("NameID is that of somebody else, or elsewhere")
        if any(value in name_id for person in PERSONAS for value in person.attributes.values() if len(value) > 3):
            problems.append("NameID tells who somebody is")
        return problems

    def _check_pages(self, outcome: Outcome) -> list[str]:
        """Nobody's name or number ever stands on a page of the broker."""
        telling = {
            value
            for persona in PERSONAS
            for name, value in persona.attributes.items()
            if name not in NOT_TELLING and len(value) > 3
        }
        told = [page for page in outcome.broker_pages if any(value in page.body for value in telling)]
        failed = [page for page in outcome.broker_pages if page.status >= 500]
        problems = [f"a page of the broker shows personal data: {page.url.split('?')[0]}" for page in told]
        return problems + [f"the broker answered {page.status}: {page.url.split('?')[0]}" for page in failed]


def _check_refusal(login: Login, outcome: Outcome) -> list[str]:
    status = tuple(outcome.received["status"])
    problems = [] if status == login.status else [f"status is {' '.join(status) or 'success'}"]
    if outcome.told != login.told:
        problems.append("the broker explained a refusal needlessly" if outcome.told else "the broker explained nothing")
    return problems


def _summary(received: Mapping[str, Any]) -> str:
    if received["status"]:
        return " / ".join(code.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for code in received["status"])
    return f"{received['level'].rsplit('/', 1)[-1]}, {len(received['attributes'])} attributes"
