import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast, get_args

import pytest
import structlog
from support.audit_events import make_acted, make_answered, make_asked, make_concluded, make_requested
from support.store_values import CIVIC_NUMBER, PERSONAL, SURNAME

from broker.audit.redaction import EventFields, keep_allowed_keys
from broker.core.errors import AssertionUnacceptable
from broker.flow.events import AuditEvent

EVENTS = [make_requested(), make_asked(), make_answered(), make_concluded(), make_acted()]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_has_a_plain_form_with_exactly_its_fields(event: AuditEvent) -> None:
    plain = EventFields().plain(event)
    assert set(plain) == {"kind", *type(event).__dataclass_fields__}
    assert json.loads(json.dumps(plain)) == plain


def test_every_event_class_is_covered() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(AuditEvent))


@pytest.mark.parametrize(
    "changes",
    [
        {"detail": {"value": CIVIC_NUMBER}},
        {"detail": None},
        {"detail": b"bytes"},
        {"released": [CIVIC_NUMBER]},
        {"released": ({"mail": SURNAME},)},
        {"released": (1,)},
        {"at": "2026-03-01"},
        {"at": datetime(2026, 3, 1)},  # noqa: DTZ001
        {"at_upstream_ms": True},
        {"at_upstream_ms": 1.5},
        {"country": 46},
    ],
    ids=str,
)
def test_a_value_of_another_type_than_declared_is_refused_without_repeating_it(changes: dict[str, Any]) -> None:
    event = replace(make_answered(), **changes)
    with pytest.raises(TypeError) as refused:
        EventFields().plain(event)
    assert not [value for value in PERSONAL if value in str(refused.value)]


def test_an_event_may_not_declare_a_field_with_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Careless:
        at: datetime
        attributes: Mapping[str, str]

    monkeypatch.setattr("broker.audit.redaction.AuditEvent", Careless | type(make_acted()))
    with pytest.raises(TypeError, match=r"Careless\.attributes"):
        EventFields()


def kept(**entry: Any) -> dict[str, Any]:
    return dict(keep_allowed_keys(None, "info", entry))


def test_what_is_not_on_the_list_is_dropped() -> None:
    assert kept(event="granted", reference="ABCD", code="granted", personnummer=CIVIC_NUMBER, relay_state="x") == {
        "event": "granted",
        "reference": "ABCD",
        "code": "granted",
    }


@pytest.mark.parametrize("value", [{"pnr": CIVIC_NUMBER}, object(), b"bytes", ({"a": 1},), {CIVIC_NUMBER}])
def test_structure_is_dropped_even_under_an_allowed_key(value: object) -> None:
    assert kept(event="x", detail=value) == {"event": "x"}


def test_lists_of_names_may_stay() -> None:
    assert kept(asked=("a", "b"), problems=["c"]) == {"asked": ("a", "b"), "problems": ["c"]}


def fail_with_a_value() -> None:
    int(f"civic number {CIVIC_NUMBER}")


def test_a_stack_is_told_without_what_it_says() -> None:
    try:
        fail_with_a_value()
    except ValueError:
        told = kept(event="failed", exc_info=True)
    assert set(told) == {"event", "exception"}
    assert told["exception"][0] == "ValueError"
    assert any("fail_with_a_value" in line for line in told["exception"])
    assert CIVIC_NUMBER not in json.dumps(told)


def test_our_own_errors_may_speak_and_their_causes_may_not() -> None:
    try:
        try:
            fail_with_a_value()
        except ValueError as cause:
            raise AssertionUnacceptable("audience") from cause
    except AssertionUnacceptable as error:
        for exc_info in (error, sys.exc_info()):
            told = kept(exc_info=exc_info)["exception"]
            assert told[0] == "AssertionUnacceptable: audience"
            assert "ValueError" in told
            assert CIVIC_NUMBER not in json.dumps(told)


def test_an_exception_already_turned_into_text_is_dropped() -> None:
    assert kept(event="x", exception=f"ValueError: {CIVIC_NUMBER}") == {"event": "x"}


def test_no_exception_is_none() -> None:
    assert kept(event="x", exc_info=False) == {"event": "x"}
    assert kept(event="x", exc_info=None) == {"event": "x"}


def test_a_whole_logger_writes_no_personal_value() -> None:
    out = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[structlog.processors.add_log_level, keep_allowed_keys, structlog.processors.JSONRenderer()],
    ).bind(reference="ABCD", attributes={"sn": SURNAME}, name_id=PERSONAL[3])
    logger.warning("refused", code="x", values=PERSONAL, body="<xml/>")
    try:
        fail_with_a_value()
    except ValueError:
        logger.exception("failed", person=cast(Any, object()))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["refused", "failed"]
    assert not [value for value in PERSONAL if value in out.getvalue()]
