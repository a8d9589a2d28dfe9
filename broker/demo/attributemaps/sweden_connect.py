"""The attribute map that the simulated parties hand to pysaml2, whose own lacks the newest names."""

NAMES = {
    "sn": "urn:oid:2.5.4.4",
    "givenName": "urn:oid:2.5.4.42",
    "displayName": "urn:oid:2.16.840.1.113730.3.1.241",
    "gender": "urn:oid:1.3.6.1.5.5.7.9.3",
    "personalIdentityNumber": "urn:oid:1.2.752.29.4.13",
    "previousPersonalIdentityNumber": "urn:oid:1.2.752.201.3.15",
    "dateOfBirth": "urn:oid:1.3.6.1.5.5.7.9.1",
    "birthName": "urn:oid:1.2.752.201.3.8",
    "placeOfBirth": "urn:oid:1.3.6.1.5.5.7.9.2",
    "c": "urn:oid:2.5.4.6",
    "mail": "urn:oid:0.9.2342.19200300.100.1.3",
    "o": "urn:oid:2.5.4.10",
    "organizationIdentifier": "urn:oid:2.5.4.97",
    "orgAffiliation": "urn:oid:1.2.752.201.3.1",
    "transactionIdentifier": "urn:oid:1.2.752.201.3.2",
    "authContextParams": "urn:oid:1.2.752.201.3.3",
    "prid": "urn:oid:1.2.752.201.3.4",
    "pridPersistence": "urn:oid:1.2.752.201.3.5",
    "personalIdentityNumberBinding": "urn:oid:1.2.752.201.3.6",
    "eidasPersonIdentifier": "urn:oid:1.2.752.201.3.7",
    "eidasNaturalPersonAddress": "urn:oid:1.2.752.201.3.9",
    "mappedPersonalIdentityNumber": "urn:oid:1.2.752.201.3.16",
}

MAP = {
    "identifier": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
    "fro": {name: friendly for friendly, name in NAMES.items()},
    "to": NAMES,
}
