"""The fine-tuning tutorial runs, at small size, from its pictures to its table."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ..models.pointing_models import write_pointing_checkpoint  # noqa: TID252 - shared models

SCRIPT = Path(__file__).parents[2] / "examples" / "finetune_own_points.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_stickers_are_where_their_boxes_are(script: dict[str, Any], tmp_path: Path) -> None:
    path = script["make_stickers"](tmp_path / "own", 6, seed=3)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert {record["image"] for record in records} == {f"{number}.png" for number in range(6)}
    for record in records:
        color = np.array(
            [int(script["COLORS"][record["instruction"].split()[1]][start:][:2], 16) for start in (1, 3, 5)]
        )
        with Image.open(path.parent / "image" / record["image"]) as picture:
            pixels = np.asarray(picture, np.int16)
        same = np.abs(pixels - color).max(axis=2) <= 2
        left, top, right, bottom = record["box"]
        inside = same[max(0, top) : bottom + 1, max(0, left) : right + 1].sum()
        assert inside > 60
    again = script["make_stickers"](tmp_path / "again", 6, seed=3)
    assert again.read_text() == path.read_text()


@pytest.mark.parametrize("config", ["lora", "sft"])
def test_the_tutorial_runs(
    script: dict[str, Any],
    config: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """With adapters, and as a whole a model that points by looking, as the packaged one does."""
    if config == "sft":
        model = tmp_path / "pointing"
        write_pointing_checkpoint(model)
    changes = ("max_steps=2", "workers=0", "precision=fp32", "activation_checkpointing=false")
    words = ["--model", str(model), "--out", str(tmp_path), "--pictures", "12", "--scenes", "2"]
    words += ["--config", config]
    words += [word for change in changes for word in ("--set", change)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *words])
    script["main"]()
    lines = capsys.readouterr().out.splitlines()
    rows = [line.rsplit(maxsplit=2)[0].strip() for line in lines if line.rstrip().endswith("%")]
    assert rows == ["before", "own", "own and replay"]
    table = json.loads((tmp_path / "table.json").read_text())
    assert [row["model"] for row in table] == rows
    assert all(0 <= row[name] <= 1 for row in table for name in ("own", "old"))
    adapter = tmp_path / "own_and_replay" / "adapter" / "adapter_model.safetensors"
    assert adapter.is_file() == (config == "lora")
