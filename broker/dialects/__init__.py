"""Dialects: how one kind of upstream says levels, attributes and identity. Pure translators of vocabulary, not of XML.

They share functions (`asking`, `reading`, `residence`), not base classes. A new one is a file here, and a line in
`DIALECTS`; the contract suite in the tests then runs on it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from broker.dialects.bankid import BankId
from broker.dialects.base import UpstreamDialect
from broker.dialects.freja import Freja
from broker.dialects.sweden_connect import SwedenConnect
from broker.vocabulary.attributes import Catalogue

DIALECTS: Mapping[str, Callable[[Catalogue], UpstreamDialect]] = MappingProxyType(
    {
        "sweden_connect": SwedenConnect,
        "bankid": BankId,
        "freja": Freja,
    }
)
"""Name, as `broker metadata --dialect` takes it -> what builds the dialect over a catalogue."""

DEFAULT_DIALECT = "sweden_connect"
