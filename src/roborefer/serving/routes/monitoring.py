"""What a load balancer and a monitor ask."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from roborefer.serving.metrics import CONTENT_TYPE
from roborefer.serving.openapi import FOREIGN, NO_KEY
from roborefer.serving.routes.serving import Serving


def monitoring_routes(serving: Serving) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    router = APIRouter(tags=["Monitoring"])

    @router.get("/healthz", summary="Whether the process answers", responses={**FOREIGN})
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get(
        "/readyz",
        summary="Whether questions are taken",
        responses={503: {"description": "The server is starting or stopping."}, **FOREIGN},
    )
    async def readyz() -> JSONResponse:
        if serving.engine.ready:
            return JSONResponse({"status": "ready", "model": serving.settings.model_name})
        return JSONResponse({"status": "not ready"}, 503, {"retry-after": "1"})

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **NO_KEY, **FOREIGN},
    )
    async def metrics() -> Response:
        return Response(serving.engine.metrics.text(), media_type=CONTENT_TYPE)

    return router
