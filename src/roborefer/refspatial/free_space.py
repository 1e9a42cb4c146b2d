"""Vacant places on a surface: where there is room, which part of it the camera sees, and the point to answer.

After the paper's sections B.2 and B.3: seen from above, along gravity, the footprints of objects are taken from the
region that a placement names; what is left must be large enough and seen well enough. The answer is the point of the
seen region that lies farthest inside it in the image; the whole region stays as a mask for scoring.

Differences from the paper: every object that stands on the surface is in the way, however large (the rule of 4.236
volumes keeps furniture out, and furniture is no object here), and points on the wrong surface count as hidden even
if their depth fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.placements import (
    AllOf,
    AtCorner,
    AtEdge,
    Beside,
    Between,
    Direction,
    Inside,
    Near,
    Offset,
    OnTop,
    Placement,
    Under,
    offset_radius,
    placement_region,
)
from roborefer.refspatial.scene_graph import Scene, SceneObject, Surface
from roborefer.refspatial.surface_views import (
    in_image,
    polygon_area,
    rests_above,
    seen_by_camera,
    stands_on,
    supports_of,
    surface_frame,
    surface_view,
)
from roborefer.refspatial.thresholds import THRESHOLDS
from roborefer.structures import Point

__all__ = [
    "AllOf",
    "AtCorner",
    "AtEdge",
    "Beside",
    "Between",
    "Direction",
    "FreeRegion",
    "Inside",
    "Near",
    "NoRegion",
    "Offset",
    "OnTop",
    "Placement",
    "Under",
    "free_region",
    "innermost_pixel",
    "is_occupied",
    "lies_in",
    "minimum_area",
]

Reason = Literal["anchor elsewhere", "side not plain", "too small", "occupied", "hidden"]
_GRID = 40  # cells along each side of the rectangle around a region, for its area
_FLAT_M = 0.002  # what rises no higher than this above a surface is not in the way
_Array = NDArray[np.float64]
_SIGNS = {"left": (-1, 0), "right": (1, 0), "near": (0, -1), "far": (0, 1)}


_AREAS = (Between, OnTop, Inside)
_SECTORS = (Beside, AtCorner, AtEdge, Near, AllOf)


@dataclass(frozen=True, eq=False)
class FreeRegion:
    """A vacant place that can be asked for.

    Attributes:
        mask: (H, W) bool: every pixel that is a right answer.
        point: The one to answer, at a pixel's centre.
        world_point: (3,) where it lies on the surface, metres.
        area_m2: Free area from above, seen or not.
        visible_fraction: Share of it that the camera sees.
        surface: Name of the surface.
    """

    mask: NDArray[np.bool_]
    point: Point
    world_point: NDArray[np.float64]
    area_m2: float
    visible_fraction: float
    surface: str


@dataclass(frozen=True)
class NoRegion:
    """Why a place cannot be asked for.

    Attributes:
        reason: "anchor elsewhere": it does not stand on this surface, or does not own it as a top or an inside;
            "side not plain": the viewer cannot tell which corner or edge is meant; "too small": the region itself;
            "occupied": what objects leave of it; "hidden": what the camera sees of it.
    """

    reason: Reason


def free_region(scene: Scene, surface_name: str, where: Placement) -> FreeRegion | NoRegion:
    """The vacant region of a surface at a placement, or why there is none.

    Args:
        scene: With objects, depth, ids and surface ids.
        surface_name: The surface to place on.
        where: Relative to anchors or to the surface itself.

    Raises:
        KeyError: There is no such surface or anchor.
    """
    view = surface_view(scene, surface_name)
    surface = view.surface
    problem = _problem(scene, surface, where)
    if problem is not None:
        return NoRegion(problem)
    region = placement_region(scene, surface, where)
    low, high = region.low, region.high
    if (low >= high).any():
        return NoRegion("too small")
    obstacles = _in_the_way(scene, surface_name, where, low, high)

    cell = (high - low) / _GRID
    cell_area = float(cell.prod())
    steps = np.arange(_GRID) + 0.5
    points = low + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * cell
    points = points[region.contains(points)]
    least = minimum_area(surface, where)
    if len(points) * cell_area < least:
        return NoRegion("too small")
    points = points[~_covered(points, obstacles)]
    area = len(points) * cell_area
    if area < least:
        return NoRegion("occupied")
    seen = float(seen_by_camera(scene, view, points).mean())
    if seen < _least_seen(where):
        return NoRegion("hidden")

    x, y = view.xy.T
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    near = near[region.contains(view.xy[near])]
    near = near[~_covered(view.xy[near], obstacles)]
    mask = np.zeros(scene.ids.shape, bool)
    mask.ravel()[view.pixels[near]] = True  # a view: the array is contiguous
    width, height = scene.image_size
    if len(near) < THRESHOLDS.region_share * mask.size:
        return NoRegion("hidden")
    row, column, radius = innermost_pixel(mask)
    if radius < THRESHOLDS.region_radius * width:
        return NoRegion("hidden")
    place = view.xy[np.searchsorted(view.pixels, row * width + column)]
    return FreeRegion(
        mask=mask,
        point=Point((column + 0.5) / width, (row + 0.5) / height),
        world_point=np.append(place, surface.height),
        area_m2=area,
        visible_fraction=seen,
        surface=surface_name,
    )


def lies_in(scene: Scene, surface_name: str, where: Placement, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (N, 2) of a surface's plane lie on the surface and in a placement's region, free or not."""
    return placement_region(scene, scene.surface(surface_name), where).contains(np.asarray(xy, np.float64))


def is_occupied(scene: Scene, surface_name: str, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Top-down occupancy: which points (N, 2) of a surface's plane lie within 1 cm of a footprint in the way."""
    return _covered(np.asarray(xy, np.float64), _obstacles(scene, surface_name))


def minimum_area(surface: Surface, where: Placement) -> float:
    """Least free area at a placement for it to be asked, square metres (``thresholds.py``)."""
    if isinstance(where, Offset):
        return THRESHOLDS.vacant_fraction * math.pi * offset_radius(where) ** 2
    scaled = max(THRESHOLDS.vacant_share * polygon_area(surface.polygon), THRESHOLDS.vacant_least_m2)
    return min(scaled, THRESHOLDS.vacant_m2 if isinstance(where, _AREAS) else THRESHOLDS.vacant_beside_m2)


def _least_seen(where: Placement) -> float:
    if isinstance(where, Inside):
        return THRESHOLDS.seen_inside
    return THRESHOLDS.seen_sector if isinstance(where, _SECTORS) else THRESHOLDS.seen_area


def innermost_pixel(mask: NDArray[np.bool_]) -> tuple[int, int, float]:
    """The pixel farthest from a mask's outline: row, column, and its distance from the outline in pixels.

    The distance is to the side of the largest upright square that fits around the pixel. Of several such pixels it
    is the one nearest to their mean. The image's border is an outline too. The mask must not be empty.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : rows[-1] + 1, left : columns[-1] + 1]
    sums = np.zeros((part.shape[0] + 1, part.shape[1] + 1), np.int64)
    sums[1:, 1:] = part.cumsum(axis=0).cumsum(axis=1)
    smallest, largest = 0, (min(part.shape) - 1) // 2  # half side of a square that fits; one that may
    while smallest < largest:
        half = (smallest + largest + 1) // 2
        if _squares(sums, half).any():
            smallest = half
        else:
            largest = half - 1
    found = np.argwhere(_squares(sums, smallest))
    middle = found[((found - found.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return top + smallest + int(middle[0]), left + smallest + int(middle[1]), smallest + 0.5


def _squares(sums: NDArray[np.int64], half: int) -> NDArray[np.bool_]:
    """Where a full square of ``2 * half + 1`` pixels begins, from the sums over all upper left rectangles."""
    side = 2 * half + 1
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return np.asarray(total == side * side)


def _problem(scene: Scene, surface: Surface, where: Placement) -> Reason | None:
    """Why a placement cannot be meant of this surface, whatever is free."""
    if isinstance(where, AllOf):
        return next((problem for part in where.parts if (problem := _problem(scene, surface, part))), None)
    if isinstance(where, OnTop | Inside):
        hollow = surface.kind in ("bowl", "box", "tray")
        fits = surface.kind == "tray" or hollow == isinstance(where, Inside)
        return None if surface.owner == where.anchor and fits else "anchor elsewhere"
    if isinstance(where, AtCorner | AtEdge):
        return _side_problem(scene, surface, where)
    anchors = (where.first, where.second) if isinstance(where, Between) else (where.anchor,)
    if isinstance(where, Under):
        on_it = rests_above(scene, where.anchor, surface) or stands_on(scene, where.anchor, surface.name)
        return None if on_it else "anchor elsewhere"
    return None if all(_is_at(scene, anchor, surface) for anchor in anchors) else "anchor elsewhere"


def _is_at(scene: Scene, anchor: int, surface: Surface) -> bool:
    """Whether an anchor stands on a surface, or on something thin there: of a pile, nobody says where beside it is."""
    if stands_on(scene, anchor, surface.name):
        return True
    bottom, _ = scene.object(anchor).heights
    return rests_above(scene, anchor, surface) and bottom - surface.height <= THRESHOLDS.overhang_m


def _side_problem(scene: Scene, surface: Surface, where: AtCorner | AtEdge) -> Reason | None:
    frame = surface_frame(scene.camera, surface)
    if not frame.is_plain or (isinstance(where, AtCorner) and not frame.has_corners):
        return "side not plain"
    sides = (where.side_x, where.side_y) if isinstance(where, AtCorner) else (where.side,)
    end = np.array([sum(_SIGNS[side][axis] for side in sides) for axis in (0, 1)]) * frame.half
    # Where the end of a table is out of the picture nobody can tell where its corner is.
    return None if in_image(scene, frame.world(end), surface.height).all() else "hidden"


@dataclass(frozen=True, eq=False)
class _Obstacle:
    """A footprint: the middle of three strips; ``normals`` (3, 2) are unit, ``reach`` (3,) half their widths."""

    id: int
    center: NDArray[np.float64]
    normals: NDArray[np.float64]
    reach: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@lru_cache(maxsize=32)
def _obstacles(scene: Scene, surface_name: str) -> tuple[_Obstacle, ...]:
    """The footprints of all that is in the way on a surface, ``clearance_m`` larger to every side."""
    surface = scene.surface(surface_name)
    own = () if surface.owner is None else (surface.owner, *supports_of(scene, surface.owner))
    return tuple(
        _obstacle(item) for item in scene.objects if item.id not in own and _is_in_the_way(scene, item, surface)
    )


def _is_in_the_way(scene: Scene, item: SceneObject, surface: Surface) -> bool:
    lowest, highest = item.heights
    reach = THRESHOLDS.stack_m if rests_above(scene, item.id, surface) else THRESHOLDS.overhang_m
    return highest > surface.height + _FLAT_M and lowest < surface.height + reach


def _obstacle(item: SceneObject) -> _Obstacle:
    edges = (item.box.rotation * item.box.size).T[:, :2]  # a footprint is the sum of three level segments
    normals = np.stack((-edges[:, 1], edges[:, 0]), axis=1)
    lengths = np.linalg.norm(normals, axis=1)
    normals = normals[lengths > 1e-9] / lengths[lengths > 1e-9, None]
    reach = np.abs(normals @ edges.T).sum(axis=1) / 2 + THRESHOLDS.clearance_m
    half = np.abs(edges).sum(axis=0) / 2 + 2 * THRESHOLDS.clearance_m  # sharp corners grow by more than their sides
    center = item.box.center[:2]
    return _Obstacle(item.id, center, normals, reach, center - half, center + half)


def _in_the_way(scene: Scene, surface_name: str, where: Placement, low: _Array, high: _Array) -> list[_Obstacle]:
    """Obstacles near a region, without what it lies under."""
    parts = where.parts if isinstance(where, AllOf) else (where,)
    covers = {part.anchor for part in parts if isinstance(part, Under)}
    return [
        item
        for item in _obstacles(scene, surface_name)
        if (item.low <= high).all()
        and (item.high >= low).all()
        and item.id not in covers
        and not covers.intersection(supports_of(scene, item.id))
    ]


def _covered(points: NDArray[np.float64], obstacles: Sequence[_Obstacle]) -> NDArray[np.bool_]:
    covered = np.zeros(len(points), bool)
    for item in obstacles:
        covered |= (np.abs((points - item.center) @ item.normals.T) <= item.reach).all(axis=1)
    return covered
