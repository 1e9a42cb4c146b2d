"""A tiny model with a point head, and engines around it."""

from __future__ import annotations

import pytest

from roborefer.predictor import Predictor
from roborefer.serving.engine import Engine
from roborefer.serving.settings import ServerSettings

from ..models.pointing_models import pointing_predictor  # noqa: TID252 - shared models


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """A model whose points depend on what it is shown and asked; read-only."""
    return pointing_predictor()


@pytest.fixture
def engine(predictor: Predictor) -> Engine:
    """An engine that was not started yet."""
    return Engine(predictor, ServerSettings())
