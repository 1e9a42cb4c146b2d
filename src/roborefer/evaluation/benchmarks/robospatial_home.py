"""RoboSpatial-Home: pointing into free space (context), and yes or no (configuration, compatibility).

As its script writes it: ``annotations.json`` beside ``images/``; on the hub, Parquet with the same keys and pictures in
cells. A pointing answer is a polygon in text, ``[(0.383, 0.873), (0.390, 0.990), ...]``; the first point of a reply is
right inside it, by ray casting over the corners in the order given, as in RoboSpatial-Eval. Depth pictures are only
looked at where a model is given them: nothing is measured by them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.parquet import optional_picture_bytes, picture_bytes, read_rows
from roborefer.evaluation.benchmarks.records import (
    Record,
    choose_tasks,
    file_within,
    picture_size_at,
    read_json_list,
    split_suffix,
)
from roborefer.evaluation.metrics import Polygon
from roborefer.evaluation.samples import Benchmark, PolygonTarget, Sample, Source, YesNoTarget
from roborefer.images import source_name

ANNOTATIONS = "annotations.json"
COLUMNS = frozenset({"category", "question", "answer", "img"})
TASKS = ("context", "configuration", "compatibility")

_NOTE = "the leaderboard's total is the mean of the three tasks' scores, its VQA average that of the last two"
_POLYGON = re.compile(r"\s*\[[-+.,()\s\deE\[\]]*\]\s*")


def is_robospatial_folder(folder: Path) -> bool:
    """Whether its annotations are there."""
    return (folder / ANNOTATIONS).is_file()


def read_robospatial_folder(folder: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads what RoboSpatial-Eval's script writes.

    Raises:
        InputError: A record or picture cannot be used.
    """
    wanted = choose_tasks(TASKS, tasks, source_name(folder))
    samples = []
    for number, record in enumerate(read_json_list(folder / ANNOTATIONS)):
        task = _task(record)
        if task not in wanted:
            continue
        name = record.text("img")
        image = file_within(folder, name, record.place)
        depth = None
        if record.fields.get("depth_image"):
            depth = file_within(folder, record.text("depth_image"), record.place)
        samples.append(_sample(record, task, number, name, image, depth))
    return _benchmark(folder, samples, wanted)


def read_robospatial_parquet(folder: Path, files: Sequence[Path], tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the hub's form.

    Raises:
        InputError: A row cannot be used.
    """
    wanted = choose_tasks(TASKS, tasks, source_name(folder))
    counts = dict.fromkeys(TASKS, 0)
    samples = []
    for path in files:
        for record in read_rows(path):
            task = _task(record)
            number = counts[task]
            counts[task] += 1
            if task in wanted:
                image, depth = picture_bytes(record, "img"), optional_picture_bytes(record, "depth_image")
                name = f"images/img_{task}_{number}.png"
                samples.append(_sample(record, task, number, name, image, depth))
    return _benchmark(folder, samples, wanted)


def _benchmark(folder: Path, samples: Sequence[Sample], wanted: Sequence[str]) -> Benchmark:
    if not samples:
        raise InputError(f"expected questions of {', '.join(wanted)}, got none in {source_name(folder)}")
    return Benchmark("RoboSpatial-Home", str(folder), tuple(samples), (_NOTE,) if len(wanted) == len(TASKS) else ())


def _task(record: Record) -> str:
    task = record.text("category")
    if task not in TASKS:
        raise InputError(f"expected a category out of {', '.join(TASKS)}, got {task!r} in {record.place}")
    return task


def _sample(record: Record, task: str, number: int, name: str, image: Source, depth: Source | None) -> Sample:
    prompt, suffix = split_suffix(record.text("question"))
    answer = record.text("answer")
    said = answer.strip().casefold()
    return Sample(
        key=f"{task}/{number}",
        task=task,
        images=(image,),
        image_size=picture_size_at(image, record.place),
        target=YesNoTarget(said) if said in ("yes", "no") else PolygonTarget(read_polygon(answer, record.place)),
        prompt=prompt,
        suffix=suffix,
        depth=depth,
        extra={"img": name, "category": task, "question": record.text("question")},
    )


def read_polygon(text: str, place: str) -> Polygon:
    """A polygon in text: a list of three or more pairs, as fractions.

    Raises:
        InputError: It is none.
    """
    try:
        if _POLYGON.fullmatch(text) is None:
            raise ValueError
        corners = json.loads(text.replace("(", "[").replace(")", "]"))
        polygon = tuple((float(x), float(y)) for x, y in corners)
        if len(polygon) < 3 or not all(math.isfinite(number) for corner in polygon for number in corner):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise InputError(
            f"expected yes, no or a polygon of three or more pairs as 'answer', got {text[:60]!r} in {place}"
        ) from None
    return polygon
