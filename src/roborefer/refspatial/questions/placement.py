"""Placement: point to free space beside, between, on, in or under things, at corners and edges, at a distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from roborefer.answers import write_answer
from roborefer.refspatial.expressions import MAX_STEPS, Phrase
from roborefer.refspatial.expressions.facts import CONTAINERS
from roborefer.refspatial.free_space import (
    AllOf,
    AtCorner,
    AtEdge,
    Beside,
    Between,
    Direction,
    FreeRegion,
    Inside,
    Near,
    Offset,
    OnTop,
    Placement,
    Under,
    free_region,
)
from roborefer.refspatial.questions.asking import Asker, surface_text
from roborefer.refspatial.questions.pointing import ask_for_place
from roborefer.refspatial.questions.question import Question
from roborefer.refspatial.reasoning import PointTo, program_for, rounded, run
from roborefer.refspatial.scene_graph import Surface

_DIRECTIONS: tuple[Direction, ...] = ("left", "right", "front", "behind")
_SIDES: dict[Direction, tuple[str, ...]] = {
    "left": ("to the left of", "left of", "on the left side of"),
    "right": ("to the right of", "right of", "on the right side of"),
    "front": ("in front of",),
    "behind": ("behind",),
}
_PLACES = ("free area", "free space", "vacant space", "empty space", "empty area", "vacant area")
_SIDES_X: tuple[Literal["left", "right"], ...] = ("left", "right")
_SIDES_Y: tuple[Literal["near", "far"], ...] = ("near", "far")
# Lengths that people say, with the unit's own numbers: metres, and how they are written.
_OFFSETS = (
    *((meters, f"{meters:g} meters") for meters in (0.1, 0.15, 0.2, 0.25, 0.3)),
    *((centimeters / 100, f"{centimeters} centimeters") for centimeters in (10, 12, 15, 18, 20, 25, 30)),
    *((inches * 0.0254, f"{inches} inches") for inches in (4, 5, 6, 8, 10, 12)),
)

# Things that stand on a surface and leave room beneath them.
_ON_LEGS = frozenset(
    {"table", "side table", "coffee table", "stool", "chair", "armchair", "bench", "desk", "footstool"}
)
_ROOM_BENEATH_M = 0.06
_STANDS_M = 0.005


@dataclass(frozen=True)
class _Place:
    """A placement and how it is said.

    Attributes:
        where: For ``free_region``.
        surface: On which it is looked for.
        words: "to the left of the mug".
        anchors: The phrases in it.
        relations: That it uses, "free-space" aside.
        steps: Directional phrases and anchors that are no phrases (the table).
        form: Names the template.
        distance_m: Stated in it, if any.
    """

    where: Placement
    surface: Surface
    words: str
    anchors: tuple[Phrase, ...]
    relations: frozenset[str]
    steps: int
    form: str
    distance_m: float | None = None


def placement(asker: Asker, *, least_steps: int = 1) -> Question | None:
    """A question for free space; None if what was drawn cannot be asked.

    Args:
        asker: About its scene.
        least_steps: Fewest that a question shall have, unless it states a length.
    """
    form = asker.search.pick(_FORMS, _FORM_WEIGHTS)
    place = form(asker)
    if place is None:
        return None
    counted = place.steps + sum(1 + anchor.counted_steps for anchor in place.anchors)
    if counted > MAX_STEPS or (counted < least_steps and place.distance_m is None):
        return None
    region = free_region(asker.scene, place.surface.name, place.where)
    if not isinstance(region, FreeRegion):
        return None
    name = _named(asker, place)
    text, wording = ask_for_place(asker, name)
    point = rounded(region.point)
    reasoning = run(asker.scene, program_for(place.anchors, PointTo(name, point)))
    return Question(
        kind="placement",
        text=text,
        answer=write_answer([point]),
        phrase=name,
        steps=reasoning.steps,
        key_steps=reasoning.key_steps,
        points=(point,),
        target=None,
        region=region.mask,
        relations=tuple(sorted(place.relations.union({"free-space"}, *(anchor.relations for anchor in place.anchors)))),
        step_count=max(1, counted),
        template=f"placement-{place.form}-{wording}",
        facts={"surface": place.surface.name} | ({} if place.distance_m is None else {"distance_m": place.distance_m}),
    )


def _named(asker: Asker, place: _Place) -> str:
    """ "the free area on the table to the left of the mug"; the surface is said only if it does not stand there."""
    noun = asker.pick(_PLACES)
    spoken = surface_text(asker.scene, place.surface)
    if spoken is None or spoken in place.words or place.form in ("on", "inside", "under") or asker.chance(0.75):
        return f"the {noun} {place.words}"
    return f"the {noun} on {spoken} {place.words}"


def _beside(asker: Asker) -> _Place | None:
    found = _one_anchor(asker)
    if found is None:
        return None
    target, anchor, surface = found
    direction = asker.pick(_DIRECTIONS)
    words = f"{asker.pick(_SIDES[direction])} {anchor.text()}"
    return _Place(Beside(target, direction), surface, words, (anchor,), frozenset({direction}), 1, "beside")


def _beside_two(asker: Asker) -> _Place | None:
    """ "in front of the cup and to the left of the book"."""
    found = _two_anchors(asker, 0)
    if found is None:
        return None
    (first, second), anchors, surface = found
    ways = list(asker.search.shuffled(_DIRECTIONS))[:2]
    parts = tuple(Beside(target, way) for target, way in zip((first, second), ways, strict=True))
    words = [f"{asker.pick(_SIDES[way])} {anchor.text()}" for way, anchor in zip(ways, anchors, strict=True)]
    return _Place(AllOf(parts), surface, " and ".join(words), anchors, frozenset(ways), 2, "beside-two")


def _between(asker: Asker) -> _Place | None:
    found = _two_anchors(asker, 1)
    if found is None:
        return None
    (first, second), anchors, surface = found
    words = f"{asker.pick(('between', 'in between'))} {anchors[0].text()} and {anchors[1].text()}"
    return _Place(Between(first, second), surface, words, anchors, frozenset({"between"}), 1, "between")


def _offset(asker: Asker) -> _Place | None:
    found = _one_anchor(asker)
    if found is None:
        return None
    target, anchor, surface = found
    direction = asker.pick(_DIRECTIONS)
    metres, length = asker.pick(_OFFSETS)
    words = f"{length} {_SIDES[direction][0]} {anchor.text()}"
    where = Offset(target, direction, metres)
    return _Place(where, surface, words, (anchor,), frozenset({direction, "distance"}), 1, "offset", metres)


def _near(asker: Asker) -> _Place | None:
    found = _one_anchor(asker)
    if found is None:
        return None
    target, anchor, surface = found
    words = f"{asker.pick(('next to', 'near', 'around', 'close to'))} {anchor.text()}"
    return _Place(Near(target), surface, words, (anchor,), frozenset(), 1, "near")


def _on(asker: Asker) -> _Place | None:
    return _own_surface(asker, "on", OnTop, ("on top of", "on"), "above-world", steps=0)


def _inside(asker: Asker) -> _Place | None:
    return _own_surface(asker, "inside", Inside, ("inside", "in"), "inside", steps=1)


def _own_surface(
    asker: Asker, form: str, place: Callable[[int], Placement], words: tuple[str, ...], relation: str, *, steps: int
) -> _Place | None:
    owned = [
        surface
        for surface in asker.scene.surfaces
        if surface.owner in asker.facts.well and (surface.kind in CONTAINERS) == (form == "inside")
    ]
    if not owned:
        return None
    surface = asker.pick(owned)
    assert surface.owner is not None
    anchor = asker.anchor(surface.owner, 3)
    if anchor is None:
        return None
    if form == "inside" and asker.facts.is_flat(surface.owner):
        words, relation, steps, form = ("on",), "above-world", 0, "on"
    said = f"{asker.pick(words)} {anchor.text()}"
    return _Place(place(surface.owner), surface, said, (anchor,), frozenset({relation}), steps, form)


def _under(asker: Asker) -> _Place | None:
    high = [item for item in asker.well if _surfaces_beneath(asker, item)]
    if not high:
        return None
    target = asker.pick(high)
    anchor = asker.anchor(target, 2)
    if anchor is None:
        return None
    below = _surfaces_beneath(asker, target)
    surface = max(below, key=lambda item: item.height)
    words = f"{asker.pick(('under', 'underneath', 'below'))} {anchor.text()}"
    return _Place(Under(target), surface, words, (anchor,), frozenset({"below-world"}), 1, "under")


def _surfaces_beneath(asker: Asker, target: int) -> list[Surface]:
    """Surfaces with room between them and the target; what lies on a table has none beneath it."""
    item = asker.facts.objects[target]
    lowest, _ = item.heights
    room = -_STANDS_M if item.category in _ON_LEGS else _ROOM_BENEATH_M
    return [surface for surface in asker.scene.surfaces if surface.owner != target and surface.height + room <= lowest]


def _corner(asker: Asker) -> _Place | None:
    found = _spoken_surface(asker)
    if found is None:
        return None
    surface, spoken = found
    side_x, side_y = asker.pick(_SIDES_X), asker.pick(_SIDES_Y)
    words = f"{asker.pick(('at', 'in'))} the {side_y} {side_x} corner of {spoken}"
    return _Place(AtCorner(side_x, side_y), surface, words, (), frozenset({"corner"}), 2, "corner")


def _edge(asker: Asker) -> _Place | None:
    found = _spoken_surface(asker)
    if found is None:
        return None
    surface, spoken = found
    side = asker.pick((*_SIDES_X, *_SIDES_Y))
    words = f"{asker.pick(('at', 'along'))} the {side} edge of {spoken}"
    return _Place(AtEdge(side), surface, words, (), frozenset({"edge"}), 2, "edge")


def _one_anchor(asker: Asker) -> tuple[int, Phrase, Surface] | None:
    """An object that can be referred to, its phrase, and the surface that it stands on."""
    if not asker.well:
        return None
    target = asker.pick(asker.well)
    surface = _support(asker, target)
    anchor = None if surface is None else asker.anchor(target, 3)
    return None if surface is None or anchor is None else (target, anchor, surface)


def _two_anchors(asker: Asker, max_steps: int) -> tuple[tuple[int, int], tuple[Phrase, Phrase], Surface] | None:
    """Two objects on one surface, with phrases that end with their nouns."""
    pair = asker.objects(2)
    if pair is None:
        return None
    first, second = pair
    surface = _support(asker, first)
    if surface is None or _support(asker, second) is not surface:
        return None
    anchors = asker.anchors((first, second), max_steps)
    if anchors is None or any(anchor.words().after for anchor in anchors):
        return None
    return (first, second), (anchors[0], anchors[1]), surface


def _support(asker: Asker, target: int) -> Surface | None:
    support = asker.facts.objects[target].supported_by
    for surface in asker.scene.surfaces:
        if surface.name == support or (surface.owner is not None and surface.owner == support):
            return surface
    return None


def _spoken_surface(asker: Asker) -> tuple[Surface, str] | None:
    named = [(surface, surface_text(asker.scene, surface)) for surface in asker.scene.surfaces]
    found = [(surface, text) for surface, text in named if text is not None]
    return asker.pick(found) if found else None


_FORMS: tuple[Callable[[Asker], _Place | None], ...] = (
    _beside, _offset, _between, _beside_two, _on, _inside, _under, _corner, _edge, _near,
)  # fmt: skip
_FORM_WEIGHTS = (5.0, 3.0, 3.0, 1.5, 2.0, 2.0, 1.0, 2.0, 2.0, 0.7)
