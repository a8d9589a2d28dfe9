"""Structured logs: one JSON line per milestone on standard error, with allowed fields only."""

import sys

import structlog

from broker.audit.redaction import keep_allowed_keys


def configure_logs() -> None:
    """Call once per process, before anything logs."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            keep_allowed_keys,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
