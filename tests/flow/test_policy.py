"""The bundle asks every policy: one case for each that could be forgotten."""

from dataclasses import replace
from typing import Any

import pytest
from support.policy_builders import make_e_service, make_person, make_request, make_upstream

from broker.core.errors import (
    AssertionUnacceptable,
    AssuranceNotDeclared,
    AssuranceNotMet,
    BrokerError,
    CoordinationNumberNotAccepted,
    UpstreamAnswerIncomplete,
    UpstreamUnknownPrincipal,
)
from broker.core.login import ContextUri, NameIdKind, PrincipalHint
from broker.core.person import AuthenticatedPerson
from broker.core.subject import PNR
from broker.flow.policy import Policy
from broker.vocabulary.attributes import CATALOGUE, TRANSACTION
from broker.vocabulary.categories import LOA3_PNR
from broker.vocabulary.context_rules import Role, rules_for
from broker.vocabulary.contexts import (
    CONNECTOR_ONLY,
    EIDAS_NF_SUB,
    LOA2,
    LOA3,
    LOA4,
    UNCERTIFIED_EIDAS_SUB,
    UNCERTIFIED_LOA3,
)
from broker.vocabulary.identifiers import country_alias
from broker.vocabulary.policy_tables import match_tables, release_tables

POLICY = Policy(
    rules=rules_for(Role.HUB),
    connector_only=CONNECTOR_ONLY,
    default_contexts=(LOA3,),
    match=match_tables(),
    release=release_tables(CATALOGUE),
    name_id_secret=bytes(32),
    pseudonym_secret=bytes(32),
)
RESIDENT = make_person({PNR: "198611239883"})
GRANT: dict[str, Any] = {
    "request": make_request(),
    "accepted": (LOA3,),
    "asked": (LOA3,),
    "person": RESIDENT,
    "e_service": make_e_service(LOA3_PNR),
    "upstream": make_upstream(LOA2, LOA3),
}
CONNECTOR: dict[str, Any] = {
    "accepted": (UNCERTIFIED_EIDAS_SUB,),
    "asked": (EIDAS_NF_SUB,),
    "person": make_person({}, context=EIDAS_NF_SUB, country="NO", name_id="x"),
    "upstream": make_upstream(EIDAS_NF_SUB, eidas_connector=True),
}


def test_a_resident_is_granted() -> None:
    granted = POLICY.grant(**GRANT)
    assert granted.context == LOA3
    assert [released.key for released in granted.released] == [PNR]


def test_a_visitor_of_the_named_country_is_granted_in_our_words() -> None:
    request = make_request(idp_list=(country_alias("NO"),))
    granted = POLICY.grant(**{**GRANT, **CONNECTOR, "request": request})
    assert (granted.delivered, granted.context, granted.country) == (EIDAS_NF_SUB, UNCERTIFIED_EIDAS_SUB, "NO")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"person": replace(RESIDENT, context=LOA2)}, AssuranceNotMet, id="a level that was not asked"),
        pytest.param(
            {"person": replace(RESIDENT, context=LOA4)}, AssuranceNotDeclared, id="a level that it may not assert"
        ),
        pytest.param({"accepted": (UNCERTIFIED_LOA3,)}, AssuranceNotMet, id="a level that the e-service does not take"),
        pytest.param(
            {"request": make_request(principal=(PrincipalHint(key=PNR, value="198501139995"),))},
            UpstreamUnknownPrincipal,
            id="somebody else",
        ),
        pytest.param(
            {**CONNECTOR, "request": make_request(idp_list=(country_alias("FI"),))},
            AssertionUnacceptable,
            id="another country",
        ),
        pytest.param(
            {"person": make_person({PNR: "197010632391"})},
            CoordinationNumberNotAccepted,
            id="a coordination number without the opt-in",
        ),
        pytest.param({"person": make_person({})}, UpstreamAnswerIncomplete, id="nobody in particular"),
    ],
)
def test_each_policy_has_its_say(changes: dict[str, Any], refusal: type[BrokerError]) -> None:
    with pytest.raises(refusal):
        POLICY.grant(**{**GRANT, **changes})


def anonymous(assertion_id: str) -> AuthenticatedPerson:
    return make_person({TRANSACTION: "x"}, assertion_id=assertion_id)


def test_nobody_in_particular_may_have_a_transient_name() -> None:
    request = make_request(name_id=NameIdKind.TRANSIENT)
    first, second = (POLICY.grant(**{**GRANT, "request": request, "person": anonymous(name)}) for name in ("_a", "_b"))
    assert first.name_id == ""
    assert first.person_pseudonym != second.person_pseudonym


@pytest.mark.parametrize(
    ("asked", "categories", "accepted"),
    [((LOA2,), (LOA3_PNR,), (LOA2,)), ((), (LOA3_PNR,), (LOA3, UNCERTIFIED_LOA3)), ((), (), (LOA3,))],
)
def test_what_an_e_service_accepts(
    asked: tuple[ContextUri, ...], categories: tuple[str, ...], accepted: tuple[ContextUri, ...]
) -> None:
    assert POLICY.accepted(asked, make_e_service(*categories)) == accepted


def test_offers_carry_what_would_be_asked() -> None:
    choice = POLICY.offers(
        e_service=make_e_service(), accepted=(LOA3,), idp_list=(), wanted=(), upstreams=[make_upstream(LOA2, LOA3)]
    )
    assert [offer.contexts for offer in choice.offers] == [(LOA3,)]
