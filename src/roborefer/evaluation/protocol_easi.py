"""EASI's scorer of RefSpatial-Bench, as a rule."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.evaluation.protocol_published import TUPLE

# Numbers up to this look like fractions there; up to 1000, in JSON, like thousandths; above, like pixels.
_MOST_FRACTION = 1.5
_MOST_LITERAL = 100_000  # characters that are tried as Python; longer replies are JSON or free text
_MOST_PIXELS = 2**60


class _NoPointsError(Exception):
    """Reading fails, which is wrong."""


def easi(text: str | None, mask: NDArray[Any]) -> float | None:
    """What EASI gives an answer: the mean over points, clamped into the image and rounded to whole pixels.

    A reply that is JSON or a Python literal (with a fence around it or not) of objects with ``point_2d`` or ``point``
    is read so; up to 1.5 its numbers are fractions, up to 1000 thousandths, else pixels. From any other reply every
    tuple is read; up to 1.5 its numbers are fractions, else pixels, and four numbers are a filled box.

    Args:
        text: The reply; None where the request failed, which is wrong.
        mask: (H, W), the numbers of the mask's file (its first channel); above 0 is inside.
    """
    inside = mask > 0
    if text is None:
        return 0.0
    try:
        points = _keyed_points(text, inside.shape)
        found, count = _free_points(text, inside) if points is None else _count(points, inside)
    except (_NoPointsError, ValueError, OverflowError, TypeError, RecursionError, MemoryError):
        return 0.0
    return found / count if count else 0.0


def _keyed_points(text: str, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """Points as fractions, (N, 2); None where the reply is no list of objects with points."""
    items = _literal(_without_fence(text))
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return None
    points = []
    for item in items:
        place = (item.get("point_2d") or item.get("point")) if isinstance(item, dict) else None
        if not (isinstance(place, list | tuple) and len(place) == 2):
            continue
        try:
            x, y = float(place[0]), float(place[1])
        except (TypeError, ValueError, OverflowError):
            continue
        largest = max(abs(x), abs(y))
        if largest <= _MOST_FRACTION:
            points.append((x, y))
        elif largest <= 1000:
            points.append((x / 1000, y / 1000))
        else:
            points.append((x / shape[1], y / shape[0]))
    return np.array(points) if points else None


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if len(text) > _MOST_LITERAL:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _without_fence(text: str) -> str:
    text = text.strip()
    if not text.startswith("```"):
        return text
    _, line_break, inner = text.partition("\n")
    inner = (inner if line_break else text.lstrip("`")).strip()
    return inner.removesuffix("```").strip()


def _count(points: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[int, int]:
    """How many points are inside, and how many there are."""
    height, width = inside.shape
    pixels = np.round(np.clip(points * (width, height), 0, (width - 1, height - 1)))
    known = np.isfinite(pixels).all(axis=1)  # what is not a number lies nowhere
    columns, rows = pixels[known].astype(np.intp).T
    return int(np.count_nonzero(inside[rows, columns])), len(points)


def _free_points(text: str, inside: NDArray[np.bool_]) -> tuple[int, int]:
    height, width = inside.shape
    points = []
    found = count = 0
    for match in TUPLE.finditer(text):
        numbers = [float(number) for number in match[1].split(",")]
        fractions = max(abs(number) for number in numbers) <= _MOST_FRACTION
        if len(numbers) == 2:
            points.append((numbers[0], numbers[1]) if fractions else (numbers[0] / width, numbers[1] / height))
        elif len(numbers) == 4:
            scales = (width, height) * 2 if fractions else (1, 1, 1, 1)
            box_found, box_count = _fill([n * scale for n, scale in zip(numbers, scales, strict=True)], inside)
            found, count = found + box_found, count + box_count
    if points:
        point_found, point_count = _count(np.array(points), inside)
        found, count = found + point_found, count + point_count
    return found, count


def _fill(corners: list[float], inside: NDArray[np.bool_]) -> tuple[int, int]:
    """A box as all of its pixels, each clamped into the image; counted instead of written out."""
    height, width = inside.shape
    left, right = sorted((corners[0], corners[2]))
    top, bottom = sorted((corners[1], corners[3]))
    x0, y0, x1, y1 = (round(side) for side in (left, top, right, bottom))
    area = (x1 - x0) * (y1 - y0)
    if area >= _MOST_PIXELS:
        raise _NoPointsError
    found = sum(
        times * repeated * int(np.count_nonzero(inside[rows, columns]))
        for rows, times in _clamped(y0, y1, height)
        for columns, repeated in _clamped(x0, x1, width)
    )
    return found, area


def _clamped(start: int, stop: int, length: int) -> list[tuple[slice, int]]:
    """Where start to stop - 1 fall when clamped to 0 to length - 1: slices, and how often each of them is met."""
    before = max(0, min(stop, 0) - start)
    after = max(0, stop - max(start, length))
    within = slice(min(max(start, 0), length), max(min(stop, length), 0))
    return [(within, 1), (slice(0, 1), before), (slice(length - 1, length), after)]
