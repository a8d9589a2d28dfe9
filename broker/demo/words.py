"""Identifiers of Sweden Connect and SAML as the simulated parties write them.

Kept apart from `broker.vocabulary` on purpose: a peer that shared the broker's tables could not contradict them.
"""

from collections.abc import Mapping

LOA = "http://id.elegnamnden.se/loa/1.0"
SC_LOA = "http://id.swedenconnect.se/loa/1.0"

LOA2 = f"{LOA}/loa2"
LOA3 = f"{LOA}/loa3"
LOA4 = f"{LOA}/loa4"
LOA3_NONRESIDENT = f"{SC_LOA}/loa3-nonresident"
EIDAS_LOW = f"{LOA}/eidas-low"
EIDAS_SUB = f"{LOA}/eidas-sub"
EIDAS_HIGH = f"{LOA}/eidas-high"
EIDAS_NF_LOW = f"{LOA}/eidas-nf-low"
EIDAS_NF_SUB = f"{LOA}/eidas-nf-sub"
EIDAS_NF_HIGH = f"{LOA}/eidas-nf-high"
UNCERTIFIED_EIDAS_SUB = f"{SC_LOA}/uncertified-eidas-sub"
UNCERTIFIED_EIDAS_HIGH = f"{SC_LOA}/uncertified-eidas-high"

LOA2_PNR = "http://id.elegnamnden.se/ec/1.0/loa2-pnr"
LOA3_PNR = "http://id.elegnamnden.se/ec/1.0/loa3-pnr"
EIDAS_NATURAL_PERSON = "http://id.elegnamnden.se/ec/1.0/eidas-naturalperson"
LOA2_NAME = "http://id.swedenconnect.se/ec/1.0/loa2-name"
LOA3_NAME = "http://id.swedenconnect.se/ec/1.0/loa3-name"
LOA3_ORGID = "http://id.swedenconnect.se/ec/1.0/loa3-orgid"
MOBILE_AUTH = "http://id.elegnamnden.se/sprop/1.0/mobile-auth"
PUBLIC_SECTOR = "http://id.elegnamnden.se/st/1.0/public-sector-sp"
ACCEPTS_COORDINATION_NUMBER = "http://id.swedenconnect.se/general-ec/1.0/accepts-coordination-number"

EIDAS_ANSWERS: Mapping[str, tuple[str, ...]] = {
    EIDAS_NF_HIGH: (EIDAS_NF_HIGH, EIDAS_HIGH, EIDAS_NF_SUB, EIDAS_SUB, EIDAS_NF_LOW, EIDAS_LOW),
    EIDAS_NF_SUB: (EIDAS_NF_SUB, EIDAS_SUB, EIDAS_NF_LOW, EIDAS_LOW),
    EIDAS_NF_LOW: (EIDAS_NF_LOW, EIDAS_LOW),
}
"""What a notified scheme reached -> the connector returns the first of these that was requested."""

EIDAS_SELECTABLE: Mapping[str, tuple[str, ...]] = {
    EIDAS_NF_HIGH: (EIDAS_NF_HIGH, EIDAS_HIGH),
    EIDAS_NF_SUB: (EIDAS_NF_SUB, EIDAS_SUB),
    EIDAS_NF_LOW: (EIDAS_NF_LOW, EIDAS_LOW),
}
"""What a country declares -> the connector lets it be chosen when one of these was requested."""

ENTITY_CATEGORY = "http://macedir.org/entity-category"
ASSURANCE_CERTIFICATION = "urn:oasis:names:tc:SAML:attribute:assurance-certification"

COUNTRY_ALIAS = "http://id.swedenconnect.se/eidas/1.0/proxy-service/"
"""Followed by a country code, this names a country in Scoping/IDPList."""

CANCEL = "http://id.elegnamnden.se/status/1.0/cancel"
"""Second-level status: the citizen cancelled."""

NO_AVAILABLE_IDP = "urn:oasis:names:tc:SAML:2.0:status:NoAvailableIDP"
NO_AUTHN_CONTEXT = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
NO_PASSIVE = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
REQUEST_DENIED = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied"
REQUESTER = "urn:oasis:names:tc:SAML:2.0:status:Requester"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"

AES128_CBC = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
AES192_CBC = "http://www.w3.org/2001/04/xmlenc#aes192-cbc"
AES256_CBC = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
AES128_GCM = "http://www.w3.org/2009/xmlenc11#aes128-gcm"
AES256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"

SESSION_KEYS: Mapping[str, str] = {
    AES128_CBC: "aes-128",
    AES192_CBC: "aes-192",
    AES256_CBC: "aes-256",
    AES128_GCM: "aes-128",
    AES256_GCM: "aes-256",
}
"""Block cipher -> what xmlsec1 calls its session key. Nothing else counts as encrypted here."""

ATTRIBUTE_SETS: Mapping[str, frozenset[str]] = {
    LOA2_PNR: frozenset({"sn", "givenName", "displayName", "personalIdentityNumber", "dateOfBirth"}),
    LOA3_PNR: frozenset({"sn", "givenName", "displayName", "personalIdentityNumber", "dateOfBirth"}),
    LOA2_NAME: frozenset({"sn", "givenName", "displayName"}),
    LOA3_NAME: frozenset({"sn", "givenName", "displayName"}),
    LOA3_ORGID: frozenset({"displayName", "orgAffiliation", "o", "organizationIdentifier"}),
    EIDAS_NATURAL_PERSON: frozenset(
        {
            "prid",
            "pridPersistence",
            "eidasPersonIdentifier",
            "dateOfBirth",
            "sn",
            "givenName",
            "c",
            "birthName",
            "placeOfBirth",
            "eidasNaturalPersonAddress",
            "gender",
            "mappedPersonalIdentityNumber",
            "personalIdentityNumberBinding",
        }
    ),
}
"""Service entity category -> the attributes that it promises (Attribute Specification 2)."""
