"""Do two things touch, and how far apart are they along a direction: proofs, not guesses.

Two kinds of proof are used. An object lies inside the upright prism over its footprint (:class:`Prism`); prisms that
are apart prove that objects are. Where things stand in, on or against each other, :func:`clearance` compares their
triangles themselves: if one mesh lies wholly beyond the other along some direction, moving it further that way
separates them, so a clearance of -d bounds the depth of penetration by d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.simulation.mesh import SimulatedObject

FOOTPRINT_SIDES = 16
"""Sides of the polygon around a footprint. It exceeds the convex hull by less than 2 % of the hull's radius."""

_CELLS = 16  # a side of the grid that finds pairs of triangles
_FIRST_PAIRS = 128
_TOLERANCE = 1e-9
_SLACK = 1e-6  # metres by which a clearance may be too large: flat on flat, every pair of triangles is the nearest

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prism:
    """An upright convex prism.

    Attributes:
        polygon: (K, 2) world x, y, counter-clockwise.
        bottom, top: World z, metres.
    """

    polygon: Float
    bottom: float
    top: float

    @cached_property
    def center(self) -> Float:
        """(2,), the middle of the polygon's bounds."""
        return np.asarray((self.polygon.min(axis=0) + self.polygon.max(axis=0)) / 2)

    @cached_property
    def radius(self) -> float:
        """Of the circle around ``center`` that holds the polygon, metres."""
        return float(np.sqrt(((self.polygon - self.center) ** 2).sum(axis=1).max()))


@dataclass(frozen=True, eq=False)
class Body:
    """A posed triangle mesh.

    Attributes:
        vertices: (V, 3) world, metres.
        faces: (F, 3) int indices into ``vertices``.
    """

    vertices: Float
    faces: NDArray[np.int64]

    @cached_property
    def triangles(self) -> Float:
        """(F, 3, 3), corners of every triangle."""
        return np.asarray(self.vertices[self.faces])

    @cached_property
    def prism(self) -> Prism:
        """The smallest upright prism of :data:`FOOTPRINT_SIDES` fixed side directions that holds the mesh."""
        bottom, top = float(self.vertices[:, 2].min()), float(self.vertices[:, 2].max())
        return Prism(footprint(self.vertices[:, :2]), bottom, top)

    @cached_property
    def center_of_mass(self) -> Float:
        """(3,), of the surface as a thin shell of even weight."""
        corners = self.triangles
        areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        return np.asarray((corners.mean(axis=1) * areas[:, None]).sum(axis=0) / areas.sum())

    def base(self, height: float = 0.002) -> Float:
        """(K, 2), outline of what lies within ``height`` metres of the lowest point: what it stands on."""
        low = self.vertices[self.vertices[:, 2] <= self.vertices[:, 2].min() + height]
        return footprint(low[:, :2])

    def posed(self, pose: ArrayLike) -> Body:
        """The same mesh through a 4x4 pose."""
        matrix = np.asarray(pose, np.float64)
        return Body(self.vertices @ matrix[:3, :3].T + matrix[:3, 3], self.faces)

    def moved(self, offset: ArrayLike) -> Body:
        """The same mesh, ``offset`` (3,) metres away."""
        return Body(self.vertices + np.asarray(offset, np.float64), self.faces)


def body_of(item: SimulatedObject) -> Body:
    """All parts of an object as one mesh in the object's own frame."""
    starts = np.cumsum([0, *(len(part.vertices) for part in item.parts)])
    vertices = np.concatenate([part.vertices for part in item.parts]).astype(np.float64)
    faces = np.concatenate(
        [part.faces.astype(np.int64) + start for part, start in zip(item.parts, starts[:-1], strict=True)]
    )
    return Body(vertices, faces)


def footprint(points: ArrayLike, sides: int = FOOTPRINT_SIDES) -> Float:
    """The smallest polygon with ``sides`` fixed side directions around points.

    Args:
        points: (N, 2), N >= 1.
        sides: Directions at equal angles, from +x.

    Returns:
        (sides, 2), counter-clockwise; corners may coincide.
    """
    angles = np.arange(sides) * (2 * np.pi / sides)
    normals = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    support = (np.asarray(points, np.float64) @ normals.T).max(axis=0)
    # Corner k is where the lines of sides k and k + 1 meet.
    following, next_support = np.roll(normals, -1, axis=0), np.roll(support, -1)
    cross = np.sin(2 * np.pi / sides)
    x = (support * following[:, 1] - next_support * normals[:, 1]) / cross
    y = (next_support * normals[:, 0] - support * following[:, 0]) / cross
    return np.stack((x, y), axis=1)


def polygon_gap(first: ArrayLike, second: ArrayLike) -> Float:
    """How far two convex polygons are apart along the best of their sides' normals.

    Positive values never exceed the true distance; 0 or less means that they overlap, and by how much at least one
    would have to move.

    Args:
        first: (..., K, 2), counter-clockwise.
        second: (..., L, 2), counter-clockwise; leading shapes broadcast.

    Returns:
        (...), metres.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return np.maximum(_gap_along_sides(a, b), _gap_along_sides(b, a))


def inside_polygon(points: ArrayLike, polygon: ArrayLike) -> Float:
    """How far points lie inside a convex polygon: the distance to the nearest side's line, negative outside.

    Args:
        points: (..., 2).
        polygon: (K, 2), counter-clockwise.

    Returns:
        (...), metres.
    """
    corners = np.asarray(polygon, np.float64)
    normals, offsets = _sides(corners)
    return np.asarray((offsets - np.asarray(points, np.float64) @ normals.T).min(axis=-1))


def polygon_area(polygon: ArrayLike) -> float:
    """Area of a polygon (K, 2), counter-clockwise, square metres."""
    corners = np.asarray(polygon, np.float64)
    following = np.roll(corners, -1, axis=0)
    doubled = float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum())
    return max(0.0, doubled / 2)  # a point comes out as a hair below 0


def prisms_apart(first: Prism, second: Prism) -> float:
    """At least how far two prisms are apart, metres; negative if that cannot be shown."""
    vertical = max(first.bottom - second.top, second.bottom - first.top)
    return max(vertical, float(polygon_gap(first.polygon, second.polygon)))


def clearance(moving: Body, fixed: Body, direction: ArrayLike = (0.0, 0.0, -1.0)) -> float:
    """How far a mesh can move along a direction until it touches another: exact for triangles, to a micrometre.

    Args:
        moving: What moves.
        fixed: What stays.
        direction: (3,) unit.

    Returns:
        Metres; infinite if it passes by; negative if some part of ``moving`` already lies beyond a part of ``fixed``,
        by how far it would have to go back.
    """
    axes = _frame_with_down(np.asarray(direction, np.float64))
    upper = moving.triangles if axes is None else moving.triangles @ axes.T
    lower = fixed.triangles if axes is None else fixed.triangles @ axes.T
    return _vertical_clearance(upper, lower)


def penetration(first: Body, second: Body, directions: Sequence[ArrayLike] = ()) -> float:
    """An upper bound of how deep two meshes are in each other, metres; 0 if they are proven apart.

    Args:
        first: One.
        second: The other.
        directions: Unit vectors to try besides up, down and the line between the centres.
    """
    if prisms_apart(first.prism, second.prism) >= 0:
        return 0.0
    between = np.append(second.prism.center - first.prism.center, 0.0)
    length = float(np.linalg.norm(between))
    tried = [np.array((0.0, 0.0, -1.0)), np.array((0.0, 0.0, 1.0)), *(np.asarray(d, np.float64) for d in directions)]
    if length > _TOLERANCE:
        tried.append(between / length)
    best = np.inf
    for direction in tried:
        best = min(best, max(0.0, -clearance(first, second, direction)))
        if best == 0.0:
            break
    return float(best)


def _sides(corners: Float) -> tuple[Float, Float]:
    """Outward unit normals (..., K, 2) and offsets (..., K) of a counter-clockwise polygon's sides."""
    edges = np.roll(corners, -1, axis=-2) - corners
    normals = np.stack((edges[..., 1], -edges[..., 0]), axis=-1)
    lengths = np.sqrt((normals**2).sum(axis=-1, keepdims=True))
    # A side without length bounds nothing: its normal is 0 and its offset infinite.
    normals = np.where(lengths > _TOLERANCE, normals / np.maximum(lengths, _TOLERANCE), 0.0)
    offsets = (normals * corners).sum(axis=-1)
    return normals, np.where(lengths[..., 0] > _TOLERANCE, offsets, np.inf)


def _gap_along_sides(a: Float, b: Float) -> Float:
    normals, offsets = _sides(a)
    nearest = (b @ np.swapaxes(normals, -1, -2)).min(axis=-2)
    return np.asarray((nearest - offsets).max(axis=-1))


def _frame_with_down(direction: Float) -> Float | None:
    """Rows of the rotation that turns ``direction`` into -z; None if it is -z."""
    if direction[2] < -1 + 1e-15:
        return None
    up = -direction / np.linalg.norm(direction)
    side = np.array((0.0, 0.0, 1.0)) if abs(up[2]) < 0.9 else np.array((1.0, 0.0, 0.0))
    first = np.cross(side, up)
    first /= np.linalg.norm(first)
    return np.stack((first, np.cross(up, first), up))


def _vertical_clearance(upper: Float, lower: Float) -> float:
    """The least height of ``upper`` over ``lower`` (each (F, 3, 3)) where they share an x and y.

    Both surfaces are linear over the overlap of two triangles, so the least height is at a corner of the overlap: a
    corner of one triangle within the other or a crossing of two edges. A grid finds the pairs, and a pair (or a cell)
    whose lowest and highest points cannot beat what was found is skipped.
    """
    upper_low, upper_high = _bounds(upper)
    lower_low, lower_high = _bounds(lower)
    low = np.maximum(upper_low.min(axis=0), lower_low.min(axis=0))[:2]
    high = np.minimum(upper_high.max(axis=0), lower_high.max(axis=0))[:2]
    if (low > high).any():
        return float("inf")
    keep = _meets(upper_low, upper_high, low, high)
    upper, upper_low, upper_high = upper[keep], upper_low[keep], upper_high[keep]
    keep = _meets(lower_low, lower_high, low, high)
    lower, lower_low, lower_high = lower[keep], lower_low[keep], lower_high[keep]
    if not len(upper) or not len(lower):
        return float("inf")
    best = _lowest_corner_height(upper, lower, lower_low, lower_high)
    keep = upper_low[:, 2] - lower_high[:, 2].max() < best - _SLACK
    upper, upper_low, upper_high = upper[keep], upper_low[keep], upper_high[keep]
    keep = upper_low[:, 2].min(initial=np.inf) - lower_high[:, 2] < best - _SLACK
    lower, lower_low, lower_high = lower[keep], lower_low[keep], lower_high[keep]
    if not len(upper) or not len(lower):
        return best
    size = np.maximum(high - low, 1e-6) / _CELLS
    upper_index, upper_start = _grid(upper, upper_low, upper_high, low, size)
    lower_index, lower_start = _grid(lower, lower_low, lower_high, low, size)
    bottoms, tops = upper_low[:, 2], lower_high[:, 2]
    cells = np.flatnonzero((np.diff(upper_start) > 0) & (np.diff(lower_start) > 0))
    if not len(cells):
        return best
    bounds = _reduce(np.minimum, bottoms[upper_index], upper_start, cells) - _reduce(
        np.maximum, tops[lower_index], lower_start, cells
    )
    order = np.argsort(bounds, kind="stable")
    cells, bounds = cells[order], bounds[order]
    first = 0
    while first < len(cells) and bounds[first] < best - _SLACK:
        # A few cells at a time, more each time: the first ones nearly always hold the answer.
        last = min(len(cells), max(4, 4 * first))
        chosen = cells[first:last][bounds[first:last] < best - _SLACK]
        i, j = _pairs(upper_index, upper_start, lower_index, lower_start, chosen)
        best = _best_pair(upper, lower, i, j, bottoms[i] - tops[j], best)
        first = last
    return float(best)


def _bounds(triangles: Float) -> tuple[Float, Float]:
    """Lowest and highest x, y, z of every triangle, each (F, 3)."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    return np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)


def _meets(lows: Float, highs: Float, low: Float, high: Float) -> NDArray[np.bool_]:
    """Which bounds meet a rectangle in x and y."""
    return np.asarray(
        (lows[:, 0] <= high[0]) & (lows[:, 1] <= high[1]) & (highs[:, 0] >= low[0]) & (highs[:, 1] >= low[1])
    )


def _lowest_corner_height(upper: Float, lower: Float, lower_low: Float, lower_high: Float) -> float:
    """The height of the lowest corner of ``upper`` over ``lower``: a first bound that spares most pairs."""
    corner = upper.reshape(-1, 3)[upper[..., 2].argmin()]
    under = lower[_meets(lower_low, lower_high, corner[:2], corner[:2])]
    if not len(under):
        return float("inf")
    return float(_corner_heights(np.broadcast_to(corner, under.shape), under).min())


def _grid(
    triangles: Float, lows: Float, highs: Float, low: Float, size: Float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which triangles meet which cell in x and y: indices sorted by cell, and (cells + 1) where each cell starts."""
    first = np.clip(np.floor((lows[:, :2] - low) / size), 0, _CELLS - 1).astype(np.int64)
    last = np.clip(np.floor((highs[:, :2] - low) / size), 0, _CELLS - 1).astype(np.int64)
    span = last - first + 1
    counts = span[:, 0] * span[:, 1]
    index = np.repeat(np.arange(len(lows)), counts)
    within = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, span[index, 0])
    row, column = row + first[index, 1], column + first[index, 0]
    long = np.flatnonzero(counts > 4)
    if len(long):
        # The bounds of a long slanting triangle meet many cells that it does not meet itself.
        large = np.flatnonzero(counts[index] > 4)
        center = low + size * (np.stack((column[large], row[large]), axis=1) + 0.5)
        met = _meets_cell(triangles[long, :, :2], np.searchsorted(long, index[large]), center, size / 2)
        apart = large[~met]
        keep = np.ones(len(index), bool)
        keep[apart] = False
        index, row, column = index[keep], row[keep], column[keep]
    cell = row * _CELLS + column
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(_CELLS * _CELLS + 1))
    return index[order], starts.astype(np.int64)


def _meets_cell(triangles: Float, index: NDArray[np.int64], centers: Float, half: Float) -> NDArray[np.bool_]:
    """(E,): whether flat triangles (F, 3, 2), one by ``index``, meet rectangles, told along the triangles' normals."""
    edges = np.roll(triangles, -1, axis=1) - triangles
    normals = np.stack((edges[..., 1], -edges[..., 0]), axis=-1)
    along = np.einsum("fkc,fvc->fkv", normals, triangles)
    lowest, highest = along.min(axis=2), along.max(axis=2)
    reach = np.abs(normals) @ half + _TOLERANCE
    middle = np.einsum("ekc,ec->ek", normals[index], centers)
    return np.asarray(
        ((middle + reach[index] >= lowest[index]) & (middle - reach[index] <= highest[index])).all(axis=1)
    )


def _reduce(
    function: np.ufunc, values: Float, starts: NDArray[np.int64], cells: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``function`` over the values of each of the given cells, none of which is empty."""
    filled = np.flatnonzero(np.diff(starts) > 0)
    reduced = function.reduceat(values, starts[filled])
    return np.asarray(reduced[np.searchsorted(filled, cells)])


def _pairs(
    upper_index: NDArray[np.int64],
    upper_start: NDArray[np.int64],
    lower_index: NDArray[np.int64],
    lower_start: NDArray[np.int64],
    cells: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of an upper and a lower triangle that share one of the cells; some come more than once."""
    lower_count = lower_start[cells + 1] - lower_start[cells]
    counts = (upper_start[cells + 1] - upper_start[cells]) * lower_count
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, np.repeat(lower_count, counts))
    i = upper_index[np.repeat(upper_start[cells], counts) + row]
    j = lower_index[np.repeat(lower_start[cells], counts) + column]
    return i, j


def _best_pair(
    upper: Float, lower: Float, i: NDArray[np.int64], j: NDArray[np.int64], bounds: Float, best: float
) -> float:
    """The least of ``best`` and the heights over these pairs; ``bounds`` are what each pair cannot go below."""
    order = np.argsort(bounds, kind="stable")
    start, size = 0, _FIRST_PAIRS
    while start < len(order):
        chunk = order[start : start + size]
        chunk = chunk[bounds[chunk] < best - _SLACK]
        if not len(chunk):
            break
        best = min(best, float(_pair_heights(upper[i[chunk]], lower[j[chunk]]).min()))
        start, size = start + size, 2 * size
    return best


def _pair_heights(upper: Float, lower: Float) -> Float:
    """(P,): least height of triangle over triangle, both (P, 3, 3); infinite where they share no x and y."""
    heights = np.minimum(_corner_heights(upper, lower), _corner_heights(lower, upper, -1.0))
    return np.minimum(heights, _crossing_heights(upper, lower))


def _corner_heights(corners: Float, triangles: Float, sign: float = 1.0) -> Float:
    """Least of ``sign`` * (corner's z - triangle's z) over the corners that share x and y with the triangle.

    ``sign`` is 1 if the corners belong to the upper triangle and -1 if they belong to the lower one.
    """
    origin = triangles[:, None, 0]
    first, second = triangles[:, None, 1] - origin, triangles[:, None, 2] - origin
    offset = corners - origin
    area = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    flat = np.abs(area) > 1e-14
    safe = np.where(flat, area, 1.0)
    u = (offset[..., 0] * second[..., 1] - offset[..., 1] * second[..., 0]) / safe
    v = (first[..., 0] * offset[..., 1] - first[..., 1] * offset[..., 0]) / safe
    over = flat & (u >= -_TOLERANCE) & (v >= -_TOLERANCE) & (u + v <= 1 + _TOLERANCE)
    height = sign * (offset[..., 2] - u * first[..., 2] - v * second[..., 2])
    return np.asarray(np.where(over, height, np.inf).min(axis=1))


def _crossing_heights(upper: Float, lower: Float) -> Float:
    """Least height of an edge of the one over an edge of the other where they cross in x and y."""
    start, other = upper[:, :, None], lower[:, None, :]
    along = np.roll(upper, -1, axis=1)[:, :, None] - start
    across = np.roll(lower, -1, axis=1)[:, None, :] - other
    offset = other - start
    area = along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0]
    crossing = np.abs(area) > 1e-14
    safe = np.where(crossing, area, 1.0)
    s = (offset[..., 0] * across[..., 1] - offset[..., 1] * across[..., 0]) / safe
    t = (offset[..., 0] * along[..., 1] - offset[..., 1] * along[..., 0]) / safe
    inside = (s >= -_TOLERANCE) & (s <= 1 + _TOLERANCE) & (t >= -_TOLERANCE) & (t <= 1 + _TOLERANCE)
    height = s * along[..., 2] - t * across[..., 2] - offset[..., 2]
    return np.asarray(np.where(crossing & inside, height, np.inf).min(axis=(1, 2)))
