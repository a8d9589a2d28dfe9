"""Every failure has its words, in every language, and its status; every key that a page uses exists."""

import ast
import re
from pathlib import Path

import pytest

from broker.core import errors
from broker.core.discovery import Exclusion
from broker.core.errors import BrokerError
from broker.web import languages
from broker.web.errors import STATUS_OF, WORTH_RETRYING
from broker.web.languages import load_catalogues
from broker.web.templating import templates_folder
from broker.web.texts import EXCLUSION_TEXTS, STOP_TEXTS, WITHOUT_REFERENCE, stop_keys

WEB = Path(languages.__file__).parent
CATALOGUES = load_catalogues(WEB / "locale")
KEYS = frozenset(CATALOGUES.default.texts)
CODES = sorted(
    found.code
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, BrokerError) and found is not BrokerError
)
WRITTEN = re.compile(r"""\bt\(["']([^"']+)["']""")


def keys_in_code() -> set[str]:
    """Every literal first argument of a call of `t`, `english` or `_on_button`."""
    return {
        call.args[0].value
        for path in WEB.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"t", "english"}
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def keys_in_templates() -> set[str]:
    return {key for path in templates_folder().glob("*.html") for key in WRITTEN.findall(path.read_text())}


@pytest.mark.parametrize("code", CODES)
def test_every_failure_has_words(code: str) -> None:
    assert code in STOP_TEXTS
    assert set(stop_keys(code)) <= KEYS


@pytest.mark.parametrize("code", CODES)
def test_every_failure_has_a_status(code: str) -> None:
    assert code in STATUS_OF


def test_a_code_that_nobody_knows_gets_the_words_of_the_unexpected() -> None:
    assert stop_keys("made-up") == stop_keys("unexpected")


def test_no_table_has_a_code_that_does_not_exist() -> None:
    own = {"unexpected", "not-found", "wrong-method", "too-large", "bad-request", "foreign-form"}
    assert set(STOP_TEXTS) == set(CODES) | own
    assert set(STATUS_OF) == set(CODES)
    assert set(WORTH_RETRYING) <= set(CODES)
    assert set(WITHOUT_REFERENCE) <= own


@pytest.mark.parametrize("reason", Exclusion)
def test_every_reason_for_a_missing_eid_has_words_or_is_not_shown(reason: Exclusion) -> None:
    key = EXCLUSION_TEXTS[reason]
    assert key in KEYS if key is not None else reason is Exclusion.HIDDEN


def test_every_key_that_a_page_uses_exists() -> None:
    assert keys_in_code() | keys_in_templates() | set(WORTH_RETRYING.values()) <= KEYS


def test_every_text_is_used() -> None:
    stops = {key for code in STOP_TEXTS for key in stop_keys(code)}
    on_buttons = {
        f"{key}{ending}" for key in ("choose.cancel", "stop.return", "stop.restart") for ending in ("", ".short")
    }
    reasons = {key for key in EXCLUSION_TEXTS.values() if key is not None}
    language = {"language.name", "language.direction"}
    used = stops | on_buttons | reasons | language | keys_in_code() | keys_in_templates() | {*WORTH_RETRYING.values()}
    assert used == KEYS


def test_no_refusal_looks_like_an_ill_server() -> None:
    ours = {"store-unavailable", "audit-unavailable", "key-unavailable"}
    operator = {"metadata-rejected", "config-rejected", "store-mismatch", "key-rejected"}
    assert {code for code, status in STATUS_OF.items() if status >= 500} == ours | operator


@pytest.mark.parametrize("language", CATALOGUES.languages)
def test_titles_are_plain_words(language: str) -> None:
    catalogue = CATALOGUES.find(language)
    assert catalogue is not None
    titles = [text for key, text in catalogue.texts.items() if key.startswith("stop.") and key.endswith(".title")]
    jargon = re.compile(r"SAML|IdP|metadata|HTTP|\d|signatur", re.IGNORECASE)
    assert not [title for title in titles if jargon.search(title) or len(title) > 60]
