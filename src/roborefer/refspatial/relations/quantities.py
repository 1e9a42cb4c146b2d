"""Numbers that a question may ask for: depth, distance, angle, size. ``margin`` is their tolerance."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.relations.findings import Finding, measured, undecided
from roborefer.refspatial.relations.gaps import level_gap
from roborefer.refspatial.relations.measures import is_seen_well, measures
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.thresholds import THRESHOLDS
from roborefer.structures import Point

_WINDOW = 2  # pixels on each side of a point whose depth is asked for


def depth(scene: Scene, a: int) -> Finding:
    """Viewer's frame: median depth along z of an object's pixels, metres.

    Clear if it is seen well and the depth of its pixels (10th to 90th percentile) spreads by no more than 15 %.
    """
    values = scene.depth_m[scene.mask(a)]
    values = values[values > 0]
    if not len(values):
        return undecided("m")
    low, value, high = np.percentile(values, (10, 50, 90)).tolist()
    steady = high - low <= THRESHOLDS.depth_spread * value
    return measured(value, _depth_tolerance(value), "m", steady and is_seen_well(scene, a))


def depth_at(scene: Scene, point: Point) -> Finding:
    """Viewer's frame: depth along z at a point of the image, metres.

    Clear if the 5 x 5 pixels around it show one thing at one depth, give or take the tolerance.
    """
    width, height = scene.image_size
    column = min(int(point.x * width), width - 1)
    row = min(int(point.y * height), height - 1)
    value = float(scene.depth_m[row, column])
    if not value > 0:
        return undecided("m")
    window = (
        slice(max(row - _WINDOW, 0), row + _WINDOW + 1),
        slice(max(column - _WINDOW, 0), column + _WINDOW + 1),
    )
    depths = scene.depth_m[window]
    same = bool((scene.ids[window] == scene.ids[row, column]).all() and (depths > 0).all())
    steady = same and float(np.ptp(depths)) <= 2 * _depth_tolerance(value)
    return measured(value, _depth_tolerance(value), "m", steady)


def distance(scene: Scene, a: int, b: int) -> Finding:
    """World frame: between the centres of two boxes, metres.

    Clear if both are seen well and the tolerance is no more than a quarter of the value.
    """
    first, second = measures(scene)[a], measures(scene)[b]
    value = float(np.linalg.norm(first.center - second.center))
    tolerance = first.center_tolerance + second.center_tolerance
    well = is_seen_well(scene, a) and is_seen_well(scene, b)
    return measured(value, tolerance, "m", well and tolerance <= THRESHOLDS.quantity_share * value)


def free_gap(scene: Scene, a: int, b: int) -> Finding:
    """World frame: level distance between the nearest sides of two boxes, metres; clear as :func:`distance`."""
    value = level_gap(scene.object(a).box, scene.object(b).box)
    tolerance = measures(scene)[a].center_tolerance + measures(scene)[b].center_tolerance
    well = is_seen_well(scene, a) and is_seen_well(scene, b)
    return measured(value, tolerance, "m", well and tolerance <= THRESHOLDS.quantity_share * value)


def angle(scene: Scene, first: int, anchor: int, second: int) -> Finding:
    """World frame: angle at the anchor's centre between the directions to two other centres, degrees, 0-180."""
    facts = measures(scene)
    to_first = facts[first].center - facts[anchor].center
    to_second = facts[second].center - facts[anchor].center
    lengths = [float(np.linalg.norm(vector)) for vector in (to_first, to_second)]
    if min(lengths) < 1e-9:
        return undecided("degrees")
    tolerance = sum(
        math.degrees(math.atan2(facts[other].center_tolerance + facts[anchor].center_tolerance, length))
        for other, length in zip((first, second), lengths, strict=True)
    )
    well = all(is_seen_well(scene, item) for item in (first, anchor, second))
    value = angle_between(to_first, to_second)
    return measured(value, tolerance, "degrees", well and tolerance <= THRESHOLDS.angle_tolerance_degrees)


def size(scene: Scene, a: int, which: Literal["height", "width", "longest"] = "longest") -> Finding:
    """An object's height (world), width as seen (viewer) or longest box edge (object), metres; tolerance 15 %."""
    facts = measures(scene)[a]
    sizes = {"height": facts.height, "width": facts.seen_width, "longest": float(scene.object(a).box.size.max())}
    value = sizes[which]
    return measured(value, THRESHOLDS.size_share * value, "m", is_seen_well(scene, a))


def angle_between(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Angle between two vectors of the same length, degrees, 0-180."""
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return math.degrees(math.acos(max(-1.0, min(1.0, float(first @ second) / lengths))))


def _depth_tolerance(value: float) -> float:
    return THRESHOLDS.depth_m + THRESHOLDS.depth_share * value
