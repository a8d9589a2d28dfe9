"""EncryptedAssertions of any shape, made with `cryptography` by the letter of XML Encryption 1.1."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from support.key_pairs import KeyPair

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
MGF1P = f"{XENC}rsa-oaep-mgf1p"
OAEP_11 = f"{XENC11}rsa-oaep"
HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
DIGESTS = {
    "sha1": f"{DS}sha1",
    "sha256": f"{XENC}sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": f"{XENC}sha512",
}


def block_cipher(bits: int, mode: str) -> str:
    """The URI of AES with that key size, in mode "cbc" or "gcm"."""
    return f"{XENC11 if mode == 'gcm' else XENC}aes{bits}-{mode}"


def seal(plain: bytes, secret: bytes, mode: str) -> bytes:
    """IV and ciphertext as XML Encryption 5.2 lays them out."""
    if mode == "gcm":
        nonce = os.urandom(12)
        return nonce + AESGCM(secret).encrypt(nonce, plain, None)
    count = 16 - len(plain) % 16
    padded, vector = plain + bytes(count - 1) + bytes([count]), os.urandom(16)
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(padded) + encryptor.finalize()


def wrap(secret: bytes, keys: KeyPair, digest: str = "sha1", mask: str = "sha1") -> bytes:
    """RSA-OAEP of `secret` for the owner of `keys`."""
    public = x509.load_pem_x509_certificate(keys.certificate).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public.encrypt(secret, padding.OAEP(padding.MGF1(HASHES[mask]()), HASHES[digest](), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An EncryptedAssertion in which everything is right unless it is said otherwise."""

    keys: KeyPair
    plain: bytes = b"<a>plain text</a>"
    bits: int = 256
    mode: str = "gcm"
    transport: str = MGF1P
    digest: str | None = None
    mask: str | None = None
    secret_octets: int | None = None
    beside: bool = False  # EncryptedKey beside EncryptedData
    type: str = f' Type="{XENC}Element"'

    def xml(self) -> str:
        """The document."""
        secret = os.urandom(self.secret_octets or self.bits // 8)
        sealed = seal(self.plain, secret[: self.bits // 8], self.mode)
        wrapped = wrap(secret, self.keys, self.digest or "sha1", self.mask or "sha1")
        parameters = f'<ds:DigestMethod Algorithm="{DIGESTS[self.digest]}"/>' if self.digest else ""
        if self.mask:
            parameters += f'<xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{XENC11}mgf1{self.mask}"/>'
        key = (
            f'<xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{self.transport}">{parameters}'
            f"</xenc:EncryptionMethod>{_cipher_data(wrapped)}</xenc:EncryptedKey>"
        )
        inside = f"<ds:KeyInfo>{'' if self.beside else key}</ds:KeyInfo>"
        return (
            f'<saml2:EncryptedAssertion xmlns:saml2="{SAML}" xmlns:ds="{DS}" xmlns:xenc="{XENC}">'
            f"<xenc:EncryptedData{self.type}>"
            f'<xenc:EncryptionMethod Algorithm="{block_cipher(self.bits, self.mode)}"/>{inside}{_cipher_data(sealed)}'
            f"</xenc:EncryptedData>{key if self.beside else ''}</saml2:EncryptedAssertion>"
        )


def _cipher_data(octets: bytes) -> str:
    value = base64.encodebytes(octets).decode()
    return f"<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>"
