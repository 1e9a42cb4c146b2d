"""A question as a small program: its run is the reasoning, line by line.

Every instruction looks at one thing and gives one step (paper section 3.3): where an object is, where a part of it
points, how large it is. :func:`program_of` writes down what has to be found for a phrase, anchors before what they
anchor; :func:`run` does it in a scene. Key steps are those that an answer cannot do without: the anchors, directions
and sizes that decide; the answer itself is one only if nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.refspatial.expressions.facts import SceneFacts, facts_of
from roborefer.refspatial.expressions.phrases import (
    MAX_STEPS,
    SIZE_AXES,
    Oriented,
    Phrase,
    Ranked,
    Related,
)
from roborefer.refspatial.expressions.wordings import rank_wordings
from roborefer.refspatial.free_space import innermost_pixel
from roborefer.refspatial.relations.measures import measures
from roborefer.refspatial.scene_graph import Scene
from roborefer.structures import Point, Step, Vector

Measure = Literal["height", "width", "longest"]

_DECIMALS = 3
# What is measured where things are ranked or compared by size.
MEASURE_OF: Mapping[str, Measure] = MappingProxyType(
    {"tall": "height", "short": "height", "wide": "width", "thin": "width", "big": "longest", "small": "longest"}
)


@dataclass(frozen=True)
class Locate:
    """[Position] of what a phrase picks out.

    Attributes:
        leads_to: Of the first and second, on the way to the third: the phrase of the third. They are found together
            or not at all.
    """

    phrase: Phrase
    key: bool = False
    leads_to: Phrase | None = None


@dataclass(frozen=True)
class LookAt:
    """[Orientation] of an object's named direction, in the camera frame."""

    phrase: Phrase
    direction: str
    key: bool = False


@dataclass(frozen=True)
class MeasureSize:
    """[Size] of what a phrase picks out: height, width as seen, or longest edge, metres."""

    phrase: Phrase
    measure: Measure
    key: bool = False


@dataclass(frozen=True)
class PointTo:
    """[Position] of a place that is no object."""

    text: str
    point: Point
    key: bool = False


Instruction = Locate | LookAt | MeasureSize | PointTo


@dataclass(frozen=True)
class Reasoning:
    """The run of a program: its steps in order, and the indices of the key steps."""

    steps: tuple[Step, ...]
    key_steps: tuple[int, ...]


def answer_point(scene: Scene, object_id: int) -> Point:
    """The point by which an object is answered: the innermost pixel of the largest part that is seen of it.

    Rounded to three decimals, as answers are written; up to 1000 pixels a side this stays within the pixel.

    Raises:
        InputError: Nothing of the object is seen.
    """
    known = facts_of(scene).resolved
    key = ("answer point", object_id)
    if key not in known:
        mask = scene.mask(object_id)
        if not mask.any():
            raise InputError(f"expected an object that is seen, got {object_id}, which shows no pixel in {scene.name}")
        row, column, _ = innermost_pixel(largest_part(mask))
        width, height = scene.image_size
        known[key] = rounded(Point((column + 0.5) / width, (row + 0.5) / height))
    found: Point = known[key]
    return found


def rounded(point: Point) -> Point:
    """The point as it is written in an answer: three decimals."""
    return replace(point, x=round(point.x, _DECIMALS), y=round(point.y, _DECIMALS))


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected region of a mask (pixels that share a side or a corner); of equals, the upper one.

    Args:
        mask: (H, W) bool, not empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    crop = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    whole, mask = mask, mask[crop]
    padded = np.zeros((len(mask), mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    changes = np.diff(padded, axis=1)
    run_rows, starts = np.nonzero(changes == 1)
    stops = np.nonzero(changes == -1)[1]
    if len(starts) == len(mask) == len(rows):  # one run a row, the plain case
        touching = (starts[1:] <= stops[:-1]) & (starts[:-1] <= stops[1:])
        if touching.all():
            return whole
    parts = _join_runs(run_rows.tolist(), starts.tolist(), stops.tolist())
    sizes = np.bincount(parts, stops - starts)
    kept = np.zeros_like(whole)
    for index in np.flatnonzero(np.array(parts) == int(sizes.argmax())).tolist():
        kept[crop][run_rows[index], starts[index] : stops[index]] = True
    return kept


def program_of(phrase: Phrase) -> tuple[Instruction, ...]:
    """What has to be found for a phrase, in order; the phrase's own position is the last [Position]."""
    return tuple(_unique(_for_phrase(phrase)))


def program_for(phrases: Iterable[Phrase], *further: Instruction) -> tuple[Instruction, ...]:
    """What has to be found for several phrases, each of which decides, and then ``further``."""
    found = [instruction for phrase in phrases for instruction in _as_keys(_for_phrase(phrase))]
    return tuple(_unique([*found, *further]))


def run(scene: Scene, program: Sequence[Instruction]) -> Reasoning:
    """The steps that a program finds in a scene, five at most: what is not key is left out first.

    Raises:
        InputError: A phrase of it picks out nothing, or more than one object.
    """
    facts = facts_of(scene)
    done = _limited(_without_broken_ways(facts, program))
    keys = tuple(index for index, item in enumerate(done) if item.key)
    # Where nothing leads to the answer, the answer is what counts.
    return Reasoning(tuple(_step(facts, item) for item in done), keys or (len(done) - 1,))


def in_camera_frame(scene: Scene, vector: Sequence[float]) -> Vector:
    """A unit vector of the world in the camera frame (x right, y down, z forward)."""
    turned = np.asarray(vector, np.float64) @ scene.camera.world_from_camera[:3, :3]
    x, y, z = (turned / np.linalg.norm(turned)).tolist()
    return (round(x, _DECIMALS), round(y, _DECIMALS), round(z, _DECIMALS))


def size_of(scene: Scene, object_id: int, measure: Measure) -> float:
    """An object's height (world), width as seen, or longest box edge, metres."""
    facts = measures(scene)[object_id]
    if measure == "longest":
        return float(scene.object(object_id).box.size.max())
    return facts.height if measure == "height" else facts.seen_width


def part_text(phrase: Phrase, direction: str) -> str:
    """ "the handle of the red mug"."""
    return f"the {direction} of {phrase.text()}"


def _for_phrase(phrase: Phrase) -> list[Instruction]:
    found = [instruction for anchor in phrase.anchors for instruction in _as_keys(_for_phrase(anchor))]
    if isinstance(phrase, Ranked) and phrase.axis not in SIZE_AXES:
        found += [Locate(_at_position(phrase, place), leads_to=phrase) for place in range(1, phrase.position)]
    found.append(Locate(phrase))
    if isinstance(phrase, Ranked) and phrase.axis in SIZE_AXES:
        found.append(MeasureSize(phrase, MEASURE_OF[phrase.axis], key=True))
    if isinstance(phrase, Oriented):
        found.append(LookAt(phrase, phrase.direction, key=True))
    if isinstance(phrase, Related) and phrase.relation in SIZE_AXES:
        measure = MEASURE_OF[phrase.relation]
        found += [MeasureSize(item, measure, key=True) for item in (*phrase.others, phrase)]
    return found


def _at_position(phrase: Ranked, position: int) -> Ranked:
    wording = rank_wordings(phrase.axis, position, 0, among=bool(phrase.of.anchors))[0]
    return replace(phrase, position=position, wording=wording)


def _as_keys(instructions: Iterable[Instruction]) -> list[Instruction]:
    """The lines of an anchor: its position is a key step for whoever needs it."""
    listed = list(instructions)
    last = max((index for index, item in enumerate(listed) if isinstance(item, Locate)), default=-1)
    return [replace(item, key=True) if index == last else item for index, item in enumerate(listed)]


def _unique(instructions: Iterable[Instruction]) -> list[Instruction]:
    found: dict[tuple[object, ...], Instruction] = {}
    for item in instructions:
        name = item.text if isinstance(item, PointTo) else item.phrase.text()
        detail = getattr(item, "direction", getattr(item, "measure", None))
        found.setdefault((type(item), name, detail), item)
    return list(found.values())


def _without_broken_ways(facts: SceneFacts, program: Sequence[Instruction]) -> list[Instruction]:
    """Without the first and second of a third if one of them cannot be told without doubt."""
    broken = {
        item.leads_to
        for item in program
        if isinstance(item, Locate) and item.leads_to is not None and item.phrase.picked(facts) is None
    }
    return [item for item in program if not (isinstance(item, Locate) and item.leads_to in broken)]


def _limited(instructions: list[Instruction]) -> list[Instruction]:
    """At most five: first those on the way to a later one go, then other lines that are not key, then sizes."""
    if len(instructions) > MAX_STEPS:
        instructions = [item for item in instructions if not (isinstance(item, Locate) and item.leads_to is not None)]
    last = max((index for index, item in enumerate(instructions) if isinstance(item, Locate | PointTo)), default=-1)
    order = [index for index, item in enumerate(instructions) if index != last and not item.key]
    order += [index for index, item in enumerate(instructions) if isinstance(item, MeasureSize)]
    order += [index for index in range(len(instructions)) if index != last and index not in order]
    dropped = set(order[: max(0, len(instructions) - MAX_STEPS)])
    return [item for index, item in enumerate(instructions) if index not in dropped]


def _step(facts: SceneFacts, instruction: Instruction) -> Step:
    if isinstance(instruction, PointTo):
        return Step("Position", instruction.text, rounded(instruction.point))
    phrase = instruction.phrase
    item = phrase.picked(facts)
    if item is None:
        raise InputError(f"expected a phrase for one object, got {phrase.text()!r}, which fits none or several")
    if isinstance(instruction, Locate):
        return Step("Position", phrase.text(), answer_point(facts.scene, item))
    if isinstance(instruction, LookAt):
        vector = facts.objects[item].directions[instruction.direction]
        return Step("Orientation", part_text(phrase, instruction.direction), in_camera_frame(facts.scene, vector))
    return Step("Size", phrase.text(), round(size_of(facts.scene, item, instruction.measure), 4))


def _join_runs(rows: list[int], starts: list[int], stops: list[int]) -> list[int]:
    """The part that each run of pixels belongs to, named by its first run."""
    parts = list(range(len(rows)))

    def root(index: int) -> int:
        while parts[index] != index:
            parts[index] = parts[parts[index]]
            index = parts[index]
        return index

    above = 0
    for index, row in enumerate(rows):
        while rows[above] < row - 1 or (rows[above] == row - 1 and stops[above] < starts[index]):
            above += 1
        other = above
        while other < index and rows[other] == row - 1 and starts[other] <= stops[index]:
            first, second = sorted((root(other), root(index)))
            parts[second] = first
            other += 1
    return [root(index) for index in range(len(parts))]
