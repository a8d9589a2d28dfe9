"""What a broker in its role may assert for what it received."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.core.assurance import AssuranceRules
from broker.core.errors import ConfigRejected
from broker.core.login import ContextUri
from broker.vocabulary import contexts as x
from broker.vocabulary.context_rules import Role, RuleChanges, assertable, loa3_and_above, rules_for
from broker.vocabulary.contexts import CONTEXTS, ROWS, Issuer, Scheme

HUB, PUBLISHED, REVIEWED = Role.HUB, Role.PUBLISHED, Role.REVIEWED
HIGH, SUB, LOW = x.UNCERTIFIED_EIDAS_HIGH, x.UNCERTIFIED_EIDAS_SUB, x.UNCERTIFIED_EIDAS_LOW
PROXIED_EIDAS: AssuranceRules = {
    x.EIDAS_NF_HIGH: (HIGH, SUB, LOW),
    x.EIDAS_HIGH: (HIGH, SUB, LOW),
    HIGH: (HIGH, SUB, LOW),
    x.EIDAS_NF_SUB: (SUB, LOW),
    x.EIDAS_SUB: (SUB, LOW),
    SUB: (SUB, LOW),
    x.EIDAS_NF_LOW: (LOW,),
    x.EIDAS_LOW: (LOW,),
    LOW: (LOW,),
}
SWEDISH_AS_RECEIVED: AssuranceRules = {
    uri: (uri,)
    for uri in (
        x.LOA4,
        x.LOA4_NONRESIDENT,
        x.LOA3,
        x.LOA3_NONRESIDENT,
        x.UNCERTIFIED_LOA3,
        x.LOA2,
        x.LOA2_NONRESIDENT,
        x.UNCERTIFIED_LOA2,
    )
}
RELAYED_EIDAS: AssuranceRules = {
    x.EIDAS_NF_HIGH: (x.EIDAS_NF_HIGH, x.EIDAS_HIGH, x.EIDAS_NF_SUB, x.EIDAS_SUB, x.EIDAS_NF_LOW, x.EIDAS_LOW),
    x.EIDAS_HIGH: (x.EIDAS_HIGH, x.EIDAS_SUB, x.EIDAS_LOW),
    HIGH: (HIGH, SUB, LOW),
    x.EIDAS_NF_SUB: (x.EIDAS_NF_SUB, x.EIDAS_SUB, x.EIDAS_NF_LOW, x.EIDAS_LOW),
    x.EIDAS_SUB: (x.EIDAS_SUB, x.EIDAS_LOW),
    SUB: (SUB, LOW),
    x.EIDAS_NF_LOW: (x.EIDAS_NF_LOW, x.EIDAS_LOW),
    x.EIDAS_LOW: (x.EIDAS_LOW,),
    LOW: (LOW,),
}


def test_a_hub_passes_swedish_levels_on_as_received_and_renames_eidas_levels() -> None:
    assert rules_for(HUB) == {**SWEDISH_AS_RECEIVED, **PROXIED_EIDAS}


def test_a_hub_may_relay_the_connectors_names_in_the_connectors_order() -> None:
    assert rules_for(HUB, relay_eidas_names=True) == {**SWEDISH_AS_RECEIVED, **RELAYED_EIDAS}


def test_a_published_broker_has_uncertified_names_only() -> None:
    assert rules_for(PUBLISHED) == {
        x.LOA4: (x.UNCERTIFIED_LOA3, x.UNCERTIFIED_LOA2),
        x.LOA3: (x.UNCERTIFIED_LOA3, x.UNCERTIFIED_LOA2),
        x.UNCERTIFIED_LOA3: (x.UNCERTIFIED_LOA3, x.UNCERTIFIED_LOA2),
        x.LOA2: (x.UNCERTIFIED_LOA2,),
        x.UNCERTIFIED_LOA2: (x.UNCERTIFIED_LOA2,),
        **PROXIED_EIDAS,
    }


@pytest.mark.parametrize(
    ("level", "rows"),
    [
        (2, {x.LOA4: (x.LOA2,), x.LOA3: (x.LOA2,), x.LOA2: (x.LOA2,)}),
        (3, {x.LOA4: (x.LOA3,), x.LOA3: (x.LOA3,), x.LOA2: (x.LOA2,)}),
        (4, {x.LOA4: (x.LOA4,), x.LOA3: (x.LOA3,), x.LOA2: (x.LOA2,)}),
    ],
)
def test_a_reviewed_broker_has_official_names_up_to_its_level(level: int, rows: AssuranceRules) -> None:
    assert rules_for(REVIEWED, reviewed_level=level) == {
        **rows,
        x.UNCERTIFIED_LOA3: (x.UNCERTIFIED_LOA3,),
        x.UNCERTIFIED_LOA2: (x.UNCERTIFIED_LOA2,),
        **PROXIED_EIDAS,
    }


def test_a_reviewed_broker_has_nonresident_names_with_the_agreement_only() -> None:
    with_it = rules_for(REVIEWED, reviewed_level=3, nonresident_agreement=True)
    assert {uri: with_it[uri] for uri in sorted(x.NONRESIDENT)} == {
        x.LOA2_NONRESIDENT: (x.LOA2_NONRESIDENT,),
        x.LOA3_NONRESIDENT: (x.LOA3_NONRESIDENT,),
        x.LOA4_NONRESIDENT: (x.LOA3_NONRESIDENT,),
    }
    assert x.NONRESIDENT.isdisjoint(rules_for(REVIEWED, reviewed_level=3))


def test_the_table_lists_the_strongest_level_of_a_scheme_first() -> None:
    for rules in (rules_for(HUB, relay_eidas_names=True), rules_for(PUBLISHED)):
        for scheme in Scheme:
            levels = [CONTEXTS[uri].level for uri in rules if CONTEXTS[uri].scheme is scheme]
            assert levels == sorted(levels, reverse=True)


def test_the_table_cannot_be_changed_afterwards() -> None:
    rules = rules_for(HUB)
    with pytest.raises(TypeError):
        rules[x.LOA2] = (x.LOA4,)  # type: ignore[index]  # that it is read-only is the point


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        (rules_for(PUBLISHED), (x.UNCERTIFIED_LOA3, x.UNCERTIFIED_LOA2, HIGH, SUB, LOW)),
        (
            rules_for(REVIEWED, reviewed_level=3),
            (x.LOA3, x.LOA2, x.UNCERTIFIED_LOA3, x.UNCERTIFIED_LOA2, HIGH, SUB, LOW),
        ),
        ({}, ()),
    ],
)
def test_what_can_ever_be_asserted(rules: AssuranceRules, names: tuple[ContextUri, ...]) -> None:
    assert assertable(rules) == names


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        pytest.param(rules_for(HUB), (x.LOA4, x.LOA3), id="hub"),
        pytest.param(rules_for(PUBLISHED), (x.UNCERTIFIED_LOA3,), id="published"),
        pytest.param(rules_for(REVIEWED, reviewed_level=4), (x.LOA4, x.LOA3), id="reviewed for 4"),
        pytest.param(rules_for(REVIEWED, reviewed_level=3), (x.LOA3,), id="reviewed for 3"),
        pytest.param(rules_for(REVIEWED, reviewed_level=2), (x.UNCERTIFIED_LOA3,), id="reviewed for 2"),
        pytest.param(rules_for(HUB, changes={x.LOA4: (), x.LOA3: (), x.UNCERTIFIED_LOA3: ()}), (), id="nothing left"),
    ],
)
def test_level_3_and_above(rules: AssuranceRules, names: tuple[ContextUri, ...]) -> None:
    assert loa3_and_above(rules) == names


# --- settings that do not go together ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "settings"),
    [
        pytest.param(REVIEWED, {}, id="reviewed without a level"),
        pytest.param(REVIEWED, {"reviewed_level": 1}, id="reviewed for a level that nobody reviews"),
        pytest.param(REVIEWED, {"reviewed_level": 3, "relay_eidas_names": True}, id="reviewed, relaying"),
        pytest.param(PUBLISHED, {"relay_eidas_names": True}, id="published, relaying"),
        pytest.param(PUBLISHED, {"nonresident_agreement": True}, id="published, with the agreement"),
        pytest.param(PUBLISHED, {"reviewed_level": 3}, id="published, with a level"),
        pytest.param(HUB, {"nonresident_agreement": True}, id="hub, with the agreement"),
        pytest.param(HUB, {"reviewed_level": 3}, id="hub, with a level"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(role: Role, settings: dict[str, int]) -> None:
    with pytest.raises(ConfigRejected) as rejected:
        rules_for(role, **settings)  # type: ignore[arg-type]  # by name, from a table
    assert len(rejected.value.problems) == 1


# --- changes -----------------------------------------------------------------------------------------------------


def changed(role: Role, changes: RuleChanges, *, relay: bool = False) -> AssuranceRules:
    return rules_for(role, reviewed_level=3 if role is REVIEWED else None, relay_eidas_names=relay, changes=changes)


@pytest.mark.parametrize(
    ("role", "changes", "row"),
    [
        pytest.param(HUB, {x.LOA2: ()}, None, id="a hub removes a row"),
        pytest.param(PUBLISHED, {x.LOA2: ()}, None, id="so does a published broker"),
        pytest.param(REVIEWED, {x.LOA2: ()}, None, id="and a reviewed one"),
        pytest.param(PUBLISHED, {x.LOA3: (x.UNCERTIFIED_LOA3,)}, (x.UNCERTIFIED_LOA3,), id="less of a row"),
        pytest.param(HUB, {x.LOA4: (x.LOA3, x.LOA4)}, (x.LOA4, x.LOA3), id="a hub maps down, strongest first"),
        pytest.param(HUB, {x.LOA4: (x.LOA3,)}, (x.LOA3,), id="a hub replaces a row by a weaker name"),
        pytest.param(HUB, {x.LOA3: (x.LOA3, x.LOA3)}, (x.LOA3,), id="named twice"),
        pytest.param(
            HUB,
            {x.LOA3: (x.LOA3, x.UNCERTIFIED_LOA3)},
            (x.LOA3, x.UNCERTIFIED_LOA3),
            id="a reviewed level contains an uncertified one",
        ),
        pytest.param(
            HUB,
            {x.LOA4_NONRESIDENT: (x.LOA3_NONRESIDENT,)},
            (x.LOA3_NONRESIDENT,),
            id="a nonresident level contains a lower one",
        ),
    ],
)
def test_a_change_is_taken_over(role: Role, changes: RuleChanges, row: tuple[ContextUri, ...] | None) -> None:
    delivered = next(iter(changes))
    assert changed(role, changes).get(delivered) == row


def test_a_relaying_hub_may_add_the_uncertified_name() -> None:
    row = changed(HUB, {x.EIDAS_NF_SUB: (SUB, x.EIDAS_NF_SUB)}, relay=True)[x.EIDAS_NF_SUB]
    assert row == (x.EIDAS_NF_SUB, SUB)


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        pytest.param(HUB, {x.LOA2: (x.LOA3,)}, id="higher than delivered"),
        pytest.param(HUB, {x.UNCERTIFIED_LOA3: (x.LOA3,)}, id="a review that was not there"),
        pytest.param(HUB, {x.UNCERTIFIED_LOA3: (x.LOA2,)}, id="a lower review that was not there"),
        pytest.param(HUB, {x.LOA3_NONRESIDENT: (x.LOA3,)}, id="a residence that was not there"),
        pytest.param(HUB, {x.LOA3_NONRESIDENT: (x.UNCERTIFIED_LOA3,)}, id="a number that cannot be there"),
        pytest.param(HUB, {x.LOA3: (x.LOA3_NONRESIDENT,)}, id="a resident turned nonresident"),
        pytest.param(HUB, {x.EIDAS_NF_HIGH: (x.LOA3,)}, id="a Swedish level for a foreign one"),
        pytest.param(HUB, {x.LOA4: (HIGH,)}, id="a foreign level for a Swedish one"),
        pytest.param(HUB, {x.EIDAS_NF_HIGH: (x.EIDAS_NF_HIGH,)}, id="the connector's name without relaying"),
        pytest.param(HUB, {ContextUri("urn:x"): (x.LOA2,)}, id="an unknown level delivered"),
        pytest.param(HUB, {x.LOA3: (ContextUri("urn:x"),)}, id="an unknown level asserted"),
        pytest.param(HUB, {x.LOA3: (ContextUri(f"{x.LOA3}-sigmessage"),)}, id="a retired level asserted"),
        pytest.param(HUB, {ContextUri(f"{x.LOA3}-sigmessage"): (x.LOA3,)}, id="a retired level delivered"),
        pytest.param(HUB, {ContextUri("http://eidas.europa.eu/LoA/high"): (HIGH,)}, id="a level between nodes"),
        pytest.param(PUBLISHED, {x.LOA3: (x.LOA3,)}, id="an official name from a published broker"),
        pytest.param(PUBLISHED, {x.LOA3_NONRESIDENT: (x.UNCERTIFIED_LOA3,)}, id="a published broker adds a row"),
        pytest.param(PUBLISHED, {x.EIDAS_NF_SUB: (x.EIDAS_NF_SUB,)}, id="the connector's name, published"),
        pytest.param(REVIEWED, {x.LOA4: (x.LOA4,)}, id="a level that was not reviewed"),
        pytest.param(REVIEWED, {x.LOA3: (x.LOA3, x.LOA2)}, id="a reviewed broker maps down"),
        pytest.param(REVIEWED, {x.LOA3_NONRESIDENT: (x.LOA3_NONRESIDENT,)}, id="nonresident without agreement"),
    ],
)
def test_a_change_that_says_too_much_is_refused(role: Role, changes: RuleChanges) -> None:
    with pytest.raises(ConfigRejected) as rejected:
        changed(role, changes)
    assert len(rejected.value.problems) == 1


def test_a_relaying_hub_never_claims_a_notified_scheme_that_was_not() -> None:
    with pytest.raises(ConfigRejected):
        changed(HUB, {x.EIDAS_HIGH: (x.EIDAS_NF_LOW,)}, relay=True)


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(ConfigRejected) as rejected:
        rules_for(
            PUBLISHED,
            reviewed_level=2,
            relay_eidas_names=True,
            nonresident_agreement=True,
            changes={x.LOA2: (x.LOA4, x.LOA3), x.LOA3: (x.LOA3,)},
        )
    assert len(rejected.value.problems) == 3 + 2 + 1


# --- whatever is configured --------------------------------------------------------------------------------------

ANY_CONTEXT = st.sampled_from([row.uri for row in ROWS])
ANY_CHANGES = st.dictionaries(ANY_CONTEXT, st.lists(ANY_CONTEXT, max_size=3).map(tuple), max_size=3)
SETTINGS = [
    {"role": HUB},
    {"role": HUB, "relay_eidas_names": True},
    {"role": PUBLISHED},
    *(
        {"role": REVIEWED, "reviewed_level": level, "nonresident_agreement": agreed}
        for level, agreed in product((2, 3, 4), (False, True))
    ),
]
FAMILY = {
    Scheme.SWEDISH: 0,
    Scheme.UNCERTIFIED: 0,
    Scheme.NONRESIDENT: 1,
    Scheme.EIDAS: 2,
    Scheme.EIDAS_NOTIFIED: 2,
    Scheme.UNCERTIFIED_EIDAS: 2,
}


def assert_nothing_is_upgraded(rules: AssuranceRules, settings: dict[str, object]) -> None:
    for delivered, row in rules.items():
        got = CONTEXTS[delivered]
        for uri in row:
            said = CONTEXTS[uri]
            assert not said.retired
            assert said.level <= got.level
            assert FAMILY[said.scheme] == FAMILY[got.scheme], "another family of levels"
            if said.scheme is Scheme.SWEDISH:
                assert got.scheme is Scheme.SWEDISH, "reviewed only from reviewed"
                assert settings["role"] is not PUBLISHED
                assert settings["role"] is HUB or said.level <= settings["reviewed_level"]  # type: ignore[operator]  # an int there
            if said.scheme is Scheme.NONRESIDENT:
                assert settings["role"] is HUB or settings.get("nonresident_agreement")
            if said.issuer is Issuer.CONNECTOR:
                assert settings.get("relay_eidas_names")
                assert got.scheme is said.scheme or got.scheme is Scheme.EIDAS_NOTIFIED


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_no_single_change_upgrades_a_level(settings: dict[str, object]) -> None:
    for delivered, asserted in product(CONTEXTS, repeat=2):
        try:
            rules = rules_for(**settings, changes={delivered: (asserted,)})  # type: ignore[arg-type]  # by name
        except ConfigRejected:
            continue
        assert_nothing_is_upgraded({delivered: rules[delivered]}, settings)


@given(settings=st.sampled_from(SETTINGS), changes=ANY_CHANGES)
def test_no_configuration_upgrades_a_level(settings: dict[str, object], changes: RuleChanges) -> None:
    try:
        rules = rules_for(**settings, changes=changes)  # type: ignore[arg-type]  # by name, from a table
    except ConfigRejected:
        return
    assert_nothing_is_upgraded(rules, settings)
