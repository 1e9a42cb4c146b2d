"""RefSpatial-Bench as a folder: ``Location/question.json`` beside ``image/`` and ``mask/``, one folder a task.

A record of the published data, whose keys Expand-Bench has too (with ``scene``)::

    {"id": 40, "object": "the second object from the left ...", "prompt": "Please point out ...",
     "suffix": "Your answer should be formatted as ...", "rgb_path": "image/40.png", "mask_path": "mask/40.png",
     "category": "location", "step": 2}

RefSpatial-Sim-Bench (`roborefer generate bench`) adds ``depth_path`` (8 bit), ``metric_depth_path`` (16-bit
millimetres), ``relations``, ``intrinsics``, and, where reasoning can be judged, ``steps`` and ``key_steps``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    check_same_size,
    choose_tasks,
    file_within,
    picture_size_at,
    read_json_list,
)
from roborefer.evaluation.benchmarks.repeats import mark_repeats
from roborefer.evaluation.benchmarks.step_records import key_steps_of
from roborefer.evaluation.samples import Benchmark, MaskTarget, Sample
from roborefer.geometry.cameras import intrinsics_from_json
from roborefer.images import source_name
from roborefer.structures import Intrinsics

QUESTIONS = "question.json"
_PUBLISHED_TASKS = ("Location", "Placement", "Unseen")


def is_refspatial_folder(folder: Path) -> bool:
    """Whether a sub-folder has questions in the published form."""
    return any(folder.glob(f"*/{QUESTIONS}"))


def read_refspatial_folder(folder: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the tasks that are wanted; all where none is named.

    Raises:
        InputError: A task is missing or empty, or a record, picture or mask cannot be used; it names file and line.
    """
    # A folder with masks is a task, too: one whose questions are missing is refused, not passed over.
    present = {path.parent.name for name in (QUESTIONS, "mask") for path in folder.glob(f"*/{name}")}
    ordered = [task for task in _PUBLISHED_TASKS if task in present]
    ordered += sorted(present - set(ordered))
    samples: list[Sample] = []
    for task in choose_tasks(ordered, tasks, source_name(folder)):
        identities = Identities()
        records = read_json_list(folder / task / QUESTIONS)
        samples += [_sample(folder / task, task, record, identities) for record in records]
    name = "RefSpatial-Sim-Bench" if (folder / "manifest.json").is_file() else "RefSpatial-Bench"
    if any(sample.scene is not None for sample in samples):
        name = "RefSpatial-Expand-Bench"
    return Benchmark(name, str(folder), *mark_repeats(samples))


def _sample(folder: Path, task: str, record: Record, identities: Identities) -> Sample:
    place = record.place
    identity = identities.take(record.identity("id"), place)
    image = file_within(folder, record.text("rgb_path"), place)
    mask = file_within(folder, record.text("mask_path"), place)
    size = picture_size_at(image, place)
    check_same_size(mask, size, "mask", place)
    depth, metric = _depth(folder, record, "depth_path", size), _depth(folder, record, "metric_depth_path", size)
    return Sample(
        key=f"{task}/{identity}",
        task=task,
        images=(image,),
        image_size=size,
        target=MaskTarget(mask, f"{source_name(mask)}, named in {place}"),
        prompt=record.text("prompt"),
        suffix=record.text("suffix", default=""),
        object=record.text("object", default=""),
        depth=metric or depth,
        metric_depth=metric,
        intrinsics=_intrinsics(record, size),
        step=record.whole("step"),
        relations=record.texts("relations"),
        scene=record.text("scene", default="") or None,
        key_steps=key_steps_of(record),
    )


def _depth(folder: Path, record: Record, key: str, size: tuple[int, int]) -> Path | None:
    if record.fields.get(key) is None:
        return None
    path = file_within(folder, record.text(key), record.place)
    check_same_size(path, size, "depth", record.place)
    return path


def _intrinsics(record: Record, size: tuple[int, int]) -> Intrinsics | None:
    camera = record.fields.get("intrinsics")
    if camera is None:
        return None
    if not isinstance(camera, Mapping):
        raise InputError(f"expected a camera as 'intrinsics', got {type(camera).__name__} in {record.place}")
    return intrinsics_from_json(camera, record.place, image_size=size)
