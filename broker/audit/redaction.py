"""What may appear in the audit and in the log; everything else may not."""

import sys
import traceback
from collections.abc import Mapping, MutableMapping
from dataclasses import fields
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeAlias, get_args, get_type_hints

from broker.core.errors import BrokerError
from broker.flow.events import AuditEvent

Plain: TypeAlias = str | int | bool | list[str] | None

_DECLARABLE: Mapping[object, type] = {str: str, int: int, bool: bool, datetime: datetime, tuple[str, ...]: tuple}

LOG_KEYS = frozenset(
    {
        # structlog's own
        "event",
        "level",
        "timestamp",
        "logger",
        "exception",
        # one login
        "reference",
        "login_id",
        "e_service",
        "upstream",
        "dialect",
        "code",
        "detail",
        "upstream_status",
        "asked",
        "accepted",
        "delivered",
        "asserted",
        "country",
        "offers",
        # one HTTP request
        "method",
        "route",
        "status",
        "duration_ms",
        "client_address",
        # the process, its keys, metadata and stores
        "node",
        "pid",
        "version",
        "environment",
        "bind",
        "workers",
        "key_id",
        "source",
        "entity_id",
        "metadata_version",
        "findings",
        "problems",
        "problem",
        "chain",
        "seq",
        "hash",
    }
)


class EventFields:
    """Turns audit events into plain data, and nothing else into anything.

    Only the declared classes, only their declared fields, only fields of the types that hold no structure: an event
    cannot smuggle a person, an assertion or a mapping of attributes into the audit.
    """

    def __init__(self) -> None:
        self._by_class: dict[type, tuple[tuple[str, type, bool], ...]] = {
            kind: tuple(_declared(kind)) for kind in get_args(AuditEvent)
        }

    def plain(self, event: AuditEvent) -> dict[str, Plain]:
        """The fields of `event`, with `kind`. Raises TypeError, naming the field and never its value."""
        declared = self._by_class.get(type(event))
        if declared is None:
            raise TypeError(f"{type(event).__name__} is not an audit event")
        found: dict[str, Plain] = {"kind": type(event).__name__}
        for name, expected, optional in declared:
            value: object = getattr(event, name)
            if value is None and optional:
                found[name] = None
                continue
            if type(value) is not expected:
                raise TypeError(f"{type(event).__name__}.{name} is not of its declared type")
            match value:
                case datetime():
                    found[name] = written_time(value)
                case tuple():
                    if any(type(item) is not str for item in value):
                        raise TypeError(f"{type(event).__name__}.{name} holds something else than text")
                    found[name] = list(value)
                case str() | int():
                    found[name] = value
        return found


def written_time(moment: datetime) -> str:
    """UTC with microseconds. Raises TypeError for a time without zone."""
    if moment.tzinfo is None:
        raise TypeError("a time in the audit must carry a time zone")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def keep_allowed_keys(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor, to stand right before the renderer: what is not on the list is dropped.

    Exceptions become the names of their types and the lines they passed; only our own errors may also speak, because
    the message of any other may quote what it choked on.
    """
    error = _error_of(entry.get("exc_info"))
    kept: dict[str, Any] = {key: value for key, value in entry.items() if key in LOG_KEYS and _is_plain(value)}
    kept.pop("exception", None)
    if error is not None:
        kept["exception"] = _told(error)
    return kept


def _declared(kind: type) -> list[tuple[str, type, bool]]:
    hints = get_type_hints(kind)
    found = []
    for field in fields(kind):
        hint = hints[field.name]
        optional = type(None) in get_args(hint)
        options = [option for option in get_args(hint) if option is not type(None)] if optional else [hint]
        if len(options) != 1 or options[0] not in _DECLARABLE:
            raise TypeError(f"{kind.__name__}.{field.name} is declared with a type that the audit does not take")
        found.append((field.name, _DECLARABLE[options[0]], optional))
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(isinstance(item, (str, int)) for item in value)
    return value is None or isinstance(value, (str, int, float))


def _error_of(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return next((item for item in exc_info if isinstance(item, BaseException)), None)
    return sys.exc_info()[1] if exc_info else None


def _told(error: BaseException) -> list[str]:
    found: list[str] = []
    shown: BaseException | None = error
    while shown is not None and len(found) < 200:
        found.append(
            f"{type(shown).__name__}: {shown.detail}" if isinstance(shown, BrokerError) else type(shown).__name__
        )
        found.extend(_passed(shown.__traceback__))
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)
    return found


def _passed(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
