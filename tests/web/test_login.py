from http import HTTPStatus

import pytest
from support.web import BASE_URL, LOGIN, ScriptedFlow, always, ask, make_app, make_parts

from broker.web.app import create_app

PAGE = f"/login/{LOGIN}"


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", PAGE, ("show", LOGIN)),
        ("GET", f"{PAGE}/begin", ("begin", LOGIN)),
        ("GET", f"{PAGE}/continue?handover=a%2Fb", ("conclude", (LOGIN, "a/b"))),
        ("GET", f"{PAGE}/continue", ("conclude", (LOGIN, None))),
        ("POST", f"{PAGE}/choice", ("choose", (LOGIN, "https://x.example.se"))),
        ("POST", f"{PAGE}/cancel", ("cancel", LOGIN)),
        ("POST", f"{PAGE}/answer", ("answer_error", LOGIN)),
    ],
)
def test_each_address_calls_the_flow_once(method: str, path: str, call: tuple[str, object]) -> None:
    flow = ScriptedFlow(always(ask()))
    client = create_app(make_parts(always(ask()), flow=flow)).test_client()
    client.open(path, method=method, data={"upstream": "https://x.example.se"} if method == "POST" else None)
    assert flow.calls == [call]


def test_a_choice_of_nothing_shows_the_chooser_again() -> None:
    flow = ScriptedFlow(always(ask()))
    response = create_app(make_parts(always(ask()), flow=flow)).test_client().post(f"{PAGE}/choice")
    assert response.headers["Location"] == PAGE
    assert flow.calls == []


@pytest.mark.parametrize("path", ["choice", "cancel", "answer"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="another host of the same site"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="nobody's page"),
        pytest.param({"Origin": "https://evil.example"}, id="another origin"),
        pytest.param({"Origin": "null"}, id="an origin in hiding"),
        pytest.param({"Origin": f"{BASE_URL}:8443"}, id="another port"),
        pytest.param({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, id="contradiction"),
    ],
)
def test_a_button_on_somebody_elses_page_does_nothing(path: str, headers: dict[str, str]) -> None:
    flow = ScriptedFlow(always(ask()))
    client = create_app(make_parts(always(ask()), flow=flow)).test_client()
    response = client.post(f"{PAGE}/{path}", data={"upstream": "x"}, headers=headers)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert flow.calls == []


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "same-origin", "Origin": BASE_URL}])
def test_our_own_buttons_work_with_and_without_the_browsers_word(headers: dict[str, str]) -> None:
    response = make_app(ask()).test_client().post(f"{PAGE}/cancel", headers=headers)
    assert response.status_code == HTTPStatus.SEE_OTHER


@pytest.mark.parametrize("headers", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/begin", f"{PAGE}/continue", "/saml/idp/sso"])
def test_a_page_fetched_in_advance_takes_no_step(path: str, headers: dict[str, str]) -> None:
    flow = ScriptedFlow(always(ask()))
    client = create_app(make_parts(always(ask()), flow=flow)).test_client()
    assert client.get(path, headers=headers).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert flow.calls == []


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/begin", f"{PAGE}/continue", "/saml/idp/sso"])
def test_a_head_request_takes_no_step(path: str) -> None:
    flow = ScriptedFlow(always(ask()))
    response = create_app(make_parts(always(ask()), flow=flow)).test_client().head(path)
    assert response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert "GET" in response.headers["Allow"]
    assert "HEAD" not in response.headers["Allow"]
    assert flow.calls == []


@pytest.mark.parametrize(
    "path", ["/login/", "/login/a.b", "/login/%2e%2e", f"/login/{'x' * 81}", f"{PAGE}/", "/login/å"]
)
def test_what_is_no_login_id_is_no_page(path: str) -> None:
    assert make_app(ask()).test_client().get(path).status_code == HTTPStatus.NOT_FOUND
