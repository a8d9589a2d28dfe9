"""Identifiers that are not attributes, contexts, categories or statuses: formats, bindings, aliases, processes."""

from collections.abc import Mapping

from broker.core.login import NameIdKind

PROTOCOL_SAML2 = "urn:oasis:names:tc:SAML:2.0:protocol"

BINDING_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
BINDING_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
DEFLATE_ENCODING = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

NAME_ID_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
NAME_ID_TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
NAME_ID_UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
NAME_ID_ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"

NAME_ID_FORMATS: Mapping[NameIdKind, str] = {
    NameIdKind.PERSISTENT: NAME_ID_PERSISTENT,
    NameIdKind.TRANSIENT: NAME_ID_TRANSIENT,
}
"""The two formats we issue, in our order of preference (Deployment Profile 3)."""

ATTRIBUTE_NAME_FORMAT_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"

ENTITY_CATEGORY_ATTRIBUTE = "http://macedir.org/entity-category"
ASSURANCE_CERTIFICATION_ATTRIBUTE = "urn:oasis:names:tc:SAML:attribute:assurance-certification"

CONFIRMATION_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
CONFIRMATION_HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"

HOLDER_OF_KEY_PROFILE = "urn:oasis:names:tc:SAML:2.0:profiles:holder-of-key:SSO:browser"

BINDING_PROCESS_POPULATION_REGISTER = "http://id.swedenconnect.se/id-binding/process/populationregister"
BINDING_PROCESS_SWEDISH_EID = "http://id.swedenconnect.se/id-binding/process/swedish-eid"

_PROXY_SERVICE_ALIAS = "http://id.swedenconnect.se/eidas/1.0/proxy-service/"
_ISO_NAMES: Mapping[str, str] = {"EL": "GR", "UK": "GB"}


def iso_country(code: str) -> str:
    """`code` upper-cased, in ISO 3166-1: eIDAS identifiers say EL and UK where ISO says GR and GB."""
    upper = code.upper()
    return _ISO_NAMES.get(upper, upper)


def country_alias(country: str) -> str:
    """The alias that stands for the eIDAS node of `country` in Scoping/IDPList (Registry 3.1.9.1)."""
    return f"{_PROXY_SERVICE_ALIAS}{country.lower()}"


def country_of_alias(provider_id: str) -> str | None:
    """The ISO country code that `provider_id` stands for, or None when it is no country alias; any case."""
    if not provider_id.lower().startswith(_PROXY_SERVICE_ALIAS):
        return None
    code = provider_id[len(_PROXY_SERVICE_ALIAS) :]
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        return None
    return iso_country(code)
