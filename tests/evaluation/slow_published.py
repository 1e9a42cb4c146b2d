"""The published rule a second time, as slowly and plainly as it can be said: no pattern, one pixel after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def slow_published(text: str | None, mask: np.ndarray) -> float | None:
    """The fraction of points inside; None where reading fails."""
    if text is None:
        return None
    height, width = len(mask), len(mask[0])
    points: list[tuple[int, int]] = []
    for written in slow_tuples(text):
        try:
            numbers = [float(number) if "." in number else int(number) for number in written.split(",")]
            if len(numbers) == 2:
                points.append(slow_point(numbers, width, height))
            if len(numbers) == 4:
                points.extend(slow_box(numbers, width, height))
        except (ValueError, OverflowError):
            return None
    if not points:
        return 0.0
    hits = [0 <= x < width and 0 <= y < height and mask[y][x] > 0 for x, y in points]
    return float(np.mean(np.array(hits, np.float64)))


def slow_point(numbers: list[int | float], width: int, height: int) -> tuple[int, int]:
    x, y = numbers
    if type(x) is int and type(y) is int:
        return x, y
    return int(x * width), int(y * height)


def slow_box(numbers: list[int | float], width: int, height: int) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = (
        int(number * side) for number, side in zip(numbers, [width, height] * 2, strict=True)
    )  # fmt: skip
    if right < left or bottom < top:
        raise ValueError("negative dimensions are not allowed")
    return ((x, y) for y in range(top, bottom) for x in range(left, right))


def slow_tuples(text: str) -> list[str]:
    """What stands between parentheses that hold nothing but numbers and commas."""
    found = []
    position = 0
    while position < len(text):
        end = _tuple_end(text, position)
        if end is None:
            position += 1
        else:
            found.append(text[position + 1 : end])
            position = end + 1
    return found


def _tuple_end(text: str, start: int) -> int | None:
    """Where the parenthesis closes, if a tuple begins at ``start``."""
    if text[start] != "(":
        return None
    position = _number_end(text, start + 1)
    while position is not None and text[position : position + 1] == ",":
        position += 1
        while text[position : position + 1].isspace():
            position += 1
        position = _number_end(text, position)
    return position if position is not None and text[position : position + 1] == ")" else None


def _number_end(text: str, position: int) -> int | None:
    """Behind a sign, digits, a point and digits; at least one digit comes before the point."""
    if text[position : position + 1] in ("+", "-"):
        position += 1
    digits = position
    while text[position : position + 1].isdecimal():
        position += 1
    if position == digits:
        return None
    if text[position : position + 1] == ".":
        position += 1
    while text[position : position + 1].isdecimal():
        position += 1
    return position
