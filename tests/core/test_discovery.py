"""Which upstreams are offered, and why not the others."""

from typing import Any

import pytest
from support.policy_builders import UPSTREAM, make_e_service, make_upstream

from broker.core.discovery import Choice, Exclusion, decide_offers
from broker.core.login import EntityId, WantedAttribute
from broker.core.parties import EService, Upstream
from broker.core.person import AttributeKey
from broker.core.subject import ORG_AFFILIATION, PNR, PRID
from broker.vocabulary.attributes import BIRTH_DATE, DISPLAY_NAME, MAIL, TRANSACTION
from broker.vocabulary.categories import EIDAS_NATURAL_PERSON, LOA3_PNR, MOBILE_AUTH, UNCERTIFIED_LOA3_PNR
from broker.vocabulary.contexts import LOA3
from broker.vocabulary.policy_tables import match_tables

LOA4_PNR = "http://id.elegnamnden.se/ec/1.0/loa4-pnr"
LOA3_ORGID = "http://id.swedenconnect.se/ec/1.0/loa3-orgid"
OWN_CATEGORY = "http://id.swedenconnect.se/ec/kommunen/elev"
CONTRACT = "http://id.swedenconnect.se/contract/sc/eid-choice-2017"
OTHER_CONTRACT = "http://id.swedenconnect.se/contract/sc/prepaid-auth-2021"
NORWAY = "http://id.swedenconnect.se/eidas/1.0/proxy-service/no"


def offers(*upstreams: Upstream, e_service: EService | None = None, **changes: Any) -> Choice:
    arguments: dict[str, Any] = {
        "accepted": (LOA3,),
        "idp_list": (),
        "wanted": (),
        "askable": lambda upstream: (LOA3,) if LOA3 in upstream.contexts else (),
        "tables": match_tables(),
    }
    return decide_offers(e_service=e_service or make_e_service(), upstreams=upstreams, **{**arguments, **changes})


def excluded_for(choice: Choice) -> list[Exclusion]:
    return [excluded.reason for excluded in choice.excluded]


def required(key: AttributeKey) -> tuple[WantedAttribute, ...]:
    return (WantedAttribute(key=key, required=True),)


# The example of the former discovery specification (DISCO 2): "loa4-pnr does not imply loa3-pnr".
DISCO = (
    make_upstream(entity_id=EntityId("A"), categories=(LOA3_PNR, LOA4_PNR, MOBILE_AUTH)),
    make_upstream(entity_id=EntityId("B"), categories=(LOA3_PNR,)),
    make_upstream(entity_id=EntityId("C"), categories=(LOA4_PNR, MOBILE_AUTH)),
)


@pytest.mark.parametrize(
    ("categories", "offered"),
    [((LOA3_PNR,), ["A", "B"]), ((LOA3_PNR, MOBILE_AUTH), ["A"]), ((LOA4_PNR,), ["A", "C"])],
)
def test_the_example_of_the_discovery_specification(categories: tuple[str, ...], offered: list[str]) -> None:
    choice = offers(*DISCO, e_service=make_e_service(*categories))
    assert [offer.upstream.entity_id for offer in choice.offers] == offered


def test_the_order_of_the_directory_is_kept_on_both_sides() -> None:
    upstreams = [make_upstream(LOA3 if name in "bd" else "urn:x", entity_id=EntityId(name)) for name in "dcba"]
    choice = offers(*upstreams)
    assert [offer.upstream.entity_id for offer in choice.offers] == ["d", "b"]
    assert [excluded.upstream.entity_id for excluded in choice.excluded] == ["c", "a"]


def test_an_offer_says_what_would_be_asked() -> None:
    assert offers(make_upstream()).offers[0].contexts == (LOA3,)


@pytest.mark.parametrize(
    ("e_service", "upstream", "reason"),
    [
        pytest.param(make_e_service(), make_upstream("urn:x"), Exclusion.CANNOT_REACH_ASSURANCE, id="level"),
        pytest.param(
            make_e_service(allowed_upstreams=frozenset()), make_upstream(), Exclusion.NOT_ALLOWED, id="not chosen"
        ),
        pytest.param(
            make_e_service(allowed_upstreams=frozenset({UPSTREAM})), make_upstream(), None, id="chosen for it"
        ),
        pytest.param(
            make_e_service(LOA3_PNR),
            make_upstream(categories=(LOA3_ORGID,)),
            Exclusion.NO_COMMON_CATEGORY,
            id="no common service category",
        ),
        pytest.param(
            make_e_service(LOA3_PNR, LOA4_PNR),
            make_upstream(categories=(LOA4_PNR,)),
            None,
            id="one in common is enough",
        ),
        pytest.param(
            make_e_service(LOA3_PNR), make_upstream(), None, id="a stranger without categories is not excluded"
        ),
        pytest.param(
            make_e_service(LOA3_PNR),
            make_upstream(categories=(MOBILE_AUTH,)),
            Exclusion.NO_COMMON_CATEGORY,
            id="an IdP with other categories only",
        ),
        pytest.param(
            make_e_service(), make_upstream(categories=(LOA3_ORGID,)), None, id="an e-service without service category"
        ),
        pytest.param(
            make_e_service(LOA3_PNR),
            make_upstream(categories=(UNCERTIFIED_LOA3_PNR,)),
            None,
            id="deprecated at the IdP",
        ),
        pytest.param(
            make_e_service(UNCERTIFIED_LOA3_PNR),
            make_upstream(categories=(LOA3_PNR,)),
            None,
            id="deprecated at the e-service",
        ),
        pytest.param(
            make_e_service(MOBILE_AUTH),
            make_upstream(categories=(LOA3_PNR,)),
            Exclusion.LACKS_PROPERTY,
            id="a property is lacking",
        ),
        pytest.param(
            make_e_service(), make_upstream(categories=(LOA3_PNR, MOBILE_AUTH)), None, id="a property nobody asked for"
        ),
        pytest.param(
            make_e_service(),
            make_upstream(categories=(LOA3_PNR, CONTRACT)),
            Exclusion.NO_COMMON_CONTRACT,
            id="the IdP is bound by a contract",
        ),
        pytest.param(
            make_e_service(OTHER_CONTRACT),
            make_upstream(categories=(LOA3_PNR, CONTRACT)),
            Exclusion.NO_COMMON_CONTRACT,
            id="another contract",
        ),
        pytest.param(
            make_e_service(CONTRACT),
            make_upstream(categories=(LOA3_PNR, CONTRACT, OTHER_CONTRACT)),
            None,
            id="one contract in common",
        ),
        pytest.param(
            make_e_service(CONTRACT), make_upstream(categories=(LOA3_PNR,)), None, id="an IdP without contracts"
        ),
        pytest.param(make_e_service(), make_upstream(hidden=True), Exclusion.HIDDEN, id="hidden"),
    ],
)
def test_matching(e_service: EService, upstream: Upstream, reason: Exclusion | None) -> None:
    choice = offers(upstream, e_service=e_service)
    assert excluded_for(choice) == ([] if reason is None else [reason])
    assert len(choice.offers) == (reason is None)


def test_an_agreement_of_the_operator_counts_for_every_e_service() -> None:
    bound = make_upstream(categories=(LOA3_PNR, CONTRACT))
    assert offers(bound, tables=match_tables([CONTRACT])).offers
    assert not offers(bound, tables=match_tables([OTHER_CONTRACT])).offers


CONNECTOR = make_upstream(eidas_connector=True, categories=(EIDAS_NATURAL_PERSON,))


@pytest.mark.parametrize(
    ("upstream", "idp_list", "reason"),
    [
        pytest.param(make_upstream(), (), None, id="no list"),
        pytest.param(make_upstream(), (UPSTREAM,), None, id="named"),
        pytest.param(make_upstream(), ("https://other.example.se",), Exclusion.NOT_IN_IDP_LIST, id="another one named"),
        pytest.param(make_upstream(), (NORWAY,), Exclusion.NOT_IN_IDP_LIST, id="a country is not a Swedish IdP"),
        pytest.param(CONNECTOR, (NORWAY,), None, id="a country is the connector"),
        pytest.param(CONNECTOR, (NORWAY.upper(),), None, id="in any case"),
        pytest.param(CONNECTOR, (f"{NORWAY}x",), Exclusion.NOT_IN_IDP_LIST, id="no country"),
        pytest.param(CONNECTOR, (UPSTREAM,), None, id="the connector by its own name"),
        pytest.param(make_upstream(hidden=True), (UPSTREAM,), None, id="hidden, but named"),
    ],
)
def test_the_idp_list_of_the_request(upstream: Upstream, idp_list: tuple[str, ...], reason: Exclusion | None) -> None:
    choice = offers(upstream, idp_list=idp_list)
    assert excluded_for(choice) == ([] if reason is None else [reason])


@pytest.mark.parametrize(
    ("upstream", "wanted", "reason"),
    [
        pytest.param(make_upstream(categories=(LOA3_PNR,)), required(PNR), None, id="in its set"),
        pytest.param(make_upstream(categories=(LOA3_PNR,)), required(BIRTH_DATE), None, id="recommended in its set"),
        pytest.param(CONNECTOR, required(PNR), Exclusion.CANNOT_DELIVER_REQUIRED, id="in other sets only"),
        pytest.param(
            make_upstream(categories=(LOA3_PNR,)),
            required(PRID),
            Exclusion.CANNOT_DELIVER_REQUIRED,
            id="a foreign identifier of a Swedish eID",
        ),
        pytest.param(
            make_upstream(categories=(UNCERTIFIED_LOA3_PNR,)),
            required(ORG_AFFILIATION),
            Exclusion.CANNOT_DELIVER_REQUIRED,
            id="by the deprecated name of its category",
        ),
        pytest.param(make_upstream(categories=(LOA3_PNR, LOA3_ORGID)), required(ORG_AFFILIATION), None, id="in one"),
        pytest.param(CONNECTOR, required(DISPLAY_NAME), None, id="we make it of the names"),
        pytest.param(CONNECTOR, required(MAIL), None, id="in no set: may come from anybody"),
        pytest.param(make_upstream(categories=(LOA3_PNR,)), required(TRANSACTION), None, id="everybody sends it"),
        pytest.param(make_upstream(), required(PRID), None, id="a stranger: we cannot know"),
        pytest.param(make_upstream(categories=(MOBILE_AUTH,)), required(PRID), None, id="no service category"),
        pytest.param(make_upstream(categories=(OWN_CATEGORY,)), required(PRID), None, id="somebody's own category"),
        pytest.param(CONNECTOR, (WantedAttribute(key=PNR, required=False),), None, id="wanted, but not required"),
    ],
)
def test_a_required_attribute_that_cannot_come(
    upstream: Upstream, wanted: tuple[WantedAttribute, ...], reason: Exclusion | None
) -> None:
    choice = offers(upstream, wanted=wanted)
    assert excluded_for(choice) == ([] if reason is None else [reason])


def test_the_level_is_looked_at_before_anything_else() -> None:
    e_service = make_e_service(LOA3_PNR, allowed_upstreams=frozenset())
    choice = offers(make_upstream("urn:x", hidden=True), e_service=e_service, idp_list=("x",), wanted=required(PRID))
    assert excluded_for(choice) == [Exclusion.CANNOT_REACH_ASSURANCE]


def test_an_exclusion_names_what_was_compared() -> None:
    choice = offers(make_upstream(categories=(LOA3_ORGID,)), e_service=make_e_service(LOA3_PNR))
    assert LOA3_PNR in choice.excluded[0].detail
    assert LOA3_ORGID in choice.excluded[0].detail


def test_an_exclusion_says_when_there_was_nothing_to_compare() -> None:
    choice = offers(make_upstream(categories=(MOBILE_AUTH,)), e_service=make_e_service(LOA3_PNR))
    assert choice.excluded[0].detail.endswith("it has none")
