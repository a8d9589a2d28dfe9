"""Whether the person who came is one the e-service meant: the named country, the named principal. Pure."""

from collections.abc import Callable

from broker.core.errors import AssertionUnacceptable, UpstreamUnknownPrincipal
from broker.core.login import LoginRequest, PrincipalHint
from broker.core.parties import Upstream
from broker.core.person import AuthenticatedPerson
from broker.core.subject import COUNTRY, MAPPED_PNR, PNR, PRID

_CASELESS = (COUNTRY, PRID)  # everything else exactly: some foreign identifiers differ in case only


def decide_countries(
    idp_list: tuple[str, ...], upstream: Upstream, country_of: Callable[[str], str | None]
) -> tuple[str, ...]:
    """The countries that IDPList restricts the eIDAS connector to, in its order; empty means any.

    A list that names the connector itself lets every country in.
    """
    if not upstream.eidas_connector or upstream.entity_id in idp_list:
        return ()
    return tuple(dict.fromkeys(country for listed in idp_list if (country := country_of(listed)) is not None))


def check_expected(
    *,
    person: AuthenticatedPerson,
    request: LoginRequest,
    upstream: Upstream,
    country_of: Callable[[str], str | None],
) -> None:
    """Raise unless `person` comes from a country and is the principal that `request` names, if it names any.

    The MatchValues of a PrincipalSelection describe one person in several ways. Each that can be compared must
    agree, and at least one must be comparable: the connector lets an absent attribute pass, so nobody else checks.

    Raises:
        AssertionUnacceptable: the eID is of a country that the request does not list.
        UpstreamUnknownPrincipal: somebody else, or nobody who can be told to be the one.

    Spec: Deployment Profile 5.3.2 and 5.3.3; Principal Selection 2.
    """
    countries = decide_countries(request.idp_list, upstream, country_of)
    if countries and person.country not in countries:
        raise AssertionUnacceptable(f"{upstream.entity_id} answered for a country that was not asked for")
    agreed = [_agrees(person, hint) for hint in request.principal]
    if agreed and (False in agreed or True not in agreed):
        raise UpstreamUnknownPrincipal(f"{upstream.entity_id}: not the principal that {request.e_service} named")


def _agrees(person: AuthenticatedPerson, hint: PrincipalHint) -> bool | None:
    """Whether `hint` describes `person`; None when nothing was delivered to compare it with."""
    delivered = person.attributes.get(hint.key, ())
    if hint.key == COUNTRY and person.country is not None:
        delivered = (person.country,)
    elif hint.key == PNR and not delivered:
        delivered = person.attributes.get(MAPPED_PNR, ())
    if not delivered:
        return None
    value = hint.value.strip()
    if hint.key in _CASELESS:
        return value.casefold() in (one.casefold() for one in delivered)
    return value in delivered
