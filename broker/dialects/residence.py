"""What the level says about the person, and what may therefore not stand beside it: Swedish eID or foreign."""

import unicodedata

from broker.core.errors import AssertionUnacceptable, UpstreamAnswerIncomplete
from broker.core.login import ContextUri
from broker.core.parties import Upstream
from broker.core.subject import COUNTRY, MAPPED_PNR, ORG_AFFILIATION, PNR, PRID
from broker.dialects.reading import Reading, require
from broker.messages.assertion import VerifiedAssertion
from broker.vocabulary.attribute_sets import EIDAS_NATURAL_PERSON
from broker.vocabulary.attributes import (
    BIRTH_NAME,
    DISPLAY_NAME,
    EIDAS_ADDRESS,
    EIDAS_IDENTIFIER,
    GIVEN_NAME,
    PNR_BINDING,
    PRID_PERSISTENCE,
    SURNAME,
    Catalogue,
)
from broker.vocabulary.contexts import FOREIGN, NONRESIDENT
from broker.vocabulary.identifiers import iso_country

ONLY_FOREIGN = (PRID, PRID_PERSISTENCE, EIDAS_IDENTIFIER, EIDAS_ADDRESS, MAPPED_PNR, PNR_BINDING)
NOT_WITH_SWEDISH_LEVEL = "not with a Swedish level"
WITHOUT_BINDING = "without its binding"
NOT_LATIN = "not in Latin script"

_LATIN_BUT_NOT_IN_NAME = "ªº"  # letters whose Unicode names do not say so
_OUR_COUNTRY = "SE"


def is_foreign(context: str) -> bool:
    """Whether the level `context` is one of a foreign eID."""
    return ContextUri(context) in FOREIGN


def check_swedish(reading: Reading, assertion: VerifiedAssertion, upstream: Upstream) -> Reading:
    """What counts of `reading` when the level is a Swedish one.

    A provisional or mapped identifier here would let a Swedish IdP speak for foreign citizens, so they do not count.

    Raises:
        AssertionUnacceptable: a nonresident level with a personalIdentityNumber.
        UpstreamAnswerIncomplete: the number is malformed, or the only identity is of an organisation that the
            upstream may not speak for.

    Spec: Registry 3.1.1.1; Deployment Profile 6.2.1.
    """
    if ContextUri(assertion.context) in NONRESIDENT and (PNR in reading.attributes or PNR in reading.refused):
        raise AssertionUnacceptable(f"{upstream.entity_id}: a personalIdentityNumber with a nonresident level")
    if PNR in reading.refused:
        raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: personalIdentityNumber ({reading.refused[PNR]})")
    unknown_employee = ORG_AFFILIATION in reading.refused and ORG_AFFILIATION not in reading.attributes
    if unknown_employee and PNR not in reading.attributes:
        raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: orgAffiliation ({reading.refused[ORG_AFFILIATION]})")
    return reading.without(ONLY_FOREIGN, NOT_WITH_SWEDISH_LEVEL)


def check_foreign(reading: Reading, upstream: Upstream, catalogue: Catalogue) -> tuple[Reading, str]:
    """What counts of `reading` when the eID is foreign, and its country.

    The eIDAS attribute set must be whole and agree with itself. displayName is no part of it, so it is made here.
    A mapped number stays a mapped number, and counts only with its binding.

    Raises:
        AssertionUnacceptable: a personalIdentityNumber with a foreign level.
        UpstreamAnswerIncomplete: the set is not whole, or countries or script are not as they must be.

    Spec: Attribute Specification 2.5 and 3.3; Constructed Attributes 2; SAML for eIDAS, attribute profile 2.5.
    """
    if PNR in reading.attributes or PNR in reading.refused:
        raise AssertionUnacceptable(f"{upstream.entity_id}: a personalIdentityNumber with a foreign level")
    foreign_script = [key for key in (SURNAME, GIVEN_NAME, BIRTH_NAME) if not _is_latin(reading.first(key) or "")]
    reading = reading.without(foreign_script, NOT_LATIN)
    require(reading, EIDAS_NATURAL_PERSON.required, upstream, catalogue)
    country = iso_country(reading.attributes[COUNTRY][0])
    issuer, addressee = (reading.attributes[EIDAS_IDENTIFIER][0].split("/", 2))[:2]
    prefixes = {"prid": reading.attributes[PRID][0][:2], "eidasPersonIdentifier": issuer}
    for name, prefix in prefixes.items():
        if iso_country(prefix) != country:
            raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: {name} is not of the country in c")
    if addressee.upper() != _OUR_COUNTRY:
        raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: eidasPersonIdentifier was made for another country")
    if PNR_BINDING not in reading.attributes:
        reading = reading.without((MAPPED_PNR,), WITHOUT_BINDING)
    if DISPLAY_NAME not in reading.attributes:
        reading = reading.with_value(DISPLAY_NAME, f"{reading.first(GIVEN_NAME)} {reading.first(SURNAME)}")
    return reading, country


def _is_latin(name: str) -> bool:
    """Whether every letter of `name` is Latin; marks, digits and punctuation belong to every script."""
    return all(
        "LATIN" in (called := unicodedata.name(character, "")) or called.startswith("MODIFIER LETTER")
        for character in name
        if character.isalpha() and character not in _LATIN_BUT_NOT_IN_NAME
    )
