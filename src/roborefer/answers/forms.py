"""The families' coordinate forms and their conversion to and from fractions of the original image.

| form           | order   | range             | written as                                                      |
|----------------|---------|-------------------|-----------------------------------------------------------------|
| roborefer      | x, y    | 0-1               | ``[(0.341, 0.610)]`` (also RoboPoint, RoboSpatial)              |
| moondream      | x, y    | 0-1               | ``{"points": [{"x": 0.341, "y": 0.61}]}``                       |
| qwen3          | x, y    | 0-1000            | ``[{"point_2d": [341, 610], "label": "cup"}]``, ``bbox_2d``     |
| gemini         | y, x    | 0-1000            | ``[{"point": [610, 341], "label": "cup"}]``, ``box_2d``         |
| molmo          | x, y    | 0-100             | ``<point x="34.1" y="61.0" alt="cup">cup</point>``, ``<points`` |
| groundanything | x, y    | 0-999             | ``<|box_start|><341><609><|box_end|>``, four numbers for a box  |
| pixels         | x, y    | the image's size  | ``[(218, 293)]`` (Qwen2.5-VL, RoboBrain 2.0, Claude)            |
| robotracer     | x, y, d | 0-1000 and metres | ``[(341, 610, 1.250)]`` (also RoboBrain 2.5)                    |
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal, get_args

from roborefer.answers.problems import UnreadableError
from roborefer.errors import InputError
from roborefer.structures import Box, Point

AnswerForm = Literal[
    "roborefer", "moondream", "qwen3", "gemini", "molmo", "groundanything", "pixels", "robotracer"
]  # fmt: skip
ANSWER_FORMS: tuple[AnswerForm, ...] = get_args(AnswerForm)

_FULL_SCALE: MappingProxyType[AnswerForm, int] = MappingProxyType(
    {
        "roborefer": 1,
        "moondream": 1,
        "qwen3": 1000,
        "gemini": 1000,
        "molmo": 100,
        "groundanything": 999,
        "robotracer": 1000,
    }
)


def check_form(form: str) -> None:
    """Raises InputError unless ``form`` names a family."""
    if form not in ANSWER_FORMS:
        raise InputError(f"expected a form out of {', '.join(ANSWER_FORMS)}, got {form!r}")


def check_image_size(image_size: tuple[int, int]) -> tuple[int, int]:
    """``image_size`` as plain integers (width, height); raises InputError unless both are positive."""
    try:
        width, height = (operator.index(length) for length in image_size)
    except (TypeError, ValueError):
        raise InputError(f"expected image_size as (width, height) in whole pixels, got {image_size!r}") from None
    if width < 1 or height < 1:
        raise InputError(f"expected image_size as (width, height) of at least 1 pixel each, got {image_size!r}")
    return width, height


def full_scale(form: AnswerForm, image_size: tuple[int, int] | None) -> tuple[int, int]:
    """The numbers that stand for the right and the bottom edge of the image, x first."""
    if form == "pixels":
        if image_size is None:
            raise InputError("the form 'pixels' needs image_size=(width, height)")
        return image_size
    return _FULL_SCALE[form], _FULL_SCALE[form]


def to_point(
    values: Sequence[float],
    form: AnswerForm,
    image_size: tuple[int, int] | None,
    *,
    written: str,
    label: str | None = None,
    hint: str = "",
) -> Point:
    """Two numbers in the form's order and scale, or three where the third is metres (robotracer), as a Point.

    Args:
        values: The numbers as the model wrote them.
        form: The family that wrote them.
        image_size: (width, height) in pixels, for the form "pixels".
        written: The words of the reply, for the problem line.
        label: What the model called it.
        hint: What to do about a number out of range, added to the problem line.
    """
    if len(values) == 3 and form != "robotracer":
        raise UnreadableError(f"{written} has three numbers: only the form 'robotracer' writes (u, v, depth)")
    if len(values) not in (2, 3):
        raise UnreadableError(f"{written} has {len(values)} numbers: expected 2 for a point")
    x, y = _fractions(values[:2], form, image_size, written, hint)
    depth_m = values[2] if len(values) == 3 else None
    if depth_m is not None and not (math.isfinite(depth_m) and depth_m > 0):
        raise UnreadableError(f"{written} has a depth that is not a positive number of metres")
    return Point(x, y, label, depth_m=depth_m)


def to_box(
    values: Sequence[float],
    form: AnswerForm,
    image_size: tuple[int, int] | None,
    *,
    written: str,
    label: str | None = None,
    hint: str = "",
) -> Box:
    """Four numbers (two corners in the form's order and scale) as a Box; arguments as in :func:`to_point`."""
    if len(values) != 4:
        raise UnreadableError(f"{written} has {len(values)} numbers: expected 4 for a box")
    x0, y0, x1, y1 = _fractions(values, form, image_size, written, hint)
    if x0 > x1 or y0 > y1:
        raise UnreadableError(f"{written} is no box: its first corner is not the upper left one")
    return Box(x0, y0, x1, y1, label)


def _fractions(
    values: Sequence[float], form: AnswerForm, image_size: tuple[int, int] | None, written: str, hint: str
) -> list[float]:
    if not all(math.isfinite(value) for value in values):
        raise UnreadableError(f"{written} holds a value that is not finite")
    width, height = full_scale(form, image_size)
    scales = (height, width) if form == "gemini" else (width, height)
    fractions: list[float] = []
    for index, value in enumerate(values):
        scale = scales[index % 2]
        if not 0 <= value <= scale:
            raise UnreadableError(_out_of_range(values, form, (width, height), written, hint))
        fractions.append(value / scale + 0.0)  # adding zero turns -0.0 into 0.0
    if form == "gemini":
        for index in range(0, len(fractions), 2):
            fractions[index], fractions[index + 1] = fractions[index + 1], fractions[index]
    return fractions


def _out_of_range(
    values: Sequence[float], form: AnswerForm, scale: tuple[int, int], written: str, hint: str
) -> str:  # fmt: skip
    if form == "pixels":
        return f"{written} lies outside the image of {scale[0]} x {scale[1]} pixels"
    line = f"{written} lies outside 0-{scale[0]}"
    # No scale makes a negative number right, so naming another form would not help.
    return f"{line}: {hint}" if hint and min(values) >= 0 else line
