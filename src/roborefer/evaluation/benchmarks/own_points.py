"""One's own points as a benchmark: the records that one may also train on (see ``datasets/own_points.py``).

::

    {"image": "shelf.jpg", "depth": "shelf_depth.png", "instruction": "the left mug", "point": [0.341, 0.610]}
    {"image": "shelf.jpg", "instruction": "the free spot", "box": [312, 80, 420, 190], "coordinates": "pixels"}
    {"image": "shelf.jpg", "instruction": "the plate", "mask": "plate.png", "task": "kitchen", "step": 2}

A mask or a box is what a point has to lie in. Around a point without either, everything within ``tolerance`` pixels
is right; that is 50 unless the record says otherwise, as in the paper's reward (section 3.3). ``id``, ``task``,
``step`` and ``intrinsics`` are optional.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.datasets.own_points import OwnPointsError, is_own_points, read_own_points
from roborefer.datasets.sources import RECORD_SUFFIXES, DataSource, find_file, source_at
from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    check_same_size,
    choose_tasks,
    picture_size_at,
    read_json_lines,
    read_json_list,
)
from roborefer.evaluation.samples import Benchmark, BoxTarget, MaskTarget, Sample, Target
from roborefer.geometry.cameras import intrinsics_from_json
from roborefer.images import source_name
from roborefer.refspatial.run_length import encode_mask
from roborefer.structures import Box, Intrinsics

DEFAULT_TOLERANCE_PX = 50.0
_TASK = "points"


def is_own_points_source(path: Path) -> bool:
    """Whether a file, or the first file of records in a folder, begins with a point of one's own."""
    if path.is_file() and path.suffix.lower() not in RECORD_SUFFIXES:
        return False
    try:
        source = source_at(path, path.name)
        return is_own_points(_records(source.files[0])[0].fields)
    except InputError:
        return False


def read_own_points_benchmark(path: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads a file of records, or a folder of such files.

    Raises:
        InputError: A record, picture, mask or depth file cannot be used.
    """
    source = source_at(path, path.name)
    records = [record for file in source.files for record in _records(file)]
    named = list(dict.fromkeys(record.text("task", default=_TASK) for record in records))
    wanted = choose_tasks(named, tasks, source_name(path))
    identities = Identities()
    samples = [
        _sample(source, record, number, identities)
        for number, record in enumerate(records)
        if record.text("task", default=_TASK) in wanted
    ]
    return Benchmark(path.stem, str(path), tuple(samples))


def _records(path: Path) -> list[Record]:
    return read_json_lines(path) if path.suffix.lower() == ".jsonl" else read_json_list(path)


def _sample(source: DataSource, record: Record, number: int, identities: Identities) -> Sample:
    place = record.place
    if not is_own_points(record.fields):
        record.value("instruction")  # raises: it is missing
    image = find_file(source.image_folders, record.text("image"))
    size = picture_size_at(image, place)
    depth = None
    if record.fields.get("depth") is not None:
        depth = find_file(source.depth_folders or source.image_folders, record.text("depth"))
        check_same_size(depth, size, "depth", place)
    try:
        messages, extras = read_own_points(record.fields, [image], source.mask_folders)
    except OwnPointsError as error:
        raise InputError(f"{error}, in {place}") from error
    question = extras["questions"][0]
    identity = record.identity("id") if "id" in record.fields else str(number)
    intrinsics = _intrinsics(record, size)
    return Sample(
        key=identities.take(identity, place),
        task=record.text("task", default=_TASK),
        images=(image,),
        image_size=size,
        target=_target(record, question, size),
        prompt=messages[0].text.removesuffix(POINT_SUFFIX).strip(),
        suffix=POINT_SUFFIX,
        object=question["phrase"],
        depth=depth,
        metric_depth=depth if intrinsics is not None else None,
        intrinsics=intrinsics,
        step=record.whole("step"),
    )


def _intrinsics(record: Record, size: tuple[int, int]) -> Intrinsics | None:
    camera = record.fields.get("intrinsics")
    if camera is None:
        return None
    if not isinstance(camera, Mapping):
        raise InputError(f"expected a camera as 'intrinsics', got {type(camera).__name__} in {record.place}")
    return intrinsics_from_json(camera, record.place, image_size=size)


def _target(record: Record, question: Mapping[str, Any], size: tuple[int, int]) -> Target:
    if question["mask"] is not None:
        return MaskTarget(question["mask"], f"the mask of {record.place}")
    if question["box"] is not None:
        return BoxTarget(Box(*question["box"]))
    tolerance = record.fields.get("tolerance", DEFAULT_TOLERANCE_PX)
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 < tolerance < math.inf:
        raise InputError(f"expected 'tolerance' in pixels, above 0, got {tolerance!r} in {record.place}")
    region = encode_mask(_discs(question["points"], tolerance, size))
    return MaskTarget(region, f"the points of {record.place}")


def _discs(
    points: Sequence[Sequence[float]], radius: float, size: tuple[int, int]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W) bool: the pixels whose centres lie within ``radius`` pixels of a point, and the points' own pixels."""
    width, height = size
    inside = np.zeros((height, width), np.bool_)
    for x, y in points:
        u, v = x * width, y * height
        across = np.arange(width) + 0.5 - u
        down = np.arange(height) + 0.5 - v
        inside |= across[None, :] ** 2 + down[:, None] ** 2 <= radius**2
        inside[min(int(v), height - 1), min(int(u), width - 1)] = True
    return inside
