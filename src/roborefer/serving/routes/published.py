"""``/query``, as the published RoboRefer client and evaluation scripts ask it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from roborefer.serving.engine import Ask, PromptAsk
from roborefer.serving.openapi import json_body, published_errors
from roborefer.serving.routes.answering import while_connected
from roborefer.serving.routes.bodies import read_json_body
from roborefer.serving.routes.serving import Serving, client_of, request_id, seconds_of
from roborefer.serving.wire_formats.failures import PUBLISHED_PATH
from roborefer.serving.wire_formats.published import (
    PublishedReply,
    PublishedRequest,
    published_reply,
    read_references,
)
from roborefer.serving.wire_formats.query_asks import ask_about, fields_of


def published_routes(serving: Serving) -> APIRouter:
    """The route of the published protocol."""
    router = APIRouter(tags=["Published RoboRefer"])

    @router.post(
        PUBLISHED_PATH,
        summary="A whole prompt about pictures, answered with text",
        responses={200: {"model": PublishedReply}, **published_errors()},
        openapi_extra=json_body(PublishedRequest),
    )
    async def query(request: Request) -> JSONResponse:
        asked = await read_json_body(request, PublishedRequest)
        reply = await while_connected(request.receive, _reply(serving, request, asked))
        return JSONResponse(reply)

    return router


async def _reply(serving: Serving, request: Request, asked: PublishedRequest) -> dict[str, object]:
    reply = await serving.engine.answer(await _ask(serving, request, asked))
    return published_reply(reply, request_id(request))


async def _ask(serving: Serving, request: Request, asked: PublishedRequest) -> Ask | PromptAsk:
    image_files, depth_files, estimate = read_references(asked)
    images = await serving.open_files(image_files)
    depths = await serving.open_files(depth_files)
    return ask_about(
        images,
        depths,
        asked.text,
        estimate=estimate,
        client=client_of(request),
        seconds=seconds_of(request),
        fields=fields_of("text", image_files, depth_files),
    )
