"""A real server on a free port of this machine, and what is sent to it."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import uvicorn

from roborefer.serving.app import create_app
from roborefer.serving.running import address_of, bind, server_config
from roborefer.serving.settings import ServerSettings

STARTS_WITHIN_S = 30.0


@contextmanager
def running(predictor: Any, *, log_requests: bool = False, **changes: Any) -> Iterator[str]:
    """The address of a server that runs meanwhile.

    Args:
        predictor: Real, or a stub.
        log_requests: As of :func:`roborefer.serving.running.run`.
        changes: Settings other than the default.
    """
    settings = replace(ServerSettings(port=0), **changes)
    listener = bind(settings)
    server = uvicorn.Server(server_config(create_app(predictor, settings), settings, log_requests=log_requests))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def data_uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64_of(content)}"


def events_of(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """(name, data) of each server-sent event; the name is empty where it has none."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, line.removeprefix("data: ")
            name = ""
