"""Where2Place (RoboPoint): free space that a sentence describes.

As published it is ``point_questions.jsonl`` beside ``images/`` and ``masks/``; the mask of the question on line n is
``masks/{n:02d}.jpg``, counted from 0, whatever its ``question_id``. The mirror on the hub is one Parquet file with
question_id, question, image and mask. A point is worth the mask's value / 255, as in RoboPoint's own evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roborefer.evaluation.benchmarks.parquet import picture_bytes, read_rows
from roborefer.evaluation.benchmarks.records import (
    Identities,
    Record,
    check_same_size,
    choose_tasks,
    file_within,
    picture_size_at,
    read_json_lines,
    split_suffix,
)
from roborefer.evaluation.samples import Benchmark, MaskTarget, Sample, Source
from roborefer.images import source_name

QUESTIONS = "point_questions.jsonl"
COLUMNS = frozenset({"question_id", "question", "image", "mask"})
TASK = "Where2Place"


def is_where2place_folder(folder: Path) -> bool:
    """Whether its questions are there."""
    return (folder / QUESTIONS).is_file()


def read_where2place_folder(folder: Path, tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the published form.

    Raises:
        InputError: A record, picture or mask cannot be used.
    """
    choose_tasks([TASK], tasks, source_name(folder))
    identities = Identities()
    samples = []
    for index, record in enumerate(read_json_lines(folder / QUESTIONS)):
        image = file_within(folder / "images", record.text("image"), record.place)
        mask = file_within(folder / "masks", f"{index:02d}.jpg", record.place)
        samples.append(_sample(record, "text", image, mask, f"{source_name(mask)}, of {record.place}", identities))
    return Benchmark("Where2Place", str(folder), tuple(samples))


def read_where2place_parquet(folder: Path, files: Sequence[Path], tasks: Sequence[str] = ()) -> Benchmark:
    """Reads the hub's form.

    Raises:
        InputError: A row cannot be used.
    """
    choose_tasks([TASK], tasks, source_name(folder))
    identities = Identities()
    samples = []
    for path in files:
        for record in read_rows(path):
            image, mask = picture_bytes(record, "image"), picture_bytes(record, "mask")
            samples.append(_sample(record, "question", image, mask, f"the mask of {record.place}", identities))
    return Benchmark("Where2Place", str(folder), tuple(samples))


def _sample(
    record: Record, question: str, image: Source, mask: Source, name: str, identities: Identities
) -> Sample:  # fmt: skip
    size = picture_size_at(image, record.place)
    check_same_size(mask, size, "mask", record.place)
    prompt, suffix = split_suffix(record.text(question))
    return Sample(
        key=identities.take(record.identity("question_id"), record.place),
        task=TASK,
        images=(image,),
        image_size=size,
        target=MaskTarget(mask, name, rule="soft"),
        prompt=prompt,
        suffix=suffix,
    )
