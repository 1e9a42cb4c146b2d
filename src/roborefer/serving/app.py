"""The server as an ASGI application: routes of all protocols over one engine."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from roborefer import __version__
from roborefer.errors import RoboReferError
from roborefer.predictor import Predictor
from roborefer.serving.engine import Engine
from roborefer.serving.limits import Limits, failure_response
from roborefer.serving.observing import CALLER_LEFT, REQUEST_ID, Observing
from roborefer.serving.openapi import describe
from roborefer.serving.routes.answering import CallerLeft
from roborefer.serving.routes.monitoring import monitoring_routes
from roborefer.serving.routes.moondream import moondream_routes
from roborefer.serving.routes.openai import openai_routes
from roborefer.serving.routes.pages import page_routes
from roborefer.serving.routes.point import point_routes
from roborefer.serving.routes.published import published_routes
from roborefer.serving.routes.serving import Serving
from roborefer.serving.settings import ServerSettings
from roborefer.serving.wire_formats.failures import failure_of, failure_of_status

_DESCRIPTION = (
    "Spatial referring for robots: from a picture, depth if there is any, and an instruction to the point that was "
    "meant, in pixels and in metres. OpenAI's, Moondream's and the published RoboRefer protocol are answered too."
)


def create_app(predictor: Predictor, settings: ServerSettings) -> FastAPI:
    """A server over one model.

    Args:
        predictor: With the model; nothing else may use it meanwhile.
        settings: Keys and limits. Where it listens is for whoever runs it to see to.
    """
    engine = Engine(predictor, settings)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        try:
            yield
        finally:
            await engine.close()

    app = FastAPI(
        title="RoboRefer",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=running,
        openapi_url=None,  # ours needs nothing from elsewhere
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    serving = Serving(engine, settings, int(time.time()))
    for routes in (point_routes, openai_routes, moondream_routes, published_routes, monitoring_routes):
        app.include_router(routes(serving))
    document = describe(app, keys=bool(settings.api_keys))
    app.openapi = document  # type: ignore[method-assign]
    app.include_router(page_routes(document))
    for error in (RoboReferError, Exception):
        app.add_exception_handler(error, _refuse)
    app.add_exception_handler(HTTPException, _refuse_status)
    for error in (CallerLeft, ClientDisconnect):
        app.add_exception_handler(error, _let_go)
    # The one added last sees a request first.
    app.add_middleware(Limits, settings=settings, metrics=engine.metrics)
    if settings.allow_origins:
        # Before the limits: a browser asks without a key whether it may send one, and reads refusals too.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allow_origins,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            expose_headers=(REQUEST_ID, "retry-after"),
        )
    app.add_middleware(Observing, metrics=engine.metrics)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    return failure_response(failure_of(error), request.scope)


async def _refuse_status(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure_response(failure_of_status(error.status_code, request.url.path, error.headers), request.scope)


async def _let_go(request: Request, error: Exception) -> Response:
    """Nobody receives it; the status is for the metrics."""
    return Response(status_code=CALLER_LEFT)
