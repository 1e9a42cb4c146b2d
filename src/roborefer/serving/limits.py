"""What is held against every request before a route sees it: who asks, and how long and how slow its body is.

Pure ASGI, so that nothing is buffered twice and a stream flows through untouched.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roborefer.serving.metrics import Metrics
from roborefer.serving.refusals import OutOfRoom, reason_of
from roborefer.serving.settings import ServerSettings
from roborefer.serving.wire_formats.failures import Failure, RequestRefused, failure_body

KEY_HEADERS = ("x-api-key", "x-moondream-auth")
# What a browser needs before it can ask for a key, and what a load balancer asks.
_OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json"})
_OPEN_FOLDERS = ("/page/", "/examples/")
# How long an answer that comes before the end of its request waits for that end. A connection that is closed while
# its caller still sends is reset, and the caller would not see the answer.
_LINGER_S = 2.0


class Limits:
    """ASGI middleware that refuses callers without a key and web pages of other sites, and meters bodies.

    Args:
        app: What is behind it.
        settings: Keys and limits.
        metrics: Where it counts requests that there is no room for.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app, self._settings = app, settings
        self._keys = [key.encode() for key in settings.api_keys]
        self._local_only = not (settings.api_keys or settings.allow_open) and is_loopback(settings.host)
        self._held = _Held(settings.most_body_bytes, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = sent_key(headers)
        scope.setdefault("state", {})["client"] = _client(scope, key if self._keys else None)
        failure = self._failure(scope, headers, key)
        body = _Body(receive, send, headers, self._settings, self._held)
        try:
            if failure is None:
                await self._app(scope, body.receive, body.send)
            else:
                await failure_response(failure, scope)(scope, body.receive, body.send)
        finally:
            body.release()

    def _failure(self, scope: Scope, headers: Headers, key: str | None) -> Failure | None:
        """Why a request is refused by its head alone."""
        if self._local_only and (failure := _foreign(headers, self._settings.allow_origins)) is not None:
            return failure
        if self._keys and not _is_open(scope) and (failure := self._key_failure(key)) is not None:
            return failure
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._settings.max_body_bytes:
            return too_long(self._settings.max_body_bytes)
        return None

    def _key_failure(self, key: str | None) -> Failure | None:
        headers = {"www-authenticate": "Bearer"}
        if key is None:
            return Failure(
                401,
                "missing_api_key",
                "expected an API key in the header Authorization (Bearer), X-API-Key or X-Moondream-Auth, got none: "
                "ask the server's owner for one",
                headers=headers,
            )
        sent = key.encode("utf-8", "surrogateescape")
        # All keys are compared, each in constant time, so that the time tells nothing about any of them.
        if not sum(hmac.compare_digest(sent, known) for known in self._keys):
            return Failure(
                401,
                "invalid_api_key",
                "expected one of the server's API keys, got another: ask its owner for one",
                headers=headers,
            )
        return None


class _Held:
    """Bytes of bodies that are in memory."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self.most, self.now = most, 0
        self._metrics = metrics

    def check(self) -> None:
        """Refuse the request that was one too many.

        Raises:
            OutOfRoom: They are more than they may be.
        """
        if self.now > self.most:
            error = OutOfRoom(1.0, self.most)
            self._metrics.refused.labels(reason_of(error)).inc()
            raise error


class _Body:
    """A request's body on its way in, and the answer on its way out."""

    def __init__(self, receive: Receive, send: Send, headers: Headers, settings: ServerSettings, held: _Held) -> None:
        self._receive, self._send = receive, send
        self._settings, self._held = settings, held
        self._deadline = time.monotonic() + settings.body_seconds
        self._whole = "transfer-encoding" not in headers and headers.get("content-length", "0") in ("", "0")
        self._length = self._kept = 0
        self._in_time = True

    async def receive(self) -> Message:
        """The next part of the body; behind its end, what the server says of the connection.

        Raises:
            RequestRefused: The body is too long or too slow.
            OutOfRoom: Too much is being read.
        """
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._deadline - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            self._in_time = False
            raise RequestRefused(_too_slow(self._settings.body_seconds)) from None
        self._take(message)
        if self._length > self._settings.max_body_bytes:
            raise RequestRefused(too_long(self._settings.max_body_bytes))
        self._held.check()
        return message

    def _take(self, message: Message) -> None:
        length = len(message.get("body", b""))
        self._length += length
        self._kept += length
        self._held.now += length
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)

    async def send(self, message: Message) -> None:
        if self._whole:
            await self._send(message)
        elif message["type"] == "http.response.start":
            headers = [*message.get("headers", []), (b"connection", b"close")]
            await self._send({**message, "headers": headers})
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._pass_over_rest()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass_over_rest(self) -> None:
        self.release()
        left = min(_LINGER_S, self._deadline - time.monotonic()) if self._in_time else 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                while not self._whole and self._length <= self._held.most:
                    self._take(await self._receive())
                    self.release()

    def release(self) -> None:
        """The body is needed no more."""
        self._held.now -= self._kept
        self._kept = 0


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, and nobody else's."""
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def sent_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request brings, in whichever header its protocol has for it."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return next((headers[name].strip() for name in KEY_HEADERS if headers.get(name, "").strip()), None)


def failure_response(failure: Failure, scope: Scope) -> JSONResponse:
    """A failure in the shape of the protocol that was asked."""
    known_as = scope.get("state", {}).get("request_id", "")
    return JSONResponse(failure_body(failure, scope["path"], known_as), failure.status, dict(failure.headers))


def too_long(most: int) -> Failure:
    """The failure of a body that is longer than so many bytes."""
    return Failure(
        413, "too_large", f"expected a body of at most {most / (1 << 20):g} MiB, got more: send smaller pictures"
    )


def _too_slow(seconds: float) -> Failure:
    return Failure(408, "too_slow", f"expected the whole body within {seconds:g} s, got a part: send it again")


def _is_open(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path in _OPEN_PATHS or path.startswith(_OPEN_FOLDERS))


def _foreign(headers: Headers, allowed: Sequence[str]) -> Failure | None:
    """A server without keys on this machine answers this machine, not web pages that a browser here has open, unless
    they are of an allowed origin."""
    authority = headers.get("host", "")
    host = urlsplit(f"//{authority}").hostname if _plain(authority) else None
    if host is None or not is_loopback(host):
        message = f"expected a request to localhost, got one to {authority[:60]!r}: start the server with an API key"
        return Failure(403, "foreign_host", message)
    origin = headers.get("origin")
    if origin is not None and origin not in allowed and origin.partition("://")[2].lower() != authority.lower():
        message = (
            f"expected a request of this server's own page, got one of {origin[:60]!r}: start the server with "
            "--allow-origin to let it ask"
        )
        return Failure(403, "foreign_origin", message)
    return None


def _plain(authority: str) -> bool:
    return bool(authority) and not set(authority) & set("/@?#\\ ")


def _client(scope: Scope, key: str | None) -> str:
    """Whose turn a request takes: a key's, in a form that cannot be used as one, or an address's."""
    if key is not None:
        return "key " + hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    client: Sequence[object] | None = scope.get("client")
    return "" if client is None else str(client[0])
