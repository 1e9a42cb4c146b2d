"""Runs a server until it is told to stop."""

from __future__ import annotations

import signal
import socket
import types
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import LOGGING_CONFIG

from roborefer.errors import InputError
from roborefer.images import one_line
from roborefer.serving.connections import timed_protocol
from roborefer.serving.limits import is_loopback
from roborefer.serving.observing import LOG_NAME
from roborefer.serving.settings import ServerSettings

_WAITING_CONNECTIONS = 1024


def check_openness(settings: ServerSettings) -> None:
    """Refuse to listen beyond this machine without a key, unless the user insists.

    Raises:
        InputError: It would.
    """
    if not (is_loopback(settings.host) or settings.api_keys or settings.allow_open):
        raise InputError(
            f"expected an API key to listen on {settings.host}, which other machines reach, got none: give "
            "--api-key-file or ROBOREFER_API_KEY, or --insecure-open to let everybody in"
        )


def bind(settings: ServerSettings) -> socket.socket:
    """A socket at the server's address, before the model is loaded; nobody can connect yet.

    Raises:
        InputError: The address is taken, or not this machine's.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # IPv4 first: "localhost" may mean both, and clients try it.
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InputError(f"cannot listen on {settings.host} ({one_line(error)}): name another --host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {settings.host}:{settings.port} ({one_line(error)}): name another --port or --host"
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """What a browser on this machine opens."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def server_config(app: ASGIApp, settings: ServerSettings, *, log_requests: bool = False) -> uvicorn.Config:
    """How uvicorn serves an application; arguments as of :func:`run`."""
    return uvicorn.Config(
        app,
        http=timed_protocol(settings.body_seconds),
        ws="none",
        lifespan="on",
        log_level="info" if log_requests else "warning",
        log_config=_log_config(log_requests),
        access_log=False,  # its lines have neither the request's id nor its time
        server_header=False,
        backlog=_WAITING_CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )


def _log_config(log_requests: bool) -> dict[str, Any]:
    """uvicorn's, with our lines about requests beside it, on stdout."""
    line = {"format": "%(message)s"}
    handler = {"class": "logging.StreamHandler", "formatter": "requests", "stream": "ext://sys.stdout"}
    logger = {"handlers": ["requests"], "level": "INFO" if log_requests else "WARNING", "propagate": False}
    return {
        **LOGGING_CONFIG,
        "formatters": {**LOGGING_CONFIG["formatters"], "requests": line},
        "handlers": {**LOGGING_CONFIG["handlers"], "requests": handler},
        "loggers": {**LOGGING_CONFIG["loggers"], LOG_NAME: logger},
    }


def run(
    app: ASGIApp,
    listener: socket.socket,
    settings: ServerSettings,
    *,
    on_start: Callable[[], None],
    log_requests: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; then take no more connections, answer what is in flight, and return.

    Args:
        app: As :func:`roborefer.serving.app.create_app` makes it.
        listener: From :func:`bind`.
        settings: Times.
        on_start: Called once requests are answered.
        log_requests: Write a line for every request to stdout: who, what, status, milliseconds and id.
    """
    config = server_config(app, settings, log_requests=log_requests)
    # uvicorn raises the signal again once it has stopped; the stop was all that was asked for.
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _Server(config, on_start).run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    """Tells when it has started."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()


def _ignore(_: int, __: types.FrameType | None) -> None:
    pass
