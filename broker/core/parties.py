"""Peers as policy sees them: what they are called, may do, and declared. No keys, no endpoints, no XML."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.core.login import CategoryUri, ContextUri, EntityId
from broker.core.person import AttributeKey

Texts = Mapping[str, str]
"""Language tag -> text, for example {"sv": "Bygglov", "en": "Building permits"}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """mdui:Logo. `url` is https:, or data: with an image type; checked at import."""

    url: str
    width: int
    height: int
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EService:
    """A downstream SP. Categories and choices are declared, or an administrator's word."""

    entity_id: EntityId
    names: Texts
    logos: tuple[Logo, ...]
    information_urls: Texts
    support_contact: str | None  # mailto address or telephone number of the support (else technical) contact
    categories: frozenset[CategoryUri]  # declared and vouched together
    from_feed: bool  # came with a federation aggregate, so no bilateral agreement is implied
    allowed_upstreams: frozenset[EntityId] | None  # None: all
    single_sign_on: bool
    signature_service: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An IdP, or foreign eIDAS node, that we may send the citizen to."""

    entity_id: EntityId
    names: Texts
    logos: tuple[Logo, ...]
    dialect: str
    contexts: frozenset[ContextUri]  # assurance-certification, or what the administrator vouched for
    categories: frozenset[CategoryUri]  # declared and vouched together
    categories_known: bool  # False: a stranger without any category; category matching does not exclude it
    scopes: frozenset[str]  # shibmd:Scope without regexp
    principal_selection: frozenset[AttributeKey]  # attributes it wants in PrincipalSelection
    eidas_connector: bool  # the configured official connector: the only one whose eidas-* levels count
    hidden: bool  # hide-from-discovery: offered only when the e-service names it
