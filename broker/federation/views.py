"""A stored peer as policy sees it: what its metadata declare and what an administrator said, together. Pure."""

from broker.core.login import CategoryUri, ContextUri, EntityId
from broker.core.parties import EService, Upstream
from broker.flow.metadata_ports import ADMINISTRATOR, DEFAULT_DIALECT, Source, StoredPeer
from broker.messages.entity import EntityRecord
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.categories import HIDE_FROM_DISCOVERY, SIGNATURE_SERVICE, CategoryKind, kind_of
from broker.vocabulary.contexts import REVIEWED


def e_service_view(peer: StoredPeer) -> EService:
    """The e-service of a peer with an SP role."""
    record, settings = peer.record, peer.settings
    categories = frozenset(map(CategoryUri, (*record.categories, *_vouched(peer, settings.vouched_categories))))
    allowed = settings.allowed_upstreams
    return EService(
        entity_id=EntityId(peer.entity_id),
        names=record.names or record.organization_names or {"sv": peer.entity_id},
        logos=record.logos,
        information_urls=record.information_urls,
        support_contact=_contact(record),
        categories=categories,
        from_feed=peer.source != ADMINISTRATOR,
        allowed_upstreams=None if allowed is None else frozenset(map(EntityId, allowed)),
        single_sign_on=settings.single_sign_on,
        signature_service=(
            SIGNATURE_SERVICE in categories if settings.signature_service is None else settings.signature_service
        ),
    )


def upstream_view(
    peer: StoredPeer,
    source: Source | None,
    *,
    connectors: frozenset[str],
    review_counts: bool,
    catalogue: Catalogue,
) -> Upstream:
    """The upstream of a peer with an IdP role. `source`: the federation it came with, if any.

    `review_counts` (a reviewed broker passes reviewed levels on as its own): the names of reviewed levels count only
    from an IdP that a federation publishes, where the operator has seen the review; not on an administrator's word.
    """
    record, settings = peer.record, peer.settings
    categories = frozenset(map(CategoryUri, (*record.categories, *_vouched(peer, settings.vouched_categories))))
    rows = (catalogue.find_by_name(name) for name in (record.idp.principal_selection if record.idp else ()))
    return Upstream(
        entity_id=EntityId(peer.entity_id),
        names=record.names or record.organization_names or {"sv": peer.entity_id},
        logos=record.logos,
        dialect=settings.dialect or (source.dialect if source else DEFAULT_DIALECT),
        contexts=frozenset(
            uri
            for uri in map(ContextUri, (*record.assurance, *_vouched(peer, settings.vouched_contexts)))
            if not (review_counts and source is None and uri in REVIEWED)
        ),
        categories=categories,
        categories_known=any(kind_of(uri) is CategoryKind.SERVICE_ENTITY for uri in categories),
        scopes=frozenset(record.idp.scopes if record.idp else ()),
        principal_selection=frozenset(row.key for row in rows if row is not None),
        eidas_connector=peer.entity_id in connectors,
        hidden=HIDE_FROM_DISCOVERY in categories,
    )


def _vouched(peer: StoredPeer, said: tuple[str, ...]) -> tuple[str, ...]:
    """What an administrator vouches for; for a federation's entity nobody but the federation does."""
    return said if peer.source == ADMINISTRATOR else ()


def _contact(record: EntityRecord) -> str | None:
    """How a citizen reaches the e-service: its support, else whoever it names."""
    order = {"support": 0, "technical": 1}
    for contact in sorted(record.contacts, key=lambda contact: order.get(contact.kind, 2)):
        for address in (*contact.emails, *contact.telephones):
            return address.removeprefix("mailto:")
    return None
