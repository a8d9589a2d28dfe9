"""The catalogue: every attribute of the specification, each name once, and what an organisation adds."""

from dataclasses import replace

import pytest

from broker.core.errors import ConfigRejected
from broker.core.person import AttributeKey
from broker.core.subject import ORG_AFFILIATION, PNR
from broker.vocabulary import attributes as a
from broker.vocabulary.attributes import CATALOGUE, KINDS, ROWS, AttributeRow, Catalogue, LocalAttribute

# Attribute Specification 3.1: friendly name, OID; M multi-valued, S scoped
SPECIFIED = """
sn 2.5.4.4
givenName 2.5.4.42
displayName 2.16.840.1.113730.3.1.241
gender 1.3.6.1.5.5.7.9.3
personalIdentityNumber 1.2.752.29.4.13
previousPersonalIdentityNumber 1.2.752.201.3.15
dateOfBirth 1.3.6.1.5.5.7.9.1
birthName 1.2.752.201.3.8
street 2.5.4.9
postOfficeBox 2.5.4.18
postalCode 2.5.4.17
l 2.5.4.7
c 2.5.4.6
placeOfBirth 1.3.6.1.5.5.7.9.2
countryOfCitizenship 1.3.6.1.5.5.7.9.4 M
countryOfResidence 1.3.6.1.5.5.7.9.5
telephoneNumber 2.5.4.20 M
mobile 0.9.2342.19200300.100.1.41 M
mail 0.9.2342.19200300.100.1.3 M
o 2.5.4.10
ou 2.5.4.11 M
organizationIdentifier 2.5.4.97
orgAffiliation 1.2.752.201.3.1 M S
transactionIdentifier 1.2.752.201.3.2
authContextParams 1.2.752.201.3.3
prid 1.2.752.201.3.4
pridPersistence 1.2.752.201.3.5
personalIdentityNumberBinding 1.2.752.201.3.6
eidasPersonIdentifier 1.2.752.201.3.7
eidasNaturalPersonAddress 1.2.752.201.3.9
userCertificate 1.2.752.201.3.10
userSignature 1.2.752.201.3.11
sad 1.2.752.201.3.12
authServerSignature 1.2.752.201.3.13
signMessageDigest 1.2.752.201.3.14
mappedPersonalIdentityNumber 1.2.752.201.3.16
employeeHsaId 1.2.752.29.6.2.1
"""

LOCAL = LocalAttribute(key="school_unit", name="urn:example:school-unit", friendly="schoolUnit")


def as_specified(row: AttributeRow) -> str:
    marks = (" M" if row.multi else "") + (" S" if row.scoped else "")
    return f"{row.friendly} {row.name.removeprefix('urn:oid:')}{marks}"


def test_the_catalogue_is_the_specification_and_nothing_else() -> None:
    assert [as_specified(row) for row in ROWS] == SPECIFIED.split("\n")[1:-1]


def test_the_eidas_names_are_those_of_the_natural_person_set() -> None:
    assert {row.friendly: row.eidas for row in ROWS if row.eidas} == {
        "sn": "CurrentFamilyName",
        "givenName": "CurrentGivenName",
        "gender": "Gender",
        "dateOfBirth": "DateOfBirth",
        "birthName": "BirthName",
        "placeOfBirth": "PlaceOfBirth",
        "countryOfCitizenship": "Nationality",
        "countryOfResidence": "CountryOfResidence",
        "telephoneNumber": "PhoneNumber",
        "mail": "EmailAddress",
        "eidasPersonIdentifier": "PersonIdentifier",
        "eidasNaturalPersonAddress": "CurrentAddress",
    }


@pytest.mark.parametrize("field", ["key", "name", "friendly"])
def test_every_name_is_used_once(field: str) -> None:
    names = [getattr(row, field) for row in ROWS]
    assert len(set(names)) == len(names)


def test_only_the_transaction_may_leave_unasked() -> None:
    assert {row.key for row in ROWS if not row.identifies} == {a.TRANSACTION}


def test_an_attribute_is_multi_valued_or_single() -> None:
    assert CATALOGUE.get(a.MAIL).multi
    assert not CATALOGUE.get(a.MAIL).single
    assert CATALOGUE.get(PNR).single


def test_a_row_is_found_by_each_of_its_names() -> None:
    row = CATALOGUE.get(PNR)
    assert CATALOGUE.find(PNR) is row
    assert CATALOGUE.find_by_name("urn:oid:1.2.752.29.4.13") is row
    assert CATALOGUE.find_by_friendly("personalIdentityNumber") is row


def test_what_is_not_in_the_catalogue_is_not_found() -> None:
    assert CATALOGUE.find(AttributeKey("shoe_size")) is None
    assert CATALOGUE.find_by_name("urn:oid:1.2.3") is None
    assert CATALOGUE.find_by_friendly("personalidentitynumber") is None
    with pytest.raises(KeyError):
        CATALOGUE.get(AttributeKey("shoe_size"))


def test_a_local_attribute_joins_the_catalogue_behind_the_others() -> None:
    extended = CATALOGUE.extended([LOCAL])
    row = extended.find_by_name("urn:example:school-unit")
    assert row is not None
    assert extended.rows == (*CATALOGUE.rows, row)
    assert (row.key, row.friendly, row.multi, row.scoped, row.identifies) == (
        "school_unit",
        "schoolUnit",
        False,
        False,
        True,
    )


def test_the_catalogue_itself_is_not_changed_by_an_extension() -> None:
    CATALOGUE.extended([LOCAL])
    assert CATALOGUE.find(AttributeKey("school_unit")) is None


def extended_row(**changes: object) -> AttributeRow:
    row = Catalogue(()).extended([replace(LOCAL, **changes)]).rows[0]  # type: ignore[arg-type]  # by name, from a table
    assert isinstance(row, AttributeRow)
    return row


def test_a_pattern_must_match_the_whole_normalised_value() -> None:
    row = extended_row(pattern=r"\d{8}")
    assert row.normalise(" 12345678 ") == "12345678"
    for bad in ("123456789", "x12345678", ""):
        with pytest.raises(ValueError, match=r"\w"):
            row.normalise(bad)


def test_a_kind_brings_its_validation() -> None:
    row = extended_row(kind="date")
    assert row.normalise("2026-11-23") == "2026-11-23"
    with pytest.raises(ValueError, match="no such date"):
        row.normalise("2026-11-31")


def test_a_local_attribute_of_scoped_kind_is_checked_against_scopes() -> None:
    assert extended_row(kind="scoped").scoped
    assert extended_row(kind="scoped", scoped=True).scoped


def test_every_kind_is_a_normaliser() -> None:
    for normalise in KINDS.values():
        with pytest.raises(ValueError, match=r"\w"):
            normalise("")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"key": "School-Unit"}, "lower-case", id="the key has other characters"),
        pytest.param({"key": "pnr"}, "'pnr' is already", id="the key is taken"),
        pytest.param({"name": "school unit"}, "must be a URI", id="the name is no URI"),
        pytest.param({"name": "urn:oid:2.5.4.4"}, "'urn:oid:2.5.4.4' is already", id="the name is taken"),
        pytest.param({"friendly": " "}, "friendly name is empty", id="no friendly name"),
        pytest.param({"friendly": "sn"}, "'sn' is already", id="the friendly name is taken"),
        pytest.param({"kind": "number"}, "unknown kind 'number'", id="an unknown kind"),
        pytest.param({"scoped": True}, "of kind", id="scoped, but not of that kind"),
        pytest.param({"pattern": "("}, "no regular expression", id="a broken pattern"),
    ],
)
def test_a_local_attribute_with_a_problem_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigRejected) as rejected:
        extended_row_over_catalogue(changes)
    assert [problem in found for found in rejected.value.problems] == [True]


def extended_row_over_catalogue(changes: dict[str, object]) -> None:
    CATALOGUE.extended([replace(LOCAL, **changes)])  # type: ignore[arg-type]  # by name, from a table


def test_every_problem_of_every_local_attribute_is_reported_at_once() -> None:
    with pytest.raises(ConfigRejected) as rejected:
        CATALOGUE.extended(
            [
                LOCAL,
                LOCAL,
                LocalAttribute(key="X", name="x", friendly="x", kind="y"),
            ]
        )
    assert len(rejected.value.problems) == 3 + 3


def test_orgaffiliation_is_scoped_and_mail_is_not() -> None:
    assert CATALOGUE.get(ORG_AFFILIATION).scoped
    assert not CATALOGUE.get(a.MAIL).scoped
