"""The rules of the federation, one by one."""

from datetime import UTC, datetime, timedelta

import pytest
from support.metadata_desks import CONNECTOR
from support.metadata_files import (
    LOA3,
    LOA3_PNR,
    PUBLIC_SECTOR,
    EServiceDraft,
    UpstreamDraft,
    aggregate,
    rsa,
)

from broker.federation.validation import FederationChecks
from broker.flow.metadata_ports import Source
from broker.messages.finding import Finding
from broker.messages.metadata import PeerKind
from broker.saml.read_metadata import read_metadata

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHECKS = FederationChecks(connectors=frozenset((CONNECTOR,)))
EIDAS_SUB = "http://id.elegnamnden.se/loa/1.0/eidas-sub"
LOA3_NAME = "http://id.swedenconnect.se/ec/1.0/loa3-name"

COMPLETE_UI = '<mdui:Logo width="80" height="60">https://a.example.se/l.svg</mdui:Logo>'
COMPLETE_AFTER = (
    '<md:Organization><md:OrganizationDisplayName xml:lang="sv">Kommunen</md:OrganizationDisplayName></md:Organization>'
    '<md:ContactPerson contactType="support"><md:EmailAddress>a@example.se</md:EmailAddress></md:ContactPerson>'
)


def findings(draft: EServiceDraft | UpstreamDraft) -> list[Finding]:
    (entity,) = read_metadata(draft.xml().encode()).entities
    kind = PeerKind.E_SERVICE if isinstance(draft, EServiceDraft) else PeerKind.UPSTREAM
    record = entity.record(kind)
    assert record is not None
    return [finding for finding in CHECKS.peer(record, kind, NOW) if finding.rule != "key-certificate-expired"]


def rules(draft: EServiceDraft | UpstreamDraft) -> list[str]:
    return [finding.rule for finding in findings(draft)]


def e_service(**changes: object) -> EServiceDraft:
    return EServiceDraft(**{"ui": COMPLETE_UI, "after": COMPLETE_AFTER} | changes)  # type: ignore[arg-type]


def upstream(**changes: object) -> UpstreamDraft:
    complete = {"ui": COMPLETE_UI, "after": COMPLETE_AFTER, "categories": (LOA3_PNR, LOA3_NAME)}
    return UpstreamDraft(**complete | changes)  # type: ignore[arg-type]  # the tests name real fields


def test_complete_metadata_have_no_remark() -> None:
    assert rules(e_service()) == []
    assert rules(upstream()) == []


@pytest.mark.parametrize(
    ("draft", "expected"),
    [
        pytest.param(
            e_service(names={}, after=""),
            ["name-missing", "organization-missing", "contact-missing"],
            id="nothing shown",
        ),
        pytest.param(e_service(names={"en": "Permits"}), ["name-missing-sv"], id="no Swedish name"),
        pytest.param(e_service(ui=""), ["logo-missing"], id="no logo"),
        pytest.param(e_service(categories=()), ["category-missing"], id="no category"),
        pytest.param(e_service(categories=(PUBLIC_SECTOR,)), ["category-missing"], id="only a sector"),
        pytest.param(e_service(categories=(LOA3_PNR,)), ["category-sector"], id="no sector"),
        pytest.param(
            e_service(categories=(LOA3_PNR, PUBLIC_SECTOR, PUBLIC_SECTOR.replace("public", "private"))),
            ["category-sector"],
            id="both sectors",
        ),
        pytest.param(upstream(levels=()), ["assurance-missing"], id="no level"),
        pytest.param(upstream(levels=(LOA3, "urn:own")), ["assurance-unknown"], id="an unknown level"),
        pytest.param(upstream(levels=(LOA3, EIDAS_SUB)), ["assurance-reserved"], id="a level of the connector"),
        pytest.param(upstream(entity_id=CONNECTOR, levels=(EIDAS_SUB,)), [], id="the connector's own level"),
        pytest.param(upstream(categories=(LOA3_PNR,)), ["category-name-set-missing"], id="pnr without name"),
        pytest.param(
            upstream(attributes='validUntil="2026-11-23T12:00:00Z"'), ["entity-expired"], id="expired this moment"
        ),
        pytest.param(upstream(attributes='validUntil="2026-11-23T12:00:01Z"'), [], id="valid another second"),
    ],
)
def test_a_peer_is_judged(draft: EServiceDraft | UpstreamDraft, expected: list[str]) -> None:
    assert rules(draft) == expected


def test_only_an_end_of_validity_keeps_a_peer_out() -> None:
    worst = upstream(names={}, after="", ui="", levels=(), categories=())
    assert not any(finding.blocks for finding in findings(worst))
    assert any(finding.blocks for finding in findings(upstream(attributes='validUntil="2020-01-01T00:00:00Z"')))


def test_an_expired_certificate_is_for_information_only() -> None:
    (entity,) = read_metadata(EServiceDraft(keys=(rsa(),)).xml().encode()).entities
    assert entity.e_service is not None
    found = CHECKS.peer(entity.e_service, PeerKind.E_SERVICE, datetime.now(UTC))
    assert [finding.severity.value for finding in found if finding.rule == "key-certificate-expired"] == ["information"]


@pytest.mark.parametrize(
    ("valid_for", "federation", "expected"),
    [
        pytest.param(None, True, ["valid-until-missing"], id="a federation without end"),
        pytest.param(None, False, [], id="a single entity without end"),
        pytest.param(timedelta(0), True, ["expired"], id="ends now"),
        pytest.param(timedelta(0), False, ["expired"], id="a single entity that ends now"),
        pytest.param(timedelta(hours=5), True, ["expires-soon"], id="ends soon"),
        pytest.param(timedelta(hours=5), False, [], id="a single entity that ends soon"),
        pytest.param(timedelta(days=10), True, [], id="ten days, as in production"),
        pytest.param(timedelta(days=400), True, ["valid-until-distant"], id="more than a year"),
    ],
)
def test_the_time_of_a_document_is_judged(valid_for: timedelta | None, federation: bool, expected: list[str]) -> None:
    attributes = "" if valid_for is None else f'validUntil="{NOW + valid_for:%Y-%m-%dT%H:%M:%SZ}"'
    document = read_metadata(aggregate(EServiceDraft().xml(), attributes=attributes).encode())
    assert [finding.rule for finding in CHECKS.document(document, federation=federation, now=NOW)] == expected


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (timedelta(0), ["source-expired"]),
        (timedelta(hours=1), ["source-expires-soon"]),
        (timedelta(days=3), []),
    ],
)
def test_a_federation_in_force_is_watched(shift: timedelta, expected: list[str]) -> None:
    source = Source(name="x", signers=(), signed_by="", valid_until=NOW + shift, content_hash="")
    assert [finding.rule for finding in CHECKS.source(source, NOW)] == expected
