"""The policies of this installation, bundled: pure functions of core/ with the tables and choices they need."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.core.assurance import AssuranceRules, check_delivered, decide_accepted, decide_asked, decide_assurance
from broker.core.decision import LoginGranted
from broker.core.discovery import Choice, MatchTables, decide_offers
from broker.core.errors import UpstreamAnswerIncomplete
from broker.core.expectation import check_expected
from broker.core.login import ContextUri, EntityId, LoginRequest, NameIdKind, WantedAttribute
from broker.core.parties import EService, Upstream
from broker.core.person import AuthenticatedPerson
from broker.core.release import ReleaseTables, decide_release
from broker.core.subject import pairwise_name_id, person_key, person_pseudonym
from broker.vocabulary.categories import implied_contexts


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What this broker may ask, assert and release. Built once from the settings; holds the two keyed secrets."""

    rules: AssuranceRules
    connector_only: frozenset[ContextUri]
    default_contexts: tuple[ContextUri, ...]
    match: MatchTables
    release: ReleaseTables
    name_id_secret: bytes
    pseudonym_secret: bytes

    def accepted(self, asked: tuple[ContextUri, ...], e_service: EService) -> tuple[ContextUri, ...]:
        """The contexts that count: asked, else implied by the e-service's categories, else the default."""
        return decide_accepted(
            asked=asked, implied=implied_contexts(e_service.categories), default=self.default_contexts
        )

    def offers(
        self,
        *,
        e_service: EService,
        accepted: tuple[ContextUri, ...],
        idp_list: tuple[str, ...],
        wanted: tuple[WantedAttribute, ...],
        upstreams: Sequence[Upstream],
    ) -> Choice:
        """Which of `upstreams` can serve, and why not the others."""
        return decide_offers(
            e_service=e_service,
            accepted=accepted,
            idp_list=idp_list,
            wanted=wanted,
            upstreams=upstreams,
            askable=lambda upstream: self.asked(accepted, upstream),
            tables=self.match,
        )

    def asked(self, accepted: tuple[ContextUri, ...], upstream: Upstream) -> tuple[ContextUri, ...]:
        """The contexts to list in the AuthnRequest to `upstream`; empty when it can meet none of `accepted`."""
        return decide_asked(accepted=accepted, upstream=upstream, rules=self.rules, connector_only=self.connector_only)

    def grant(
        self,
        *,
        request: LoginRequest,
        accepted: tuple[ContextUri, ...],
        asked: tuple[ContextUri, ...],
        person: AuthenticatedPerson,
        e_service: EService,
        upstream: Upstream,
    ) -> LoginGranted:
        """Decide whether it is who was meant, then level, attributes and subject of one answer.

        Raises:
            BrokerError: the first rule that the answer breaks.
        """
        delivered = ContextUri(person.context)
        check_delivered(delivered=delivered, asked=asked, upstream=upstream, connector_only=self.connector_only)
        check_expected(person=person, request=request, upstream=upstream, country_of=self.match.country_of)
        context = decide_assurance(delivered=delivered, accepted=accepted, rules=self.rules)
        release = decide_release(
            person=person, context=context, e_service=e_service, wanted=request.wanted_attributes, tables=self.release
        )
        key = person_key(person)
        if key is None and request.name_id is NameIdKind.PERSISTENT:
            raise UpstreamAnswerIncomplete(f"{upstream.entity_id}: nothing that identifies the person next time")
        # An upstream with transient NameIDs only: the assertion is all that the audit can point at.
        pseudonym = person_pseudonym(self.pseudonym_secret, key or f"assertion:{person.assertion_id}")
        return LoginGranted(
            upstream=EntityId(upstream.entity_id),
            delivered=delivered,
            context=context,
            authenticated_at=person.authenticated_at,
            authorities=(upstream.entity_id, *(a for a in person.authorities if a != upstream.entity_id)),
            name_id=pairwise_name_id(self.name_id_secret, e_service.entity_id, key) if key else "",
            name_id_kind=request.name_id,
            released=release.released,
            withheld=release.withheld,
            country=person.country,
            upstream_assertion_id=person.assertion_id,
            person_pseudonym=pseudonym,
        )
