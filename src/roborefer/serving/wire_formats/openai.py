"""OpenAI's chat completions: what is read from a request, and the reply whole or in chunks.

The model answers one question at a time, so a conversation is read for its last question: the text of the last user
message, behind the system's, about the pictures of the last user message that has any. Sampling settings are passed
over, as answers are greedy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from roborefer.serving.asks import Reply
from roborefer.serving.wire_formats.failures import invalid


class Address(BaseModel):
    """Where a file is: ``data:image/png;base64,...``, or an address of a host that the server may fetch from."""

    url: str


class TextPart(BaseModel):
    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    type: Literal["image_url"]
    image_url: Address


class DepthPart(BaseModel):
    """Depth of the image before it: a 16-bit PNG in millimetres, a float TIFF or NPY in metres, or the published 8-bit
    picture of relative depth, 255 = nearest."""

    type: Literal["depth_url"]
    depth_url: Address


Part = Annotated[TextPart | ImagePart | DepthPart, Field(discriminator="type")]


class Message(BaseModel):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    include_usage: bool | None = None


class ResponseFormat(BaseModel):
    type: str


class ChatRequest(BaseModel):
    """A chat completion. Fields beside these are passed over."""

    messages: list[Message] = Field(min_length=1)
    model: str | None = Field(None, description="Any name: the server has one model.")
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, description="1")
    stop: str | list[str] | None = Field(None, description="Not supported: null or empty.")
    logprobs: bool | None = Field(None, description="Not supported: null or false.")
    tool_choice: Any = Field(None, description="The model calls no tools: neither 'required' nor a tool.")
    response_format: ResponseFormat | None = Field(None, description="Only text.")


class ChatMessage(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None = None


class Choice(BaseModel):
    index: int
    message: ChatMessage
    finish_reason: Literal["stop", "length"]
    logprobs: None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatReply(BaseModel):
    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[Choice]
    usage: Usage


class Model(BaseModel):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[Model]


class ChatQuestion(BaseModel):
    """What a chat asks.

    Attributes:
        text: The whole question.
        images, depths: References to files, with the fields that they stand in.
    """

    text: str
    images: list[tuple[str, str]]
    depths: list[tuple[str, str]]


def read_question(request: ChatRequest) -> ChatQuestion:
    """The question of a chat.

    Raises:
        RequestRefused: It asks for something that the model does not do, or asks nothing.
    """
    _check_supported(request)
    users = [(place, message) for place, message in enumerate(request.messages) if message.role == "user"]
    if not users:
        raise invalid("expected a message of the user, got none: add {'role': 'user', 'content': ...}", "messages")
    told = [_text(message) for message in request.messages if message.role in ("system", "developer")]
    asked = _text(users[-1][1])
    if not asked.strip():
        raise invalid("expected a question in the last user message, got none: add text to it", "messages")
    images: list[tuple[str, str]] = []
    depths: list[tuple[str, str]] = []
    for place, message in reversed(users):
        images, depths = _pictures(place, message)
        if images or depths:
            break
    return ChatQuestion(text="\n".join(part for part in (*told, asked) if part), images=images, depths=depths)


def _check_supported(request: ChatRequest) -> None:
    if request.n not in (None, 1):
        raise invalid(f"expected n of 1, got {request.n}: the model has one answer", "n")
    if request.stop:
        raise invalid("expected no stop sequences, got some: leave stop out, or cut the answer yourself", "stop")
    if request.logprobs:
        raise invalid("expected logprobs to be false, got true: leave it out", "logprobs")
    if request.tool_choice not in (None, "none", "auto"):
        raise invalid("expected tool_choice 'none' or 'auto', got another: the model calls no tools", "tool_choice")
    if request.response_format is not None and request.response_format.type != "text":
        raise invalid(
            f"expected response_format 'text', got {request.response_format.type[:40]!r}: leave it out",
            "response_format",
        )


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content or () if isinstance(part, TextPart))


def _pictures(place: int, message: Message) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    images, depths = [], []
    for number, part in enumerate(message.content if isinstance(message.content, list) else ()):
        field = f"messages[{place}].content[{number}]"
        if isinstance(part, ImagePart):
            images.append((part.image_url.url, f"{field}.image_url.url"))
        elif isinstance(part, DepthPart):
            depths.append((part.depth_url.url, f"{field}.depth_url.url"))
    return images, depths


def longest_answer(request: ChatRequest) -> int | None:
    """Most tokens that the caller wants; None for the model's own bound."""
    return request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens


def chat_reply(reply: Reply, request_id: str, created: int, model: str) -> dict[str, Any]:
    """The whole reply, as :class:`ChatReply`."""
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish, "logprobs": None}
    return {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": _usage(reply),
    }


class ChatChunks:
    """The chunks of one streamed reply.

    Args:
        request_id, created, model: As in :func:`chat_reply`.
        usage: Send a last chunk with the token counts.
    """

    def __init__(self, request_id: str, created: int, model: str, *, usage: bool) -> None:
        self._head = {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._usage = usage

    def first(self) -> dict[str, Any]:
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, new: str) -> dict[str, Any]:
        return self._chunk({"content": new})

    def last(self, reply: Reply) -> Sequence[dict[str, Any]]:
        ended = self._chunk({}, reply.finish)
        return [ended, {**self._head, "choices": [], "usage": _usage(reply)}] if self._usage else [ended]

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._head, "choices": [choice], **({"usage": None} if self._usage else {})}


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }
