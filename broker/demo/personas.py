"""Who one can be in the demo. Invented people; the numbers are published test numbers that nobody will ever have."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The same words in Swedish and English."""

    sv: str
    en: str

    def say(self, language: str) -> str:
        """The words in `language`; English for all but Swedish."""
        return self.sv if language == "sv" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One invented person, and everything that any upstream knows about them."""

    key: str
    name: str  # on the button at the upstream: may be written in another script
    about: Texts
    attributes: Mapping[str, str]  # friendly name -> value


RESIDENT = Persona(
    key="resident",
    name="Åsa Björkängen",
    about=Texts(sv="Folkbokförd, med personnummer", en="Resident, with a personal identity number"),
    attributes={
        "sn": "Björkängen",
        "givenName": "Åsa Maria",
        "displayName": "Åsa Björkängen",
        "personalIdentityNumber": "198611239883",
        "dateOfBirth": "1986-11-23",
    },
)

COORDINATION = Persona(
    key="coordination",
    name="Nadia Elhaddad",
    about=Texts(sv="Har samordningsnummer", en="Has a coordination number"),
    attributes={
        "sn": "Elhaddad",
        "givenName": "Nadia",
        "displayName": "Nadia Elhaddad",
        "personalIdentityNumber": "197010632391",
        "dateOfBirth": "1970-10-03",
    },
)

PROTECTED = Persona(
    key="protected",
    name="Vendela Lönnqvist",
    about=Texts(sv="Skyddade personuppgifter", en="Protected identity"),
    attributes={
        "sn": "Lönnqvist",
        "givenName": "Vendela",
        "displayName": "Vendela Lönnqvist",
        "personalIdentityNumber": "198501139995",
        "dateOfBirth": "1985-01-13",
    },
)

FINNISH = Persona(
    key="finnish",
    name="Aino Koskimäki",
    about=Texts(
        sv="Finländsk besökare, kopplad till ett svenskt personnummer",
        en="Finnish visitor, bound to a Swedish personal identity number",
    ),
    attributes={
        "sn": "Koskimäki",
        "givenName": "Aino Helmi",
        "dateOfBirth": "1964-08-23",
        "gender": "F",
        "birthName": "Aino Helmi Rautavaara",
        "placeOfBirth": "Rovaniemi",
        "c": "FI",
        "prid": "FI:230864-934x",
        "pridPersistence": "A",
        "eidasPersonIdentifier": "FI/SE/230864-934X",
        "mappedPersonalIdentityNumber": "196408233234",
        "personalIdentityNumberBinding": "http://id.swedenconnect.se/id-binding/process/populationregister",
    },
)

GREEK = Persona(
    key="greek",
    name="Ελένη Παπαδοπούλου",
    about=Texts(
        sv="Grekisk besökare; namnet överförs med latinska bokstäver",
        en="Greek visitor; the name is transferred in Latin letters",
    ),
    attributes={
        "sn": "Papadopoulou",
        "givenName": "Eleni",
        "dateOfBirth": "1991-02-28",
        "c": "GR",
        "prid": "GR:0427718093",
        "pridPersistence": "B",
        "eidasPersonIdentifier": "GR/SE/0427718093",
    },
)

EMPLOYEE = Persona(
    key="employee",
    name="Valfrid Lindemalm",
    about=Texts(sv="Anställd, med tjänstelegitimation", en="Employee, with an employee eID"),
    attributes={
        "sn": "Lindemalm",
        "givenName": "Valfrid",
        "displayName": "Valfrid Lindemalm",
        "o": "Exempelkommunen",
        "organizationIdentifier": "2120001231",
        "orgAffiliation": "vlindemalm@2120001231",
    },
)

POSTED = Persona(
    key="posted",
    name="Ingrid Sørbakken",
    about=Texts(
        sv="Anställd utan svenskt personnummer, på uppdrag utomlands",
        en="Employee without a Swedish number, posted abroad",
    ),
    attributes={
        "sn": "Sørbakken",
        "givenName": "Ingrid",
        "displayName": "Ingrid Sørbakken",
        "o": "Exempelbolaget AB",
        "organizationIdentifier": "5566778899",
        "orgAffiliation": "isorbakken@5566778899",
    },
)

PERSONAS: tuple[Persona, ...] = (RESIDENT, COORDINATION, PROTECTED, FINNISH, GREEK, EMPLOYEE, POSTED)
