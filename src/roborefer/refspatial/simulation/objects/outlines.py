"""Flat curves that shapes are made from: smooth lines through points, circles, rounded rectangles, polygons."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def smooth(points: ArrayLike, steps: int = 4) -> Floats:
    """A Catmull-Rom curve through the points, ends included.

    Args:
        points: (K, D), in order; K is at least 2.
        steps: Pieces between two neighbours.

    Returns:
        ((K - 1) * steps + 1, D).
    """
    given = np.asarray(points, np.float64)
    before = np.concatenate([[2 * given[0] - given[1]], given[:-2]])
    after = np.concatenate([given[2:], [2 * given[-1] - given[-2]]])
    curve = _between(before, given[:-1], given[1:], after, steps)
    return np.concatenate([curve, given[-1:]])


def _between(a: Floats, b: Floats, c: Floats, d: Floats, steps: int) -> Floats:
    """Catmull-Rom pieces from ``b`` to ``c`` with neighbours ``a`` and ``d``, each (P, D); (P * steps, D)."""
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    a, b, c, d = a[:, None], b[:, None], c[:, None], d[:, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve.reshape(-1, b.shape[2])


def circle(count: int, radius: float = 1.0, depth: float | None = None) -> Floats:
    """A circle, or an ellipse of half-width ``radius`` and half-depth ``depth``: (count, 2), counter-clockwise."""
    return _unit_circle(count) * (radius, radius if depth is None else depth)


@lru_cache(maxsize=32)
def _unit_circle(count: int) -> Floats:
    # Starts at the back (+y), so that the middle of a print (u = 0.5) faces the front.
    angles = np.pi / 2 + np.linspace(0.0, 2 * np.pi, count, endpoint=False)
    return _frozen(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def arc(center: tuple[float, float], radius: float, start: float, end: float, count: int) -> Floats:
    """Points on a circle from angle ``start`` to ``end`` in degrees, both included: (count, 2)."""
    angles = np.radians(np.linspace(start, end, count))
    return np.stack([center[0] + radius * np.cos(angles), center[1] + radius * np.sin(angles)], axis=1)


def rounded_rectangle(width: float, depth: float, radius: float, steps: int = 3) -> Floats:
    """A rectangle with round corners around the origin: (4 * (steps + 1), 2), counter-clockwise.

    Every rectangle with the same ``steps`` has corresponding points, so that they can be lofted.
    """
    radius = min(radius, 0.499 * width, 0.499 * depth)
    center = np.array([width / 2 - radius, depth / 2 - radius])
    corners, turns = _corner_template(steps)
    return np.asarray(corners * center + turns * radius)


@lru_cache(maxsize=16)
def _corner_template(steps: int) -> tuple[Floats, Floats]:
    start = np.array([0.5, 1.0, 1.5, 2.0]) * np.pi
    angles = (start[:, None] + np.linspace(0.0, np.pi / 2, steps + 1)).ravel()
    signs = np.array([(-1, 1), (-1, -1), (1, -1), (1, 1)], np.float64)
    return (_frozen(np.repeat(signs, steps + 1, axis=0)), _frozen(np.stack([np.cos(angles), np.sin(angles)], axis=1)))


def rectangle(width: float, depth: float) -> Floats:
    """The four corners around the origin, counter-clockwise."""
    return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64) * (width / 2, depth / 2)


def star(count: int, outer: float, inner: float) -> Floats:
    """A star with ``count`` points: (2 * count, 2), counter-clockwise."""
    return circle(2 * count) * np.where(np.arange(2 * count) % 2 == 0, outer, inner)[:, None]


def signed_area(outline: ArrayLike) -> float:
    """Area of a polygon (K, 2), positive where it runs counter-clockwise."""
    given = np.asarray(outline, np.float64)
    following = np.roll(given, -1, axis=0)
    return float((given[:, 0] * following[:, 1] - given[:, 1] * following[:, 0]).sum() / 2)


def triangulate(outline: ArrayLike) -> NDArray[np.int32]:
    """Cuts a simple counter-clockwise polygon into triangles, ear by ear.

    Args:
        outline: (K, 2), K at least 3.

    Returns:
        (K - 2, 3) int32, counter-clockwise.
    """
    points = [(float(x), float(y)) for x, y in np.asarray(outline, np.float64)]
    left = list(range(len(points)))
    triangles = []
    position = 0
    misses = 0
    while len(left) > 3:
        count = len(left)
        before, tip, after = left[position - 1], left[position % count], left[(position + 1) % count]
        # After a whole round without an ear (touching edges) any convex corner is cut, so that the loop ends.
        if _is_ear(points, left, before, tip, after) or misses > count:
            triangles.append((before, tip, after))
            left.remove(tip)
            misses = 0
            position = position % len(left)
        else:
            misses += 1
            position = (position + 1) % count
    triangles.append((left[0], left[1], left[2]))
    return np.array(triangles, np.int32)


def _is_ear(points: list[tuple[float, float]], left: list[int], before: int, tip: int, after: int) -> bool:
    a, b, c = points[before], points[tip], points[after]
    if _cross(a, b, c) <= 0:
        return False
    return not any(
        _cross(a, b, points[i]) > 0 and _cross(b, c, points[i]) > 0 and _cross(c, a, points[i]) > 0
        for i in left
        if i not in (before, tip, after)
    )


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _frozen(array: Floats) -> Floats:
    array.setflags(write=False)
    return array
