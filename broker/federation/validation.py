"""The rules that metadata must follow to be used, and those that are worth a remark. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from broker.core.login import CategoryUri, ContextUri
from broker.flow.metadata_ports import Source
from broker.messages.entity import EntityRecord, PeerKey
from broker.messages.finding import Finding, found
from broker.messages.metadata import PeerKind, ReadDocument
from broker.vocabulary.categories import PRIVATE_SECTOR, PUBLIC_SECTOR, CategoryKind, kind_of
from broker.vocabulary.categories import ROWS as CATEGORY_ROWS
from broker.vocabulary.contexts import CONNECTOR_ONLY, CONTEXTS

_SOON = timedelta(days=2)
_DISTANT = timedelta(days=90)


class FederationChecks:
    """The checks of one installation; implements `flow.metadata_ports.MetadataChecks`."""

    def __init__(self, *, connectors: frozenset[str]) -> None:
        """`connectors` are the official eIDAS connectors, the only ones whose eIDAS levels count."""
        self._connectors = connectors

    def document(self, document: ReadDocument, *, federation: bool, now: datetime) -> tuple[Finding, ...]:
        """What is wrong with the form or the time of a whole document."""
        return tuple(_document_findings(document, federation, now))

    def source(self, source: Source, now: datetime) -> tuple[Finding, ...]:
        """What is wrong with the time of a federation in force."""
        moment = f"{source.valid_until:%Y-%m-%d %H:%M:%S} UTC"
        if source.valid_until <= now:
            return (found("source-expired", source=source.name, valid_until=moment),)
        if source.valid_until - now < _SOON:
            return (found("source-expires-soon", source=source.name, valid_until=moment),)
        return ()

    def peer(self, record: EntityRecord, kind: PeerKind, now: datetime) -> tuple[Finding, ...]:
        """What is wrong, or worth knowing, about one peer."""
        rules = _e_service_findings(record) if kind is PeerKind.E_SERVICE else self._upstream_findings(record)
        return (*_common_findings(record, now), *rules)

    def _upstream_findings(self, record: EntityRecord) -> Iterator[Finding]:
        entity_id = record.entity_id
        if not record.assurance:
            yield found("assurance-missing", entity_id=entity_id)
        for uri in record.assurance:
            row = CONTEXTS.get(ContextUri(uri))
            if row is None:
                yield found("assurance-unknown", entity_id=entity_id, uri=uri)
            elif row.uri in CONNECTOR_ONLY and entity_id not in self._connectors:
                yield found("assurance-reserved", entity_id=entity_id, uri=uri)
        for category, companion in _NAME_COMPANIONS.items():
            if category in record.categories and companion not in record.categories:
                yield found("category-name-set-missing", entity_id=entity_id, category=category, companion=companion)


def _document_findings(document: ReadDocument, federation: bool, now: datetime) -> Iterator[Finding]:
    valid_until = document.valid_until
    if federation and valid_until is None:
        yield found("valid-until-missing")
    if valid_until is not None:
        moment = f"{valid_until:%Y-%m-%d %H:%M:%S} UTC"
        if valid_until <= now:
            yield found("expired", valid_until=moment)
        elif federation and valid_until - now < _SOON:
            yield found("expires-soon", valid_until=moment)
        elif federation and valid_until - now > _DISTANT:
            yield found("valid-until-distant", valid_until=moment)


def _common_findings(record: EntityRecord, now: datetime) -> Iterator[Finding]:
    entity_id = record.entity_id
    if record.valid_until is not None and record.valid_until <= now:
        yield found("entity-expired", entity_id=entity_id, valid_until=f"{record.valid_until:%Y-%m-%d %H:%M:%S} UTC")
    if not record.names:
        yield found("name-missing", entity_id=entity_id)
    elif "sv" not in record.names:
        yield found("name-missing-sv", entity_id=entity_id)
    if not record.logos:
        yield found("logo-missing", entity_id=entity_id)
    if not record.organization_names:
        yield found("organization-missing", entity_id=entity_id)
    if not any(contact.kind in ("support", "technical") for contact in record.contacts):
        yield found("contact-missing", entity_id=entity_id)
    for key in _keys(record):
        if key.not_after <= now:
            yield found(
                "key-certificate-expired",
                entity_id=entity_id,
                fingerprint=key.fingerprint[:16],
                not_after=f"{key.not_after:%Y-%m-%d}",
            )


def _e_service_findings(record: EntityRecord) -> Iterator[Finding]:
    kinds = {kind_of(CategoryUri(uri)) for uri in record.categories}
    if CategoryKind.SERVICE_ENTITY not in kinds:
        yield found("category-missing", entity_id=record.entity_id)
    elif len({PUBLIC_SECTOR, PRIVATE_SECTOR} & set(record.categories)) != 1:
        yield found("category-sector", entity_id=record.entity_id)


def _keys(record: EntityRecord) -> tuple[PeerKey, ...]:
    roles = [role for role in (record.sp, record.idp) if role is not None]
    keys = {key.fingerprint: key for role in roles for key in (*role.signing_keys, *role.encryption_keys)}
    return tuple(keys.values())


def _name_companions() -> dict[str, str]:
    """loaN-pnr and loaN-orgid → loaN-name, which an IdP that declares them declares too (connection rules 3.4)."""
    known = [row.uri for row in CATEGORY_ROWS]
    names = {uri.rpartition("/")[2]: uri for uri in known if uri.endswith("-name")}
    return {
        uri: names[companion]
        for uri in known
        if uri.endswith(("-pnr", "-orgid"))
        and (companion := uri.rpartition("/")[2].partition("-")[0] + "-name") in names
        and "uncertified" not in uri
    }


_NAME_COMPANIONS = _name_companions()
