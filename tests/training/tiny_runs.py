"""Runs small enough for tests: a tiny checkpoint, two dozen records of mixed kind, a few steps in float32."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from roborefer.training.configuration import TrainingConfig
from roborefer.training.reporting import read_log
from roborefer.training.run_folder import RunSettings
from roborefer.training.stages import run_stage

from ..models.tiny_models import depth_m, picture, tiny_config, write_checkpoint  # noqa: TID252 - shared models

RECORDS = 24


def write_records(folder: Path, count: int = RECORDS) -> Path:
    """Records of one to five turns; every third without depth, one with text alone."""
    random = np.random.default_rng(0)
    (folder / "image").mkdir(parents=True)
    (folder / "depth").mkdir()
    lines = []
    for number in range(count):
        record: dict[str, Any] = {"id": str(number), "conversations": _turns(1 + number % 5, random)}
        if number != 1:
            picture(60, 40, number).save(folder / "image" / f"{number}.png")
            record["image"] = [f"{number}.png"]
        if number % 3 == 0:
            np.save(folder / "depth" / f"{number}.npy", depth_m(60, 40) * (1 + number))
            record["depth"] = [f"{number}.npy"]
        lines.append(json.dumps(record))
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def _turns(count: int, random: np.random.Generator) -> list[dict[str, str]]:
    turns = []
    for number in range(count):
        x, y = random.random(2)
        turns.append({"from": "human", "value": f"Where is cup number {number}?"})
        turns.append({"from": "gpt", "value": f"[({x:.3f}, {y:.3f})]"})
    return turns


def write_model(folder: Path) -> Path:
    """A checkpoint without tiles beyond one a picture: its towers take no time."""
    write_checkpoint(folder, tiny_config(image_aspect_ratio="resize"))
    return folder


SMALL = TrainingConfig(
    learning_rate=1e-2,
    samples_per_batch=4,
    precision="fp32",
    activation_checkpointing=False,
    max_steps=6,
    workers=0,
    save_every=2,
    log_every=1,
)
"""A run of six steps with a checkpoint after every second."""


def settings(data: Path, model: Path, stage: str = "sft", **changes: Any) -> RunSettings:
    """Of a small run; ``changes`` are fields of :class:`TrainingConfig`."""
    return RunSettings(stage, str(model), str(data), replace(SMALL, **changes))


def train(run: RunSettings, out: Path, **options: Any) -> list[str]:
    """Runs it and returns what it said."""
    said: list[str] = []
    run_stage(run, out, progress=False, say=said.append, **options)
    return said


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file may grow beyond a size: the system refuses it as it would on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


LOGGED = ("loss", "gradient_norm", "learning_rate", "validation_loss")


def logged(out: Path, names: Sequence[str] = LOGGED) -> list[dict[str, float]]:
    """What a run logged, without its speed."""
    return [{name: entry[name] for name in ("step", *names) if name in entry} for entry in read_log(out)]
