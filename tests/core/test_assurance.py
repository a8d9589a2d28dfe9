"""Which levels are asked for, accepted and asserted. Reads like the policy document."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.policy_builders import make_upstream

from broker.core.assurance import AssuranceRules, check_delivered, decide_accepted, decide_asked, decide_assurance
from broker.core.errors import AssuranceNotDeclared, AssuranceNotMet
from broker.core.login import ContextUri
from broker.vocabulary.context_rules import Role, rules_for
from broker.vocabulary.contexts import (
    CONNECTOR_ONLY,
    CONTEXTS,
    EIDAS_NF_HIGH,
    EIDAS_NF_SUB,
    EIDAS_SUB,
    LOA2,
    LOA3,
    LOA4,
    ROWS,
    UNCERTIFIED_EIDAS_HIGH,
    UNCERTIFIED_EIDAS_LOW,
    UNCERTIFIED_EIDAS_SUB,
    UNCERTIFIED_LOA2,
    UNCERTIFIED_LOA3,
)


def uri(name: str) -> ContextUri:
    return ContextUri(f"urn:test:{name}")


LOW, SUB, HIGH = uri("uncertified-eidas-low"), uri("uncertified-eidas-sub"), uri("uncertified-eidas-high")
NF_SUB, NF_HIGH = uri("eidas-nf-sub"), uri("eidas-nf-high")

RULES: AssuranceRules = {NF_HIGH: (HIGH, SUB, LOW), NF_SUB: (SUB, LOW)}


@pytest.mark.parametrize(
    ("delivered", "accepted", "asserted"),
    [
        pytest.param(NF_SUB, (SUB,), SUB, id="same level, in our own words"),
        pytest.param(NF_HIGH, (SUB,), SUB, id="higher covers lower when a rule says so"),
        pytest.param(NF_HIGH, (LOW, HIGH), LOW, id="the e-service's order wins"),
        pytest.param(NF_SUB, (), SUB, id="nothing asked: strongest we may assert"),
        pytest.param(NF_SUB, (HIGH,), None, id="lower never covers higher"),
        pytest.param(NF_SUB, (NF_SUB,), None, id="a published proxy never repeats the connector's URI"),
        pytest.param(NF_SUB, (ContextUri(SUB.upper()),), None, id="matching is exact"),
        pytest.param(uri("made-up"), (LOW,), None, id="an unknown level is worth nothing"),
        pytest.param(uri("made-up"), (uri("made-up"),), None, id="even when asked for by its name"),
        pytest.param(uri("made-up"), (), None, id="an unknown level is worth nothing, even unasked"),
    ],
)
def test_decide_assurance(delivered: ContextUri, accepted: tuple[ContextUri, ...], asserted: ContextUri | None) -> None:
    if asserted is None:
        with pytest.raises(AssuranceNotMet):
            decide_assurance(delivered=delivered, accepted=accepted, rules=RULES)
    else:
        assert decide_assurance(delivered=delivered, accepted=accepted, rules=RULES) == asserted


@pytest.mark.parametrize(
    ("asked", "implied", "default", "accepted"),
    [
        pytest.param((LOA4,), (LOA3,), (LOA2,), (LOA4,), id="what was asked"),
        pytest.param((), (LOA3,), (LOA2,), (LOA3,), id="else what the categories imply"),
        pytest.param((), (), (LOA2,), (LOA2,), id="else the default"),
        pytest.param((LOA4, LOA3, LOA4), (), (), (LOA4, LOA3), id="each once, in order"),
        pytest.param((), (), (), (), id="never whatever comes"),
    ],
)
def test_decide_accepted(
    asked: Sequence[ContextUri],
    implied: Sequence[ContextUri],
    default: Sequence[ContextUri],
    accepted: tuple[ContextUri, ...],
) -> None:
    assert decide_accepted(asked=asked, implied=implied, default=default) == accepted


HUB = rules_for(Role.HUB)
PUBLISHED = rules_for(Role.PUBLISHED)
OFFICIAL_EIDAS = (EIDAS_NF_HIGH, EIDAS_NF_SUB, EIDAS_SUB)


@pytest.mark.parametrize(
    ("rules", "accepted", "declared", "connector", "asked"),
    [
        pytest.param(HUB, (LOA3,), (LOA3, LOA4), False, (LOA3,), id="a hub asks for the very level"),
        pytest.param(HUB, (LOA2, LOA4), (LOA4, LOA2, LOA3), False, (LOA4, LOA2), id="strongest first"),
        pytest.param(HUB, (LOA3,), (LOA2,), False, (), id="an IdP that does not reach it"),
        pytest.param(HUB, (LOA3,), (UNCERTIFIED_LOA3,), False, (), id="uncertified is not certified"),
        pytest.param(
            PUBLISHED,
            (UNCERTIFIED_LOA3,),
            (LOA4, LOA3, UNCERTIFIED_LOA3, LOA2),
            False,
            (LOA4, LOA3, UNCERTIFIED_LOA3),
            id="a published broker asks for all that it may call so",
        ),
        pytest.param(
            PUBLISHED, (UNCERTIFIED_LOA2,), (LOA3, LOA2), False, (LOA3, LOA2), id="the higher levels are listed too"
        ),
        pytest.param(PUBLISHED, (LOA3,), (LOA3,), False, (), id="a published broker cannot give an official name"),
        pytest.param(
            HUB,
            (UNCERTIFIED_EIDAS_SUB,),
            OFFICIAL_EIDAS,
            True,
            (EIDAS_NF_HIGH, EIDAS_NF_SUB, EIDAS_SUB),
            id="of the connector also the higher level",
        ),
        pytest.param(
            HUB, (UNCERTIFIED_EIDAS_SUB,), OFFICIAL_EIDAS, False, (), id="eIDAS levels of anybody but the connector"
        ),
        pytest.param(
            HUB,
            (UNCERTIFIED_EIDAS_LOW,),
            (UNCERTIFIED_EIDAS_HIGH,),
            False,
            (UNCERTIFIED_EIDAS_HIGH,),
            id="another proxy's eIDAS level",
        ),
        pytest.param(HUB, (), (LOA3,), False, (), id="nothing accepted, nothing asked"),
    ],
)
def test_decide_asked(
    rules: AssuranceRules,
    accepted: tuple[ContextUri, ...],
    declared: tuple[ContextUri, ...],
    connector: bool,
    asked: tuple[ContextUri, ...],
) -> None:
    upstream = make_upstream(*declared, eidas_connector=connector)
    assert decide_asked(accepted=accepted, upstream=upstream, rules=rules, connector_only=CONNECTOR_ONLY) == asked


def test_a_level_that_was_asked_and_is_declared_passes() -> None:
    check_delivered(delivered=LOA3, asked=(LOA4, LOA3), upstream=make_upstream(LOA3), connector_only=CONNECTOR_ONLY)


def test_the_connector_may_deliver_its_own_levels() -> None:
    upstream = make_upstream(EIDAS_NF_SUB, eidas_connector=True)
    check_delivered(delivered=EIDAS_NF_SUB, asked=(EIDAS_NF_SUB,), upstream=upstream, connector_only=CONNECTOR_ONLY)


def test_a_declared_level_that_was_not_asked_is_not_met() -> None:
    with pytest.raises(AssuranceNotMet):
        check_delivered(
            delivered=LOA2, asked=(LOA3,), upstream=make_upstream(LOA2, LOA3), connector_only=CONNECTOR_ONLY
        )


def test_an_undeclared_level_counts_for_nothing_even_if_it_was_asked() -> None:
    with pytest.raises(AssuranceNotDeclared):
        check_delivered(delivered=LOA4, asked=(LOA4,), upstream=make_upstream(LOA3), connector_only=CONNECTOR_ONLY)


def test_an_official_eidas_level_from_another_idp_counts_for_nothing() -> None:
    with pytest.raises(AssuranceNotDeclared):
        check_delivered(
            delivered=EIDAS_NF_SUB,
            asked=(EIDAS_NF_SUB,),
            upstream=make_upstream(EIDAS_NF_SUB),
            connector_only=CONNECTOR_ONLY,
        )


# --- whatever is asked, declared and delivered -------------------------------------------------------------------

CONTEXT = st.sampled_from([row.uri for row in ROWS])
CONTEXT_LIST = st.lists(CONTEXT, max_size=5).map(tuple)
TABLES = st.sampled_from(
    [
        rules_for(Role.HUB),
        rules_for(Role.HUB, relay_eidas_names=True),
        rules_for(Role.PUBLISHED),
        rules_for(Role.REVIEWED, reviewed_level=3, nonresident_agreement=True),
    ]
)


@given(rules=TABLES, accepted=CONTEXT_LIST, declared=st.frozensets(CONTEXT), connector=st.booleans())
def test_whatever_we_ask_and_get_exactly_we_never_refuse(
    rules: AssuranceRules, accepted: tuple[ContextUri, ...], declared: frozenset[ContextUri], connector: bool
) -> None:
    upstream = make_upstream(contexts=declared, eidas_connector=connector)
    asked = decide_asked(accepted=accepted, upstream=upstream, rules=rules, connector_only=CONNECTOR_ONLY)
    for delivered in asked:
        check_delivered(delivered=delivered, asked=asked, upstream=upstream, connector_only=CONNECTOR_ONLY)
        assert decide_assurance(delivered=delivered, accepted=accepted, rules=rules) in accepted


@given(rules=TABLES, accepted=CONTEXT_LIST, delivered=CONTEXT)
def test_nothing_is_ever_asserted_above_what_was_delivered(
    rules: AssuranceRules, accepted: tuple[ContextUri, ...], delivered: ContextUri
) -> None:
    try:
        asserted = decide_assurance(delivered=delivered, accepted=accepted, rules=rules)
    except AssuranceNotMet:
        return
    assert CONTEXTS[asserted].level <= CONTEXTS[delivered].level
    assert not CONTEXTS[asserted].retired
    assert not accepted or asserted in accepted
