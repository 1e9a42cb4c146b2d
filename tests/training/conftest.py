"""A tiny model, data and one whole run, shared by the tests of this folder: none of them changes these."""

from __future__ import annotations

from pathlib import Path

import pytest

from roborefer.training import reporting

from .tiny_runs import settings, train, write_model, write_records


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_records(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def run(data: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("runs") / "run"
    train(settings(data, model), out)
    return out


@pytest.fixture(autouse=True)
def no_drawing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves take longer to draw than these runs take; the tests that are about them have them drawn."""
    if "reporting" not in request.node.nodeid:
        monkeypatch.setattr(reporting, "draw_curves", lambda *_: None)
