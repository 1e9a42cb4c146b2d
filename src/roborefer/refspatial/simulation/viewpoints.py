"""Which cameras suit a layout: what they must see, from which side, and where they can stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.refspatial.scene_graph import Camera, Surface
from roborefer.refspatial.simulation.camera import CameraStyle, IsFree, sample_camera, second_view
from roborefer.refspatial.simulation.layout import Layout
from roborefer.refspatial.simulation.room import Setting

Float = NDArray[np.float64]

_STYLE_SHARES: Mapping[Setting, Mapping[CameraStyle, float]] = MappingProxyType(
    {
        "tabletop": {"paper": 0.60, "low": 0.12, "wide": 0.18, "room": 0.10},
        "desk": {"paper": 0.60, "low": 0.12, "wide": 0.18, "room": 0.10},
        "counter": {"paper": 0.60, "low": 0.12, "wide": 0.18, "room": 0.10},
        "shelf": {"paper": 0.0, "low": 0.75, "wide": 0.0, "room": 0.25},
        "floor": {"paper": 0.40, "low": 0.0, "wide": 0.35, "room": 0.25},
    }
)
"""The paper's own range (section 4, simulated data) is the most frequent; boards of a shelf hide what is below them."""

_FROM_WALLS_M = 0.12
_FROM_OBJECTS_M = 0.12
_MOST_HIDDEN = 0.3  # share of the objects that furniture may hide


def sample_cameras(
    generator: np.random.Generator, layout: Layout, views: int, image_size: tuple[int, int]
) -> list[Camera]:
    """Cameras that see the objects of a layout; each view after the first lies to the left or right of the one before.

    Args:
        generator: Source of all randomness.
        layout: What to look at.
        views: How many.
        image_size: (width, height), pixels.

    Raises:
        InputError: No camera sees the objects.
    """
    points = np.array([(item.vertices.min(axis=0) + item.vertices.max(axis=0)) / 2 for item in layout.bodies])
    surface = _main_surface(layout)

    def is_free(eye: Float) -> bool:
        return can_stand(layout, eye) and hidden_share(layout.room.obstacles, eye, points) <= _MOST_HIDDEN

    cameras = [_first_camera(generator, layout.setting, surface, points, image_size, is_free)]
    while len(cameras) < views:
        try:
            cameras.append(second_view(generator, cameras[-1], points, is_free=is_free))
        except InputError:  # the room leaves no place beside it
            cameras.append(_first_camera(generator, layout.setting, surface, points, image_size, is_free))
    return cameras


def can_stand(layout: Layout, eye: ArrayLike) -> bool:
    """Whether a camera at a world point is in free air, away from walls, furniture and objects."""
    if not layout.room.is_free(eye, _FROM_WALLS_M):
        return False
    at = np.asarray(eye, np.float64)
    return not any(
        body.prism.bottom - _FROM_OBJECTS_M < at[2] < body.prism.top + _FROM_OBJECTS_M
        and np.hypot(*(at[:2] - body.prism.center)) < body.prism.radius + _FROM_OBJECTS_M
        for body in layout.bodies
    )


def hidden_share(boxes: Float, eye: ArrayLike, points: ArrayLike) -> float:
    """The share of points that boxes hide from an eye.

    Args:
        boxes: (K, 2, 3) lowest and highest corners.
        eye: (3,).
        points: (N, 3).
    """
    start, ends = np.asarray(eye, np.float64), np.asarray(points, np.float64)
    way = ends - start
    way = np.where(np.abs(way) < 1e-12, 1e-12, way)
    first = (boxes[None, :, 0] - start) / way[:, None]
    second = (boxes[None, :, 1] - start) / way[:, None]
    enters = np.minimum(first, second).max(axis=2)
    leaves = np.maximum(first, second).min(axis=2)
    hidden = (enters < leaves) & (leaves > 0) & (enters < 1)
    return float(hidden.any(axis=1).mean())


def _first_camera(
    generator: np.random.Generator,
    setting: Setting,
    surface: Surface,
    points: Float,
    image_size: tuple[int, int],
    is_free: IsFree,
) -> Camera:
    """Of the style that was drawn; if that cannot be, of another one, and at last of fewer objects."""
    shares = _STYLE_SHARES[setting]
    styles = list(shares)
    drawn = styles[int(generator.choice(len(styles), p=np.array(list(shares.values()))))]
    others: tuple[CameraStyle, ...] = ("wide", "room", "low")
    order = [drawn, *(style for style in others if style != drawn)]
    wanted = points
    while True:
        for style in order:
            try:
                return sample_camera(generator, surface, wanted, image_size=image_size, style=style, is_free=is_free)
            except InputError:
                continue
        if len(wanted) <= 1:
            raise InputError(
                f"expected a camera that sees the objects of a {setting} scene, found none: try a new seed"
            )
        distances = np.linalg.norm(wanted - np.median(wanted, axis=0), axis=1)
        wanted = wanted[np.argsort(distances, kind="stable")[: max(1, len(wanted) * 2 // 3)]]


def _main_surface(layout: Layout) -> Surface:
    """The surface that carries most objects, with a front where the room leaves one side to look from."""
    counts = [sum(item.supported_by == surface.name for item in layout.placements) for surface in layout.room.surfaces]
    surface = layout.room.surfaces[int(np.argmax(counts))]
    if layout.setting == "floor":
        # Into the corner at the origin: from the diagonal.
        inwards = 1.0 if layout.room.high[0] > 0 else -1.0
        return replace(surface, front=(inwards * np.sqrt(0.5), -np.sqrt(0.5)))
    return surface
