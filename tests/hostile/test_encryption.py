"""Encrypted assertions in signed Responses: none, several, for somebody else, by means that we refuse."""

import re
from collections.abc import Callable

import pytest
from support import xmlsec1
from support.attack_peers import PERSON, PNR, VICTIM, changed, peer_keys
from support.attack_world import Login, World
from support.ciphers import OAEP_11, XENC, Sealed
from support.key_pairs import KeyPair
from support.messages import DS, encrypted

UNDECRYPTABLE = "upstream-assertion-undecryptable"
UNACCEPTABLE = "upstream-assertion-unacceptable"


def own(login: Login) -> str:
    return login.assertion().xml()


def ours(login: Login) -> KeyPair:
    """Our encryption key, as far as peers know it."""
    return KeyPair(key=b"", certificate=login.world.broker_certificate)


def sealed(login: Login, plain: str | bytes | None = None, **so: object) -> str:
    """An EncryptedAssertion by the book, but for `so`."""
    octets = own(login) if plain is None else plain
    octets = octets.encode() if isinstance(octets, str) else octets
    return Sealed(keys=ours(login), plain=octets, **so).xml()  # type: ignore[arg-type]  # passed on as they come


def by_xmlsec1(login: Login, block: str, transport: str, session_key: str) -> str:
    """An EncryptedAssertion by xmlsec1, with algorithms that nobody should use any more."""
    template = (
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{block}"/>'
        f'<ds:KeyInfo xmlns:ds="{DS}"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{transport}"/>'
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
        "<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
    )
    data = xmlsec1.encrypt(own(login), template, ours(login), session_key)
    return f"<saml2:EncryptedAssertion>{data}</saml2:EncryptedAssertion>"


@pytest.mark.parametrize("so", [{}, {"beside": True}, {"mode": "cbc"}, {"digest": "sha256"}], ids=str)
def test_what_these_are_bent_from_logs_in(world: World, so: dict[str, object]) -> None:
    login = world.login()
    assert login.assert_granted(login.answered(content=sealed(login, None, **so)))[PNR] == PERSON[PNR]


# --- not exactly one, encrypted ----------------------------------------------------------------------------------


def plain(login: Login) -> str:
    return own(login)


def plain_beside_encrypted(login: Login) -> str:
    return changed(values=VICTIM)(login.assertion()).xml() + sealed(login)


def plain_after_encrypted(login: Login) -> str:
    return sealed(login) + changed(values=VICTIM)(login.assertion()).xml()


def two_encrypted(login: Login) -> str:
    return sealed(login) + sealed(login, changed(values=VICTIM)(login.assertion()).xml())


def none(login: Login) -> str:
    del login
    return ""


def empty(login: Login) -> str:
    del login
    return "<saml2:EncryptedAssertion/>"


def encrypted_data_alone(login: Login) -> str:
    found = re.search(r"<xenc:EncryptedData.*</xenc:EncryptedData>", sealed(login), re.DOTALL)
    assert found
    return (
        f'<saml2:EncryptedAssertion xmlns:ds="{DS}" xmlns:xenc="{XENC}">{found[0]}{found[0]}</saml2:EncryptedAssertion>'
    )


def encrypted_id(login: Login) -> str:
    return sealed(login).replace("EncryptedAssertion", "EncryptedID")


def encrypted_in_extensions(login: Login) -> str:
    return f"<saml2p:Extensions>{sealed(login)}</saml2p:Extensions>"


@pytest.mark.parametrize(
    "content",
    [plain, plain_beside_encrypted, plain_after_encrypted, two_encrypted, none, empty, encrypted_data_alone],
)
def test_not_exactly_one_encrypted_assertion_is_refused(world: World, content: Callable[[Login], str]) -> None:
    login = world.login()
    world.assert_refused(login.answered(content=content(login)), UNDECRYPTABLE)


@pytest.mark.parametrize(("content", "code"), [(encrypted_id, UNACCEPTABLE), (encrypted_in_extensions, UNDECRYPTABLE)])
def test_an_encrypted_assertion_by_another_name_or_place_is_none(
    world: World, content: Callable[[Login], str], code: str
) -> None:
    login = world.login()
    world.assert_refused(login.answered(content=content(login)), code)


# --- keys and algorithms -----------------------------------------------------------------------------------------


def for_a_stranger(login: Login) -> str:
    return encrypted(own(login), peer_keys("stranger").certificate)


def for_the_e_service(login: Login) -> str:
    return encrypted(own(login), login.e_service.keys.certificate)


def for_our_signing_key(login: Login) -> str:
    folder = login.world.installation.opened.settings.keys_folder
    return encrypted(own(login), (folder / "signing-1.crt").read_bytes())


def triple_des(login: Login) -> str:
    return by_xmlsec1(login, f"{XENC}tripledes-cbc", f"{XENC}rsa-oaep-mgf1p", "des-192")


def rsa_15(login: Login) -> str:
    return by_xmlsec1(login, f"{XENC}aes256-cbc", f"{XENC}rsa-1_5", "aes-256")


def oaep_11(login: Login) -> str:
    return sealed(login, transport=OAEP_11, digest="sha256", mask="sha256")


def a_mask_that_the_algorithm_does_not_have(login: Login) -> str:
    return sealed(login, digest="sha256", mask="sha256")


def an_unknown_digest(login: Login) -> str:
    return sealed(login, digest="sha1").replace(f"{DS}sha1", "http://www.w3.org/2001/04/xmldsig-more#md5")


def a_label(login: Login) -> str:
    return sealed(login, digest="sha1").replace(
        "<ds:DigestMethod", "<xenc:OAEPparams>AA==</xenc:OAEPparams><ds:DigestMethod"
    )


def a_longer_key(login: Login) -> str:
    return sealed(login, bits=128, secret_octets=32)


def a_shorter_key(login: Login) -> str:
    return sealed(login, bits=128).replace("aes128-gcm", "aes256-gcm")


def an_unknown_cipher(login: Login) -> str:
    return sealed(login).replace(
        "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-ecb"
    )


def a_cipher_called_another(login: Login) -> str:
    return sealed(login, mode="gcm").replace("http://www.w3.org/2009/xmlenc11#aes256-gcm", f"{XENC}aes256-cbc")


def two_keys(login: Login) -> str:
    key = re.search(r"<xenc:EncryptedKey>.*?</xenc:EncryptedKey>", sealed(login), re.DOTALL)
    assert key
    return sealed(login).replace("</ds:KeyInfo>", f"{key[0]}</ds:KeyInfo>")


def no_key(login: Login) -> str:
    return re.sub(r"<xenc:EncryptedKey>.*?</xenc:EncryptedKey>", "", sealed(login), flags=re.DOTALL)


def a_key_fetched_from_elsewhere(login: Login) -> str:
    method = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="file:///etc/passwd"/>'
    return re.sub(r"<xenc:EncryptedKey>.*?</xenc:EncryptedKey>", method, sealed(login), flags=re.DOTALL)


def ciphertext_fetched_from_a_file(login: Login) -> str:
    return fetched(sealed(login), "file:///etc/passwd")


def ciphertext_fetched_from_an_address(login: Login) -> str:
    return fetched(sealed(login), "http://127.0.0.1:9/")


def fetched(document: str, uri: str) -> str:
    before, _, after = document.rpartition("<xenc:CipherValue>")
    return f'{before}<xenc:CipherReference URI="{uri}"/>{after.partition("</xenc:CipherValue>")[2]}'


def a_wrapped_key_fetched_from_a_file(login: Login) -> str:
    reference = '<xenc:CipherReference URI="file:///etc/passwd"/>'
    return re.sub(r"<xenc:CipherValue>.*?</xenc:CipherValue>", reference, sealed(login), count=1, flags=re.DOTALL)


def content_only(login: Login) -> str:
    return sealed(login, type=f' Type="{XENC}Content"')


def a_ciphertext_cut_short(login: Login) -> str:
    return re.sub(
        r"[A-Za-z0-9+/=\n]{44}(</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>)", r"\1", sealed(login)
    )


def a_ciphertext_that_is_no_base64(login: Login) -> str:
    return sealed(login).replace("<xenc:CipherValue>", "<xenc:CipherValue>!")


def no_ciphertext(login: Login) -> str:
    before, _, after = sealed(login).rpartition("<xenc:CipherValue>")
    return f"{before}<xenc:CipherValue>{after[after.index('</xenc:CipherValue>') :]}"


def elements_in_the_ciphertext(login: Login) -> str:
    return sealed(login).replace("<xenc:CipherValue>", "<xenc:CipherValue><a/>")


WAYS = [
    for_a_stranger,
    for_the_e_service,
    for_our_signing_key,
    triple_des,
    rsa_15,
    oaep_11,
    a_mask_that_the_algorithm_does_not_have,
    an_unknown_digest,
    a_label,
    a_longer_key,
    a_shorter_key,
    an_unknown_cipher,
    a_cipher_called_another,
    two_keys,
    no_key,
    a_key_fetched_from_elsewhere,
    ciphertext_fetched_from_a_file,
    ciphertext_fetched_from_an_address,
    a_wrapped_key_fetched_from_a_file,
    content_only,
    a_ciphertext_cut_short,
    a_ciphertext_that_is_no_base64,
    no_ciphertext,
    elements_in_the_ciphertext,
]


@pytest.mark.parametrize("way", WAYS)
def test_another_way_of_encrypting_is_refused(world: World, way: Callable[[Login], str]) -> None:
    login = world.login()
    world.assert_refused(login.answered(content=way(login)), UNDECRYPTABLE)


def test_nobody_can_tell_why_a_ciphertext_was_refused(world: World) -> None:
    seen = set()
    for way in (for_a_stranger, rsa_15, a_ciphertext_cut_short, lambda login: sealed(login, b"no XML", mode="cbc")):
        page = (login := world.login()).answered(content=way(login))
        words = page.text.replace(login.path, "").replace(" ".join(re.findall("....", page.reference or "")), "")
        seen.add((page.status, world.ended(page), re.sub(r"<dd><span class=\"code\".*?</dd>", "", words)))
    assert len(seen) == 1
