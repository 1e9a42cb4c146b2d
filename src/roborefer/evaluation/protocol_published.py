"""The scorer that RefSpatial-Bench was published with, as a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PublishedReader = Literal["tuples", "pixels", "molmo", "gemini"]
"""How a family's points are read: RoboRefer's, RoboPoint's, Claude's and GPT-4o's as ``tuples``, Qwen's and RoboBrain's
as ``pixels``."""

# "(1, 2)", "(0.5, 0.25, 0.1)": numbers without exponents, a space only behind a comma. Written so that no text makes it
# go back over what it has read: the same tuples as with plain quantifiers, in linear time.
_NUMBER = r"[-+]?\d++(?:\.\d*+)?+"
TUPLE = re.compile(rf"\(({_NUMBER}(?:,\s*+{_NUMBER})*+)\)")
_MOLMO = re.compile(r'(?:x\d++)="(-?\d++(?:\.\d*+)?+)"\s++(?:y\d++)="(-?\d++(?:\.\d*+)?+)"')
_FENCE = re.compile(r"```(?:\w+)?\n(.*?)```", re.DOTALL)

# A box is filled in an array of 8-byte numbers, which can have no more than this many.
_MOST_PIXELS = 2**60


class _LeftOutError(Exception):
    """Reading fails, so the published scorer takes the answer out of the denominator."""


def published(text: str | None, mask: NDArray[Any], reader: PublishedReader = "tuples") -> float | None:
    """What the published scorer gives an answer.

    Every tuple of the reply counts, those inside ``<think>`` too. A pair with a decimal point in it is multiplied by
    width and height; whole pairs are pixels. Four numbers are a box, multiplied likewise, and every pixel of it is a
    point; other lengths are passed over. Points outside the image, which 1.0 is, are misses. A reply in which nothing
    is found scores 0.

    Args:
        text: The reply; None where the request failed.
        mask: (H, W), the numbers of the mask's file (its first channel); above 0 is inside.
        reader: That of the model's family.

    Returns:
        The fraction inside, 0-1. None where reading raises an error there (no text, a box whose corners are swapped, a
        number too long to convert, broken items in JSON): such answers are dropped from the denominator.
    """
    inside = mask > 0
    try:
        if text is None:
            raise _LeftOutError
        found, count = _READERS[reader](text, inside)
    except (_LeftOutError, ValueError, OverflowError, TypeError, KeyError, RecursionError):
        return None
    return found / count if count else 0.0


def tuples(text: str) -> Iterator[list[int | float]]:
    """The numbers of every tuple in order.

    Raises:
        ValueError: A whole number has more digits than Python converts.
    """
    for match in TUPLE.finditer(text):
        yield [float(number) if "." in number else int(number) for number in match[1].split(",")]


def _read_tuples(text: str, inside: NDArray[np.bool_], *, pixels: bool = False) -> tuple[int, int]:
    """How many points are inside, and how many there are."""
    height, width = inside.shape
    found = count = 0
    for numbers in tuples(text):
        if len(numbers) == 2:
            x, y = numbers
            if not pixels and (isinstance(x, float) or isinstance(y, float)):
                x, y = int(x * width), int(y * height)
            found += _is_inside(x, y, inside)
            count += 1
        elif len(numbers) == 4:
            scales = (1, 1, 1, 1) if pixels else (width, height, width, height)
            corners: list[int | float] = [
                number if pixels else int(number * scale) for number, scale in zip(numbers, scales, strict=True)
            ]
            box_found, box_count = _fill(corners, inside)
            found += box_found
            count += box_count
    return found, count


def _is_inside(x: int | float, y: int | float, inside: NDArray[np.bool_]) -> bool:
    height, width = inside.shape
    # A fraction of a pixel, which only the reader "pixels" meets, makes the published scorer stop: a miss here.
    if isinstance(x, float) or isinstance(y, float):
        return False
    return 0 <= x < width and 0 <= y < height and bool(inside[y, x])


def _fill(corners: list[int | float], inside: NDArray[np.bool_]) -> tuple[int, int]:
    """A box as all of its pixels, counted instead of written out."""
    height, width = inside.shape
    if not all(isinstance(corner, int) for corner in corners):
        raise _LeftOutError
    x0, y0, x1, y1 = (int(corner) for corner in corners)
    across, down = x1 - x0, y1 - y0
    if across < 0 or down < 0 or max(across, 1) * max(down, 1) >= _MOST_PIXELS:
        raise _LeftOutError
    columns = slice(min(max(x0, 0), width), min(max(x1, 0), width))
    rows = slice(min(max(y0, 0), height), min(max(y1, 0), height))
    return int(np.count_nonzero(inside[rows, columns])), across * down


def _read_pixels(text: str, inside: NDArray[np.bool_]) -> tuple[int, int]:
    return _read_tuples(text, inside, pixels=True)


def _read_molmo(text: str, inside: NDArray[np.bool_]) -> tuple[int, int]:
    """``x1="41.0" y1="43.0"``, percent; a plain ``x=`` without a number is not read."""
    height, width = inside.shape
    found = count = 0
    for match in _MOLMO.finditer(text):
        x, y = int(float(match[1]) / 100 * width), int(float(match[2]) / 100 * height)
        found += _is_inside(x, y, inside)
        count += 1
    return found, count


def _read_gemini(text: str, inside: NDArray[np.bool_]) -> tuple[int, int]:
    """``[{"point": [y, x]}]`` in thousandths, only within a fence of three backticks."""
    height, width = inside.shape
    fence = _FENCE.search(text)
    if fence is None:
        return 0, 0
    try:
        items = json.loads(fence[1].strip())
    except json.JSONDecodeError:
        return 0, 0
    found = count = 0
    for item in items:
        if "point" in item and isinstance(item["point"], list) and len(item["point"]) == 2:
            y, x = item["point"]
            found += _is_inside(int(x / 1000 * width), int(y / 1000 * height), inside)
            count += 1
    return found, count


_READERS = {"tuples": _read_tuples, "pixels": _read_pixels, "molmo": _read_molmo, "gemini": _read_gemini}
