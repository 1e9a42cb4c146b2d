"""Gaps between two boxes: in space, seen from above, and as the image shows them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from roborefer.geometry.transforms import OrientedBox
from roborefer.refspatial.scene_graph import Scene

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
_EDGES = np.array([(i, j) for i in range(8) for j in range(i) if np.abs(_CORNERS[i] - _CORNERS[j]).sum() == 2])


def box_gap(a: OrientedBox, b: OrientedBox) -> float:
    """Smallest distance between two solid boxes in space, metres; 0 where they overlap.

    Of what lies in the boxes it is the least gap possible.
    """
    if not _separated(a, b, _separating_axes(a.rotation.T, b.rotation.T)):
        return 0.0
    # Nearest features of convex solids are a corner and a face, or two edges.
    corners = min(_outside(a.corners(), b), _outside(b.corners(), a))
    return min(corners, segment_distance(a.corners()[_EDGES], b.corners()[_EDGES]))


def level_gap(a: OrientedBox, b: OrientedBox) -> float:
    """Smallest distance between the boxes' footprints as seen from above, metres; 0 where they overlap."""
    flat = np.array((1.0, 1.0, 0.0))
    sides = np.concatenate((a.rotation.T, b.rotation.T)) * flat
    normals = np.stack((-sides[:, 1], sides[:, 0], np.zeros(len(sides))), axis=1)
    if not _separated(a, b, normals):
        return 0.0
    return segment_distance(a.corners()[_EDGES] * flat, b.corners()[_EDGES] * flat)


def seen_gap(scene: Scene, a: int, b: int) -> float:
    """Smallest distance between surface points of two objects that are neighbours in the image, metres.

    Infinity where no pixel of one borders on a pixel of the other. One pixel's width at that depth is taken off, since
    the points lie at pixel centres: what is left is the largest gap that the picture shows between the surfaces.
    """
    least = math.inf
    for step in ((0, 1), (1, 0)):
        height, width = scene.ids.shape
        here = scene.ids[: height - step[0], : width - step[1]]
        there = scene.ids[step[0] :, step[1] :]
        rows, columns = np.nonzero(((here == a) & (there == b)) | ((here == b) & (there == a)))
        if len(rows):
            first = _unproject(scene, rows, columns)
            second = _unproject(scene, rows + step[0], columns + step[1])
            pixel = np.minimum(first[:, 2], second[:, 2]) / scene.camera.intrinsics.fx
            gaps = np.linalg.norm(first - second, axis=1) - pixel
            least = min(least, max(0.0, float(gaps.min())))
    return least


def segment_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Smallest distance between any of M and any of N segments, shapes (M, 2, 3) and (N, 2, 3)."""
    p, q = first[:, None, 0], second[None, :, 0]
    u, v = first[:, None, 1] - p, second[None, :, 1] - q
    r = p - q
    uu, vv, uv = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    ur, vr = (u * r).sum(-1), (v * r).sum(-1)
    # A segment without length (an edge seen from above) has its one point at parameter 0.
    uu_safe, vv_safe = np.where(uu > 1e-18, uu, 1.0), np.where(vv > 1e-18, vv, 1.0)
    cross = uu * vv - uv * uv
    parallel = cross <= 1e-12 * np.maximum(uu * vv, 1e-30)
    s = np.where(parallel, 0.0, np.clip((uv * vr - vv * ur) / np.where(parallel, 1.0, cross), 0.0, 1.0))
    t = np.clip(np.where(vv > 1e-18, (uv * s + vr) / vv_safe, 0.0), 0.0, 1.0)
    s = np.clip(np.where(uu > 1e-18, (uv * t - ur) / uu_safe, 0.0), 0.0, 1.0)
    apart = r + s[..., None] * u - t[..., None] * v
    return float(np.sqrt((apart * apart).sum(-1).min()))


def _separating_axes(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    crosses = np.cross(first[:, None], second[None]).reshape(-1, 3)
    return np.concatenate((first, second, crosses))


def _separated(a: OrientedBox, b: OrientedBox, axes: NDArray[np.float64]) -> bool:
    """Whether the boxes' shadows on some axis do not overlap."""
    lengths = np.linalg.norm(axes, axis=1)
    axes = axes[lengths > 1e-9] / lengths[lengths > 1e-9, None]
    reach = sum(np.abs(axes @ box.rotation) @ (box.size / 2) for box in (a, b))
    return bool((np.abs(axes @ (b.center - a.center)) > reach).any())


def _outside(points: NDArray[np.float64], box: OrientedBox) -> float:
    local = np.abs((points - box.center) @ box.rotation) - box.size / 2
    return float(np.linalg.norm(np.maximum(local, 0.0), axis=1).min())


def _unproject(scene: Scene, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    k, z = scene.camera.intrinsics, scene.depth_m[rows, columns].astype(np.float64)
    return np.stack(((columns + 0.5 - k.cx) / k.fx * z, (rows + 0.5 - k.cy) / k.fy * z, z), axis=1)
