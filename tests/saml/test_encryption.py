"""Opening and making encrypted assertions; the counterparts are xmlsec1 and plain `cryptography`."""

import base64
import logging
from dataclasses import replace

import pytest
from lxml import etree
from support import xmlsec1
from support.ciphers import DIGESTS, DS, MGF1P, OAEP_11, SAML, XENC, Sealed, block_cipher
from support.key_pairs import KeyPair
from support.keys import key_pair, own_key
from support.saml_peers import peer_key

from broker.core.errors import EServiceCannotDecrypt
from broker.saml.algorithms import (
    AES256_GCM,
    BLOCK_CIPHERS,
    OAEP_DIGESTS,
    RSA_OAEP_11,
    RSA_OAEP_MGF1P,
    SHA1,
    EncryptionChoice,
)
from broker.saml.encryption import Decrypted, DecryptionRejected, decrypt_assertion, encrypt_assertion
from broker.saml.keys import KeyUse, OwnKey
from broker.saml.xml import parse_wire, serialise

OURS = key_pair("rsa2048")
OLDER = key_pair("rsa2048", "older")
STRANGER = key_pair("rsa2048", "stranger")
PLAIN = "<a>plain text åäö</a>"


def decryption_key(pair: KeyPair) -> OwnKey:
    return own_key(pair, KeyUse.ENCRYPTION)


def opened(document: str, *pairs: KeyPair) -> Decrypted:
    return decrypt_assertion(parse_wire(document.encode()), [decryption_key(pair) for pair in pairs or (OURS,)])


def refused(document: str) -> None:
    with pytest.raises(DecryptionRejected):
        opened(document)


# --- what opens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["cbc", "gcm"])
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_every_block_cipher_opens(bits: int, mode: str) -> None:
    got = opened(Sealed(keys=OURS, bits=bits, mode=mode).xml())
    assert got == Decrypted(
        data=b"<a>plain text</a>", block_algorithm=block_cipher(bits, mode), key_algorithm=RSA_OAEP_MGF1P
    )


@pytest.mark.parametrize("digest", [None, *DIGESTS])
def test_every_oaep_digest_opens_with_the_mask_function_on_sha1(digest: str | None) -> None:
    assert opened(Sealed(keys=OURS, digest=digest).xml()).data == b"<a>plain text</a>"


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("mode", ["cbc", "gcm"])
def test_what_xmlsec1_encrypts_opens(bits: int, mode: str) -> None:
    template = (
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element">'
        f'<xenc:EncryptionMethod Algorithm="{block_cipher(bits, mode)}"/><ds:KeyInfo xmlns:ds="{DS}">'
        f'<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{MGF1P}"/><ds:KeyInfo/>'
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
    )
    data = xmlsec1.encrypt(PLAIN, template, OURS, f"aes-{bits}")
    got = opened(f'<saml2:EncryptedAssertion xmlns:saml2="{SAML}">{data}</saml2:EncryptedAssertion>')
    assert etree.fromstring(got.data).text == "plain text åäö"


def test_the_key_may_lie_beside_the_data() -> None:
    assert opened(Sealed(keys=OURS, beside=True).xml()).data == b"<a>plain text</a>"


def test_the_type_may_be_absent() -> None:
    assert opened(Sealed(keys=OURS, type="").xml()).data == b"<a>plain text</a>"


def test_any_of_our_keys_opens() -> None:
    for pairs in ((OURS, OLDER), (OLDER, OURS)):
        assert opened(Sealed(keys=OLDER).xml(), *pairs).data == b"<a>plain text</a>"


def test_a_key_that_is_not_rsa_is_passed_over() -> None:
    keys = [own_key(key_pair("p256")), decryption_key(OURS)]
    assert decrypt_assertion(parse_wire(Sealed(keys=OURS).xml().encode()), keys).data == b"<a>plain text</a>"


@pytest.mark.parametrize(
    "hint",
    [
        "<ds:KeyInfo><ds:KeyName>somebody else</ds:KeyName></ds:KeyInfo>",
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{peer_key(STRANGER).certificate}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo>",
        "<xenc:CarriedKeyName>name</xenc:CarriedKeyName>",
        '<xenc:ReferenceList><xenc:DataReference URI="#_x"/></xenc:ReferenceList>',
    ],
    ids=["key name", "certificate", "carried name", "reference list"],
)
def test_hints_at_the_key_are_not_followed(hint: str) -> None:
    document = Sealed(keys=OURS).xml().replace("</xenc:EncryptedKey>", f"{hint}</xenc:EncryptedKey>")
    assert opened(document).data == b"<a>plain text</a>"


def test_the_plaintext_is_handed_over_unread() -> None:
    hostile = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;<!-- --></a>'
    assert opened(Sealed(keys=OURS, plain=hostile).xml()).data == hostile


def test_the_structure_is_left_as_it_was() -> None:
    root = parse_wire(Sealed(keys=OURS).xml().encode())
    before = serialise(root)
    decrypt_assertion(root, [decryption_key(OURS)])
    assert serialise(root) == before


# --- what does not ---------------------------------------------------------------------------------------------

CIPHER_REFERENCE = '<xenc:CipherReference URI="file:///etc/hostname"/>'
GOOD = Sealed(keys=OURS).xml()
DATA = GOOD[GOOD.index("<xenc:EncryptedData") : GOOD.index("</saml2:EncryptedAssertion>")]
KEY = GOOD[GOOD.index("<xenc:EncryptedKey>") : GOOD.index("</ds:KeyInfo>")]
CBC = Sealed(keys=OURS, mode="cbc").xml()


def method(document: str, found: str, put: str) -> str:
    assert f'EncryptionMethod Algorithm="{found}"' in document
    return document.replace(f'EncryptionMethod Algorithm="{found}"', f'EncryptionMethod Algorithm="{put}"')


def between(document: str, start: str, end: str, put: str) -> str:
    """`document` with what first stands between `start` and `end` replaced."""
    head, found, rest = document.partition(start)
    assert found
    return head + put + rest.partition(end)[2]


def other_value(document: str, number: int, position: int) -> str:
    """`document` with one octet of a CipherValue (0: the key, 1: the data) changed."""
    root = etree.fromstring(document)
    value = root.findall(f".//{{{XENC}}}CipherValue")[number]
    octets = bytearray(base64.b64decode(value.text or ""))
    octets[position] ^= 0x80
    value.text = base64.b64encode(octets).decode()
    return serialise(root).decode()


REFUSED = {
    "another's key": Sealed(keys=STRANGER).xml(),
    "a changed key": other_value(GOOD, 0, -1),
    "changed data, GCM": other_value(GOOD, 1, -1),
    "changed padding, CBC": other_value(CBC, 1, -17),
    "a key too long for the cipher": Sealed(keys=OURS, secret_octets=64).xml(),
    "a key too short for the cipher": Sealed(keys=OURS, bits=128).xml().replace("aes128-gcm", "aes256-gcm"),
    "3DES": method(GOOD, AES256_GCM, f"{XENC}tripledes-cbc"),
    "an unknown cipher": method(GOOD, AES256_GCM, "urn:x"),
    "key wrap as cipher": method(GOOD, AES256_GCM, f"{XENC}kw-aes256"),
    "RSA as cipher": method(GOOD, AES256_GCM, MGF1P),
    "RSA 1.5": method(GOOD, MGF1P, f"{XENC}rsa-1_5"),
    "OAEP of XML Encryption 1.1": Sealed(keys=OURS, transport=OAEP_11).xml(),
    "a symmetric key transport": method(GOOD, MGF1P, f"{XENC}kw-aes256"),
    "another mask function": Sealed(keys=OURS, mask="sha256").xml(),
    "a mask function that would be the default": Sealed(keys=OURS, mask="sha1").xml(),
    "MD5 in OAEP": Sealed(keys=OURS, digest="sha1")
    .xml()
    .replace(f"{DS}sha1", "http://www.w3.org/2001/04/xmldsig-more#md5"),
    "two OAEP digests": Sealed(keys=OURS, digest="sha1")
    .xml()
    .replace("<ds:DigestMethod", f'<ds:DigestMethod Algorithm="{DS}sha1"/><ds:DigestMethod'),
    "a digest with content": Sealed(keys=OURS, digest="sha1")
    .xml()
    .replace(f'{DS}sha1"/>', f'{DS}sha1"><x/></ds:DigestMethod>'),
    "a nameless digest": GOOD.replace(f'"{MGF1P}">', f'"{MGF1P}"><ds:DigestMethod/>'),
    "OAEP parameters": GOOD.replace(f'"{MGF1P}">', f'"{MGF1P}"><xenc:OAEPparams>QQ==</xenc:OAEPparams>'),
    "a key size": GOOD.replace(
        f'"{AES256_GCM}"/>', f'"{AES256_GCM}"><xenc:KeySize>256</xenc:KeySize></xenc:EncryptionMethod>'
    ),
    "a nameless cipher": GOOD.replace(f' Algorithm="{AES256_GCM}"', ""),
    "no method": GOOD.replace(f'<xenc:EncryptionMethod Algorithm="{AES256_GCM}"/>', ""),
    "a cipher reference instead of the data": GOOD.replace(
        GOOD[GOOD.rindex("<xenc:CipherValue>") : GOOD.rindex("</xenc:CipherData>")], CIPHER_REFERENCE
    ),
    "a cipher reference beside the data": GOOD.replace(
        "</xenc:CipherData></xenc:EncryptedData>", f"{CIPHER_REFERENCE}</xenc:CipherData></xenc:EncryptedData>"
    ),
    "a cipher reference instead of the key": between(
        GOOD, "<xenc:CipherValue>", "</xenc:CipherValue>", CIPHER_REFERENCE
    ),
    "a comment in the value": GOOD.replace("<xenc:CipherValue>", "<xenc:CipherValue><!-- -->"),
    "no base64": GOOD.replace("<xenc:CipherValue>", "<xenc:CipherValue>!"),
    "an empty value": between(GOOD, "<xenc:CipherValue>", "</xenc:CipherValue>", "<xenc:CipherValue/>"),
    "no data": GOOD.replace(DATA, ""),
    "no key": GOOD.replace(KEY, ""),
    "no cipher data": between(GOOD, "<xenc:CipherData>", "</xenc:CipherData>", ""),
    "two keys": GOOD.replace(KEY, KEY * 2),
    "a key inside and one beside": GOOD.replace("</saml2:EncryptedAssertion>", f"{KEY}</saml2:EncryptedAssertion>"),
    "a key in the key's own key info": GOOD.replace(
        "</xenc:EncryptedKey>", f"<ds:KeyInfo>{KEY}</ds:KeyInfo></xenc:EncryptedKey>"
    ),
    "a key somewhere else": GOOD.replace(KEY, f'<x xmlns="urn:x">{KEY}</x>'),
    "two data": GOOD.replace(DATA, DATA * 2),
    "data inside data": GOOD.replace(KEY, f"{KEY}{DATA.replace(KEY, '')}"),
    "something else beside": GOOD.replace(
        "</saml2:EncryptedAssertion>", "<saml2:Assertion/></saml2:EncryptedAssertion>"
    ),
    "encryption properties": GOOD.replace("</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>"),
    "something unknown in the key": GOOD.replace("</xenc:EncryptedKey>", "<x/></xenc:EncryptedKey>"),
    "the type Content": Sealed(keys=OURS, type=f' Type="{XENC}Content"').xml(),
    "data of nothing but a vector": GOOD.replace(
        GOOD[GOOD.rindex("<xenc:CipherValue>") : GOOD.rindex("</xenc:CipherValue>")], f"<xenc:CipherValue>{'A' * 16}"
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_is_wrong_the_refusal_is_the_same(name: str) -> None:
    with pytest.raises(DecryptionRejected) as caught:
        opened(REFUSED[name])
    assert caught.value.detail == str(caught.value) == "the assertion does not decrypt"


def test_a_refusal_says_nothing_elsewhere(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    refused(REFUSED["changed padding, CBC"])
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_without_a_key_nothing_opens() -> None:
    with pytest.raises(DecryptionRejected):
        decrypt_assertion(parse_wire(GOOD.encode()), [])


@pytest.mark.parametrize("mask", [None, "sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("digest", ["sha256", "sha384"])
def test_a_side_that_has_declared_the_newer_oaep_can_open_it(digest: str, mask: str | None) -> None:
    document = Sealed(keys=OURS, transport=OAEP_11, digest=digest, mask=mask).xml()
    got = decrypt_assertion(parse_wire(document.encode()), [decryption_key(OURS)], key_transports={RSA_OAEP_11})
    assert (got.data, got.key_algorithm) == (b"<a>plain text</a>", RSA_OAEP_11)


def test_a_mask_function_that_nobody_knows_is_refused_even_then() -> None:
    document = Sealed(keys=OURS, transport=OAEP_11, mask="sha256").xml().replace("mgf1sha256", "mgf1md5")
    with pytest.raises(DecryptionRejected):
        decrypt_assertion(parse_wire(document.encode()), [decryption_key(OURS)], key_transports={RSA_OAEP_11})


def test_declaring_what_we_cannot_do_does_not_help() -> None:
    document = method(GOOD, MGF1P, f"{XENC}rsa-1_5")
    with pytest.raises(DecryptionRejected):
        decrypt_assertion(parse_wire(document.encode()), [decryption_key(OURS)], key_transports={f"{XENC}rsa-1_5"})


# --- what we encrypt -------------------------------------------------------------------------------------------


def choice(block: str = AES256_GCM, digest: str = SHA1, pair: KeyPair = OURS) -> EncryptionChoice:
    return EncryptionChoice(key=peer_key(pair), block_cipher=block, key_transport=RSA_OAEP_MGF1P, oaep_digest=digest)


@pytest.mark.parametrize("block", BLOCK_CIPHERS)
def test_xmlsec1_opens_what_we_encrypt(block: str) -> None:
    sealed = serialise(encrypt_assertion(PLAIN.encode(), choice(block)))
    assert "plain text åäö".encode() in etree.tostring(
        etree.fromstring(xmlsec1.decrypt(sealed, OURS)), encoding="utf-8"
    )


@pytest.mark.parametrize("digest", OAEP_DIGESTS)
@pytest.mark.parametrize("block", BLOCK_CIPHERS)
def test_we_open_what_we_encrypt(block: str, digest: str) -> None:
    sealed = serialise(encrypt_assertion(PLAIN.encode(), choice(block, digest)))
    assert f'DigestMethod Algorithm="{digest}"'.encode() in sealed
    got = decrypt_assertion(parse_wire(sealed), [decryption_key(OURS)])
    assert (got.data, got.block_algorithm) == (PLAIN.encode(), block)


def test_the_same_assertion_never_encrypts_to_the_same() -> None:
    first, second = (encrypt_assertion(PLAIN.encode(), choice()) for _ in range(2))
    values = [[value.text for value in sealed.iter(f"{{{XENC}}}CipherValue")] for sealed in (first, second)]
    assert not set(values[0]) & set(values[1])


def test_it_names_the_certificate_and_has_one_prefix_per_namespace() -> None:
    root = parse_wire(serialise(encrypt_assertion(PLAIN.encode(), choice())))
    assert root.findtext(f".//{{{XENC}}}EncryptedKey//{{{DS}}}X509Certificate") == peer_key(OURS).certificate
    prefixes = {(element.prefix, etree.QName(element).namespace) for element in root.iter()}
    assert prefixes == {("saml2", SAML), ("xenc", XENC), ("ds", DS)}


@pytest.mark.parametrize("kind", ["rsa1024", "p256"])
def test_a_key_that_is_too_weak_or_no_rsa_is_refused(kind: str) -> None:
    with pytest.raises(EServiceCannotDecrypt):
        encrypt_assertion(PLAIN.encode(), choice(pair=key_pair(kind)))


def test_another_key_transport_is_refused() -> None:
    with pytest.raises(EServiceCannotDecrypt):
        encrypt_assertion(PLAIN.encode(), replace(choice(), key_transport=f"{XENC}rsa-1_5"))
