"""Which of a peer's texts is shown."""

import pytest

from broker.vocabulary.languages import DEFAULT_LANGUAGE, LANGUAGES, best_text


@pytest.mark.parametrize(
    ("texts", "language", "shown"),
    [
        pytest.param({"en": "Permits", "sv": "Bygglov"}, "en", "Permits", id="the wanted one"),
        pytest.param({"en-GB": "Permits", "sv": "Bygglov"}, "en", "Permits", id="a region serves its language"),
        pytest.param({"en": "Permits"}, "en-US", "Permits", id="a wanted region too"),
        pytest.param({"EN": "Permits", "sv": "Bygglov"}, "en", "Permits", id="tags in any case"),
        pytest.param({"de": "Bau", "en": "Permits", "sv": "Bygglov"}, "fi", "Bygglov", id="else Swedish"),
        pytest.param({"de": "Bau", "en": "Permits"}, "fi", "Permits", id="else English"),
        pytest.param({"de": "Bau", "fr": "Permis"}, "fi", "Bau", id="else the first"),
        pytest.param({"sv": "Bygglov", "sv-FI": "Bygg"}, "sv", "Bygglov", id="the first of several"),
        pytest.param({}, "sv", None, id="nothing"),
    ],
)
def test_the_best_text(texts: dict[str, str], language: str, shown: str | None) -> None:
    assert best_text(texts, language) == shown


def test_swedish_is_the_default_and_first() -> None:
    assert LANGUAGES[0] == DEFAULT_LANGUAGE == "sv"
