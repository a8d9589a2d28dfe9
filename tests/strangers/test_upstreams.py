"""IdPs that declare nothing, each with a habit of its own: they count by what was vouched for, and are understood."""

import pytest
from lxml import etree
from support.attack_browser import values_of
from support.attack_peers import ACS_URL, LOA3, NS, PERSON, POST
from support.attack_world import World
from support.strange_habits import E_SERVICES, UPSTREAMS
from support.strangers import StrangeUpstream


@pytest.mark.parametrize("upstream", UPSTREAMS.values(), ids=UPSTREAMS.keys())
def test_an_upstream_logs_a_citizen_in(world: World, upstream: StrangeUpstream) -> None:
    login = world.login(e_service=E_SERVICES["plain"], upstream=upstream)
    assertion = login.read(login.deliver(upstream.answer(login)))
    assert values_of(assertion) == PERSON
    assert assertion.findtext(".//saml2:AuthnContextClassRef", namespaces=NS) == LOA3
    authorities = [e.text for e in assertion.iterfind(".//saml2:AuthenticatingAuthority", NS)]
    assert authorities[0] == upstream.entity_id


@pytest.mark.parametrize("upstream", UPSTREAMS.values(), ids=UPSTREAMS.keys())
def test_an_upstream_is_asked_for_what_was_vouched_for(world: World, upstream: StrangeUpstream) -> None:
    asked = etree.fromstring(world.login(e_service=E_SERVICES["plain"], upstream=upstream).asked.xml)
    assert [e.text for e in asked.iterfind(".//saml2:AuthnContextClassRef", NS)] == [LOA3]
    assert (asked.get("AssertionConsumerServiceURL"), asked.get("ProtocolBinding")) == (ACS_URL, POST)
