"""Element and attribute names of SAML metadata and its extensions, in lxml's notation."""

from broker.saml.xml import DS, MD

MDUI = "urn:oasis:names:tc:SAML:metadata:ui"
MDATTR = "urn:oasis:names:tc:SAML:metadata:attribute"
ALG = "urn:oasis:names:tc:SAML:metadata:algsupport"
SHIBMD = "urn:mace:shibboleth:metadata:1.0"
MDORGEXT = "http://id.swedenconnect.se/authn/1.0/md-org-ext/ns"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

ENTITIES, ENTITY = f"{{{MD}}}EntitiesDescriptor", f"{{{MD}}}EntityDescriptor"


def md(name: str) -> str:
    """`name` in the metadata namespace."""
    return f"{{{MD}}}{name}"


def ds(name: str) -> str:
    """`name` in the XML signature namespace."""
    return f"{{{DS}}}{name}"


def mdui(name: str) -> str:
    """`name` in the user interface extension."""
    return f"{{{MDUI}}}{name}"
