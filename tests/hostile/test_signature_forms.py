"""Signatures of a Response by the genuine key, valid by XML Signature, in forms and with algorithms that we refuse."""

import hashlib
import hmac
from collections.abc import Callable
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from support.attack_crypto import signed_by_hand, signed_by_template
from support.attack_peers import NS, PERSON, PNR
from support.attack_query import private_key
from support.attack_world import Login, World
from support.key_pairs import KeyPair
from support.messages import ResponseDraft
from support.signatures import ENVELOPED, EXCLUSIVE, SignatureDraft, reference

INVALID = "upstream-signature-invalid"
TRANSFORM = '<ds:Transform Algorithm="{}"/>'.format


def draft_of(login: Login) -> ResponseDraft:
    return login.upstream.response(login.asked, login.seal(login.assertion().xml()))


def test_the_form_that_all_these_are_bent_from_logs_in(world: World) -> None:
    login = world.login()
    answer = signed_by_template(draft_of(login), SignatureDraft(), login.upstream.keys)
    assert login.assert_granted(login.deliver(answer))[PNR] == PERSON[PNR]


FORMS = {
    "the whole document": SignatureDraft(uri='URI=""'),
    "no transforms": SignatureDraft(transforms=TRANSFORM(ENVELOPED)),
    "no exclusive canonicalisation": SignatureDraft(
        transforms=TRANSFORM(ENVELOPED) + TRANSFORM("http://www.w3.org/TR/2001/REC-xml-c14n-20010315")
    ),
    "comments count": SignatureDraft(transforms=TRANSFORM(ENVELOPED) + TRANSFORM(f"{EXCLUSIVE}WithComments")),
    "three transforms": SignatureDraft(transforms=TRANSFORM(ENVELOPED) + TRANSFORM(EXCLUSIVE) * 2),
    "SignedInfo by inclusive canonicalisation": SignatureDraft(
        canonicalisation='<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
    ),
    "SignedInfo with comments": SignatureDraft(
        canonicalisation=f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}WithComments"/>'
    ),
    "an XPath filter": SignatureDraft(
        transforms=TRANSFORM(ENVELOPED)
        + '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath '
        f'xmlns:saml2p="{NS["saml2p"]}">ancestor-or-self::saml2p:Status</ds:XPath></ds:Transform>'
        + TRANSFORM(EXCLUSIVE)
    ),
    "an XPath filter of the second kind": SignatureDraft(
        transforms=TRANSFORM(ENVELOPED)
        + '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><x:XPath Filter="subtract" '
        f'xmlns:x="http://www.w3.org/2002/06/xmldsig-filter2" xmlns:saml2="{NS["saml2"]}">//saml2:EncryptedAssertion'
        "</x:XPath></ds:Transform>" + TRANSFORM(EXCLUSIVE)
    ),
    "a stylesheet": SignatureDraft(
        transforms=TRANSFORM(ENVELOPED)
        + '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
        'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><same/></xsl:template>'
        "</xsl:stylesheet></ds:Transform>" + TRANSFORM(EXCLUSIVE)
    ),
    "two references": SignatureDraft(
        more_references=reference("#_response", TRANSFORM(ENVELOPED) + TRANSFORM(EXCLUSIVE))
    ),
    "an Object": SignatureDraft(after="<ds:Object>nothing</ds:Object>"),
    "a manifest instead": SignatureDraft(
        references=reference("#_manifest", TRANSFORM(EXCLUSIVE)),
        after='<ds:Object><ds:Manifest Id="_manifest">'
        + reference("#_response", TRANSFORM(ENVELOPED) + TRANSFORM(EXCLUSIVE))
        + "</ds:Manifest></ds:Object>",
    ),
    "SHA-1 digest": SignatureDraft(digest="http://www.w3.org/2000/09/xmldsig#sha1"),
    "MD5 digest": SignatureDraft(digest="http://www.w3.org/2001/04/xmldsig-more#md5"),
    "RSA with SHA-1": SignatureDraft(
        method='<ds:SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>'
    ),
    "RSA with MD5": SignatureDraft(
        method='<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-md5"/>'
    ),
}


@pytest.mark.parametrize("template", FORMS.values(), ids=FORMS.keys())
def test_a_valid_signature_of_another_form_is_refused(world: World, template: SignatureDraft) -> None:
    login = world.login()
    world.assert_refused(login.deliver(signed_by_template(draft_of(login), template, login.upstream.keys)), INVALID)


# --- algorithms that xmlsec1 does not do, or not like this ---------------------------------------------------------


def pkcs1(keys: KeyPair, octets: bytes) -> bytes:
    return rsa_key(keys).sign(octets, padding.PKCS1v15(), hashes.SHA256())


def pss(keys: KeyPair, octets: bytes) -> bytes:
    return rsa_key(keys).sign(octets, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def hmac_with_the_certificate(keys: KeyPair, octets: bytes) -> bytes:
    return hmac.digest(keys.certificate, octets, "sha256")


def hmac_with_the_certificate_as_der(keys: KeyPair, octets: bytes) -> bytes:
    der = x509.load_pem_x509_certificate(keys.certificate).public_bytes(serialization.Encoding.DER)
    return hmac.digest(der, octets, "sha256")


def hmac_with_the_public_key(keys: KeyPair, octets: bytes) -> bytes:
    public = rsa_key(keys).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(der, octets, "sha256")


def no_secret(keys: KeyPair, octets: bytes) -> bytes:
    del keys
    return hmac.digest(b"", octets, "sha256")


def digest_alone(keys: KeyPair, octets: bytes) -> bytes:
    del keys
    return hashlib.sha256(octets).digest()


def rsa_key(keys: KeyPair) -> rsa.RSAPrivateKey:
    key = private_key(keys.key)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def test_the_hand_that_makes_these_makes_valid_signatures(world: World) -> None:
    login = world.login()
    draft = draft_of(login)
    answer = signed_by_hand(draft.xml(), draft.response_id, f"{MORE}rsa-sha256", partial(pkcs1, login.upstream.keys))
    assert login.assert_granted(login.deliver(answer))[PNR] == PERSON[PNR]


@pytest.mark.parametrize(
    ("algorithm", "sign"),
    [
        pytest.param("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", pss, id="RSA-PSS"),
        pytest.param(f"{MORE}hmac-sha256", hmac_with_the_certificate, id="HMAC, secret is the certificate"),
        pytest.param(
            f"{MORE}hmac-sha256", hmac_with_the_certificate_as_der, id="HMAC, secret is the certificate's DER"
        ),
        pytest.param(f"{MORE}hmac-sha256", hmac_with_the_public_key, id="HMAC, secret is the public key"),
        pytest.param(f"{MORE}hmac-sha256", no_secret, id="HMAC, empty secret"),
        pytest.param(f"{MORE}ecdsa-sha256", pkcs1, id="RSA called ECDSA"),
        pytest.param(f"{MORE}rsa-sha512", pkcs1, id="SHA-256 called SHA-512"),
        pytest.param(f"{MORE}rsa-sha224", pkcs1, id="unlisted"),
        pytest.param("", pkcs1, id="no algorithm"),
        pytest.param("none", digest_alone, id="none"),
        pytest.param("http://www.w3.org/2001/04/xmlenc#sha256", digest_alone, id="a digest"),
    ],
)
def test_another_algorithm_is_refused(world: World, algorithm: str, sign: Callable[[KeyPair, bytes], bytes]) -> None:
    login = world.login()
    draft = draft_of(login)
    answer = signed_by_hand(draft.xml(), draft.response_id, algorithm, partial(sign, login.upstream.keys))
    world.assert_refused(login.deliver(answer), INVALID)


def test_a_truncated_hmac_is_refused(world: World) -> None:
    login = world.login()
    length = "<ds:HMACOutputLength>0</ds:HMACOutputLength>"
    method = f'<ds:SignatureMethod Algorithm="{MORE}hmac-sha256">{length}</ds:SignatureMethod>'
    draft = draft_of(login)
    answer = signed_by_hand(draft.xml(), draft.response_id, "", lambda _: b"\0", method=method)
    world.assert_refused(login.deliver(answer), INVALID)
