"""The page, its examples and the API's description: files of the package, held in memory.

Only a file that was there at the start is served, under its own name, so that no path leads anywhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from roborefer.serving.openapi import api_page

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer", "cache-control": "no-cache"}
_WITHOUT_PAGE = b"RoboRefer is running: see /docs.\n"


@dataclass(frozen=True)
class PackageFile:
    """A file that is served as it is."""

    content: bytes
    content_type: str
    etag: str


def package_files(folder: str) -> dict[str, PackageFile]:
    """The files of a folder of this package, by their path in it; those of unknown types are passed over."""
    return dict(_walk(files("roborefer.serving").joinpath(folder), ""))


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, PackageFile]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        suffix = entry.name[entry.name.rfind(".") :] if "." in entry.name else ""
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif suffix in _CONTENT_TYPES:
            content = entry.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            yield f"{prefix}{entry.name}", PackageFile(content, _CONTENT_TYPES[suffix], etag)


def page_routes(document: Callable[[], dict[str, Any]]) -> APIRouter:
    """``/``, ``/page/``, ``/examples/``, ``/openapi.json`` and ``/docs``.

    Args:
        document: Gives the OpenAPI document.
    """
    router = APIRouter(include_in_schema=False)
    page, examples = package_files("page"), package_files("examples")

    # The published client asks GET / to see whether a server is there.
    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        if "index.html" not in page:
            return Response(_WITHOUT_PAGE, media_type="text/plain")
        return _send(page, "index.html", request)

    @router.api_route("/page/{name:path}", methods=["GET", "HEAD"])
    async def page_file(name: str, request: Request) -> Response:
        return _send(page, name, request)

    @router.api_route("/examples/{name:path}", methods=["GET", "HEAD"])
    async def example_file(name: str, request: Request) -> Response:
        return _send(examples, name, request)

    @router.api_route("/openapi.json", methods=["GET", "HEAD"])
    async def openapi_json() -> Response:
        return JSONResponse(document())

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def docs() -> Response:
        text, policy = api_page(document())
        return Response(text, media_type="text/html", headers={**_PAGE_HEADERS, "content-security-policy": policy})

    return router


def _send(known: Mapping[str, PackageFile], name: str, request: Request) -> Response:
    found = known.get(name)
    if found is None:
        raise HTTPException(404)
    headers = {**_PAGE_HEADERS, "etag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.content_type, headers=headers)
