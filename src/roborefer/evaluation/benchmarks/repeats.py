"""Questions that stand in two tasks: RefSpatial-Bench's Unseen is a part of its Location and Placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roborefer.evaluation.samples import Sample, Source
from roborefer.images import load_picture, open_source

UNSEEN = "Unseen"


def mark_repeats(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Marks those of Unseen that another task has, too, with a note about them for whoever reads the scores.

    RefSpatial-Sim-Bench's Unseen has questions of its own: none of them is marked.

    Raises:
        InputError: A picture cannot be read.
    """
    asked: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.task != UNSEEN:
            asked.setdefault(sample.prompt, []).append(sample)
    marked = tuple(
        replace(sample, repeated=True)
        if sample.task == UNSEEN and _has(asked.get(sample.prompt, ()), sample)
        else sample
        for sample in samples
    )
    count = sum(sample.repeated for sample in marked)
    note = f"{count} questions of {UNSEEN} stand in other tasks, too: where tasks are taken together they count once"
    return marked, (note,) if count else ()


def _has(others: Sequence[Sample], sample: Sample) -> bool:
    return any(_same_picture(sample, other) for other in others)


def _same_picture(sample: Sample, other: Sample) -> bool:
    first, second = sample.images[0], other.images[0]
    if sample.image_size != other.image_size:
        return False
    return _content(first) == _content(second) or np.array_equal(
        np.asarray(load_picture(first)), np.asarray(load_picture(second))
    )


def _content(source: Source) -> bytes:
    with open_source(source) as stream:
        return stream.read()
