"""Is this message for us, now, and about what was asked."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.core.errors import (
    AssertionUnacceptable,
    AssuranceNotMet,
    BrokerError,
    DestinationMismatch,
    MessageStale,
    NameIdPolicyUnsupported,
    ProxyCountExceeded,
    RequestUnsupported,
)
from broker.core.login import ContextUri, EntityId
from broker.messages.assertion import VerifiedAssertion
from broker.messages.authn_request import VerifiedAuthnRequest
from broker.saml.checks import (
    Expected,
    ResponseHead,
    Window,
    check_assertion,
    check_delivery,
    check_head,
    check_profile,
)

NOW = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
SKEW = timedelta(seconds=60)
WINDOW = Window(max_age=timedelta(minutes=3), skew=SKEW)
SSO = "https://broker.example/saml/idp/sso"
ACS = "https://broker.example/saml/sp/acs"
LOA3 = ContextUri("urn:test:loa3")

REQUEST = VerifiedAuthnRequest(
    issuer=EntityId("https://e.example/sp"),
    request_id="_r",
    version="2.0",
    destination=SSO,
    issue_instant=NOW,
    acs_url=None,
    acs_index=None,
    protocol_binding=None,
    attribute_service_index=None,
    force_authn=False,
    is_passive=False,
    name_id_format=None,
    sp_name_qualifier=None,
    subject_given=False,
    comparison=None,
    contexts=(),
    declaration_references=False,
    idp_list=(),
    idp_list_elsewhere=False,
    requester_ids=(),
    proxy_count=None,
    sign_message=False,
    principal=(),
    relay_state=None,
    signature_algorithm="rsa",
    key_id="k",
)

EXPECTED = Expected(
    issuer="https://idp.example",
    audience="https://broker.example/saml/sp",
    recipient=ACS,
    in_response_to="_q",
    asked=(LOA3,),
    force_authn=False,
    sent_at=NOW - timedelta(minutes=10),
    window=WINDOW,
)

HEAD = ResponseHead(
    issuer="https://idp.example", version="2.0", destination=ACS, in_response_to="_q", issue_instant=NOW
)

ASSERTION = VerifiedAssertion(
    assertion_id="_a",
    issuer="https://idp.example",
    issue_instant=NOW,
    audiences=("https://other.example", "https://broker.example/saml/sp"),
    recipient=ACS,
    in_response_to="_q",
    not_before=NOW,
    not_on_or_after=NOW + timedelta(minutes=5),
    authn_instant=NOW,
    session_not_on_or_after=None,
    session_index=None,
    context=LOA3,
    authorities=(),
    name_id="n",
    name_id_format=None,
    attributes={},
    signature_algorithm="rsa",
    encryption_algorithm="aes",
    key_id="k",
)


def fails(error: BrokerError) -> set[str]:
    """The names that the detail of `error` lists."""
    return set(error.detail.partition(" failed ")[2].split(", "))


@pytest.mark.parametrize(
    "issued",
    [
        pytest.param(NOW, id="now"),
        pytest.param(NOW + SKEW, id="as far in the future as a clock may be off"),
        pytest.param(NOW - WINDOW.max_age - SKEW + MICROSECOND, id="just not too old"),
    ],
)
def test_a_fresh_request_for_this_endpoint_is_taken(issued: datetime) -> None:
    check_delivery(replace(REQUEST, issue_instant=issued), endpoint=SSO, window=WINDOW, now=NOW)


@pytest.mark.parametrize(
    "issued",
    [
        pytest.param(NOW + SKEW + MICROSECOND, id="in the future"),
        pytest.param(NOW - WINDOW.max_age - SKEW, id="too old"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), id="very old"),
        pytest.param(datetime(9000, 12, 31, tzinfo=UTC), id="very far in the future"),
    ],
)
def test_a_request_of_another_time_is_stale(issued: datetime) -> None:
    with pytest.raises(MessageStale):
        check_delivery(replace(REQUEST, issue_instant=issued), endpoint=SSO, window=WINDOW, now=NOW)


@pytest.mark.parametrize("destination", [None, "https://other.example/sso", f"{SSO}/", SSO.upper()])
def test_a_request_for_another_address_is_refused(destination: str | None) -> None:
    with pytest.raises(DestinationMismatch):
        check_delivery(replace(REQUEST, destination=destination), endpoint=SSO, window=WINDOW, now=NOW)


def test_a_window_closes_when_it_no_longer_holds() -> None:
    closes = WINDOW.closes(NOW)
    assert not WINDOW.holds(NOW, closes)
    assert WINDOW.holds(NOW, closes - MICROSECOND)


POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"protocol_binding": POST},
        {"force_authn": True},
        {"is_passive": True},
        {"comparison": "exact"},
        {"name_id_format": PERSISTENT},
        {"name_id_format": TRANSIENT},
        {"name_id_format": UNSPECIFIED},
        {"sp_name_qualifier": "https://e.example/sp"},
        {"proxy_count": 1},
        {"sign_message": True},
    ],
    ids=str,
)
def test_what_the_profile_knows_is_taken(changes: Mapping[str, Any]) -> None:
    check_profile(replace(REQUEST, **changes), signature_service=False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"version": "2.1"}, RequestUnsupported),
        ({"protocol_binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"}, RequestUnsupported),
        ({"force_authn": True, "is_passive": True}, RequestUnsupported),
        ({"subject_given": True}, RequestUnsupported),
        ({"comparison": "minimum"}, RequestUnsupported),
        ({"comparison": ""}, RequestUnsupported),
        ({"declaration_references": True}, RequestUnsupported),
        ({"idp_list_elsewhere": True}, RequestUnsupported),
        (
            {"name_id_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"},
            NameIdPolicyUnsupported,
        ),
        ({"sp_name_qualifier": "https://affiliation.example"}, NameIdPolicyUnsupported),
        ({"proxy_count": 0}, ProxyCountExceeded),
    ],
    ids=str,
)
def test_what_the_profile_does_not_know_is_refused(changes: Mapping[str, Any], error: type[BrokerError]) -> None:
    with pytest.raises(error):
        check_profile(replace(REQUEST, **changes), signature_service=False)


def test_a_message_to_be_signed_is_not_passed_over() -> None:
    with pytest.raises(RequestUnsupported):
        check_profile(replace(REQUEST, sign_message=True), signature_service=True)


def test_everything_unsupported_is_named() -> None:
    with pytest.raises(RequestUnsupported) as caught:
        check_profile(replace(REQUEST, subject_given=True, comparison="better"), signature_service=False)
    assert "Subject, Comparison" in caught.value.detail


def test_a_head_that_answers_our_question_is_taken() -> None:
    check_head(HEAD, EXPECTED, NOW)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"version": "1.1"}, "Version"),
        ({"issuer": "https://other.example"}, "Issuer"),
        ({"destination": None}, "Destination"),
        ({"destination": "https://other.example/acs"}, "Destination"),
        ({"in_response_to": None}, "InResponseTo"),
        ({"in_response_to": "_other"}, "InResponseTo"),
        ({"issue_instant": NOW - timedelta(minutes=4)}, "IssueInstant"),
        ({"issue_instant": NOW + SKEW + MICROSECOND}, "IssueInstant"),
    ],
    ids=str,
)
def test_a_head_that_does_not_is_refused(changes: Mapping[str, Any], failed: str) -> None:
    with pytest.raises(AssertionUnacceptable) as caught:
        check_head(replace(HEAD, **changes), EXPECTED, NOW)
    assert fails(caught.value) == {failed}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"not_before": NOW + SKEW},
        {"not_on_or_after": NOW - SKEW + MICROSECOND},
        {"authn_instant": NOW + SKEW},
        {"authn_instant": NOW - timedelta(hours=10)},
        {"session_not_on_or_after": NOW - SKEW + MICROSECOND},
    ],
    ids=str,
)
def test_an_assertion_that_answers_our_question_is_taken(changes: Mapping[str, Any]) -> None:
    check_assertion(replace(ASSERTION, **changes), EXPECTED, NOW)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"issuer": "https://other.example"}, "Issuer"),
        ({"audiences": ()}, "Audience"),
        ({"audiences": ("https://other.example",)}, "Audience"),
        ({"recipient": None}, "Recipient"),
        ({"recipient": "https://other.example/acs"}, "Recipient"),
        ({"in_response_to": None}, "InResponseTo"),
        ({"in_response_to": "_other"}, "InResponseTo"),
        ({"issue_instant": NOW - timedelta(minutes=4)}, "IssueInstant"),
        ({"not_before": NOW + SKEW + MICROSECOND}, "NotBefore"),
        ({"not_on_or_after": NOW - SKEW}, "NotOnOrAfter"),
        ({"authn_instant": NOW + SKEW + MICROSECOND}, "AuthnInstant"),
        ({"session_not_on_or_after": NOW - SKEW}, "SessionNotOnOrAfter"),
    ],
    ids=str,
)
def test_an_assertion_that_does_not_is_refused(changes: Mapping[str, Any], failed: str) -> None:
    with pytest.raises(AssertionUnacceptable) as caught:
        check_assertion(replace(ASSERTION, **changes), EXPECTED, NOW)
    assert fails(caught.value) == {failed}


def test_every_failed_check_is_named() -> None:
    wrong = replace(ASSERTION, issuer="x", recipient=None)
    with pytest.raises(AssertionUnacceptable) as caught:
        check_assertion(wrong, EXPECTED, NOW)
    assert fails(caught.value) == {"Issuer", "Recipient"}


@pytest.mark.parametrize(("late", "taken"), [(timedelta(0), True), (MICROSECOND, False)])
def test_forced_authentication_happened_after_we_asked(late: timedelta, taken: bool) -> None:
    want = replace(EXPECTED, force_authn=True)
    got = replace(ASSERTION, authn_instant=want.sent_at - SKEW - late)
    if taken:
        check_assertion(got, want, NOW)
    else:
        with pytest.raises(AssertionUnacceptable) as caught:
            check_assertion(got, want, NOW)
        assert fails(caught.value) == {"ForceAuthn"}


def test_a_level_that_was_not_asked_for_is_refused() -> None:
    with pytest.raises(AssuranceNotMet):
        check_assertion(replace(ASSERTION, context="urn:test:loa2"), EXPECTED, NOW)


def test_the_level_of_somebody_elses_assertion_is_not_the_problem() -> None:
    with pytest.raises(AssertionUnacceptable):
        check_assertion(replace(ASSERTION, context="urn:test:loa2", issuer="x"), EXPECTED, NOW)
