"""The production server: gunicorn, driven from here, so that one command and one settings file are enough."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """Builds the application in each worker, after the fork: connections and keys belong to one process."""

    def __init__(self, build: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._build = build
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn; its own files and environment variables are not read."""
        for key, value in self._options.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:
        """The application of one worker."""
        return self._build()


def run_server(build: Callable[[], Flask], *, bind: str, workers: int, threads: int) -> None:
    """Serve until SIGTERM; requests in progress then have 30 s to finish."""
    Server(
        build,
        {
            "bind": bind,
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "timeout": 30,
            "graceful_timeout": 30,
            "keepalive": 5,
            "limit_request_line": 8190,  # a Redirect request with its signature is some 3 kB
            "limit_request_fields": 64,
            "accesslog": None,  # query strings carry SAML messages and RelayState; our own log has no personal value
            "errorlog": None,  # its words may quote a request: the process's own log decides what of them is kept
            "loglevel": "warning",
            "proc_name": "broker",
            "control_socket_disable": True,
        },
    ).run()
