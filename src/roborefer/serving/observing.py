"""What is noted of every request: an id that the reply and the log share, its status and its time."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roborefer.serving.metrics import Metrics

REQUEST_ID = "x-request-id"
LOG_NAME = "roborefer.requests"
"""The logger that has a line for every request, at the level INFO."""

_log = logging.getLogger(LOG_NAME)

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROTOCOLS = {
    "/v1/chat/completions": "openai",
    "/v1/models": "openai",
    "/v1/query": "moondream",
    "/v1/point": "point",
    "/query": "published",
}
CALLER_LEFT = 499
"""The status of a request whose caller left: nginx's word for it; nobody receives it."""

OUTCOME = "outcome"
"""Where a request's state has the status that a stream ended with, if not with the one that it began with."""


class Observing:
    """ASGI middleware that names each request and counts it.

    Args:
        app: What is behind it.
        metrics: Where it counts.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        known_as = _request_id(Headers(scope=scope).get(REQUEST_ID, ""))
        scope.setdefault("state", {})["request_id"] = known_as
        status = CALLER_LEFT

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = [(REQUEST_ID.encode(), known_as.encode()), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": [*message.get("headers", []), *added]}
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - started
            # A stream's status goes out before it is known how it ends.
            status = scope["state"].get(OUTCOME, status)
            self._metrics.request(_PROTOCOLS.get(scope["path"], "other"), status, seconds)
            # The path is quoted: a line break in it would begin another line.
            asked = f"{scope['method']} {quote(scope['path'])}"
            _log.info("%s %s %d %.1f ms %s", _address(scope), asked, status, seconds * 1e3, known_as)


def _request_id(asked: str) -> str:
    """The caller's own id, where it is one that can stand in a header and a log; a new one otherwise."""
    return asked if _USABLE_ID.fullmatch(asked) else uuid.uuid4().hex


def _address(scope: Scope) -> str:
    client: Sequence[object] | None = scope.get("client")
    return "-" if client is None else f"{client[0]}:{client[1]}"
