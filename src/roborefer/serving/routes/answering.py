"""From an ask to a reply, whole or as it appears, for as long as the caller is there."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from roborefer.serving.engine import Ask, Engine, PromptAsk, Reply
from roborefer.serving.observing import CALLER_LEFT, OUTCOME
from roborefer.serving.wire_formats.failures import Failure, failure_body, failure_of

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)
_HALF_A_CHARACTER = "\ufffd"


class CallerLeft(Exception):
    """Nobody waits for the answer any more."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of some work, which is cancelled when the caller leaves.

    Args:
        receive: Of a request whose body was read.
        work: What the caller waits for.

    Raises:
        CallerLeft: It did.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerLeft
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer_in_parts(engine: Engine, ask: Ask | PromptAsk) -> AsyncGenerator[str | Reply, None]:
    """The text so far, each time it has grown, and at last the reply. Closing it cancels the question."""
    texts: asyncio.Queue[str | None] = asyncio.Queue()
    answering = asyncio.ensure_future(engine.answer(replace(ask, on_text=texts.put_nowait)))
    answering.add_done_callback(lambda _: texts.put_nowait(None))
    try:
        while (text := await texts.get()) is not None:
            yield text
        yield answering.result()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


class NewText:
    """What each text so far adds to the one before. A character that is not whole yet is held back."""

    def __init__(self) -> None:
        self._told = ""

    def __call__(self, text: str) -> str:
        whole = text.rstrip(_HALF_A_CHARACTER)
        if not whole.startswith(self._told):
            return ""
        new, self._told = whole[len(self._told) :], whole
        return new

    def rest(self, text: str) -> str:
        """What the final text adds."""
        return text[len(self._told) :] if text.startswith(self._told) else ""


class EventStream(Response):
    """Server-sent events. What fails before the first event is an ordinary error, with its status.

    Args:
        events: As :func:`event` writes them; closed when the caller leaves.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        self._events = events
        self.status_code = 200
        self.background = None
        self._started = False
        # Proxies such as nginx would collect the events otherwise.
        self.init_headers({"cache-control": "no-store", "x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await while_connected(receive, self._send_all(send))
        except CallerLeft:
            if not self._started:  # otherwise no other answer can be sent
                raise
            scope.setdefault("state", {})[OUTCOME] = CALLER_LEFT

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for part in events:
                if not self._started:
                    await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                    self._started = True
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def event_stream(request: Request, events: AsyncGenerator[bytes, None], failure_name: str | None = None) -> EventStream:
    """A stream in which what fails after the first event is an event too, in the shape of the request's protocol.

    Args:
        request: What is answered.
        events: As of :class:`EventStream`.
        failure_name: Of the event for a failure, where the protocol's events have names.
    """

    def told(failure: Failure) -> bytes:
        setattr(request.state, OUTCOME, failure.status)
        return event(failure_body(failure, request.url.path, request.state.request_id), failure_name)

    return EventStream(_with_failures(events, told))


async def _with_failures(
    events: AsyncGenerator[bytes, None], told: Callable[[Failure], bytes]
) -> AsyncGenerator[bytes, None]:
    begun = False
    async with aclosing(events):
        try:
            async for part in events:
                begun = True
                yield part
        except Exception as error:
            if not begun:
                raise
            failure = failure_of(error)
            if failure.code == "internal_error":
                _log.exception("a stream failed")
            yield told(failure)


def event(data: Mapping[str, Any] | str, name: str | None = None) -> bytes:
    """One event: its data as JSON, or as it is where it is text."""
    text = data if isinstance(data, str) else json.dumps(data, allow_nan=False, ensure_ascii=False)
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {text}\n\n".encode()
