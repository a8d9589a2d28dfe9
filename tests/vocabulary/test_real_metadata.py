"""What the real federation declares is in our tables."""

import re
from pathlib import Path

import pytest

from broker.core.login import CategoryUri, ContextUri
from broker.vocabulary.categories import CategoryKind, kind_of
from broker.vocabulary.contexts import CONTEXTS

AGGREGATE = "metadata/derived/prod-role-idp_2022-08-16_restored.xml"


@pytest.fixture(scope="module")
def declared(shared_data: Path) -> frozenset[str]:
    """Every attribute value of the production aggregate; a regular expression will do for a trusted test file."""
    text = (shared_data / AGGREGATE).read_text(encoding="utf-8")
    return frozenset(value.strip() for value in re.findall(r"AttributeValue[^>]*>([^<]+)<", text))


def test_every_level_of_the_production_federation_is_known(declared: frozenset[str]) -> None:
    levels = {uri for uri in declared if "/loa/1.0/" in uri}
    assert len(levels) > 10
    assert {ContextUri(uri) for uri in levels} <= CONTEXTS.keys()


def test_every_category_of_the_production_federation_has_a_kind(declared: frozenset[str]) -> None:
    categories = {CategoryUri(uri) for uri in declared if uri.startswith("http://id.") and "/loa/" not in uri}
    kinds = {kind_of(uri) for uri in categories}
    assert {CategoryKind.SERVICE_ENTITY, CategoryKind.SERVICE_PROPERTY, CategoryKind.SERVICE_CONTRACT} <= kinds
    assert CategoryKind.OTHER not in kinds
