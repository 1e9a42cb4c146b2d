"""A user's own points: a picture, an instruction, and the point, points, box or mask that it means.

::

    {"image": "shelf.jpg", "depth": "shelf_depth.png", "instruction": "the left mug", "point": [0.341, 0.610]}
    {"image": "shelf.jpg", "instruction": "the free spot", "box": [312, 80, 420, 190], "coordinates": "pixels"}
    {"image": "shelf.jpg", "instruction": "every cup", "points": [[0.2, 0.5], [0.7, 0.4]]}
    {"image": "shelf.jpg", "instruction": "the plate", "mask": "plate.png"}

It becomes one question in the published form. A box answers with its centre, a mask with the middle of its widest
part; either is kept as the region within which a point is right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.answers import write_answer
from roborefer.answers.prompts import point_question
from roborefer.datasets.checks import known_size
from roborefer.datasets.quoting import spelled
from roborefer.datasets.records import Message
from roborefer.datasets.sources import find_file
from roborefer.errors import InputError
from roborefer.images import read_image, source_name
from roborefer.models.prompt import without_media_tokens
from roborefer.refspatial.free_space import innermost_pixel
from roborefer.refspatial.reasoning import largest_part
from roborefer.refspatial.run_length import encode_mask
from roborefer.structures import Box, Point

PLACES = ("point", "points", "box", "mask")
"""The keys of which a record has exactly one."""

_DECIMALS = 3
_LARGEST_NUMBER = 1e9  # no picture is larger; NaN and infinity are not below it either


class OwnPointsError(Exception):
    """The record cannot be used: kind of fault and text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def is_own_points(content: Mapping[str, Any]) -> bool:
    """Whether a record is of this form."""
    return "instruction" in content and "conversations" not in content


def read_own_points(
    content: Mapping[str, Any], images: Sequence[Path], mask_folders: Sequence[Path]
) -> tuple[list[Message], dict[str, Any]]:
    """The conversation that a record of one's own points becomes.

    Args:
        content: The JSON object.
        images: Its pictures, found.
        mask_folders: Where a mask's name starts.

    Returns:
        Question and answer, and ``{"questions": [...]}`` in the form of the data engine's records: ``points``, and
        the region as ``mask`` (run lengths) or ``box`` (fractions of the picture).

    Raises:
        OwnPointsError: Something is missing, of the wrong kind, or outside the picture.
    """
    if len(images) != 1:
        raise OwnPointsError("odd_record", f"expected one picture for an instruction, got {len(images)}")
    given = content["instruction"]
    instruction = without_media_tokens(given).strip() if isinstance(given, str) else ""
    if not instruction:
        raise OwnPointsError("no_question", "expected an instruction such as 'the left mug', got none")
    places = [key for key in PLACES if content.get(key) is not None]
    if len(places) != 1:
        kind = "odd_record" if places else "no_answer"
        raise OwnPointsError(kind, f"expected one of {', '.join(PLACES)}, got {' and '.join(places) or 'none'}")
    points, box, mask = _region(content, places[0], images[0], mask_folders)
    question = {
        "kind": "location",
        "phrase": instruction,
        "relations": [],
        "step_count": 1,
        "template": "own",
        "steps": [],
        "key_steps": [],
        "points": [[round(point.x, 6), round(point.y, 6)] for point in points],
        "target": None,
        "mask": None if mask is None else encode_mask(mask),
        "box": None if box is None else [round(side, 6) for side in (box.x0, box.y0, box.x1, box.y1)],
        "facts": [],
        "marks": [],
    }
    answer = write_answer(points, decimals=_DECIMALS)
    return [Message("human", point_question(instruction)), Message("gpt", answer)], {"questions": [question]}


def _region(
    content: Mapping[str, Any], key: str, image: Path, mask_folders: Sequence[Path]
) -> tuple[list[Point], Box | None, NDArray[np.bool_] | None]:
    """The points that answer, and the box or mask that they were taken from."""
    if key == "mask":
        mask = _read_mask(content[key], image, mask_folders)
        row, column, _ = innermost_pixel(largest_part(mask))
        return [Point((column + 0.5) / mask.shape[1], (row + 0.5) / mask.shape[0])], None, mask
    scale = _scale(content, image)
    if key == "box":
        x0, y0, x1, y1 = _numbers(content[key], 4, key)
        box = Box(x0 / scale[0], y0 / scale[1], x1 / scale[0], y1 / scale[1])
        if not (box.x0 < box.x1 and box.y0 < box.y1):
            raise OwnPointsError("odd_record", f"expected box as left, top, right, bottom, got {content[key]}")
        _check_inside(((box.x0, box.y0), (box.x1, box.y1)), f"box {content[key]}", scale)
        return [box.center], box, None
    pairs = content[key] if key == "points" else [content[key]]
    if not isinstance(pairs, list) or not pairs:
        raise OwnPointsError("odd_record", f"expected points as [[x, y], ...], got {spelled(pairs)}")
    points = []
    for pair in pairs:
        x, y = _numbers(pair, 2, key)
        points.append(Point(x / scale[0], y / scale[1]))
        _check_inside(((points[-1].x, points[-1].y),), f"point {pair}", scale)
    return points, None, None


def _scale(content: Mapping[str, Any], image: Path) -> tuple[int, int]:
    """What coordinates are divided by to become fractions."""
    coordinates = content.get("coordinates", "normalized")
    if coordinates == "normalized":
        return 1, 1
    if coordinates != "pixels":
        raise OwnPointsError(
            "odd_record", f"expected coordinates to be normalized or pixels, got {spelled(coordinates)}"
        )
    try:
        return known_size(image)
    except InputError as error:
        raise OwnPointsError("unreadable_image" if image.exists() else "missing_image", str(error)) from error


def _numbers(value: object, count: int, key: str) -> list[float]:
    if not isinstance(value, list) or len(value) != count or not all(_is_number(number) for number in value):
        raise OwnPointsError("odd_record", f"expected {count} numbers in {key}, got {spelled(value)}")
    return [float(number) for number in value]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def _check_inside(pairs: Sequence[tuple[float, float]], what: str, scale: tuple[int, int]) -> None:
    if all(0 <= x <= 1 and 0 <= y <= 1 for x, y in pairs):
        return
    if scale == (1, 1):
        wanted, hint = "within 0-1", ': if it is in pixels, add "coordinates": "pixels"'
    else:
        wanted, hint = f"within the picture's {scale[0]}x{scale[1]} pixels", ""
    raise OwnPointsError("point_outside", f"expected coordinates {wanted}, got {what}{hint}")


def _read_mask(name: object, image: Path, folders: Sequence[Path]) -> NDArray[np.bool_]:
    """(H, W) bool: where a mask's picture is more than half as bright as its brightest pixel."""
    if not isinstance(name, str) or not name or not folders:
        raise OwnPointsError("odd_record", f"expected mask to be a file's name, got {spelled(name)}")
    path = find_file(folders, name)
    try:
        grey = np.asarray(read_image(path))[:, :, 0]
        size = known_size(image)
    except InputError as error:
        raise OwnPointsError("bad_mask", str(error)) from error
    if (grey.shape[1], grey.shape[0]) != size:
        text = f"expected a mask of the picture's size {size[0]}x{size[1]}, got {grey.shape[1]}x{grey.shape[0]}"
        raise OwnPointsError("bad_mask", f"{text} in {source_name(path)}")
    brightest = int(grey.max())
    if brightest == 0:
        raise OwnPointsError(
            "bad_mask", f"expected a mask with something in it, got an empty one in {source_name(path)}"
        )
    return grey > brightest / 2
