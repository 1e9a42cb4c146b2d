"""Masks as run lengths, in COCO's compressed form: ``{"size": [H, W], "counts": "..."}``.

Runs go down the columns and begin with the length of the first run of zeros, as COCO's tools (pycocotools,
supervision, SAM's data) read and write them, so a mask from a record can be handed to any of those as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError

# Each character holds five bits of a number, low ones first; its sixth bit says that more follow.
_BITS = 5
_MORE = 1 << _BITS
_FIRST_CHARACTER = 48
_LAST_CHARACTER = _FIRST_CHARACTER + 2 * _MORE - 1
_MOST_PIXELS = 1 << 30


def encode_mask(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask as run lengths.

    Args:
        mask: (H, W) bool.

    Returns:
        ``{"size": [H, W], "counts": text}``, JSON-ready.

    Raises:
        InputError: It is not a two-dimensional bool array.
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise InputError(f"mask: expected bool of shape (H, W), got {mask.dtype} of shape {mask.shape}")
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate(([0], changes, [flat.size]))
    runs = np.diff(edges)
    if flat.size and flat[0]:
        runs = np.concatenate(([0], runs))
    return {"size": [int(side) for side in mask.shape], "counts": _write_counts(runs)}


def decode_mask(content: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask of :func:`encode_mask`: (H, W) bool.

    Raises:
        InputError: The size or the counts are missing, broken, or do not fit each other.
    """
    height, width = _size(content)
    counts = content.get("counts")
    if not isinstance(counts, str):
        raise InputError(f"expected a mask's counts as text (COCO's compressed form), got {type(counts).__name__}")
    runs = _read_counts(counts)
    if (runs.size and (runs.min() < 0 or runs.max() > _MOST_PIXELS)) or int(runs.sum()) != height * width:
        raise InputError(f"expected a mask's runs to fill its {width}x{height} pixels, got {int(runs.sum())}: copy it")
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _size(content: Mapping[str, Any]) -> tuple[int, int]:
    size = content.get("size")
    sides = list(size) if isinstance(size, list | tuple) else []
    if len(sides) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) and side >= 0 for side in sides):
        raise InputError(f"expected a mask's size as [height, width], got {size!r}")
    if sides[0] * sides[1] > _MOST_PIXELS:
        raise InputError(f"expected a mask of at most {_MOST_PIXELS} pixels, got {sides[1]}x{sides[0]}")
    return sides[0], sides[1]


def _write_counts(runs: NDArray[np.int64]) -> str:
    """Run lengths as text; from the fourth on, each as its difference to the one before the last."""
    numbers = runs.astype(np.int64)
    numbers[3:] -= runs[1:-2]
    columns: list[NDArray[np.int64]] = []
    alive = np.ones(numbers.shape, bool)
    rest = numbers
    while alive.any():
        low = rest & (_MORE - 1)
        rest = rest >> _BITS
        # The fifth bit is the sign: a number ends where what is left only repeats it.
        negative = (low & (_MORE >> 1)) != 0
        goes_on = alive & np.where(negative, rest != -1, rest != 0)
        columns.append(np.where(alive, low + goes_on * _MORE + _FIRST_CHARACTER, 0))
        alive = goes_on
    characters = np.stack(columns, axis=1).ravel().astype(np.uint8)
    return characters[characters > 0].tobytes().decode("ascii")


def _read_counts(text: str) -> NDArray[np.int64]:
    try:
        characters = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64)
    except UnicodeEncodeError:
        raise InputError("expected a mask's counts in COCO's compressed form, got other letters: copy it") from None
    if characters.size == 0:
        return np.zeros(0, np.int64)
    digits = characters - _FIRST_CHARACTER
    ends = (digits & _MORE) == 0
    if characters.min() < _FIRST_CHARACTER or characters.max() > _LAST_CHARACTER or not ends[-1]:
        raise InputError("expected a mask's counts in COCO's compressed form, got other letters: copy it")
    starts = np.concatenate(([0], np.flatnonzero(ends)[:-1] + 1))
    position = np.arange(digits.size) - np.repeat(starts, np.diff(np.append(starts, digits.size)))
    if position.max() > 7:
        raise InputError("expected a mask's counts in COCO's compressed form, got a number too large: copy it")
    numbers = np.add.reduceat((digits & (_MORE - 1)) << (_BITS * position), starts)
    last = digits[ends]
    negative = (last & (_MORE >> 1)) != 0
    numbers -= np.where(negative, 1 << (_BITS * (position[ends] + 1)), 0)
    # Undo the differences: odd and even runs from the second on are sums along their own chain.
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers
