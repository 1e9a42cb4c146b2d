"""Servers: the published one, any OpenAI-compatible one (ours too), Gemini's and Moondream's.

Each interface is a pair of functions: from a question to a request, and from the reply to text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.asking import ApiName, DepthMode, Question, Reply
from roborefer.evaluation.backends.http_client import HttpClient, RequestFailedError
from roborefer.evaluation.backends.pictures import encode_depth, encode_picture
from roborefer.images import one_line

MAX_NEW_TOKENS: Mapping[ApiName, int] = MappingProxyType(
    {"openai": 1024, "query": 1024, "gemini": 8192, "moondream": 1024}
)
"""Bounds on a reply's length where none is given; of Gemini's, which counts its thoughts, there have to be more."""


@dataclass(frozen=True)
class ServerSettings:
    """Which server, and what it is told besides the question.

    Attributes:
        url: Its address, with or without the path that the interface adds.
        api: Its interface.
        model: The model's name there.
        depth_mode: What depth the model sees.
        max_new_tokens: Bound on a reply's length; None for that of :data:`MAX_NEW_TOKENS`.
        side: Sides of pictures are made multiples of this many pixels; None to send files as they are.
    """

    url: str
    api: ApiName
    model: str
    depth_mode: DepthMode = "none"
    max_new_tokens: int | None = None
    side: int | None = None

    @property
    def longest(self) -> int:
        """The bound on a reply's length."""
        return self.max_new_tokens or MAX_NEW_TOKENS[self.api]

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"expected --url as http://host:port, got {self.url!r}")
        if self.depth_mode not in _DEPTH_MODES[self.api]:
            raise InputError(
                f"expected --depth {' or '.join(_DEPTH_MODES[self.api])} with --api {self.api}, got {self.depth_mode}"
            )


@dataclass(frozen=True)
class _Sent:
    """A question's pictures, ready to be sent: (type, base64) each, and base64 of the depth picture."""

    pictures: tuple[tuple[str, str], ...]
    depth: str | None


class ServerBackend:
    """Asks a server, one question a request.

    Args:
        settings: Which server.
        client: What sends the requests.
    """

    def __init__(self, settings: ServerSettings, client: HttpClient) -> None:
        self.settings = settings
        self._client = client

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        return [self._ask(question) for question in questions]

    def _ask(self, question: Question) -> Reply:
        encoded = [encode_picture(image, self.settings.side) for image in question.images]
        depth = None if question.depth is None else encode_depth(question.depth)
        sent = _Sent(tuple((kind, content) for kind, content, _ in encoded), depth)
        seen_size = encoded[0][2]
        interface = _INTERFACES[self.settings.api]
        try:
            path, payload = interface.request(self.settings, question, sent)
            answer, attempts = self._client.post(_address(self.settings.url, path), payload)
        except RequestFailedError as error:
            return Reply(None, one_line(error), seen_size, error.attempts)
        try:
            text = interface.read(answer)
        except (KeyError, IndexError, TypeError, ValueError):
            shown = json.dumps(answer)[:200]
            return Reply(None, f"its reply is not that of --api {self.settings.api}: {shown}", seen_size, attempts)
        return Reply(text, None, seen_size, attempts)


def _address(url: str, path: str) -> str:
    """The address of a request; a path that the user gave already is not added again."""
    url = url.rstrip("/")
    if url.endswith(path):
        return url
    first = "/" + path.split("/")[1]
    return url + (path.removeprefix(first) if first != path and url.endswith(first) else path)


@dataclass(frozen=True)
class _Interface:
    request: Callable[[ServerSettings, Question, _Sent], tuple[str, dict[str, Any]]]
    read: Callable[[Any], str]


def _openai_request(settings: ServerSettings, question: Question, sent: _Sent) -> tuple[str, dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{content}"}} for kind, content in sent.pictures
    ]
    if sent.depth is not None:
        parts.append({"type": "depth_url", "depth_url": {"url": f"data:image/png;base64,{sent.depth}"}})
    parts.append({"type": "text", "text": question.text})
    return "/v1/chat/completions", {
        "model": settings.model,
        "messages": [{"role": "user", "content": parts}],
        "max_tokens": settings.longest,
        "temperature": 0,
    }


def _openai_text(answer: Any) -> str:
    content = answer["choices"][0]["message"]["content"]
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    return _text(content)


def _query_request(settings: ServerSettings, question: Question, sent: _Sent) -> tuple[str, dict[str, Any]]:
    return "/query", {
        "image_url": [content for _, content in sent.pictures],
        "depth_url": [] if sent.depth is None else [sent.depth],
        "enable_depth": int(settings.depth_mode != "none"),
        "text": question.text,
    }


def _query_text(answer: Any) -> str:
    if answer["result"] != 1:
        raise ValueError("the server says that it failed")
    return _text(answer["answer"])


def _gemini_request(settings: ServerSettings, question: Question, sent: _Sent) -> tuple[str, dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"inline_data": {"mime_type": kind, "data": content}} for kind, content in sent.pictures
    ]
    return f"/v1beta/models/{settings.model}:generateContent", {
        "contents": [{"role": "user", "parts": [*parts, {"text": question.text}]}],
        "generationConfig": {"temperature": 0, "maxOutputTokens": settings.longest},
    }


def _gemini_text(answer: Any) -> str:
    parts = answer["candidates"][0]["content"]["parts"]
    return _text("".join(part["text"] for part in parts if "text" in part and not part.get("thought")))


def _moondream_request(settings: ServerSettings, question: Question, sent: _Sent) -> tuple[str, dict[str, Any]]:
    kind, content = sent.pictures[0]
    picture = {"image_url": f"data:{kind};base64,{content}"}
    if question.pointing:
        return "/v1/point", {**picture, "object": question.text}
    return "/v1/query", {**picture, "question": question.text}


def _moondream_text(answer: Any) -> str:
    if "points" in answer:
        return json.dumps({"points": [{"x": point["x"], "y": point["y"]} for point in answer["points"]]})
    return _text(answer["answer"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a reply without text")
    return value


_INTERFACES: Mapping[ApiName, _Interface] = MappingProxyType(
    {
        "openai": _Interface(_openai_request, _openai_text),
        "query": _Interface(_query_request, _query_text),
        "gemini": _Interface(_gemini_request, _gemini_text),
        "moondream": _Interface(_moondream_request, _moondream_text),
    }
)
_DEPTH_MODES: Mapping[ApiName, tuple[DepthMode, ...]] = MappingProxyType(
    {
        "openai": ("none", "given"),
        "query": ("none", "given", "estimated"),
        "gemini": ("none",),
        "moondream": ("none",),
    }
)
KEY_HEADERS: Mapping[ApiName, tuple[str, str]] = MappingProxyType(
    {
        "openai": ("Authorization", "Bearer "),
        "query": ("Authorization", "Bearer "),
        "gemini": ("x-goog-api-key", ""),
        "moondream": ("X-Moondream-Auth", ""),
    }
)
"""The header that a key goes into, and what stands before it."""
