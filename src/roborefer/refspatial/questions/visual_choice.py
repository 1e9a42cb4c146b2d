"""Visual choice: things are marked in the picture by boxes or lettered points, and options stand on lines of their own.

The words and the colours are those of the published data.
"""

from __future__ import annotations

import numpy as np

from roborefer.refspatial import grammar
from roborefer.refspatial.expressions import spoken
from roborefer.refspatial.questions.asking import Asker
from roborefer.refspatial.questions.question import Mark, MarkColor, Question
from roborefer.refspatial.reasoning import answer_point
from roborefer.refspatial.scene_graph import Scene
from roborefer.structures import Box, Point, Step

_POINT_QUESTIONS = (
    "Two points are circled on the image, labeled by A and B beside each circle. Which point is closer to the camera?",
    "Look at the two points marked A and B. Which one is closer to the camera?",
    "The image has two labeled points, A and B. Which of them is nearer to the camera?",
    "Of the points labeled A and B in the image, which is closer to the camera?",
)
# {a} and {b} are things with their marks. Relations, question, options.
_BOX_QUESTIONS: tuple[tuple[str, str, tuple[str, ...], str, str], ...] = (
    (
        "left", "right",
        (
            "Considering the positions of {a} and {b}, where is the first located with respect to the second?",
            "{is_a} {a} to the left or to the right of {b}?",
            "From the viewer's perspective, on which side of {b} {is_a} {a}?",
            "Where {is_a} {a} in relation to {b}?",
        ),
        "left", "right",
    ),
    (
        "above-image", "below-image",
        (
            "{is_a} {a} above or below {b} in the image?",
            "In the picture, where {is_a} {a} in relation to {b}?",
            "Looking at the image, {does_a} {a} appear above or below {b}?",
            "In image coordinates, {is_a} {a} higher or lower than {b}?",
        ),
        "above", "below",
    ),
    (
        "front", "behind",
        (
            "{is_a} {a} in front of or behind {b}?",
            "From the viewer's perspective, {is_a} {a} in front of or behind {b}?",
            "Looking at the depth of the scene, where {is_a} {a} in relation to {b}?",
            "Where {is_a} {a}, in front of or behind {b}?",
        ),
        "front", "behind",
    ),
    (
        "close", "far",
        (
            "{is_a} {a} closer to or farther from the camera than {b}?",
            "Compared with {b}, {is_a} {a} closer to the camera or farther from it?",
            "How does the distance of {a} from the camera compare with that of {b}?",
            "From the camera's position, {is_a} {a} closer or farther than {b}?",
        ),
        "closer", "farther",
    ),
    (
        "tall", "short",
        (
            "{is_a} {a} taller or shorter than {b}?",
            "Compared with {b}, {is_a} {a} tall or short?",
            "How does the height of {a} compare with that of {b}?",
            "In terms of height, how does {a} compare with {b}?",
        ),
        "taller", "shorter",
    ),
    (
        "big", "small",
        (
            "{is_a} {a} bigger or smaller than {b}?",
            "Compared with {b}, {is_a} {a} big or small?",
            "How does the size of {a} compare with that of {b}?",
            "In terms of size, how does {a} compare with {b}?",
        ),
        "bigger", "smaller",
    ),
)  # fmt: skip
_NEARER_QUESTIONS = (
    "Which object is closer to {c}, {a} or {b}?",
    "Estimate the real-world distances between objects. Which object is closer to {c}, {a} or {b}?",
    "Which is closer to {c}: {a} or {b}?",
    "Measured from {c}, which is nearer: {a} or {b}?",
)
_MARKED = ("(annotated by the {color} box)", "(highlighted by a {color} box)")


def visual_choice(asker: Asker) -> Question | None:
    """A question about marks; None if what was drawn cannot be asked."""
    draw = asker.generator.random()
    if draw < 0.35:
        return _closer_point(asker)
    return _two_boxes(asker) if draw < 0.8 else _three_boxes(asker)


def mask_box(scene: Scene, object_id: int) -> Box:
    """The box around what is seen of an object, pixel edges as fractions of the image."""
    mask = scene.mask(object_id)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return Box(
        float(columns[0] / width),
        float(rows[0] / height),
        float((columns[-1] + 1) / width),
        float((rows[-1] + 1) / height),
    )


def _closer_point(asker: Asker) -> Question | None:
    ids = asker.objects(2)
    nearer = None if ids is None else asker.facts.truth("close", *ids)
    if ids is None or nearer is None:
        return None
    points = [answer_point(asker.scene, item) for item in ids]
    depths = [_depth(asker.scene, point) for point in points]
    # The points themselves have to be in the order of the things.
    if (depths[0] < depths[1]) != nearer or abs(depths[0] - depths[1]) < 0.04 * min(depths):
        return None
    marks = tuple(
        Mark(point, "red", letter, item) for point, letter, item in zip(points, "AB", ids, strict=True)
    )  # fmt: skip
    letter = "A" if nearer else "B"
    number, asked = asker.pick_wording(_POINT_QUESTIONS)
    steps = tuple(Step("Position", f"point {name}", point) for name, point in zip("AB", points, strict=True))
    facts: dict[str, float | str] = {
        "relation": "close",
        "depth_a_m": depths[0],
        "depth_b_m": depths[1],
        "closer": letter,
    }
    text = f"{asked}\n(A) A is closer\n(B) B is closer"
    answer = f"({letter}) {letter} is closer"
    return _question(text, answer, f"point {letter}", steps, ("close", "depth"), 2, f"points-{number}", marks, facts)


def _two_boxes(asker: Asker) -> Question | None:
    ids = asker.objects(2)
    if ids is None:
        return None
    relation, partner, templates, option, other_option = asker.pick(_BOX_QUESTIONS)
    truths = [asker.facts.truth(name, *ids) for name in (relation, partner)]
    if sorted(map(str, truths)) != ["False", "True"]:
        return None
    colors: tuple[MarkColor, ...] = ("red", "blue")
    names, marks, steps = _boxed(asker, ids, colors)
    swapped = asker.chance(0.5)
    options = (other_option, option) if swapped else (option, other_option)
    letter = "AB"[int(truths[1] is True) ^ int(swapped)]
    number, asked = asker.pick_wording(templates)
    right = options["AB".index(letter)]
    used = relation if truths[0] else partner
    facts: dict[str, float | str] = {"relation": used, "subject": float(ids[0]), "other": float(ids[1])}
    several = grammar.is_plural(asker.facts.objects[ids[0]].category)
    verbs = {"is_a": "are" if several else "is", "does_a": "do" if several else "does"}
    asked = grammar.capitalized(asked.format(a=names[0], b=names[1], **verbs))
    text = _with_options(asked, options)
    return _question(
        text, f"({letter}) {right}", names[0], steps, (used,), 2, f"boxes-{relation}-{number}", marks, facts
    )


def _three_boxes(asker: Asker) -> Question | None:
    """The anchor is red, the other two blue and green, as in the published data."""
    ids = asker.objects(3)
    nearer = None if ids is None else asker.facts.nearer(ids[1], ids[2], ids[0])
    if ids is None or nearer is None:
        return None
    names, marks, steps = _boxed(asker, ids, ("red", "blue", "green"))
    if len({asker.facts.objects[item].category for item in ids[1:]}) < 2:
        options = ("the one in the blue box", "the one in the green box")
    else:
        options = (
            f"the {spoken(asker.facts.objects[ids[1]].category)}",
            f"the {spoken(asker.facts.objects[ids[2]].category)}",
        )
    letter = "A" if nearer else "B"
    number, asked = asker.pick_wording(_NEARER_QUESTIONS)
    near, far = (ids[1], ids[2]) if nearer else (ids[2], ids[1])
    facts: dict[str, float | str] = {"relation": "distance", "anchor": float(ids[0])}
    facts |= {"subject": float(near), "other": float(far)}
    text = _with_options(asked.format(c=names[0], a=names[1], b=names[2]), options)
    answer = f"({letter}) {options['AB'.index(letter)]}"
    named = names[1 if nearer else 2]
    return _question(text, answer, named, steps, ("distance",), 3, f"boxes-nearer-{number}", marks, facts)


def _boxed(
    asker: Asker, ids: tuple[int, ...], colors: tuple[MarkColor, ...]
) -> tuple[list[str], tuple[Mark, ...], tuple[Step, ...]]:
    """Names with their marks, the marks, and where the things are."""
    style = asker.pick(_MARKED)
    names = [
        f"the {spoken(asker.facts.objects[item].category)} {style.format(color=color)}"
        for item, color in zip(ids, colors, strict=True)
    ]
    marks = tuple(
        Mark(mask_box(asker.scene, item), color, None, item) for item, color in zip(ids, colors, strict=True)
    )  # fmt: skip
    steps = tuple(
        Step(
            "Position",
            f"the {spoken(asker.facts.objects[item].category)} in the {color} box",
            answer_point(asker.scene, item),
        )
        for item, color in zip(ids, colors, strict=True)
    )
    return names, marks, steps


def _with_options(asked: str, options: tuple[str, ...]) -> str:
    return "\n".join((asked, *(f"({letter}) {option}" for letter, option in zip("AB", options, strict=True))))


def _question(
    text: str,
    answer: str,
    phrase: str,
    steps: tuple[Step, ...],
    relations: tuple[str, ...],
    step_count: int,
    wording: str,
    marks: tuple[Mark, ...],
    facts: dict[str, float | str],
) -> Question:
    return Question(
        kind="visual_choice",
        text=text,
        answer=answer,
        phrase=phrase,
        steps=steps,
        key_steps=tuple(range(len(steps))),
        points=(),
        target=None,
        region=None,
        relations=tuple(sorted(relations)),
        step_count=step_count,
        template=f"visual-choice-{wording}",
        marks=marks,
        facts=facts,
    )


def _depth(scene: Scene, point: Point) -> float:
    width, height = scene.image_size
    return float(scene.depth_m[min(int(point.y * height), height - 1), min(int(point.x * width), width - 1)])
