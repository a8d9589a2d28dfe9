"""`broker metadata …`: the metadata desk at the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from broker.cli.metadata_output import print_differences, print_history, print_outcome, print_overview, print_peer
from broker.cli.options import REFUSED, config_option, json_option, report_errors, settings_of
from broker.config.settings import Settings
from broker.flow.metadata_desk import MetadataDesk, Outcome
from broker.flow.metadata_plans import KEEP, Keep, SettingsPatch, Upload, UploadKind
from broker.flow.metadata_ports import PeerQuery
from broker.messages.metadata import PeerKind

DeskOf = Callable[[Settings], MetadataDesk]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHANGES_SHOWN = 20
_ALL = 1_000_000

_why = click.option("--why", default="", metavar="TEXT", help="The reason, kept in the history.")
_verbose = click.option("--verbose", "-v", is_flag=True, help="Show remarks that are only information too.")
_role = click.option(
    "--kind", type=click.Choice([kind.value for kind in PeerKind]), help="Which role is meant, when the peer has both."
)
_loa = click.option(
    "--loa", multiple=True, metavar="URI", help="A level that the IdP may assert, by your own word; repeatable."
)
_category = click.option(
    "--category", multiple=True, metavar="URI", help="A category that the peer counts as having; repeatable."
)


def metadata_group(desk: DeskOf) -> click.Group:
    """The verbs; `desk` opens the desk of an installation."""

    @click.group("metadata")
    def metadata() -> None:
        """E-services, IdPs and federations: what is active, what changes, and the way back."""

    for command in (
        _add(desk),
        _list(desk),
        _show(desk),
        _set(desk),
        _block(desk),
        _remove(desk),
        _history(desk),
        _diff(desk),
        _rollback(desk),
    ):
        metadata.add_command(command)
    return metadata


def _add(desk: DeskOf) -> click.Command:
    @click.command("add")
    @click.argument("file", type=_FILE)
    @click.option("--kind", required=True, type=click.Choice([kind.value for kind in UploadKind]))
    @click.option("--dialect", metavar="NAME", help="How the IdP speaks.  [default: sweden_connect]")
    @click.option(
        "--signer", "signers", multiple=True, type=_FILE, help="PEM certificate of the metadata signer; repeatable."
    )
    @click.option("--source", metavar="NAME", help="What the federation is called here.  [default: its own name]")
    @_loa
    @_category
    @_why
    @_verbose
    @config_option
    @json_option
    @report_errors
    def add(
        file: Path,
        kind: str,
        dialect: str | None,
        signers: tuple[Path, ...],
        source: str | None,
        loa: tuple[str, ...],
        category: tuple[str, ...],
        why: str,
        verbose: bool,
        config: Path,
        as_json: bool,
    ) -> None:
        """Check FILE, show findings and the change, and take it over.

        A federation is a signed aggregate and needs --signer. A single e-service or IdP may be unsigned: whoever adds
        it vouches for it. Adding the same one again replaces its metadata and keeps what was said about it.
        """
        upload = Upload(
            data=file.read_bytes(),
            file_name=file.name,
            kind=UploadKind(kind),
            signers=tuple(path.read_bytes() for path in signers),
            source=source,
            said=SettingsPatch(
                dialect=KEEP if dialect is None else dialect,
                vouched_contexts=loa or KEEP,
                vouched_categories=category or KEEP,
            ),
        )
        opened = desk(settings_of(config))
        _finish(opened, opened.add(upload, why), as_json=as_json, verbose=verbose)

    return add


def _list(desk: DeskOf) -> click.Command:
    @click.command("list")
    @click.option("--kind", type=click.Choice([kind.value for kind in PeerKind]))
    @click.option("--source", metavar="NAME", help="Only peers of this federation.")
    @click.option("--search", default="", metavar="TEXT", help="In names and entityIDs.")
    @click.option("--blocked", is_flag=True, help="Only blocked peers.")
    @click.option("--offset", type=click.IntRange(min=0), default=0)
    @click.option("--limit", type=click.IntRange(min=1), default=_ALL, show_default="all")
    @config_option
    @json_option
    @report_errors
    def list_peers(
        kind: str | None,
        source: str | None,
        search: str,
        blocked: bool,
        offset: int,
        limit: int,
        config: Path,
        as_json: bool,
    ) -> None:
        """The active e-services and IdPs, the federations, and what those brought that is not used."""
        query = PeerQuery(
            kind=PeerKind(kind) if kind else None,
            source=source,
            text=search,
            blocked=True if blocked else None,
            offset=offset,
            limit=limit,
        )
        print_overview(desk(settings_of(config)).overview(query), as_json=as_json)

    return list_peers


def _show(desk: DeskOf) -> click.Command:
    @click.command("show")
    @click.argument("entity_id", metavar="ENTITYID")
    @config_option
    @json_option
    @report_errors
    def show(entity_id: str, config: Path, as_json: bool) -> None:
        """Everything that is known of one peer: keys, addresses, levels, categories, what was said about it."""
        details = desk(settings_of(config)).show(entity_id)
        print_peer(entity_id, details, as_json=as_json)
        if not details:
            sys.exit(REFUSED)

    return show


def _set(desk: DeskOf) -> click.Command:
    @click.command("set")
    @click.argument("entity_id", metavar="ENTITYID")
    @_role
    @click.option("--dialect", metavar="NAME", help="How the IdP speaks.")
    @_loa
    @click.option("--no-loa", is_flag=True, help="State no level any more.")
    @_category
    @click.option("--no-category", is_flag=True, help="State no category any more.")
    @click.option(
        "--upstream", "upstreams", multiple=True, metavar="ENTITYID", help="An IdP that may be used; repeatable."
    )
    @click.option("--all-upstreams", is_flag=True, help="Every IdP may be used.")
    @click.option("--sso/--no-sso", default=None, help="Single sign-on for this e-service.")
    @click.option("--signature-service/--no-signature-service", default=None, help="Whether it is one.")
    @_why
    @_verbose
    @config_option
    @json_option
    @report_errors
    def set_peer(
        entity_id: str,
        kind: str | None,
        dialect: str | None,
        loa: tuple[str, ...],
        no_loa: bool,
        category: tuple[str, ...],
        no_category: bool,
        upstreams: tuple[str, ...],
        all_upstreams: bool,
        sso: bool | None,
        signature_service: bool | None,
        why: str,
        verbose: bool,
        config: Path,
        as_json: bool,
    ) -> None:
        """Change what you say about a peer. A repeatable option replaces what was said before."""
        said = SettingsPatch(
            dialect=KEEP if dialect is None else dialect,
            vouched_contexts=_list_or_none("--loa", loa, "--no-loa", no_loa),
            vouched_categories=_list_or_none("--category", category, "--no-category", no_category),
            allowed_upstreams=_upstreams(upstreams, all_upstreams),
            single_sign_on=KEEP if sso is None else sso,
            signature_service=KEEP if signature_service is None else signature_service,
        )
        if said == SettingsPatch():
            raise click.UsageError("nothing to set")
        opened = desk(settings_of(config))
        outcome = opened.set(entity_id, said, kind=PeerKind(kind) if kind else None, why=why)
        _finish(opened, outcome, as_json=as_json, verbose=verbose)

    return set_peer


def _block(desk: DeskOf) -> click.Command:
    @click.command("block")
    @click.argument("entity_id", metavar="ENTITYID")
    @click.option("--lift", is_flag=True, help="End the block.")
    @_why
    @config_option
    @json_option
    @report_errors
    def block(entity_id: str, lift: bool, why: str, config: Path, as_json: bool) -> None:
        """Take a peer out of use at once, whatever metadata come, until the block is lifted.

        No rollback lifts a block.
        """
        opened = desk(settings_of(config))
        _finish(opened, opened.block(entity_id, lift=lift, why=why), as_json=as_json, verbose=True)

    return block


def _remove(desk: DeskOf) -> click.Command:
    @click.command("remove")
    @click.argument("name", metavar="ENTITYID|SOURCE")
    @_role
    @click.option("--keys-withdrawn", is_flag=True, help="Its keys must never come back, not by a rollback either.")
    @_why
    @config_option
    @json_option
    @report_errors
    def remove(name: str, kind: str | None, keys_withdrawn: bool, why: str, config: Path, as_json: bool) -> None:
        """Remove a peer that was added by itself, or a whole federation by its name."""
        opened = desk(settings_of(config))
        role = PeerKind(kind) if kind else None
        outcome = opened.remove(name, kind=role, keys_withdrawn=keys_withdrawn, why=why)
        _finish(opened, outcome, as_json=as_json, verbose=True)

    return remove


def _history(desk: DeskOf) -> click.Command:
    @click.command("history")
    @click.option("--before", type=click.IntRange(min=1), metavar="VERSION", help="Only versions below this one.")
    @click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True)
    @config_option
    @json_option
    @report_errors
    def history(before: int | None, limit: int, config: Path, as_json: bool) -> None:
        """The versions: who, when, what, why. The newest first."""
        print_history(desk(settings_of(config)).history(before=before, limit=limit), as_json=as_json)

    return history


def _diff(desk: DeskOf) -> click.Command:
    @click.command("diff")
    @click.argument("version", required=False, type=click.IntRange(min=0))
    @click.option("--to", "after", type=click.IntRange(min=0), metavar="VERSION", help="Instead of the active one.")
    @click.option("--offset", type=click.IntRange(min=0), default=0)
    @click.option("--limit", type=click.IntRange(min=1), default=_ALL, show_default="all")
    @config_option
    @json_option
    @report_errors
    def diff(version: int | None, after: int | None, offset: int, limit: int, config: Path, as_json: bool) -> None:
        """What has changed from VERSION (else the one before) to the active version."""
        differences = desk(settings_of(config)).diff(version, after, offset=offset, limit=limit)
        print_differences(differences, as_json=as_json)

    return diff


def _rollback(desk: DeskOf) -> click.Command:
    @click.command("rollback")
    @click.argument("version", required=False, type=click.IntRange(min=0))
    @_why
    @config_option
    @json_option
    @report_errors
    def rollback(version: int | None, why: str, config: Path, as_json: bool) -> None:
        """Go back to VERSION (else the one before), by making a new version.

        validUntil and signers are judged as of now. A key that was withdrawn since does not come back, and a block
        stays.
        """
        opened = desk(settings_of(config))
        _finish(opened, opened.rollback(version, why), as_json=as_json, verbose=True)

    return rollback


def _finish(desk: MetadataDesk, outcome: Outcome, *, as_json: bool, verbose: bool) -> None:
    changed = outcome.after is not None
    differences = desk.diff(outcome.before, outcome.after, limit=_CHANGES_SHOWN) if changed else None
    print_outcome(outcome, differences, as_json=as_json, verbose=verbose)
    if outcome.refused:
        sys.exit(REFUSED)


def _list_or_none(name: str, values: tuple[str, ...], no_name: str, none: bool) -> tuple[str, ...] | Keep:
    if values and none:
        raise click.UsageError(f"{name} and {no_name} exclude each other")
    return values if values or none else KEEP


def _upstreams(upstreams: tuple[str, ...], everyone: bool) -> tuple[str, ...] | Keep | None:
    if upstreams and everyone:
        raise click.UsageError("--upstream and --all-upstreams exclude each other")
    return None if everyone else upstreams or KEEP
