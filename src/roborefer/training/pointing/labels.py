"""What every part of a picture shows: the early, dense lessons from which small towers get their features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.simulation.objects.catalog import CATEGORIES
from roborefer.refspatial.simulation.objects.colors import COLORS

SIDE = 32
"""Cells along each side of the picture."""


@dataclass(frozen=True, eq=False)
class DenseLabels:
    """Labels of the middle of each cell, in raster order.

    Attributes:
        category: (SIDE*SIDE,) int64, 0 for what is no object.
        color: (SIDE*SIDE,) int64, 0 for what is no object.
        place: (SIDE*SIDE, 3) float32: metres to the viewer's right, level metres away from the viewer, and metres
            above the camera, of the surface that is seen.
        known: (SIDE*SIDE,) bool, whether ``place`` is.
    """

    category: NDArray[np.int64]
    color: NDArray[np.int64]
    place: NDArray[np.float32]
    known: NDArray[np.bool_]


def category_count() -> int:
    """Values of ``DenseLabels.category``."""
    return len(CATEGORIES) + 1


def color_count() -> int:
    """Values of ``DenseLabels.color``."""
    return len(COLORS) + 1


def dense_labels(
    scene: Mapping[str, Any], masks: Mapping[int, NDArray[np.bool_]], metres: NDArray[np.float32]
) -> DenseLabels:
    """The labels of one view.

    Args:
        scene: A view of a scene file.
        masks: (H, W) bool, what is seen of each object, by its id.
        metres: (H, W) float32 depth along z, 0 where unknown.
    """
    height, width = metres.shape
    middle = (np.arange(SIDE) + 0.5) / SIDE
    rows, columns = (middle * height).astype(int), (middle * width).astype(int)
    category = np.zeros((SIDE, SIDE), np.int64)
    color = np.zeros((SIDE, SIDE), np.int64)
    for thing in scene["objects"]:
        mask = masks.get(thing["id"])
        if mask is not None:
            seen = mask[np.ix_(rows, columns)]
            category[seen] = _numbers(tuple(CATEGORIES)).get(thing["category"], 0)
            color[seen] = _numbers(tuple(COLORS)).get(thing["color"], 0)
    depth = metres[np.ix_(rows, columns)]
    place = _places(scene["camera"], columns + 0.5, rows + 0.5, depth)
    return DenseLabels(category.ravel(), color.ravel(), place.reshape(-1, 3), (depth > 0).ravel())


def _places(
    camera: Mapping[str, Any], u: NDArray[np.float64], v: NDArray[np.float64], depth: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Where surfaces are in the viewer's level frame: right, away and up from the camera, metres.

    Args:
        camera: Of the scene file.
        u, v: (S,) pixels of the columns and rows.
        depth: (S, S) metres along z.

    Returns:
        (S, S, 3).
    """
    k, pose = camera["intrinsics"], np.asarray(camera["world_from_camera"])
    rays = np.stack(np.broadcast_arrays((u[None] - k["cx"]) / k["fx"], (v[:, None] - k["cy"]) / k["fy"], 1.0), axis=-1)
    world = (rays * depth[..., None]) @ pose[:3, :3].T
    right = pose[:2, 0] / max(float(np.linalg.norm(pose[:2, 0])), 1e-9)
    forward = np.array((-right[1], right[0]))
    return np.stack((world[..., :2] @ right, world[..., :2] @ forward, world[..., 2]), axis=-1).astype(np.float32)


@cache
def _numbers(names: tuple[str, ...]) -> Mapping[str, int]:
    """Names by the alphabet, counted from 1."""
    return {name: number for number, name in enumerate(sorted(names), start=1)}
