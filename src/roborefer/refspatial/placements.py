"""Placements: beside, between, on, in, under, at a corner, at an edge, and the part of a surface that each names.

After the paper's sections B.2 and B.3. Regions are seen from above, along gravity; left, right, front and behind are
the viewer's directions on the level plane.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.scene_graph import Scene, Surface
from roborefer.refspatial.surface_views import inside_outline, surface_frame, viewer_axes
from roborefer.refspatial.thresholds import THRESHOLDS

Direction = Literal["left", "right", "front", "behind"]
_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Beside:
    """To the left or right of an anchor, in front of it (towards the viewer) or behind it.

    A sector of 90 degrees around the viewer's level direction, from the centre of the anchor's footprint; its radius
    is the footprint's diagonal, 0.20 m at least.
    """

    anchor: int
    direction: Direction


@dataclass(frozen=True)
class Between:
    """The area that two anchors' footprints enclose (their common convex hull)."""

    first: int
    second: int


@dataclass(frozen=True)
class OnTop:
    """On the flat top of an object or in a tray: 80 % of the surface that it owns."""

    anchor: int


@dataclass(frozen=True)
class Inside:
    """On the floor of a bowl, box or tray: 80 % of the surface that it owns."""

    anchor: int


@dataclass(frozen=True)
class Under:
    """Below an object: 80 % of its footprint, where the surface beneath is seen."""

    anchor: int


@dataclass(frozen=True)
class AtCorner:
    """A corner of the surface as the viewer sees it: 25 % of both sides."""

    side_x: Literal["left", "right"]
    side_y: Literal["near", "far"]


@dataclass(frozen=True)
class AtEdge:
    """An edge of the surface as the viewer sees it: 20 % of the surface's depth there, without the corners.

    A round table's left edge is what lies farthest to the viewer's left.
    """

    side: Literal["left", "right", "near", "far"]


@dataclass(frozen=True)
class Offset:
    """A distance away from the centre of an anchor's footprint: a small disc (2 cm and 10 % of the distance)."""

    anchor: int
    direction: Direction
    metres: float


@dataclass(frozen=True)
class Near:
    """All around an anchor, within the radius of :class:`Beside`."""

    anchor: int


@dataclass(frozen=True)
class AllOf:
    """Where several placements overlap: "in front of the cup and left of the book"."""

    parts: tuple[Placement, ...]


Placement = Beside | Between | OnTop | Inside | Under | AtCorner | AtEdge | Offset | Near | AllOf


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a surface seen from above: bounds (2,) each, and which points (N, 2) lie in it."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    contains: Callable[[NDArray[np.float64]], NDArray[np.bool_]]


def placement_region(scene: Scene, surface: Surface, where: Placement) -> Region:
    """The placement's shape, cut off at the surface's outline."""
    shape = _shape(scene, surface, where)
    return Region(
        np.maximum(shape.low, surface.polygon.min(axis=0)),
        np.minimum(shape.high, surface.polygon.max(axis=0)),
        lambda points: inside_outline(points, surface.polygon) & shape.contains(points),
    )


def _shape(scene: Scene, surface: Surface, where: Placement) -> Region:
    match where:
        case Beside(anchor, direction):
            box = scene.object(anchor).box
            towards = viewer_axes(scene.camera).towards(direction)
            return _sector(box.center[:2], towards, _radius(box), THRESHOLDS.sector_degrees / 2)
        case Near(anchor):
            box = scene.object(anchor).box
            return _sector(box.center[:2], np.array((1.0, 0.0)), _radius(box), 180.0)
        case Offset(anchor, direction, metres):
            center = scene.object(anchor).box.center[:2] + metres * viewer_axes(scene.camera).towards(direction)
            return _sector(center, np.array((1.0, 0.0)), offset_radius(where), 180.0)
        case Between(first, second):
            corners = [scene.object(anchor).box.corners()[:, :2] for anchor in (first, second)]
            return _hull(np.concatenate(corners))
        case OnTop() | Inside():
            frame = surface_frame(scene.camera, surface)
            return _outline(frame.center + THRESHOLDS.shrink * (surface.polygon - frame.center))
        case Under(anchor):
            box = scene.object(anchor).box
            return _hull(box.center[:2] + THRESHOLDS.shrink * (box.corners()[:, :2] - box.center[:2]))
        case AtCorner(side_x, side_y):
            signs = np.array((1 if side_x == "right" else -1, 1 if side_y == "far" else -1))
            inner = 1 - 2 * THRESHOLDS.corner_share
            return _local_rectangle(scene, surface, signs * inner, signs * 1.0)
        case AtEdge(side):
            axis = 0 if side in ("left", "right") else 1
            sign = 1 if side in ("right", "far") else -1
            along = 1 - 2 * THRESHOLDS.corner_share
            start = np.array((sign * (1 - 2 * THRESHOLDS.edge_share), -along))
            end = np.array((sign, along))
            return _local_rectangle(scene, surface, np.roll(start, axis), np.roll(end, axis))
        case AllOf(parts):
            return _intersection([_shape(scene, surface, part) for part in parts])


def _sector(center: _Array, towards: _Array, radius: float, half_degrees: float) -> Region:
    cosine = math.cos(math.radians(half_degrees))

    def contains(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        offset = points - center
        length = np.hypot(offset[:, 0], offset[:, 1])
        return np.asarray((length <= radius) & (offset @ towards >= cosine * length))

    return Region(center - radius, center + radius, contains)


def _hull(corners: _Array) -> Region:
    """The convex hull of a few points: all lines through two of them that have every point on their left."""
    sides = corners[None, :] - corners[:, None]  # from i to j
    normals = np.stack((-sides[..., 1], sides[..., 0]), axis=-1)
    lengths = np.linalg.norm(normals, axis=-1)
    normals = normals / np.maximum(lengths, 1e-12)[..., None]
    offsets = (normals * corners[:, None]).sum(axis=-1)
    heights = normals @ corners.T - offsets[..., None]
    outer = (lengths > 1e-9) & (heights >= -1e-9).all(axis=-1)
    normals, offsets = normals[outer], offsets[outer]

    def contains(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray((points @ normals.T >= offsets - 1e-9).all(axis=1))

    return Region(corners.min(axis=0), corners.max(axis=0), contains)


def _outline(polygon: _Array) -> Region:
    return Region(polygon.min(axis=0), polygon.max(axis=0), lambda points: inside_outline(points, polygon))


def _local_rectangle(scene: Scene, surface: Surface, inner: _Array, outer: _Array) -> Region:
    """A part of the surface's rectangle between two of its corners, given in half lengths, -1 to 1."""
    frame = surface_frame(scene.camera, surface)
    low, high = np.minimum(inner, outer) * frame.half, np.maximum(inner, outer) * frame.half
    corners = frame.world(np.array([(x, y) for x in (low[0], high[0]) for y in (low[1], high[1])]))

    def contains(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        local = frame.local(points)
        return np.asarray(((local >= low) & (local <= high)).all(axis=1))

    return Region(corners.min(axis=0), corners.max(axis=0), contains)


def _intersection(shapes: list[Region]) -> Region:
    def contains(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(np.logical_and.reduce([shape.contains(points) for shape in shapes]))

    low = np.max([shape.low for shape in shapes], axis=0)
    return Region(low, np.min([shape.high for shape in shapes], axis=0), contains)


def _radius(box: OrientedBox) -> float:
    """The diagonal of a footprint, 0.20 m at least (paper B.2)."""
    reach = np.linalg.norm(box.corners()[:, :2] - box.center[:2], axis=1).max()
    return max(2 * float(reach), THRESHOLDS.sector_radius_m)


def offset_radius(where: Offset) -> float:
    """Radius of an offset's disc, metres."""
    return THRESHOLDS.offset_radius_m + THRESHOLDS.offset_radius_share * where.metres
