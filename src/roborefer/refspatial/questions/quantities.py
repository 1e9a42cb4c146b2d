"""Quantity: depth, distance, size, angle and rotation, as numbers with units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from roborefer.refspatial import grammar
from roborefer.refspatial.expressions import MAX_STEPS, Phrase
from roborefer.refspatial.questions.asking import Asker, be
from roborefer.refspatial.questions.question import Question
from roborefer.refspatial.reasoning import (
    Instruction,
    LookAt,
    Measure,
    MeasureSize,
    PointTo,
    answer_point,
    program_for,
    run,
)
from roborefer.refspatial.relations import Finding
from roborefer.refspatial.relations.quantities import depth_at, size
from roborefer.refspatial.relations.rotations import direction_angle

# {a}, {b}, {c} are things, {point} is a point, {is_a} agrees with a. A question and the sentence that answers it.
_DEPTH_AT = (
    ("What is the depth at the point {point}?", "The depth at this point is {number}."),
    ("How deep is the scene at {point}?", "The scene is {number} deep there."),
    ("How far away is the surface at the point {point}, along the viewing direction?", "It is {number} away."),
    ("Estimate the depth at {point}.", "The depth there is about {number}."),
)
_DEPTH_OF = (
    ("What is the depth of {a}?", "The depth of {a} is {number}."),
    ("How far {is_a} {a} from the camera, along the viewing direction?", "{a} {is_a} {number} from the camera."),
    ("At what depth {is_a} {a}?", "{a} {is_a} at a depth of {number}."),
    ("Estimate the depth of {a}.", "{a} {is_a} at a depth of about {number}."),
)
_DISTANCE = (
    ("What is the distance between the centers of {a} and {b}?", "They are {number} apart."),
    ("How far {is_a} {a} from {b}, from center to center?", "{a} {is_a} {number} from {b}."),
    ("Measured between their centers, how far apart are {a} and {b}?", "Their centers are {number} apart."),
    ("Estimate the distance from the center of {a} to the center of {b}.", "It is about {number}."),
)
_SIZES: Mapping[str, tuple[Measure, tuple[tuple[str, str], ...]]] = {
    "tall": (
        "height",
        (
            ("How tall {is_a} {a}?", "{a} {is_a} {number} tall."),
            ("What is the height of {a}?", "The height of {a} is {number}."),
            ("Estimate the height of {a}.", "{a} {is_a} about {number} tall."),
            ("How high {does_a} {a} reach above what {they_a} {stand_a} on?", "{a} {is_a} {number} tall."),
        ),
    ),
    "wide": (
        "width",
        (
            ("How wide {is_a} {a}, as seen from here?", "{a} {is_a} {number} wide."),
            ("What is the width of {a} from the viewer's perspective?", "The width of {a} is {number}."),
            ("From left to right in this view, how wide {is_a} {a}?", "{a} {is_a} {number} wide."),
            ("Estimate the width of {a} as the camera sees it.", "{a} {is_a} about {number} wide."),
        ),
    ),
    "big": (
        "longest",
        (
            ("How long is the longest side of {a}?", "The longest side of {a} is {number}."),
            ("What is the largest dimension of {a}?", "The largest dimension of {a} is {number}."),
            ("How much does {a} measure along its longest side?", "It is {number} along its longest side."),
            ("Estimate the length of the longest side of {a}.", "It is about {number}."),
        ),
    ),
}
_ANGLE = (
    ("What is the angle at {b} between the directions to {a} and {c}?", "The angle is {number}."),
    ("Seen from {b}, what angle do {a} and {c} enclose?", "They enclose {number}."),
    ("With {b} as the vertex, what is the angle between {a} and {c}?", "It is {number}."),
    ("How large is the angle from {a} over {b} to {c}?", "The angle is {number}."),
)
_FRONTS = (
    ("What is the angle between the directions that {a} and {b} face?", "The angle is {number}."),
    ("By what angle do the fronts of {a} and {b} differ?", "They differ by {number}."),
    ("How large is the angle between the front of {a} and the front of {b}?", "It is {number}."),
    ("How many degrees lie between the orientations of {a} and {b}?", "There are {number} between them."),
)
_TURN = (
    ("Standing at the camera and facing {a}, how do I rotate to face {b}?", "Rotate {way} around {number}."),
    ("From facing {a} to facing {b}, what horizontal rotation does the camera need?", "Rotate {way} around {number}."),
    ("How far should the camera turn left or right to go from {a} to {b}?", "It should rotate {way} around {number}."),
    ("What horizontal rotation takes the view from {a} to {b}?", "A rotation to the {way} of around {number}."),
)  # fmt: skip
_TILT = (
    ("I look at {a} from the camera. How do I have to tilt my view to look at {b}?", "Tilt {way} around {number}."),
    ("From {a} to {b}, what vertical rotation does the camera need?", "Rotate {way} around {number}."),
    ("How far should the camera tilt up or down to go from {a} to {b}?", "It should tilt {way} around {number}."),
    ("What vertical rotation takes the view from {a} to {b}?", "A rotation {way} of around {number}."),
)  # fmt: skip

QUANTITIES = (
    "depth", "distance", "tall", "wide", "big", "angle", "rotation-horizontal", "rotation-vertical",
)  # fmt: skip


def quantity(asker: Asker, relation: str) -> Question | None:
    """A question that is answered by a number; None if what was drawn cannot be asked.

    Args:
        asker: Of the scene.
        relation: One of :data:`QUANTITIES`.
    """
    if relation == "depth":
        return _depth_at(asker) if asker.chance(0.5) else _depth_of(asker)
    if relation == "angle" and asker.chance(0.3):
        return _fronts(asker)
    if relation in _SIZES:
        return _size(asker, relation)
    return _MEASURES[relation](asker, relation)


def _depth_at(asker: Asker) -> Question | None:
    ids = asker.objects(1)
    if ids is None:
        return None
    point = answer_point(asker.scene, ids[0])
    found = depth_at(asker.scene, point)
    if not found.clear:
        return None
    written = f"({point.x:.3f}, {point.y:.3f})"
    facts = {"x": point.x, "y": point.y, "depth_m": found.value}
    further = [PointTo("the given point", point, key=True)]
    return _asked(asker, "depth", _DEPTH_AT, (), _length(asker, found), facts, further, point=written)


def _depth_of(asker: Asker) -> Question | None:
    phrases = _phrases(asker, 1)
    if phrases is None:
        return None
    item = _ids(asker, phrases)[0]
    found = asker.facts.finding("depth", item)
    facts = {"subject": float(item), "depth_m": found.value}
    return _asked(asker, "depth", _DEPTH_OF, phrases, _length(asker, found), facts) if found.clear else None


def _distance(asker: Asker, relation: str) -> Question | None:
    phrases = _phrases(asker, 2)
    if phrases is None:
        return None
    first, second = _ids(asker, phrases)
    found = asker.facts.finding(relation, first, second)
    facts = {"subject": float(first), "other": float(second), "distance_m": found.value}
    return _asked(asker, relation, _DISTANCE, phrases, _length(asker, found), facts) if found.clear else None


def _size(asker: Asker, relation: str) -> Question | None:
    phrases = _phrases(asker, 1)
    if phrases is None:
        return None
    item = _ids(asker, phrases)[0]
    measure, templates = _SIZES[relation]
    found = size(asker.scene, item, measure)
    facts: dict[str, float | str] = {"subject": float(item), "measure": measure, "size_m": found.value}
    further = [MeasureSize(phrases[0], measure, key=True)]
    if not found.clear:
        return None
    return _asked(asker, relation, templates, phrases, _length(asker, found), facts, further)


def _angle(asker: Asker, relation: str) -> Question | None:
    phrases = _phrases(asker, 3)
    if phrases is None:
        return None
    first, vertex, second = _ids(asker, phrases)
    found = asker.facts.finding(relation, first, vertex, second)
    facts = {"subject": float(first), "vertex": float(vertex), "other": float(second), "angle_degrees": found.value}
    number = grammar.angle_text(found.value)
    return _asked(asker, relation, _ANGLE, phrases, number, facts) if found.clear else None


def _fronts(asker: Asker) -> Question | None:
    phrases = _phrases(asker, 2)
    if phrases is None:
        return None
    first, second = _ids(asker, phrases)
    found = direction_angle(asker.scene, first, second)
    if not found.clear or not (asker.facts.has_face(first) and asker.facts.has_face(second)):
        return None
    facts = {"subject": float(first), "other": float(second), "front_angle_degrees": found.value}
    further = [LookAt(phrase, "front", key=True) for phrase in phrases]
    return _asked(asker, "angle", _FRONTS, phrases, grammar.angle_text(found.value), facts, further)


def _rotation(asker: Asker, relation: str) -> Question | None:
    phrases = _phrases(asker, 2)
    if phrases is None:
        return None
    first, second = _ids(asker, phrases)
    found = asker.facts.finding(relation, first, second)
    if not found.clear or math.isnan(found.value):
        return None
    level = relation == "rotation-horizontal"
    way = ("right" if level else "up") if found.value > 0 else ("left" if level else "down")
    facts = {"subject": float(first), "other": float(second), "rotation_degrees": found.value}
    number = grammar.rotation_text(abs(found.value))
    return _asked(asker, relation, _TURN if level else _TILT, phrases, number, facts, way=way)


def _asked(
    asker: Asker,
    relation: str,
    templates: Sequence[tuple[str, str]],
    phrases: Sequence[Phrase],
    number: str,
    facts: Mapping[str, float | str],
    further: Sequence[Instruction] = (),
    **words: str,
) -> Question:
    """One of the templates with its words filled in."""
    wording = int(asker.generator.random() * len(templates))
    asked, said = (asker.facts.viewer_words(template) for template in templates[wording])
    words |= {"number": number}
    for name, phrase in zip("abc", phrases, strict=False):
        several = phrase.is_plural
        words |= {
            name: phrase.text(),
            f"is_{name}": be(phrase),
            f"does_{name}": "do" if several else "does",
            f"they_{name}": "they" if several else "it",
            f"stand_{name}": "stand" if several else "stands",
        }
    kind = relation if "front_angle_degrees" not in facts else "fronts"
    reasoning = run(asker.scene, program_for(phrases, *further))
    counted = max(len(phrases) - 1, 0) + 1 + sum(phrase.counted_steps for phrase in phrases)
    return Question(
        kind="quantity",
        text=grammar.capitalized(asked.format(**words)),
        answer=grammar.capitalized(said.format(**words)),
        phrase=phrases[0].text() if phrases else "the given point",
        steps=reasoning.steps,
        key_steps=reasoning.key_steps,
        points=(),
        target=None,
        region=None,
        relations=tuple(sorted({relation}.union(*(phrase.relations for phrase in phrases)))),
        step_count=min(counted, MAX_STEPS),
        template=f"quantity-{kind}{'' if phrases else '-at-point'}-{wording}",
        facts=facts,
    )


def _phrases(asker: Asker, count: int) -> tuple[Phrase, ...] | None:
    ids = asker.objects(count)
    return None if ids is None else asker.anchors(ids, 1)


def _ids(asker: Asker, phrases: Sequence[Phrase]) -> list[int]:
    return [item for phrase in phrases if (item := phrase.picked(asker.facts)) is not None]


def _length(asker: Asker, found: Finding) -> str:
    return grammar.length_text(found.value, grammar.draw_length_unit(found.value, asker.generator))


_MEASURES: Mapping[str, Callable[[Asker, str], Question | None]] = {
    "distance": _distance,
    "angle": _angle,
    "rotation-horizontal": _rotation,
    "rotation-vertical": _rotation,
}
