"""Peers: the directory that serving workers read, and the desk that administrators use."""

from collections.abc import Iterator, Sequence

from broker.cli.parts import Remark
from broker.dialects import DIALECTS
from broker.federation.directory import ActiveDirectory
from broker.federation.validation import FederationChecks
from broker.flow.metadata_desk import MetadataDesk
from broker.flow.metadata_plans import DeskRules
from broker.messages.metadata import ReadDocument
from broker.saml.read_metadata import read_metadata
from broker.stores.sql_active_metadata import SqlActiveMetadata
from broker.stores.sql_metadata import SqlMetadata
from broker.wiring.actor import current_actor
from broker.wiring.opened import Opened
from broker.wiring.policies import build_catalogue


def build_directory(opened: Opened) -> ActiveDirectory:
    """The active peers. Raises StoreMismatch, StoreUnavailable."""
    part = opened.settings.broker
    return ActiveDirectory(
        SqlActiveMetadata(opened.durable),
        connectors=frozenset(part.eidas_connectors),
        own_entities=frozenset((part.idp, part.sp)),
        feed_e_services=frozenset(part.federation_e_services) if part.assurance == "hub" else None,
        review_counts=part.assurance == "reviewed",
        catalogue=build_catalogue(opened.settings),
    )


def build_metadata_desk(opened: Opened) -> MetadataDesk:
    """The metadata desk of whoever runs this process."""
    part = opened.settings.broker
    loopback_http = part.environment == "test"

    def read(data: bytes, signers: Sequence[bytes]) -> ReadDocument:
        return read_metadata(data, signers=signers, loopback_http=loopback_http)

    return MetadataDesk(
        store=SqlMetadata(opened.durable),
        read=read,
        checks=FederationChecks(connectors=frozenset(part.eidas_connectors)),
        rules=DeskRules(
            own_entities=frozenset((part.idp, part.sp)),
            own_idp=part.idp,
            hub=part.assurance == "hub",
            feed_e_services=frozenset(part.federation_e_services),
            dialects=frozenset(DIALECTS),
            connectors=frozenset(part.eidas_connectors),
        ),
        audit=opened.audit,
        clock=opened.clock,
        ids=opened.ids,
        actor=current_actor(),
    )


def metadata_remarks(opened: Opened) -> Iterator[Remark]:
    """What the desk remarks about the active version."""
    for finding in build_metadata_desk(opened).review():
        where = f"metadata/{finding.entity_id}" if finding.entity_id else "metadata"
        what = f"{finding.sentence('en')} {finding.fix('en')}"
        yield Remark(severity=finding.severity.value, where=where, what=what)
    if not build_directory(opened).upstreams(opened.clock.now()):
        yield Remark(severity="information", where="metadata", what="no active upstream yet: nobody can log in")
