"""Responses with a signature of any shape, each made valid by xmlsec1 when its own rules allow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

_DIGEST = '<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/>'


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureDraft:
    """The template of a ds:Signature in which everything is right unless it is said otherwise."""

    canonicalisation: str = f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
    method: str = f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/>'
    uri: str = 'URI="#_response"'
    transforms: str = f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/>'
    digest: str = SHA256
    more_references: str = ""
    references: str | None = None  # replaces the one reference
    key_info: str = ""
    after: str = ""  # after KeyInfo

    def xml(self) -> str:
        """The template."""
        reference = (
            f"<ds:Reference {self.uri}><ds:Transforms>{self.transforms}</ds:Transforms>"
            f"{_DIGEST.format(digest=self.digest)}</ds:Reference>"
        )
        references = reference if self.references is None else self.references
        return (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{self.canonicalisation}{self.method}{references}'
            f"{self.more_references}</ds:SignedInfo><ds:SignatureValue/>{self.key_info}{self.after}</ds:Signature>"
        )


def reference(uri: str, transforms: str) -> str:
    """Another ds:Reference."""
    return (
        f'<ds:Reference URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms>{_DIGEST.format(digest=SHA256)}'
        "</ds:Reference>"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A small Response; `signature` stands after its Issuer."""

    signature: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: {"ID": "_response"})
    content: str = '<saml2p:Extensions><b xmlns="urn:b" Id="_inner">plain text åäö</b></saml2p:Extensions>'

    def xml(self) -> str:
        """The document."""
        attributes = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        return (
            f'<saml2p:Response xmlns:saml2p="{SAMLP}" xmlns:saml2="{SAML}"{attributes}>'
            f"<saml2:Issuer>https://idp.example.se/</saml2:Issuer>{self.signature}{self.content}</saml2p:Response>"
        )
