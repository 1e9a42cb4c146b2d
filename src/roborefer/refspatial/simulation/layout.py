"""Choosing what a scene holds: how many things, of which kinds, and what is stacked, filled, hidden or lined up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.simulation.arrangement import Arranger
from roborefer.refspatial.simulation.containment import stands_in
from roborefer.refspatial.simulation.fixtures import rectangle
from roborefer.refspatial.simulation.mesh import SimulatedObject
from roborefer.refspatial.simulation.room import SETTINGS, Setting, sample_room
from roborefer.refspatial.simulation.soundness import Layout, check_layout, object_surfaces

__all__ = ["Layout", "check_layout", "sample_layout"]

Float = NDArray[np.float64]

MOST_COVERED = 0.4
"""Things cover at most this share of the filled part of a surface: the rest is for questions about free space."""

_ATTEMPTS = 8
_MOST_IN_VAIN = 12  # things in a row that found no place; the room then counts as full
_PLACES: Mapping[Setting, str] = {
    "tabletop": "table",
    "desk": "desk",
    "shelf": "shelf",
    "counter": "counter",
    "floor": "floor",
}
_WINDOW = (0.5, 0.4)  # metres of a wide surface that are filled, so that one view can hold them ...
_WINDOW_EACH = (0.055, 0.035)  # ... and for each thing so much more
_FLOOR_SCALE = 1.25  # things on the floor are larger


class CategoryFacts(Protocol):
    """What is read of a category."""

    @property
    def places(self) -> tuple[str, ...]: ...

    @property
    def colors(self) -> tuple[str, ...]: ...

    @property
    def confusable(self) -> tuple[str, ...]: ...


class Catalog(Protocol):
    """Where objects come from: the module ``simulation.objects.catalog``, or something like it."""

    def __hash__(self) -> int: ...

    @property
    def CATEGORIES(self) -> Mapping[str, Any]: ...

    @property
    def make_object(self) -> Callable[..., SimulatedObject]: ...

    @property
    def pick(self) -> Callable[[Sequence[str], np.random.Generator], str]: ...


@dataclass(frozen=True)
class Traits:
    """What one example of a category tells about what can be done with it.

    Attributes:
        size: Of its bounds, smallest first, metres.
        opening: Narrower side of its cavity's floor, 0 without a cavity.
        depth: Of its cavity.
        has_top: Things can be stacked on it.
        rolls: As in ``SimulatedObject``.
        is_flat: It can lean.
        is_tall: Too tall to carry something.
    """

    size: tuple[float, float, float]
    opening: float
    depth: float
    has_top: bool
    rolls: bool
    is_flat: bool
    is_tall: bool


def sample_layout(
    generator: np.random.Generator,
    *,
    setting: Setting | None = None,
    objects: tuple[int, int] = (3, 12),
    held_out: bool = False,
    catalog: Catalog | None = None,
) -> Layout:
    """A sound layout (:func:`check_layout` finds nothing).

    Args:
        generator: Source of all randomness.
        setting: Kind of scene; any if None.
        objects: Fewest and most things.
        held_out: Take only shapes that training never sees.
        catalog: Where objects come from; the simulator's own if None.

    Raises:
        InputError: The numbers of objects make no range, or so many found no room.
    """
    fewest, most = objects
    if not 1 <= fewest <= most:
        raise InputError(f"expected objects as (fewest, most) with 1 <= fewest <= most, got {objects}")
    if setting is not None and setting not in SETTINGS:
        raise InputError(f"expected a setting of {', '.join(SETTINGS)}, got {setting!r}")
    source = _own_catalog() if catalog is None else catalog
    chosen: Setting = SETTINGS[int(generator.integers(len(SETTINGS)))] if setting is None else setting
    rejected = 0
    for attempt in range(_ATTEMPTS):
        count = int(generator.integers(fewest, most + 1))
        if attempt:  # fewer each time
            count = max(fewest, count - attempt)
        layout = _Composer(generator, chosen, source, held_out, count).compose()
        rejected += layout.rejected
        if len(layout.placements) >= fewest and not check_layout(layout):
            return Layout(chosen, layout.room, layout.surfaces, layout.placements, layout.arrangements, rejected)
        rejected += 1
    raise InputError(
        f"expected room for {fewest} to {most} objects in the setting {chosen}, found none in {_ATTEMPTS} tries: "
        "ask for fewer objects"
    )


class _Composer:
    """Fills one room."""

    def __init__(
        self, generator: np.random.Generator, setting: Setting, catalog: Catalog, held_out: bool, count: int
    ) -> None:
        self._generator = generator
        self._setting = setting
        self._catalog = catalog
        self._held_out = held_out
        self._room = sample_room(generator, setting)
        self._count = count
        window = np.array(_WINDOW) + count * np.array(_WINDOW_EACH)
        if setting == "floor":
            window *= _FLOOR_SCALE
        areas = [_window(generator, area, window) for area in self._room.areas]
        self._arranger = Arranger(generator, self._room, areas)
        place = _PLACES[setting]
        names = [name for name, facts in catalog.CATEGORIES.items() if place in facts.places]
        order = generator.permutation(len(names))
        self._names = _without_confusable([names[k] for k in order], catalog)
        self._traits = {name: category_traits(catalog, name) for name in self._names}
        self._targets = self._target_surfaces()

    def compose(self) -> Layout:
        arranger, count = self._arranger, self._count
        for build in (self._fill_container, self._build_stack, self._line_up, self._lean, self._hide, self._repeat):
            if len(arranger.placements) < count and self._chance(_SHARES[build.__name__]):
                build(count - len(arranger.placements))
        in_vain = 0
        while len(arranger.placements) < count and in_vain < _MOST_IN_VAIN:
            before = len(arranger.placements)
            self._add_single()
            in_vain = 0 if len(arranger.placements) > before else in_vain + 1
        placements = tuple(arranger.placements)
        return Layout(
            self._setting,
            self._room,
            (*self._room.surfaces, *object_surfaces(placements)),
            placements,
            tuple(arranger.arrangements),
            arranger.rejected,
        )

    def _fill_container(self, left: int) -> None:
        holders = [n for n in self._names if self._traits[n].opening > 0.045 and self._traits[n].depth > 0.012]
        name = self._pick(holders)
        if name is None or left < 2:
            return
        traits = self._traits[name]
        fitting = [
            n
            for n in self._names
            if n != name and _fits_inside(self._traits[n], traits) and self._traits[n].opening == 0
        ]
        content = self._pick(fitting)
        if content is None:
            return
        holder = self._stand(self._make(name))
        if holder is None:
            return
        for number in range(min(left - 1, int(self._generator.integers(1, 4)))):
            if number and self._chance(0.4):
                content = self._pick(fitting) or content
            self._arranger.put_inside(self._make(content), holder)

    def _build_stack(self, left: int) -> None:
        name = self._pick([n for n in self._names if self._traits[n].has_top and not self._traits[n].is_tall])
        if name is None or left < 2:
            return
        base = self._stand(self._make(name))
        for _ in range(min(left - 1, int(self._generator.integers(1, 3)))):
            if base is None:
                return
            area = self._traits[name].size[1]
            smaller = [n for n in self._names if not self._traits[n].rolls and self._traits[n].size[1] < 1.1 * area]
            upper = name if self._chance(0.4) else self._pick(smaller)
            if upper is None:
                return
            base, name = self._arranger.stack(self._make(upper), base), upper

    def _line_up(self, left: int) -> None:
        name = self._pick([n for n in self._names if self._traits[n].size[2] < 0.22])
        if name is None or left < 3:
            return
        count = min(left, int(self._generator.integers(3, 6)))
        self._arranger.row(self._make_several(name, count), self._main_surface())

    def _lean(self, left: int) -> None:
        name = self._pick([n for n in self._names if self._traits[n].is_flat])
        if name is None:
            return
        item = self._make(name)
        surface = self._main_surface()
        if self._setting == "tabletop" or self._chance(0.25):
            props = [
                index
                for index, placed in enumerate(self._arranger.placements)
                if placed.object.stackable_top is not None and placed.supported_by == surface
            ]
            if not props:
                boxes = [n for n in self._names if self._traits[n].has_top and self._traits[n].size[0] > 0.05]
                made = self._pick(boxes)
                prop = None if made is None or left < 2 else self._arranger.stand(self._make(made), surface)
                props = [] if prop is None else [prop]
            if props:
                self._arranger.lean(item, surface, props[int(self._generator.integers(len(props)))])
            return
        yaw = 0.0
        if self._setting == "floor" and self._chance(0.5):
            yaw = np.pi / 2 if self._room.high[0] > 0 else -np.pi / 2
        self._arranger.lean(item, surface, None, yaw)

    def _hide(self, left: int) -> None:
        """Something below a raised board or a low table."""
        pairs = [
            (lower, upper)
            for lower in self._room.surfaces
            for upper in self._room.surfaces
            if 0.1 < upper.height - lower.height < 0.6 and lower.kind != "shelf"
        ]
        if not pairs:
            return
        lower, upper = pairs[int(self._generator.integers(len(pairs)))]
        room = upper.height - lower.height - 0.04
        name = self._pick([n for n in self._names if self._traits[n].size[2] < max(room, 0.12)])
        if name is not None:
            self._arranger.stand_under(self._make(name), lower.name, upper)

    def _repeat(self, left: int) -> None:
        """Several of one category, as ordinals need them; two of them sometimes touch."""
        name = self._pick([n for n in self._names if self._traits[n].size[2] < 0.35])
        if name is None or left < 2:
            return
        for item in self._make_several(name, min(left, int(self._generator.integers(2, 5)))):
            self._stand(item)

    def _add_single(self) -> None:
        name = self._pick(self._names)
        if name is None:
            return
        present = [
            index
            for index, placed in enumerate(self._arranger.placements)
            if isinstance(placed.supported_by, str) and placed.world_from_object[2, 2] > 0.999
        ]
        item = self._make(name)
        if present and self._chance(0.15):
            self._arranger.touch(item, present[int(self._generator.integers(len(present)))])
            return
        bases = [
            index
            for index, placed in enumerate(self._arranger.placements)
            if placed.object.stackable_top is not None and placed.world_from_object[2, 2] > 0.999
        ]
        taken = {placed.supported_by for placed in self._arranger.placements}
        bases = [index for index in bases if index not in taken]
        if bases and not item.rolls and self._chance(0.12):
            self._arranger.stack(item, bases[int(self._generator.integers(len(bases)))])
            return
        self._stand(item)

    def _stand(self, item: SimulatedObject) -> int | None:
        open_to = [s.name for s in self._targets if self._arranger.coverage(s.name) <= MOST_COVERED]
        if not open_to:
            return None
        surface = open_to[int(self._generator.integers(len(open_to)))]
        return self._arranger.stand(item, surface, yaw=self._yaw(item))

    def _yaw(self, item: SimulatedObject) -> tuple[float, float]:
        """Things with a face mostly show it."""
        if "front" in item.directions and self._chance(0.7):
            return (-0.7, 0.7)
        return (-np.pi, np.pi)

    def _make(self, name: str, color: str | None = None) -> SimulatedObject:
        return self._catalog.make_object(name, self._generator, color=color, held_out=self._held_out)

    def _make_several(self, name: str, count: int) -> list[SimulatedObject]:
        """Of one category; mostly in different colours, where it has some."""
        colors: Sequence[str] = self._catalog.CATEGORIES[name].colors
        style = self._generator.random()
        chosen: list[str | None] = [None] * count
        if colors and style < 0.5:
            order = self._generator.permutation(len(colors))
            chosen = [colors[int(order[k % len(order)])] for k in range(count)]
        elif colors and style < 0.75:
            chosen = [colors[int(self._generator.integers(len(colors)))]] * count
        return [self._make(name, color) for color in chosen]

    def _main_surface(self) -> str:
        return self._targets[0].name

    def _target_surfaces(self) -> list[Surface]:
        """Where things are put; surfaces that get more of them come more than once."""
        surfaces = list(self._room.surfaces)
        if self._setting == "shelf":
            # Boards between knee and eye height, two neighbours at most.
            reachable = [s for s in surfaces if 0.45 < s.height < 1.45] or surfaces
            first = int(self._generator.integers(len(reachable)))
            return reachable[first : first + 2] if self._chance(0.6) else [reachable[first]]
        return [surfaces[0]] * 5 + surfaces[1:]

    def _pick(self, names: Sequence[str]) -> str | None:
        return self._catalog.pick(names, self._generator) if names else None

    def _chance(self, share: float) -> bool:
        return bool(self._generator.random() < share)


_SHARES = {
    "_fill_container": 0.5,
    "_build_stack": 0.4,
    "_line_up": 0.25,
    "_lean": 0.3,
    "_hide": 0.75,
    "_repeat": 0.8,
}
"""How often each arrangement is tried."""


@lru_cache(maxsize=512)
def category_traits(catalog: Catalog, name: str) -> Traits:
    """What an example of a category (always the same one) is like."""
    item = catalog.make_object(name, np.random.default_rng(0))
    low, high = item.bounds
    small, middle, large = (float(value) for value in np.sort(high - low))
    cavity = item.cavity
    return Traits(
        size=(small, middle, large),
        opening=0.0 if cavity is None else float(np.ptp(cavity.polygon, axis=0).min()),
        depth=0.0 if cavity is None else cavity.depth,
        has_top=item.stackable_top is not None and not item.rolls,
        rolls=item.rolls,
        is_flat=small < 0.3 * middle and middle > 0.09 and not item.rolls and item.cavity is None,
        is_tall=float(high[2]) > 0.22,
    )


def _fits_inside(content: Traits, holder: Traits) -> bool:
    _, middle, large = content.size
    lies = middle < 0.9 * holder.opening and large < 1.2 * holder.opening
    leans = middle < 0.6 * holder.opening and stands_in(content.size, holder.opening, holder.depth)
    settles = content.rolls and middle < 1.3 * holder.opening and large < 1.5 * holder.opening
    return lies or leans or settles


def _window(generator: np.random.Generator, area: Float, most: Float) -> Float:
    """The part of a surface to fill: all of a small or round one, a rectangle somewhere in a wide one."""
    low, high = area.min(axis=0), area.max(axis=0)
    size = np.minimum(high - low, most) if len(area) == 4 else high - low
    if len(area) != 4 or (size >= high - low - 1e-9).all():
        return area
    start = low + generator.random(2) * (high - low - size)
    return rectangle(start, start + size)


def _without_confusable(names: Sequence[str], catalog: Catalog) -> list[str]:
    """Those names, in order, that no earlier one could be taken for."""
    kept: list[str] = []
    for name in names:
        mine = catalog.CATEGORIES[name].confusable
        if not any(other in mine or name in catalog.CATEGORIES[other].confusable for other in kept):
            kept.append(name)
    return kept


def _own_catalog() -> Catalog:
    from roborefer.refspatial.simulation.objects import catalog

    return catalog
