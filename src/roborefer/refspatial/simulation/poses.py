"""Poses of things that stand, lean or are turned over: rotations about an axis, and moves of a body with its pose."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.simulation.collision import Body
from roborefer.refspatial.simulation.mesh import SimulatedObject

Float = NDArray[np.float64]


def turned_polygons(polygon: Float, yaws: Float) -> Float:
    """(C, K, 2): a polygon at each of C angles."""
    cosine, sine = np.cos(yaws), np.sin(yaws)
    rotations = np.stack((np.stack((cosine, -sine), axis=1), np.stack((sine, cosine), axis=1)), axis=1)
    return np.asarray(polygon @ np.swapaxes(rotations, 1, 2))


def about_x(angle: float) -> Float:
    """(3, 3): a turn about x, radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]], np.float64)


def about_z(angle: float) -> Float:
    """(3, 3): a turn about z, radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float64)


def upright_pose(yaw: float, position: ArrayLike) -> Float:
    """(4, 4): turned about z and moved."""
    pose = np.eye(4)
    pose[:3, :3] = about_z(yaw)
    pose[:3, 3] = position
    return pose


def yaw_of(pose: Float) -> float:
    """The turn about z of an upright pose, radians."""
    return float(np.arctan2(pose[1, 0], pose[0, 0]))


def moved_with_pose(body: Body, pose: Float, offset: ArrayLike) -> tuple[Body, Float]:
    """A body and its pose, ``offset`` (3,) metres away."""
    moved = pose.copy()
    moved[:3, 3] += np.asarray(offset, np.float64)
    return body.moved(offset), moved


def outline_in_world(pose: Float, outline: ArrayLike) -> Float:
    """(K, 2): an outline of the object's frame in world x, y; the object stands upright."""
    return np.asarray(np.asarray(outline, np.float64) @ pose[:2, :2].T + pose[:2, 3])


def on_edge(item: SimulatedObject, on_long_edge: bool) -> Float | None:
    """(3, 3): turns a flat thing so that it stands on an edge and shows its face to -y; None if it is not flat."""
    low, high = item.bounds
    size = high - low
    thin = int(np.argmin(size))
    if size[thin] > 0.3 * np.sort(size)[1] or np.sort(size)[1] < 0.07 or thin == 0:
        return None
    rotation = about_x(np.pi / 2) if thin == 2 else np.eye(3)
    standing = np.abs(rotation @ size)
    if on_long_edge != (standing[0] > standing[2]):
        quarter = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float64)
        rotation = quarter @ rotation
    return np.asarray(rotation)


def long_side_up(size: Float) -> Float:
    """(3, 3): turns the longest side of a thing's bounds upright."""
    longest = int(np.argmax(size))
    if longest == 2:
        return np.eye(3)
    if longest == 1:
        return about_x(np.pi / 2)
    return np.array([[0, 0, -1], [0, 1, 0], [1, 0, 0]], np.float64)
