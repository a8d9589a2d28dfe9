"""An IdP in front of BankID: always a number, always names, always a transaction.

Spec: BankID profile for the Swedish eID framework 1.4, section 5.
"""

from dataclasses import dataclass
from typing import ClassVar

from broker.core.login import ContextUri, LoginRequest
from broker.core.parties import Upstream
from broker.core.person import AuthenticatedPerson
from broker.core.subject import PNR
from broker.dialects.asking import plan_request, within
from broker.dialects.reading import make_person, read_attributes, require
from broker.dialects.residence import check_swedish
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import AuthnRequestPlan
from broker.vocabulary.attributes import DISPLAY_NAME, GIVEN_NAME, SURNAME, TRANSACTION, Catalogue
from broker.vocabulary.contexts import Scheme

_SCHEMES = frozenset({Scheme.SWEDISH, Scheme.UNCERTIFIED})  # everybody with a BankID has a Swedish number
_MANDATORY = (PNR, SURNAME, GIVEN_NAME, DISPLAY_NAME, TRANSACTION)  # orderRef is the transaction


@dataclass(frozen=True, slots=True)
class BankId:
    """BankID by SAML. Date of birth and gender never come."""

    catalogue: Catalogue
    name: ClassVar[str] = "bankid"

    def ask(self, *, request: LoginRequest, contexts: tuple[ContextUri, ...], upstream: Upstream) -> AuthnRequestPlan:
        """See `UpstreamDialect.ask`."""
        return plan_request(request=request, contexts=within(contexts, _SCHEMES), upstream=upstream)

    def understand(self, assertion: VerifiedAssertion, upstream: Upstream) -> AuthenticatedPerson:
        """See `UpstreamDialect.understand`."""
        reading = check_swedish(read_attributes(assertion, upstream, self.catalogue), assertion, upstream)
        require(reading, _MANDATORY, upstream, self.catalogue)
        return make_person(assertion, upstream, reading, self.catalogue, country=None)
