"""A metadata document as a whole: its form, its signature, and that one bad entity does not harm the others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.keys import key_pair
from support.metadata_files import (
    EServiceDraft,
    UpstreamDraft,
    aggregate,
    certificate_of,
    fingerprint_of,
    rsa,
    signature_template,
    signed,
    signed_aggregate,
)

from broker.messages.metadata import PeerKind, ReadDocument
from broker.saml.read_metadata import MetadataReader, read_metadata

PRODUCTION = "metadata/derived/prod-role-idp_2022-08-16_restored.xml"
PRODUCTION_SIGNER = "metadata/certs/swedenconnect-prod-metadata-signer.crt"


def signer() -> bytes:
    return rsa("signer").certificate


def rules(document: ReadDocument) -> list[str]:
    """The rules of the findings about the document itself."""
    return [finding.rule for finding in document.findings]


def entity_rules(document: ReadDocument) -> dict[str, set[str]]:
    """The rules of the findings about each entity."""
    return {
        entity.entity_id: {finding.rule for kind in PeerKind for finding in entity.findings_about(kind)}
        for entity in document.entities
    }


# --- real files ------------------------------------------------------------------------------------------------


def test_the_production_aggregate_is_read_with_its_signer(shared_data: Path) -> None:
    document = read_metadata(
        (shared_data / PRODUCTION).read_bytes(), signers=[(shared_data / PRODUCTION_SIGNER).read_bytes()]
    )
    assert rules(document) == []
    assert document.name == "https://md.swedenconnect.se/role/idp.xml"
    assert document.valid_until == datetime(2022, 8, 26, 14, 46, 42, tzinfo=UTC)
    assert document.cache_duration == timedelta(hours=5)
    assert document.signed_by == document.signers[0].fingerprint
    names = {entity.upstream.names["sv"] for entity in document.entities if entity.upstream}
    assert len(document.entities) == 12
    assert {"Freja eID Plus", "Mobilt BankID", "Polismyndigheten IdP", "Utländskt eID"} <= names
    freja = next(entity.upstream for entity in document.entities if "frejaeid" in entity.entity_id)
    assert freja is not None
    assert "http://id.elegnamnden.se/loa/1.0/loa3" in freja.assurance
    assert "http://id.elegnamnden.se/ec/1.0/loa3-pnr" in freja.categories
    assert freja.idp is not None
    assert freja.idp.want_authn_requests_signed


@pytest.mark.parametrize(
    ("file", "signer_file", "rule"),
    [
        pytest.param(
            "sweden-connect/prod-role-idp_2022-08-16_validuntil-edited.xml",
            "swedenconnect-prod-metadata-signer.crt",
            "signature-content-changed",
            id="the edited twin",
        ),
        pytest.param(
            "derived/prod-role-idp_2022-08-16_restored.xml",
            "swedenconnect-qa-metadata-signer.crt",
            "signature-wrong-signer",
            id="the signer of another environment",
        ),
        pytest.param(
            "other-federations/swamid-1.0.xml",
            "swedenconnect-prod-metadata-signer.crt",
            "signature-algorithm-refused",
            id="SHA-1",
        ),
        pytest.param(
            "sweden-connect/sveleg-fedtest.xml",
            "swedenconnect-prod-metadata-signer.crt",
            "signature-missing",
            id="unsigned",
        ),
        pytest.param(
            "eidas/mdsl-prod_2026-06-29.xml",
            "swedenconnect-prod-metadata-signer.crt",
            "document-not-metadata",
            id="something else than metadata",
        ),
    ],
)
def test_a_real_file_that_must_not_be_trusted_has_one_finding_and_no_entity(
    shared_data: Path, file: str, signer_file: str, rule: str
) -> None:
    data = (shared_data / "metadata" / file).read_bytes()
    document = read_metadata(data, signers=[(shared_data / "metadata" / "certs" / signer_file).read_bytes()])
    assert rules(document) == [rule]
    assert document.entities == ()
    assert document.signed_by is None


def test_every_real_file_is_read_and_most_of_its_entities_can_be_used(shared_data: Path) -> None:
    expected = {  # file: entities, usable as e-service, usable as upstream
        "derived/prod-role-idp_2022-08-16_restored.xml": (12, 0, 12),
        "eidas/eidas-proxy-services_2023-08-23_b.xml": (16, 0, 16),
        "eidas/eidas-test-nodes_2018.xml": (14, 7, 7),
        "other-federations/swamid-1.0.xml": (175, 106, 34),
        "other-federations/wayf-edugain_2019-07.xml": (77, 16, 61),
        "single/adfs_federationmetadata.xml": (1, 1, 1),
        "sweden-connect/sveleg-fedtest.xml": (45, 43, 2),
        "sweden-connect/sveleg-fedtest-nested.xml": (45, 43, 2),
        "sweden-connect/sveleg-fedtest-badschema.xml": (45, 43, 2),
    }
    folder = shared_data / "metadata"
    read = {path.relative_to(folder).as_posix(): read_metadata(path.read_bytes()) for path in folder.rglob("*.xml")}
    counted = {
        file: (
            len(document.entities),
            sum(entity.e_service is not None for entity in document.entities),
            sum(entity.upstream is not None for entity in document.entities),
        )
        for file, document in read.items()
    }
    assert len(read) == 25
    assert {file: counted[file] for file in expected} == expected
    for document in read.values():
        for entity in document.entities:
            unused = not entity.e_service and not entity.upstream
            findings = [finding for kind in PeerKind for finding in entity.findings_about(kind)]
            assert not (unused and entity.roles) or any(finding.blocks for finding in findings)


# --- the signature ---------------------------------------------------------------------------------------------


def test_of_several_pinned_signers_one_suffices() -> None:
    data = signed_aggregate(UpstreamDraft().xml())
    document = read_metadata(data, signers=[rsa("other-signer").certificate, signer()])
    assert document.signed_by == fingerprint_of(rsa("signer"))
    assert [entity.entity_id for entity in document.entities] == ["https://eid.example.se/idp"]


def test_one_file_may_hold_several_signers() -> None:
    bundle = rsa("other-signer").certificate + signer()
    document = read_metadata(signed_aggregate(UpstreamDraft().xml()), signers=[bundle])
    assert len(document.signers) == 2
    assert len(document.entities) == 1


def test_a_signer_with_an_ec_key_counts() -> None:
    pair = key_pair("p256", "ec-signer")
    algorithm = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    data = signed_aggregate(UpstreamDraft().xml(), signer=pair, signature_algorithm=algorithm)
    assert len(read_metadata(data, signers=[pair.certificate]).entities) == 1


def forged_by_a_stranger() -> bytes:
    return signed_aggregate(UpstreamDraft().xml(), signer=rsa("other-signer"))


def changed_after_signing() -> bytes:
    return signed_aggregate(UpstreamDraft().xml()).replace(b"eid.example.se/sso", b"evil.example.se/sso")


def signature_cut_out() -> bytes:
    data = signed_aggregate(UpstreamDraft().xml()).decode()
    start, end = data.index("<ds:Signature"), data.index("</ds:Signature>") + len("</ds:Signature>")
    return (data[:start] + data[end:]).encode()


def signature_of_one_entity_only() -> bytes:
    inner = UpstreamDraft(attributes='ID="_inner"').xml()
    start = inner.index("<md:Extensions>")
    inner = signed(
        inner[:start] + signature_template("_inner") + inner[start:], rsa("signer"), "EntityDescriptor"
    ).decode()
    return aggregate(inner[inner.index("<md:EntityDescriptor") :]).encode()


def signature_that_points_at_an_entity() -> bytes:
    data = signed_aggregate(UpstreamDraft(attributes='ID="_inner"').xml()).decode()
    return data.replace('URI="#_aggregate"', 'URI="#_inner"').encode()


def signed_content_moved_into_an_extension() -> bytes:
    genuine = signed_aggregate(UpstreamDraft().xml()).decode()
    genuine = genuine[genuine.index("<md:EntitiesDescriptor") :]
    evil = UpstreamDraft(entity_id="https://evil.example.se/idp").xml()
    start, end = genuine.index("<ds:Signature"), genuine.index("</ds:Signature>") + len("</ds:Signature>")
    signature, wrapped = genuine[start:end], genuine[:start] + genuine[end:]
    return (
        aggregate(
            evil,
            before=f"{signature}<md:Extensions>{wrapped}</md:Extensions>",
            attributes='validUntil="2099-01-01T00:00:00Z"',
        )
        .replace('ID="_aggregate"', 'ID="_evil"', 1)
        .encode()
    )


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        pytest.param(forged_by_a_stranger, "signature-wrong-signer", id="another signer"),
        pytest.param(changed_after_signing, "signature-content-changed", id="changed after signing"),
        pytest.param(signature_cut_out, "signature-missing", id="signature cut out"),
        pytest.param(signature_of_one_entity_only, "signature-missing", id="only an entity is signed"),
        pytest.param(signature_that_points_at_an_entity, "signature-form-refused", id="reference to an entity"),
        pytest.param(signed_content_moved_into_an_extension, "signature-form-refused", id="wrapped"),
    ],
)
def test_nothing_is_read_that_the_signature_does_not_cover(make: Callable[[], bytes], rule: str) -> None:
    document = read_metadata(make(), signers=[signer()])
    assert rules(document) == [rule]
    assert document.entities == ()


def test_a_signature_inside_a_signed_aggregate_is_no_matter() -> None:
    inner = UpstreamDraft(attributes='ID="_inner"').xml()
    start = inner.index("<md:Extensions>")
    inner = signed(
        inner[:start] + signature_template("_inner") + inner[start:], rsa("other-signer"), "EntityDescriptor"
    ).decode()
    data = signed_aggregate(inner[inner.index("<md:EntityDescriptor") :])
    assert len(read_metadata(data, signers=[signer()]).entities) == 1


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no certificate", id="no PEM"),
        pytest.param(key_pair("rsa1024", "weak-signer").certificate, id="RSA 1024"),
        pytest.param(key_pair("ed25519", "ed-signer").certificate, id="Ed25519"),
    ],
)
def test_a_signer_that_cannot_be_used_refuses_the_document(pem: bytes) -> None:
    document = read_metadata(signed_aggregate(UpstreamDraft().xml()), signers=[signer(), pem])
    assert rules(document) == ["signer-unreadable"]
    assert document.entities == ()


def test_without_signers_it_is_said_that_there_is_a_signature() -> None:
    document = read_metadata(signed_aggregate(UpstreamDraft().xml()))
    assert (document.signed, document.signed_by) == (True, None)
    assert len(document.entities) == 1


# --- the form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        pytest.param(b"", "document-unreadable", id="empty"),
        pytest.param(b"<a", "document-unreadable", id="not well-formed"),
        pytest.param(b"<!DOCTYPE a []><a/>", "document-has-dtd", id="a DTD"),
        pytest.param(b"<a><?php echo ?></a>", "document-unreadable", id="a processing instruction"),
        pytest.param(b"<a>" * 70 + b"</a>" * 70, "document-unreadable", id="too deep"),
        pytest.param("<a/>".encode("utf-16"), "document-unreadable", id="another encoding"),
        pytest.param(b"<EntityDescriptor/>", "document-not-metadata", id="no namespace"),
        pytest.param(b'<a xmlns="relative"/>', "document-not-metadata", id="another root"),
    ],
)
def test_a_document_of_a_wrong_form_has_one_finding_and_no_entity(data: bytes, rule: str) -> None:
    document = read_metadata(data)
    assert rules(document) == [rule]
    assert document.entities == ()


def test_a_dtd_is_found_on_its_line() -> None:
    (finding,) = read_metadata(b'<?xml version="1.0"?>\n\n<!DOCTYPE a>\n<a/>').findings
    assert finding.line == 3


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        pytest.param('validUntil="soon"', "valid-until-unreadable", id="no instant"),
        pytest.param('validUntil=""', "valid-until-unreadable", id="empty"),
        pytest.param('validUntil="2030-01-01T00:00:00"', "valid-until-unreadable", id="no time zone"),
        pytest.param('cacheDuration="often"', "cache-duration-unreadable", id="no duration"),
        pytest.param('cacheDuration="P"', "cache-duration-unreadable", id="an empty duration"),
    ],
)
def test_times_of_the_root_that_cannot_be_read_are_said(attributes: str, rule: str) -> None:
    assert rules(read_metadata(aggregate(attributes=attributes).encode())) == [rule]


@pytest.mark.parametrize(
    ("written", "duration"),
    [
        ("PT5H", timedelta(hours=5)),
        ("P1D", timedelta(days=1)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("P1Y2M", timedelta(days=425)),
    ],
)
def test_a_cache_duration_is_a_span_of_time(written: str, duration: timedelta) -> None:
    assert read_metadata(aggregate(attributes=f'cacheDuration="{written}"').encode()).cache_duration == duration


def test_a_single_entity_is_a_document() -> None:
    document = read_metadata(EServiceDraft().xml().encode())
    assert not document.aggregate
    assert [entity.entity_id for entity in document.entities] == ["https://bygglov.example.se/sp"]


# --- one entity among others -----------------------------------------------------------------------------------


def test_one_bad_entity_is_reported_and_the_rest_go_on() -> None:
    bad = UpstreamDraft(entity_id="https://bad.example.se/idp", key_descriptors="").xml()
    document = read_metadata(aggregate(EServiceDraft().xml(), bad, UpstreamDraft().xml()).encode())
    assert [(entity.entity_id, bool(entity.e_service), bool(entity.upstream)) for entity in document.entities] == [
        ("https://bygglov.example.se/sp", True, False),
        ("https://bad.example.se/idp", False, False),
        ("https://eid.example.se/idp", False, True),
    ]
    assert "signing-key-missing" in entity_rules(document)["https://bad.example.se/idp"]


def test_groups_may_be_nested() -> None:
    inner = aggregate(UpstreamDraft().xml(), name="inner").replace('ID="_aggregate"', "")
    document = read_metadata(aggregate(inner, EServiceDraft().xml()).encode())
    assert len(document.entities) == 2


def test_an_entity_inside_an_extension_is_none() -> None:
    hidden = UpstreamDraft(entity_id="https://hidden.example.se/idp").xml()
    document = read_metadata(aggregate(EServiceDraft(extensions=hidden).xml()).encode())
    assert [entity.entity_id for entity in document.entities] == ["https://bygglov.example.se/sp"]


def test_equal_descriptions_of_one_entity_count_once() -> None:
    document = read_metadata(aggregate(UpstreamDraft().xml(), UpstreamDraft().xml()).encode())
    assert len(document.entities) == 1
    assert document.entities[0].upstream is not None


def test_of_different_descriptions_of_one_entity_none_counts() -> None:
    other = UpstreamDraft(keys=(rsa("other"),)).xml()
    document = read_metadata(aggregate(UpstreamDraft().xml(), other).encode())
    assert [entity.upstream for entity in document.entities] == [None, None]
    assert "entity-duplicate" in entity_rules(document)["https://eid.example.se/idp"]


def test_findings_name_the_line_of_the_original_file() -> None:
    entity = EServiceDraft(key_descriptors="").xml().replace("<md:SPSSODescriptor", "\n\n<md:SPSSODescriptor\n\n", 1)
    data = f'<?xml version="1.0"?>\n<!-- a\nlicence\n-->\n{aggregate(UpstreamDraft().xml(), entity)}'
    document = read_metadata(data.encode())
    expected = data[: data.index("<md:SPSSODescriptor")].count("\n") + 1
    lines = {
        finding.line for finding in document.entities[1].e_service_findings if finding.rule == "signing-key-missing"
    }
    # libxml2 counts a start tag where it ends.
    assert lines <= {expected, expected + 1, expected + 2}
    assert lines


def test_findings_in_a_signed_file_name_the_line_too() -> None:
    entity = "\n\n" + EServiceDraft(key_descriptors="").xml()
    data = signed_aggregate("\n" + UpstreamDraft().xml(), entity)
    document = read_metadata(data, signers=[signer()])
    text = data.decode()
    assert document.entities[1].line == text[: text.index("<md:SPSSODescriptor")].count("\n") + 1


def test_a_reader_of_a_test_environment_takes_http_on_this_machine() -> None:
    acs = '<md:AssertionConsumerService Binding="{}" Location="http://127.0.0.2:8080/acs" index="0"/>'.format(
        "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    )
    data = EServiceDraft(acs=acs).xml().encode()
    assert MetadataReader(loopback_http=True)(data).entities[0].e_service is not None
    assert MetadataReader(loopback_http=False)(data).entities[0].e_service is None


def test_a_certificate_in_the_signature_is_not_believed() -> None:
    stranger = rsa("other-signer")
    data = signed_aggregate(UpstreamDraft().xml(), signer=stranger).decode()
    certificate = f"<ds:X509Certificate>{certificate_of(stranger)}</ds:X509Certificate>"
    info = f"<ds:KeyInfo><ds:X509Data>{certificate}</ds:X509Data></ds:KeyInfo>"
    data = data.replace("</ds:SignatureValue>", f"</ds:SignatureValue>{info}", 1)
    assert rules(read_metadata(data.encode(), signers=[signer()])) == ["signature-wrong-signer"]
