"""Freja: several registration levels, among them holders without a Swedish number, and employees."""

from dataclasses import dataclass
from typing import ClassVar

from broker.core.login import ContextUri, LoginRequest
from broker.core.parties import Upstream
from broker.core.person import AttributeKey, AuthenticatedPerson
from broker.core.subject import ORG_AFFILIATION, PNR
from broker.dialects.asking import plan_request, within
from broker.dialects.reading import Reading, make_person, read_attributes, require
from broker.dialects.residence import check_swedish
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import AuthnRequestPlan
from broker.vocabulary.attributes import DISPLAY_NAME, GIVEN_NAME, SURNAME, Catalogue
from broker.vocabulary.contexts import NONRESIDENT, Scheme

_SCHEMES = frozenset({Scheme.SWEDISH, Scheme.NONRESIDENT, Scheme.UNCERTIFIED})
_CITIZEN = (PNR, SURNAME, GIVEN_NAME, DISPLAY_NAME)


@dataclass(frozen=True, slots=True)
class Freja:
    """Freja by SAML: a citizen has a number, an employee an affiliation, a nonresident never a number."""

    catalogue: Catalogue
    name: ClassVar[str] = "freja"

    def ask(self, *, request: LoginRequest, contexts: tuple[ContextUri, ...], upstream: Upstream) -> AuthnRequestPlan:
        """See `UpstreamDialect.ask`."""
        return plan_request(request=request, contexts=within(contexts, _SCHEMES), upstream=upstream)

    def understand(self, assertion: VerifiedAssertion, upstream: Upstream) -> AuthenticatedPerson:
        """See `UpstreamDialect.understand`."""
        reading = check_swedish(read_attributes(assertion, upstream, self.catalogue), assertion, upstream)
        require(reading, _mandatory(reading, assertion), upstream, self.catalogue)
        return make_person(assertion, upstream, reading, self.catalogue, country=None)


def _mandatory(reading: Reading, assertion: VerifiedAssertion) -> tuple[AttributeKey, ...]:
    """An employee's display name may be anonymised, so no other name is mandatory; likewise without residence."""
    employee = ORG_AFFILIATION in reading.attributes and PNR not in reading.attributes
    if employee or ContextUri(assertion.context) in NONRESIDENT:
        return (DISPLAY_NAME,)
    return _CITIZEN
