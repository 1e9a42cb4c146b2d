"""``/v1/point``: ours, and Moondream's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from roborefer.answers import parse_answer
from roborefer.serving.decoding import image_size
from roborefer.serving.engine import Ask, DepthUpload
from roborefer.serving.fields import called
from roborefer.serving.openapi import ERRORS, POINT_EXAMPLE, STREAM, json_or_form_body
from roborefer.serving.routes.answering import (
    NewText,
    answer_in_parts,
    event,
    event_stream,
    while_connected,
)
from roborefer.serving.routes.bodies import is_form, read_form, read_json_body
from roborefer.serving.routes.serving import Serving, client_of, request_id, seconds_of
from roborefer.serving.wire_formats.failures import invalid
from roborefer.serving.wire_formats.moondream import check_spatial_refs, longest_answer
from roborefer.serving.wire_formats.point import (
    PointForm,
    PointReply,
    PointRequest,
    one_of,
    point_reply,
    read_camera,
    read_depth_unit,
    read_instruction,
    step_events,
)
from roborefer.serving.wire_formats.validation import read_fields

POINT_PATH = "/v1/point"
_ESTIMATE = "estimate"


@dataclass(frozen=True)
class _Asked:
    """A request, the files of its form, and what it asks of the engine."""

    request: PointRequest
    ask: Ask
    notes: tuple[str, ...]


def point_routes(serving: Serving) -> APIRouter:
    """The route of our own protocol."""
    router = APIRouter(tags=["RoboRefer"])

    @router.post(
        POINT_PATH,
        summary="The point that an instruction means, in the picture and in metres",
        responses={200: {"model": PointReply, **STREAM}, **ERRORS},
        openapi_extra=json_or_form_body(PointRequest, PointForm, POINT_EXAMPLE),
    )
    async def point(request: Request) -> Response:
        asked, files = await _read(serving, request)
        prepared = await while_connected(request.receive, _prepare(serving, request, asked, files))
        known_as = request_id(request)
        if asked.stream:
            return event_stream(request, _events(serving, prepared, known_as), "error")
        reply = await while_connected(request.receive, serving.engine.answer(prepared.ask))
        return JSONResponse(point_reply(reply, known_as, heatmap=bool(asked.heatmap), notes=prepared.notes))

    return router


async def _read(serving: Serving, request: Request) -> tuple[PointRequest, dict[str, bytes]]:
    """The request, and the files beside it."""
    if not is_form(request):
        return await read_json_body(request, PointRequest, or_form=True), {}
    fields, files = await read_form(request, serving.settings.max_body_bytes)
    unknown = sorted(files.keys() - {"image", "depth"})
    if unknown:
        raise invalid(f"expected files named 'image' and 'depth', got {unknown[0][:40]!r}: rename it", unknown[0][:40])
    return read_fields(PointRequest, fields), files


async def _prepare(serving: Serving, request: Request, asked: PointRequest, files: dict[str, bytes]) -> _Asked:
    check_spatial_refs(asked.spatial_refs)
    instruction = read_instruction(asked)
    image = await _image(serving, asked, files)
    depth = await _depth(serving, asked, files)
    fields = {
        "text": "instruction" if asked.instruction is not None else "object",
        "image": "image" if asked.image_url is None else "image_url",
    }
    with called(fields):
        camera, notes = read_camera(asked, partial(image_size, image, serving.settings))
    length = longest_answer(asked.settings) if asked.max_new_tokens is None else asked.max_new_tokens
    ask = Ask(
        image,
        instruction,
        "point",
        depth=depth,
        intrinsics=camera,
        world_from_camera=asked.world_from_camera,
        reasoning=bool(asked.reasoning),
        max_new_tokens=length,
        client=client_of(request),
        seconds=seconds_of(request),
        fields=fields,
    )
    return _Asked(asked, ask, notes)


async def _image(serving: Serving, asked: PointRequest, files: dict[str, bytes]) -> bytes:
    if "image" not in files:
        reference = one_of("image", asked.image, "image_url", asked.image_url)
        return await serving.open_file(reference, "image" if asked.image is not None else "image_url")
    if asked.image_url is not None:
        raise invalid("expected one of 'image' and 'image_url', got both: leave one out", "image_url")
    return files["image"]


async def _depth(serving: Serving, asked: PointRequest, files: dict[str, bytes]) -> Any:
    unit = read_depth_unit(asked)
    if "depth" in files:
        return DepthUpload(files["depth"], unit)
    if asked.depth is not None and asked.depth != _ESTIMATE:
        return DepthUpload(await serving.open_file(asked.depth, "depth"), unit)
    if unit is not None:
        raise invalid("expected 'depth' with 'depth_unit', got none: give it, or leave the unit out", "depth_unit")
    return asked.depth


async def _events(serving: Serving, asked: _Asked, known_as: str) -> AsyncGenerator[bytes, None]:
    new_text = NewText()
    told = 0
    async with aclosing(answer_in_parts(serving.engine, asked.ask)) as parts:
        async for part in parts:
            if isinstance(part, str):
                new = new_text(part)
                if new:
                    yield event({"text": part, "delta": new}, "text")
                steps = parse_answer(part[: part.rfind("\n") + 1]).steps if "\n" in new else ()
            else:
                assert part.prediction is not None  # the engine gives one for every point that is asked for
                steps = part.prediction.steps
            for step in step_events(steps[told:]):
                yield event(step, "step")
            told = max(told, len(steps))
            if not isinstance(part, str):
                heatmap = bool(asked.request.heatmap)
                yield event(point_reply(part, known_as, heatmap=heatmap, notes=asked.notes), "result")
