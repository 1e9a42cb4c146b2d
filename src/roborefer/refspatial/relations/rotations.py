"""Directions: facing and turned away, turning from one object to another, and turns of the camera."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.relations.findings import Finding, measured, undecided
from roborefer.refspatial.relations.measures import is_seen_well, measures
from roborefer.refspatial.relations.quantities import angle_between
from roborefer.refspatial.scene_graph import Camera, Scene
from roborefer.refspatial.surface_views import viewer_axes
from roborefer.refspatial.thresholds import THRESHOLDS

_LEAST_LEVEL = 0.5  # a front that points up or down by more than 60 degrees faces nothing


def face(scene: Scene, a: int, other: int | None = None) -> Finding:
    """Object's frame: the front of ``a`` points at ``other``; ``value`` is the level angle to it, degrees, 0-180.

    ``other`` None is the viewer. It holds below 45 degrees and is clear below 30 and above 60. An object without a
    front, or with one that points up or down, faces nothing: undecided.
    """
    value = _angle_to(scene, a, other)
    return _within(value, THRESHOLDS.facing_degrees, value)


def back(scene: Scene, a: int, other: int | None = None) -> Finding:
    """Object's frame: ``a`` has its back to ``other``: the angle of :func:`face` is above 135 degrees."""
    value = _angle_to(scene, a, other)
    return _within(180 - value, THRESHOLDS.facing_degrees, value)


def rotation_horizontal(scene: Scene, a: int, b: int) -> Finding:
    """World frame: degrees to turn about the vertical from facing a to facing b, standing at the camera.

    Positive is to the right. The published phrase is "rotate left around 19.945 degrees".
    """
    return _turn(scene, a, b, _heading)


def rotation_vertical(scene: Scene, a: int, b: int) -> Finding:
    """World frame: degrees to tilt from looking at a to looking at b, standing at the camera; positive is up."""
    return _turn(scene, a, b, _elevation)


def direction_angle(scene: Scene, a: int, b: int, name: str = "front") -> Finding:
    """World frame: angle between two objects' directions of the same name, degrees, 0-180."""
    first, second = (scene.object(item).directions.get(name) for item in (a, b))
    if first is None or second is None:
        return undecided("degrees")
    well = is_seen_well(scene, a) and is_seen_well(scene, b)
    return measured(angle_between(np.array(first), np.array(second)), 5.0, "degrees", well)


@dataclass(frozen=True)
class CameraRotation:
    """How a camera turned between two views.

    Attributes:
        horizontal: Degrees about the vertical, positive to the right.
        vertical: Degrees of tilt, positive up.
        dominant: Which of the two a viewer would name; None if neither stands out.
    """

    horizontal: Finding
    vertical: Finding
    dominant: Literal["horizontal", "vertical"] | None


def camera_rotation(first: Camera, second: Camera) -> CameraRotation:
    """World frame: the turn from one view's direction to another's, whatever the camera moved.

    For a camera that looks straight down, the level direction is up in its image.
    """
    headings, elevations = [], []
    for camera in (first, second):
        forward = viewer_axes(camera).forward
        headings.append(math.degrees(math.atan2(forward[0], forward[1])))
        elevations.append(math.degrees(math.asin(max(-1.0, min(1.0, float(camera.world_from_camera[2, 2]))))))
    horizontal, vertical = _wrap(headings[1] - headings[0]), elevations[1] - elevations[0]
    least, times = THRESHOLDS.rotation_degrees, THRESHOLDS.rotation_dominance
    dominant: Literal["horizontal", "vertical"] | None = None
    if abs(horizontal) >= max(least, times * abs(vertical)):
        dominant = "horizontal"
    elif abs(vertical) >= max(least, times * abs(horizontal)):
        dominant = "vertical"
    return CameraRotation(
        Finding(horizontal > 0, horizontal, abs(horizontal), dominant == "horizontal", "degrees"),
        Finding(vertical > 0, vertical, abs(vertical), dominant == "vertical", "degrees"),
        dominant,
    )


def _within(value: float, limit: float, shown: float) -> Finding:
    if math.isnan(value):
        return undecided("degrees")
    margin = abs(limit - value)
    return Finding(value < limit, shown, margin, margin >= THRESHOLDS.facing_margin_degrees, "degrees")


def _angle_to(scene: Scene, a: int, other: int | None) -> float:
    item = scene.object(a)
    target = scene.camera.world_from_camera[:3, 3] if other is None else scene.object(other).box.center
    towards = (target - item.box.center)[:2]
    pointing = np.array(item.directions.get("front", (0.0, 0.0, 0.0)), np.float64)
    if np.linalg.norm(pointing[:2]) < _LEAST_LEVEL or np.linalg.norm(towards) < 1e-6:
        return math.nan
    return angle_between(pointing[:2], towards)


def _turn(scene: Scene, a: int, b: int, direction: Callable[[NDArray[np.float64]], float]) -> Finding:
    eye = scene.camera.world_from_camera[:3, 3]
    facts = [measures(scene)[item] for item in (a, b)]
    sights = [item.center - eye for item in facts]
    level = min(float(np.linalg.norm(sight[:2])) for sight in sights)
    if level < 1e-6:
        return undecided("degrees")
    value = _wrap(direction(sights[1]) - direction(sights[0]))
    reach = level if direction is _heading else min(item.distance for item in facts)
    tolerance = sum(math.degrees(math.atan2(item.center_tolerance, reach)) for item in facts)
    well = level >= THRESHOLDS.level_distance_m and is_seen_well(scene, a) and is_seen_well(scene, b)
    clear = well and abs(value) >= max(THRESHOLDS.rotation_degrees, tolerance)
    return Finding(value > 0, value, tolerance, clear, "degrees")


def _heading(sight: NDArray[np.float64]) -> float:
    """Degrees clockwise from above, from world +y."""
    return math.degrees(math.atan2(sight[0], sight[1]))


def _elevation(sight: NDArray[np.float64]) -> float:
    return math.degrees(math.atan2(sight[2], math.hypot(sight[0], sight[1])))


def _wrap(degrees: float) -> float:
    """To -180 up to 180."""
    return (degrees + 180.0) % 360.0 - 180.0
