"""Rigid poses, and the planes and boxes that points lie in.

A pose is a 4x4 matrix named for what it does: ``world_from_camera`` takes camera coordinates to world coordinates,
so ``world_from_box = world_from_camera @ camera_from_box`` reads from right to left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import read_text
from roborefer.images import source_name

_RIGID_TOLERANCE = 1e-3  # rotations written with four digits still pass
_HYPOTHESES = 200
_SAMPLE = 1000
_MAD_TO_SIGMA = 1.4826  # median absolute deviation to standard deviation, for normal noise


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """A box in any orientation.

    Attributes:
        center: (3,), metres.
        rotation: (3, 3), columns are the box's axes in the frame of ``center``; a fitted box's third is ``up``.
        size: (3,), full edge lengths along these axes, metres.
    """

    center: NDArray[np.float64]
    rotation: NDArray[np.float64]
    size: NDArray[np.float64]

    def corners(self) -> NDArray[np.float64]:
        """(8, 3), the corners in the frame of ``center``."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
        return np.asarray(self.center + (signs * self.size / 2) @ self.rotation.T)


def check_pose(pose: ArrayLike, name: str = "world_from_camera") -> NDArray[np.float64]:
    """A pose as float64 (4, 4), if it is rigid.

    Raises:
        InputError: It is no 4x4 matrix of finite numbers with the bottom row 0 0 0 1, or its upper left 3x3 is no
            rotation (within 1e-3).
    """
    try:
        matrix = np.asarray(pose, np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: expected a 4x4 matrix of numbers, got something else: {pose!r:.60}") from error
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError(f"{name}: expected a 4x4 matrix of finite numbers, got shape {matrix.shape}")
    if not np.allclose(matrix[3], (0, 0, 0, 1), rtol=0, atol=1e-6):
        hint = "transpose it" if np.allclose(matrix[:, 3], (0, 0, 0, 1)) else "give a rigid pose"
        raise InputError(f"{name}: expected the bottom row 0 0 0 1, got {_row(matrix[3])}: {hint}")
    rotation = matrix[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), rtol=0, atol=_RIGID_TOLERANCE):
        raise InputError(
            f"{name}: expected a rotation, got axes of length {_row(np.linalg.norm(rotation, axis=0))} or not at right "
            "angles: remove scale and shear"
        )
    if np.linalg.det(rotation) < 0:
        raise InputError(f"{name}: expected a rotation, got a mirror image (determinant -1): flip one axis back")
    return matrix


def read_pose(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Reads a pose from JSON: four rows of four numbers, 16 numbers row by row, or a translation and a quaternion.

    ``{"translation": [x, y, z], "quaternion_xyzw": [x, y, z, w]}`` is the last form; ``{"world_from_camera": ...}``
    around any of them is read too.

    Raises:
        InputError: The file cannot be read or holds no rigid pose.
    """
    name = source_name(path)
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"expected a pose as JSON, got something else in {name}: write a 4x4 matrix") from error
    if isinstance(data, Mapping) and "world_from_camera" in data:
        data = data["world_from_camera"]
    if isinstance(data, Mapping):
        data = _matrix_from_quaternion(data, name)
    elif isinstance(data, list) and len(data) == 16:
        data = [data[start : start + 4] for start in range(0, 16, 4)]
    return check_pose(data, name)


def transform_points(pose: ArrayLike, xyz: ArrayLike) -> NDArray[np.float64]:
    """Points (..., 3) through a 4x4 pose: ``transform_points(world_from_camera, xyz_in_camera)`` are in the world."""
    points, matrix = np.asarray(xyz, np.float64), np.asarray(pose, np.float64)
    if points.ndim < 1 or points.shape[-1] != 3:
        raise InputError(f"xyz: expected shape (..., 3), got {points.shape}")
    if matrix.shape != (4, 4):
        raise InputError(f"pose: expected shape (4, 4), got {matrix.shape}")
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def invert_pose(pose: ArrayLike) -> NDArray[np.float64]:
    """``camera_from_world`` from ``world_from_camera``, and the other way round."""
    matrix = check_pose(pose, "pose")
    inverse = np.eye(4)
    inverse[:3, :3] = matrix[:3, :3].T
    inverse[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverse


def compose(*poses: ArrayLike) -> NDArray[np.float64]:
    """The product of poses: ``compose(world_from_base, base_from_camera)`` is ``world_from_camera``."""
    product = np.eye(4)
    for pose in poses:
        product = product @ check_pose(pose, "pose")
    return product


def gravity_alignment(up_in_camera: ArrayLike) -> NDArray[np.float64]:
    """The rotation from the camera to a z-up world at the same place, from the up direction alone.

    Gravity leaves the heading open; it is chosen so that the camera looks along world +y (x right, y forward, z up).
    A camera that looks straight up or down takes its image's upper edge as forward.

    Args:
        up_in_camera: (3,), against gravity, in the camera frame; any length but 0. A level camera has (0, -1, 0).

    Returns:
        (3, 3) ``world_from_camera``.
    """
    up = _unit(up_in_camera, "up_in_camera")
    forward = np.array((0.0, 0.0, 1.0))
    level = forward - (forward @ up) * up
    if np.linalg.norm(level) < 1e-3:
        forward = np.array((0.0, -1.0, 0.0))
        level = forward - (forward @ up) * up
    level = level / np.linalg.norm(level)
    return np.stack((np.cross(level, up), level, up))


def fit_plane(points: ArrayLike, *, seed: int = 0) -> tuple[NDArray[np.float64], float]:
    """The plane ``normal @ p = offset`` that most of the points lie on; up to 40 % may lie anywhere else.

    Of 200 planes through three random points, the one with the least median distance picks the points that count
    (within three robust standard deviations); least squares over these gives the plane.

    Args:
        points: (N, 3), N >= 3.
        seed: The same seed gives the same plane.

    Returns:
        Unit normal (3,) with ``offset >= 0``, that is, pointing from the origin to the plane; and the offset.

    Raises:
        InputError: There are fewer than three points, or they lie on a line.
    """
    cloud = _cloud(points, 3)
    generator = np.random.default_rng(seed)
    sample = cloud if len(cloud) <= _SAMPLE else cloud[generator.choice(len(cloud), _SAMPLE, replace=False)]
    triples = sample[generator.integers(0, len(sample), (_HYPOTHESES, 3))]
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 1e-9 * max(float(np.ptp(sample, axis=0).max()) ** 2, 1e-300)
    if not usable.any():
        return least_squares_plane(cloud)
    normals = normals[usable] / lengths[usable, None]
    offsets = np.einsum("ij,ij->i", normals, triples[usable, 0])
    medians = np.median(np.abs(sample @ normals.T - offsets), axis=0)
    best = int(medians.argmin())
    distances = np.abs(cloud @ normals[best] - offsets[best])
    scale = float(np.linalg.norm(np.ptp(cloud, axis=0)))
    inliers = cloud[distances <= 3 * _MAD_TO_SIGMA * medians[best] + 1e-9 * scale]
    return least_squares_plane(inliers if len(inliers) >= 3 else cloud)


def least_squares_plane(points: ArrayLike) -> tuple[NDArray[np.float64], float]:
    """The plane with the least squared distances to all points; arguments, result and errors as :func:`fit_plane`."""
    cloud = _cloud(points, 3)
    mean = cloud.mean(axis=0)
    _, spreads, axes = np.linalg.svd(cloud - mean, full_matrices=False)
    if spreads[1] <= 1e-6 * spreads[0] or spreads[0] == 0:
        raise InputError(f"expected points that span a plane, got {len(cloud)} on a line or in one place")
    normal = axes[2]
    offset = float(normal @ mean)
    return (normal, offset) if offset >= 0 else (-normal, -offset)


def fit_oriented_box(points: ArrayLike, up: ArrayLike) -> OrientedBox:
    """The box about the up axis that holds all points and has the smallest footprint.

    Args:
        points: (N, 3), N >= 1, in any frame.
        up: (3,), the box's third axis in that frame; any length but 0.

    Returns:
        The box; its first axis is the longer side of the footprint.
    """
    cloud = _cloud(points, 1)
    level = gravity_alignment(up)  # rows: right, forward, up
    local = cloud @ level.T
    hull = _convex_hull(local[:, :2])
    edges = np.roll(hull, -1, axis=0) - hull
    edges = edges[np.linalg.norm(edges, axis=1) > 0]
    # The smallest rectangle around a convex polygon shares a side with it.
    angles = np.arctan2(edges[:, 1], edges[:, 0]) if len(edges) else np.zeros(1)
    directions = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    across = np.stack((-directions[:, 1], directions[:, 0]), axis=1)
    areas = np.ptp(hull @ directions.T, axis=0) * np.ptp(hull @ across.T, axis=0)
    best = int(areas.argmin())
    first, second = directions[best], across[best]
    if np.ptp(hull @ first) < np.ptp(hull @ second):
        first, second = second, -first
    axes = np.array([[*first, 0.0], [*second, 0.0], [0.0, 0.0, 1.0]])  # rows
    along = local @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    rotation = (axes @ level).T
    return OrientedBox(center=rotation @ ((low + high) / 2), rotation=rotation, size=high - low)


def _convex_hull(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners of the convex hull of (N, 2), counter-clockwise (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0)  # sorted by x, then y
    if len(ordered) < 3:
        return ordered
    chains: list[list[Any]] = []
    for sequence in (ordered, ordered[::-1]):
        chain: list[Any] = []
        for x, y in sequence.tolist():
            while len(chain) > 1 and _turn(chain[-2], chain[-1], (x, y)) <= 0:
                chain.pop()
            chain.append((x, y))
        chains.append(chain[:-1])
    return np.array(chains[0] + chains[1])


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _matrix_from_quaternion(data: Mapping[Any, Any], name: str) -> NDArray[np.float64]:
    try:
        x, y, z, w = (float(value) for value in data["quaternion_xyzw"])
        translation = np.array([float(value) for value in data["translation"]])
    except (KeyError, TypeError, ValueError):
        translation = np.empty(0)
        x = y = z = w = 0.0
    length = float(np.linalg.norm((x, y, z, w)))
    if translation.shape != (3,) or not abs(length - 1) < _RIGID_TOLERANCE:
        raise InputError(
            f"expected a 4x4 matrix, or a translation of 3 numbers and a unit quaternion_xyzw of 4, got keys "
            f"{', '.join(map(str, data))} in {name}"
        )
    x, y, z, w = (value / length for value in (x, y, z, w))
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = translation
    return pose


def _cloud(points: ArrayLike, least: int) -> NDArray[np.float64]:
    cloud = np.asarray(points, np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 3 or len(cloud) < least or not np.isfinite(cloud).all():
        raise InputError(f"points: expected at least {least} finite rows of shape (N, 3), got shape {cloud.shape}")
    return cloud


def _unit(vector: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(array)) if array.shape == (3,) else 0.0
    if not (np.isfinite(length) and length > 0):
        raise InputError(f"{name}: expected a vector of three finite numbers, not all 0, got {array.tolist()}")
    return np.asarray(array / length)


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:g}" for value in values)
