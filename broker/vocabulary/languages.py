"""The languages of our pages, and which of a peer's texts to show."""

from collections.abc import Mapping

LANGUAGES = ("sv", "en")
DEFAULT_LANGUAGE = "sv"


def best_text(texts: Mapping[str, str], language: str) -> str | None:
    """The text in `language`, else Swedish, else English, else the first one; None when there is none.

    A tag with a region ("en-GB") serves its language. Spec: Deployment Profile 5.4.3.
    """
    by_language: dict[str, str] = {}
    for tag, text in texts.items():
        by_language.setdefault(tag.lower().split("-")[0], text)
    for wanted in (language.lower().split("-")[0], *LANGUAGES):
        if wanted in by_language:
            return by_language[wanted]
    return next(iter(texts.values()), None)
