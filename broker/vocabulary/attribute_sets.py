"""Attribute sets: which attributes an entity category is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.core.person import AttributeKey
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.vocabulary import attributes as a


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSet:
    """One row: what must come, what must come when the IdP has it, and what should."""

    identifier: str
    uri: str
    required: tuple[AttributeKey, ...]
    required_if_available: tuple[AttributeKey, ...] = ()
    recommended: tuple[AttributeKey, ...] = ()

    @property
    def keys(self) -> tuple[AttributeKey, ...]:
        """Everything that the set lets leave."""
        return self.required + self.required_if_available + self.recommended


_NAME = (a.SURNAME, a.GIVEN_NAME, a.DISPLAY_NAME)

# Spec: Attribute Specification 2, Registry 3.1.2
PSEUDONYM = AttributeSet(
    identifier="ELN-AP-Pseudonym-01", uri="http://id.elegnamnden.se/ap/1.0/pseudonym-01", required=()
)
NATURAL_PERSON = AttributeSet(
    identifier="ELN-AP-NaturalPerson-01", uri="http://id.elegnamnden.se/ap/1.0/natural-person-01", required=_NAME
)
PNR_SET = AttributeSet(
    identifier="ELN-AP-Pnr-01",
    uri="http://id.elegnamnden.se/ap/1.0/pnr-01",
    required=(*_NAME, PNR),
    recommended=(a.BIRTH_DATE,),
)
ORG_PERSON = AttributeSet(
    identifier="ELN-AP-OrgPerson-01",
    uri="http://id.elegnamnden.se/ap/1.0/org-person-01",
    required=(a.DISPLAY_NAME, ORG_AFFILIATION, a.ORGANISATION),
    recommended=(a.ORGANISATION_NUMBER,),
)
EIDAS_NATURAL_PERSON = AttributeSet(
    identifier="ELN-AP-eIDAS-NatPer-01",
    uri="http://id.elegnamnden.se/ap/1.0/eidas-natural-person-01",
    required=(
        PRID,
        a.PRID_PERSISTENCE,
        a.EIDAS_IDENTIFIER,
        a.BIRTH_DATE,
        a.SURNAME,
        a.GIVEN_NAME,
        COUNTRY,
        a.TRANSACTION,
    ),
    required_if_available=(a.BIRTH_NAME, a.BIRTH_PLACE, a.EIDAS_ADDRESS, a.GENDER),
    recommended=(MAPPED_PNR, a.PNR_BINDING),
)
HSA_ID_SET = AttributeSet(
    identifier="DIGG-AP-HSAid-01",
    uri="http://id.swedenconnect.se/ap/1.0/hsaid-01",
    required=(*_NAME, a.HSA_ID),
    recommended=(a.BIRTH_DATE,),
)
# Entity Categories 2.1.4: the number with a mandatory date of birth, for the Swedish proxy service only.
PNR_DELIVERY_SET = AttributeSet(
    identifier="ELN-AP-Pnr-01 with date of birth", uri=PNR_SET.uri, required=(*_NAME, PNR, a.BIRTH_DATE)
)

ATTRIBUTE_SETS: Mapping[str, AttributeSet] = {
    row.uri: row for row in (PSEUDONYM, NATURAL_PERSON, PNR_SET, ORG_PERSON, EIDAS_NATURAL_PERSON, HSA_ID_SET)
}
