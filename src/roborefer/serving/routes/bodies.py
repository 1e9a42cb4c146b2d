"""Request bodies, JSON or forms, read into memory and nowhere else."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from pydantic import BaseModel
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from roborefer.serving.wire_formats.failures import Failure, RequestRefused, invalid
from roborefer.serving.wire_formats.validation import read_json

_Request = TypeVar("_Request", bound=BaseModel)
# Longer bodies are parsed off the event loop: a millisecond of it is felt by every other caller.
_LONG = 1 << 20
_MOST_FILES, _MOST_FIELDS = 4, 40


class _InMemoryParser(MultiPartParser):
    """Keeps files in memory, however long: the body's limit holds for them too. Zero means "never to disk"."""

    spool_max_size = 0


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form."""
    return _media_type(request) == "multipart/form-data"


async def read_json_body(request: Request, model: type[_Request], *, or_form: bool = False) -> _Request:
    """The request's JSON.

    Args:
        request: With such a body.
        model: Its form.
        or_form: Whether a multipart form would be taken in its place, which errors then name too.

    Raises:
        RequestRefused: It is another kind of content, or not of this form.
    """
    _check_encoding(request)
    kind = _media_type(request)
    if kind not in ("", "application/json") and not kind.endswith("+json"):
        raise RequestRefused(
            Failure(
                415,
                "unsupported_media_type",
                f"expected content of type application/json{' or multipart/form-data' if or_form else ''}, got "
                f"{kind[:60]}: set the header Content-Type",
            )
        )
    body = await request.body()
    if len(body) > _LONG:
        return await asyncio.to_thread(read_json, model, body)
    return read_json(model, body)


async def read_form(request: Request, most_bytes: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """The fields and the files of a multipart form, by name.

    Args:
        request: With such a body.
        most_bytes: Longest field.

    Raises:
        RequestRefused: It is broken, or has a name twice.
    """
    _check_encoding(request)
    parser = _InMemoryParser(
        request.headers,
        request.stream(),
        max_files=_MOST_FILES,
        max_fields=_MOST_FIELDS,
        max_part_size=most_bytes,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise invalid(f"expected a whole multipart form, got a broken one ({error.message.rstrip('.')})") from error
    try:
        return await _named(form)
    finally:
        await form.close()


async def _named(form: FormData) -> tuple[dict[str, str], dict[str, bytes]]:
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if name in fields or name in files:
            raise invalid(f"expected '{name[:40]}' once, got it twice: leave one out", name[:40])
        if isinstance(value, str):
            if value:  # a browser sends an empty one where nothing was written
                fields[name] = value
        elif content := await value.read():
            files[name] = content
        elif value.filename:  # a browser sends a nameless empty file where none was chosen
            raise invalid(f"expected a file in '{name[:40]}', got an empty one: choose another", name[:40])
    return fields, files


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_encoding(request: Request) -> None:
    """A compressed body could become any length."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestRefused(
            Failure(
                415,
                "unsupported_media_type",
                f"expected a body without Content-Encoding, got {encoding[:60]}: send it as it is",
            )
        )
