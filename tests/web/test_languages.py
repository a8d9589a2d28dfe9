from pathlib import Path

import pytest

from broker.web.languages import Catalogue, load_catalogues, text_in

HEADER = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


def write(folder: Path, language: str, entries: str) -> None:
    path = folder / language / "LC_MESSAGES"
    path.mkdir(parents=True)
    (path / "broker.po").write_text(HEADER + entries)


def test_swedish_comes_first_and_the_others_by_their_tag(tmp_path: Path) -> None:
    for language in ("fi", "en", "sv"):
        write(tmp_path, language, 'msgid "a"\nmsgstr "x"\n')
    assert load_catalogues(tmp_path).languages == ("sv", "en", "fi")


def test_a_text_is_found_by_its_key_and_filled(tmp_path: Path) -> None:
    write(tmp_path, "sv", 'msgid "a"\nmsgstr "Logga in till {service}"\n')
    assert load_catalogues(tmp_path).default("a", service="{Bygglov}") == "Logga in till {Bygglov}"


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        pytest.param('msgid "a"\nmsgstr "x {n}"\n', "en: b is missing", id="absent"),
        pytest.param('msgid "a"\nmsgstr "x {n}"\n\nmsgid "b"\nmsgstr ""\n', "en: b is missing", id="empty"),
        pytest.param('msgid "a"\nmsgstr "x {n}"\n\n#, fuzzy\nmsgid "b"\nmsgstr "y"\n', "en: b is missing", id="fuzzy"),
        pytest.param(
            'msgid "a"\nmsgstr "x"\n\nmsgid "b"\nmsgstr "y"\n', "en: a has other placeholders than sv", id="unfilled"
        ),
        pytest.param(
            'msgid "a"\nmsgstr "{n}"\n\nmsgid "b"\nmsgstr "y"\n\nmsgid "c"\nmsgstr "z"\n',
            "en: c is unknown in sv",
            id="too many",
        ),
    ],
)
def test_a_language_that_is_not_complete_is_named(tmp_path: Path, entries: str, problem: str) -> None:
    write(tmp_path, "sv", 'msgid "a"\nmsgstr "x {n}"\n\nmsgid "b"\nmsgstr "y"\n')
    write(tmp_path, "en", entries)
    with pytest.raises(ValueError, match="^" + problem + "$"):
        load_catalogues(tmp_path)


def test_there_is_no_web_without_swedish(tmp_path: Path) -> None:
    write(tmp_path, "en", 'msgid "a"\nmsgstr "x"\n')
    with pytest.raises(ValueError, match="no catalogue for sv"):
        load_catalogues(tmp_path)


def test_an_unknown_key_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        Catalogue(language="sv", texts={})("no.such.key")


@pytest.mark.parametrize(
    ("texts", "language", "text"),
    [
        pytest.param({"sv": "a", "en": "b"}, "en", "b", id="the language asked for"),
        pytest.param({"sv": "a", "en-GB": "b"}, "en", "b", id="a regional form of it"),
        pytest.param({"en": "b", "sv": "a"}, "fi", "a", id="else Swedish"),
        pytest.param({"de": "c", "en": "b"}, "fi", "b", id="else English"),
        pytest.param({"de": "c"}, "fi", "c", id="else what there is"),
        pytest.param({}, "sv", None, id="nothing"),
    ],
)
def test_a_peers_text_is_taken_in_the_best_language_it_has(
    texts: dict[str, str], language: str, text: str | None
) -> None:
    assert text_in(texts, language) == text
