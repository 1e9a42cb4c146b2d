"""Scripts of examples/ import each other by name, as they do when one of them is run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..serving.live_server import running  # noqa: TID252 - shared server
from ..serving.scripted_predictor import ScriptedPredictor  # noqa: TID252

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.append(str(EXAMPLES))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server whose answers are known."""
    with running(ScriptedPredictor()) as address:
        yield address
