"""Metadata as stored: JSON bodies, and the columns that lists are sorted and searched by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from broker.flow.metadata_ports import PeerSettings, Quarantined, Source
from broker.messages.entity import EntityRecord
from broker.vocabulary.collation import swedish_order
from broker.vocabulary.languages import DEFAULT_LANGUAGE, best_text

_LONGEST_KEY = 200  # octets: an index has its limits, and names their novelists


class MetadataCodec:
    """Data ↔ JSON. Building the adapters takes a few milliseconds, so a store keeps one."""

    def __init__(self) -> None:
        self._record: TypeAdapter[EntityRecord] = TypeAdapter(EntityRecord)
        self._settings: TypeAdapter[PeerSettings] = TypeAdapter(PeerSettings)
        self._source: TypeAdapter[Source] = TypeAdapter(Source)
        self._quarantined: TypeAdapter[tuple[Quarantined, ...]] = TypeAdapter(tuple[Quarantined, ...])

    def write_record(self, record: EntityRecord) -> tuple[str, str]:
        """The content id and the body of `record`; its validUntil is kept beside, as it may change every day."""
        body = self._record.dump_json(replace(record, valid_until=None))
        return hashlib.sha256(body).hexdigest(), body.decode()

    def read_record(self, body: str, valid_until: datetime | None) -> EntityRecord:
        """The record in `body`, with its validUntil."""
        return replace(self._record.validate_json(body), valid_until=valid_until)

    def write_settings(self, settings: PeerSettings) -> str:
        """The body of `settings`: only what differs from the default, so that equal settings are equal text."""
        plain = self._settings.dump_python(settings, mode="json", exclude_defaults=True)
        return _compact(plain)

    def read_settings(self, body: str | None) -> PeerSettings | None:
        """The settings in `body`."""
        return None if body is None else self._settings.validate_json(body)

    def write_source(self, source: Source) -> str:
        """The body of `source`."""
        return _compact(self._source.dump_python(source, mode="json"))

    def read_source(self, body: str) -> Source:
        """The source in `body`."""
        return self._source.validate_json(body)

    def write_quarantined(self, quarantined: tuple[Quarantined, ...]) -> str:
        """The body of a list of quarantined entities."""
        return _compact(self._quarantined.dump_python(quarantined, mode="json"))

    def read_quarantined(self, body: str) -> tuple[Quarantined, ...]:
        """The quarantined entities in `body`."""
        return self._quarantined.validate_json(body)


def shown_name(names: Mapping[str, str], entity_id: str) -> str:
    """The name that a list shows: Swedish, else English, else any, else the entityID."""
    return best_text(names, DEFAULT_LANGUAGE) or entity_id


def sort_key(name: str) -> bytes:
    """A key whose octets sort in Swedish order; octets, because text is compared as the database's locale likes."""
    return swedish_order(name).encode()[:_LONGEST_KEY]


def search_text(names: Mapping[str, str], entity_id: str) -> str:
    """What a search looks at."""
    return " ".join(dict.fromkeys((*names.values(), entity_id))).casefold()


def _compact(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
