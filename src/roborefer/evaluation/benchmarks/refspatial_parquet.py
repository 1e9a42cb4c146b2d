"""RefSpatial-Bench and RefSpatial-Expand-Bench as the hub's Parquet files: ``data/location-00000-of-00001.parquet``.

Columns: id, image, mask, object, prompt, suffix, step, and in Expand-Bench scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roborefer.evaluation.benchmarks.parquet import picture_bytes, read_rows, split_name
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    check_same_size,
    choose_tasks,
    picture_size_at,
)
from roborefer.evaluation.benchmarks.repeats import mark_repeats
from roborefer.evaluation.samples import Benchmark, MaskTarget, Sample
from roborefer.images import source_name

COLUMNS = frozenset({"id", "image", "mask", "object", "prompt", "suffix", "step"})


def read_refspatial_parquet(folder: Path, files: Sequence[Path], tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the splits that are wanted; all where none is named.

    Raises:
        InputError: A split is missing, or a row cannot be used.
    """
    splits: dict[str, list[Path]] = {}
    for path in files:
        splits.setdefault(split_name(path).split("-")[0].capitalize(), []).append(path)
    samples = []
    for task in choose_tasks(list(splits), tasks, source_name(folder)):
        identities = Identities()
        for path in splits[task]:
            samples += [_sample(task, record, identities) for record in read_rows(path)]
    expand = any(sample.scene is not None for sample in samples)
    name = "RefSpatial-Expand-Bench" if expand else "RefSpatial-Bench"
    return Benchmark(name, str(folder), *mark_repeats(samples))


def _sample(task: str, record: Record, identities: Identities) -> Sample:
    place = record.place
    identity = identities.take(record.identity("id"), place)
    image, mask = picture_bytes(record, "image"), picture_bytes(record, "mask")
    size = picture_size_at(image, place)
    check_same_size(mask, size, "mask", place)
    return Sample(
        key=f"{task}/{identity}",
        task=task,
        images=(image,),
        image_size=size,
        target=MaskTarget(mask, f"the mask of {place}"),
        prompt=record.text("prompt"),
        suffix=record.text("suffix", default=""),
        object=record.text("object", default=""),
        step=record.whole("step"),
        scene=record.text("scene", default="") or None,
    )
