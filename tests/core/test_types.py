"""What the types of the core promise."""

from datetime import UTC, datetime

import pytest
from support.policy_builders import NOW, UPSTREAM, make_person, make_request

from broker.core.decision import LoginRefused
from broker.core.errors import BrokerError, Cancelled, ConfigRejected
from broker.core.login import EntityId, LoginId, Reference
from broker.core.person import AttributeKey
from broker.core.state import LoginEnded, LoginStarted, LoginState, ReadyToAnswer, UpstreamPending, login_id_of
from broker.vocabulary.contexts import LOA3

REQUEST = make_request()


def test_a_login_request_has_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        make_request(received_at=datetime(2026, 11, 23))  # noqa: DTZ001  # that it is naive is the point
    assert make_request(received_at=datetime(2026, 11, 23, tzinfo=UTC))


def test_the_answer_goes_where_the_request_said() -> None:
    address = make_request(relay_state="opaque", is_passive=True).address
    assert address.login_id == REQUEST.login_id
    assert address.e_service == REQUEST.e_service
    assert address.answer_url == REQUEST.answer_url
    assert address.request_id == REQUEST.request_id
    assert address.relay_state == "opaque"
    assert address.is_passive


def test_the_first_value_of_an_attribute() -> None:
    mail = AttributeKey("mail")
    assert make_person({mail: ("a", "b")}).first(mail) == "a"
    assert make_person().first(mail) is None
    assert make_person({mail: ()}).first(mail) is None


STATES: list[LoginState] = [
    LoginStarted(request=REQUEST, accepted=(LOA3,), bound=True, expires_at=NOW),
    UpstreamPending(
        request=REQUEST,
        accepted=(LOA3,),
        upstream=UPSTREAM,
        asked=(LOA3,),
        sent_id="_q1",
        acs_url="https://login.example.se/saml/sp/acs",
        force_authn=False,
        attempt=1,
        sent_at=NOW,
        expires_at=NOW,
    ),
    ReadyToAnswer(to=REQUEST.address, outcome=LoginRefused(code="cancelled"), bound=True, expires_at=NOW),
    LoginEnded(
        login_id=LoginId("login-1"),
        reference=Reference("ABC"),
        e_service=EntityId("x"),
        code="granted",
        expires_at=NOW,
    ),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_every_state_knows_its_login(state: LoginState) -> None:
    assert login_id_of(state) == "login-1"


def test_an_error_carries_its_detail_for_the_log() -> None:
    error: BrokerError = Cancelled("by the citizen")
    assert error.detail == str(error) == "by the citizen"


def test_a_rejected_configuration_lists_every_problem() -> None:
    assert ConfigRejected(("a", "b")).problems == ("a", "b")
    assert ConfigRejected(("a", "b")).detail == "a; b"
