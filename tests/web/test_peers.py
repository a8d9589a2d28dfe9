import pytest
from support.scripted import make_upstream

from broker.web.peers import matches, name_of


@pytest.mark.parametrize("query", ["hogskolan", "HÖGSKOLAN", "university", "skol uni", ""])
def test_a_name_is_found_in_any_language_case_and_spelling_of_accents(query: str) -> None:
    assert matches(make_upstream(names={"sv": "Högskolan", "en": "University"}), query)


def test_every_word_must_be_found() -> None:
    assert not matches(make_upstream(names={"sv": "Högskolan"}), "högskolan umeå")


@pytest.mark.parametrize(
    ("names", "name"),
    [
        pytest.param({"sv": "Bygglov"}, "Bygglov", id="plain"),
        pytest.param({}, "bygglov.example.se", id="none: the host of its entityID"),
        pytest.param({"sv": "a\u202etxet\u200b b\n c"}, "a txet b c", id="nothing that rearranges the line"),
        pytest.param({"sv": "x" * 500}, "x" * 119 + "…", id="not longer than a line or two"),
    ],
)
def test_a_peer_is_called_by_its_name(names: dict[str, str], name: str) -> None:
    assert name_of(names, "https://bygglov.example.se/sp", "sv") == name
