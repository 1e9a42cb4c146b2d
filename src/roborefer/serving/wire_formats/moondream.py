"""Moondream's ``/v1/query``: a question about a picture, answered with text. Its ``/v1/point`` is part of ours."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from roborefer.serving.asks import Reply
from roborefer.serving.wire_formats.failures import invalid


class SamplingSettings(BaseModel):
    """Answers are greedy: of these only the length counts."""

    max_tokens: int | None = Field(None, ge=1)


class QueryRequest(BaseModel):
    """A question about a picture. Fields beside these are passed over."""

    image_url: str | None = Field(None, description="A data URI, base64, or an address of a listed host.")
    question: str
    stream: bool | None = None
    reasoning: bool | None = Field(None, description="The model's steps, if it writes any, stand in the answer.")
    settings: SamplingSettings | None = None
    spatial_refs: list[Any] | None = Field(None, description="Not supported: null or empty.")
    model: str | None = Field(None, description="Any name: the server has one model.")


class QueryReply(BaseModel):
    request_id: str
    answer: str
    finish_reason: str


def check_spatial_refs(references: list[Any] | None) -> None:
    """Refuse what the model cannot take into account.

    Raises:
        RequestRefused: There are some.
    """
    if references:
        raise invalid("expected no spatial_refs, got some: say in words which place is meant", "spatial_refs")


def longest_answer(settings: SamplingSettings | None) -> int | None:
    """Most tokens that the caller wants; None for the model's own bound."""
    return None if settings is None else settings.max_tokens


def query_reply(reply: Reply, request_id: str) -> dict[str, Any]:
    """The reply, as :class:`QueryReply`."""
    return {"request_id": request_id, "answer": reply.text, "finish_reason": reply.finish}


def query_chunk(new: str, request_id: str, *, completed: bool = False) -> dict[str, Any]:
    """One event of a streamed answer."""
    return {"chunk": new, "completed": completed, "request_id": request_id}
