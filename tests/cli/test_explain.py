"""`broker explain`: who would be offered, at which level, with which attributes, and why not the others."""

from pathlib import Path
from typing import Any

import pytest
from support.attack_peers import LOA2, LOA3, LOA3_PNR, LOA4, PNR, EServicePeer, UpstreamPeer, requires
from support.command_line import Folder, make_folder

BYGGLOV, BOSTAD, PERSONAL = EServicePeer(), EServicePeer("bostad", requires(PNR)), EServicePeer("personal")
HIGH, LOW, BOTH = UpstreamPeer("high"), UpstreamPeer("low"), UpstreamPeer("both")
UNCERTIFIED = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Three e-services and three upstreams; one of the e-services may use one upstream only."""
    root = tmp_path_factory.mktemp("explain")
    folder = make_folder(root / "broker")

    def add(peer: EServicePeer | UpstreamPeer, kind: str, *more: str) -> None:
        file = root / f"{peer.name}.xml"
        file.write_text(peer.metadata())
        folder.done("metadata", "add", file, "--kind", kind, *more)

    add(BYGGLOV, "e-service", "--category", LOA3_PNR)
    add(BOSTAD, "e-service")
    add(PERSONAL, "e-service", "--category", LOA3_PNR)
    add(HIGH, "upstream", "--loa", LOA3)
    add(LOW, "upstream", "--loa", LOA2)
    add(BOTH, "upstream", "--loa", LOA2, "--loa", LOA3)
    folder.done("metadata", "set", PERSONAL.entity_id, "--upstream", LOW.entity_id)
    return folder


def explained(broker: Folder, e_service: EServicePeer, *more: str, code: int = 0) -> Any:
    outcome = broker.run("explain", "--e-service", e_service.entity_id, *more, "--json")
    assert outcome.code == code, outcome.err
    return outcome.json


def offered(report: Any) -> dict[str, dict[str, str]]:
    return {offer["upstream"]: offer["asserted"] for offer in report["offers"]}


def excluded(report: Any) -> dict[str, str]:
    return {out["upstream"]: out["reason"] for out in report["excluded"]}


def test_a_category_decides_when_no_level_is_asked(broker: Folder) -> None:
    report = explained(broker, BYGGLOV)
    assert report["accepted"] == [LOA3, UNCERTIFIED]
    assert offered(report) == {HIGH.entity_id: {LOA3: LOA3}, BOTH.entity_id: {LOA3: LOA3}}
    assert excluded(report) == {LOW.entity_id: "cannot-reach-assurance"}


def test_without_category_and_level_the_default_counts(broker: Folder) -> None:
    assert explained(broker, BOSTAD)["accepted"] == [LOA4, LOA3]


@pytest.mark.parametrize(
    ("asked", "offers"),
    [
        pytest.param((LOA2,), {LOW.entity_id: {LOA2: LOA2}, BOTH.entity_id: {LOA2: LOA2}}, id="loa2, not more"),
        pytest.param((LOA3,), {HIGH.entity_id: {LOA3: LOA3}, BOTH.entity_id: {LOA3: LOA3}}, id="loa3, not less"),
        pytest.param(
            (LOA2, LOA3),
            {
                HIGH.entity_id: {LOA3: LOA3},
                LOW.entity_id: {LOA2: LOA2},
                BOTH.entity_id: {LOA3: LOA3, LOA2: LOA2},
            },
            id="either",
        ),
    ],
)
def test_levels_are_matched_exactly(broker: Folder, asked: tuple[str, ...], offers: dict[str, dict[str, str]]) -> None:
    levels = [part for level in asked for part in ("--loa", level)]
    assert offered(explained(broker, BYGGLOV, *levels)) == offers


@pytest.mark.parametrize("asked", [LOA4, "urn:x:unknown"], ids=["nobody has it", "nobody knows it"])
def test_when_nobody_is_offered_it_is_refused_with_the_reasons(broker: Folder, asked: str) -> None:
    report = explained(broker, BYGGLOV, "--loa", asked, code=1)
    assert report["offers"] == []
    assert set(excluded(report).values()) == {"cannot-reach-assurance"}
    said = broker.run("explain", "--e-service", BYGGLOV.entity_id, "--loa", asked)
    assert (said.code, "nobody" in said.out) == (1, True)


def test_what_an_administrator_allows_is_a_reason(broker: Folder) -> None:
    report = explained(broker, PERSONAL, "--loa", LOA2)
    assert set(offered(report)) == {LOW.entity_id}
    assert excluded(report)[BOTH.entity_id] == "not-allowed-for-e-service"


def test_one_upstream_alone(broker: Folder) -> None:
    assert set(offered(explained(broker, BYGGLOV, "--upstream", BOTH.entity_id))) == {BOTH.entity_id}
    report = explained(broker, BYGGLOV, "--upstream", LOW.entity_id, code=1)
    assert (offered(report), set(excluded(report))) == ({}, {LOW.entity_id})


def test_attributes_come_by_category_or_by_request_and_each_says_why(broker: Folder) -> None:
    by_category = {row["attribute"]: row["rule"] for row in explained(broker, BYGGLOV)["attributes"]}
    assert by_category["personalIdentityNumber"] == f"category {LOA3_PNR}"
    assert by_category["sn"] == f"category {LOA3_PNR}"
    by_request = {row["attribute"]: row["name"] for row in explained(broker, BOSTAD)["attributes"]}
    assert by_request["personalIdentityNumber"] == PNR
    assert "sn" not in by_request


@pytest.mark.parametrize(
    "arguments",
    [
        ("--e-service", "https://nobody.example.se/sp"),
        ("--e-service", HIGH.entity_id),
        ("--e-service", BYGGLOV.entity_id, "--upstream", "https://nobody.example.org/idp"),
        ("--e-service", BYGGLOV.entity_id, "--upstream", BOSTAD.entity_id),
    ],
    ids=["unknown e-service", "an upstream as e-service", "unknown upstream", "an e-service as upstream"],
)
def test_a_peer_that_is_not_active_is_refused_and_named(broker: Folder, arguments: tuple[str, ...]) -> None:
    refused = broker.run("explain", *arguments)
    assert refused.code == 1
    assert arguments[-1] in refused.err
    assert "broker metadata list" in refused.err


def test_people_read_the_same(broker: Folder) -> None:
    said = broker.done("explain", "--e-service", BYGGLOV.entity_id)
    for part in (HIGH.entity_id, f"{LOA3} -> {LOA3}", f"{LOW.entity_id}: cannot-reach-assurance", "personalIdentity"):
        assert part in said


def test_nobody_logs_in(broker: Folder, tmp_path: Path) -> None:
    before = broker.done("audit", "export")
    broker.done("explain", "--e-service", BYGGLOV.entity_id)
    assert broker.done("audit", "export") == before
