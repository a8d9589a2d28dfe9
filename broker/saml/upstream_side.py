"""The broker as SP: what an upstream is asked, and what its answer is worth."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from broker.core.errors import AssertionUnacceptable, PeerWithdrawn, ReplayedAssertion
from broker.core.login import ContextUri, LoginRequest
from broker.core.ports import IdSource
from broker.core.state import UpstreamPending
from broker.dialects.base import UpstreamDialect
from broker.flow.ports import Answered, Asked, SeenIds, UpstreamPeer
from broker.messages.assertion import UpstreamStatus, VerifiedAssertion
from broker.messages.entity import IdpRole
from broker.messages.inbound import InboundMessage
from broker.saml.checks import Expected, Window, check_assertion, check_head
from broker.saml.keys import KeyRing
from broker.saml.read_response import read_assertion, take_response, verify_response
from broker.saml.write_request import RequestWriter
from broker.vocabulary.attributes import Catalogue

_CLAIM_MARGIN = timedelta(seconds=1)


class SamlUpstreamSide:
    """Implements `flow.ports.UpstreamSide`."""

    def __init__(
        self,
        *,
        entity_id: str,
        acs_url: str,
        keys: Callable[[], KeyRing],
        seen: SeenIds,
        ids: IdSource,
        catalogue: Catalogue,
        dialects: Mapping[str, UpstreamDialect],
        clock_skew: timedelta,
        response_max_age: timedelta,
    ) -> None:
        self._entity_id = entity_id
        self._acs_url = acs_url
        self._keys = keys
        self._seen = seen
        self._dialects = dialects
        self._window = Window(max_age=response_max_age, skew=clock_skew)
        self._writer = RequestWriter(entity_id=entity_id, acs_url=acs_url, keys=keys, ids=ids, catalogue=catalogue)

    def ask(
        self,
        request: LoginRequest,
        contexts: tuple[ContextUri, ...],
        peer: UpstreamPeer,
        *,
        relay_state: str,
        now: datetime,
    ) -> Asked:
        """Write the signed AuthnRequest that asks for exactly `contexts`.

        Raises:
            NoUpstreamForAssurance: the dialect cannot ask for any of `contexts`.
            KeyUnavailable, PeerWithdrawn.
        """
        plan = self._dialect_of(peer).ask(request=request, contexts=contexts, upstream=peer.policy)
        binding, message = self._writer.write(
            plan,
            peer.record,
            is_passive=request.is_passive,
            proxy_count=None if request.proxy_count is None else request.proxy_count - 1,
            relay_state=relay_state,
            now=now,
        )
        return Asked(
            message=message,
            binding=binding,
            contexts=plan.contexts,
            acs_url=self._acs_url,
            force_authn=plan.force_authn,
        )

    def relay_state_of(self, message: InboundMessage) -> str | None:
        """The RelayState of a Response: unverified, good only for finding our own record. None when not exactly one."""
        values = [value for name, value in message.fields if name == "RelayState"]
        return values[0] if len(values) == 1 else None

    def read_answer(
        self, message: InboundMessage, pending: UpstreamPending, peer: UpstreamPeer, now: datetime
    ) -> Answered | UpstreamStatus:
        """Verify a Response against what was asked, and claim its assertion.

        The order is that of the architecture: nothing is believed before the signature, nothing decrypted before
        the signature, and no ID claimed before everything that a stranger could get wrong was right.

        Raises:
            BrokerError: MessageUnreadable before anything is verified; after that an error that the e-service is told.
        """
        role = _role_of(peer)
        want = self._expected(pending, peer)
        response = verify_response(take_response(message), want.issuer, role.signing_keys)
        if message.endpoint != pending.acs_url:
            raise AssertionUnacceptable(f"{want.issuer}: arrived at another ACS than the one we named")
        check_head(response.head, want, now)
        if not response.succeeded:
            if response.plain or response.encrypted:
                raise AssertionUnacceptable(f"{want.issuer}: an assertion beside an error status")
            return UpstreamStatus(codes=response.codes, key_id=response.key_id)
        assertion = read_assertion(response, self._keys().decryption)
        check_assertion(assertion, want, now)
        self._claim(assertion)
        person = self._dialect_of(peer).understand(assertion, peer.policy)
        return Answered(
            person=person,
            key_id=assertion.key_id,
            signature_algorithm=assertion.signature_algorithm,
            encryption_algorithm=assertion.encryption_algorithm,
        )

    def _expected(self, pending: UpstreamPending, peer: UpstreamPeer) -> Expected:
        return Expected(
            issuer=peer.policy.entity_id,
            audience=self._entity_id,
            recipient=pending.acs_url,
            in_response_to=pending.sent_id,
            asked=pending.asked,
            force_authn=pending.force_authn,
            sent_at=pending.sent_at,
            window=self._window,
        )

    def _claim(self, assertion: VerifiedAssertion) -> None:
        # Not longer than it can be accepted, whatever lifetime the upstream gave it.
        last = min(assertion.not_on_or_after + self._window.skew, self._window.closes(assertion.issue_instant))
        if not self._seen.claim(f"assertion:{assertion.issuer}", assertion.assertion_id, last + _CLAIM_MARGIN):
            raise ReplayedAssertion(f"{assertion.issuer}: Assertion")

    def _dialect_of(self, peer: UpstreamPeer) -> UpstreamDialect:
        dialect = self._dialects.get(peer.policy.dialect)
        if dialect is None:
            raise PeerWithdrawn(f"{peer.policy.entity_id}: no dialect {peer.policy.dialect}")
        return dialect


def _role_of(peer: UpstreamPeer) -> IdpRole:
    if peer.record.idp is None:  # the directory promises it
        raise PeerWithdrawn(f"{peer.record.entity_id} has no IDPSSODescriptor")
    return peer.record.idp
