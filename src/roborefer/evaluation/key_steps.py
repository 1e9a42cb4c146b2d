"""Whether the reasoning got there: predicted steps against the key steps of a question (paper section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from roborefer.structures import Point, Step

POSITION_PX = 50.0
"""A Position is right below this L1 distance in pixels of the image (paper section 3.3)."""

ORIENTATION_COSINE = 0.8
"""An Orientation is right above this cosine."""

SIZE_TOLERANCE = 0.15
"""A Size is right within this part of the true one."""

_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


def right_key_steps(steps: Sequence[Step], key_steps: Sequence[Step], image_size: tuple[int, int]) -> list[bool]:
    """For each key step, whether the reasoning has it right.

    A key step is held against the first predicted step of its kind and target, wherever it stands; a target is the
    same if it is so without case, article and spacing. Key steps that no step names are wrong.

    Args:
        steps: As predicted.
        key_steps: As annotated.
        image_size: (width, height) in pixels, in which Positions are compared.
    """
    first: dict[tuple[str, str], Step] = {}
    for step in steps:
        first.setdefault((step.kind, plain_target(step.target)), step)
    found = [first.get((key.kind, plain_target(key.target))) for key in key_steps]
    return [step is not None and is_right(step, key, image_size) for step, key in zip(found, key_steps, strict=True)]


def is_right(step: Step, truth: Step, image_size: tuple[int, int]) -> bool:
    """Whether a step's value is that of another of the same kind, within the paper's tolerances."""
    if step.kind != truth.kind:
        return False
    value, wanted = step.value, truth.value
    if isinstance(value, Point) and isinstance(wanted, Point):
        (x, y), (u, v) = value.pixel(image_size), wanted.pixel(image_size)
        return abs(x - u) + abs(y - v) < POSITION_PX
    if isinstance(value, tuple) and isinstance(wanted, tuple):
        lengths = float(np.linalg.norm(value) * np.linalg.norm(wanted))
        return lengths > 0 and float(np.dot(value, wanted)) / lengths > ORIENTATION_COSINE
    if isinstance(value, float | int) and isinstance(wanted, float | int):
        # The sizes at the very ends (0.115 of 0.1) are right whichever way they are rounded.
        return abs(value - wanted) <= SIZE_TOLERANCE * wanted * (1 + 1e-9)
    return False


def plain_target(target: str) -> str:
    """A step's target without case, article and spacing, as targets are compared."""
    return _ARTICLE.sub("", " ".join(target.split())).casefold()
