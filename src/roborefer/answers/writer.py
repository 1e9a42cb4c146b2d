"""Writes points and steps as models do; :func:`roborefer.answers.parse_answer` reads every form back."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from types import MappingProxyType
from typing import Any

from roborefer.answers.forms import AnswerForm, check_form, check_image_size, full_scale
from roborefer.answers.steps import STEP_KINDS, UNIT_LENGTH_TOLERANCE
from roborefer.errors import InputError
from roborefer.structures import Point, Step

_SECTION_TAG = re.compile(r"</?(?:think|answer)\s*>", re.IGNORECASE)
_MAX_DECIMALS = 15
_MIN_SIZE_M = 1e-6
_MIN_DEPTH_M = 0.001


def write_answer(points: Iterable[Point], *, steps: Iterable[Step] = (), decimals: int = 3) -> str:
    """The published format: ``[(0.341, 0.610)]``, and with steps ``<think>...</think><answer>...</answer>``.

    A step is one line of the thought, ``[Position] [the cup]: [(0.245, 0.147)]``, ``[Orientation] [its handle]:
    (1.000, 0.000, 0.000)`` or ``[Size] [the cup]: 0.12`` (paper section 3.3).

    Args:
        points: Fractions (0-1) of the image; none at all is written ``[]``.
        steps: Reasoning steps in order.
        decimals: Digits after the point of points and Positions. Orientations have three; Sizes two, or as many
            as show two digits other than leading zeros.

    Raises:
        InputError: A point lies outside 0-1, or a step's value or target cannot be written.
    """
    if not 1 <= decimals <= _MAX_DECIMALS:
        raise InputError(f"expected 1 to {_MAX_DECIMALS} decimals, got {decimals}")
    answer = _tuples(_checked(points), decimals)
    lines = [_step_line(step, decimals) for step in steps]
    if not lines:
        return answer
    thought = "\n".join(lines)
    return f"<think>\n{thought}\n</think><answer>{answer}</answer>"


def write_points(points: Iterable[Point], form: AnswerForm, image_size: tuple[int, int] | None = None) -> str:
    """Points as a family writes them: the converter from our fractions to every other form.

    Rounding is the family's own: 0.001 (roborefer), none (moondream), 1/1000 (qwen3, gemini), 0.1 of 100 (molmo),
    1/999 (groundanything), a whole pixel (pixels), 1/1000 and 1 mm (robotracer). Labels are kept by qwen3, gemini,
    molmo and groundanything (there "<" becomes its full-width form). No points at all are
    written as the family says "no such thing".

    Args:
        points: Fractions (0-1) of the image; robotracer needs their ``depth_m``.
        form: The family.
        image_size: (width, height) in pixels, for the form "pixels".

    Raises:
        InputError: A point lies outside 0-1, or the form lacks what it needs.
    """
    check_form(form)
    if form == "pixels":
        width, height = full_scale(form, None if image_size is None else check_image_size(image_size))
        pairs = [(round(point.x * width), round(point.y * height)) for point in _checked(points)]
        return "[" + ", ".join(f"({x}, {y})" for x, y in pairs) + "]"
    return _WRITERS[form](_checked(points))


def _checked(points: Iterable[Point]) -> list[Point]:
    checked = list(points)
    for point in checked:
        if not (0 <= point.x <= 1 and 0 <= point.y <= 1):
            raise InputError(f"expected a point within 0-1, got ({point.x}, {point.y})")
    return checked


def _tuples(points: Sequence[Point], decimals: int) -> str:
    return "[" + ", ".join(f"({point.x:.{decimals}f}, {point.y:.{decimals}f})" for point in points) + "]"


def _step_line(step: Step, decimals: int) -> str:
    target = " ".join(step.target.split())
    if not target or _SECTION_TAG.search(target):
        raise InputError(f"expected a step's target as plain words, got {step.target!r}")
    return f"[{step.kind}] [{target}]: {_step_value(step, decimals)}"


def _step_value(step: Step, decimals: int) -> str:
    value = step.value
    if step.kind not in STEP_KINDS:
        raise InputError(f"expected a step kind out of {', '.join(STEP_KINDS)}, got {step.kind!r}")
    if step.kind == "Position" and isinstance(value, Point):
        return _tuples(_checked([value]), decimals)
    if step.kind == "Orientation" and isinstance(value, tuple) and len(value) == 3:
        if not abs(math.hypot(*value) - 1) <= UNIT_LENGTH_TOLERANCE:
            raise InputError(f"expected a unit vector for [Orientation] [{step.target}], got {value}")
        return "(" + ", ".join(f"{component:.3f}" for component in value) + ")"
    if step.kind == "Size" and isinstance(value, int | float):
        if not (math.isfinite(value) and value >= _MIN_SIZE_M):
            raise InputError(f"expected a positive size in metres for [Size] [{step.target}], got {value}")
        # Two decimals would say 0.01 of an object of 14 mm: 30 % off.
        digits = 2 if value >= 0.1 else 1 - math.floor(math.log10(value))
        return f"{value:.{digits}f}"
    raise InputError(f"[{step.kind}] [{step.target}] has a value of the wrong kind: {value!r}")


def _moondream(points: Sequence[Point]) -> str:
    return json.dumps({"points": [{"x": float(point.x), "y": float(point.y)} for point in points]})


def _qwen3(points: Sequence[Point]) -> str:
    return _json([_labelled("point_2d", _thousandths(point), point.label) for point in points])


def _gemini(points: Sequence[Point]) -> str:
    return _json([_labelled("point", _thousandths(point)[::-1], point.label) for point in points])


def _json(value: object) -> str:
    # A label that holds "<answer>" must not pass for the tag; "<" stands nowhere but in strings.
    return json.dumps(value).replace("<", "\\u003c")


def _thousandths(point: Point) -> list[int]:
    return [round(point.x * 1000), round(point.y * 1000)]


def _labelled(key: str, values: list[int], label: str | None) -> dict[str, Any]:
    return {key: values} if label is None else {key: values, "label": label}


def _molmo(points: Sequence[Point]) -> str:
    if not points:
        return "There are none."
    # One tag has one label, so points with different labels need a tag each.
    runs: list[list[Point]] = []
    for point in points:
        if runs and runs[-1][0].label == point.label:
            runs[-1].append(point)
        else:
            runs.append([point])
    return "\n".join(_molmo_tag(run) for run in runs)


def _molmo_tag(points: Sequence[Point]) -> str:
    label = points[0].label
    single = len(points) == 1
    coordinates = " ".join(
        f'x{"" if single else index}="{100 * point.x:.1f}" y{"" if single else index}="{100 * point.y:.1f}"'
        for index, point in enumerate(points, start=1)
    )
    name = "point" if single else "points"
    escaped = "" if label is None else html.escape(label)
    alt = "" if label is None else f' alt="{escaped}"'
    return f"<{name} {coordinates}{alt}>{escaped}</{name}>"


def _groundanything(points: Sequence[Point]) -> str:
    if not points:
        return "None"
    return "".join(_groundanything_point(point) for point in points)


def _groundanything_point(point: Point) -> str:
    reference = ""
    if point.label is not None:
        # Tokens have no escape, and a label must not pass for one.
        plain = point.label.replace("<", "\uff1c")
        reference = f"<|object_ref_start|>{plain}<|object_ref_end|>"
    return f"{reference}<|box_start|><{round(point.x * 999)}><{round(point.y * 999)}><|box_end|>"


def _robotracer(points: Sequence[Point]) -> str:
    written = []
    for point in points:
        if point.depth_m is None or not (math.isfinite(point.depth_m) and point.depth_m >= _MIN_DEPTH_M):
            raise InputError(f"the form 'robotracer' needs depth_m of at least {_MIN_DEPTH_M} m, got {point.depth_m}")
        x, y = _thousandths(point)
        written.append(f"({x}, {y}, {point.depth_m:.3f})")
    return "[" + ", ".join(written) + "]"


_WRITERS: MappingProxyType[AnswerForm, Callable[[Sequence[Point]], str]] = MappingProxyType(
    {
        "roborefer": lambda points: _tuples(points, 3),
        "moondream": _moondream,
        "qwen3": _qwen3,
        "gemini": _gemini,
        "molmo": _molmo,
        "groundanything": _groundanything,
        "robotracer": _robotracer,
    }
)
