"""What is taught of a view: its pictures, questions with their points and regions, and dense labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.training.pointing.labels import DenseLabels


@dataclass(frozen=True, eq=False)
class TaughtPoint:
    """A point that the text holds.

    Attributes:
        x, y: As written, 0-1.
        region: (H, W) bool, every pixel that is right; None where nobody knows.
        is_place: A free place, of which every part is as good.
        anchors: (H, W) bool each: the things by which it is described, if any.
    """

    x: float
    y: float
    region: NDArray[np.bool_] | None
    is_place: bool
    anchors: tuple[NDArray[np.bool_], ...] = ()


@dataclass(frozen=True, eq=False)
class TaughtQuestion:
    """One question about a view.

    Attributes:
        text, answer: As the model is asked and as it should write.
        points: Of the answer's text, in the order in which it writes them.
        ends_at_opening: Teach the answer only up to where its point opens.
    """

    text: str
    answer: str
    points: tuple[TaughtPoint, ...]
    ends_at_opening: bool = False


@dataclass(frozen=True, eq=False)
class TaughtView:
    """One view.

    Attributes:
        image: 8-bit RGB.
        depth: The depth tower's picture, 8-bit RGB.
        questions: Drawn for this visit.
        labels: What every part of the picture shows.
    """

    image: Image.Image
    depth: Image.Image
    questions: tuple[TaughtQuestion, ...]
    labels: DenseLabels
