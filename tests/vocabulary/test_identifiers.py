"""Country aliases, formats."""

import pytest

from broker.core.login import NameIdKind
from broker.messages.inbound import Binding
from broker.vocabulary import identifiers as i

ALIAS = "http://id.swedenconnect.se/eidas/1.0/proxy-service/"


@pytest.mark.parametrize(
    ("provider", "country"),
    [
        pytest.param(f"{ALIAS}no", "NO", id="a country"),
        pytest.param(f"{ALIAS.upper()}No", "NO", id="in any case"),
        pytest.param(f"{ALIAS}el", "GR", id="Greece by its eIDAS name"),
        pytest.param(f"{ALIAS}uk", "GB", id="the United Kingdom by its eIDAS name"),
        pytest.param(f"{ALIAS}nor", None, id="three letters"),
        pytest.param(f"{ALIAS}n1", None, id="a digit"),
        pytest.param(f"{ALIAS}åå", None, id="letters outside ASCII"),
        pytest.param(ALIAS, None, id="no country"),
        pytest.param("http://id.swedenconnect.se/eidas/1.0/connector/no", None, id="a connector"),
        pytest.param("https://idp.example.se", None, id="an entityID"),
    ],
)
def test_a_country_alias_is_recognised(provider: str, country: str | None) -> None:
    assert i.country_of_alias(provider) == country


def test_a_country_has_its_alias() -> None:
    assert i.country_alias("NO") == f"{ALIAS}no"
    assert i.country_of_alias(i.country_alias("FI")) == "FI"


def test_every_kind_of_name_id_has_its_format() -> None:
    assert set(i.NAME_ID_FORMATS) == set(NameIdKind)
    assert next(iter(i.NAME_ID_FORMATS)) is NameIdKind.PERSISTENT


def test_bindings_are_those_of_the_messages() -> None:
    assert {i.BINDING_POST, i.BINDING_REDIRECT} == {binding.value for binding in Binding}
