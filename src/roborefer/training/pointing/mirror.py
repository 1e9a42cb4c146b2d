"""A view seen in a mirror: left is right, and all else stays; twice the rooms for nothing.

Pictures, regions, labels and the words and numbers of every question are turned together. What is written on things
reads backwards, which no question asks about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.training.pointing.labels import SIDE, DenseLabels
from roborefer.training.pointing.taught_view import TaughtPoint, TaughtQuestion, TaughtView

# Words that begin with a side ("leftmost", "Right-hand"); "bright" does not.
_SIDE_WORD = re.compile(r"(?<![A-Za-z])(left|right)", re.IGNORECASE)
_OTHER_SIDE = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
# (x, y) of a picture, 0-1; and the first number of a direction (x, y, z), x to the right.
_POINT = re.compile(r"\((\d\.\d{3}), (\d\.\d{3})\)")
_DIRECTION = re.compile(r"\((-?)(\d\.\d{3}), (-?\d\.\d{3}), (-?\d\.\d{3})\)")


def mirrored(view: TaughtView) -> TaughtView:
    """The view as a mirror beside it would show it."""
    turned: dict[int, NDArray[np.bool_]] = {}

    def turn(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return turned.setdefault(id(region), np.ascontiguousarray(region[:, ::-1]))

    def turn_point(point: TaughtPoint) -> TaughtPoint:
        region = None if point.region is None else turn(point.region)
        return replace(point, x=_turned_x(point.x), region=region, anchors=tuple(turn(each) for each in point.anchors))

    def turn_question(question: TaughtQuestion) -> TaughtQuestion:
        text, answer = mirrored_text(question.text), mirrored_text(question.answer)
        return replace(question, text=text, answer=answer, points=tuple(turn_point(each) for each in question.points))

    return TaughtView(
        image=view.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        depth=view.depth.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        questions=tuple(turn_question(question) for question in view.questions),
        labels=_turned_labels(view.labels),
    )


def mirrored_relations(relations: Iterable[str]) -> tuple[str, ...]:
    """The relations that a question uses once it is mirrored."""
    return tuple(_OTHER_SIDE.get(relation, relation) for relation in relations)


def mirrored_text(text: str) -> str:
    """A text about a picture as it reads for the mirrored picture; twice gives the text again.

    Sides change places, points ``(x, y)`` become ``(1 - x, y)``, and directions ``(x, y, z)`` become ``(-x, y, z)``.
    """
    text = _SIDE_WORD.sub(lambda found: _OTHER_SIDE.get(found[0], found[0]), text)
    text = _POINT.sub(lambda found: f"({_turned_x(float(found[1])):.3f}, {found[2]})", text)
    return _DIRECTION.sub(_turned_direction, text)


def _turned_x(x: float) -> float:
    return round(1.0 - x, 3)


def _turned_direction(found: re.Match[str]) -> str:
    sign = "" if found[1] or float(found[2]) == 0 else "-"
    return f"({sign}{found[2]}, {found[3]}, {found[4]})"


def _turned_labels(labels: DenseLabels) -> DenseLabels:
    order = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)[:, ::-1].ravel()
    place = labels.place[order] * np.array((-1.0, 1.0, 1.0), np.float32)
    return DenseLabels(labels.category[order], labels.color[order], place, labels.known[order])
