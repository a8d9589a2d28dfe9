"""`broker explain`: ask the policy without logging anyone in."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from broker.cli.options import REFUSED, config_option, json_option, print_json, report_errors, settings_of
from broker.config.settings import Settings
from broker.core.login import ContextUri, WantedAttribute
from broker.core.ports import Clock
from broker.core.release import releasable
from broker.flow.policy import Policy
from broker.flow.ports import Directory, EServicePeer
from broker.vocabulary.attributes import Catalogue


def explain_command(
    clock: Clock,
    directory: Callable[[Settings], Directory],
    policy: Callable[[Settings], Policy],
    catalogue: Callable[[Settings], Catalogue],
) -> click.Command:
    """The verb."""

    @click.command("explain")
    @config_option
    @json_option
    @click.option("--e-service", "e_service_id", required=True, metavar="ENTITYID")
    @click.option("--upstream", "upstream_id", metavar="ENTITYID", help="Only this one.")
    @click.option("--loa", "asked", multiple=True, metavar="URI", help="What the e-service would ask; repeatable.")
    @report_errors
    def explain(
        config: Path, as_json: bool, e_service_id: str, upstream_id: str | None, asked: tuple[str, ...]
    ) -> None:
        """Say which offers, levels and attributes an e-service would get, and why not the others."""
        settings = settings_of(config)
        found, rules, now = directory(settings), policy(settings), clock.now()
        peer = found.find_e_service(e_service_id, now)
        if peer is None:
            click.echo(f"unknown-e-service: {e_service_id} is no active e-service; see: broker metadata list", err=True)
            sys.exit(REFUSED)
        upstreams = found.upstreams(now)
        if upstream_id is not None:
            upstreams = tuple(upstream for upstream in upstreams if upstream.entity_id == upstream_id)
            if not upstreams:
                click.echo(f"{upstream_id} is no active upstream; see: broker metadata list", err=True)
                sys.exit(REFUSED)
        accepted = rules.accepted(tuple(ContextUri(uri) for uri in asked), peer.policy)
        known = catalogue(settings)
        wanted = _default_wanted(peer, known)
        choice = rules.offers(e_service=peer.policy, accepted=accepted, idp_list=(), wanted=wanted, upstreams=upstreams)
        report: dict[str, Any] = {
            "e_service": e_service_id,
            "accepted": list(accepted),
            "offers": [
                {
                    "upstream": offer.upstream.entity_id,
                    "asked": list(offer.contexts),
                    "asserted": {uri: _asserted(rules, uri, accepted) for uri in offer.contexts},
                }
                for offer in choice.offers
            ],
            "excluded": [
                {"upstream": out.upstream.entity_id, "reason": out.reason.value, "detail": out.detail}
                for out in choice.excluded
            ],
            "attributes": [
                {
                    "attribute": known.get(released.key).friendly,
                    "name": known.get(released.key).name,
                    "rule": released.rule,
                }
                for released in releasable(e_service=peer.policy, wanted=wanted, tables=rules.release)
            ],
        }
        if as_json:
            print_json(report)
        else:
            _print(report)
        if not choice.offers:
            sys.exit(REFUSED)

    return explain


def _asserted(rules: Policy, delivered: ContextUri, accepted: tuple[ContextUri, ...]) -> str:
    assertable = rules.rules.get(delivered, ())
    return next((uri for uri in accepted if uri in assertable), "")


def _default_wanted(peer: EServicePeer, catalogue: Catalogue) -> tuple[WantedAttribute, ...]:
    services = peer.record.sp.attribute_services if peer.record.sp else ()
    chosen = next((s for s in services if s.is_default), min(services, key=lambda s: s.index, default=None))
    if chosen is None:
        return ()
    rows = ((catalogue.find_by_name(attribute.name), attribute.required) for attribute in chosen.requested)
    return tuple(WantedAttribute(key=row.key, required=required) for row, required in rows if row is not None)


def _print(report: dict[str, Any]) -> None:
    click.echo(f"E-service {report['e_service']}")
    click.echo("Accepted levels:")
    for uri in report["accepted"]:
        click.echo(f"  {uri}")
    click.echo("Offered:")
    for offer in report["offers"]:
        click.echo(f"  {offer['upstream']}")
        for asked, asserted in offer["asserted"].items():
            click.echo(f"    {asked} -> {asserted}")
    if not report["offers"]:
        click.echo("  nobody")
    click.echo("Not offered:")
    for out in report["excluded"]:
        click.echo(f"  {out['upstream']}: {out['reason']} ({out['detail']})")
    click.echo("Attributes released when delivered:")
    for attribute in report["attributes"]:
        click.echo(f"  {attribute['attribute']}: {attribute['rule']}")
