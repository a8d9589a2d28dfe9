"""The attribute catalogue: one row per attribute, every name it goes by."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from broker.core.errors import ConfigRejected
from broker.core.person import AttributeKey
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.vocabulary import values

SURNAME = AttributeKey("surname")
GIVEN_NAME = AttributeKey("given_name")
DISPLAY_NAME = AttributeKey("display_name")
GENDER = AttributeKey("gender")
PREVIOUS_PNR = AttributeKey("previous_pnr")
BIRTH_DATE = AttributeKey("birth_date")
BIRTH_NAME = AttributeKey("birth_name")
STREET = AttributeKey("street")
PO_BOX = AttributeKey("po_box")
POSTAL_CODE = AttributeKey("postal_code")
LOCALITY = AttributeKey("locality")
BIRTH_PLACE = AttributeKey("birth_place")
CITIZENSHIP = AttributeKey("citizenship")
RESIDENCE = AttributeKey("residence")
PHONE = AttributeKey("phone")
MOBILE = AttributeKey("mobile")
MAIL = AttributeKey("mail")
ORGANISATION = AttributeKey("organisation")
ORGANISATION_UNIT = AttributeKey("organisation_unit")
ORGANISATION_NUMBER = AttributeKey("organisation_number")
TRANSACTION = AttributeKey("transaction")
AUTH_CONTEXT_PARAMS = AttributeKey("auth_context_params")
PRID_PERSISTENCE = AttributeKey("prid_persistence")
PNR_BINDING = AttributeKey("pnr_binding")
EIDAS_IDENTIFIER = AttributeKey("eidas_identifier")
EIDAS_ADDRESS = AttributeKey("eidas_address")
USER_CERTIFICATE = AttributeKey("user_certificate")
USER_SIGNATURE = AttributeKey("user_signature")
SAD = AttributeKey("sad")
AUTH_SERVER_SIGNATURE = AttributeKey("auth_server_signature")
SIGN_MESSAGE_DIGEST = AttributeKey("sign_message_digest")
HSA_ID = AttributeKey("hsa_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow:
    """One attribute. A wire value is taken by `name` alone; peers write any FriendlyName, or none."""

    key: AttributeKey
    friendly: str  # FriendlyName that we write
    name: str  # Attribute/@Name
    eidas: str | None = None  # last part of the eIDAS natural person Attribute/@Name; None: eIDAS has no such thing
    normalise: Callable[[str], str] = values.text  # raises ValueError on a malformed value
    multi: bool = False
    scoped: bool = False  # value@scope: counts only within the scopes of the IdP that asserts it
    identifies: bool = True  # identity data: released only when asked for; False: transaction data

    @property
    def single(self) -> bool:
        """Whether an assertion holds at most one value (Attribute Specification 3.1.2)."""
        return not self.multi


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAttribute:
    """An attribute that an organisation adds by configuration."""

    key: str
    name: str  # URI
    friendly: str
    kind: str = "text"  # a key of KINDS
    pattern: str | None = None  # regular expression that the whole normalised value must match
    multi: bool = False
    scoped: bool = False


def _row(
    key: AttributeKey,
    friendly: str,
    oid: str,
    normalise: Callable[[str], str] = values.text,
    *,
    eidas: str | None = None,
    multi: bool = False,
    scoped: bool = False,
    identifies: bool = True,
) -> AttributeRow:
    return AttributeRow(
        key=key,
        friendly=friendly,
        name=f"urn:oid:{oid}",
        eidas=eidas,
        normalise=normalise,
        multi=multi,
        scoped=scoped,
        identifies=identifies,
    )


# Spec: Attribute Specification 3.1; the eIDAS names by 3.3.3
ROWS: tuple[AttributeRow, ...] = (
    _row(SURNAME, "sn", "2.5.4.4", eidas="CurrentFamilyName"),
    _row(GIVEN_NAME, "givenName", "2.5.4.42", eidas="CurrentGivenName"),
    _row(DISPLAY_NAME, "displayName", "2.16.840.1.113730.3.1.241"),
    _row(GENDER, "gender", "1.3.6.1.5.5.7.9.3", values.gender, eidas="Gender"),
    _row(PNR, "personalIdentityNumber", "1.2.752.29.4.13", values.civic_number),
    _row(PREVIOUS_PNR, "previousPersonalIdentityNumber", "1.2.752.201.3.15", values.civic_number),
    _row(BIRTH_DATE, "dateOfBirth", "1.3.6.1.5.5.7.9.1", values.iso_date, eidas="DateOfBirth"),
    _row(BIRTH_NAME, "birthName", "1.2.752.201.3.8", eidas="BirthName"),
    _row(STREET, "street", "2.5.4.9"),
    _row(PO_BOX, "postOfficeBox", "2.5.4.18"),
    _row(POSTAL_CODE, "postalCode", "2.5.4.17"),
    _row(LOCALITY, "l", "2.5.4.7"),
    _row(COUNTRY, "c", "2.5.4.6", values.country_code),
    _row(BIRTH_PLACE, "placeOfBirth", "1.3.6.1.5.5.7.9.2", eidas="PlaceOfBirth"),
    _row(
        CITIZENSHIP, "countryOfCitizenship", "1.3.6.1.5.5.7.9.4", values.country_code, eidas="Nationality", multi=True
    ),
    _row(RESIDENCE, "countryOfResidence", "1.3.6.1.5.5.7.9.5", values.country_code, eidas="CountryOfResidence"),
    _row(PHONE, "telephoneNumber", "2.5.4.20", values.phone, eidas="PhoneNumber", multi=True),
    _row(MOBILE, "mobile", "0.9.2342.19200300.100.1.41", values.phone, multi=True),
    _row(MAIL, "mail", "0.9.2342.19200300.100.1.3", values.mail, eidas="EmailAddress", multi=True),
    _row(ORGANISATION, "o", "2.5.4.10"),
    _row(ORGANISATION_UNIT, "ou", "2.5.4.11", multi=True),
    _row(ORGANISATION_NUMBER, "organizationIdentifier", "2.5.4.97", values.organisation_number),
    _row(ORG_AFFILIATION, "orgAffiliation", "1.2.752.201.3.1", values.scoped, multi=True, scoped=True),
    _row(TRANSACTION, "transactionIdentifier", "1.2.752.201.3.2", values.opaque, identifies=False),
    # Not "transaction data": BankID puts the citizen's IP address and device into it.
    _row(AUTH_CONTEXT_PARAMS, "authContextParams", "1.2.752.201.3.3", values.parameters),
    _row(PRID, "prid", "1.2.752.201.3.4", values.prid),
    _row(PRID_PERSISTENCE, "pridPersistence", "1.2.752.201.3.5", values.prid_persistence),
    _row(PNR_BINDING, "personalIdentityNumberBinding", "1.2.752.201.3.6", values.uri_list),
    _row(
        EIDAS_IDENTIFIER, "eidasPersonIdentifier", "1.2.752.201.3.7", values.eidas_identifier, eidas="PersonIdentifier"
    ),
    _row(EIDAS_ADDRESS, "eidasNaturalPersonAddress", "1.2.752.201.3.9", values.parameters, eidas="CurrentAddress"),
    _row(USER_CERTIFICATE, "userCertificate", "1.2.752.201.3.10", values.blob),
    _row(USER_SIGNATURE, "userSignature", "1.2.752.201.3.11", values.blob),
    _row(SAD, "sad", "1.2.752.201.3.12", values.signed_token),
    _row(AUTH_SERVER_SIGNATURE, "authServerSignature", "1.2.752.201.3.13", values.blob),
    _row(SIGN_MESSAGE_DIGEST, "signMessageDigest", "1.2.752.201.3.14", values.digest),
    _row(MAPPED_PNR, "mappedPersonalIdentityNumber", "1.2.752.201.3.16", values.civic_number),
    _row(HSA_ID, "employeeHsaId", "1.2.752.29.6.2.1", values.opaque),
)

KINDS: Mapping[str, Callable[[str], str]] = {
    "text": values.text,
    "identifier": values.opaque,
    "civic-number": values.civic_number,
    "organisation-number": values.organisation_number,
    "date": values.iso_date,
    "country": values.country_code,
    "mail": values.mail,
    "phone": values.phone,
    "scoped": values.scoped,
    "parameters": values.parameters,
    "base64": values.blob,
}
"""The validations that a local attribute can name."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")


class Catalogue:
    """Every attribute this broker knows: looked up by key, by wire name, by friendly name."""

    def __init__(self, rows: Iterable[AttributeRow]) -> None:
        self._by_key = {row.key: row for row in rows}
        self._by_name = {row.name: row for row in self._by_key.values()}
        self._by_friendly = {row.friendly: row for row in self._by_key.values()}

    @property
    def rows(self) -> tuple[AttributeRow, ...]:
        """Every row, in table order."""
        return tuple(self._by_key.values())

    def get(self, key: AttributeKey) -> AttributeRow:
        """The row of `key`. Raises KeyError: keys come from this table, so that is a programming error."""
        return self._by_key[key]

    def find(self, key: AttributeKey) -> AttributeRow | None:
        """The row of `key`, or None."""
        return self._by_key.get(key)

    def find_by_name(self, name: str) -> AttributeRow | None:
        """The row with this Attribute/@Name, or None."""
        return self._by_name.get(name)

    def find_by_friendly(self, friendly: str) -> AttributeRow | None:
        """The row with this friendly name, or None; for people who type, never for the wire."""
        return self._by_friendly.get(friendly)

    def extended(self, local: Iterable[LocalAttribute]) -> "Catalogue":
        """This catalogue with an organisation's own attributes after it.

        Raises:
            ConfigRejected: with every problem of every added row.
        """
        rows = list(self.rows)
        problems: list[str] = []
        taken = {name for row in rows for name in (row.key, row.name, row.friendly)}
        for attribute in local:
            found = list(_problems_of(attribute, taken))
            problems += (f"attribute {attribute.key}: {problem}" for problem in found)
            if not found:
                rows.append(_local_row(attribute))
            taken |= {attribute.key, attribute.name, attribute.friendly}
        if problems:
            raise ConfigRejected(tuple(problems))
        return Catalogue(rows)


def _problems_of(attribute: LocalAttribute, taken: set[str]) -> Iterable[str]:
    if not _KEY.fullmatch(attribute.key):
        yield "the key must be lower-case letters, digits and underscores"
    if not _URI.fullmatch(attribute.name):
        yield "the name must be a URI"
    if not attribute.friendly.strip():
        yield "the friendly name is empty"
    for word in {attribute.key, attribute.name, attribute.friendly}:
        if word in taken:
            yield f"{word!r} is already in the catalogue"
    if attribute.kind not in KINDS:
        yield f"unknown kind {attribute.kind!r}; known: {', '.join(KINDS)}"
    if attribute.scoped and attribute.kind != "scoped":
        yield 'a scoped attribute is of kind "scoped"'
    if attribute.pattern is not None:
        try:
            re.compile(attribute.pattern)
        except re.error as error:
            yield f"the pattern is no regular expression: {error}"


def _local_row(attribute: LocalAttribute) -> AttributeRow:
    normalise = KINDS[attribute.kind]
    if attribute.pattern is not None:
        normalise = _matching(normalise, re.compile(attribute.pattern))
    return AttributeRow(
        key=AttributeKey(attribute.key),
        friendly=attribute.friendly,
        name=attribute.name,
        normalise=normalise,
        multi=attribute.multi,
        scoped=attribute.scoped or attribute.kind == "scoped",
    )


def _matching(normalise: Callable[[str], str], pattern: re.Pattern[str]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        written = normalise(value)
        if not pattern.fullmatch(written):
            raise ValueError("does not match the configured pattern")
        return written

    return checked


CATALOGUE = Catalogue(ROWS)
