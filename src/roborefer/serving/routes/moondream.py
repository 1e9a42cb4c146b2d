"""``/v1/query``, as Moondream's clients ask it; their ``/v1/point`` is ours too."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from roborefer.serving.engine import Ask, PromptAsk
from roborefer.serving.openapi import ERRORS, STREAM, json_body
from roborefer.serving.routes.answering import (
    NewText,
    answer_in_parts,
    event,
    event_stream,
    while_connected,
)
from roborefer.serving.routes.bodies import read_json_body
from roborefer.serving.routes.serving import Serving, client_of, request_id, seconds_of
from roborefer.serving.wire_formats.moondream import (
    QueryReply,
    QueryRequest,
    check_spatial_refs,
    longest_answer,
    query_chunk,
    query_reply,
)
from roborefer.serving.wire_formats.query_asks import ask_about, fields_of

QUERY_PATH = "/v1/query"


def moondream_routes(serving: Serving) -> APIRouter:
    """The route of Moondream's protocol that is not ours as well."""
    router = APIRouter(tags=["Moondream"])

    @router.post(
        QUERY_PATH,
        summary="A question about a picture, answered with text",
        responses={200: {"model": QueryReply, **STREAM}, **ERRORS},
        openapi_extra=json_body(QueryRequest),
    )
    async def query(request: Request) -> Response:
        asked = await read_json_body(request, QueryRequest)
        ask = await while_connected(request.receive, _ask(serving, request, asked))
        known_as = request_id(request)
        if asked.stream:
            return event_stream(request, _events(serving, ask, known_as))
        reply = await while_connected(request.receive, serving.engine.answer(ask))
        return JSONResponse(query_reply(reply, known_as))

    return router


async def _ask(serving: Serving, request: Request, asked: QueryRequest) -> Ask | PromptAsk:
    check_spatial_refs(asked.spatial_refs)
    references = [] if asked.image_url is None else [(asked.image_url, "image_url")]
    images = await serving.open_files(references)
    return ask_about(
        images,
        (),
        asked.question,
        max_new_tokens=longest_answer(asked.settings),
        client=client_of(request),
        seconds=seconds_of(request),
        fields=fields_of("question", references),
    )


async def _events(serving: Serving, ask: Ask | PromptAsk, known_as: str) -> AsyncGenerator[bytes, None]:
    new_text = NewText()
    async with aclosing(answer_in_parts(serving.engine, ask)) as parts:
        async for part in parts:
            new = new_text(part) if isinstance(part, str) else new_text.rest(part.text)
            if new:
                yield event(query_chunk(new, known_as))
    yield event(query_chunk("", known_as, completed=True))
