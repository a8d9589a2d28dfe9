"""What can be wrong with metadata: one row per rule, with its plain sentence and what to do about it.

The rows are in `findings_document`, `findings_entity` and `findings_desk`; `messages.finding` makes findings of them.
"""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """What a finding means for the metadata it is about."""

    BLOCKS = "blocks"  # the document is refused, or the entity is quarantined
    WARNING = "warning"  # taken, and should be fixed
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class FindingRule:
    """One rule. `code` is public and never changes meaning; the texts may hold {facts} of the finding."""

    code: str
    severity: Severity
    sv: str
    en: str
    fix_sv: str
    fix_en: str
    spec: str = ""  # document and section, or the id of the rule in the Sweden Connect reference


BLOCKS, WARNING, INFORMATION = Severity.BLOCKS, Severity.WARNING, Severity.INFORMATION
