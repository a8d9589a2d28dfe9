"""The words of the pages: gettext catalogues, read once at start-up.

A language is a folder `locale/<tag>/LC_MESSAGES/broker.po` with every key of the others; nothing else has to be
told about it. Message ids are keys (`stop.login-expired.title`), so no language is the source of another.
"""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from babel.messages.pofile import read_po

from broker.core.parties import Texts

DEFAULT_LANGUAGE = "sv"
DOMAIN = "broker.po"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every text in one language."""

    language: str  # the HTML lang value
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: str) -> str:
        """The text for `key` with its placeholders filled. A key that does not exist is a programming error."""
        return self.texts[key].format_map(values)

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self.texts["language.name"]

    @property
    def direction(self) -> str:
        """The HTML dir value."""
        return self.texts["language.direction"]


class Catalogues:
    """The languages that the pages can be shown in: Swedish first, the others by tag."""

    def __init__(self, catalogues: Iterable[Catalogue]) -> None:
        ordered = sorted(catalogues, key=lambda c: (c.language != DEFAULT_LANGUAGE, c.language))
        self._by_language = MappingProxyType({catalogue.language: catalogue for catalogue in ordered})

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags, in the order of the language switch."""
        return tuple(self._by_language)

    def find(self, language: str | None) -> Catalogue | None:
        """The catalogue for exactly this tag."""
        return self._by_language.get(language or "")

    @property
    def default(self) -> Catalogue:
        """Swedish."""
        return self._by_language[DEFAULT_LANGUAGE]

    def others(self, than: Catalogue) -> tuple[Catalogue, ...]:
        """Every catalogue but one."""
        return tuple(c for c in self._by_language.values() if c.language != than.language)


def load_catalogues(folder: Path) -> Catalogues:
    """Read every language in `folder`.

    Raises:
        ValueError: a language lacks a text, has one too many, or has other placeholders than Swedish; all are named.
    """
    catalogues = [
        Catalogue(language=path.parent.parent.name, texts=_read(path)) for path in sorted(folder.glob(f"*/*/{DOMAIN}"))
    ]
    by_language = {catalogue.language: catalogue for catalogue in catalogues}
    if DEFAULT_LANGUAGE not in by_language:
        raise ValueError(f"no catalogue for {DEFAULT_LANGUAGE} in {folder}")
    expected = by_language[DEFAULT_LANGUAGE].texts
    problems = [problem for catalogue in catalogues for problem in _differences(catalogue, expected)]
    if problems:
        raise ValueError("; ".join(problems))
    return Catalogues(catalogues)


def text_in(texts: Texts, language: str) -> str | None:
    """The text of a peer in `language`, else in Swedish, English, or whatever it has."""
    for wanted in (language, DEFAULT_LANGUAGE, "en"):
        for tag, text in texts.items():
            if tag.lower() == wanted or tag.lower().startswith(f"{wanted}-"):
                return text
    return next(iter(texts.values()), None)


def _read(path: Path) -> Mapping[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    return MappingProxyType(
        {
            message.id: message.string
            for message in catalogue
            # The header has an empty id; an empty or fuzzy translation counts as none.
            if isinstance(message.id, str) and message.id and isinstance(message.string, str) and message.string
            if not message.fuzzy
        }
    )


def _differences(catalogue: Catalogue, expected: Mapping[str, str]) -> Iterable[str]:
    for key in sorted(expected.keys() - catalogue.texts.keys()):
        yield f"{catalogue.language}: {key} is missing"
    for key in sorted(catalogue.texts.keys() - expected.keys()):
        yield f"{catalogue.language}: {key} is unknown in {DEFAULT_LANGUAGE}"
    for key in sorted(catalogue.texts.keys() & expected.keys()):
        if _placeholders(catalogue.texts[key]) != _placeholders(expected[key]):
            yield f"{catalogue.language}: {key} has other placeholders than {DEFAULT_LANGUAGE}"


def _placeholders(text: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
