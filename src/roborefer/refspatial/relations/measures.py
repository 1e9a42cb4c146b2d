"""What relations measure of each object: once a scene, for all its objects together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.scene_graph import Scene
from roborefer.refspatial.surface_views import viewer_axes
from roborefer.refspatial.thresholds import THRESHOLDS


@dataclass(frozen=True, eq=False)
class Measures:
    """One object's box in numbers; metres unless said otherwise.

    Attributes:
        center: (3,) in the world.
        x, z: The centre in the camera frame.
        distance: From the camera to the centre.
        forward: The centre along the viewer's level forward direction, from the camera.
        nearest_z: Smallest camera z of the box's corners.
        half_x: Half the box's extent along the camera's x.
        bottom, top: Lowest and highest point in the world.
        volume: Of the box, cubic metres.
        diagonal: Of the box.
        seen_width: Extent along the viewer's level right direction: as the scene has it, else the box's.
        inner_width: The least that it may be: as the scene has it, else that of the ellipsoid in the box. What fills
            its box lies between the two: a turned box is wider than the plate in it.
    """

    center: NDArray[np.float64]
    x: float
    z: float
    distance: float
    forward: float
    nearest_z: float
    half_x: float
    bottom: float
    top: float
    volume: float
    diagonal: float
    seen_width: float
    inner_width: float

    @property
    def height(self) -> float:
        """Extent along the world's z."""
        return self.top - self.bottom

    @property
    def center_tolerance(self) -> float:
        """How far the centre of what is seen may lie from :attr:`center`."""
        return THRESHOLDS.center_m + THRESHOLDS.center_share * self.diagonal


@lru_cache(maxsize=8)
def measures(scene: Scene) -> Mapping[int, Measures]:
    """The measures of every object, by id."""
    if not scene.objects:
        return MappingProxyType({})
    pose = scene.camera.world_from_camera
    corners = np.stack([item.box.corners() for item in scene.objects])  # (N, 8, 3)
    centers = np.stack([item.box.center for item in scene.objects])
    sizes = np.stack([item.box.size for item in scene.objects])
    rotations = np.stack([item.box.rotation for item in scene.objects])
    in_camera = (corners - pose[:3, 3]) @ pose[:3, :3]
    center_in_camera = (centers - pose[:3, 3]) @ pose[:3, :3]
    axes = viewer_axes(scene.camera)
    edges = rotations * sizes[:, None, :]  # (N, 3, 3), one edge a column
    width_of_edges = np.einsum("j,njk->nk", axes.right, edges[:, :2])
    widths = np.array([math.nan if item.width_m is None else item.width_m for item in scene.objects])
    columns = (
        center_in_camera[:, 0],
        center_in_camera[:, 2],
        np.linalg.norm(center_in_camera, axis=1),
        (centers[:, :2] - pose[:2, 3]) @ axes.forward,
        in_camera[..., 2].min(axis=1),
        np.ptp(in_camera[..., 0], axis=1) / 2,
        *np.array([item.heights for item in scene.objects]).T,
        sizes.prod(axis=1),
        np.linalg.norm(sizes, axis=1),
        np.where(np.isnan(widths), np.ptp(corners[..., :2] @ axes.right, axis=1), widths),
        np.where(np.isnan(widths), np.linalg.norm(width_of_edges, axis=1), widths),
    )
    rows = np.stack(columns, axis=1).tolist()
    return MappingProxyType(
        {item.id: Measures(center, *row) for item, center, row in zip(scene.objects, centers, rows, strict=True)}
    )


@dataclass(frozen=True)
class Seen:
    """What the image shows of an object.

    Attributes:
        pixels: How many.
        column, row: Mean over these pixels' centres as fractions of the image's width and height.
    """

    pixels: int
    column: float
    row: float


_UNSEEN = Seen(0, math.nan, math.nan)


@lru_cache(maxsize=8)
def _all_seen(scene: Scene) -> Mapping[int, Seen]:
    height, width = scene.ids.shape
    flat = scene.ids.ravel()
    pixels = np.flatnonzero(flat)
    rows, columns = np.divmod(pixels, width)
    ids = flat[pixels].astype(np.int64)
    counts = np.bincount(ids)
    column_sums, row_sums = np.bincount(ids, columns), np.bincount(ids, rows)
    return MappingProxyType(
        {
            index: Seen(
                int(counts[index]),
                float((column_sums[index] / counts[index] + 0.5) / width),
                float((row_sums[index] / counts[index] + 0.5) / height),
            )
            for index in np.flatnonzero(counts).tolist()
        }
    )


def seen(scene: Scene, object_id: int) -> Seen:
    """What the image shows of an object; NaN for its place where it shows nothing."""
    return _all_seen(scene).get(object_id, _UNSEEN)


@lru_cache(maxsize=8)
def _all_nearest_seen(scene: Scene) -> Mapping[int, float]:
    pixels = np.flatnonzero((scene.ids.ravel() > 0) & (scene.depth_m.ravel() > 0))  # NaN is not above 0
    ids, depth = scene.ids.ravel()[pixels], scene.depth_m.ravel()[pixels]
    return MappingProxyType({item: float(depth[ids == item].min()) for item in np.unique(ids).tolist()})


def nearest_seen_z(scene: Scene, object_id: int) -> float:
    """Smallest depth over an object's pixels, metres; infinity where nothing of it is seen, or no depth."""
    return _all_nearest_seen(scene).get(object_id, math.inf)


def is_seen_well(scene: Scene, object_id: int) -> bool:
    """Whether enough of an object is seen to ask about it: share of itself and share of the image."""
    enough = seen(scene, object_id).pixels >= THRESHOLDS.object_share * scene.ids.size
    return enough and scene.object(object_id).visible_fraction >= THRESHOLDS.visible_fraction
