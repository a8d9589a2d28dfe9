"""Who the strangers are: one peer for each habit that shows in its metadata or in its answers."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from support.attack_peers import GIVEN_NAME, NS, PNR, POST, REDIRECT, Rewrite, changed, peer_keys, rewritten
from support.ciphers import XENC, block_cipher
from support.strangers import StrangeEService, StrangeUpstream, with_keys

EC_256, EC_384, EC_521 = (peer_keys("curves", kind) for kind in ("p256", "p384", "p521"))
OLD, NEW = peer_keys("old"), peer_keys("new")
UNUSABLE = peer_keys("unusable", "rsa1024")
_TRUE = re.compile(r'(AuthnRequestsSigned|WantAuthnRequestsSigned|isDefault|WantAssertionsSigned)="true"')


def ones(metadata: str) -> str:
    """`1` for true, `0` for false."""
    return _TRUE.sub(r'\1="1"', metadata).replace('="false"', '="0"')


def adding(what: str, before: str) -> Rewrite:
    """Something more in the metadata."""
    return rewritten(before, f"{what}{before}")


def several(*rewrites: Rewrite) -> Rewrite:
    """One after the other."""

    def rewrite(text: str) -> str:
        for one in rewrites:
            text = one(text)
        return text

    return rewrite


def spread_out(metadata: str) -> str:
    """Line breaks and comments wherever nobody cares, and certificates in lines."""
    lined = re.sub(r"(<ds:X509Certificate>)([^<]+)", lambda m: f"{m[1]}\n{_in_lines(m[2])}\n", metadata)
    return '<?xml version="1.0" encoding="UTF-8"?>\n<!-- ours -->\n' + lined.replace("><", ">\n  <!-- -->\n  <")


def armoured(metadata: str) -> str:
    """The PEM file pasted into the element."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return re.sub(r"(<ds:X509Certificate>)([^<]+)", lambda m: f"{m[1]}{begin}\n{_in_lines(m[2])}\n{end}\n", metadata)


def other_prefixes(text: str) -> str:
    """Microsoft's and pysaml2's prefixes, and none."""
    text = text.replace("md:", "ns0:").replace("xmlns:md=", "xmlns:ns0=")
    return text.replace("ds:", "").replace("xmlns:ds=", "xmlns=")


def _in_lines(text: str) -> str:
    return "\n".join(text[start : start + 64] for start in range(0, len(text), 64))


def _encryption_method(*algorithms: str) -> Rewrite:
    methods = "".join(f'<md:EncryptionMethod Algorithm="{uri}"/>' for uri in algorithms)

    def rewrite(metadata: str) -> str:
        head, found, tail = metadata.rpartition("</md:KeyDescriptor>")
        assert found
        return f"{head}{methods}{found}{tail}"

    return rewrite


_ACS = "<md:AssertionConsumerService "
_MORE_ACS = (
    f'<md:AssertionConsumerService index="7" Binding="{POST}" Location="https://{{name}}.example.se/seven"/>'
    '<md:AssertionConsumerService index="1" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" '
    'Location="https://{name}.example.se/artifact"/>'
)
_EXTRAS = (
    '<md:Extensions xmlns:x="urn:x"><x:unknown a="b"><x:more/></x:unknown></md:Extensions>'
    f'<md:AttributeAuthorityDescriptor protocolSupportEnumeration="{NS["saml2p"]}"><md:AttributeService '
    'Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://x.example/aa"/>'
    "</md:AttributeAuthorityDescriptor>"
)

E_SERVICES: Mapping[str, StrangeEService] = MappingProxyType(
    {
        "plain": StrangeEService("plain"),
        "in a rollover, signs with the old key": StrangeEService(
            "rollover-old",
            habit=with_keys((OLD, "signing"), (NEW, "signing"), (OLD, "encryption")),
            signer=OLD,
            reader=OLD,
        ),
        "in a rollover, signs with the new key": StrangeEService(
            "rollover-new",
            habit=with_keys((OLD, "signing"), (NEW, "signing"), (OLD, "encryption")),
            signer=NEW,
            reader=OLD,
        ),
        "with two encryption keys": StrangeEService(
            "two-keys",
            habit=with_keys((NEW, "signing"), (NEW, "encryption"), (OLD, "encryption")),
            signer=NEW,
            reader=NEW,
        ),
        "with one key for everything": StrangeEService("one-key", habit=with_keys((NEW, None)), signer=NEW, reader=NEW),
        "with two keys for everything": StrangeEService(
            "any-key", habit=with_keys((OLD, None), (NEW, None)), signer=NEW, reader=OLD
        ),
        "with a key that is too short beside a good one": StrangeEService(
            "short-key",
            habit=with_keys((UNUSABLE, None), (NEW, "signing"), (NEW, "encryption")),
            signer=NEW,
            reader=NEW,
        ),
        "with P-256": StrangeEService(
            "p256", habit=with_keys((EC_256, "signing"), (NEW, "encryption")), signer=EC_256, reader=NEW
        ),
        "with P-384": StrangeEService(
            "p384", habit=with_keys((EC_384, "signing"), (NEW, "encryption")), signer=EC_384, reader=NEW
        ),
        "with P-521, and its key for everything": StrangeEService(
            "p521", habit=with_keys((EC_521, None), (NEW, "encryption")), signer=EC_521, reader=NEW
        ),
        "that writes 1 for true": StrangeEService("ones", habit=ones),
        "that wants the assertion signed": StrangeEService(
            "wants", habit=rewritten("AuthnRequestsSigned=", 'WantAssertionsSigned="1" AuthnRequestsSigned=')
        ),
        "that declares nothing about signing": StrangeEService("silent", flags=""),
        "that declares not to sign, and signs": StrangeEService("modest", flags='AuthnRequestsSigned="0"'),
        "with several addresses": StrangeEService("addresses", habit=adding(_MORE_ACS.format(name="addresses"), _ACS)),
        "without a default address": StrangeEService("no-default", habit=rewritten(' isDefault="true"', "")),
        "with a query in its address": StrangeEService("query", own_acs="https://query.example.se/acs?tenant=a&b=c"),
        "that wants transient names": StrangeEService(
            "transient",
            habit=adding(
                "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>", _ACS
            ),
        ),
        "that wants mail addresses as names": StrangeEService(
            "mail",
            habit=adding(
                "<md:NameIDFormat> urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress </md:NameIDFormat>", _ACS
            ),
        ),
        "that declares GCM": StrangeEService("gcm", habit=_encryption_method(block_cipher(128, "gcm"))),
        "that declares 3DES first": StrangeEService(
            "tripledes", habit=_encryption_method(f"{XENC}tripledes-cbc", block_cipher(128, "cbc"))
        ),
        "that declares only 3DES": StrangeEService("only3des", habit=_encryption_method(f"{XENC}tripledes-cbc")),
        "with spread-out metadata": StrangeEService("spread", habit=spread_out),
        "with armoured certificates": StrangeEService("armoured", habit=armoured),
        "with other prefixes": StrangeEService("prefixes", habit=other_prefixes),
        "with unknown extensions and roles": StrangeEService("extras", habit=adding(_EXTRAS, "<md:SPSSODescriptor")),
        "that is a URN": StrangeEService("urn", own_id="urn:mace:example.se:sp"),
        "with letters of its own": StrangeEService("letters", own_id="https://räksmörgås.example.se/sp"),
    }
)


def without_friendly_names_or_types(text: str) -> str:
    """The barest attributes."""
    return text.replace(' xsi:type="xs:string"', "").replace(
        ' NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"', ""
    )


def friendly(text: str) -> str:
    """FriendlyNames of its own, some of them another attribute's."""
    text = text.replace(f'Name="{PNR}"', f'FriendlyName="sn" Name="{PNR}"')
    return text.replace(f'Name="{GIVEN_NAME}"', f'Name="{GIVEN_NAME}" FriendlyName="Förnamn"')


def indented(text: str) -> str:
    """White space between elements and around values."""
    text = text.replace("><saml2:", ">\n  <saml2:").replace("</saml2:AttributeValue>", "\n</saml2:AttributeValue>")
    return re.sub(r"(<saml2:(?:Audience|AuthnContextClassRef|Issuer)>)", r"\1\n    ", text)


def prefixed(assertion: str, protocol: str) -> Rewrite:
    """Other prefixes."""

    def rewrite(text: str) -> str:
        text = text.replace("saml2p:", f"{protocol}:").replace("xmlns:saml2p=", f"xmlns:{protocol}=")
        return text.replace("saml2:", f"{assertion}:").replace("xmlns:saml2=", f"xmlns:{assertion}=")

    return rewrite


_MORE_VALUES = (
    '<saml2:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.1.1.7" FriendlyName="eduPersonEntitlement">'
    "<saml2:AttributeValue>urn:x</saml2:AttributeValue><saml2:AttributeValue>urn:y</saml2:AttributeValue>"
    '</saml2:Attribute><saml2:Attribute Name="memberOf"/></saml2:AttributeStatement>'
)
_SSO = re.compile(r"<md:SingleSignOnService [^>]*/>")


def only(binding: str) -> Rewrite:
    """Metadata with one binding."""
    return lambda metadata: _SSO.sub(lambda found: found[0] if f'"{binding}"' in found[0] else "", metadata)


UPSTREAMS: Mapping[str, StrangeUpstream] = MappingProxyType(
    {
        **{
            f"that encrypts with AES-{bits}-{mode.upper()}": StrangeUpstream(
                f"aes{bits}-{mode}", block=block_cipher(bits, mode)
            )
            for bits in (128, 192, 256)
            for mode in ("cbc", "gcm")
        },
        "that says OAEP with SHA-1": StrangeUpstream("oaep-sha1", digest="sha1"),
        "that says OAEP with SHA-256": StrangeUpstream("oaep-sha256", digest="sha256"),
        "that says OAEP with SHA-512, and GCM": StrangeUpstream(
            "oaep-sha512", digest="sha512", block=block_cipher(256, "gcm")
        ),
        "that signs both": StrangeUpstream("both", signs_assertion=True),
        "that signs both and uses GCM": StrangeUpstream(
            "both-gcm", signs_assertion=True, block=block_cipher(256, "gcm")
        ),
        "with P-256": StrangeUpstream("ec256", habit=with_keys((EC_256, "signing")), signer=EC_256),
        "with P-384": StrangeUpstream("ec384", habit=with_keys((EC_384, None)), signer=EC_384),
        "with P-521 that signs both": StrangeUpstream(
            "ec521", habit=with_keys((EC_521, None)), signer=EC_521, signs_assertion=True
        ),
        "in a rollover, signs with the old key": StrangeUpstream(
            "idp-old", habit=with_keys((NEW, "signing"), (OLD, "signing")), signer=OLD
        ),
        "in a rollover, signs with the new key": StrangeUpstream(
            "idp-new", habit=with_keys((OLD, "signing"), (NEW, "signing")), signer=NEW
        ),
        "in a rollover from RSA to P-256": StrangeUpstream(
            "idp-curve", habit=with_keys((OLD, "signing"), (EC_256, "signing")), signer=EC_256
        ),
        "that writes 1 for true": StrangeUpstream("idp-ones", habit=ones),
        "that takes POST only": StrangeUpstream("post-only", habit=only(POST)),
        "that takes Redirect only": StrangeUpstream("redirect-only", habit=only(REDIRECT)),
        "with spread-out metadata": StrangeUpstream("idp-spread", habit=spread_out),
        "with friendly names of its own": StrangeUpstream("friendly", assertion_text=friendly),
        "with the barest attributes": StrangeUpstream("bare", assertion_text=without_friendly_names_or_types),
        "with attributes that nobody knows": StrangeUpstream(
            "more", assertion_text=rewritten("</saml2:AttributeStatement>", _MORE_VALUES)
        ),
        "with other prefixes": StrangeUpstream(
            "idp-prefixes", assertion_text=prefixed("saml", "samlp"), response_text=prefixed("ns1", "ns0")
        ),
        "that indents": StrangeUpstream("indents", assertion_text=indented, response_text=rewritten("><", ">\n<")),
        "that names who authenticated": StrangeUpstream(
            "authorities", assertion_habit=changed(authorities=["https://a.example", "urn:b"])
        ),
        "that ends its session": StrangeUpstream(
            "session", assertion_habit=changed(authn={"SessionNotOnOrAfter": "2100-01-01T00:00:00.000Z"})
        ),
        "without an address": StrangeUpstream("nowhere", assertion_habit=changed(data={"Address": None})),
        "with transient names": StrangeUpstream(
            "idp-transient",
            assertion_habit=changed(name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
        ),
        "with a context declaration": StrangeUpstream(
            "declares",
            assertion_text=rewritten(
                "</saml2:AuthnContextClassRef>",
                "</saml2:AuthnContextClassRef><saml2:AuthnContextDeclRef>urn:x</saml2:AuthnContextDeclRef>",
            ),
        ),
        "that restricts to one use": StrangeUpstream(
            "once", assertion_text=rewritten("</saml2:Conditions>", "<saml2:OneTimeUse/></saml2:Conditions>")
        ),
        "that obtained consent": StrangeUpstream(
            "consent",
            response_text=rewritten(" Version=", ' Consent="urn:oasis:names:tc:SAML:2.0:consent:obtained" Version='),
        ),
    }
)
