"""The tables that the policies of core/ work with, taken from the vocabulary."""

from collections.abc import Iterable

from broker.core.discovery import MatchTables
from broker.core.login import CategoryUri
from broker.core.person import AttributeKey
from broker.core.release import ReleaseTables
from broker.core.subject import MAPPED_PNR, PNR
from broker.vocabulary import attributes as a
from broker.vocabulary import categories as c
from broker.vocabulary.attribute_sets import EIDAS_NATURAL_PERSON, AttributeSet
from broker.vocabulary.attributes import Catalogue
from broker.vocabulary.contexts import NONRESIDENT
from broker.vocabulary.identifiers import country_of_alias
from broker.vocabulary.values import is_coordination_number


def match_tables(own_contracts: Iterable[str] = ()) -> MatchTables:
    """For `decide_offers`. `own_contracts`: service contract categories of the operator's own signed agreements.

    They count for every e-service of a hub, which is the signatory's own; a published broker passes none, since
    there each e-service declares its own.
    """
    return MatchTables(
        is_service_entity=lambda uri: c.kind_of(uri) is c.CategoryKind.SERVICE_ENTITY,
        is_service_property=lambda uri: c.kind_of(uri) is c.CategoryKind.SERVICE_PROPERTY,
        is_service_contract=lambda uri: c.kind_of(uri) is c.CategoryKind.SERVICE_CONTRACT,
        equivalents=c.EQUIVALENTS,
        # Every IdP sends transaction data, whatever its categories.
        attributes={
            row.uri: frozenset((*row.attributes.keys, *_made_from(row.attributes))) - {a.TRANSACTION}
            for row in c.ROWS
            if row.attributes is not None
        },
        country_of=country_of_alias,
        own_contracts=frozenset(map(CategoryUri, own_contracts)),
    )


def release_tables(catalogue: Catalogue, scopes: Iterable[str] | None = None) -> ReleaseTables:
    """For `decide_release`. `scopes`: the shibmd:Scope values that our IdP side publishes; None: not limited."""
    return ReleaseTables(
        attributes={row.uri: row.attributes.keys for row in c.ROWS if row.attributes is not None},
        transaction=frozenset(row.key for row in catalogue.rows if not row.identifies),
        # A SAD names its addressee and its level, and we change the level (Signature Activation Protocol 3.2.3).
        never=frozenset({a.SAD}),
        numbers=frozenset({PNR, a.PREVIOUS_PNR, MAPPED_PNR}),
        nonresident=NONRESIDENT,
        accepts_coordination_number=c.ACCEPTS_COORDINATION_NUMBER,
        is_coordination_number=is_coordination_number,
        binding=a.PNR_BINDING,
        scoped=frozenset(row.key for row in catalogue.rows if row.scoped),
        scopes=None if scopes is None else frozenset(scopes),
    )


def _made_from(attributes: AttributeSet) -> tuple[AttributeKey, ...]:
    """What we make ourselves of such a set: the eIDAS one has no displayName, and its names give one."""
    return (a.DISPLAY_NAME,) if attributes is EIDAS_NATURAL_PERSON else ()
