"""One remark about metadata, for administrators: what is wrong, where, how bad, and what to do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from broker.vocabulary.findings import FindingRule, Severity
from broker.vocabulary.findings_desk import DESK_RULES
from broker.vocabulary.findings_document import DOCUMENT_RULES
from broker.vocabulary.findings_entity import ENTITY_RULES

FINDING_RULES: Mapping[str, FindingRule] = MappingProxyType(
    {rule.code: rule for rule in (*DOCUMENT_RULES, *ENTITY_RULES, *DESK_RULES)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One remark. Without `entity_id` it is about the whole document; `line` is that of the original file."""

    rule: str
    severity: Severity
    entity_id: str | None
    line: int | None
    facts: tuple[tuple[str, str], ...]

    def sentence(self, language: str) -> str:
        """What is wrong, in Swedish or (any other language) English."""
        rule = FINDING_RULES[self.rule]
        return (rule.sv if language == "sv" else rule.en).format_map(dict(self.facts))

    def fix(self, language: str) -> str:
        """What to do about it, in Swedish or (any other language) English."""
        rule = FINDING_RULES[self.rule]
        return (rule.fix_sv if language == "sv" else rule.fix_en).format_map(dict(self.facts))

    @property
    def blocks(self) -> bool:
        """Whether what the finding is about is not taken over."""
        return self.severity is Severity.BLOCKS


def found(
    rule: str,
    *,
    entity_id: str | None = None,
    line: int | None = None,
    severity: Severity | None = None,
    **facts: str | int,
) -> Finding:
    """A finding of `rule`, with the rule's own severity unless the case is another one."""
    row = FINDING_RULES[rule]
    return Finding(
        rule=row.code,
        severity=severity or row.severity,
        entity_id=entity_id,
        line=line,
        facts=tuple((name, _bounded(str(value))) for name, value in facts.items()),
    )


def any_blocks(findings: Iterable[Finding]) -> bool:
    """Whether one of `findings` blocks."""
    return any(finding.blocks for finding in findings)


_LONGEST_FACT = 200


def _bounded(text: str) -> str:
    """Facts come out of strangers' files: no control characters, no novels."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return clean if len(clean) <= _LONGEST_FACT else clean[: _LONGEST_FACT - 1] + "…"
