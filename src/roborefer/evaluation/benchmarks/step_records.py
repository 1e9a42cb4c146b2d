"""Reasoning steps as records hold them: ``{"kind": "Position", "target": "the cup", "value": [0.5, 0.25]}``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.records import Record
from roborefer.structures import Point, Step

_LENGTHS = {"Position": 2, "Orientation": 3, "Size": 1}


def key_steps_of(record: Record) -> tuple[Step, ...]:
    """The key steps of a question: those of ``steps`` that ``key_steps`` names by index; none where there are none.

    Raises:
        InputError: A step cannot be read, or an index names none.
    """
    steps, indices = record.fields.get("steps"), record.fields.get("key_steps")
    if not steps or not indices:
        return ()
    if not isinstance(steps, list) or not isinstance(indices, list):
        raise InputError(f"expected lists as 'steps' and 'key_steps', got something else in {record.place}")
    for index in indices:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(steps):
            raise InputError(f"expected 'key_steps' to name steps 0 to {len(steps) - 1}, got {index} in {record.place}")
    return tuple(_step(steps[index], record.place) for index in indices)


def _step(content: Any, place: str) -> Step:
    kind = content.get("kind") if isinstance(content, Mapping) else None
    target = content.get("target") if isinstance(content, Mapping) else None
    value = content.get("value") if isinstance(content, Mapping) else None
    length = _LENGTHS.get(kind) if isinstance(kind, str) else None
    numbers: list[Any] = value if isinstance(value, list) else [value]
    if (
        length is None
        or not isinstance(target, str)
        or len(numbers) != length
        or not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
    ):
        raise InputError(
            f"expected a step with kind (Position, Orientation, Size), target and value, got {content} in {place}"
        )
    if kind == "Position" and not all(0 <= number <= 1 for number in numbers):
        raise InputError(f"expected a Position within 0-1, got {numbers} in {place}")
    if kind == "Position":
        return Step("Position", target, Point(numbers[0], numbers[1]))
    if kind == "Orientation":
        return Step("Orientation", target, (numbers[0], numbers[1], numbers[2]))
    return Step("Size", target, float(numbers[0]))
