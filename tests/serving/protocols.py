"""One question in each protocol, and the text of its errors."""

from __future__ import annotations

from typing import Any

import httpx

from .live_server import base64_of, data_uri

PATHS = ("/v1/chat/completions", "/v1/point", "/v1/query", "/query")
# Connections are not kept, as servers come and go.
WEB = httpx.Client(timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


def request_of(path: str, image: Any, text: Any = "the mug") -> dict[str, Any]:
    """A question in the protocol of ``path``; ``image`` is a file, or stands as it is where one is expected."""
    uri = data_uri(image) if isinstance(image, bytes) else image
    if path == "/query":
        return {"image_url": [base64_of(image) if isinstance(image, bytes) else image], "text": text}
    if path == "/v1/chat/completions":
        content = [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": text}]
        return {"messages": [{"role": "user", "content": content}], "max_tokens": 4}
    return {"image_url": uri, "object" if path == "/v1/point" else "question": text}


def told(response: httpx.Response, path: str) -> str:
    """The error's text, from where the protocol has it; the rest of the shape is checked."""
    body = response.json()
    assert body["request_id"] == response.headers["x-request-id"]
    if path == "/query":
        assert body.keys() == {"result", "answer", "request_id"}
        assert body["result"] == 0
        return str(body["answer"])
    assert body.keys() == {"error", "request_id"}
    assert body["error"].keys() == {"message", "type", "param", "code"}
    return str(body["error"]["message"])
