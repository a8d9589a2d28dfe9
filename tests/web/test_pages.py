from http import HTTPStatus

import pytest
from support.scripted import make_e_service, make_upstream
from support.web import LOGIN, Page, ask, browse, many_upstreams, tell

from broker.core.login import EntityId, LoginId
from broker.flow.steps import GoTo, NextStep, Place, PostBrowser, SendBrowser
from broker.flow.visit import Visit

PAGE = f"/login/{LOGIN}"
SSO = "/saml/idp/sso"
ACS = "/saml/sp/acs"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LOCAL = EntityId("http://127.0.0.2:8081/idp")


def post(fields: tuple[tuple[str, str], ...] = (("SAMLResponse", "PHg+"),), **changes: str) -> PostBrowser:
    return PostBrowser(url=changes.get("url", "https://a.example.se/acs?x=1&y=2"), fields=fields, e_service=None)


def test_a_redirect_carries_the_address_unchanged() -> None:
    url = "https://a.example.se/sso?SAMLRequest=fZ%2bA%2F%3d&RelayState=%C3%A5&SigAlg=http%3A%2F%2Fx&Signature=a%2Bb%3D"
    response = browse(SendBrowser(url=url)).get(SSO)
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response.headers["Location"] == url
    assert response.data == b""


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "/login/x", "http://a.example.se/sso"])
@pytest.mark.parametrize("kind", ["redirect", "form"])
def test_a_browser_is_sent_to_https_only(url: str, kind: str) -> None:
    step = SendBrowser(url=url) if kind == "redirect" else post(url=url)
    assert browse(step).get(PAGE).status_code == HTTPStatus.INTERNAL_SERVER_ERROR


def test_in_a_test_environment_a_browser_may_be_sent_to_loopback_peers() -> None:
    step = SendBrowser(url="http://127.0.0.2:8081/sso?x")
    assert browse(step, environment="test").get(PAGE).headers["Location"] == step.url


@pytest.mark.parametrize("place", Place)
def test_a_page_of_ours_is_reached_with_get(place: Place) -> None:
    response = browse(GoTo(login_id=LOGIN, place=place)).post(ACS, headers=FORM)
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response.headers["Location"] == f"{PAGE}/{place.value}"


def test_the_browser_that_brought_an_answer_is_given_its_handover() -> None:
    step = GoTo(login_id=LOGIN, place=Place.CONTINUE, handover="a/b&c")
    assert browse(step).post(ACS, headers=FORM).headers["Location"] == f"{PAGE}/continue?handover=a%2Fb%26c"


def test_a_login_id_stays_one_part_of_a_path() -> None:
    step = GoTo(login_id=LoginId("../admin?x"), place=Place.BEGIN)
    assert browse(step).get(PAGE).headers["Location"] == "/login/..%2Fadmin%3Fx/begin"


def test_a_form_shows_every_field_and_where_it_goes() -> None:
    page = Page(
        browse(post((("SAMLResponse", 'a"><b'), ("RelayState", "å&"))), environment="qa").get(f"{PAGE}/continue")
    )
    (form,) = page.find("form")
    assert form.attributes["action"] == "https://a.example.se/acs?x=1&y=2"
    assert form.attributes["method"] == "post"
    assert [(field.attributes["name"], field.attributes["value"]) for field in page.find("input")] == [
        ("SAMLResponse", 'a"><b'),
        ("RelayState", "å&"),
    ]
    assert len(page.find("button")) == 1


def test_a_form_is_sent_on_by_the_one_script_that_the_policy_names() -> None:
    page = Page(browse(post()).get(f"{PAGE}/continue"))
    (script,) = page.find("script")
    assert script.text.strip() == ""
    assert f"script-src 'nonce-{script.attributes['nonce']}'" in page.policy


def test_a_form_to_a_loopback_peer_is_named_in_the_policy_by_its_origin() -> None:
    page = Page(browse(post(url="http://127.0.0.2:8081/acs"), environment="test").get(f"{PAGE}/continue"))
    assert "form-action 'self' https: http://127.0.0.2:8081;" in page.policy


def test_a_peer_that_checks_the_origin_of_a_form_sees_ours() -> None:
    assert browse(post()).get(f"{PAGE}/continue").headers["Referrer-Policy"] == "strict-origin"


def test_the_chooser_is_a_form_of_plain_buttons() -> None:
    page = Page(browse(ask(make_upstream(), make_upstream(LOCAL))).get(PAGE))
    assert page.heading == "Logga in till Bygglov"
    assert [button.attributes["value"] for button in page.find("button", name="upstream")] == [
        "https://bankid.example.se/idp",
        LOCAL,
    ]
    assert [form.attributes["action"] for form in page.find("form")] == [f"{PAGE}/choice", f"{PAGE}/cancel"]
    assert not page.find("script")
    assert "script-src" not in page.policy


def test_the_chooser_is_never_shown_where_a_reload_would_replay_a_message() -> None:
    for response in (browse(ask()).get(SSO), browse(ask()).get(f"{PAGE}/begin"), browse(ask()).post(f"{PAGE}/answer")):
        assert response.status_code == HTTPStatus.SEE_OTHER
        assert response.headers["Location"] == PAGE


def test_the_choosers_policy_names_loopback_upstreams_in_a_test_environment_only() -> None:
    step = ask(make_upstream(), make_upstream(LOCAL))
    assert "form-action 'self' https: http://127.0.0.2:8081;" in Page(browse(step, environment="test").get(PAGE)).policy
    assert "form-action 'self' https:;" in Page(browse(step).get(PAGE)).policy


def test_a_search_is_answered_by_the_server() -> None:
    page = Page(browse(ask(*many_upstreams(12))).get(f"{PAGE}?q=07"))
    assert [name.text.strip() for name in page.find("span", class_="offer-name")] == ["eID 07"]
    assert page.find("input", name="q")[0].attributes["value"] == "07"


def test_what_was_searched_for_is_text_and_nothing_else() -> None:
    response = browse(ask(*many_upstreams(12))).get(f"{PAGE}?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert b"<script>alert" not in response.data


def test_a_refusal_that_can_be_answered_has_the_button_and_no_other_way() -> None:
    step = tell("fraud", e_service=make_e_service(information_urls={"sv": "https://x.example.se"}), login_id=LOGIN)
    response = browse(step).get(f"{PAGE}/continue")
    page = Page(response)
    assert page.status == HTTPStatus.FORBIDDEN
    assert page.find("form")[0].attributes == {"method": "post", "action": f"{PAGE}/answer"}
    assert "ABCD" in page.text
    assert "fraud" not in page.text


@pytest.mark.parametrize("path", [SSO, f"/login/{LOGIN}x"])
def test_a_refusal_is_shown_where_it_can_be_reloaded(path: str) -> None:
    response = browse(tell("fraud", e_service=make_e_service(), login_id=LOGIN)).get(path)
    assert response.headers["Location"] == PAGE


def test_a_failure_that_cannot_be_answered_leads_to_the_e_services_own_address() -> None:
    e_service = make_e_service(information_urls={"sv": "https://x.example.se/start"})
    page = Page(browse(tell("login-moved-on", e_service=e_service)).get(PAGE))
    assert page.find("a", class_="button")[0].attributes["href"] == "https://x.example.se/start"
    assert not page.find("form")


@pytest.mark.parametrize(("code", "retried"), [("store-unavailable", True), ("login-expired", False)])
def test_a_page_offers_to_try_again_where_that_can_help(code: str, retried: bool) -> None:
    page = Page(browse(tell(code)).post(f"{PAGE}/choice", data={"upstream": "x"}))
    assert [link.attributes["href"] for link in page.find("a", class_="button")] == ([PAGE] if retried else [])


def test_a_page_that_can_be_asked_for_again_links_to_the_other_languages() -> None:
    page = Page(browse(tell("login-expired")).get(PAGE))
    assert [link.attributes["href"] for link in page.find("a", hreflang="en")] == ["?language=en"]
    assert not page.find("details")


def test_a_page_that_answers_a_message_has_the_other_languages_in_itself() -> None:
    for page in (
        Page(browse(tell("message-stale")).get(SSO)),
        Page(browse(tell("message-stale")).post(ACS, headers=FORM)),
    ):
        assert page.find("details", lang="en")
        assert not page.find("a", hreflang="en")


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        pytest.param(PAGE, "", "sv", id="Swedish unless told otherwise"),
        pytest.param(PAGE, "en-GB,en;q=0.9,sv;q=0.8", "en", id="the browser's"),
        pytest.param(PAGE, "fi,sv;q=0.5,en;q=0.4", "sv", id="the first of the browser's that we have"),
        pytest.param(f"{PAGE}?language=sv", "en", "sv", id="the address goes before the browser"),
        pytest.param(f"{PAGE}?language=xx", "en", "en", id="a language that we do not have"),
    ],
)
def test_the_language_is_the_readers(path: str, accepted: str, language: str) -> None:
    page = Page(browse(ask()).get(path, headers={"Accept-Language": accepted}))
    assert page.language == language
    assert page.find("html")[0].attributes["dir"] == "ltr"


def test_a_chosen_language_stays_for_the_login() -> None:
    def script(visit: Visit) -> NextStep:
        visit.browser.adopt(LOGIN)
        return ask()

    client = browse(script)
    client.get(PAGE)
    client.get(f"{PAGE}?language=en")
    assert Page(client.get(PAGE)).language == "en"


def test_the_search_survives_a_change_of_language() -> None:
    page = Page(browse(ask(*many_upstreams(12))).get(f"{PAGE}?q=eid 07"))
    assert page.find("a", hreflang="en")[0].attributes["href"] == "?q=eid+07&language=en"


@pytest.mark.parametrize(("environment", "marked"), [("production", False), ("qa", True), ("test", True)])
def test_no_environment_but_production_looks_like_it(environment: str, marked: bool) -> None:
    page = Page(browse(ask(), environment=environment).get(PAGE))
    assert bool(page.find("p", class_="test-banner")) is marked


def test_a_page_fetches_nothing_from_others() -> None:
    page = Page(browse(ask()).get(PAGE))
    sources = [element.attributes["src"] for element in page.elements if "src" in element.attributes]
    sources += [link.attributes["href"] for link in page.find("link")]
    assert sources
    assert all(source.startswith(("/", "data:image/")) and not source.startswith("//") for source in sources)


def test_one_request_has_one_now_and_one_reference() -> None:
    seen: list[Visit] = []

    def script(visit: Visit) -> NextStep:
        seen.append(visit)
        raise RuntimeError

    page = Page(browse(script).get(PAGE))
    reference = seen[0].reference
    assert " ".join(reference[start : start + 4] for start in (0, 4, 8)) in page.text
