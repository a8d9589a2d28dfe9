"""Whole logins between the distribution's unchanged Shibboleth SP and SimpleSAMLphp, through the broker.

A browser starts at the protected page of one and ends there with the attributes; it chooses at the broker and types
its password at the other. What the three send each other is read from the browser's own traffic.
"""

import json
import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from support.chromium import Traffic, watch
from support.interop_federation import Federation
from support.shibboleth import ATTRIBUTES
from support.simplesaml import LOA3, PERSON

pytestmark = pytest.mark.interop

MAIL = "urn:oid:0.9.2342.19200300.100.1.3"
REQUESTER = "urn:oasis:names:tc:SAML:2.0:status:Requester"
RESPONDER = "urn:oasis:names:tc:SAML:2.0:status:Responder"
NO_PASSIVE = "urn:oasis:names:tc:SAML:2.0:status:NoPassive"
NO_AUTHN_CONTEXT = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext"
CANCEL = "http://id.elegnamnden.se/status/1.0/cancel"


def statuses(traffic: Traffic, federation: Federation) -> list[str]:
    """The status codes of the one answer that reached the e-service, outermost first; it carries no assertion."""
    (answer,) = traffic.to(federation.e_service.acs_url)
    assert "Assertion" not in answer.xml.replace("AssertionConsumerService", "")
    assert "SignatureValue" in answer.xml
    return re.findall(r'StatusCode [^>]*Value="([^"]+)"', answer.xml)


def log_in(federation: Federation, page: Page, path: str) -> None:
    """Everything a citizen does for one login, from the protected page to the protected page."""
    page.goto(f"{federation.e_service.url}{path}")
    federation.choose(page, federation.upstream)
    federation.authenticate(page)
    federation.arrive(page, path)


def test_a_citizen_ends_at_the_protected_page_with_the_attributes(
    federation: Federation, citizen: BrowserContext
) -> None:
    page = citizen.new_page()
    page.goto(f"{federation.e_service.url}/protected")
    federation.choose(page, federation.upstream)
    federation.authenticate(page)
    shown = federation.arrive(page, "/protected")

    assert shown["Shib-Identity-Provider"] == federation.broker.idp_entity_id
    assert shown["Shib-AuthnContext-Class"] == LOA3
    assert shown["authenticatingAuthority"] == federation.upstream.entity_id
    assert shown["REMOTE_USER"] == shown["persistent-id"]
    released = {name: shown[key] for name, key in ATTRIBUTES.items() if name in PERSON and key in shown}
    assert released == {name: value for name, value in PERSON.items() if name != MAIL}, "mail was not asked for"


def test_every_request_is_signed_and_every_assertion_is_encrypted(
    federation: Federation, citizen: BrowserContext
) -> None:
    traffic = watch(citizen)
    log_in(federation, citizen.new_page(), "/protected")

    to_broker, to_upstream, back_to_broker, back_to_e_service = traffic.messages
    for request in (to_broker, to_upstream):
        assert request.method == "GET"
        assert {"SAMLRequest", "Signature", "SigAlg"} <= request.fields.keys()
    for response in (back_to_broker, back_to_e_service):
        assert "EncryptedAssertion" in response.xml
        assert "SignatureValue" in response.xml
        assert not any(value in response.xml for value in PERSON.values())


def test_an_idp_that_signs_both_the_response_and_the_assertion(federation: Federation, citizen: BrowserContext) -> None:
    page = citizen.new_page()
    page.goto(f"{federation.e_service.url}/protected")
    federation.choose(page, federation.other_upstream)
    federation.authenticate(page)

    shown = federation.arrive(page, "/protected")
    assert shown["authenticatingAuthority"] == federation.other_upstream.entity_id


def test_a_request_in_a_form_that_names_its_acs_by_index(federation: Federation, citizen: BrowserContext) -> None:
    traffic = watch(citizen)
    page = citizen.new_page()
    page.goto(federation.e_service.login_url(post=True))
    federation.choose(page, federation.upstream)
    federation.authenticate(page)

    assert federation.arrive(page, "/open")["Shib-AuthnContext-Class"] == LOA3
    request = traffic.messages[0]
    assert request.method == "POST"
    assert "SignatureValue" in request.xml
    assert "AssertionConsumerServiceIndex" in request.xml
    assert "AssertionConsumerServiceURL" not in request.xml


def test_a_level_that_is_asked_for_is_the_level_that_is_given(federation: Federation, citizen: BrowserContext) -> None:
    page = citizen.new_page()
    page.goto(f"{federation.e_service.url}/loa3")
    federation.choose(page, federation.upstream)
    federation.authenticate(page)

    assert federation.arrive(page, "/loa3")["Shib-AuthnContext-Class"] == LOA3


def test_the_same_citizen_has_the_same_name_at_the_next_login(federation: Federation, citizen: BrowserContext) -> None:
    names = []
    for upstream in (federation.upstream, federation.other_upstream):
        citizen.clear_cookies()
        page = citizen.new_page()
        page.goto(f"{federation.e_service.url}/protected")
        federation.choose(page, upstream)
        federation.authenticate(page)
        names.append(federation.arrive(page, "/protected")["persistent-id"])
    assert names[0] == names[1]


def test_a_cancelled_login(federation: Federation, citizen: BrowserContext) -> None:
    traffic = watch(citizen)
    page = citizen.new_page()
    page.goto(f"{federation.e_service.url}/protected")
    page.locator('form[action$="/cancel"] button').click()
    page.wait_for_url(f"{federation.e_service.acs_url}")

    assert statuses(traffic, federation) == [RESPONDER, CANCEL]
    log_in(federation, page, "/protected")


def test_force_authn_demands_the_password_again(federation: Federation, citizen: BrowserContext) -> None:
    page = citizen.new_page()
    log_in(federation, page, "/protected")
    first = federation.arrive(page, "/protected")["authnInstant"]

    citizen.clear_cookies(domain="127.0.0.2")
    page.goto(f"{federation.e_service.url}/second")
    federation.choose_only(page, federation.upstream)
    assert federation.arrive(page, "/second")["authnInstant"] == first, "the IdP still knows the citizen"

    citizen.clear_cookies(domain="127.0.0.2")
    page.wait_for_timeout(1100)  # AuthnInstant counts whole seconds
    page.goto(f"{federation.e_service.url}/again")
    federation.choose(page, federation.upstream)
    federation.authenticate(page)
    assert federation.arrive(page, "/again")["authnInstant"] > first


def test_is_passive_without_a_session_is_answered_without_a_page(
    federation: Federation, citizen: BrowserContext
) -> None:
    traffic = watch(citizen)
    page = citizen.new_page()
    page.goto(federation.e_service.login_url(isPassive="true"))
    page.wait_for_url(federation.e_service.acs_url)

    assert statuses(traffic, federation) == [REQUESTER, NO_PASSIVE]


def test_a_level_that_nobody_has_is_explained_and_then_answered(
    federation: Federation, citizen: BrowserContext
) -> None:
    traffic = watch(citizen)
    page = citizen.new_page()
    page.goto(f"{federation.e_service.url}/loa4")
    expect(page).to_have_url(re.compile(re.escape(federation.broker.base_url)))
    assert not traffic.to(federation.e_service.acs_url)
    page.locator('form[action$="/answer"] button').click()
    page.wait_for_url(federation.e_service.acs_url)

    assert statuses(traffic, federation) == [REQUESTER, NO_AUTHN_CONTEXT]


def test_two_tabs_at_once_both_arrive(federation: Federation, citizen: BrowserContext) -> None:
    first, second = citizen.new_page(), citizen.new_page()
    first.goto(f"{federation.e_service.url}/protected")
    second.goto(f"{federation.e_service.url}/second")
    federation.choose(first, federation.upstream)
    federation.choose(second, federation.other_upstream)
    federation.authenticate(second)
    assert federation.arrive(second, "/second")["authenticatingAuthority"] == federation.other_upstream.entity_id
    federation.authenticate(first)
    assert federation.arrive(first, "/protected")["authenticatingAuthority"] == federation.upstream.entity_id


def test_the_audit_says_how_each_leg_was_protected_and_names_nobody(
    federation: Federation, citizen: BrowserContext
) -> None:
    log_in(federation, citizen.new_page(), "/protected")

    exported = federation.broker.run("audit", "export")
    events = [json.loads(line)["event"] for line in exported.splitlines()]
    answered = [event for event in events if event["kind"] == "UpstreamAnswered"][-1]
    concluded = [event for event in events if event["kind"] == "LoginConcluded"][-1]
    assert "#aes128-cbc" in answered["encryption_algorithm"], "SimpleSAMLphp has no other"
    assert "#aes128-gcm" in concluded["encryption_algorithm"], "Shibboleth declares it first"
    assert (answered["code"], concluded["code"]) == ("granted", "granted")
    federation.broker.run("audit", "verify")

    values = [value.encode() for value in PERSON.values()]
    files = [path for path in federation.broker.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if any(value in path.read_bytes() for value in values)]
