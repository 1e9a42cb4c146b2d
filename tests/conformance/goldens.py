"""Finds golden folders and reads them.

A golden folder holds ``text_and_tiling.json`` and one folder per checkpoint, each with ``checkpoint/``, ``images/``,
``cases.json`` and, for training, ``train/``. The public ones live in ``tests/data/goldens``; others are named in the
environment variable ``ROBOREFER_GOLDENS``, separated by ``:``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

PUBLIC = Path(__file__).parents[1] / "data" / "goldens"


@dataclass(frozen=True)
class Golden:
    """One inference case or training batch of one checkpoint."""

    folder: Path
    name: str

    def __str__(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}/{self.name}"


def folders() -> list[Path]:
    """The public golden folder, then those named by the environment."""
    named = [Path(text) for text in os.environ.get("ROBOREFER_GOLDENS", "").split(":") if text]
    for folder in named:
        if not folder.is_dir():
            raise FileNotFoundError(f"ROBOREFER_GOLDENS names {folder}, which is no folder")
    return [PUBLIC, *named]


def checkpoints() -> list[Path]:
    """Every checkpoint of every golden folder; a named folder may also be a single checkpoint's."""
    found: list[Path] = []
    for folder in folders():
        found += sorted(path.parent for path in folder.glob("**/checkpoint") if path.is_dir())
    return found


def inference_cases() -> list[Golden]:
    return [
        Golden(folder, name)
        for folder in checkpoints()
        if (folder / "cases.json").exists()
        for name in read_json(folder / "cases.json")
    ]


def training_batches() -> list[Golden]:
    return [
        Golden(folder, name)
        for folder in checkpoints()
        if (folder / "train" / "train.json").exists()
        for name in read_json(folder / "train" / "train.json")["batches"]
    ]


def training_samples() -> list[Golden]:
    return [
        Golden(folder, name)
        for folder in checkpoints()
        if (folder / "train" / "train.json").exists()
        for name in read_json(folder / "train" / "train.json")["samples"]
    ]


def text_files() -> list[Path]:
    return [folder / "text_and_tiling.json" for folder in folders() if (folder / "text_and_tiling.json").exists()]


@cache
def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}
