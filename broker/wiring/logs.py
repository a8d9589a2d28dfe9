"""Structured logs: one JSON line per milestone on standard error, with allowed fields only."""

import logging
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

import structlog

from broker.audit.redaction import keep_allowed_keys

SERVER = "gunicorn.error"
_REFUSED_HTTP = "Invalid request from"  # what follows quotes the request, and so perhaps a message or RelayState
_HARMLESS = re.compile(r"[A-Za-z][A-Za-z0-9]{0,19}")  # the name of a signal, a method or a class


def configure_logs(stream: TextIO = sys.stderr) -> None:
    """Call once per process, before anything logs."""
    structlog.configure(
        processors=log_processors(), logger_factory=lambda *_: Lines(stream), cache_logger_on_first_use=True
    )
    follow_libraries()


def log_processors() -> list[Any]:
    """From what the code says to a line without anything personal."""
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        keep_allowed_keys,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def follow_libraries() -> None:
    """What libraries log goes the same way. The server's logger keeps to itself, so it is followed by name."""
    for name in (None, SERVER):
        logger = logging.getLogger(name)
        logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, LibraryLines)]
        logger.addHandler(LibraryLines())


class Lines(structlog.PrintLogger):
    """Prints, and lets the work go on when that fails: on a full disk, or when who collects the lines has died.

    What must not be lost is in the audit, and there it stops the work.
    """

    def msg(self, message: str) -> None:
        """Print `message`."""
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


class LibraryLines(logging.Handler):
    """Lines of libraries, without what they were about: their words may quote a request, a value or a message.

    Of the server, whose words are known, the constant part is kept; of everybody else, which line of code it was.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Log it our way."""
        told = _words_of_server(record) if record.name == SERVER else f"{record.module}:{record.lineno}"
        log = structlog.get_logger("library")
        log.log(record.levelno, told, logger=record.name, exc_info=record.exc_info)


def _words_of_server(record: logging.LogRecord) -> str:
    words = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    if words.startswith(_REFUSED_HTTP):
        return _REFUSED_HTTP
    if not record.args:
        return words
    arguments: Iterable[object] = record.args if isinstance(record.args, tuple) else ()
    shown = tuple(_harmless(argument) for argument in arguments)
    try:
        return words % shown
    except (TypeError, ValueError):
        return words


def _harmless(argument: object) -> object:
    if isinstance(argument, int) or (isinstance(argument, str) and _HARMLESS.fullmatch(argument)):
        return argument
    return "…"
