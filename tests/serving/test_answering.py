"""What streams are made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message, Scope

from roborefer.serving.routes.answering import CallerLeft, EventStream, NewText, event

from .asking import run


def test_new_text_is_what_was_not_told() -> None:
    new_text = NewText()
    # A token may be half of a character: the text so far then ends with a mark in its place.
    grown = ["a", "a\ufffd", "a\ufffd\ufffd", "aé", "aé", "aéb\ufffd"]
    assert [new_text(text) for text in grown] == ["a", "", "", "é", "", "b"]
    assert new_text.rest("aéb\ufffd!") == "\ufffd!"


def test_a_text_that_takes_back_what_it_said_adds_nothing() -> None:
    new_text = NewText()
    assert new_text("abc") == "abc"
    assert new_text("ax") == ""
    assert new_text.rest("ax") == ""


def test_an_event_stays_on_its_lines() -> None:
    assert event({"text": "a\nb\r"}, "text") == b'event: text\ndata: {"text": "a\\nb\\r"}\n\n'
    assert event("[DONE]") == b"data: [DONE]\n\n"


@pytest.mark.parametrize("events_before", [0, 1])
def test_a_caller_that_leaves_ends_its_stream(events_before: int) -> None:
    """Quietly, where an answer has begun: the log would show a failure otherwise."""
    scope: Scope = {"type": "http"}
    sent: list[Message] = []
    ended: list[bool] = []

    async def events() -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(events_before):
                yield b"data: a\n\n"
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def receive() -> Message:
        while len(sent) < 2 * events_before:
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def stream() -> None:
        await EventStream(events())(scope, receive, send)

    if events_before:
        run(stream())
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        assert ended == [True]
        assert scope["state"] == {"outcome": 499}
    else:
        with pytest.raises(CallerLeft):
            run(stream())
        assert sent == []
