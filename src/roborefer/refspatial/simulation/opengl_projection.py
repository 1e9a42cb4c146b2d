"""Where cameras and lights look, as the matrices that OpenGL takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.transforms import invert_pose
from roborefer.refspatial.scene_graph import Camera
from roborefer.refspatial.simulation.opengl_scene import PackedScene
from roborefer.refspatial.simulation.renderer import Light

_NEAR_M = 0.02


@dataclass(frozen=True, eq=False)
class ShadowProjection:
    """Where the shadow map looks.

    Attributes:
        light_from_world: (4, 4) to the map's clip space.
        direction: Unit, towards the light.
        offset: Metres along the normal by which a surface is lifted before it is looked up.
        radius: Soft edge in 0-1 coordinates along the map's x and y, and the bias along its depth.
    """

    light_from_world: NDArray[np.float64]
    direction: NDArray[np.float64]
    offset: float
    radius: tuple[float, float, float]


def shadow_projection(packed: PackedScene, light: Light, side: int) -> ShadowProjection:
    """A parallel projection along the light that holds everything that casts a shadow, and no more.

    Light is parallel, so what lies outside this frame is outside every shadow: the frame's edge never shows.
    """
    direction = np.asarray(light.direction, np.float64)
    length = float(np.linalg.norm(direction))
    if direction.shape != (3,) or not (np.isfinite(length) and length > 0):
        raise InputError(f"expected a light direction of three finite numbers, not all 0, got {direction.tolist()}")
    direction = direction / length
    sideways = np.cross((0.0, 0.0, 1.0) if abs(direction[2]) < 0.99 else (0.0, 1.0, 0.0), direction)
    sideways /= np.linalg.norm(sideways)
    axes = np.stack((sideways, np.cross(direction, sideways), -direction))  # rows; depth grows away from the light
    casters = packed.vertices[packed.casters, :3]
    along = casters @ axes.T.astype(np.float32) if len(casters) else np.zeros((1, 3), np.float32)
    low, high = along.min(axis=0).astype(np.float64), along.max(axis=0).astype(np.float64)
    margin = np.array([light.softness, light.softness, 0.0]) + 4 * (high - low).max() / side + 1e-3
    low, high = low - margin, high + margin
    extent = high - low
    light_from_world = np.eye(4)
    light_from_world[:3, :3] = 2 * axes / extent[:, None]
    light_from_world[:3, 3] = -(low + high) / extent
    texel = float(extent[:2].max() / side)
    radius = max(light.softness, texel)
    return ShadowProjection(
        light_from_world=light_from_world,
        direction=direction,
        offset=1.0 * texel + 0.25 * radius,
        radius=(radius / float(extent[0]), radius / float(extent[1]), (0.0005 + 0.5 * texel) / float(extent[2])),
    )


def projection_matrix(camera: Camera, packed: PackedScene) -> NDArray[np.float64]:
    """OpenGL's projection for the camera, with the image's first row at the bottom of the window."""
    k = camera.intrinsics
    camera_from_world = invert_pose(camera.world_from_camera)
    depths = packed.bounds_corners @ camera_from_world[2, :3] + camera_from_world[2, 3]
    far = max(float(depths.max()) * 1.01, 2 * _NEAR_M)
    near = _NEAR_M
    clip_from_view = np.array(
        [
            [2 * k.fx / k.width, 0, 2 * k.cx / k.width - 1, 0],
            [0, 2 * k.fy / k.height, 2 * k.cy / k.height - 1, 0],
            [0, 0, (far + near) / (far - near), -2 * far * near / (far - near)],
            [0, 0, 1, 0],
        ]
    )
    return np.asarray(clip_from_view @ camera_from_world)
