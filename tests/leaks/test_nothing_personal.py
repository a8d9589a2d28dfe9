"""Nothing that tells who somebody is, or what an e-service keeps in RelayState, is left anywhere: not in logs, audit,
pages or stores; after logins and failures, and while logins are half way."""

import base64
import json
import zlib
from collections import Counter
from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest
from support.aftermath import NUMBER, Aftermath
from support.citizen import Reply
from support.personal import CONTROL, SWEDE, forms_of, found_in, spellings


def test_every_story_ended_as_it_should(aftermath: Aftermath) -> None:
    assert Counter(aftermath.told.codes) - aftermath.codes == Counter()
    assert "unexpected" not in aftermath.log
    assert '"level": "critical"' not in aftermath.log


def test_no_log_line_names_anybody(aftermath: Aftermath) -> None:
    assert aftermath.log.count("\n") > 150
    assert found_in(aftermath.log.encode(), aftermath.told.everything) == set()


def test_every_log_line_is_json(aftermath: Aftermath) -> None:
    for line in aftermath.log.splitlines():
        assert {"event", "level", "timestamp"} <= set(json.loads(line))


def test_no_audit_event_names_anybody(aftermath: Aftermath) -> None:
    kinds = Counter(event["kind"] for event in aftermath.events)
    assert kinds["UpstreamAnswered"] > 15
    assert kinds["LoginConcluded"] > 15
    assert any(event.get("released") for event in aftermath.events)
    assert found_in(aftermath.export.encode(), aftermath.told.everything) == set()


def test_an_audit_event_tells_one_person_from_another_by_pseudonym_only(aftermath: Aftermath) -> None:
    granted = [e for e in aftermath.events if e["kind"] == "UpstreamAnswered" and e["code"] == "granted"]
    assert len(granted) == 5
    assert len({event["person_pseudonym"] for event in granted}) == 2


def test_no_page_names_anybody(aftermath: Aftermath) -> None:
    assert len(aftermath.pages) > 100
    for page in aftermath.pages:
        said = (page.text + repr(page.headers)).encode()
        found = found_in(said, aftermath.told.everything)
        assert found <= own_relay_state(page), (page.url, found)


def own_relay_state(page: Reply) -> set[str]:
    """The RelayState that `page` gives back to the e-service whose it is; nothing on any other page."""
    if 'name="SAMLResponse"' not in page.text:
        return set()
    return {page.form()[1].get("RelayState", "")}


def test_what_an_upstream_is_asked_names_nobody_else(aftermath: Aftermath) -> None:
    sought = aftermath.told.everything - set(forms_of("198611239883"))  # whom an e-service expects, it is asked for
    asked = 0
    for page in aftermath.pages:
        query = parse_qs(urlsplit(page.header("Location")).query)
        for message in query.get("SAMLRequest", ()):
            asked += 1
            assert found_in(zlib.decompress(base64.b64decode(message), wbits=-15), sought) == set()
    assert asked > 20


def test_no_answer_carries_anything_outside_its_encrypted_assertion(aftermath: Aftermath) -> None:
    answers = [page.form()[1] for page in aftermath.pages if 'name="SAMLResponse"' in page.text]
    assert len(answers) > 15
    for fields in answers:
        message = base64.b64decode(fields["SAMLResponse"])
        assert found_in(message, aftermath.told.everything) == set()


def test_no_store_holds_anybody_in_the_clear(aftermath: Aftermath) -> None:
    assert aftermath.half_way == 6
    found = {name: found_in(content, aftermath.told.everything) for name, content in aftermath.stores.items()}
    assert {name: values for name, values in found.items() if values} == {}


def test_what_was_half_way_was_in_the_stores_all_the_same(aftermath: Aftermath) -> None:
    logins = max(content.count(b"login:") for content in aftermath.stores.values())
    assert logins >= aftermath.half_way


def test_the_search_of_the_stores_finds_what_is_there(aftermath: Aftermath) -> None:
    found = [name for name, content in aftermath.stores.items() if found_in(content, {CONTROL})]
    assert set(found) in ({"transient.sqlite-wal"}, {"transient.sqlite"}, {"redis"})
    entity = "http://127.0.0.2:8701/bygglov"
    assert any(found_in(content, {entity}) for content in aftermath.stores.values())
    assert found_in(aftermath.log.encode(), {entity})
    assert found_in(aftermath.export.encode(), {entity})
    assert any(found_in(page.text.encode(), {"Bygglov (demo)"}) for page in aftermath.pages)


@pytest.mark.parametrize("verb", [("check",), ("metadata", "list"), ("metadata", "history"), ("keys", "list")], ids=str)
def test_no_command_names_anybody(aftermath: Aftermath, verb: tuple[str, ...]) -> None:
    for said in (aftermath.folder.run(*verb), aftermath.folder.run(*verb, "--json")):
        assert found_in((said.out + said.err).encode(), aftermath.told.everything) == set()


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param(CONTROL.encode(), id="plain"),
        pytest.param(CONTROL.encode("utf-16-le"), id="UTF-16"),
        pytest.param(CONTROL.encode("utf-16-be"), id="UTF-16 the other way"),
        pytest.param(CONTROL.encode("latin-1"), id="Latin-1"),
        pytest.param(CONTROL.encode().hex().encode(), id="hex"),
        pytest.param(json.dumps({"name": CONTROL}).encode(), id="JSON"),
        pytest.param(escape(f"<{CONTROL}>").encode(), id="HTML"),
        pytest.param(repr({"name": CONTROL.encode()}).encode(), id="octets as Python shows them"),
        pytest.param(CONTROL.encode("ascii", "xmlcharrefreplace"), id="character references"),
        *(
            pytest.param(base64.b64encode(f"{'x' * before}{CONTROL} and more".encode()), id=f"base64 after {before}")
            for before in range(4)
        ),
        pytest.param(base64.urlsafe_b64encode(f"??>{CONTROL}".encode()), id="base64 for URLs"),
    ],
)
def test_a_value_is_found_in_every_spelling(hidden: bytes) -> None:
    assert found_in(b"\0\xff" + hidden + b"\1", {CONTROL, "another"}) == {CONTROL}


def test_a_civic_number_is_looked_for_with_and_without_century_and_hyphen() -> None:
    assert set(forms_of(NUMBER)) == {"199001012385", "19900101-2385", "9001012385", "900101-2385"}
    assert set(forms_of(SWEDE["givenName"])) >= {"Kristalina Ylva", "Kristalina", "Ylva"}
    assert all(len(spelling) >= 6 for value in forms_of(NUMBER) for spelling in spellings(value))
