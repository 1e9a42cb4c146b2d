"""Where cameras stand: in the paper's ranges, and lower, wider and farther away; and second views for pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.geometry.transforms import invert_pose, transform_points
from roborefer.refspatial.scene_graph import Camera, Surface
from roborefer.structures import Intrinsics

Float = NDArray[np.float64]
Range = tuple[float, float]
CameraStyle = Literal["paper", "low", "wide", "room"]
IsFree = Callable[[Float], bool]

VISIBLE_MARGIN = 0.04
"""Points that must be seen keep this share of the image's width and height from its edges."""

_NEAREST_M = 0.15  # of a point that must be seen
_ATTEMPTS = 200
_WIDEN_AFTER = 120  # attempts, from which on the camera also steps back beyond its style's range
_SIDEWAYS_DEGREES = 55.0  # from a surface's front, where it has one
_ROLL_DEGREES = 2.0
_PRINCIPAL_POINT = 0.015  # share of the image's size by which it may lie off the middle
_HEADROOM = (0.80, 1.0)  # focal length over the longest one that still holds every point


@dataclass(frozen=True)
class StyleRanges:
    """From what a style's cameras are drawn, uniformly.

    Attributes:
        pitch_degrees: Of the optical axis, below 0 looking down.
        height_m: Of the camera above the surface; None where the distance is drawn instead.
        distance_m: From the camera to what it looks at; None where the height is drawn instead.
        fov_degrees: Horizontal angle of view.
    """

    pitch_degrees: Range
    fov_degrees: Range
    height_m: Range | None = None
    distance_m: Range | None = None


STYLES: Mapping[CameraStyle, StyleRanges] = MappingProxyType(
    {
        # Paper section 4, simulated data: pitch and height; the distance follows from them.
        "paper": StyleRanges((-60.0, -30.0), (35.0, 80.0), height_m=(0.3, 0.8)),
        "low": StyleRanges((-25.0, -6.0), (35.0, 75.0), distance_m=(0.6, 1.5)),
        "wide": StyleRanges((-45.0, -18.0), (60.0, 80.0), distance_m=(0.8, 1.8)),
        "room": StyleRanges((-35.0, -12.0), (50.0, 80.0), distance_m=(1.6, 3.0)),
    }
)


def look_at(eye: ArrayLike, target: ArrayLike, roll_degrees: float = 0.0) -> Float:
    """The pose of a camera that stands at ``eye`` and looks at ``target``.

    Args:
        eye, target: (3,) world, metres.
        roll_degrees: Turn about the optical axis; 0 keeps the horizon level, above 0 the right side sinks.

    Returns:
        (4, 4) ``world_from_camera``.

    Raises:
        InputError: The two points are one.
    """
    position = np.asarray(eye, np.float64)
    forward = np.asarray(target, np.float64) - position
    distance = float(np.linalg.norm(forward))
    if not distance > 1e-9:
        raise InputError("expected a target away from the eye, got the same point: move one of them")
    forward = forward / distance
    # Straight down or up the horizon is nowhere; world +y is then the image's upper side.
    side = np.cross(forward, (0.0, 0.0, 1.0) if abs(forward[2]) < 1 - 1e-9 else (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    down = np.cross(forward, side)
    turn = np.deg2rad(roll_degrees)
    pose = np.eye(4)
    pose[:3, 0] = np.cos(turn) * side + np.sin(turn) * down
    pose[:3, 1] = np.cos(turn) * down - np.sin(turn) * side
    pose[:3, 2] = forward
    pose[:3, 3] = position
    return pose


def sample_camera(
    generator: np.random.Generator,
    surface: Surface,
    points: ArrayLike,
    *,
    image_size: tuple[int, int],
    style: CameraStyle = "paper",
    is_free: IsFree | None = None,
) -> Camera:
    """A camera that sees every point, with :data:`VISIBLE_MARGIN` to spare.

    The focal length is drawn last, from what holds all points. After 120 attempts in vain the camera also steps
    back, out of its style's range of height or distance (never of pitch or angle of view).

    Args:
        generator: Source of all randomness.
        surface: What the camera looks at; where it has a ``front``, the camera stands on that side.
        points: (N, 3) world, N >= 1: what must be seen, such as the objects' centres.
        image_size: (width, height) in pixels.
        style: Which of :data:`STYLES`.
        is_free: Tells whether a camera can stand at a world point; anywhere if None.

    Raises:
        InputError: No camera of this style sees all points, or an argument is malformed.
    """
    if style not in STYLES:
        raise InputError(f"expected a camera style of {', '.join(STYLES)}, got {style!r}")
    must_see = _points(points)
    ranges = STYLES[style]
    for attempt in range(_ATTEMPTS):
        stretch = 1.0 + 0.03 * max(0, attempt - _WIDEN_AFTER)
        pose = _sample_pose(generator, surface, must_see, ranges, stretch)
        center = (np.asarray(image_size) * (0.5 + generator.uniform(-_PRINCIPAL_POINT, _PRINCIPAL_POINT, 2))).tolist()
        headroom = generator.uniform(*_HEADROOM)
        if is_free is not None and not is_free(pose[:3, 3]):
            continue
        longest = _longest_focal(pose, must_see, image_size, center)
        shortest, style_longest = (image_size[0] / 2 / np.tan(np.deg2rad(a) / 2) for a in ranges.fov_degrees[::-1])
        if longest < shortest:
            continue
        focal = float(max(shortest, headroom * min(longest, style_longest)))
        return Camera(Intrinsics(focal, focal, center[0], center[1], *image_size), pose)
    raise InputError(
        f"expected points that one camera of the style {style} can see, got {len(must_see)} over "
        f"{float(np.ptp(must_see, axis=0).max()):.2f} m: bring them together, or take another style"
    )


def second_view(
    generator: np.random.Generator,
    camera: Camera,
    points: ArrayLike,
    *,
    turn_degrees: Range = (12.0, 45.0),
    is_free: IsFree | None = None,
) -> Camera:
    """The same camera after it went around the points, to the left or to the right, and still sees all of them.

    Args:
        generator: Source of all randomness.
        camera: The first view.
        points: (N, 3) world, N >= 1: what must be seen.
        turn_degrees: Range of the angle about the vertical through the points' middle.
        is_free: Tells whether a camera can stand at a world point; anywhere if None.

    Raises:
        InputError: No such view sees all points.
    """
    must_see = _points(points)
    k = camera.intrinsics
    middle = _middle(must_see)
    arm = camera.world_from_camera[:3, 3] - middle
    for attempt in range(_ATTEMPTS):
        stretch = 1.0 + 0.02 * max(0, attempt - _WIDEN_AFTER)
        angle = np.deg2rad(generator.uniform(*turn_degrees)) * generator.choice((-1.0, 1.0))
        cosine, sine = np.cos(angle), np.sin(angle)
        turned = np.array((cosine * arm[0] - sine * arm[1], sine * arm[0] + cosine * arm[1], arm[2]))
        turned *= generator.uniform(0.92, 1.12) * stretch
        turned[2] *= generator.uniform(0.85, 1.15)
        target = middle + generator.uniform(-0.04, 0.04, 3)
        pose = look_at(middle + turned, target, generator.uniform(-_ROLL_DEGREES, _ROLL_DEGREES))
        if is_free is not None and not is_free(pose[:3, 3]):
            continue
        if min(k.fx, k.fy) <= _longest_focal(pose, must_see, (k.width, k.height), (k.cx, k.cy)):
            return Camera(k, pose)
    raise InputError(
        f"expected points that a second view can see, got {len(must_see)} over "
        f"{float(np.ptp(must_see, axis=0).max()):.2f} m: start from a wider first view"
    )


def _sample_pose(
    generator: np.random.Generator, surface: Surface, points: Float, ranges: StyleRanges, stretch: float
) -> Float:
    pitch = np.deg2rad(generator.uniform(*ranges.pitch_degrees))
    azimuth = _azimuth(generator, surface)
    jitter = generator.uniform(-0.05, 0.05, 2)
    roll = generator.uniform(-_ROLL_DEGREES, _ROLL_DEGREES)
    middle = _middle(points)
    if ranges.height_m is not None:
        target = np.array((middle[0] + jitter[0], middle[1] + jitter[1], surface.height))
        distance = generator.uniform(*ranges.height_m) * stretch / np.sin(-pitch)
    else:
        assert ranges.distance_m is not None
        target = middle + np.array((jitter[0], jitter[1], 0.0))
        distance = generator.uniform(*ranges.distance_m) * stretch
    backwards = np.array((np.cos(pitch) * np.cos(azimuth), np.cos(pitch) * np.sin(azimuth), np.sin(-pitch)))
    return look_at(target + distance * backwards, target, roll)


def _azimuth(generator: np.random.Generator, surface: Surface) -> float:
    """Direction from the surface to the camera, radians from world x."""
    if surface.front is None:
        return float(generator.uniform(-np.pi, np.pi))
    sideways = np.deg2rad(generator.uniform(-_SIDEWAYS_DEGREES, _SIDEWAYS_DEGREES))
    return float(np.arctan2(surface.front[1], surface.front[0]) + sideways)


def _longest_focal(pose: Float, points: Float, image_size: tuple[int, int], center: ArrayLike) -> float:
    """The longest focal length, pixels, with which all points lie within the margins; 0 if one is not in front."""
    seen = transform_points(invert_pose(pose), points)
    if (seen[:, 2] < _NEAREST_M).any():
        return 0.0
    slopes = seen[:, :2] / seen[:, 2:]
    size, principal = np.asarray(image_size, np.float64), np.asarray(center, np.float64)
    room = np.where(slopes < 0, principal, size - principal) - VISIBLE_MARGIN * size
    return float((room / np.maximum(np.abs(slopes), 1e-9)).min())


def _middle(points: Float) -> Float:
    return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2)


def _points(points: ArrayLike) -> Float:
    array = np.asarray(points, np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array) or not np.isfinite(array).all():
        raise InputError(f"points: expected at least one finite row of shape (N, 3), got shape {array.shape}")
    return array
