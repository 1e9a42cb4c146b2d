"""Multi-view: how the camera turned between two pictures, and where in the second one a thing of the first is."""

from __future__ import annotations

import numpy as np

from roborefer.answers import write_answer
from roborefer.refspatial.expressions import spoken
from roborefer.refspatial.questions.asking import Asker
from roborefer.refspatial.questions.pointing import with_ending
from roborefer.refspatial.questions.question import Question
from roborefer.refspatial.reasoning import answer_point, program_of, run
from roborefer.refspatial.relations import camera_rotation
from roborefer.refspatial.scene_graph import Scene
from roborefer.structures import Point, Step

_ROTATIONS = (
    "How did the camera likely rotate when shooting the video?",
    "The two images come from one video. How did the camera rotate between them?",
    "From the first image to the second, how did the camera rotate?",
    "Comparing both images, which way did the camera turn?",
)
_TURNS = {"horizontal": ("rotated left", "rotated right"), "vertical": ("rotated upward", "rotated downward")}
# {phrase} is told by the first image, {point} is in it.
_BY_POINT = (
    "The first image shows {noun} at {point}. Point to the same object in the second image.",
    "Find the object that is at {point} in the first image, and point to it in the second image.",
    "Which point of the second image shows the object that the first image has at {point}?",
    "There is an object at {point} in the first image. Locate it in the second image.",
)
_BY_PHRASE = (
    "In the first image, find {phrase}. Point to the same object in the second image.",
    "Take {phrase} in the first image. Where is this object in the second image?",
    "Locate the object in the second image that is {phrase} in the first image.",
    "Point, in the second image, to what is {phrase} in the first image.",
)


def ask_pair(
    first: Scene,
    second: Scene,
    generator: np.random.Generator,
    count: int = 3,
    *,
    exclude_combinations: frozenset[frozenset[str]] | tuple[frozenset[str], ...] = frozenset(),
) -> list[Question]:
    """Questions about two views of the same objects.

    Args:
        first: With the ids of ``second``.
        second: The view that answers are given in.
        generator: All chance flows from it.
        count: The most that are asked; no two alike.
        exclude_combinations: Sets of relations; a question whose relations hold one of them whole is not asked.
    """
    found: dict[str, Question] = {}
    asker = Asker(first, generator)
    for attempt in range(4 * count):
        question = _rotation(asker, second) if attempt == 0 else _same_object(asker, second)
        if question is None or any(frozenset(held) <= set(question.relations) for held in exclude_combinations):
            continue
        found.setdefault(question.text, question)
        if len(found) == count:
            break
    return list(found.values())[:count]


def _rotation(asker: Asker, second: Scene) -> Question | None:
    turn = camera_rotation(asker.scene.camera, second.camera)
    if turn.dominant is None:
        return None
    degrees = (turn.horizontal if turn.dominant == "horizontal" else turn.vertical).value
    options = list(_TURNS[turn.dominant])
    # Left and down are below 0.
    right = options[int((degrees > 0) == (turn.dominant == "horizontal"))]
    if asker.chance(0.5):
        options.reverse()
    letter = "AB"[options.index(right)]
    number, asked = asker.pick_wording(_ROTATIONS)
    text = f"{asked} " + " ".join(f"({name}) {option}" for name, option in zip("AB", options, strict=True))
    return _question(
        asker.scene,
        second,
        text=text,
        answer=f"({letter}) {right}",
        phrase="the camera",
        relations=(f"rotation-{turn.dominant}",),
        template=f"multi-view-rotation-{number}",
        facts={"rotation_degrees": degrees},
    )


def _same_object(asker: Asker, second: Scene) -> Question | None:
    other = Asker(second, asker.generator)
    common = [item for item in asker.well if item in other.facts.well]
    if not common:
        return None
    target = asker.pick(common)
    before, after = answer_point(asker.scene, target), answer_point(second, target)
    phrase = asker.phrase(target, 3)
    by_point = asker.chance(0.5)
    # "The lowest in the image in the first image" would say it twice.
    if phrase is None or (not by_point and " in the image" in phrase.text()):
        return None
    number, template = asker.pick_wording(_BY_POINT if by_point else _BY_PHRASE)
    written = f"({before.x:.3f}, {before.y:.3f})"
    noun = f"the {spoken(asker.facts.objects[target].category)}"
    asked = template.format(phrase=phrase.text(), noun=noun, point=written)
    text, ending = with_ending(asker, asked, plural=phrase.is_plural)
    if by_point:
        steps: tuple[Step, ...] = (Step("Position", f"{noun} in the first image", before),)
        keys: tuple[int, ...] = (0,)
    else:
        reasoning = run(asker.scene, program_of(phrase))
        steps, keys = reasoning.steps, reasoning.key_steps
    return _question(
        asker.scene,
        second,
        text=text,
        answer=write_answer([after]),
        phrase=noun if by_point else phrase.text(),
        relations=() if by_point else tuple(sorted(phrase.relations)),
        template=f"multi-view-{'point' if by_point else 'phrase'}-{number}-{ending}",
        facts={"x": before.x, "y": before.y} if by_point else {},
        steps=steps,
        key_steps=keys,
        points=(after,),
        target=target,
        step_count=1 if by_point else phrase.step_count,
    )


def _question(
    first: Scene,
    second: Scene,
    *,
    text: str,
    answer: str,
    phrase: str,
    relations: tuple[str, ...],
    template: str,
    facts: dict[str, float | str] | dict[str, float],
    steps: tuple[Step, ...] = (),
    key_steps: tuple[int, ...] = (),
    points: tuple[Point, ...] = (),
    target: int | None = None,
    step_count: int = 1,
) -> Question:
    return Question(
        kind="multi_view",
        text=text,
        answer=answer,
        phrase=phrase,
        steps=steps,
        key_steps=key_steps,
        points=points,
        target=target,
        region=None if target is None else second.mask(target),
        relations=relations,
        step_count=step_count,
        template=template,
        views=(first.name, second.name),
        facts={**facts},
    )
