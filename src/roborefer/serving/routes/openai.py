"""``/v1/chat/completions`` and ``/v1/models``, as OpenAI's clients ask them."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from roborefer.serving.engine import Ask, PromptAsk
from roborefer.serving.openapi import CHAT_EXAMPLE, ERRORS, FOREIGN, NO_KEY, STREAM, json_body, path_parameter
from roborefer.serving.routes.answering import (
    NewText,
    answer_in_parts,
    event,
    event_stream,
    while_connected,
)
from roborefer.serving.routes.bodies import read_json_body
from roborefer.serving.routes.serving import Serving, client_of, request_id, seconds_of
from roborefer.serving.wire_formats.openai import (
    ChatChunks,
    ChatReply,
    ChatRequest,
    Model,
    ModelList,
    chat_reply,
    longest_answer,
    read_question,
)
from roborefer.serving.wire_formats.query_asks import ask_about, fields_of

CHAT_PATH = "/v1/chat/completions"


def openai_routes(serving: Serving) -> APIRouter:
    """The routes of OpenAI's protocol."""
    router = APIRouter(tags=["OpenAI"])

    @router.post(
        CHAT_PATH,
        summary="A question about pictures, answered with text",
        responses={200: {"model": ChatReply, **STREAM}, **ERRORS},
        openapi_extra=json_body(ChatRequest, CHAT_EXAMPLE),
    )
    async def chat_completions(request: Request) -> Response:
        asked = await read_json_body(request, ChatRequest)
        return await _answer(serving, request, asked)

    @router.get(
        "/v1/models", summary="The model that answers", responses={200: {"model": ModelList}, **NO_KEY, **FOREIGN}
    )
    async def models() -> JSONResponse:
        return JSONResponse({"object": "list", "data": [_model(serving)]})

    # The path's part is not declared as an argument: FastAPI would list an error of its own for it, which never comes.
    @router.get(
        "/v1/models/{id}",
        summary="The same, by any name",
        responses={200: {"model": Model}, **NO_KEY, **FOREIGN},
        openapi_extra=path_parameter("id", "Any name: the server has one model."),
    )
    async def model() -> JSONResponse:
        return JSONResponse(_model(serving))

    return router


def _model(serving: Serving) -> dict[str, Any]:
    return {
        "id": serving.settings.model_name,
        "object": "model",
        "created": serving.started,
        "owned_by": "roborefer",
    }


async def _answer(serving: Serving, request: Request, asked: ChatRequest) -> Response:
    ask = await while_connected(request.receive, _ask(serving, request, asked))
    created, model = int(time.time()), serving.settings.model_name
    if asked.stream:
        usage = asked.stream_options is not None and bool(asked.stream_options.include_usage)
        chunks = ChatChunks(request_id(request), created, model, usage=usage)
        return event_stream(request, _events(serving, ask, chunks))
    reply = await while_connected(request.receive, serving.engine.answer(ask))
    return JSONResponse(chat_reply(reply, request_id(request), created, model))


async def _ask(serving: Serving, request: Request, asked: ChatRequest) -> Ask | PromptAsk:
    question = read_question(asked)
    images = await serving.open_files(question.images)
    depths = await serving.open_files(question.depths)
    return ask_about(
        images,
        depths,
        question.text,
        max_new_tokens=longest_answer(asked),
        client=client_of(request),
        seconds=seconds_of(request),
        fields=fields_of("messages", question.images, question.depths),
    )


async def _events(serving: Serving, ask: Ask | PromptAsk, chunks: ChatChunks) -> AsyncGenerator[bytes, None]:
    new_text = NewText()
    begun = False
    async with aclosing(answer_in_parts(serving.engine, ask)) as parts:
        async for part in parts:
            if not begun:
                yield event(chunks.first())
                begun = True
            new = new_text(part) if isinstance(part, str) else new_text.rest(part.text)
            if new:
                yield event(chunks.text(new))
            if not isinstance(part, str):
                for chunk in chunks.last(part):
                    yield event(chunk)
    yield event("[DONE]")
