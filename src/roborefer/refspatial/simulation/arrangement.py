"""Setting things down so that they touch what they should and nothing else: on, in, under, against, beside, in rows.

An :class:`Arranger` holds a room and what stands in it so far. Each of its moves either adds one thing in its final
pose and returns its index, or changes nothing and returns None. Free-standing things are kept apart by their upright
prisms; contacts are found by exact clearances between meshes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.simulation.collision import (
    FOOTPRINT_SIDES,
    Body,
    Prism,
    body_of,
    clearance,
    inside_polygon,
    polygon_area,
    polygon_gap,
    prisms_apart,
)
from roborefer.refspatial.simulation.containment import CONTACT_GAP, lower_into
from roborefer.refspatial.simulation.mesh import Placement, SimulatedObject
from roborefer.refspatial.simulation.poses import (
    about_x,
    about_z,
    moved_with_pose,
    on_edge,
    outline_in_world,
    turned_polygons,
    upright_pose,
    yaw_of,
)
from roborefer.refspatial.simulation.room import Room

Float = NDArray[np.float64]
Kind = Literal["stack", "inside", "under", "lean", "touch", "row"]

SPACING = 0.012
"""Least distance between things that do not touch, metres."""

_EDGE = 0.006  # from a surface's edge
_CANDIDATES = 24


@dataclass(frozen=True)
class Arrangement:
    """A relation of support or order that was built on purpose.

    Attributes:
        kind: ``stack`` (each on the one before), ``inside``, ``under`` a raised surface, ``lean``, ``touch``, ``row``.
        members: Indices of the placements; in ``inside`` and ``lean`` those that lie in or lean, in ``touch`` both.
        anchor: Index of the container or of what is leant on, name of the surface above, "wall", or None.
    """

    kind: Kind
    members: tuple[int, ...]
    anchor: int | str | None = None


class Arranger:
    """A room that is being filled.

    Args:
        generator: Source of all randomness.
        room: Where.
        areas: For each of the room's surfaces, the convex part of it to fill, (K, 2) counter-clockwise.
    """

    def __init__(self, generator: np.random.Generator, room: Room, areas: Sequence[Float]) -> None:
        self.room = room
        self.placements: list[Placement] = []
        self.bodies: list[Body] = []
        self.arrangements: list[Arrangement] = []
        self.rejected = 0
        self._generator = generator
        self._areas = tuple(areas)
        self._surfaces = {surface.name: index for index, surface in enumerate(room.surfaces)}
        self._solids = [_box_prism(low, high) for low, high in room.obstacles]

    def stand(
        self,
        item: SimulatedObject,
        surface: str,
        *,
        within: ArrayLike | None = None,
        yaw: tuple[float, float] = (-np.pi, np.pi),
    ) -> int | None:
        """Somewhere free on a surface.

        Args:
            item: What.
            surface: Name of a surface of the room.
            within: (K, 2) convex polygon in which its middle shall lie; the surface's area if None.
            yaw: Lowest and highest turn, radians.
        """
        target = self.room.surfaces[self._surfaces[surface]]
        area = self._areas[self._surfaces[surface]] if within is None else target.polygon
        region = area if within is None else np.asarray(within, np.float64)
        body = body_of(item)
        outline, low = body.prism.polygon, body.prism.bottom
        yaws = self._generator.uniform(*yaw, _CANDIDATES)
        centers = self._generator.uniform(region.min(axis=0), region.max(axis=0), (_CANDIDATES, 2))
        polygons = turned_polygons(outline, yaws) + centers[:, None]
        bottom = target.height + CONTACT_GAP
        fits = inside_polygon(polygons, area).min(axis=1) >= _EDGE
        if within is not None:
            fits &= inside_polygon(centers, region) >= 0
        chosen = self._first_free(polygons, fits, bottom, bottom + body.prism.top - low)
        if chosen is None:
            return self._refuse()
        pose = upright_pose(float(yaws[chosen]), np.append(centers[chosen], bottom - low))
        return self._add(item, body.posed(pose), pose, surface)

    def row(self, items: Sequence[SimulatedObject], surface: str) -> tuple[int, ...]:
        """Things in a straight row at equal distances, turned alike; empty if there is no room for one."""
        target = self.room.surfaces[self._surfaces[surface]]
        area = self._areas[self._surfaces[surface]]
        bodies = [body_of(item) for item in items]
        pitch = 2 * max(body.prism.radius for body in bodies) + float(self._generator.uniform(0.015, 0.05))
        bottom = target.height + CONTACT_GAP
        for _ in range(_CANDIDATES):
            angle = float(self._generator.choice([0.0, np.pi / 2])) + float(self._generator.normal(0, 0.12))
            along = np.array((np.cos(angle), np.sin(angle))) * pitch
            yaw = float(self._generator.uniform(-0.5, 0.5))
            start = self._generator.uniform(area.min(axis=0), area.max(axis=0)) - along * (len(items) - 1) / 2
            poses = [
                upright_pose(yaw, np.append(start + along * number, bottom - body.prism.bottom))
                for number, body in enumerate(bodies)
            ]
            posed = [body.posed(pose) for body, pose in zip(bodies, poses, strict=True)]
            if all(self._is_free(body, area) for body in posed):
                members = tuple(
                    self._add(item, body, pose, surface) for item, body, pose in zip(items, posed, poses, strict=True)
                )
                self.arrangements.append(Arrangement("row", members))
                return members
        self.rejected += 1
        return ()

    def stand_under(self, item: SimulatedObject, surface: str, above: Surface) -> int | None:
        """On a surface, below another one."""
        index = self.stand(item, surface, within=above.polygon)
        if index is not None:
            self.arrangements.append(Arrangement("under", (index,), above.name))
        return index

    def stack(self, item: SimulatedObject, base: int) -> int | None:
        """On the flat top of another thing, so that it cannot tip over."""
        under = self.placements[base]
        if under.object.stackable_top is None or item.rolls:
            return self._refuse()
        top = outline_in_world(under.world_from_object, under.object.stackable_top)
        turn = yaw_of(under.world_from_object)
        body = body_of(item)
        for _ in range(4):
            spread = 0.25 * np.ptp(top, axis=0)
            center = top.mean(axis=0) + self._generator.uniform(-spread / 2, spread / 2)
            yaw = turn + float(self._generator.normal(0, 0.25))
            start = self.bodies[base].prism.top + 0.05
            pose = upright_pose(yaw, np.append(center, start - body.prism.bottom))
            posed = body.posed(pose)
            if not _stands_on(posed, top):
                continue
            fall = clearance(posed, self.bodies[base]) - CONTACT_GAP
            if not np.isfinite(fall):
                continue
            posed, pose = moved_with_pose(posed, pose, (0.0, 0.0, -fall))
            # It must rest on the top itself, not on a handle that sticks out above.
            if posed.prism.bottom > self.bodies[base].prism.top + 0.001 or not self._is_free(posed, None, {base}):
                continue
            index = self._add(item, posed, pose, base)
            self.arrangements.append(Arrangement("stack", (base, index)))
            return index
        return self._refuse()

    def put_inside(self, item: SimulatedObject, container: int) -> int | None:
        """Into the cavity of another thing: on its floor if it fits there, else where it settles or leans."""
        holder = self.placements[container]
        if holder.object.cavity is None:
            return self._refuse()
        neighbors = [container, *(i for i, other in enumerate(self.placements) if other.inside == container)]
        bodies = [self.bodies[index] for index in neighbors]
        for _ in range(4):
            lowered = lower_into(self._generator, item, holder, bodies)
            if lowered is None or not self._is_free(lowered.body, None, set(neighbors)):
                continue
            index = self._add(item, lowered.body, lowered.pose, neighbors[lowered.support], inside=container)
            self.arrangements.append(Arrangement("inside", (index,), container))
            return index
        return self._refuse()

    def lean(self, item: SimulatedObject, surface: str, against: int | None, wall_yaw: float = 0.0) -> int | None:
        """On an edge, tilted back against a wall or another thing.

        Args:
            item: A flat thing.
            surface: What it stands on.
            against: Index of a thing; None for the wall behind.
            wall_yaw: Direction of the wall: 0 for the one at +y, pi / 2 for the one at -x.
        """
        target = self.room.surfaces[self._surfaces[surface]]
        area = self._areas[self._surfaces[surface]]
        upright = on_edge(item, bool(self._generator.random() < 0.5))
        if upright is None:
            return self._refuse()
        for _ in range(6):
            tilt = float(self._generator.uniform(0.14, 0.32))
            if against is not None:
                wall_yaw = yaw_of(self.placements[against].world_from_object) + float(self._generator.integers(4)) * (
                    np.pi / 2
                )
            backwards = np.array((-np.sin(wall_yaw), np.cos(wall_yaw), 0.0))
            pose = np.eye(4)
            pose[:3, :3] = about_z(wall_yaw) @ about_x(-tilt) @ upright
            body = body_of(item).posed(pose)
            start = self._lean_start(body, area, against, backwards)
            offset = np.append(start - body.prism.center, target.height + CONTACT_GAP - body.prism.bottom)
            body, pose = moved_with_pose(body, pose, offset)
            fixed = self._behind(body, backwards) if against is None else self.bodies[against]
            way = clearance(body, fixed, backwards) - CONTACT_GAP
            if not np.isfinite(way) or way > 3.0:
                continue
            body, pose = moved_with_pose(body, pose, backwards * way)
            if against is not None and body.center_of_mass[2] > fixed.prism.top:
                continue  # it would tip over backwards
            allowed = set() if against is None else {against}
            if not self._is_free(body, area, allowed, edge=-0.5 if against is None else _EDGE, walls=against is None):
                continue
            if inside_polygon(body.base(), target.polygon).min() < 0:
                continue
            index = self._add(item, body, pose, surface)
            self.arrangements.append(Arrangement("lean", (index,), "wall" if against is None else against))
            return index
        return self._refuse()

    def touch(self, item: SimulatedObject, other: int) -> int | None:
        """Beside another thing on the same surface, in contact with it."""
        anchor = self.placements[other]
        if not isinstance(anchor.supported_by, str):
            return self._refuse()
        target = self.room.surfaces[self._surfaces[anchor.supported_by]]
        area = self._areas[self._surfaces[anchor.supported_by]]
        fixed = self.bodies[other]
        for _ in range(6):
            angle, yaw = self._generator.uniform(-np.pi, np.pi, 2)
            outwards = np.array((np.cos(angle), np.sin(angle)))
            pose = upright_pose(float(yaw), np.zeros(3))
            body = body_of(item).posed(pose)
            distance = fixed.prism.radius + body.prism.radius + 0.01
            place = fixed.prism.center + outwards * distance - body.prism.center
            body, pose = moved_with_pose(body, pose, np.append(place, target.height + CONTACT_GAP - body.prism.bottom))
            towards = np.append(-outwards, 0.0)
            # Most places are taken, and that can be told without a look at the meshes.
            near = body.moved(towards * max(0.0, prisms_apart(body.prism, fixed.prism)))
            if not self._is_free(near, area, {other}):
                continue
            way = clearance(body, fixed, towards) - CONTACT_GAP
            if not np.isfinite(way):
                continue
            body, pose = moved_with_pose(body, pose, towards * way)
            if not self._is_free(body, area, {other}):
                continue
            index = self._add(item, body, pose, anchor.supported_by)
            self.arrangements.append(Arrangement("touch", (other, index)))
            return index
        return self._refuse()

    def coverage(self, surface: str) -> float:
        """The share of a surface's area that things cover."""
        area = self._areas[self._surfaces[surface]]
        covered = sum(
            polygon_area(body.prism.polygon)
            for body, placement in zip(self.bodies, self.placements, strict=True)
            if placement.supported_by == surface
        )
        return covered / max(polygon_area(area), 1e-9)

    def _lean_start(self, body: Body, area: Float, against: int | None, backwards: Float) -> Float:
        """(2,) from where to push it back."""
        if against is not None:
            fixed = self.bodies[against].prism
            return np.asarray(fixed.center - backwards[:2] * (fixed.radius + body.prism.radius + 0.01))
        sideways = np.array((backwards[1], -backwards[0]))
        spread = area @ sideways
        half = float(np.ptp(body.prism.polygon @ sideways)) / 2 + 0.01
        low, high = float(spread.min()) + half, float(spread.max()) - half
        along = float(self._generator.uniform(low, high)) if high > low else (low + high) / 2
        back = float((area @ backwards[:2]).max()) - body.prism.radius - 0.3
        return np.asarray(sideways * along + backwards[:2] * back)

    def _behind(self, body: Body, backwards: Float) -> Body:
        """What it would meet on its way back: the wall and obstacles at its height."""
        low, high = self.room.low, self.room.high
        prism = body.prism
        boxes = [np.stack((box[0], box[1])) for box in self.room.obstacles]
        thick = 0.2
        boxes += [
            np.array([[low[0] - thick, high[1], 0.0], [high[0] + thick, high[1] + thick, high[2]]]),
            np.array([[low[0] - thick, low[1] - thick, 0.0], [low[0], high[1] + thick, high[2]]]),
            np.array([[high[0], low[1] - thick, 0.0], [high[0] + thick, high[1] + thick, high[2]]]),
        ]
        sideways = np.array((backwards[1], -backwards[0]))
        kept = []
        for box in boxes:
            corners = _box_prism(box[0], box[1])
            spread, mine = corners.polygon @ sideways, prism.polygon @ sideways
            ahead = (corners.polygon @ backwards[:2]).max() > (prism.polygon @ backwards[:2]).min()
            beside = spread.min() <= mine.max() and spread.max() >= mine.min()
            if ahead and beside and box[0, 2] <= prism.top and box[1, 2] > prism.bottom:
                kept.append(box)
        return boxes_body(kept)

    def _first_free(self, polygons: Float, fits: NDArray[np.bool_], bottom: float, top: float) -> int | None:
        """The first of candidate footprints (C, K, 2) that is clear of everything at its height."""
        others = [
            prism
            for prism in (*self._solids, *(body.prism for body in self.bodies))
            if prism.bottom < top and prism.top > bottom
        ]
        candidates = np.flatnonzero(fits)
        if not len(candidates) or not others:
            return int(candidates[0]) if len(candidates) else None
        shapes = np.array([prism.polygon for prism in others])
        middles, radii = np.array([prism.center for prism in others]), np.array([prism.radius for prism in others])
        for index in candidates:
            mine = polygons[index]
            center = (mine.min(axis=0) + mine.max(axis=0)) / 2
            radius = np.sqrt(((mine - center) ** 2).sum(axis=1).max())
            near = np.sqrt(((middles - center) ** 2).sum(axis=1)) < radii + radius + SPACING
            if not near.any() or (polygon_gap(mine[None], shapes[near]) >= SPACING).all():
                return int(index)
        return None

    def _is_free(
        self,
        body: Body,
        area: Float | None,
        touching: set[int] | frozenset[int] = frozenset(),
        *,
        edge: float = _EDGE,
        walls: bool = False,
    ) -> bool:
        """Whether a body is clear of everything but the things it may touch, and within an area and the room.

        Args:
            body: In its final pose.
            area: (K, 2) that its footprint must lie in, by ``edge`` metres.
            touching: Indices of placements that are left out.
            edge: See ``area``.
            walls: Whether it may touch obstacles of the room.
        """
        prism = body.prism
        if area is not None and inside_polygon(prism.polygon, area).min() < edge:
            return False
        low, high = body.vertices.min(axis=0), body.vertices.max(axis=0)
        if (low < self.room.low - 1e-9).any() or (high > self.room.high + 1e-9).any():
            return False
        others = [other.prism for index, other in enumerate(self.bodies) if index not in touching]
        if not walls:
            others += self._solids
        return all(
            prism.bottom >= other.top
            or prism.top <= other.bottom
            or float(np.linalg.norm(prism.center - other.center)) >= prism.radius + other.radius + SPACING
            or float(polygon_gap(prism.polygon, other.polygon)) >= SPACING
            for other in others
        )

    def _add(
        self, item: SimulatedObject, body: Body, pose: Float, support: str | int, inside: int | None = None
    ) -> int:
        self.placements.append(Placement(item, pose, support, inside))
        self.bodies.append(body)
        return len(self.placements) - 1

    def _refuse(self) -> int | None:
        self.rejected += 1
        return None


def boxes_body(boxes: Sequence[Float]) -> Body:
    """Boxes, each (2, 3) lowest and highest corner, as one mesh."""
    corner_picks = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    faces = np.array([triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))])
    if not boxes:
        return Body(np.full((3, 3), 1e6), np.array([[0, 1, 2]]))
    stacked = np.array(boxes)
    vertices = stacked[:, corner_picks, np.arange(3)].reshape(-1, 3)
    offsets = 8 * np.arange(len(stacked))[:, None, None]
    return Body(vertices, (faces[None] + offsets).reshape(-1, 3))


def _box_prism(low: Float, high: Float) -> Prism:
    """A box as a prism whose polygon has as many corners as all others."""
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    return Prism(corners[np.minimum(np.arange(FOOTPRINT_SIDES), 3)], float(low[2]), float(high[2]))


def _stands_on(body: Body, top: Float) -> bool:
    """Whether the centre of mass is over what base and top share, with a margin against tipping."""
    base, middle = body.base(), body.center_of_mass[:2]
    margin = 0.15 * np.sqrt(polygon_area(base))
    return bool(inside_polygon(middle, top) >= margin and inside_polygon(middle, base) >= margin / 2) and (
        polygon_area(base) <= 1.6 * polygon_area(top)
    )
