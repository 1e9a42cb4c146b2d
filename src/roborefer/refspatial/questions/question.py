"""What a question is: its text, its answer, and everything by which the answer can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from roborefer.structures import Box, Point, Step

QuestionKind = Literal[
    "location", "placement", "choice", "fact", "quantity", "multi_view", "visual_choice", "absent"
]  # fmt: skip
MarkColor = Literal["red", "blue", "green"]

QUESTION_KINDS: tuple[QuestionKind, ...] = get_args(QuestionKind)


@dataclass(frozen=True)
class Mark:
    """Something drawn in the picture for a question to speak of, as in the published visual-choice data.

    Attributes:
        place: A box (an outline) or a point (a disc), fractions of the image.
        color: Of the outline or disc.
        letter: Written beside a point, None for a box.
        target: Id of the object that is marked.
    """

    place: Box | Point
    color: MarkColor
    letter: str | None
    target: int


@dataclass(frozen=True, eq=False)
class Question:
    """A question about a scene, with its answer.

    Attributes:
        kind: What is asked for.
        text: The question.
        answer: In the published text forms; "[(0.341, 0.610)]" for location and placement, "[]" for absent.
        phrase: The thing or place that is referred to ("the mug to the left of the plate").
        steps: The reasoning, in order; see ``reasoning.py``.
        key_steps: Indices into ``steps`` of those that the process reward looks for.
        points: The answer points; empty where none is asked for.
        target: Id of the object that is asked for, None for a free place or where there is none.
        region: (H, W) bool mask within which a point is right; None where no point is asked for.
        relations: Those of the 31 that the question uses, sorted.
        step_count: As the benchmark counts (paper section 5), 1-5.
        template: Names the kind of template and the number of its wording: "placement-between-2".
        marks: What must be drawn in the picture.
        views: Names of the scenes that it is about; empty for the one scene that was asked.
        facts: Every number and choice that the answer states, in SI units and degrees, for checking.
    """

    kind: QuestionKind
    text: str
    answer: str
    phrase: str
    steps: tuple[Step, ...]
    key_steps: tuple[int, ...]
    points: tuple[Point, ...]
    target: int | None
    region: NDArray[np.bool_] | None
    relations: tuple[str, ...]
    step_count: int
    template: str
    marks: tuple[Mark, ...] = ()
    views: tuple[str, ...] = ()
    facts: Mapping[str, float | str] = field(default_factory=lambda: MappingProxyType({}))
