"""Verifying and writing enveloped signatures; the counterpart is xmlsec1."""

import base64
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import xmlsec
from lxml import etree
from support import xmlsec1
from support.keys import key_pair, own_key
from support.saml_peers import peer_key
from support.signatures import DS, ENVELOPED, EXCLUSIVE, SHA256, Document, SignatureDraft

from broker.messages.entity import PeerKey
from broker.saml.algorithms import (
    ACCEPTED_SIGNATURES,
    DIGESTS,
    ECDSA_SHA256,
    PSS_SHA256,
    PSS_SHA384,
    PSS_SHA512,
    RSA_SHA256,
    RSA_SHA512,
    SIGNATURES,
)
from broker.saml.metadata_keys import read_peer_key, read_signer
from broker.saml.signature import SignatureRejected, covered_octets, sign_enveloped, verify_enveloped
from broker.saml.signature_shape import SignatureShape, read_shape
from broker.saml.xml import DS_SIGNATURE, ISSUER, METADATA_BOUNDS, SAML, SAMLP, canonicalise, parse_wire, serialise

PEER = key_pair("rsa2048")
STRANGER = key_pair("rsa2048", "stranger")
KINDS = {"RSA": ["rsa2048", "rsa3072"], "EC": ["p256", "p384", "p521"]}
EVERY_ALGORITHM = [
    pytest.param(kind, algorithm, id=f"{kind}-{algorithm.partition('#')[2]}")
    for algorithm in sorted(ACCEPTED_SIGNATURES)
    for kind in KINDS[SIGNATURES[algorithm].key_type]
]


def genuine(draft: SignatureDraft | None = None, document: Document | None = None) -> str:
    """A document that the peer signed, by xmlsec1."""
    signature = (draft or SignatureDraft()).xml()
    return xmlsec1.sign(replace(document or Document(), signature=signature).xml(), PEER)


def method(algorithm: str) -> str:
    return f'<ds:SignatureMethod Algorithm="{algorithm}"/>'


# --- what verifies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "algorithm"), EVERY_ALGORITHM)
def test_every_algorithm_of_the_profile_verifies(kind: str, algorithm: str) -> None:
    pair = key_pair(kind)
    document = xmlsec1.sign(Document(signature=SignatureDraft(method=method(algorithm)).xml()).xml(), pair)
    verified = verify_enveloped(parse_wire(document.encode()), [peer_key(pair)])
    assert (verified.signature_algorithm, verified.key_id) == (algorithm, peer_key(pair).fingerprint)


@pytest.mark.parametrize("digest", DIGESTS)
def test_every_digest_of_the_profile_verifies(digest: str) -> None:
    verified = verify_enveloped(parse_wire(genuine(SignatureDraft(digest=digest)).encode()), [peer_key(PEER)])
    assert verified.digest_algorithm == digest


def test_the_bytes_are_those_that_were_digested() -> None:
    document = genuine()
    digest = etree.fromstring(document.encode()).findtext(f".//{{{DS}}}DigestValue")
    verified = verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)])
    assert digest == base64.b64encode(hashlib.sha256(verified.data).digest()).decode()
    assert verified.data == canonicalise(parse_wire(Document().xml().encode()))


def test_text_after_the_signature_is_kept_as_it_was_signed() -> None:
    document = replace(Document(), signature=f" \n{SignatureDraft().xml()}\n\t")
    signed = xmlsec1.sign(document.xml(), PEER)
    verified = verify_enveloped(parse_wire(signed.encode()), [peer_key(PEER)])
    assert b"</saml2:Issuer> \n\n\t<saml2p:Extensions" in verified.data


def test_a_signature_may_stand_first() -> None:
    bare = f'<saml2p:Response xmlns:saml2p="{SAMLP}" ID="_response"> {SignatureDraft().xml()} x</saml2p:Response>'
    verified = verify_enveloped(parse_wire(xmlsec1.sign(bare, PEER).encode()), [peer_key(PEER)])
    assert verified.data.endswith(b'ID="_response">  x</saml2p:Response>')


def test_comments_may_be_added_and_are_not_in_the_bytes() -> None:
    document = genuine(document=Document(content="<saml2:NameID>admin@example.se.evil.example</saml2:NameID>"))
    commented = document.replace("example.se.evil", "example.se<!-- -->.evil")
    assert xmlsec1.verifies(commented, PEER)
    verified = verify_enveloped(parse_wire(commented.encode()), [peer_key(PEER)])
    assert b">admin@example.se.evil.example</saml2:NameID>" in verified.data
    assert b"<!--" not in verified.data


def test_prefixes_that_the_signer_named_are_kept() -> None:
    named = (
        f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}">'
        f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="xs #default"/></ds:Transform>'
    )
    document = Document(content='<a xmlns:xs="http://www.w3.org/2001/XMLSchema">xs:string</a>')
    signed = genuine(SignatureDraft(transforms=named), document)
    verified = verify_enveloped(parse_wire(signed.encode()), [peer_key(PEER)])
    assert b'<a xmlns:xs="http://www.w3.org/2001/XMLSchema">' in verified.data


# --- whose key -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", range(3))
def test_any_key_of_the_peer_will_do(position: int) -> None:
    keys = [peer_key(key_pair("rsa2048", "old")), peer_key(key_pair("p256")), peer_key(STRANGER)]
    keys.insert(position, peer_key(PEER))
    assert verify_enveloped(parse_wire(genuine().encode()), keys).key_id == peer_key(PEER).fingerprint


def test_another_key_does_not_verify() -> None:
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(genuine().encode()), [peer_key(STRANGER)])


def test_no_key_verifies_nothing() -> None:
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(genuine().encode()), [])


def test_the_certificate_in_the_message_is_not_believed() -> None:
    certificate = peer_key(STRANGER).certificate
    data = f"<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"
    key_info = f"<ds:KeyInfo>{data}</ds:KeyInfo>"
    document = xmlsec1.sign(Document(signature=SignatureDraft(key_info=key_info).xml()).xml(), STRANGER)
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)])


@pytest.mark.parametrize(
    "key_info",
    [
        "<ds:KeyInfo><ds:KeyName>whoever</ds:KeyName></ds:KeyInfo>",
        '<ds:KeyInfo><ds:RetrievalMethod URI="file:///etc/passwd"/></ds:KeyInfo>',
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{peer_key(STRANGER).certificate}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo>",
        '<ds:KeyInfo><anything xmlns="urn:anything"/></ds:KeyInfo>',
    ],
    ids=["a name", "a file", "rubbish", "another certificate", "unknown content"],
)
def test_whatever_key_info_says_is_ignored(key_info: str) -> None:
    document = genuine().replace("</ds:SignatureValue>", f"</ds:SignatureValue>{key_info}")
    assert verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)]).key_id == peer_key(PEER).fingerprint


@pytest.mark.parametrize("kind", ["rsa1024", "k256", "p224"])
def test_a_weak_key_verifies_nothing_although_metadata_has_it(kind: str) -> None:
    pair = key_pair(kind)
    algorithm = RSA_SHA256 if kind.startswith("rsa") else ECDSA_SHA256
    document = xmlsec1.sign(Document(signature=SignatureDraft(method=method(algorithm)).xml()).xml(), pair)
    assert xmlsec1.verifies(document, pair)
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(document.encode()), [peer_key(pair)])


def test_what_metadata_says_of_a_weak_key_is_not_believed() -> None:
    pair = key_pair("rsa1024")
    document = xmlsec1.sign(Document(signature=SignatureDraft().xml()).xml(), pair)
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(document.encode()), [replace(peer_key(pair), key_bits=4096)])


def test_an_unreadable_certificate_among_others_is_no_obstacle() -> None:
    broken = replace(peer_key(PEER), certificate="AAAA")
    assert verify_enveloped(parse_wire(genuine().encode()), [broken, peer_key(PEER)])


# --- what does not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "put"),
    [
        pytest.param("plain text", "other text", id="a text"),
        pytest.param('Id="_inner"', 'Id="_other"', id="an attribute"),
        pytest.param("</saml2p:Extensions>", "</saml2p:Extensions><saml2p:Status/>", id="an element more"),
        pytest.param("idp.example.se", "idp.example.org", id="the issuer"),
        pytest.param("</saml2p:Response>", " </saml2p:Response>", id="white space"),
        pytest.param("#rsa-sha256", "#rsa-sha512", id="the algorithm"),
        pytest.param('URI="#_response"', 'URI="#_response" Id="_x"', id="the signed info"),
    ],
)
def test_a_change_after_signing_is_noticed(found: str, put: str) -> None:
    document = genuine()
    assert found in document
    with pytest.raises(SignatureRejected):
        verify_enveloped(parse_wire(document.replace(found, put).encode()), [peer_key(PEER)])


def test_octets_are_compared_with_the_digest_whatever_a_library_says() -> None:
    root = parse_wire(genuine().encode())
    shape = _shape(root)
    root[-1].text = "something else"
    with pytest.raises(SignatureRejected, match="not those that were signed"):
        covered_octets(root, shape)


def test_a_document_without_canonical_form_is_never_covered() -> None:
    root = parse_wire(genuine().encode())
    shape = _shape(root)
    root.append(parse_wire(b'<a xmlns="relative"/>'))
    with pytest.raises(SignatureRejected, match="no canonical form"):
        covered_octets(root, shape)


def _shape(root: etree._Element) -> SignatureShape:
    return read_shape(
        root, canonicalisations=(EXCLUSIVE,), allow_empty_uri=False, allow_nested=False, accepted=ACCEPTED_SIGNATURES
    )


# --- RSA-PSS, for a side that has declared it ------------------------------------------------------------------


def pss_signed(algorithm: str) -> bytes:
    """xmlsec1 1.2 has no PSS, so the library signs."""
    root = parse_wire(Document(signature=SignatureDraft(method=method(algorithm)).xml()).xml().encode())
    context = xmlsec.SignatureContext()
    context.key = own_key(PEER).xmlsec_key
    context.register_id(root, "ID")
    context.sign(root.find(DS_SIGNATURE))
    return serialise(root)


@pytest.mark.parametrize("algorithm", [PSS_SHA256, PSS_SHA384, PSS_SHA512])
def test_pss_is_refused_unless_the_caller_accepts_it(algorithm: str) -> None:
    document = pss_signed(algorithm)
    with pytest.raises(SignatureRejected, match="algorithm is refused"):
        verify_enveloped(parse_wire(document), [peer_key(PEER)])
    verified = verify_enveloped(parse_wire(document), [peer_key(PEER)], accepted={algorithm})
    assert verified.signature_algorithm == algorithm


def test_pss_with_another_key_does_not_verify() -> None:
    with pytest.raises(SignatureRejected, match="any key"):
        verify_enveloped(parse_wire(pss_signed(PSS_SHA256)), [peer_key(STRANGER)], accepted={PSS_SHA256})


# --- metadata --------------------------------------------------------------------------------------------------

WITH_COMMENTS = EXCLUSIVE + "WithComments"
COMMENTED = SignatureDraft(
    canonicalisation=f'<ds:CanonicalizationMethod Algorithm="{WITH_COMMENTS}"/>',
    transforms=f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{WITH_COMMENTS}"/>',
)


@pytest.mark.parametrize(
    ("draft", "option"),
    [
        pytest.param(COMMENTED, "allow_comments_c14n", id="canonicalisation with comments"),
        pytest.param(SignatureDraft(uri='URI=""'), "allow_empty_uri", id="the whole document"),
    ],
)
def test_what_aggregates_do_is_accepted_of_metadata_only(draft: SignatureDraft, option: str) -> None:
    document = genuine(draft, Document(content="<!-- note --><a>x<!-- note -->y</a>"))
    with pytest.raises(SignatureRejected):
        verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)])
    verified = verify_enveloped(
        parse_wire(document.encode(), METADATA_BOUNDS),
        [peer_key(PEER)],
        allow_comments_c14n=option == "allow_comments_c14n",
        allow_empty_uri=option == "allow_empty_uri",
    )
    assert b"<a>xy</a>" in verified.data


def test_an_entity_signed_on_its_own_may_stand_in_an_aggregate() -> None:
    document = genuine(document=Document(content=f"<a>{SignatureDraft(digest='urn:x').xml()}</a>"))
    with pytest.raises(SignatureRejected, match="further down"):
        verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)])
    verified = verify_enveloped(parse_wire(document.encode()), [peer_key(PEER)], allow_nested=True)
    assert verified.data.count(b"<ds:Signature ") == 1


def test_the_production_aggregate_verifies_with_its_pinned_signer(shared_data: Path) -> None:
    folder = shared_data / "metadata"
    signers = read_signer((folder / "certs/swedenconnect-prod-metadata-signer.crt").read_bytes())
    data = (folder / "derived/prod-role-idp_2022-08-16_restored.xml").read_bytes()
    verified = verify_enveloped(parse_wire(data, METADATA_BOUNDS), signers, allow_comments_c14n=True)
    assert verified.key_id == signers[0].fingerprint
    assert parse_wire(verified.data, METADATA_BOUNDS).tag.endswith("EntitiesDescriptor")


def test_its_twin_with_another_date_and_another_signer_do_not(shared_data: Path) -> None:
    folder = shared_data / "metadata"
    genuine_signers = read_signer((folder / "certs/swedenconnect-prod-metadata-signer.crt").read_bytes())
    others = read_signer((folder / "certs/swedenconnect-qa-metadata-signer.crt").read_bytes())
    tried: list[tuple[str, tuple[PeerKey, ...]]] = [
        ("sweden-connect/prod-role-idp_2022-08-16_validuntil-edited.xml", genuine_signers),
        ("derived/prod-role-idp_2022-08-16_restored.xml", others),
    ]
    for name, signers in tried:
        root = parse_wire((folder / name).read_bytes(), METADATA_BOUNDS)
        with pytest.raises(SignatureRejected, match="any key"):
            verify_enveloped(root, signers, allow_comments_c14n=True)


@pytest.mark.parametrize(
    "name",
    [
        "metadata/other-federations/wayf-edugain_2019-07.xml",
        "eidas/metadata/ee/idp-metadata.xml",
        "eidas/metadata/german-mw/helm-release-ec.xml",
        "eidas/metadata/cef/service-pss.xml",
    ],
)
def test_metadata_that_other_software_signed_verifies(shared_data: Path, name: str) -> None:
    root = parse_wire((shared_data / name).read_bytes(), METADATA_BOUNDS)
    signature = root.find(DS_SIGNATURE)
    assert signature is not None
    key = read_peer_key("".join(signature.findtext(f".//{{{DS}}}X509Certificate").split()))
    verified = verify_enveloped(root, [key], allow_empty_uri=True, allow_nested=True, accepted=SIGNATURES)
    assert verified.key_id == key.fingerprint


# --- what we sign ----------------------------------------------------------------------------------------------


def signed_by_us(kind: str, algorithm: str, digest: str = SHA256) -> bytes:
    return sign_enveloped(
        parse_wire(Document().xml().encode()),
        own_key(key_pair(kind)),
        signature_algorithm=algorithm,
        digest_algorithm=digest,
        after_qname=ISSUER,
    )


@pytest.mark.parametrize(("kind", "algorithm"), EVERY_ALGORITHM)
def test_xmlsec1_verifies_what_we_sign(kind: str, algorithm: str) -> None:
    assert xmlsec1.verifies(signed_by_us(kind, algorithm), key_pair(kind))


@pytest.mark.parametrize("digest", DIGESTS)
def test_xmlsec1_verifies_every_digest_that_we_write(digest: str) -> None:
    document = signed_by_us("rsa2048", RSA_SHA512, digest)
    assert f'DigestMethod Algorithm="{digest}"'.encode() in document
    assert xmlsec1.verifies(document, PEER)


def test_we_verify_what_we_sign() -> None:
    verified = verify_enveloped(parse_wire(signed_by_us("p256", ECDSA_SHA256)), [peer_key(key_pair("p256"))])
    assert verified.data == canonicalise(parse_wire(Document().xml().encode()))


def test_the_signature_stands_after_the_issuer_and_carries_the_certificate() -> None:
    root = parse_wire(signed_by_us("rsa2048", RSA_SHA256))
    assert [child.tag for child in root][:2] == [ISSUER, DS_SIGNATURE]
    assert root.findtext(f".//{{{DS}}}X509Certificate") == peer_key(PEER).certificate


def test_the_signature_stands_first_when_nothing_comes_before() -> None:
    root = parse_wire(b'<a ID="_1"><b/></a>')
    signed = sign_enveloped(root, own_key(PEER), signature_algorithm=RSA_SHA256)
    assert parse_wire(signed)[0].tag == DS_SIGNATURE


def test_every_namespace_has_one_prefix() -> None:
    root = parse_wire(signed_by_us("rsa2048", RSA_SHA256))
    prefixes = {(element.prefix, etree.QName(element).namespace) for element in root.iter()}
    assert len({namespace for _, namespace in prefixes}) == len(prefixes)


def test_signing_leaves_the_tree_as_it_was() -> None:
    root = parse_wire(Document().xml().encode())
    before = serialise(root)
    sign_enveloped(root, own_key(PEER), signature_algorithm=RSA_SHA256, after_qname=ISSUER)
    assert serialise(root) == before


@pytest.mark.parametrize(
    ("document", "algorithm", "after", "message"),
    [
        pytest.param(b"<a/>", RSA_SHA256, None, "no ID", id="no ID"),
        pytest.param(b'<a ID=""/>', RSA_SHA256, None, "no ID", id="an empty ID"),
        pytest.param(b'<a ID="_1"/>', RSA_SHA256, f"{{{SAML}}}Issuer", "missing", id="no Issuer"),
        pytest.param(b'<a ID="_1"/>', ECDSA_SHA256, None, "does not fit", id="the wrong key"),
    ],
)
def test_what_cannot_be_signed_is_a_mistake_of_ours(
    document: bytes, algorithm: str, after: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sign_enveloped(parse_wire(document), own_key(PEER), signature_algorithm=algorithm, after_qname=after)
