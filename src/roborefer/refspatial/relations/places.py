"""Places: between two things, at a corner or an edge of a surface, in free space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.free_space import FreeRegion, Placement, free_region, minimum_area
from roborefer.refspatial.relations.findings import Finding, compared, undecided
from roborefer.refspatial.relations.measures import measures
from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.surface_views import SurfaceFrame, in_image, stands_on, surface_frame
from roborefer.refspatial.thresholds import THRESHOLDS


def between(scene: Scene, a: int, first: int, second: int) -> Finding:
    """World frame, from above: a's centre lies in the corridor between two anchors' centres.

    The corridor is as long as the line between the centres and half as wide (a quarter to each side). ``value`` is
    how far inside it the centre lies, metres, negative outside. Clear if all three stand at about one level.
    """
    facts = measures(scene)
    start, end, point = (facts[item].center[:2] for item in (first, second, a))
    length = float(np.linalg.norm(end - start))
    if length < 1e-9:
        return undecided("m")
    along = float((point - start) @ (end - start)) / length
    aside = float(np.linalg.norm(point - start - along * (end - start) / length))
    value = min(along, length - along, THRESHOLDS.between_width * length - aside)
    bottoms = [facts[item].bottom for item in (a, first, second)]
    one_level = max(bottoms) - min(bottoms) <= THRESHOLDS.between_level_m
    return compared(value, "m", abs(value) >= THRESHOLDS.between_m and one_level)


def corner(scene: Scene, a: int, surface: str) -> Finding:
    """Viewer's frame: a stands at a corner of the surface; ``label`` is "far left", "near right", ...

    A corner's region takes 25 % of both sides. ``value`` is how far inside the nearest one the centre lies, metres.
    Clear if the surface is a rectangle whose sides the viewer can name, with this corner in the image.
    """
    frame = surface_frame(scene.camera, scene.surface(surface))
    place = frame.local(measures(scene)[a].center[:2])
    reach = 2 * THRESHOLDS.corner_share * frame.half
    value = float((reach - np.abs(frame.half - np.abs(place))).min())
    sides = np.where(place > 0, 1, -1)
    shown = bool(in_image(scene, frame.world(sides * frame.half), scene.surface(surface).height).all())
    clear = abs(value) >= THRESHOLDS.place_m and frame.is_plain and frame.has_corners and shown
    label = f"{'far' if sides[1] > 0 else 'near'} {'right' if sides[0] > 0 else 'left'}"
    found = compared(value, "m", clear and stands_on(scene, a, surface))
    return Finding(found.holds, found.value, found.margin, found.clear, found.unit, label)


def edge(scene: Scene, a: int, surface: str) -> Finding:
    """Viewer's frame: a stands at an edge of the surface; ``label`` is "near", "far", "left" or "right".

    An edge's region takes 20 % of the surface's other side and ends at the corners' regions. ``value`` is how far
    inside the nearest edge's region the centre lies, metres. Clear as :func:`corner`, but a round table has
    edges: its sides are the viewer's.
    """
    frame = surface_frame(scene.camera, scene.surface(surface))
    place = frame.local(measures(scene)[a].center[:2])
    values = [_inside_edge(frame, place, axis) for axis in (0, 1)]
    axis = int(np.argmax(values))
    value = values[axis]
    positive = bool(place[axis] > 0)
    label = (("left", "right"), ("near", "far"))[axis][positive]
    foot = np.array(place)
    foot[axis] = frame.half[axis] if positive else -frame.half[axis]
    shown = bool(in_image(scene, frame.world(foot), scene.surface(surface).height).all())
    clear = abs(value) >= THRESHOLDS.place_m and frame.is_plain and shown and stands_on(scene, a, surface)
    return Finding(value > 0, value, abs(value), clear, "m", label)


def free_space(scene: Scene, surface: str, where: Placement) -> Finding:
    """Viewer's frame: there is room for a thing at a place; ``value`` is the free area, square metres.

    It is 0 where there is none that can be asked for (:func:`roborefer.refspatial.free_space.free_region`).
    """
    least = minimum_area(scene.surface(surface), where)
    region = free_region(scene, surface, where)
    if not isinstance(region, FreeRegion):
        return Finding(False, 0.0, least, False, "m^2")
    return Finding(True, region.area_m2, region.area_m2 - least, True, "m^2")


def _inside_edge(frame: SurfaceFrame, place: NDArray[np.float64], axis: int) -> float:
    """How far inside the region at the nearer of the two sides across ``axis``, metres."""
    to_side = frame.half[axis] - abs(place[axis])
    other = 1 - axis
    from_corners = (1 - 2 * THRESHOLDS.corner_share) * frame.half[other] - abs(place[other])
    return float(min(2 * THRESHOLDS.edge_share * frame.half[axis] - to_side, to_side, from_corners))
