"""The production aggregate of Sweden Connect of August 2022 through the real command, at the time when it was valid.

Debian's faketime is set around the command; the command itself knows of no other time.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.attack_peers import LOA3, LOA3_PNR, EServicePeer, asks_for
from support.citizen import Citizen, over_http
from support.messages import RequestDraft, signed_query
from support.programs import free_port, need_program, running
from support.real_broker import HOST, wait_until
from support.running_broker import clean_environment

pytestmark = pytest.mark.services

THEN = "2022-08-20"
BASE_URL = "https://login.example.se"
UNCERTIFIED_LOA3 = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
FREJA = "https://idp-sweden-connect-valfr-2017.prod.frejaeid.com"
CONNECTOR = "https://connector.eidas.swedenconnect.se/eidas"
SOURCE = "https://md.swedenconnect.se/role/idp.xml"
ESKILSTUNA = "https://idp1.eskilstuna.se/saml/authenticate/swedenconnect"
PENSIONS = "https://bankididp.pensionsmyndigheten.se/"
CONTRACTS = (
    "http://id.swedenconnect.se/contract/sc/eid-choice-2017",
    "http://id.swedenconnect.se/contract/pensionsmyndigheten",
)
"""What the organisation has signed: with Freja's operator, and with the owner of an IdP for uncertified levels."""

NAMES = {
    PENSIONS: "Pensionsmyndighetens BankID IdP",
    CONNECTOR: "Utländskt eID",
    "https://eid.legitimeringstjanst.se/sc/bankid/": "BankID",
    "https://eid.legitimeringstjanst.se/sc/mobilt-bankid/": "Mobilt BankID",
    "https://eid.legitimeringstjanst.se/sc/telia-browserplugin/": "Telia e-legitimation",
    FREJA: "Freja eID Plus",
    ESKILSTUNA: "Eskilstuna kommun",
    "urn:idp.ciceron.cloud:saml20:polismyndigheten": "Polismyndigheten IdP",
    "urn:visma:idp.ciceron.cloud:saml20": "Visma IdP",
    "urn:visma:idp.ciceron.cloud:saml20.bankid": "BankID",
    "urn:visma:idp.ciceron.cloud:saml20.bankid-mobile": "Mobilt BankID",
    "urn:visma:idp.ciceron.cloud:saml20.telia": "Telia",
}
E_SERVICE = EServicePeer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A broker of 2022, and the files."""

    folder: Path
    data: Path

    @property
    def config(self) -> Path:
        return self.folder / "broker.toml"

    def command(self, *arguments: str | Path, now: bool = False) -> list[str]:
        """`broker ARGUMENTS`, in August 2022 or `now`."""
        clock = [] if now else [need_program("faketime", "faketime"), THEN]
        return [*clock, sys.executable, "-m", "broker", *map(str, arguments)]

    def run(self, *arguments: str | Path, now: bool = False) -> subprocess.CompletedProcess[str]:
        """What it did."""
        command = self.command(*arguments, "--config", self.config, now=now)
        return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)

    def done(self, *arguments: str | Path) -> str:
        """What it printed; it must succeed."""
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    def add(self, file: str | Path, signer: str = "prod", *, now: bool = False) -> subprocess.CompletedProcess[str]:
        """Add an aggregate."""
        certificate = self.data / "certs" / f"swedenconnect-{signer}-metadata-signer.crt"
        more = ("--kind", "federation", "--signer", certificate, "--json")
        return self.run("metadata", "add", self.data / file, *more, now=now)

    def peers(self) -> dict[str, Any]:
        """What `list` says, by entityID."""
        return {peer["entity_id"]: peer for peer in json.loads(self.done("metadata", "list", "--json"))["peers"]}


GENUINE = Path("derived") / "prod-role-idp_2022-08-16_restored.xml"
EDITED = Path("sweden-connect") / "prod-role-idp_2022-08-16_validuntil-edited.xml"
SHA1 = Path("other-federations") / "swamid-1.0.xml"


@pytest.fixture(scope="module")
def then(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Then:
    """The aggregate is active, and so is one e-service."""
    root = tmp_path_factory.mktemp("then")
    made = Then(folder=root / "broker", data=shared_data / "metadata")
    options = ("--base-url", BASE_URL, "--environment", "production", "--assurance", "hub", "--keys", "p256")
    done = subprocess.run(made.command("init", made.folder, *options), env=clean_environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    signed = ", ".join(f'"{contract}"' for contract in CONTRACTS)
    text = made.config.read_text(encoding="utf-8").replace("[service]", f"[service]\ncontracts = [{signed}]")
    made.config.write_text(text, encoding="utf-8")
    added = made.add(GENUINE)
    assert added.returncode == 0, added.stdout + added.stderr
    e_service = root / "bygglov.xml"
    e_service.write_text(E_SERVICE.metadata(), encoding="utf-8")
    made.done("metadata", "add", e_service, "--kind", "e-service", "--category", LOA3_PNR)
    return made


def test_every_idp_is_listed_with_its_swedish_name(then: Then) -> None:
    upstreams = {entity: peer["name"] for entity, peer in then.peers().items() if peer["kind"] == "upstream"}
    assert upstreams == NAMES
    table = then.done("metadata", "list")
    assert all(name in table for name in NAMES.values())
    assert SOURCE in table


def test_every_idp_is_listed_with_its_levels_and_categories(then: Then) -> None:
    peers = {entity: peer for entity, peer in then.peers().items() if peer["kind"] == "upstream"}
    assert all(peer["levels"] and peer["categories"] for peer in peers.values())
    assert {LOA3, "http://id.elegnamnden.se/loa/1.0/loa3-sigmessage"} <= set(peers[FREJA]["levels"])
    assert "http://id.elegnamnden.se/sprop/1.0/mobile-auth" in peers[FREJA]["categories"]
    assert "http://id.elegnamnden.se/loa/1.0/eidas-nf-high" in peers[CONNECTOR]["levels"]
    assert LOA3 not in peers["https://eid.legitimeringstjanst.se/sc/bankid/"]["levels"]


def test_each_can_be_shown(then: Then) -> None:
    for entity_id in (FREJA, CONNECTOR):
        assert NAMES[entity_id] in then.done("metadata", "show", entity_id)


@pytest.mark.parametrize(
    ("file", "signer", "rule"),
    [
        pytest.param(EDITED, "prod", "signature-content-changed", id="its edited twin"),
        pytest.param(GENUINE, "qa", "signature-wrong-signer", id="another signer"),
        pytest.param(SHA1, "prod", "signature-algorithm-refused", id="SHA-1"),
    ],
)
def test_what_cannot_be_trusted_is_refused_and_what_is_active_stays(
    then: Then, file: Path, signer: str, rule: str
) -> None:
    before = json.loads(then.done("metadata", "history", "--json"))
    assert_refused(then.add(file, signer), rule)
    assert json.loads(then.done("metadata", "history", "--json")) == before


def test_it_has_expired_by_now(then: Then) -> None:
    assert_refused(then.add(GENUINE, now=True), "expired")
    assert then.run("explain", "--e-service", E_SERVICE.entity_id, now=True).returncode == 1


def test_a_dtd_is_refused(then: Then, tmp_path: Path) -> None:
    text = (then.data / GENUINE).read_text(encoding="utf-8")
    declaration, _, rest = text.partition("?>")
    forged = tmp_path / "dtd.xml"
    forged.write_text(f'{declaration}?><!DOCTYPE md:EntitiesDescriptor [<!ENTITY x "y">]>{rest}', encoding="utf-8")
    assert_refused(then.add(forged), "document-has-dtd")


def assert_refused(outcome: subprocess.CompletedProcess[str], rule: str) -> None:
    """Exit 1, and the one finding that says why; a version stays active."""
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    report = json.loads(outcome.stdout)
    assert report["refused"]
    assert report["active"] == report["before"]
    assert [finding["rule"] for finding in report["findings"] if finding["severity"] == "blocks"] == [rule]


def test_adding_it_again_changes_nothing(then: Then) -> None:
    again = then.add(GENUINE)
    assert again.returncode == 0
    assert json.loads(again.stdout)["after"] is None


def reasons(report: Any) -> dict[str, set[str]]:
    """Why who is not offered."""
    found: dict[str, set[str]] = {}
    for out in report["excluded"]:
        found.setdefault(out["reason"], set()).add(out["upstream"])
    return found


def test_an_e_service_is_offered_those_who_reach_loa3_under_a_contract(then: Then) -> None:
    report = json.loads(then.done("explain", "--e-service", E_SERVICE.entity_id, "--loa", LOA3, "--json"))
    assert {offer["upstream"]: offer["asserted"] for offer in report["offers"]} == {
        FREJA: {LOA3: LOA3},
        ESKILSTUNA: {LOA3: LOA3},
    }
    assert reasons(report) == {"cannot-reach-assurance": set(NAMES) - {FREJA, ESKILSTUNA}}


def test_with_the_level_left_to_the_category_uncertified_idps_with_a_contract_are_offered_too(then: Then) -> None:
    report = json.loads(then.done("explain", "--e-service", E_SERVICE.entity_id, "--json"))
    assert report["accepted"] == [LOA3, UNCERTIFIED_LOA3]
    offered = {FREJA, ESKILSTUNA, PENSIONS}
    assert {offer["upstream"] for offer in report["offers"]} == offered
    assert reasons(report) == {
        "cannot-reach-assurance": {CONNECTOR},
        "no-common-contract": set(NAMES) - offered - {CONNECTOR},
    }


def test_check_has_nothing_against_it(then: Then) -> None:
    remarks = json.loads(then.done("check", "--json"))
    assert not [remark for remark in remarks if remark["severity"] != "information"]


def test_check_says_when_it_has_expired(then: Then) -> None:
    checked = then.run("check", "--json", now=True)
    assert any(remark["severity"] == "warning" and SOURCE in remark["what"] for remark in json.loads(checked.stdout))


@pytest.fixture(scope="module")
def citizen(then: Then) -> Iterator[Citizen]:
    """Somebody at the served broker, behind what would be its TLS terminator."""
    bind = f"{HOST}:{free_port(HOST)}"
    command = then.command("serve", "--bind", bind, "--workers", "1", "--config", then.config)
    with running(command, folder=then.folder, name="serve", env=clean_environment()) as program:
        program.wait_for(f"http://{bind}/health/live")
        send = over_http(BASE_URL, listening=f"http://{bind}")
        yield Citizen(send=send, base_url=BASE_URL, seen=[])


def test_a_citizen_chooses_among_them_and_is_sent_to_the_one(citizen: Citizen) -> None:
    now = parsedate_to_datetime(citizen.get(f"{BASE_URL}/health/live").header("Date"))
    assert datetime(2022, 8, 19, tzinfo=UTC) < now < datetime(2022, 8, 21, tzinfo=UTC)
    draft = RequestDraft(
        issuer=E_SERVICE.entity_id,
        destination=f"{BASE_URL}/saml/idp/sso",
        issued=now,
        request_id="_real",
        children=asks_for(LOA3, UNCERTIFIED_LOA3),
    )
    page = citizen.get(f"{draft.destination}?{signed_query(draft.xml(), E_SERVICE.keys).decode()}")
    assert set(page.offers) == {FREJA, ESKILSTUNA, PENSIONS}
    assert all(NAMES[entity_id] in page.text for entity_id in page.offers)
    action, fields = citizen.press(page, "choice", upstream=FREJA).form()
    assert urlsplit(action).hostname == urlsplit(FREJA).hostname
    assert fields["SAMLRequest"]


def test_a_running_broker_notices_that_they_were_removed_and_came_back(then: Then, citizen: Citizen) -> None:
    def is_warned() -> bool:
        return "no active upstream" in citizen.get(f"{BASE_URL}/health/ready").text

    assert not is_warned()
    then.done("metadata", "remove", SOURCE)
    wait_until(is_warned)
    assert then.add(GENUINE).returncode == 0
    wait_until(lambda: not is_warned())
