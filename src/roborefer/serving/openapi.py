"""The API's own description: an OpenAPI document, and a page of it that needs nothing from elsewhere.

Bodies are read by the routes themselves, so that each error has its protocol's shape; what they read is told here.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from roborefer.serving.wire_formats.moondream import QueryRequest
from roborefer.serving.wire_formats.openai import ChatRequest
from roborefer.serving.wire_formats.point import PointForm, PointRequest
from roborefer.serving.wire_formats.published import PublishedReply, PublishedRequest

_REFERENCE = "#/components/schemas/{model}"
_REQUESTS = (ChatRequest, QueryRequest, PublishedRequest, PointRequest, PointForm)

Responses = dict[int | str, dict[str, Any]]


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class ErrorReply(BaseModel):
    error: ErrorDetail
    request_id: str


STREAM: Mapping[str, Any] = {
    "description": "The reply; with 'stream', its parts as they appear.",
    "content": {"text/event-stream": {}},
}
_REASONS = {
    400: "The request cannot be used as it is.",
    401: "A key is needed.",
    403: "A web page of another site asks, or another host is named, on a server without keys.",
    408: "The body came too slowly.",
    413: "The body is too long.",
    415: "The body is of another type.",
    429: "Too many are waiting; Retry-After says when to try again.",
    500: "A defect of the server's.",
    503: "The server is starting or stopping.",
    504: "No answer in time.",
}
ERRORS: Responses = {status: {"model": ErrorReply, "description": reason} for status, reason in _REASONS.items()}
"""What a question may end with."""

NO_KEY: Responses = {401: ERRORS[401]}
"""Without a key, where the server has any."""

FOREIGN: Responses = {403: ERRORS[403]}
"""From elsewhere, where the server has no keys."""

# A white picture of 8x8 pixels, so that the examples can be sent as they are.
_PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAADElEQVR42mP4z4ACAT/QB/lnLUmhAAAAAElFTkSuQmCC"
)
POINT_EXAMPLE: Mapping[str, Any] = {"image": _PICTURE, "instruction": "the red tomato", "reasoning": True}
CHAT_EXAMPLE: Mapping[str, Any] = {
    "model": "roborefer",
    "max_tokens": 64,
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": _PICTURE}},
                {"type": "text", "text": "Please point to the red tomato."},
            ],
        }
    ],
}


def published_errors() -> Responses:
    """The same failures in the published server's shape."""
    return {status: {"model": PublishedReply, "description": reason} for status, reason in _REASONS.items()}


def json_body(model: type[BaseModel], example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a route says that its body is, with a request to start from."""
    return {"requestBody": {"required": True, "content": {"application/json": _schema(model, example)}}}


def json_or_form_body(model: type[BaseModel], form: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """The same, for a body that may be a form."""
    content = {"application/json": _schema(model, example), "multipart/form-data": _schema(form)}
    return {"requestBody": {"required": True, "content": content}}


def path_parameter(name: str, description: str) -> dict[str, Any]:
    """What a route says of a part of its path."""
    told = {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
    return {"parameters": [told]}


def _schema(model: type[BaseModel], example: Mapping[str, Any] | None = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}, **shown}


def describe(app: FastAPI, *, keys: bool) -> Callable[[], dict[str, Any]]:
    """What makes an app's document, once.

    Args:
        app: With all its routes.
        keys: Whether callers must send one.
    """

    @cache
    def document() -> dict[str, Any]:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
        )
        components = found.setdefault("components", {})
        _, schemas = models_json_schema([(model, "validation") for model in _REQUESTS], ref_template=_REFERENCE)
        components.setdefault("schemas", {}).update(schemas.get("$defs", {}))
        if keys:
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"key": []}]
        return found

    return document


@cache
def page_template() -> str:
    """The Jinja template of the page."""
    return files("roborefer.serving").joinpath("api_page.html").read_text(encoding="utf-8")


def api_page(document: Mapping[str, Any]) -> tuple[str, str]:
    """The document as a page for people, and the Content-Security-Policy that lets its one style through."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["kind"] = _kind
    environment.filters["pretty"] = partial(json.dumps, indent=2, ensure_ascii=False)
    page = environment.from_string(page_template()).render(document=document)
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return page, f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _kind(schema: Mapping[str, Any]) -> str:
    """A field's type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return f"'{schema['const']}'"
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        return " | ".join(_kind(branch) for branch in schema.get("anyOf") or schema["oneOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") if schema.get("format") == "binary" else schema.get("type", "any"))
