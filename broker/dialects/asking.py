"""What every Sweden Connect dialect asks in the same way."""

from broker.core.errors import NoUpstreamForAssurance
from broker.core.expectation import decide_countries
from broker.core.login import ContextUri, LoginRequest
from broker.core.parties import Upstream
from broker.messages.authn_request import AuthnRequestPlan
from broker.vocabulary.contexts import CONTEXTS, Scheme
from broker.vocabulary.identifiers import NAME_ID_PERSISTENT, country_alias, country_of_alias


def plan_request(*, request: LoginRequest, contexts: tuple[ContextUri, ...], upstream: Upstream) -> AuthnRequestPlan:
    """The plan for `upstream`: ForceAuthn as the e-service sent it, the e-service named last among the requesters.

    A principal is named only to an upstream that wants it, and by the attributes that it lists: a personnummer is
    readable in the browser. Countries are named to the eIDAS connector only.

    Raises:
        NoUpstreamForAssurance: there is nothing to ask for.

    Spec: Deployment Profile 5.3; Principal Selection 2; SAML core 3.4.1.5 (RequesterID).
    """
    if not contexts:
        raise NoUpstreamForAssurance(f"{upstream.entity_id} has none of the levels to ask for")
    countries = decide_countries(request.idp_list, upstream, country_of_alias)
    return AuthnRequestPlan(
        contexts=contexts,
        force_authn=request.force_authn,
        # Persistent: with nothing else that identifies, it is what recognises the person next time.
        name_id_format=NAME_ID_PERSISTENT,
        idp_list=tuple(map(country_alias, countries)),
        requester_ids=(*request.requester_ids, request.e_service),
        principal=tuple(hint for hint in request.principal if hint.key in upstream.principal_selection),
    )


def within(contexts: tuple[ContextUri, ...], schemes: frozenset[Scheme]) -> tuple[ContextUri, ...]:
    """Those of `contexts` that belong to `schemes`."""
    return tuple(uri for uri in contexts if (row := CONTEXTS.get(uri)) is not None and row.scheme in schemes)
