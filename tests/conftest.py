"""Fixtures that many tests share. Models are read-only for tests: one that changes weights makes its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from roborefer.loading import load
from roborefer.models.untrained import UNTRAINED_MODEL
from roborefer.predictor import Predictor

from .models.tiny_models import depth_m, picture, tiny_predictor, write_checkpoint

# More threads than cores spin against each other, and models this small gain nothing from a second one.
torch.set_num_threads(1)
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session")
def packaged() -> Predictor:
    """nano, the model inside the package, in the dtype in which it is stored."""
    return load(device="cpu")


@pytest.fixture(scope="session")
def untrained() -> Predictor:
    """The tiny untrained model inside the package."""
    return load(UNTRAINED_MODEL, device="cpu")


@pytest.fixture(scope="session")
def tiny() -> Predictor:
    """An RGB-D model whose answers depend on what it is shown."""
    return tiny_predictor()


@pytest.fixture
def checkpoint_folder(tmp_path: Path) -> Path:
    """A whole RGB-D checkpoint that a test may damage."""
    folder = tmp_path / "checkpoint"
    write_checkpoint(folder)
    return folder


@pytest.fixture
def rgb_file(tmp_path: Path) -> Path:
    path = tmp_path / "rgb.png"
    picture().save(path)
    return path


@pytest.fixture
def depth_file(tmp_path: Path) -> Path:
    """16-bit millimetres, registered to ``rgb_file``."""
    path = tmp_path / "depth.png"
    Image.fromarray((depth_m() * 1000).astype(np.uint16)).save(path)
    return path
