"""AuthnRequests that are signed by a registered e-service, and ask for what it may not have, or at the wrong time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from support.attack_peers import (
    ACS_URL,
    IDP_ENTITY,
    LOA2,
    LOA3,
    LOA4,
    SSO_URL,
    EServicePeer,
    asks_for,
    changed,
)
from support.attack_query import Query
from support.attack_world import World
from support.messages import RequestDraft, instant

UNREADABLE = "message-unreadable"
UNSUPPORTED = "request-unsupported"
NOT_REGISTERED = "answer-url-not-registered"
NAME_ID = "name-id-policy-unsupported"
Bend = Callable[[RequestDraft], RequestDraft]
ACS = EServicePeer().acs


def attributes(**given: str | None) -> Bend:
    """The draft with these attributes, and its ACS URL unless that is given too."""
    return changed(attributes={"AssertionConsumerServiceURL": ACS, **given})


def at_address(url: str) -> Bend:
    return changed(attributes={"AssertionConsumerServiceURL": url})


def at_index(index: str) -> Bend:
    return changed(attributes={"AssertionConsumerServiceIndex": index})


def asking(children: str) -> Bend:
    return changed(children=children)


def issued(seconds: int) -> Bend:
    return changed(issued=datetime.now(UTC) + timedelta(seconds=seconds))


def refuse(world: World, bend: Bend, code: str) -> None:
    """`bend` leads to `code`, by either binding."""
    draft = bend(world.e_service.request())
    world.assert_refused(world.start(world.e_service.query(draft)), code)
    draft = bend(world.e_service.request())
    world.assert_refused(world.start_by_post(world.e_service.form(draft)), code)


# --- where the answer goes -----------------------------------------------------------------------------------------

ADDRESSES = {
    "another site": at_address("https://evil.example/acs"),
    "a longer path": at_address(f"{ACS}/evil"),
    "a query": at_address(f"{ACS}?to=evil"),
    "a fragment": at_address(f"{ACS}#evil"),
    "a user name": at_address(ACS.replace("https://", "https://evil@")),
    "another port": at_address(ACS.replace(".se/", ".se:8443/")),
    "the port written out": at_address(ACS.replace(".se/", ".se:443/")),
    "capitals": at_address(ACS.replace("bygglov", "Bygglov")),
    "http": at_address(ACS.replace("https:", "http:")),
    "dots": at_address(f"{ACS}/../acs"),
    "escaped": at_address(ACS.replace("acs", "%61cs")),
    "look-alike letters": at_address(ACS.replace("bygglov", "byggӏov")),
    "a longer host": at_address(ACS.replace(".se/", ".se.evil.example/")),
    "another e-service": at_address(EServicePeer("forskola").acs),
    "ourselves": at_address(ACS_URL),
    "a script": at_address("javascript:alert(1)"),
    "data": at_address("data:text/html,x"),
    "an unknown index": at_index("1"),
    "an index far away": at_index("65535"),
}


@pytest.mark.parametrize("bend", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_answer_goes_to_registered_addresses_only(world: World, bend: Bend) -> None:
    refuse(world, bend, NOT_REGISTERED)


@pytest.mark.parametrize("index", ["-1", "65536", "0x0", "one", "", "１", "0 1"])
def test_an_index_that_is_none_is_refused(world: World, index: str) -> None:
    refuse(world, at_index(index), UNREADABLE)


def test_an_address_and_an_index_together_are_refused(world: World) -> None:
    refuse(world, attributes(AssertionConsumerServiceIndex="0"), UNREADABLE)


@pytest.mark.parametrize("bend", [at_address("https://evil.example/acs"), at_index("7")], ids=["address", "index"])
def test_not_even_an_error_goes_elsewhere(world: World, bend: Bend) -> None:
    """Unsigned, and to an address that is not registered: the stop page, and no way on."""
    draft = bend(world.e_service.request())
    page = world.assert_refused(world.start(Query.of(draft.xml()).text()), NOT_REGISTERED)
    assert page.form is None
    assert page.own_action("answer") is None
    assert "evil.example" not in page.text


# --- addressed to, and from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "destination",
    [ACS_URL, IDP_ENTITY, f"{SSO_URL}/", f"{SSO_URL}?a", "https://elsewhere.example/sso", SSO_URL.upper()],
)
def test_a_request_to_another_address_is_refused(world: World, destination: str) -> None:
    refuse(world, changed(destination=destination), "destination-mismatch")


def test_a_request_to_no_address_is_refused(world: World) -> None:
    refuse(world, attributes(Destination=None), "destination-mismatch")


STRANGERS = {
    "nobody": "https://nobody.example.se/sp",
    "an upstream": "https://idp.example.org/idp",
    "ourselves": "http://127.0.0.1:18080/saml/sp",
    "capitals": "https://BYGGLOV.example.se/sp",
    "a slash": "https://bygglov.example.se/sp/",
    "a query": "' OR '1'='1",
    "markup": "<script>alert(1)</script>",
    "long": f"https://bygglov.example.se/{'x' * 1000}",
}


@pytest.mark.parametrize("issuer", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_request_of_nobody_we_know_is_refused(world: World, issuer: str) -> None:
    code = UNREADABLE if " " in issuer else "unknown-e-service"
    refuse(world, changed(issuer=issuer), code)


def test_an_issuer_cut_short_by_a_comment_is_another_issuer(world: World) -> None:
    draft = changed(issuer=f"{world.e_service.entity_id}.evil.example")(world.e_service.request())
    xml = draft.xml().replace(".evil.example", "<!-- -->.evil.example")
    page = world.start(Query.of(xml).signed(world.e_service.keys).text())
    world.assert_refused(page, "unknown-e-service")


# --- when --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [-(180 + 30 + 5), 30 + 5, -86_400, 86_400])
def test_a_request_from_another_time_is_refused(world: World, seconds: int) -> None:
    refuse(world, issued(seconds), "message-stale")


@pytest.mark.parametrize("seconds", [-(180 + 30 - 5), 30 - 5])
def test_a_request_within_the_skew_is_taken(world: World, seconds: int) -> None:
    draft = issued(seconds)(world.e_service.request())
    assert world.start(world.e_service.query(draft)).own_action("choice")


def test_the_same_request_again_is_refused_whatever_the_way(world: World) -> None:
    draft = world.e_service.request()
    assert world.start(world.e_service.query(draft)).own_action("choice")
    world.assert_refused(world.start(world.e_service.query(draft)), "message-replayed")
    world.assert_refused(world.start_by_post(world.e_service.form(draft)), "message-replayed")
    again = changed(issued=datetime.now(UTC) + timedelta(seconds=2), children=asks_for(LOA4))(draft)
    world.assert_refused(world.start(world.e_service.query(again)), "message-replayed")


def test_of_one_request_many_times_at_once_one_is_taken(world: World) -> None:
    query = world.e_service.query()
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(world.start, [query] * 4))
    assert len([page for page in pages if page.own_action("choice")]) == 1
    for page in pages:
        if page.own_action("choice") is None:
            world.assert_refused(page, "message-replayed")


def test_a_stranger_burns_nobodys_request_id(world: World) -> None:
    draft = world.e_service.request()
    world.assert_refused(world.start(Query.of(draft.xml()).text()), "request-signature-invalid")
    assert world.start(world.e_service.query(draft)).own_action("choice")


def test_another_e_services_request_id_is_another_one(world: World) -> None:
    draft = world.e_service.request()
    assert world.start(world.e_service.query(draft)).own_action("choice")
    other = changed(request_id=draft.request_id)(world.other_e_service.request())
    assert world.start(world.other_e_service.query(other)).own_action("choice")


# --- what it asks ------------------------------------------------------------------------------------------------

SUBJECT = "<saml2:Subject><saml2:NameID>198611239883</saml2:NameID></saml2:Subject>"
CONTEXT = asks_for(LOA3)
ASKS: dict[str, tuple[Bend, str]] = {
    "SAML 1.1": (attributes(Version="1.1"), UNSUPPORTED),
    "SAML 3": (attributes(Version="3.0"), UNSUPPORTED),
    "no Version": (attributes(Version=None), UNREADABLE),
    "no ID": (attributes(ID=None), UNREADABLE),
    "an empty ID": (attributes(ID=""), UNREADABLE),
    "an ID that is none": (attributes(ID="1"), UNREADABLE),
    "an ID with markup": (attributes(ID='"><script>'), UNREADABLE),
    "an endless ID": (attributes(ID=f"_{'a' * 300}"), UNREADABLE),
    "no IssueInstant": (attributes(IssueInstant=None), UNREADABLE),
    "an instant without zone": (attributes(IssueInstant="2026-01-01T00:00:00"), UNREADABLE),
    "an unknown attribute": (attributes(Evil="true"), UNREADABLE),
    "a boolean that is none": (attributes(ForceAuthn="yes"), UNREADABLE),
    "force and passive": (attributes(ForceAuthn="true", IsPassive="true"), UNSUPPORTED),
    "an artifact": (attributes(ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"), UNSUPPORTED),
    "a redirect": (attributes(ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"), UNSUPPORTED),
    "attributes by an unknown index": (attributes(AttributeConsumingServiceIndex="9"), UNSUPPORTED),
    "a Subject": (asking(SUBJECT + CONTEXT), UNSUPPORTED),
    "minimum": (asking(asks_for(LOA2, comparison="minimum")), UNSUPPORTED),
    "better": (asking(asks_for(LOA2, comparison="better")), UNSUPPORTED),
    "maximum": (asking(asks_for(LOA4, comparison="maximum")), UNSUPPORTED),
    "a declaration": (
        asking(
            "<saml2p:RequestedAuthnContext><saml2:AuthnContextDeclRef>urn:x</saml2:AuthnContextDeclRef>"
            "</saml2p:RequestedAuthnContext>"
        ),
        UNSUPPORTED,
    ),
    "no level among levels": (asking("<saml2p:RequestedAuthnContext/>"), UNREADABLE),
    "an empty level": (asking(asks_for("")), UNREADABLE),
    "levels twice": (asking(CONTEXT + CONTEXT), UNREADABLE),
    "two Issuers": (asking(f"<saml2:Issuer>https://evil.example</saml2:Issuer>{CONTEXT}"), UNREADABLE),
    "an unknown child": (asking(f"<saml2p:Evil/>{CONTEXT}"), UNREADABLE),
    "a list elsewhere": (
        asking(
            '<saml2p:Scoping><saml2p:IDPList><saml2p:IDPEntry ProviderID="urn:x"/><saml2p:GetComplete>'
            "http://127.0.0.1:9/list</saml2p:GetComplete></saml2p:IDPList></saml2p:Scoping>"
        ),
        UNSUPPORTED,
    ),
    "no proxy": (asking('<saml2p:Scoping ProxyCount="0"/>'), "proxy-count-exceeded"),
    "a count that is none": (asking('<saml2p:Scoping ProxyCount="-1"/>'), UNREADABLE),
    "a mail address as NameID": (
        asking('<saml2p:NameIDPolicy Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"/>'),
        NAME_ID,
    ),
    "an encrypted NameID": (
        asking('<saml2p:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"/>'),
        NAME_ID,
    ),
    "another's NameID": (
        asking('<saml2p:NameIDPolicy SPNameQualifier="https://forskola.example.se/sp"/>'),
        NAME_ID,
    ),
    "a level that nobody has": (asking(asks_for("https://evil.example/loa")), "no-upstream-for-assurance"),
    "an eIDAS level without a connector": (
        asking(asks_for("http://id.elegnamnden.se/loa/1.0/eidas-nf-high")),
        "no-upstream-for-assurance",
    ),
    "an IdP that nobody knows": (
        asking(
            f'{CONTEXT}<saml2p:Scoping><saml2p:IDPList><saml2p:IDPEntry ProviderID="https://evil.example/idp"/>'
            "</saml2p:IDPList></saml2p:Scoping>"
        ),
        "no-upstream-available",
    ),
}


@pytest.mark.parametrize(("bend", "code"), ASKS.values(), ids=ASKS.keys())
def test_a_request_for_what_nobody_may_have_is_refused(world: World, bend: Bend, code: str) -> None:
    refuse(world, bend, code)


def test_a_passive_request_shows_nobody_a_page(world: World) -> None:
    draft = attributes(IsPassive="true")(world.e_service.request())
    page = world.start(world.e_service.query(draft))
    assert page.own_action("choice") is None
    assert page.form is not None
    assert page.form.status[-1] == "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
    world.assert_refused(page, "passive-not-possible")


def test_an_instant_in_another_zone_is_the_same_instant(world: World) -> None:
    written = instant(datetime.now(UTC) + timedelta(hours=2)).replace("Z", "+02:00")
    draft = attributes(IssueInstant=written)(world.e_service.request())
    assert world.start(world.e_service.query(draft)).own_action("choice")
