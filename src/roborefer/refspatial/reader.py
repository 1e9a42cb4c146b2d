"""Reads what :mod:`roborefer.refspatial.writer` wrote: scenes, steps and points as the values that they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.run_folder import IMAGES, METRIC_DEPTHS, SCENES
from roborefer.refspatial.run_length import decode_mask
from roborefer.refspatial.scene_graph import Scene, scene_from_json
from roborefer.structures import Point, Step


@dataclass(frozen=True)
class Turn:
    """One question of a record, read back: its text and answer, and our fields as they were (see ``writer.py``)."""

    text: str
    answer: str
    fields: Mapping[str, Any]

    @property
    def points(self) -> tuple[Point, ...]:
        """The answer points."""
        return tuple(Point(x, y) for x, y in self.fields["points"])

    @property
    def steps(self) -> tuple[Step, ...]:
        """The reasoning, in order."""
        return tuple(_step(step) for step in self.fields["steps"])


def turns_of(record: Mapping[str, Any]) -> list[Turn]:
    """The questions of a record, in order."""
    said = [turn["value"] for turn in record["conversations"]]
    return [Turn(*pair) for pair in zip(said[::2], said[1::2], record["questions"], strict=True)]


def read_scene_file(folder: Path, name: str) -> dict[str, Any]:
    """The content of a scene file, without any pixels being decoded.

    Raises:
        InputError: It cannot be read.
    """
    path = folder / SCENES / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source_name(path)}: {one_line(error)}; copy the folder again") from error
    if not isinstance(content, dict):
        raise InputError(f"expected a scene file, got something else in {source_name(path)}: copy the folder again")
    return content


def read_scene(folder: Path, record: Mapping[str, Any], position: int = 0) -> Scene:
    """The scene that a record is about.

    Its depth is what was written: whole millimetres, and a sensor's holes where the run has a sensor model. The image
    is the plain one, without marks.

    Args:
        folder: Of the run.
        record: One of :func:`roborefer.refspatial.run_folder.read_records`.
        position: Which of the record's views.

    Raises:
        InputError: A file cannot be read.
    """
    view = read_scene_file(folder, record["scene"])["views"][record["views"][position]]
    name = record["metric_depth"][position]
    depth_m = read_depth(folder / METRIC_DEPTHS / name).metres
    assert depth_m is not None  # 16-bit files are metric
    ids = np.zeros(depth_m.shape, np.uint16)
    for object_id, mask in view["masks"].items():
        ids[decode_mask(mask)] = int(object_id)
    surface_ids = np.zeros(depth_m.shape, np.uint8)
    for number, surface in enumerate(view["surfaces"], start=1):
        surface_ids[decode_mask(view["surface_masks"][surface["name"]])] = number
    # A question about marks has a picture of its own beside the plain one.
    plain = Path(name).with_suffix(Path(record["image"][position]).suffix)
    image = np.asarray(read_image(folder / IMAGES / plain))
    return scene_from_json(view, ids=ids, depth_m=depth_m, surface_ids=surface_ids, image=image)


def _step(content: Mapping[str, Any]) -> Step:
    value = content["value"]
    if content["kind"] == "Position":
        return Step("Position", content["target"], Point(value[0], value[1]))
    if content["kind"] == "Orientation":
        return Step("Orientation", content["target"], (value[0], value[1], value[2]))
    return Step("Size", content["target"], value[0])
