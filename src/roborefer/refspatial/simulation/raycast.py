"""The reference renderer: every pixel's ray is intersected with every triangle by embree, without rasterisation.

It shares no code with the OpenGL renderer and serves to check it. Its picture is flat: surfaces are coloured by
where they face. It needs the package embreex.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import pixel_centers, unproject
from roborefer.geometry.transforms import invert_pose, transform_points
from roborefer.refspatial.scene_graph import Camera
from roborefer.refspatial.simulation.renderer import Light, RenderItem, View, check_items

Float = NDArray[np.float64]

_NOTHING = 2**32 - 1  # embree's primitive number of a ray that hits nothing, as unsigned


class RaycastRenderer:
    """Casts one ray through each pixel centre.

    Raises:
        InputError: embreex is missing.
    """

    def __init__(self) -> None:
        try:
            scenes, meshes = (import_module(f"embreex.{name}") for name in ("rtcore_scene", "mesh_construction"))
        except ImportError as error:
            raise InputError("expected the package embreex for ray casting, got none: pip install embreex") from error
        self._new_scene: Any = scenes.EmbreeScene
        self._new_mesh: Any = meshes.TriangleMesh

    def render(self, items: Sequence[RenderItem], cameras: Sequence[Camera], light: Light) -> list[View]:
        """One view a camera; the light changes nothing."""
        check_items(items)
        return [self._view(items, camera) for camera in cameras]

    def solo_pixel_counts(self, items: Sequence[RenderItem], camera: Camera) -> dict[int, int]:
        """Pixels that each instance but 0 would cover if it were alone in this view, by instance."""
        check_items(items)
        return {
            instance: int((self._view([i for i in items if i.instance == instance], camera).ids == instance).sum())
            for instance in sorted({item.instance for item in items} - {0})
        }

    def _view(self, items: Sequence[RenderItem], camera: Camera) -> View:
        width, height = camera.intrinsics.width, camera.intrinsics.height
        camera_from_world = invert_pose(camera.world_from_camera)
        corners, corner_normals, owners = _triangles(items, camera_from_world)
        rays = unproject(pixel_centers((width, height)), np.ones((height, width)), camera.intrinsics).reshape(-1, 3)
        hits = self._first_hits(corners, rays)
        seen = hits >= 0
        depth = np.zeros(len(rays))
        normals = np.zeros((len(rays), 3))
        depth[seen], normals[seen] = _at_hits(corners[hits[seen]], corner_normals[hits[seen]], rays[seen])
        item_numbers = np.where(seen, owners[hits], -1)
        instances = np.array([*(item.instance for item in items), 0], np.uint16)
        surfaces = np.array([*(item.surface for item in items), 0], np.uint8)
        rgb = np.where(seen[:, None], 127.5 * (1 - normals), 204.0)
        return View(
            rgb=rgb.astype(np.uint8).reshape(height, width, 3),
            depth_m=depth.astype(np.float32).reshape(height, width),
            ids=instances[item_numbers].reshape(height, width),
            surface_ids=surfaces[item_numbers].reshape(height, width),
            normals=normals.astype(np.float32).reshape(height, width, 3),
        )

    def _first_hits(self, corners: Float, rays: Float) -> NDArray[np.int64]:
        """(R,) the triangle that each ray from the camera meets first, -1 for none."""
        scene = self._new_scene()
        self._new_mesh(scene, corners.astype(np.float32))
        origins = np.zeros(rays.shape, np.float32)
        found = scene.run(origins, rays.astype(np.float32), output=True)["primID"]
        numbers = np.asarray(found).astype(np.int64) & _NOTHING
        return np.where(numbers == _NOTHING, -1, numbers)


def _triangles(items: Sequence[RenderItem], camera_from_world: Float) -> tuple[Float, Float, NDArray[np.int64]]:
    """(F, 3, 3) corners and (F, 3, 3) their normals in the camera frame, and (F,) the index of the item."""
    corners, normals, owners = [], [], []
    for number, item in enumerate(items):
        camera_from_part = camera_from_world @ np.asarray(item.world_from_part, np.float64)
        corners.append(transform_points(camera_from_part, item.part.vertices)[item.part.faces])
        normals.append((item.part.normals.astype(np.float64) @ camera_from_part[:3, :3].T)[item.part.faces])
        owners.append(np.full(len(item.part.faces), number))
    return np.concatenate(corners), np.concatenate(normals), np.concatenate(owners)


def _at_hits(corners: Float, corner_normals: Float, rays: Float) -> tuple[Float, Float]:
    """(R,) depth along z and (R, 3) unit normals towards the camera where rays (R, 3), z = 1, meet their triangles."""
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    depth = np.einsum("ij,ij->i", corners[:, 0], across) / np.einsum("ij,ij->i", rays, across)
    points = rays * depth[:, None]
    area = np.einsum("ij,ij->i", across, across)
    weights = []  # barycentric: the share of the triangle's area that lies across from each corner
    for first, second in ((1, 2), (2, 0), (0, 1)):
        part = np.cross(corners[:, second] - corners[:, first], points - corners[:, first])
        weights.append(np.einsum("ij,ij->i", part, across) / area)
    normals = np.einsum("ki,ikj->ij", np.stack(weights), corner_normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    away = np.einsum("ij,ij->i", normals, rays) > 0
    normals[away] *= -1
    return depth, normals
