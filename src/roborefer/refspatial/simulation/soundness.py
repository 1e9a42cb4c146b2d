"""What stands where in a simulated room, and the proof that it can.

:func:`check_layout` lists everything that is wrong with a layout: things that enter each other, walls or furniture by
more than a millimetre, that float, or that would tip over. Layouts that are handed out have none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.scene_graph import Surface, SurfaceKind
from roborefer.refspatial.simulation.arrangement import Arrangement, boxes_body
from roborefer.refspatial.simulation.collision import (
    Body,
    body_of,
    clearance,
    inside_polygon,
    penetration,
    polygon_gap,
)
from roborefer.refspatial.simulation.mesh import Placement, SimulatedObject
from roborefer.refspatial.simulation.room import Room, Setting

TOLERANCE = 1e-3
"""Metres by which things may enter each other or hover."""

_WALL_DIRECTIONS = ((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, -1.0, 0.0))
_TRAYS = ("tray", "plate")


@dataclass(frozen=True, eq=False)
class Layout:
    """A room and the things in it.

    Attributes:
        setting: Kind of scene.
        room: Everything that is no object.
        surfaces: The room's, then those of the objects (cavities and flat tops); ``owner`` is an object's id.
        placements: The object with id k is ``placements[k - 1]``.
        arrangements: What was built on purpose.
        rejected: How many moves and whole layouts were tried in vain.
    """

    setting: Setting
    room: Room
    surfaces: tuple[Surface, ...]
    placements: tuple[Placement, ...]
    arrangements: tuple[Arrangement, ...] = ()
    rejected: int = 0

    @cached_property
    def bodies(self) -> tuple[Body, ...]:
        """Every object's mesh in the world."""
        return tuple(body_of(item.object).posed(item.world_from_object) for item in self.placements)


def object_surfaces(placements: tuple[Placement, ...]) -> tuple[Surface, ...]:
    """Floors of cavities and flat tops of objects that stand upright, as places where more could be put."""
    surfaces = []
    for number, item in enumerate(placements, 1):
        pose, thing = item.world_from_object, item.object
        if pose[2, 2] < 1 - 1e-6:
            continue
        if thing.cavity is not None:
            kind = _cavity_kind(thing)
            outline = _world_outline(pose, thing.cavity.polygon)
            height = float(pose[2, 3] + thing.cavity.floor)
            surfaces.append(Surface(f"{thing.category} {number}", kind, outline, height, number))
        elif thing.stackable_top is not None and not thing.rolls:
            outline = _world_outline(pose, thing.stackable_top)
            height = float(pose[2, 3] + thing.bounds[1][2])
            surfaces.append(Surface(f"{thing.category} {number}", "object", outline, height, number))
    return tuple(surfaces)


def _cavity_kind(thing: SimulatedObject) -> SurfaceKind:
    assert thing.cavity is not None
    if thing.category.split()[-1] in _TRAYS:
        return "tray"
    return "box" if len(thing.cavity.polygon) == 4 else "bowl"


def check_layout(layout: Layout) -> tuple[str, ...]:
    """Everything that is wrong with a layout, one line each; empty if it is sound."""
    return (*_outside(layout), *_unsupported(layout), *_entering(layout), *_not_contained(layout))


def _outside(layout: Layout) -> list[str]:
    """Things that reach through walls, or into furniture."""
    found = []
    low, high = layout.room.low, layout.room.high
    solids = layout.room.obstacles
    for index, body in enumerate(layout.bodies):
        lowest, highest = body.vertices.min(axis=0), body.vertices.max(axis=0)
        depth = max(float((low - lowest).max()), float((highest - high).max()))
        if depth > TOLERANCE:
            found.append(f"{_name(layout, index)} reaches {1000 * depth:.1f} mm through a wall, floor or ceiling")
        met = ((solids[:, 0] < highest - TOLERANCE) & (solids[:, 1] > lowest + TOLERANCE)).all(axis=1)
        for box in solids[met]:
            depth = penetration(body, boxes_body([box]), _WALL_DIRECTIONS)
            if depth > TOLERANCE:
                found.append(f"{_name(layout, index)} reaches {1000 * depth:.1f} mm into furniture")
    return found


def _unsupported(layout: Layout) -> list[str]:
    """Things that float, stand beside their surface, or would tip over."""
    found = []
    surfaces = {surface.name: surface for surface in layout.room.surfaces}
    leaning = {index for item in layout.arrangements if item.kind == "lean" for index in item.members}
    for index, (item, body) in enumerate(zip(layout.placements, layout.bodies, strict=True)):
        name = _name(layout, index)
        if isinstance(item.supported_by, str):
            surface = surfaces[item.supported_by]
            gap = body.prism.bottom - surface.height
            if inside_polygon(body.base(), surface.polygon).min() < -TOLERANCE:
                found.append(f"{name} stands over the edge of {surface.name}")
            if index in leaning:
                if not _leans(layout, index):
                    found.append(f"{name} leans on nothing")
            elif not item.object.rolls and inside_polygon(body.center_of_mass[:2], body.base(foot_height(body))) < 0:
                found.append(f"{name} would tip over on {surface.name}")
        else:
            below = layout.bodies[item.supported_by]
            gap = clearance(body, below)
            if item.inside is None and not _balanced(body, layout.placements[item.supported_by]):
                found.append(f"{name} would fall off {_name(layout, item.supported_by)}")
        if abs(gap) > TOLERANCE:
            found.append(f"{name} is {1000 * gap:.1f} mm above what it rests on")
    return found


def foot_height(body: Body) -> float:
    """How far up a thing's foot reaches, m: uneven things (a carrot, a tube) settle on more than their lowest point."""
    return 0.004 + 0.1 * (body.prism.top - body.prism.bottom)


def _balanced(body: Body, below: Placement) -> bool:
    """Whether the centre of mass lies over what a thing's base and the flat top below it share."""
    middle = body.center_of_mass[:2]
    if below.object.stackable_top is None:
        return False
    top = _world_outline(below.world_from_object, below.object.stackable_top)
    return bool(inside_polygon(middle, top) >= 0 and inside_polygon(middle, body.base()) >= 0)


def _leans(layout: Layout, index: int) -> bool:
    """Whether something high enough is within a millimetre behind a leaning thing."""
    (fact,) = (item for item in layout.arrangements if item.kind == "lean" and index in item.members)
    body = layout.bodies[index]
    if isinstance(fact.anchor, int):
        other = layout.bodies[fact.anchor]
        if body.center_of_mass[2] > other.prism.top:
            return False  # it would tip over backwards
        between = other.prism.center - body.prism.center
        direction = np.append(between / np.linalg.norm(between), 0.0)
        return clearance(body, other, direction) <= TOLERANCE
    room = layout.room
    lowest, highest = body.vertices.min(axis=0), body.vertices.max(axis=0)
    if min(float((room.high - highest)[:2].min()), float((lowest - room.low)[:2].min())) <= TOLERANCE:
        return True
    near = (room.obstacles[:, 0] < highest + TOLERANCE) & (room.obstacles[:, 1] > lowest - TOLERANCE)
    boxes = room.obstacles[near.all(axis=1)]
    return any(clearance(body, boxes_body([box]), way) <= TOLERANCE for box in boxes for way in _WALL_DIRECTIONS)


def _entering(layout: Layout) -> list[str]:
    """Pairs of things that are in each other."""
    bodies = layout.bodies
    if len(bodies) < 2:
        return []
    prisms = [body.prism for body in bodies]
    bottoms, tops = np.array([p.bottom for p in prisms]), np.array([p.top for p in prisms])
    polygons = np.array([p.polygon for p in prisms])
    first, second = np.triu_indices(len(bodies), 1)
    level = (bottoms[first] < tops[second]) & (bottoms[second] < tops[first])
    first, second = first[level], second[level]
    near = polygon_gap(polygons[first], polygons[second]) < 0
    found = []
    for i, j in zip(first[near].tolist(), second[near].tolist(), strict=True):
        depth = penetration(bodies[i], bodies[j])
        if depth > TOLERANCE:
            found.append(f"{_name(layout, i)} is {1000 * depth:.1f} mm in {_name(layout, j)}")
    return found


def _not_contained(layout: Layout) -> list[str]:
    """Things that are said to be inside another, but are not between its floor and its rim."""
    found = []
    for index, item in enumerate(layout.placements):
        if item.inside is None:
            continue
        holder = layout.placements[item.inside]
        cavity, body = holder.object.cavity, layout.bodies[index]
        name = f"{_name(layout, index)} is not inside {_name(layout, item.inside)}"
        if cavity is None:
            found.append(f"{name}, which has no room for it")
            continue
        floor = holder.world_from_object[2, 3] + cavity.floor
        middle = body.center_of_mass[:2]
        within = inside_polygon(middle, layout.bodies[item.inside].prism.polygon) >= 0
        if not (floor - TOLERANCE <= body.prism.bottom < floor + cavity.depth) or not within:
            found.append(name)
    return found


def _world_outline(pose: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(outline @ pose[:2, :2].T + pose[:2, 3])


def _name(layout: Layout, index: int) -> str:
    return f"{layout.placements[index].object.category} {index + 1}"
