"""Loads golden checkpoints once for all cases."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from roborefer.loading import load
from roborefer.predictor import Predictor

Loader = Callable[[Path], Predictor]


@cache
def _load(folder: Path) -> Predictor:
    return load(folder / "checkpoint", device="cpu", dtype="float32")


@pytest.fixture
def predictor_of() -> Loader:
    """The predictor of a golden checkpoint, in fp32 on the CPU."""
    return _load
