"""Messages on the wrong way, in the wrong form, or several at once."""

import base64

import pytest
from support.attack_peers import ACS_PATH, SSO_PATH
from support.attack_query import Query, deflated
from support.attack_world import Login, World
from support.messages import form_value

UNREADABLE = "message-unreadable"


def fields_of(login: Login, **changes: object) -> dict[str, object]:
    """The form that carries a perfect answer."""
    return {"SAMLResponse": form_value(login.answer()), "RelayState": login.asked.relay_state, **changes}


def refuse(login: Login, fields: object, code: str = UNREADABLE) -> None:
    """`fields` lead to `code`, and the login can still be answered."""
    login.world.assert_refused(login.world.deliver(fields, login.browser), code)
    login.assert_granted(login.answered())


# --- responses ---------------------------------------------------------------------------------------------------


def test_a_form_without_a_message_is_refused(world: World) -> None:
    refuse(login := world.login(), {"RelayState": login.asked.relay_state})


def test_two_responses_in_one_form_are_refused(world: World) -> None:
    login = world.login()
    refuse(login, fields_of(login, SAMLResponse=[form_value(login.answer()), form_value(login.answer())]))


def test_a_request_and_a_response_in_one_form_are_refused(world: World) -> None:
    login = world.login()
    request = world.e_service.form(world.e_service.request())["SAMLRequest"]
    refuse(login, fields_of(login, SAMLRequest=request))


def test_a_response_in_the_field_of_requests_is_refused(world: World) -> None:
    login = world.login()
    refuse(login, {"SAMLRequest": form_value(login.answer()), "RelayState": login.asked.relay_state})


@pytest.mark.parametrize("name", ["samlresponse", "SAMLResponse ", "SAMLart"])
def test_a_response_in_another_field_is_refused(world: World, name: str) -> None:
    login = world.login()
    refuse(login, {name: form_value(login.answer()), "RelayState": login.asked.relay_state})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text[:-1], id="cut off"),
        pytest.param(lambda text: f"{text}!", id="with another sign"),
        pytest.param(lambda text: f"{text[:40]}={text[40:]}", id="with an end inside"),
        pytest.param(lambda text: f"data:;base64,{text}", id="as an address"),
        pytest.param(lambda text: text.replace("+", "-").replace("/", "_") + "-_", id="of another alphabet"),
        pytest.param(lambda text: base64.b64encode(text.encode()).decode(), id="twice"),
        pytest.param(lambda text: base64.b64encode(deflated(base64.b64decode(text))).decode(), id="deflated"),
        pytest.param(lambda text: base64.b64decode(text).decode(), id="not at all"),
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda text: "\0" + text, id="NUL"),
        pytest.param(lambda text: "Å" + text, id="not ASCII"),
    ],
)
def test_a_response_that_is_not_in_base64_is_refused(world: World, change: object) -> None:
    login = world.login()
    assert callable(change)
    refuse(login, fields_of(login, SAMLResponse=change(form_value(login.answer()))))


def test_base64_in_lines_is_fine(world: World) -> None:
    login = world.login()
    lines = base64.encodebytes(login.answer().encode()).decode().replace("\n", "\r\n")
    login.assert_granted(world.deliver(fields_of(login, SAMLResponse=lines), login.browser))


@pytest.mark.parametrize(("size", "code"), [(300_000, UNREADABLE), (600_000, "too-large")])
def test_a_form_beyond_bounds_is_refused(world: World, size: int, code: str) -> None:
    login = world.login()
    refuse(login, fields_of(login, SAMLResponse=base64.b64encode(b" " * (size * 3 // 4)).decode()), code)


def test_fields_that_are_not_ours_are_not_ours_to_judge(world: World) -> None:
    login = world.login()
    more = {f"a{n}": "" for n in range(5_000)}
    login.assert_granted(world.deliver({**fields_of(login), **more}, login.browser))


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "application/json", "text/plain", "text/xml", "application/samlassertion+xml"],
)
def test_another_kind_of_form_is_refused(world: World, content_type: str) -> None:
    login = world.login()
    body = login.answer() if "multipart" not in content_type else fields_of(login)
    page = world.browser().post(ACS_PATH, body, content_type=content_type)
    assert page.status == 415
    login.assert_granted(login.answered())


def test_a_response_in_the_address_is_none(world: World) -> None:
    login = world.login()
    query = Query.of(login.answer(), name="SAMLResponse", relay_state=login.asked.relay_state)
    page = world.browser().post(f"{ACS_PATH}?{query.signed(login.upstream.keys).text()}", {})
    world.assert_refused(page, "login-expired")
    assert world.browser().get(f"{ACS_PATH}?{query.text()}").status == 405
    login.assert_granted(login.answered())


# --- the other door ----------------------------------------------------------------------------------------------


def test_a_response_at_the_door_for_requests_is_refused(world: World) -> None:
    login = world.login()
    by_post = world.start_by_post(fields_of(login))
    world.assert_refused(by_post, UNREADABLE)
    query = Query.of(login.answer(), name="SAMLResponse").signed(login.upstream.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)
    as_request = Query.of(login.answer()).signed(login.upstream.keys)
    world.assert_refused(world.start(as_request.text()), UNREADABLE)
    login.assert_granted(login.answered())


def test_a_request_at_the_door_for_responses_is_refused(world: World) -> None:
    login = world.login()
    request = world.e_service.form(world.e_service.request())["SAMLRequest"]
    refuse(login, fields_of(login, SAMLResponse=request))


def test_our_own_request_at_our_own_door_is_refused(world: World) -> None:
    login = world.login()
    world.assert_refused(world.start(Query.of(login.asked.xml).text()), "unknown-e-service")


# --- requests by POST --------------------------------------------------------------------------------------------


def test_a_request_by_post_reaches_the_choice(world: World) -> None:
    page = world.start_by_post(world.e_service.form(world.e_service.request()))
    assert page.own_action("choice")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: {}, id="no message"),
        pytest.param(lambda fields: {**fields, "SAMLResponse": fields["SAMLRequest"]}, id="and a Response"),
        pytest.param(lambda fields: {**fields, "SAMLRequest": [fields["SAMLRequest"]] * 2}, id="twice"),
        pytest.param(lambda fields: {**fields, "RelayState": ["a", "b"]}, id="two RelayStates"),
        pytest.param(lambda fields: {**fields, "RelayState": "x" * 5000}, id="a long RelayState"),
        pytest.param(lambda fields: {**fields, "SAMLRequest": "!"}, id="no base64"),
    ],
)
def test_a_form_that_is_not_one_request_is_refused(world: World, change: object) -> None:
    assert callable(change)
    page = world.start_by_post(change(world.e_service.form(world.e_service.request())))
    world.assert_refused(page, UNREADABLE)


def test_a_request_of_the_redirect_binding_in_a_form_is_refused(world: World) -> None:
    query = Query.of(world.e_service.request().xml()).signed(world.e_service.keys)
    page = world.start_by_post(query.text(), content_type="application/x-www-form-urlencoded")
    world.assert_refused(page, UNREADABLE)


def test_a_request_of_the_post_binding_in_a_query_is_refused(world: World) -> None:
    fields = world.e_service.form(world.e_service.request())
    query = Query((("SAMLRequest", fields["SAMLRequest"].replace("+", "%2B")),)).signed(world.e_service.keys)
    world.assert_refused(world.start(query.text()), UNREADABLE)


@pytest.mark.parametrize("path", [SSO_PATH, ACS_PATH])
@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
def test_another_method_is_refused(world: World, path: str, method: str) -> None:
    response = world.browser().client.open(path, method=method, base_url="http://127.0.0.1:18080")
    assert response.status_code == 405
