"""A tiny model with a point head, engines around it, and a browser at a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from roborefer.predictor import Predictor
from roborefer.serving.engine import Engine
from roborefer.serving.settings import ServerSettings

from ..models.pointing_models import pointing_predictor  # noqa: TID252 - shared models
from .browsing import chromium
from .live_server import running
from .scripted_predictor import ScriptedPredictor


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """A model whose points depend on what it is shown and asked; read-only."""
    return pointing_predictor()


@pytest.fixture
def engine(predictor: Predictor) -> Engine:
    """An engine that was not started yet."""
    return Engine(predictor, ServerSettings())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; closed behind each file, since Playwright's event loop must not run while other tests start theirs."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server whose answers are written down."""
    with running(ScriptedPredictor()) as address:
        yield address
