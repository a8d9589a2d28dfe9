"""What is logged, by us and by libraries: one JSON line each, and nothing of what they quote."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
import structlog
from support.command_line import logs_in

from broker.core.errors import AssuranceNotMet
from broker.wiring.logs import SERVER, LibraryLines, Lines

NUMBER = "199001012385"


@pytest.fixture
def stream() -> Iterator[StringIO]:
    stream = StringIO()
    with logs_in(stream):
        yield stream


@contextmanager
def alone(name: str) -> Iterator[logging.Logger]:
    """The logger with our handler only, whatever other tests in this process have set up."""
    logger = logging.getLogger(name)
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [LibraryLines()], False
    try:
        yield logger
    finally:
        logger.handlers, logger.propagate = handlers, propagate


@pytest.fixture
def server() -> Iterator[logging.Logger]:
    with alone(SERVER) as logger:
        yield logger


def lines(stream: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_only_allowed_fields_are_printed(stream: StringIO) -> None:
    structlog.get_logger().info("something", code="x", pnr=NUMBER, person={"name": "Ylva"})
    (line,) = lines(stream)
    assert line.pop("timestamp")
    assert line == {"event": "something", "code": "x", "level": "info"}


def test_an_exception_is_its_type_and_place_and_only_our_own_speak(stream: StringIO) -> None:
    for failure in (ValueError(f"bad value {NUMBER}"), AssuranceNotMet("delivered less")):
        try:
            raise failure
        except Exception:
            structlog.get_logger().error("unexpected failure", exc_info=True)
    assert NUMBER not in stream.getvalue()
    first, second = (line["exception"] for line in lines(stream))
    assert first[0] == "ValueError"
    assert second[0] == "AssuranceNotMet: delivered less"


@pytest.mark.parametrize(
    ("message", "arguments", "told"),
    [
        pytest.param("WORKER TIMEOUT (pid:%s)", (4711,), "WORKER TIMEOUT (pid:4711)", id="a number"),
        pytest.param("Worker (pid:%s) was sent %s!", (7, "SIGKILL"), "Worker (pid:7) was sent SIGKILL!", id="a signal"),
        pytest.param(
            "Error handling request %s %s", ("GET", f"/?q={NUMBER}"), "Error handling request GET …", id="an address"
        ),
        pytest.param("Error handling request %s", (f"/{NUMBER}",), "Error handling request …", id="only an address"),
        pytest.param("Reason: %s", (ValueError(NUMBER),), "Reason: …", id="an exception"),
        pytest.param(f"Invalid request from ip=127.0.0.1: {NUMBER}", (), "Invalid request from", id="a quotation"),
        pytest.param(ValueError(NUMBER), (), "ValueError", id="an exception as message"),
    ],
)
def test_the_server_is_quoted_without_what_it_quotes(
    stream: StringIO, server: logging.Logger, message: Any, arguments: tuple[Any, ...], told: str
) -> None:
    server.error(message, *arguments)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == (told, "error", SERVER)
    assert NUMBER not in stream.getvalue()


def test_other_libraries_are_named_by_line_only(stream: StringIO) -> None:
    with alone("some.library") as logger:
        logger.warning("could not parse %s", NUMBER)
        logger.warning(f"could not parse {NUMBER}")
        logger.info("not worth a line")
    found = lines(stream)
    assert [line["logger"] for line in found] == ["some.library"] * 2
    assert all(line["event"].startswith("test_logs:") for line in found)
    assert NUMBER not in stream.getvalue()


def test_a_stream_that_fails_stops_nobody() -> None:
    class Full(StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    for level in ("debug", "info", "warning", "error", "critical", "exception", "msg"):
        getattr(Lines(Full()), level)("x")
