"""Every legal move of a login, and every illegal one."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from support.scripted import (
    BANKID,
    E_SERVICE,
    FREJA,
    NOW,
    POST,
    REDIRECT,
    CountingIds,
    RecordingAudit,
    ScriptedDirectory,
    ScriptedEServices,
    ScriptedUpstreams,
    StandingClock,
    TestBrowser,
    answered,
    make_e_service,
    make_person,
    make_request,
    make_upstream,
    response_to,
    visit_of,
)

from broker.core.errors import (
    AssertionUnacceptable,
    AuditUnavailable,
    BrokerError,
    EServiceCannotDecrypt,
    LoginExpired,
    LoginMovedOn,
    LoginNotYours,
    PeerWithdrawn,
    ReplayedAssertion,
    UnknownEService,
    UpstreamNotOffered,
)
from broker.core.login import EntityId, LoginId, LoginRequest, NameIdKind, RefusedRequest
from broker.flow.events import LoginConcluded, LoginRequested, UpstreamAnswered, UpstreamAsked
from broker.flow.login import Lifetimes, LoginFlow
from broker.flow.policy import Policy
from broker.flow.steps import AskCitizen, GoTo, NextStep, Place, PostBrowser, SendBrowser, TellCitizen
from broker.messages.assertion import UpstreamStatus
from broker.stores.codec import LoginCodec
from broker.stores.logins import SealedLoginStore
from broker.stores.memory import MemoryTransientStore
from broker.stores.sealing import SealingKeys
from broker.vocabulary.attributes import CATALOGUE
from broker.vocabulary.context_rules import Role, loa3_and_above, rules_for
from broker.vocabulary.contexts import CONNECTOR_ONLY, LOA2, LOA3, LOA4
from broker.vocabulary.policy_tables import match_tables, release_tables
from broker.vocabulary.statuses import AUTHN_FAILED, CANCEL, RESPONDER

LOGIN = LoginId("login-1")
LIFETIMES = Lifetimes(
    login=timedelta(minutes=30),
    answer=timedelta(minutes=1),
    page=timedelta(minutes=15),
    tombstone=timedelta(minutes=30),
)


def make_policy() -> Policy:
    rules = rules_for(Role.HUB)
    return Policy(
        rules=rules,
        connector_only=CONNECTOR_ONLY,
        default_contexts=loa3_and_above(rules),
        match=match_tables(),
        release=release_tables(CATALOGUE),
        name_id_secret=b"n" * 32,
        pseudonym_secret=b"p" * 32,
    )


@dataclass
class Scene:
    """One broker with two upstreams, one e-service, and one browser."""

    flow: LoginFlow
    e_services: ScriptedEServices
    upstreams: ScriptedUpstreams
    directory: ScriptedDirectory
    audit: RecordingAudit
    browser: TestBrowser
    handover: str | None = None

    def to_upstream(self) -> None:
        self.flow.start(REDIRECT, visit_of(self.browser))
        self.flow.choose(LOGIN, BANKID, visit_of(self.browser))

    def to_parked(self) -> None:
        self.to_upstream()
        self.arrive("login-1.1")

    def arrive(self, relay_state: str) -> None:
        step = self.flow.arrive(response_to(relay_state), visit_of(TestBrowser()))
        assert isinstance(step, GoTo)
        self.handover = step.handover

    def conclude(self, login_id: LoginId = LOGIN) -> NextStep:
        return self.flow.conclude(login_id, self.handover, visit_of(self.browser))


@pytest.fixture
def scene() -> Scene:
    return make_scene(make_request())


def make_scene(incoming: LoginRequest | RefusedRequest | BrokerError, upstreams: int = 2) -> Scene:
    e_services = ScriptedEServices(incoming=incoming)
    scripted = ScriptedUpstreams(answer=answered())
    known = [make_upstream(BANKID), make_upstream(FREJA)][:upstreams]
    directory = ScriptedDirectory(e_services={E_SERVICE: make_e_service()}, known={str(u.entity_id): u for u in known})
    audit = RecordingAudit()
    flow = LoginFlow(
        e_services=e_services,
        upstreams=scripted,
        directory=directory,
        logins=SealedLoginStore(MemoryTransientStore(StandingClock()), LoginCodec(SealingKeys([b"s" * 32]))),
        audit=audit,
        policy=make_policy(),
        ids=CountingIds(),
        lifetimes=LIFETIMES,
    )
    return Scene(
        flow=flow,
        e_services=e_services,
        upstreams=scripted,
        directory=directory,
        audit=audit,
        browser=TestBrowser(),
    )


def assert_already_done(step: NextStep) -> None:
    assert isinstance(step, TellCitizen)
    assert (step.code, step.reference, step.login_id) == ("login-moved-on", "REFLOGIN0001", None)
    assert step.e_service is not None
    assert step.e_service.entity_id == E_SERVICE


def test_a_request_with_several_offers_asks_the_citizen(scene: Scene) -> None:
    step = scene.flow.start(REDIRECT, visit_of(scene.browser))
    assert isinstance(step, AskCitizen)
    assert [offer.upstream.entity_id for offer in step.choice.offers] == [BANKID, FREJA]
    assert scene.browser.owns(LOGIN)


def test_a_request_with_one_offer_goes_straight_on() -> None:
    scene = make_scene(make_request(), upstreams=1)
    step = scene.flow.start(REDIRECT, visit_of(scene.browser))
    assert step == SendBrowser(url=f"{BANKID}/sso")
    assert scene.browser.owns(LOGIN)


def test_the_whole_login_ends_with_one_answer_and_its_events(scene: Scene) -> None:
    scene.to_parked()
    step = scene.conclude()
    assert isinstance(step, PostBrowser)
    plan = scene.e_services.granted[0]
    assert (plan.context, plan.in_response_to, plan.relay_state) == (LOA3, "_request", "opaque")
    assert plan.authorities == (BANKID,)
    assert [type(event) for event in scene.audit.events] == [
        LoginRequested,
        UpstreamAsked,
        UpstreamAnswered,
        LoginConcluded,
    ]
    assert not scene.browser.owns(LOGIN)


def test_a_posted_request_is_bound_by_the_first_browser_that_begins(scene: Scene) -> None:
    step = scene.flow.start(POST, visit_of(scene.browser))
    assert step == GoTo(login_id=LOGIN, place=Place.BEGIN)
    assert not scene.browser.owns(LOGIN)
    assert isinstance(scene.flow.begin(LOGIN, visit_of(scene.browser)), AskCitizen)
    assert scene.browser.owns(LOGIN)
    with pytest.raises(LoginNotYours):
        scene.flow.begin(LOGIN, visit_of(TestBrowser()))


def test_begin_again_in_the_same_browser_shows_the_page_again(scene: Scene) -> None:
    scene.flow.start(POST, visit_of(scene.browser))
    scene.flow.begin(LOGIN, visit_of(scene.browser))
    assert isinstance(scene.flow.begin(LOGIN, visit_of(scene.browser)), AskCitizen)


def test_a_posted_request_with_one_offer_goes_on_at_begin() -> None:
    scene = make_scene(make_request(), upstreams=1)
    scene.flow.start(POST, visit_of(scene.browser))
    assert isinstance(scene.flow.begin(LOGIN, visit_of(scene.browser)), SendBrowser)


@pytest.mark.parametrize("action", ["show", "cancel", "answer_error"])
def test_another_browser_gets_nothing(scene: Scene, action: str) -> None:
    scene.to_parked()
    with pytest.raises(LoginNotYours):
        getattr(scene.flow, action)(LOGIN, visit_of(TestBrowser()))
    assert scene.e_services.granted == []


def test_another_browser_gets_nothing_even_when_it_brought_the_answer(scene: Scene) -> None:
    scene.to_parked()
    with pytest.raises(LoginNotYours):
        scene.flow.conclude(LOGIN, scene.handover, visit_of(TestBrowser()))
    assert scene.e_services.granted == []


@pytest.mark.parametrize("handover", [None, "", "another", "å\udc80"])
def test_the_browser_that_started_gets_nothing_of_an_answer_that_another_one_brought(
    scene: Scene, handover: str | None
) -> None:
    scene.to_parked()
    with pytest.raises(LoginMovedOn):
        scene.flow.conclude(LOGIN, handover, visit_of(scene.browser))
    with pytest.raises(LoginMovedOn):
        scene.flow.show(LOGIN, visit_of(scene.browser))
    assert scene.e_services.granted == []
    assert isinstance(scene.conclude(), PostBrowser)


def test_another_browser_cannot_choose(scene: Scene) -> None:
    scene.flow.start(REDIRECT, visit_of(scene.browser))
    with pytest.raises(LoginNotYours):
        scene.flow.choose(LOGIN, BANKID, visit_of(TestBrowser()))


def test_an_upstream_that_is_not_offered_cannot_be_chosen(scene: Scene) -> None:
    scene.flow.start(REDIRECT, visit_of(scene.browser))
    with pytest.raises(UpstreamNotOffered):
        scene.flow.choose(LOGIN, EntityId("https://evil.example/idp"), visit_of(scene.browser))
    assert scene.upstreams.asked == []


def test_the_constraint_of_the_request_is_checked_again_at_the_choice() -> None:
    scene = make_scene(make_request(idp_list=(FREJA,)))
    scene.flow.start(REDIRECT, visit_of(scene.browser))
    with pytest.raises(UpstreamNotOffered):
        scene.flow.choose(LOGIN, BANKID, visit_of(scene.browser))


def test_only_one_of_two_tabs_is_answered(scene: Scene) -> None:
    scene.to_parked()
    scene.conclude()
    scene.browser.adopt(LOGIN)  # the other tab sent its cookie before the first one was answered
    told = scene.conclude()
    assert_already_done(told)
    assert len(scene.audit.events) == 4
    assert len(scene.e_services.granted) == 1


def test_a_reloaded_response_leads_to_what_was_decided(scene: Scene) -> None:
    scene.to_parked()
    again = scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))
    assert again == GoTo(login_id=LOGIN, place=Place.CONTINUE, handover=scene.handover)
    assert len([event for event in scene.audit.events if isinstance(event, UpstreamAnswered)]) == 1


def test_after_going_back_another_upstream_can_be_chosen_and_the_first_answer_is_late(scene: Scene) -> None:
    scene.to_upstream()
    assert isinstance(scene.flow.show(LOGIN, visit_of(scene.browser)), AskCitizen)
    scene.flow.choose(LOGIN, FREJA, visit_of(scene.browser))
    with pytest.raises(LoginMovedOn):
        scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))
    assert isinstance(scene.flow.arrive(response_to("login-1.2"), visit_of(TestBrowser())), GoTo)


def test_of_two_answers_that_race_one_is_parked(scene: Scene) -> None:
    scene.to_upstream()

    def other_wins() -> None:
        scene.upstreams.during_answer = None
        scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))

    scene.upstreams.during_answer = other_wins
    with pytest.raises(LoginMovedOn):
        scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))


@pytest.mark.parametrize("relay_state", ["", "login-1", "login-1.", "login-1.x", "login-1.²", "nobody.1", ".1"])
def test_an_answer_to_no_login_of_ours_is_a_stop_page(scene: Scene, relay_state: str) -> None:
    scene.to_upstream()
    with pytest.raises(LoginExpired):
        scene.flow.arrive(response_to(relay_state), visit_of(TestBrowser()))


def test_an_expired_login_is_gone(scene: Scene) -> None:
    scene.to_upstream()
    late = NOW + LIFETIMES.login + timedelta(seconds=1)
    with pytest.raises(LoginExpired):
        scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser(), late))


def test_a_bad_answer_is_told_first_and_returned_by_a_click(scene: Scene) -> None:
    scene.upstreams.answer = AssertionUnacceptable("Audience")
    scene.to_parked()
    told = scene.conclude()
    assert isinstance(told, TellCitizen)
    assert (told.code, told.login_id) == ("upstream-assertion-unacceptable", LOGIN)
    assert scene.e_services.refused == []
    assert isinstance(scene.flow.answer_error(LOGIN, visit_of(scene.browser)), PostBrowser)
    assert [plan.code for plan in scene.e_services.refused] == ["upstream-assertion-unacceptable"]


def test_a_reload_of_the_error_page_shows_it_again(scene: Scene) -> None:
    scene.upstreams.answer = AssertionUnacceptable("Audience")
    scene.to_parked()
    first = scene.conclude()
    assert scene.flow.show(LOGIN, visit_of(scene.browser)) == first


def test_a_cancel_at_the_upstream_returns_without_a_page(scene: Scene) -> None:
    scene.upstreams.answer = UpstreamStatus(codes=(RESPONDER, CANCEL), key_id="k")
    scene.to_parked()
    assert isinstance(scene.conclude(), PostBrowser)
    assert [plan.code for plan in scene.e_services.refused] == ["cancelled"]


def test_an_upstream_error_keeps_its_status_for_support(scene: Scene) -> None:
    scene.upstreams.answer = UpstreamStatus(codes=(RESPONDER, AUTHN_FAILED), key_id="k")
    scene.to_parked()
    event = scene.audit.events[-1]
    assert isinstance(event, UpstreamAnswered)
    assert (event.code, event.upstream_status) == ("upstream-authn-failed", (RESPONDER, AUTHN_FAILED))


@pytest.mark.parametrize("stage", ["started", "at upstream", "parked"])
def test_the_citizen_can_cancel_at_every_page(scene: Scene, stage: str) -> None:
    if stage == "started":
        scene.flow.start(REDIRECT, visit_of(scene.browser))
    elif stage == "at upstream":
        scene.to_upstream()
    else:
        scene.to_parked()
    assert isinstance(scene.flow.cancel(LOGIN, visit_of(scene.browser)), PostBrowser)
    assert [plan.code for plan in scene.e_services.refused] == ["cancelled"]
    scene.browser.adopt(LOGIN)
    assert_already_done(scene.flow.cancel(LOGIN, visit_of(scene.browser)))
    assert_already_done(scene.flow.choose(LOGIN, BANKID, visit_of(scene.browser)))
    assert len(scene.e_services.refused) == 1


def test_passive_is_answered_at_once_without_a_page() -> None:
    scene = make_scene(make_request(is_passive=True))
    assert isinstance(scene.flow.start(REDIRECT, visit_of(scene.browser)), PostBrowser)
    assert [plan.code for plan in scene.e_services.refused] == ["passive-not-possible"]
    assert not scene.browser.logins


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"accepted": (LOA4,)}, "no-upstream-for-assurance"),
        ({"accepted": (LOA2,)}, "no-upstream-for-assurance"),
        ({"idp_list": ("https://other.example/idp",)}, "no-upstream-available"),
    ],
)
def test_a_request_that_nobody_can_serve_is_told(changes: dict[str, Any], code: str) -> None:
    scene = make_scene(make_request(**changes))
    told = scene.flow.start(REDIRECT, visit_of(scene.browser))
    assert isinstance(told, TellCitizen)
    assert (told.code, told.login_id) == (code, LOGIN)


def test_a_refused_request_by_post_is_told_after_binding() -> None:
    refused = RefusedRequest(to=make_request().address, code="request-signature-invalid", detail="no signature")
    scene = make_scene(refused)
    assert scene.flow.start(POST, visit_of(scene.browser)) == GoTo(login_id=LOGIN, place=Place.BEGIN)
    told = scene.flow.begin(LOGIN, visit_of(scene.browser))
    assert isinstance(told, TellCitizen)
    assert told.code == "request-signature-invalid"
    assert isinstance(scene.flow.answer_error(LOGIN, visit_of(scene.browser)), PostBrowser)


def test_a_stranger_stops() -> None:
    scene = make_scene(UnknownEService("https://stranger.example"))
    with pytest.raises(UnknownEService):
        scene.flow.start(REDIRECT, visit_of(scene.browser))


def test_without_audit_no_assertion_leaves(scene: Scene) -> None:
    scene.to_parked()
    scene.audit.broken = True
    with pytest.raises(AuditUnavailable):
        scene.conclude()


def test_what_the_audit_did_not_take_waits_until_it_does(scene: Scene) -> None:
    scene.to_parked()
    scene.audit.broken = True
    for _ in range(2):
        with pytest.raises(AuditUnavailable):
            scene.conclude()
    scene.audit.broken = False
    assert isinstance(scene.conclude(), PostBrowser)


def test_a_cancellation_that_the_audit_did_not_take_can_be_repeated(scene: Scene) -> None:
    scene.to_upstream()
    scene.audit.broken = True
    with pytest.raises(AuditUnavailable):
        scene.flow.cancel(LOGIN, visit_of(scene.browser))
    scene.audit.broken = False
    assert isinstance(scene.flow.cancel(LOGIN, visit_of(scene.browser)), PostBrowser)


def test_without_audit_no_login_starts(scene: Scene) -> None:
    scene.audit.broken = True
    with pytest.raises(AuditUnavailable):
        scene.flow.start(REDIRECT, visit_of(scene.browser))


def test_a_level_that_was_not_asked_is_refused(scene: Scene) -> None:
    scene.directory.known[BANKID] = make_upstream(BANKID, contexts=frozenset({LOA2, LOA3}))
    scene.upstreams.answer = answered(make_person(context=LOA2))
    scene.to_parked()
    told = scene.conclude()
    assert isinstance(told, TellCitizen)
    assert told.code == "assurance-not-met"


def test_a_level_that_the_upstream_may_not_assert_is_refused(scene: Scene) -> None:
    scene.upstreams.answer = answered(make_person(context=LOA4))
    scene.to_parked()
    told = scene.conclude()
    assert isinstance(told, TellCitizen)
    assert told.code == "assurance-not-declared"


def test_a_withdrawn_upstream_ends_its_logins_with_a_page(scene: Scene) -> None:
    scene.to_upstream()
    del scene.directory.known[BANKID]
    with pytest.raises(PeerWithdrawn):
        scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))


def test_the_answer_of_an_upstream_that_was_withdrawn_since_counts_no_more(scene: Scene) -> None:
    scene.to_parked()
    del scene.directory.known[BANKID]
    with pytest.raises(PeerWithdrawn):
        scene.conclude()
    assert scene.e_services.granted == []


def test_a_withdrawn_e_service_ends_its_logins_with_a_page(scene: Scene) -> None:
    scene.to_parked()
    del scene.directory.e_services[E_SERVICE]
    with pytest.raises(PeerWithdrawn):
        scene.conclude()


def test_an_e_service_that_lost_its_key_is_told(scene: Scene) -> None:
    scene.to_parked()
    scene.e_services.fail_writing = EServiceCannotDecrypt("no encryption key")
    told = scene.conclude()
    assert isinstance(told, TellCitizen)
    assert told.code == "e-service-cannot-decrypt"


def test_choosing_after_the_answer_came_continues(scene: Scene) -> None:
    scene.to_parked()
    assert scene.flow.choose(LOGIN, FREJA, visit_of(scene.browser)) == GoTo(login_id=LOGIN, place=Place.CONTINUE)


def test_a_person_without_a_stable_identifier_gets_no_persistent_name_id(scene: Scene) -> None:
    scene.upstreams.answer = answered(replace(make_person(), attributes={}))
    scene.to_parked()
    told = scene.conclude()
    assert isinstance(told, TellCitizen)
    assert told.code == "upstream-answer-incomplete"


def test_a_transient_name_id_is_new_each_time(scene: Scene) -> None:
    scene.upstreams.answer = answered(replace(make_person(), attributes={}))
    for login_id in ("login-a", "login-b"):
        scene.e_services.incoming = make_request(login_id, name_id=NameIdKind.TRANSIENT)
        scene.flow.start(REDIRECT, visit_of(scene.browser))
        scene.flow.choose(LoginId(login_id), BANKID, visit_of(scene.browser))
        scene.arrive(f"{login_id}.1")
        scene.conclude(LoginId(login_id))
    assert len({plan.name_id for plan in scene.e_services.granted}) == 2


def test_choosing_has_an_end(scene: Scene) -> None:
    scene.flow.start(REDIRECT, visit_of(scene.browser))
    for _ in range(50):
        scene.flow.choose(LOGIN, BANKID, visit_of(scene.browser))
    with pytest.raises(LoginMovedOn):
        scene.flow.choose(LOGIN, BANKID, visit_of(scene.browser))


def test_the_loser_of_two_equal_posts_takes_nothing_from_the_winner(scene: Scene) -> None:
    scene.to_upstream()
    scene.upstreams.answer = ReplayedAssertion("the other request was first")
    step = scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))
    assert isinstance(step, GoTo)
    scene.upstreams.answer = answered()
    scene.flow.arrive(response_to("login-1.1"), visit_of(TestBrowser()))
    assert isinstance(scene.flow.conclude(LOGIN, step.handover, visit_of(scene.browser)), PostBrowser)
