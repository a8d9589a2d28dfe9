"""What every upstream dialect must be able to say."""

from typing import Protocol

from broker.core.login import ContextUri, LoginRequest
from broker.core.parties import Upstream
from broker.core.person import AuthenticatedPerson
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import AuthnRequestPlan


class UpstreamDialect(Protocol):
    """How one kind of IdP talks. Pure: data in, data out, no XML and no network."""

    @property
    def name(self) -> str:
        """The value of `dialect` for an upstream, for example "bankid"."""
        ...

    def ask(self, *, request: LoginRequest, contexts: tuple[ContextUri, ...], upstream: Upstream) -> AuthnRequestPlan:
        """Say in this dialect what `request` needs. `contexts` are what policy would ask, strongest first.

        Raises:
            NoUpstreamForAssurance: this kind of upstream has none of `contexts`.
        """
        ...

    def understand(self, assertion: VerifiedAssertion, upstream: Upstream) -> AuthenticatedPerson:
        """Translate an accepted assertion into catalogue attributes; what is not taken over is named.

        Raises:
            UpstreamAnswerIncomplete: a mandatory attribute is missing, malformed or outside the upstream's scopes.
            AssertionUnacceptable: the assertion combines what its scheme forbids.
        """
        ...
