"""Findings and their texts: complete in both languages, bounded, and harmless to print."""

import string
from collections import Counter

import pytest

from broker.messages.finding import FINDING_RULES, any_blocks, found
from broker.vocabulary.findings import FindingRule, Severity
from broker.vocabulary.findings_desk import DESK_RULES
from broker.vocabulary.findings_document import DOCUMENT_RULES
from broker.vocabulary.findings_entity import ENTITY_RULES

ALL = (*DOCUMENT_RULES, *ENTITY_RULES, *DESK_RULES)


def facts_in(text: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_rule_has_one_row() -> None:
    assert len(FINDING_RULES) == len(ALL)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)
def test_both_languages_say_the_same(rule: FindingRule) -> None:
    assert facts_in(rule.sv) == facts_in(rule.en)
    assert facts_in(rule.fix_sv) == facts_in(rule.fix_en)
    assert facts_in(rule.fix_en) <= facts_in(rule.en)
    assert rule.sv != rule.en


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.code)
def test_texts_are_whole_sentences(rule: FindingRule) -> None:
    for text in (rule.sv, rule.en, rule.fix_sv, rule.fix_en):
        assert text.endswith(".")
        assert "  " not in text


def test_a_finding_speaks_swedish_and_english() -> None:
    finding = found("expired", valid_until="2022-08-26")
    assert finding.sentence("sv") == "Giltighetstiden gick ut 2022-08-26."
    assert finding.sentence("en") == "The validity ended at 2022-08-26."
    assert finding.sentence("fi") == finding.sentence("en")
    assert finding.fix("sv") == "Hämta en ny fil från utgivaren."


def test_a_finding_has_the_severity_of_its_rule_unless_the_case_is_another() -> None:
    assert found("signing-key-missing").severity is Severity.WARNING
    assert found("signing-key-missing", severity=Severity.BLOCKS).blocks


def test_strangers_words_are_bounded_and_printable() -> None:
    finding = found("endpoint-refused", element="acs", location="\x1b[31m" + "a" * 500 + "{evil}")
    (location,) = (value for name, value in finding.facts if name == "location")
    assert len(location) == 200
    assert "\x1b" not in finding.sentence("en")


def test_braces_in_strangers_words_are_only_braces() -> None:
    finding = found("value-unreadable", what="{0.__class__}")
    assert "{0.__class__}" in finding.sentence("en")


def test_one_blocking_finding_blocks() -> None:
    assert any_blocks([found("logo-missing"), found("expired", valid_until="")])
    assert not any_blocks([found("logo-missing")])


def test_an_unknown_rule_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        found("made-up")
