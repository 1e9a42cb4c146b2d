"""Encoded files to ask about, and engines that are started and closed around a test's coroutine."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from roborefer.serving.engine import Engine
from roborefer.serving.settings import ServerSettings

from ..models.tiny_models import depth_m, picture  # noqa: TID252 - shared models

Result = TypeVar("Result")
LONGEST_S = 60.0
"""A test that hangs fails after this time."""


def png(seed: int = 0, width: int = 60, height: int = 40) -> bytes:
    """A picture that no other seed gives."""
    return encoded(picture(width, height, seed))


def depth_png(width: int = 60, height: int = 40) -> bytes:
    """16-bit millimetres."""
    return encoded(Image.fromarray((depth_m(width, height) * 1000).astype(np.uint16)))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The coroutine's result, on an event loop of its own."""
    return asyncio.run(asyncio.wait_for(coroutine, LONGEST_S))


@asynccontextmanager
async def started(predictor: Any, **settings: Any) -> AsyncIterator[Engine]:
    """An engine that takes asks."""
    engine = Engine(predictor, ServerSettings(**settings))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another task or thread does."""
    while not condition():
        await asyncio.sleep(0.001)


def metric(engine: Engine, name: str) -> float:
    """A metric without labels."""
    lines = engine.metrics.text().decode().splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(f"{name} ")))
