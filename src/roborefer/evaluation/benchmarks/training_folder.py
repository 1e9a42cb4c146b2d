"""A folder of `roborefer generate sim` as a benchmark: its questions that a point answers, with their key steps.

Only scenes that a model has not been trained on tell anything; a few held-out shards judge reasoning, which
RefSpatial-Bench has no annotation for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import Identities, Record, choose_tasks, file_within, picture_size_at
from roborefer.evaluation.benchmarks.step_records import key_steps_of
from roborefer.evaluation.samples import Benchmark, MaskTarget, Sample
from roborefer.geometry.cameras import intrinsics_from_json
from roborefer.images import source_name
from roborefer.refspatial.run_folder import DEPTHS, FORMAT, IMAGES, METRIC_DEPTHS, SHARDS, read_manifest, read_shard

TASKS = {"location": "Location", "placement": "Placement"}


def is_training_folder(folder: Path) -> bool:
    """Whether `roborefer generate sim` made it."""
    return (folder / SHARDS).is_dir() and (folder / "manifest.json").is_file()


def read_training_folder(folder: Path, tasks: Sequence[str] = (), limit: int | None = None) -> Benchmark:
    """Reads location and placement questions with a mask, about one picture.

    Args:
        folder: Of the run.
        tasks: Which of Location and Placement; both where none is named.
        limit: How many questions of each task; all where None. A run may have millions.

    Raises:
        InputError: A record or file cannot be used, or there is no such question.
    """
    read_manifest(folder, (FORMAT,))
    wanted = choose_tasks(list(TASKS.values()), tasks, source_name(folder))
    taken = dict.fromkeys(wanted, 0)
    samples = []
    identities = Identities()
    for record, number, question in _questions(folder):
        task = TASKS.get(question.fields.get("kind", ""))
        if task not in taken or question.fields.get("mask") is None:
            continue
        if limit is not None and taken[task] >= limit:
            continue
        taken[task] += 1
        identities.take(f"{record.text('id')} turn {number}", question.place)
        samples.append(_sample(folder, task, record, number, question))
        if limit is not None and min(taken.values()) >= limit:
            break
    if not samples:
        raise InputError(f"expected {' or '.join(wanted)} questions with a mask, got none in {source_name(folder)}")
    return Benchmark(f"{folder.name} (simulated)", str(folder), tuple(samples))


def _questions(folder: Path) -> Iterator[tuple[Record, int, Record]]:
    """Records about one picture, the number of each turn, and the turn."""
    for path in sorted((folder / SHARDS).glob("shard_*.jsonl")):
        for line, fields in enumerate(read_shard(path), start=1):
            record = Record(fields, f"{source_name(path)} line {line}")
            if len(record.value("image")) != 1:
                continue
            for number, question in enumerate(record.value("questions")):
                yield record, number, Record(question, f"{record.place}, question {number}")


def _sample(folder: Path, task: str, record: Record, number: int, question: Record) -> Sample:
    def named(kind: str, key: str) -> Path:
        return file_within(folder / kind, record.value(key)[0], record.place)

    image = named(IMAGES, "image")
    size = picture_size_at(image, record.place)
    camera: dict[str, Any] = record.value("camera")[0]["intrinsics"]
    metric = named(METRIC_DEPTHS, "metric_depth") if record.fields.get("metric_depth") else None
    return Sample(
        key=f"{record.text('id')}/{number}",
        task=task,
        images=(image,),
        image_size=size,
        target=MaskTarget(question.value("mask"), question.place),
        prompt=record.value("conversations")[2 * number]["value"],
        object=question.text("phrase", default=""),
        depth=metric or named(DEPTHS, "depth"),
        metric_depth=metric,
        intrinsics=intrinsics_from_json(camera, record.place),
        step=question.whole("step_count"),
        relations=question.texts("relations"),
        key_steps=key_steps_of(question),
    )
