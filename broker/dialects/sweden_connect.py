"""Any IdP of the Sweden Connect framework, the eIDAS connector among them; strangers that talk like one too."""

from dataclasses import dataclass
from typing import ClassVar

from broker.core.login import ContextUri, LoginRequest
from broker.core.parties import Upstream
from broker.core.person import AuthenticatedPerson
from broker.dialects.asking import plan_request
from broker.dialects.reading import make_person, read_attributes
from broker.dialects.residence import check_foreign, check_swedish, is_foreign
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import AuthnRequestPlan
from broker.vocabulary.attributes import Catalogue


@dataclass(frozen=True, slots=True)
class SwedenConnect:
    """The framework as it is written. With a Swedish level nothing is mandatory: an IdP may deliver less than asked."""

    catalogue: Catalogue
    name: ClassVar[str] = "sweden_connect"

    def ask(self, *, request: LoginRequest, contexts: tuple[ContextUri, ...], upstream: Upstream) -> AuthnRequestPlan:
        """See `UpstreamDialect.ask`."""
        return plan_request(request=request, contexts=contexts, upstream=upstream)

    def understand(self, assertion: VerifiedAssertion, upstream: Upstream) -> AuthenticatedPerson:
        """See `UpstreamDialect.understand`."""
        reading = read_attributes(assertion, upstream, self.catalogue)
        country = None
        if is_foreign(assertion.context):
            reading, country = check_foreign(reading, upstream, self.catalogue)
        else:
            reading = check_swedish(reading, assertion, upstream)
        return make_person(assertion, upstream, reading, self.catalogue, country)
