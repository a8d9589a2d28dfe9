"""What an administrator can do with peers, and what is refused: against a real store and real documents."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.metadata_desks import (
    CONNECTOR,
    OWN_IDP,
    OWN_SP,
    DeskBench,
    blocking,
    federation,
    hub,
    rules_of,
    single,
)
from support.metadata_files import (
    LOA2,
    LOA3,
    LOA3_PNR,
    EServiceDraft,
    UpstreamDraft,
    aggregate,
    fingerprint_of,
    rsa,
    signature_template,
    signed,
    signed_aggregate,
)

from broker.core.errors import AuditUnavailable
from broker.flow.metadata_desk import Outcome
from broker.flow.metadata_plans import SettingsPatch, Upload, UploadKind
from broker.flow.metadata_ports import PeerQuery
from broker.messages.metadata import PeerKind

E_SERVICE, UPSTREAM = "https://bygglov.example.se/sp", "https://eid.example.se/idp"
PRODUCTION = "metadata/derived/prod-role-idp_2022-08-16_restored.xml"
EIDAS_SUB = "http://id.elegnamnden.se/loa/1.0/eidas-sub"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[DeskBench]:
    made = DeskBench(tmp_path)
    yield made
    made.engine.dispose()


def accepted(outcome: Outcome) -> int:
    assert not outcome.refused, blocking(outcome.findings)
    assert outcome.after is not None
    return outcome.after


def refused_for(outcome: Outcome, *rules: str) -> None:
    assert outcome.refused
    assert outcome.after is None
    assert blocking(outcome.findings) == list(rules)


# --- add one peer ----------------------------------------------------------------------------------------------


def test_one_unsigned_entity_may_be_added_and_the_administrator_vouches(bench: DeskBench) -> None:
    outcome = bench.add_e_service(EServiceDraft().xml())
    assert accepted(outcome) == 1
    assert rules_of(outcome.findings) >= {"signature-none-vouched"}
    assert bench.active() == {("e-service", E_SERVICE)}


def test_an_entity_signed_by_a_pinned_signer_needs_no_vouching(bench: DeskBench) -> None:
    xml = UpstreamDraft(attributes='ID="_one"').xml()
    at = xml.index("<md:Extensions>")
    data = signed(xml[:at] + signature_template("_one") + xml[at:], rsa("signer"), "EntityDescriptor")
    upload = Upload(data=data, file_name="x", kind=UploadKind.UPSTREAM, signers=(rsa("signer").certificate,))
    outcome = bench.desk().add(upload)
    accepted(outcome)
    assert not rules_of(outcome.findings) & {"signature-none-vouched", "signature-not-checked"}
    assert bench.peer(UPSTREAM).signed_by == fingerprint_of(rsa("signer"))


def test_a_signature_that_nobody_checked_is_said(bench: DeskBench) -> None:
    outcome = bench.add_upstream(signed_aggregate(UpstreamDraft().xml()).decode())
    accepted(outcome)
    assert "signature-not-checked" in rules_of(outcome.findings)


@pytest.mark.parametrize(
    ("xml", "kind", "rules"),
    [
        pytest.param(
            aggregate(EServiceDraft().xml(), UpstreamDraft().xml()),
            UploadKind.E_SERVICE,
            ["several-entities"],
            id="two entities",
        ),
        pytest.param(aggregate(), UploadKind.E_SERVICE, ["document-empty"], id="none"),
        pytest.param(EServiceDraft().xml(), UploadKind.UPSTREAM, ["role-missing"], id="another role"),
        pytest.param(UpstreamDraft().xml(), UploadKind.E_SERVICE, ["role-missing"], id="the other role"),
        pytest.param(
            EServiceDraft(entity_id=OWN_SP).xml(),
            UploadKind.E_SERVICE,
            ["document-empty"],
            id="ourselves",
        ),
        pytest.param(
            UpstreamDraft(key_descriptors="").xml(), UploadKind.UPSTREAM, ["signing-key-missing"], id="no keys"
        ),
        pytest.param(
            EServiceDraft(attributes='validUntil="2020-01-01T00:00:00Z"').xml(),
            UploadKind.E_SERVICE,
            ["expired"],
            id="expired",
        ),
        pytest.param("<a", UploadKind.E_SERVICE, ["document-unreadable"], id="no XML"),
    ],
)
def test_a_file_that_is_no_such_peer_is_refused(bench: DeskBench, xml: str, kind: UploadKind, rules: list[str]) -> None:
    refused_for(bench.desk().add(single(xml, kind)), *rules)
    assert bench.active() == set()


def test_an_entity_wrapped_in_an_aggregate_is_valid_no_longer_than_that(bench: DeskBench) -> None:
    attributes = 'validUntil="2099-01-01T00:00:00Z"'
    accepted(bench.add_e_service(aggregate(EServiceDraft().xml(), attributes=attributes)))
    valid_until = bench.peer(E_SERVICE, PeerKind.E_SERVICE).record.valid_until
    assert valid_until is not None
    assert valid_until.year == 2099


def test_what_was_said_survives_new_metadata(bench: DeskBench) -> None:
    said = SettingsPatch(vouched_contexts=(LOA3,), dialect="bankid")
    accepted(bench.add_upstream(UpstreamDraft(levels=()).xml(), said))
    outcome = bench.add_upstream(UpstreamDraft(levels=(), names={"sv": "Nytt namn"}).xml())
    accepted(outcome)
    peer = bench.peer(UPSTREAM)
    assert (peer.settings.vouched_contexts, peer.settings.dialect) == ((LOA3,), "bankid")
    assert peer.record.names == {"sv": "Nytt namn"}
    assert "assurance-missing" not in rules_of(outcome.findings)


def test_adding_the_same_again_makes_no_version(bench: DeskBench) -> None:
    accepted(bench.add_e_service(EServiceDraft().xml()))
    outcome = bench.add_e_service(EServiceDraft().xml())
    assert (outcome.refused, outcome.after) == (False, None)
    assert "nothing-changes" in rules_of(outcome.findings)


def test_one_entity_may_be_both_e_service_and_upstream(bench: DeskBench) -> None:
    idp_role = UpstreamDraft().xml()
    idp_role = idp_role[idp_role.index("<md:IDPSSODescriptor") : idp_role.index("</md:EntityDescriptor>")]
    xml = EServiceDraft(after=idp_role).xml()
    accepted(bench.add_e_service(xml))
    accepted(bench.add_upstream(xml))
    assert bench.active() == {("e-service", E_SERVICE), ("upstream", E_SERVICE)}
    refused_for(bench.desk().set(E_SERVICE, SettingsPatch(single_sign_on=True)), "kind-needed")
    accepted(bench.desk().set(E_SERVICE, SettingsPatch(single_sign_on=True), kind=PeerKind.E_SERVICE))


# --- the administrator's word ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said", "rules"),
    [
        pytest.param(UploadKind.UPSTREAM, {"vouched_contexts": ("urn:made-up",)}, ["loa-unknown"], id="unknown level"),
        pytest.param(
            UploadKind.UPSTREAM,
            {"vouched_contexts": ("http://id.elegnamnden.se/loa/1.0/loa3-sigmessage",)},
            ["loa-unknown"],
            id="retired level",
        ),
        pytest.param(
            UploadKind.E_SERVICE, {"vouched_contexts": (LOA3,)}, ["loa-not-for-e-service"], id="level of an e-service"
        ),
        pytest.param(UploadKind.UPSTREAM, {"vouched_categories": ("loa3",)}, ["category-not-uri"], id="no URI"),
        pytest.param(UploadKind.UPSTREAM, {"dialect": "klingon"}, ["dialect-unknown"], id="unknown dialect"),
        pytest.param(
            UploadKind.E_SERVICE, {"dialect": "bankid"}, ["setting-not-for-kind"], id="dialect of an e-service"
        ),
        pytest.param(UploadKind.UPSTREAM, {"single_sign_on": True}, ["setting-not-for-kind"], id="SSO of an IdP"),
        pytest.param(
            UploadKind.UPSTREAM, {"allowed_upstreams": ()}, ["setting-not-for-kind"], id="upstreams of an IdP"
        ),
        pytest.param(
            UploadKind.UPSTREAM, {"signature_service": True}, ["setting-not-for-kind"], id="an IdP that signs"
        ),
    ],
)
def test_what_cannot_be_said_is_refused(
    bench: DeskBench, kind: UploadKind, said: dict[str, object], rules: list[str]
) -> None:
    patch = SettingsPatch(**said)  # type: ignore[arg-type]  # the table names real fields
    xml = EServiceDraft().xml() if kind is UploadKind.E_SERVICE else UpstreamDraft().xml()
    refused_for(bench.desk().add(single(xml, kind, patch)), *rules)


def test_a_reserved_level_is_taken_and_it_is_said_that_it_does_not_count(bench: DeskBench) -> None:
    said = SettingsPatch(vouched_contexts=(EIDAS_SUB,))
    outcome = bench.add_upstream(UpstreamDraft().xml(), said)
    accepted(outcome)
    assert "assurance-reserved" in rules_of(outcome.findings)
    connector = UpstreamDraft(entity_id=CONNECTOR, levels=(EIDAS_SUB,)).xml()
    assert "assurance-reserved" not in rules_of(bench.add_upstream(connector, said).findings)


def test_an_unknown_category_is_taken_with_a_warning(bench: DeskBench) -> None:
    outcome = bench.add_e_service(EServiceDraft().xml(), SettingsPatch(vouched_categories=("urn:own:category",)))
    accepted(outcome)
    assert "category-unknown" in rules_of(outcome.findings)


def test_settings_can_be_changed_afterwards(bench: DeskBench) -> None:
    accepted(bench.add_e_service(EServiceDraft().xml()))
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    said = SettingsPatch(
        allowed_upstreams=(UPSTREAM,), single_sign_on=True, signature_service=True, vouched_categories=(LOA3_PNR,)
    )
    outcome = bench.desk().set(E_SERVICE, said)
    accepted(outcome)
    assert "upstream-unknown" not in rules_of(outcome.findings)
    settings = bench.peer(E_SERVICE, PeerKind.E_SERVICE).settings
    assert settings.allowed_upstreams == (UPSTREAM,)
    assert (settings.single_sign_on, settings.signature_service) == (True, True)
    accepted(bench.desk().set(E_SERVICE, SettingsPatch(allowed_upstreams=None, vouched_categories=())))
    settings = bench.peer(E_SERVICE, PeerKind.E_SERVICE).settings
    assert (settings.allowed_upstreams, settings.vouched_categories, settings.single_sign_on) == (None, (), True)


def test_an_allowed_upstream_that_nobody_knows_is_pointed_out(bench: DeskBench) -> None:
    accepted(bench.add_e_service(EServiceDraft().xml()))
    outcome = bench.desk().set(E_SERVICE, SettingsPatch(allowed_upstreams=("urn:nobody",)))
    accepted(outcome)
    assert "upstream-unknown" in rules_of(outcome.findings)


def test_nothing_can_be_said_of_a_peer_that_is_not_there(bench: DeskBench) -> None:
    for attempt in (
        bench.desk().set("urn:nobody", SettingsPatch(single_sign_on=True)),
        bench.desk().block("urn:nobody"),
        bench.desk().remove("urn:nobody"),
    ):
        refused_for(attempt, "entity-unknown")


# --- block and remove ------------------------------------------------------------------------------------------


def test_a_block_survives_update_removal_and_return(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    accepted(bench.desk().block(UPSTREAM))
    outcome = bench.add_upstream(UpstreamDraft(names={"sv": "Ny"}).xml())
    accepted(outcome)
    assert "entity-blocked" in rules_of(outcome.findings)
    accepted(bench.desk().remove(UPSTREAM))
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    assert bench.peer(UPSTREAM).settings.blocked
    accepted(bench.desk().block(UPSTREAM, lift=True))
    assert not bench.peer(UPSTREAM).settings.blocked


def test_a_block_holds_for_a_role_that_comes_later(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    accepted(bench.desk().block(UPSTREAM))
    soon = bench.clock.at + timedelta(days=20)
    sp = EServiceDraft(entity_id=UPSTREAM).xml().partition("<md:SPSSODescriptor")[2].partition("</md:SPSSODescriptor>")
    both = UpstreamDraft(after=f"<md:SPSSODescriptor{sp[0]}</md:SPSSODescriptor>")
    outcome = bench.add_federation(signed_aggregate(both.xml(), valid_until=soon))
    accepted(outcome)
    assert bench.peer(UPSTREAM, PeerKind.E_SERVICE).settings.blocked
    assert bench.peer(UPSTREAM, PeerKind.UPSTREAM).settings.blocked
    accepted(bench.desk().block(UPSTREAM, lift=True))
    assert not bench.peer(UPSTREAM, PeerKind.E_SERVICE).settings.blocked
    assert bench.desk().block(UPSTREAM, lift=True).after is None


def test_blocking_twice_makes_no_version(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    accepted(bench.desk().block(UPSTREAM))
    assert bench.desk().block(UPSTREAM).after is None


def test_a_removed_peer_takes_what_was_said_about_it_along(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft(levels=()).xml(), SettingsPatch(vouched_contexts=(LOA3,))))
    accepted(bench.desk().remove(UPSTREAM))
    assert bench.active() == set()
    accepted(bench.add_upstream(UpstreamDraft(levels=()).xml()))
    assert bench.peer(UPSTREAM).settings.vouched_contexts == ()


def test_an_entity_of_a_federation_cannot_be_removed_alone(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    refused_for(bench.desk().remove(UPSTREAM), "entity-of-federation")
    accepted(bench.desk().remove("https://md.example.se/all"))
    assert bench.active() == set()
    assert bench.desk().overview().sources == ()


# --- federations -----------------------------------------------------------------------------------------------


def test_the_production_aggregate_becomes_active_as_of_its_time(bench: DeskBench, shared_data: Path) -> None:
    bench.clock.at = bench.clock.at.replace(year=2022, month=8, day=20)
    signer = (shared_data / "metadata/certs/swedenconnect-prod-metadata-signer.crt").read_bytes()
    outcome = bench.add_federation((shared_data / PRODUCTION).read_bytes(), signer)
    accepted(outcome)
    rows = bench.desk().overview(PeerQuery(kind=PeerKind.UPSTREAM)).page.rows
    assert len(rows) == 12
    assert [row.name for row in rows][:3] == ["BankID", "BankID", "Eskilstuna kommun"]
    freja = next(row for row in rows if row.name == "Freja eID Plus")
    assert LOA3 in freja.levels
    assert LOA3_PNR in freja.categories


@pytest.mark.parametrize(
    ("file", "signer", "rule"),
    [
        ("sweden-connect/prod-role-idp_2022-08-16_validuntil-edited.xml", "prod", "signature-content-changed"),
        ("derived/prod-role-idp_2022-08-16_restored.xml", "qa", "signature-wrong-signer"),
        ("other-federations/swamid-1.0.xml", "prod", "signature-algorithm-refused"),
    ],
)
def test_a_real_file_that_must_not_be_trusted_changes_nothing(
    bench: DeskBench, shared_data: Path, file: str, signer: str, rule: str
) -> None:
    bench.clock.at = bench.clock.at.replace(year=2022, month=8, day=20)
    folder = shared_data / "metadata"
    certificates = {
        name: (folder / "certs" / f"swedenconnect-{name}-metadata-signer.crt").read_bytes() for name in ("prod", "qa")
    }
    accepted(bench.add_federation((shared_data / PRODUCTION).read_bytes(), certificates["prod"]))
    before = bench.active()
    refused_for(bench.add_federation((folder / file).read_bytes(), certificates[signer]), rule)
    assert bench.active() == before
    assert bench.store.active_version() == 1


def test_the_production_aggregate_is_refused_today(bench: DeskBench, shared_data: Path) -> None:
    signer = (shared_data / "metadata/certs/swedenconnect-prod-metadata-signer.crt").read_bytes()
    refused_for(bench.add_federation((shared_data / PRODUCTION).read_bytes(), signer), "expired")


def test_a_federation_needs_a_signer(bench: DeskBench) -> None:
    upload = Upload(data=signed_aggregate(UpstreamDraft().xml()), file_name="x", kind=UploadKind.FEDERATION)
    refused_for(bench.desk().add(upload), "signer-required")


def test_a_federation_needs_an_end_of_validity(bench: DeskBench) -> None:
    document = aggregate(UpstreamDraft().xml(), before=signature_template("_aggregate"))
    refused_for(bench.add_federation(signed(document, rsa("signer"))), "valid-until-missing")


def test_nobody_vouches_for_a_federation(bench: DeskBench) -> None:
    upload = federation(signed_aggregate(UpstreamDraft().xml()))
    for said in (SettingsPatch(vouched_contexts=(LOA3,)), SettingsPatch(vouched_categories=(LOA3_PNR,))):
        refused_for(bench.desk().add(replace(upload, said=said)), "vouching-for-federation")
    accepted(bench.desk().add(upload))
    for said in (SettingsPatch(vouched_contexts=(LOA3,)), SettingsPatch(vouched_categories=(LOA3_PNR,))):
        refused_for(bench.desk().set(UPSTREAM, said), "vouching-for-federation")
    accepted(bench.desk().set(UPSTREAM, SettingsPatch(dialect="freja")))


def test_a_dialect_can_be_given_for_all_of_a_federation_and_stays(bench: DeskBench) -> None:
    upload = federation(signed_aggregate(UpstreamDraft().xml()))
    accepted(bench.desk().add(replace(upload, said=SettingsPatch(dialect="bankid"))))
    accepted(bench.desk().add(federation(signed_aggregate(UpstreamDraft(names={"sv": "Ny"}).xml()))))
    (source,) = bench.desk().overview().sources
    assert source.dialect == "bankid"


def test_a_published_broker_takes_the_e_services_of_a_federation(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml(), EServiceDraft().xml())))
    assert bench.active() == {("upstream", UPSTREAM), ("e-service", E_SERVICE)}


def test_a_hub_takes_only_upstreams_and_named_e_services(bench: DeskBench) -> None:
    other = EServiceDraft(entity_id="https://other.example.se/sp").xml()
    data = signed_aggregate(UpstreamDraft().xml(), EServiceDraft().xml(), other)
    outcome = bench.add_federation(data, desk=bench.desk(hub()))
    accepted(outcome)
    assert "feed-e-services-skipped" in rules_of(outcome.findings)
    assert bench.active() == {("upstream", UPSTREAM)}
    accepted(bench.add_federation(data, desk=bench.desk(hub(E_SERVICE))))
    assert bench.active() == {("upstream", UPSTREAM), ("e-service", E_SERVICE)}


def test_a_hub_may_register_an_e_service_that_its_federation_has_too(bench: DeskBench) -> None:
    desk = bench.desk(hub())
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml(), EServiceDraft().xml()), desk=desk))
    accepted(bench.add_e_service(EServiceDraft().xml(), desk=desk))


def test_a_published_broker_skips_itself(bench: DeskBench) -> None:
    ourselves = UpstreamDraft(entity_id=OWN_IDP).xml(), EServiceDraft(entity_id=OWN_SP).xml()
    outcome = bench.add_federation(signed_aggregate(*ourselves, UpstreamDraft().xml()))
    accepted(outcome)
    assert [finding.entity_id for finding in outcome.findings if finding.rule == "own-entity-skipped"] == [
        OWN_IDP,
        OWN_SP,
    ]
    assert bench.active() == {("upstream", UPSTREAM)}
    (source,) = bench.desk().overview().sources
    assert source.own_entities == (OWN_IDP, OWN_SP)


def test_a_hub_refuses_a_federation_that_has_it_as_idp(bench: DeskBench) -> None:
    data = signed_aggregate(UpstreamDraft(entity_id=OWN_IDP).xml(), UpstreamDraft().xml())
    refused_for(bench.add_federation(data, desk=bench.desk(hub())), "own-idp-in-feed")
    accepted(bench.add_federation(data))
    assert bench.desk().review() == ()
    assert blocking(bench.desk(hub()).review()) == ["own-idp-in-feed"]


def test_a_hub_that_got_its_name_later_finds_itself_among_the_peers(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    renamed = replace(hub(), own_idp=UPSTREAM, own_entities=frozenset((UPSTREAM,)))
    assert blocking(bench.desk(renamed).review()) == ["own-idp-in-feed"]


def test_one_bad_entity_is_quarantined_with_its_reason(bench: DeskBench) -> None:
    bad = UpstreamDraft(entity_id="urn:bad", sso='<md:SingleSignOnService Binding="x" Location="y"/>').xml()
    old = UpstreamDraft(entity_id="urn:old", attributes='validUntil="2020-01-01T00:00:00Z"').xml()
    accepted(bench.add_federation(signed_aggregate(bad, old, UpstreamDraft().xml())))
    assert bench.active() == {("upstream", UPSTREAM)}
    quarantined = bench.desk().overview().quarantined["https://md.example.se/all"]
    assert {one.entity_id: [finding.rule for finding in one.findings] for one in quarantined} == {
        "urn:bad": ["endpoint-missing"],
        "urn:old": ["entity-expired"],
    }


def test_a_federation_of_nothing_usable_is_refused(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    data = signed_aggregate(UpstreamDraft(key_descriptors="").xml())
    outcome = bench.add_federation(data)
    assert outcome.refused
    assert bench.active() == {("upstream", UPSTREAM)}


def test_new_metadata_of_a_source_replace_all_it_brought(bench: DeskBench) -> None:
    leaves = UpstreamDraft(entity_id="urn:leaves").xml()
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml(), leaves)))
    comes = UpstreamDraft(entity_id="urn:comes").xml()
    outcome = bench.add_federation(signed_aggregate(UpstreamDraft().xml(), comes))
    accepted(outcome)
    assert bench.active() == {("upstream", UPSTREAM), ("upstream", "urn:comes")}
    assert rules_of(outcome.findings) >= {"entities-leave", "entity-leaves"}


def test_a_refresh_of_unchanged_entities_writes_only_the_source(bench: DeskBench) -> None:
    draft = UpstreamDraft().xml()
    accepted(bench.add_federation(signed_aggregate(draft)))
    until = bench.clock.at + timedelta(days=11)
    accepted(bench.add_federation(signed_aggregate(draft, valid_until=until)))
    assert bench.store.changes(1, 2).total == 0
    (row,) = bench.desk().overview().page.rows
    assert row.since == 1
    (changed,) = bench.desk().diff().sources
    assert {one.field for one in changed.differences} == {"valid-until", "content"}


def test_an_entity_that_is_active_from_another_source_is_refused(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    data = signed_aggregate(UpstreamDraft(names={"sv": "En annan"}).xml(), UpstreamDraft(entity_id="urn:2").xml())
    outcome = bench.add_federation(data)
    accepted(outcome)
    assert blocking(outcome.findings) == ["entity-active-elsewhere"]
    assert bench.peer(UPSTREAM).source == ""
    assert bench.peer("urn:2").source == "https://md.example.se/all"
    refused_for(bench.add_upstream(UpstreamDraft(entity_id="urn:2").xml()), "entity-active-elsewhere")
    refused_for(bench.add_e_service(EServiceDraft(entity_id="urn:2").xml()), "entity-active-elsewhere")


def test_two_federations_stand_side_by_side(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    other = signed_aggregate(
        UpstreamDraft(entity_id="urn:2").xml(), UpstreamDraft().xml(), signer=rsa("other"), name="https://other.se/all"
    )
    outcome = bench.add_federation(other, rsa("other").certificate)
    accepted(outcome)
    assert blocking(outcome.findings) == ["entity-active-elsewhere"]
    assert bench.peer(UPSTREAM).source == "https://md.example.se/all"
    accepted(bench.desk().remove("https://md.example.se/all"))
    assert bench.active() == {("upstream", "urn:2")}


def test_another_federation_cannot_take_the_name_of_an_active_one(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    other = signed_aggregate(UpstreamDraft(entity_id="urn:2").xml(), signer=rsa("other"))
    refused_for(bench.add_federation(other, rsa("other").certificate), "source-has-other-signers")
    accepted(bench.desk().add(federation(other, rsa("other").certificate, source="another name")))


def test_signers_roll_over_by_overlapping(bench: DeskBench) -> None:
    xml, old, new = UpstreamDraft().xml(), rsa("signer"), rsa("other")
    accepted(bench.add_federation(signed_aggregate(xml)))
    outcome = bench.add_federation(signed_aggregate(xml), old.certificate, new.certificate)
    accepted(outcome)
    assert "source-signers-changed" in rules_of(outcome.findings)
    accepted(bench.add_federation(signed_aggregate(xml, signer=new), new.certificate))
    (source,) = bench.desk().overview().sources
    assert source.signed_by == fingerprint_of(new)


def test_an_older_file_is_refused(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    sooner = bench.clock.at + timedelta(days=5)
    outcome = bench.add_federation(signed_aggregate(UpstreamDraft().xml(), valid_until=sooner))
    refused_for(outcome, "source-older")


def test_what_a_peer_gains_and_loses_is_pointed_out(bench: DeskBench) -> None:
    before = UpstreamDraft(levels=(LOA3,), scopes=("a.se",), categories=(LOA3_PNR,))
    after = UpstreamDraft(levels=(LOA2,), scopes=("b.se",), categories=(), keys=(rsa("other"),))
    accepted(bench.add_upstream(before.xml()))
    outcome = bench.add_upstream(after.xml())
    accepted(outcome)
    assert rules_of(outcome.findings) >= {
        "assurance-gained",
        "assurance-lost",
        "scope-lost",
        "category-lost",
        "keys-replaced",
    }


def test_a_source_in_force_is_watched(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft().xml())))
    assert bench.desk().review() == ()
    bench.clock.at += timedelta(days=9)
    assert [finding.rule for finding in bench.desk().review()] == ["source-expires-soon"]
    bench.clock.at += timedelta(days=9)
    assert [finding.rule for finding in bench.desk().review()] == ["source-expired"]


# --- two administrators, audit ---------------------------------------------------------------------------------


def test_of_two_administrators_one_wins_and_the_other_is_told(bench: DeskBench) -> None:
    anna, bo = bench.desk(actor="anna"), bench.desk(actor="bo")
    plan_of_anna = anna.plan_add(single(EServiceDraft().xml(), UploadKind.E_SERVICE))
    plan_of_bo = bo.plan_add(single(UpstreamDraft().xml(), UploadKind.UPSTREAM))
    accepted(bo.carry_out(plan_of_bo))
    refused_for(anna.carry_out(plan_of_anna), "version-moved-on")
    assert bench.active() == {("upstream", UPSTREAM)}
    assert [(act.actor, act.after) for act in bench.audit.acts] == [("bo", 1), ("anna", 1), ("anna", None)]


def test_every_act_is_audited_with_who_what_and_findings(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    bench.desk(actor="bo").remove("urn:nobody")
    added, refused = bench.audit.acts
    assert (added.actor, added.action, added.subject, added.before, added.after) == (
        "anna",
        "metadata add",
        UPSTREAM,
        0,
        1,
    )
    assert added.content_hash is not None
    assert f"warning signature-none-vouched {UPSTREAM}" in added.findings
    assert (refused.actor, refused.action, refused.after) == ("bo", "metadata remove", None)
    assert refused.findings == ("blocks entity-unknown",)


def test_the_audit_names_the_worst_of_very_many_findings(bench: DeskBench) -> None:
    many = (UpstreamDraft(entity_id=f"urn:{number}", levels=()).xml() for number in range(120))
    accepted(bench.add_federation(signed_aggregate(*many)))
    (act,) = bench.audit.acts
    assert len(act.findings) == 101
    assert act.findings[-1] == "and 20 more"


def attempts() -> list[Callable[[DeskBench], Outcome]]:
    return [
        lambda bench: bench.add_upstream(UpstreamDraft(names={"sv": "Ny"}).xml()),
        lambda bench: bench.desk().set(UPSTREAM, SettingsPatch(dialect="bankid")),
        lambda bench: bench.desk().block(UPSTREAM),
        lambda bench: bench.desk().remove(UPSTREAM),
        lambda bench: bench.desk().rollback(),
    ]


@pytest.mark.parametrize("attempt", attempts(), ids=["add", "set", "block", "remove", "rollback"])
def test_what_cannot_be_audited_does_not_happen(bench: DeskBench, attempt: Callable[[DeskBench], Outcome]) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    bench.audit.broken = True
    with pytest.raises(AuditUnavailable):
        attempt(bench)
    assert bench.store.active_version() == 1


# --- looking ---------------------------------------------------------------------------------------------------


def test_a_peer_is_shown_with_its_source_and_what_is_remarked(bench: DeskBench) -> None:
    accepted(bench.add_federation(signed_aggregate(UpstreamDraft(levels=()).xml())))
    (detail,) = bench.desk().show(UPSTREAM)
    assert detail.source is not None
    assert detail.source.name == "https://md.example.se/all"
    assert "assurance-missing" in rules_of(detail.findings)
    assert bench.desk().show("urn:nobody") == ()


def test_a_difference_is_told_in_an_administrators_words(bench: DeskBench) -> None:
    accepted(bench.add_upstream(UpstreamDraft().xml()))
    accepted(bench.add_upstream(UpstreamDraft(levels=(LOA3, LOA2), names={"sv": "Ny"}).xml()))
    differences = bench.desk().diff()
    assert (differences.before, differences.after, differences.total) == (1, 2, 1)
    (row,) = differences.rows
    assert row.what == "changed"
    assert {one.field: (one.removed, one.added) for one in row.differences} == {
        "level": ((), (LOA2,)),
        "name": (("en: Example eID", "sv: Exempel-id"), ("sv: Ny",)),
    }
    assert bench.desk().diff(0).rows[0].what == "added"
    assert bench.desk().diff(2, 0).rows[0].what == "removed"


def test_the_history_tells_why(bench: DeskBench) -> None:
    bench.desk().add(single(UpstreamDraft().xml(), UploadKind.UPSTREAM), why="avtal 17")
    (entry,) = bench.desk().history()
    assert (entry.act.actor, entry.act.why, entry.act.at) == ("anna", "avtal 17", bench.clock.at)
