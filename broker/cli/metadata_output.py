"""How the metadata verbs answer: tables and plain sentences for people, JSON for programs."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import click

from broker.cli.options import print_json, print_table
from broker.flow.metadata_changes import Difference, PeerDifference, describe_peer
from broker.flow.metadata_desk import Differences, Outcome, Overview, PeerDetail
from broker.flow.metadata_ports import PeerRow, Source, VersionEntry
from broker.messages.finding import Finding
from broker.vocabulary.findings import Severity

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_ORDER = {Severity.BLOCKS: 0, Severity.WARNING: 1, Severity.INFORMATION: 2}


def print_outcome(outcome: Outcome, changes: Differences | None, *, as_json: bool, verbose: bool) -> None:
    """Findings, the change, and which version is active now."""
    if as_json:
        print_json(
            {
                "subject": outcome.subject,
                "refused": outcome.refused,
                "before": outcome.before,
                "after": outcome.after,
                "active": outcome.before if outcome.after is None else outcome.after,
                "findings": [finding_as_json(finding) for finding in outcome.findings],
                "changes": None if changes is None else _differences_as_json(changes),
            }
        )
        return
    print_findings(outcome.findings, verbose=verbose)
    if changes is not None:
        _print_differences(changes)
        click.echo(f"Version {outcome.after} is active.")
    elif outcome.refused:
        click.echo(f"Refused. Version {outcome.before} stays active.")
    else:
        click.echo(f"Nothing was changed. Version {outcome.before} is active.")


def print_findings(findings: Iterable[Finding], *, verbose: bool) -> None:
    """One paragraph each, the worst first; information only on request."""
    language, hidden = _language(), 0
    for finding in sorted(findings, key=lambda finding: _ORDER[finding.severity]):
        if finding.severity is Severity.INFORMATION and not verbose:
            hidden += 1
            continue
        where = ", ".join(
            part for part in (finding.entity_id or "", f"line {finding.line}" if finding.line else "") if part
        )
        click.echo(f"{finding.severity.value} [{finding.rule}] {where}".rstrip())
        click.echo(f"    {finding.sentence(language)}")
        click.echo(f"    {finding.fix(language)}")
    if hidden:
        click.echo(f"({hidden} more for information; --verbose shows them)")


def print_overview(overview: Overview, *, as_json: bool) -> None:
    """The active peers, federations and quarantined entities."""
    if as_json:
        print_json(
            {
                "version": overview.version,
                "total": overview.page.total,
                "peers": [_row_as_json(row) for row in overview.page.rows],
                "sources": [_source_as_json(source) for source in overview.sources],
                "quarantined": [
                    {
                        "source": name,
                        "entity_id": one.entity_id,
                        "findings": [finding_as_json(finding) for finding in one.findings],
                    }
                    for name, entities in overview.quarantined.items()
                    for one in entities
                ],
            }
        )
        return
    click.echo(f"Version {overview.version}: {overview.page.total} peers")
    for row in overview.page.rows:
        _print_row(row)
    if len(overview.page.rows) < overview.page.total:
        click.echo(f"({overview.page.total - len(overview.page.rows)} more)")
    for source in overview.sources:
        click.echo(f"\nFederation {source.name}")
        click.echo(f"  valid until  {source.valid_until:%Y-%m-%d %H:%M:%S} UTC")
        for key in source.signers:
            signed = " (signed the active file)" if key.fingerprint == source.signed_by else ""
            click.echo(f"  signer       {key.fingerprint}{signed}")
    language = _language()
    for name, entities in overview.quarantined.items():
        for one in entities:
            for finding in one.findings:
                click.echo(f"\nQuarantined  {one.entity_id} (from {name})")
                click.echo(f"  [{finding.rule}] {finding.sentence(language)}")


def print_peer(entity_id: str, details: Sequence[PeerDetail], *, as_json: bool) -> None:
    """Everything about one peer, in each of its roles."""
    if as_json:
        print_json([_detail_as_json(detail) for detail in details])
        return
    if not details:
        click.echo(f"{entity_id} is not active; see: broker metadata list", err=True)
    for detail in details:
        click.echo(f"{detail.peer.entity_id} ({detail.peer.kind.value})")
        for field, values in describe_peer(detail.peer).items():
            for position, value in enumerate(values):
                click.echo(f"  {field if position == 0 else '':26} {value}")
        if detail.source is not None:
            click.echo(f"  {'source-valid-until':26} {detail.source.valid_until:%Y-%m-%d %H:%M:%S} UTC")
        print_findings(detail.findings, verbose=True)


def print_history(entries: Sequence[VersionEntry], *, as_json: bool) -> None:
    """One line per version."""
    if as_json:
        print_json(
            [
                {
                    "version": entry.version,
                    "at": entry.act.at.isoformat(),
                    "actor": entry.act.actor,
                    "action": entry.act.action,
                    "subject": entry.act.subject,
                    "why": entry.act.why,
                    "content_hash": entry.act.content_hash,
                    "rolled_back_to": entry.act.rolled_back_to,
                }
                for entry in entries
            ]
        )
        return
    rows = [
        (
            str(entry.version),
            f"{entry.act.at:%Y-%m-%d %H:%M:%S}",
            entry.act.actor,
            entry.act.action,
            entry.act.subject,
            entry.act.why,
        )
        for entry in entries
    ]
    print_table(("VERSION", "UTC", "WHO", "WHAT", "SUBJECT", "WHY"), rows)


def print_differences(differences: Differences, *, as_json: bool) -> None:
    """What differs between two versions."""
    if as_json:
        print_json(_differences_as_json(differences))
        return
    click.echo(f"From version {differences.before} to version {differences.after}:")
    _print_differences(differences)


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding with its texts in both languages."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "entity_id": finding.entity_id,
        "line": finding.line,
        "sv": finding.sentence("sv"),
        "en": finding.sentence("en"),
        "fix_sv": finding.fix("sv"),
        "fix_en": finding.fix("en"),
    }


def _print_row(row: PeerRow) -> None:
    click.echo(f"\n{row.name}{' (blocked)' if row.blocked else ''}")
    click.echo(f"  {row.kind.value:11}  {row.entity_id}")
    click.echo(f"  source       {row.source or 'administrator'}, since version {row.since}")
    if row.valid_until is not None:
        click.echo(f"  valid until  {row.valid_until:%Y-%m-%d %H:%M:%S} UTC")
    for label, values in (("levels", row.levels), ("categories", row.categories)):
        for position, value in enumerate(values):
            click.echo(f"  {label if position == 0 else '':11}  {value}")


def _print_differences(differences: Differences) -> None:
    for source in differences.sources:
        click.echo(f"{_SIGNS[source.what]} federation {source.name}")
        if source.what == "changed":
            _print_fields(source.differences)
    for row in differences.rows:
        click.echo(f"{_SIGNS[row.what]} {row.kind.value} {row.entity_id} ({row.name})")
        if row.what == "changed":
            _print_fields(row.differences)
    if len(differences.rows) < differences.total:
        click.echo(f"({differences.total - len(differences.rows)} more; see: broker metadata diff)")
    if not differences.total and not differences.sources:
        click.echo("Nothing differs.")


def _print_fields(differences: Iterable[Difference]) -> None:
    for one in differences:
        for sign, values in (("-", one.removed), ("+", one.added)):
            for value in values:
                click.echo(f"    {sign} {one.field}: {value}")


def _differences_as_json(differences: Differences) -> dict[str, Any]:
    return {
        "before": differences.before,
        "after": differences.after,
        "total": differences.total,
        "peers": [_difference_as_json(row) for row in differences.rows],
        "sources": [
            {"name": source.name, "what": source.what, "differences": _fields_as_json(source.differences)}
            for source in differences.sources
        ],
    }


def _difference_as_json(row: PeerDifference) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "entity_id": row.entity_id,
        "name": row.name,
        "what": row.what,
        "differences": _fields_as_json(row.differences),
    }


def _fields_as_json(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    return [{"field": one.field, "removed": list(one.removed), "added": list(one.added)} for one in differences]


def _row_as_json(row: PeerRow) -> dict[str, Any]:
    return {
        "kind": row.kind.value,
        "entity_id": row.entity_id,
        "name": row.name,
        "source": row.source or None,
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
        "levels": list(row.levels),
        "categories": list(row.categories),
        "blocked": row.blocked,
        "since": row.since,
    }


def _source_as_json(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "signers": [key.fingerprint for key in source.signers],
        "signed_by": source.signed_by,
        "valid_until": source.valid_until.isoformat(),
        "content_hash": source.content_hash,
        "dialect": source.dialect,
    }


def _detail_as_json(detail: PeerDetail) -> dict[str, Any]:
    return {
        "kind": detail.peer.kind.value,
        "entity_id": detail.peer.entity_id,
        "source": detail.peer.source or None,
        "source_valid_until": detail.source.valid_until.isoformat() if detail.source else None,
        "fields": {field: list(values) for field, values in describe_peer(detail.peer).items()},
        "findings": [finding_as_json(finding) for finding in detail.findings],
    }


def _language() -> str:
    chosen = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "sv" if chosen.lower().startswith("sv") else "en"
