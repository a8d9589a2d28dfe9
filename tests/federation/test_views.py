"""What policy sees of a peer: what it declares and what an administrator said."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from support.metadata_desks import CONNECTOR
from support.metadata_files import LOA2, LOA3, LOA3_PNR, EServiceDraft, UpstreamDraft

from broker.core.parties import EService, Upstream
from broker.core.subject import PNR
from broker.federation.views import e_service_view, upstream_view
from broker.flow.metadata_ports import ADMINISTRATOR, PeerSettings, Source, StoredPeer
from broker.messages.metadata import PeerKind
from broker.saml.read_metadata import read_metadata
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.categories import HIDE_FROM_DISCOVERY, SIGNATURE_SERVICE
from broker.vocabulary.contexts import UNCERTIFIED_LOA3

SOURCE = Source(
    name="https://md.example.se/all",
    signers=(),
    signed_by="",
    valid_until=datetime(2099, 1, 1, tzinfo=UTC),
    content_hash="",
)


def stored(draft: EServiceDraft | UpstreamDraft, settings: PeerSettings, source: str = ADMINISTRATOR) -> StoredPeer:
    (entity,) = read_metadata(draft.xml().encode()).entities
    kind = PeerKind.E_SERVICE if isinstance(draft, EServiceDraft) else PeerKind.UPSTREAM
    record = entity.record(kind)
    assert record is not None
    return StoredPeer(
        kind=kind, entity_id=entity.entity_id, source=source, record=record, settings=settings, signed_by=None
    )


def e_service(draft: EServiceDraft | None = None, source: str = ADMINISTRATOR, **said: object) -> EService:
    settings = PeerSettings(**said)  # type: ignore[arg-type]  # the tests name real fields
    return e_service_view(stored(draft or EServiceDraft(), settings, source))


def upstream(
    draft: UpstreamDraft | None = None, source: Source | None = None, *, review_counts: bool = False, **said: object
) -> Upstream:
    settings = PeerSettings(**said)  # type: ignore[arg-type]  # the tests name real fields
    peer = stored(draft or UpstreamDraft(), settings, source.name if source else ADMINISTRATOR)
    return upstream_view(
        peer, source, connectors=frozenset((CONNECTOR,)), review_counts=review_counts, catalogue=CATALOGUE
    )


def test_declared_and_vouched_categories_count_together() -> None:
    assert e_service(vouched_categories=("urn:more",)).categories == {*EServiceDraft().categories, "urn:more"}
    assert upstream(vouched_categories=("urn:more",)).categories == {LOA3_PNR, "urn:more"}


def test_declared_and_vouched_levels_count_together() -> None:
    assert upstream(vouched_contexts=(LOA2,)).contexts == {LOA3, LOA2}
    assert upstream(UpstreamDraft(levels=())).contexts == frozenset()


def test_where_review_counts_an_administrators_word_is_no_review() -> None:
    draft = UpstreamDraft(levels=(LOA3, UNCERTIFIED_LOA3))
    assert upstream(draft, review_counts=True, vouched_contexts=(LOA2,)).contexts == {UNCERTIFIED_LOA3}
    assert upstream(draft, source=SOURCE, review_counts=True).contexts == {LOA3, UNCERTIFIED_LOA3}


def test_nobody_vouches_for_an_entity_of_a_federation() -> None:
    assert upstream(source=SOURCE, vouched_contexts=(LOA2,), vouched_categories=("urn:more",)).contexts == {LOA3}
    assert "urn:more" not in upstream(source=SOURCE, vouched_categories=("urn:more",)).categories
    assert "urn:more" not in e_service(source=SOURCE.name, vouched_categories=("urn:more",)).categories


def test_an_e_service_of_a_feed_is_known_as_such() -> None:
    assert not e_service().from_feed
    assert e_service(source="https://md.example.se/all").from_feed


@pytest.mark.parametrize(("said", "seen"), [(None, None), ((), frozenset()), (("urn:a",), frozenset(("urn:a",)))])
def test_no_restriction_and_an_empty_one_are_not_the_same(
    said: tuple[str, ...] | None, seen: frozenset[str] | None
) -> None:
    assert e_service(allowed_upstreams=said).allowed_upstreams == seen


@pytest.mark.parametrize(
    ("declared", "said", "seen"), [(False, None, False), (True, None, True), (True, False, False), (False, True, True)]
)
def test_whether_an_e_service_signs_is_declared_or_said(declared: bool, said: bool | None, seen: bool) -> None:
    draft = EServiceDraft(categories=(LOA3_PNR, SIGNATURE_SERVICE) if declared else (LOA3_PNR,))
    assert e_service(draft, signature_service=said).signature_service is seen


def test_a_nameless_peer_is_called_by_its_entity_id() -> None:
    assert e_service(EServiceDraft(names={})).names == {"sv": "https://bygglov.example.se/sp"}
    assert upstream(UpstreamDraft(names={})).names == {"sv": "https://eid.example.se/idp"}


@pytest.mark.parametrize(
    ("contacts", "seen"),
    [
        pytest.param("", None, id="none"),
        pytest.param(
            '<md:ContactPerson contactType="technical"><md:EmailAddress>t@a.se</md:EmailAddress></md:ContactPerson>'
            '<md:ContactPerson contactType="support"><md:EmailAddress>s@a.se</md:EmailAddress></md:ContactPerson>',
            "s@a.se",
            id="support before technical",
        ),
        pytest.param(
            '<md:ContactPerson contactType="support"><md:TelephoneNumber>08-1</md:TelephoneNumber></md:ContactPerson>',
            "08-1",
            id="only a number",
        ),
    ],
)
def test_a_citizen_is_sent_to_the_support(contacts: str, seen: str | None) -> None:
    assert e_service(EServiceDraft(after=contacts)).support_contact == seen


def test_a_dialect_is_the_peers_own_or_the_federations_or_the_default() -> None:
    federation = replace(SOURCE, dialect="freja")
    assert upstream().dialect == "sweden_connect"
    assert upstream(source=federation).dialect == "freja"
    assert upstream(source=federation, dialect="bankid").dialect == "bankid"


def test_an_upstream_without_service_category_is_a_stranger() -> None:
    assert upstream().categories_known
    assert not upstream(UpstreamDraft(categories=())).categories_known
    assert upstream(UpstreamDraft(categories=()), vouched_categories=(LOA3_PNR,)).categories_known


def test_only_the_configured_connector_is_one() -> None:
    assert upstream(UpstreamDraft(entity_id=CONNECTOR)).eidas_connector
    assert not upstream().eidas_connector


def test_an_upstream_may_hide() -> None:
    assert not upstream().hidden
    assert upstream(UpstreamDraft(categories=(HIDE_FROM_DISCOVERY,))).hidden


def test_principal_selection_is_translated_into_the_catalogue() -> None:
    more = (
        '<psc:RequestedPrincipalSelection><psc:MatchValue Name="urn:oid:1.2.752.29.4.13"/>'
        '<psc:MatchValue Name="urn:unknown"/></psc:RequestedPrincipalSelection>'
    )
    assert upstream(UpstreamDraft(role_extensions=more)).principal_selection == {PNR}


def test_scopes_are_those_of_the_metadata() -> None:
    assert upstream(UpstreamDraft(scopes=("a.se", "b.se"))).scopes == {"a.se", "b.se"}
