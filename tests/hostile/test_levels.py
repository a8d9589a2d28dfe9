"""Levels that an upstream may not assert, or was not asked for; and peers whose standing changed on the way."""

import time

import pytest
from support.attack_peers import (
    EIDAS_HIGH,
    EIDAS_NF_HIGH,
    LOA2,
    LOA3,
    LOA3_NONRESIDENT,
    LOA4,
    NS,
    PERSON,
    PNR,
    UNCERTIFIED_EIDAS_HIGH,
    UpstreamPeer,
    asks_for,
    changed,
    key_descriptor,
    peer_keys,
)
from support.attack_world import Login, World

from broker.flow.metadata_plans import SettingsPatch, UploadKind
from broker.wiring.directories import build_metadata_desk

NOT_MET = "assurance-not-met"
ACTS_WITHIN_S = 2.2  # a running worker looks for changed metadata every two seconds

NOT_ASKED = {
    "lower": LOA2,
    "higher": LOA4,
    "nonresident": LOA3_NONRESIDENT,
    "of the other family": "http://id.swedenconnect.se/loa/1.0/uncertified-loa3",
    "retired": "http://id.elegnamnden.se/loa/1.0/loa3-sigmessage",
    "of the eIDAS connector": "http://id.elegnamnden.se/loa/1.0/eidas-nf-high",
    "of the eIDAS connector, not notified": "http://id.elegnamnden.se/loa/1.0/eidas-high",
    "of a proxy": "http://id.swedenconnect.se/loa/1.0/uncertified-eidas-high",
    "of an eIDAS node": "http://eidas.europa.eu/LoA/high",
    "unknown": "https://idp.example.org/loa/very-high",
    "of SAML": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "in capitals": LOA3.upper(),
    "with a slash": f"{LOA3}/",
    "longer": f"{LOA3}0",
    "two in one": f"{LOA3};{LOA4}",
}


@pytest.mark.parametrize("delivered", NOT_ASKED.values(), ids=NOT_ASKED.keys())
def test_a_level_that_was_not_asked_for_is_refused(world: World, delivered: str) -> None:
    world.assert_refused(world.login().answered(assertion=changed(context=delivered)), NOT_MET)


@pytest.mark.parametrize("delivered", [LOA2, LOA4])
def test_even_when_the_upstream_may_assert_it(world: World, delivered: str) -> None:
    login = world.login(upstream=world.upstream_of_levels)
    world.assert_refused(login.answered(assertion=changed(context=delivered)), NOT_MET)


def test_a_level_of_several_that_were_asked_for_is_passed_on_as_it_is(world: World) -> None:
    login = world.login(upstream=world.upstream_of_levels, bend=changed(children=asks_for(LOA3, LOA2)))
    assertion = login.read(login.answered(assertion=changed(context=LOA2)))
    assert assertion.findtext(".//saml2:AuthnContextClassRef", namespaces=NS) == LOA2


@pytest.mark.parametrize("written", ["", "loa3 loa4", "\u202e3aol"])
def test_a_level_that_is_no_uri_is_refused(world: World, written: str) -> None:
    page = world.login().answered(assertion=changed(context=written))
    world.assert_refused(page, "upstream-assertion-unacceptable")


def test_who_authenticated_is_named_first_whatever_the_upstream_says(world: World) -> None:
    login = world.login(upstream=world.other_upstream)
    assertion = login.read(login.answered(assertion=changed(authorities=[world.upstream.entity_id])))
    named = [e.text for e in assertion.iterfind(".//saml2:AuthenticatingAuthority", NS)]
    assert named == [world.other_upstream.entity_id, world.upstream.entity_id]


# --- levels that are the eIDAS connector's alone, whoever else declares them ------------------------------------------


@pytest.mark.parametrize("asked", [EIDAS_NF_HIGH, EIDAS_HIGH, UNCERTIFIED_EIDAS_HIGH])
def test_nobody_is_sent_to_an_idp_that_says_it_is_the_connector(world: World, asked: str) -> None:
    draft = changed(children=asks_for(asked))(world.e_service.request())
    world.assert_refused(world.start(world.e_service.query(draft)), "no-upstream-for-assurance")


@pytest.mark.parametrize("delivered", [EIDAS_NF_HIGH, EIDAS_HIGH])
def test_what_such_an_idp_says_of_foreigners_counts_for_nothing(world: World, delivered: str) -> None:
    children = asks_for(LOA3, UNCERTIFIED_EIDAS_HIGH)
    login = world.login(upstream=world.pretender, bend=changed(children=children))
    assert EIDAS_NF_HIGH.encode() not in login.asked.xml
    world.assert_refused(login.answered(assertion=changed(context=delivered)), NOT_MET)


# --- what an administrator took back while the citizen was away ------------------------------------------------------


def metadata_with_another_key(upstream: UpstreamPeer) -> str:
    """The metadata of `upstream` after it lost its key."""
    old, new = key_descriptor(upstream.keys, "signing"), key_descriptor(peer_keys(f"{upstream.name} new"), "signing")
    assert old in upstream.metadata()
    return upstream.metadata().replace(old, new)


def test_what_was_taken_back_counts_no_more_for_logins_in_flight(world: World) -> None:
    """One test for four changes, because a worker takes seconds to notice."""
    degraded, compromised, blocked = world.fickle_upstreams
    logins: dict[UpstreamPeer, Login] = {
        upstream: world.login(upstream=upstream) for upstream in world.fickle_upstreams
    }
    left = world.login(e_service=world.fickle_e_service)
    desk = build_metadata_desk(world.installation.opened)
    assert not desk.set(degraded.entity_id, SettingsPatch(vouched_contexts=(LOA2,))).refused
    world.installation.register(metadata_with_another_key(compromised), UploadKind.UPSTREAM, contexts=(LOA3,))
    assert not desk.block(blocked.entity_id).refused
    assert not desk.block(world.fickle_e_service.entity_id).refused
    time.sleep(ACTS_WITHIN_S)
    world.assert_refused(logins[degraded].answered(), "assurance-not-declared")
    world.assert_refused(logins[compromised].answered(), "upstream-signature-invalid")
    world.assert_refused(logins[blocked].answered(), "peer-withdrawn")
    world.assert_refused(left.answered(), "peer-withdrawn")
    page = world.start(world.e_service.query())
    for upstream in (degraded, blocked):
        assert f'value="{upstream.entity_id}"' not in page.text
    back = world.login(upstream=compromised)
    assert back.assert_granted(back.answered(keys=peer_keys(f"{compromised.name} new")))[PNR] == PERSON[PNR]
