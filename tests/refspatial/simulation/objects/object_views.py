"""What an object looks like to embree: an independent view of shapes and base colours for the tests."""

from __future__ import annotations

from collections import Counter

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.ray.ray_pyembree import RayMeshIntersector

from roborefer.refspatial.simulation.mesh import SimulatedObject
from roborefer.refspatial.simulation.objects.colors import name_of


def whole_mesh(item: SimulatedObject) -> tuple[trimesh.Trimesh, NDArray[np.int64], NDArray[np.int64]]:
    """All parts in one mesh; each face's part and its index in that part."""
    vertices, faces, parts, indices, count = [], [], [], [], 0
    for number, part in enumerate(item.parts):
        vertices.append(part.vertices.astype(np.float64))
        faces.append(part.faces.astype(np.int64) + count)
        parts.append(np.full(len(part.faces), number))
        indices.append(np.arange(len(part.faces)))
        count += len(part.vertices)
    mesh = trimesh.Trimesh(np.concatenate(vertices), np.concatenate(faces), process=False)
    return mesh, np.concatenate(parts), np.concatenate(indices)


def seen_colors(item: SimulatedObject, *, rays: int = 40) -> dict[str, float]:
    """Share of each colour name among what three cameras at 40 degrees see, prints included; lights and shine not.

    Bare metal counts as "silver".
    """
    mesh, parts, indices = whole_mesh(item)
    caster = RayMeshIntersector(mesh)
    low, high = item.bounds
    middle, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    grid = np.linspace(-reach, reach, rays)
    right, up = (axis.ravel() for axis in np.meshgrid(grid, grid))
    votes: Counter[str] = Counter()
    for azimuth in np.radians([-90, -35, -145]):
        back = np.array([np.cos(azimuth), np.sin(azimuth), 0]) * np.cos(np.radians(40)) + (0, 0, np.sin(np.radians(40)))
        x = np.cross((0, 0, 1), back)
        x /= np.linalg.norm(x)
        y = np.cross(back, x)
        origins = middle + 3 * reach * back + right[:, None] * x + up[:, None] * y
        directions = np.broadcast_to(-back, origins.shape)
        hits, rays_hit, faces = caster.intersects_location(origins, directions, multiple_hits=False)
        assert len(hits) == len(rays_hit)
        for place, face in zip(hits, faces, strict=True):
            votes[_color_at(item, mesh, int(parts[face]), int(indices[face]), int(face), place)] += 1
    total = sum(votes.values())
    return {name: count / total for name, count in votes.most_common()}


def _color_at(
    item: SimulatedObject, mesh: trimesh.Trimesh, part: int, index: int, face: int, place: NDArray[np.float64]
) -> str:
    material = item.parts[part].material
    if material.metallic > 0.5:
        return "silver"
    color = np.array(material.color)
    if material.texture is not None:
        corners = mesh.vertices[mesh.faces[face]]
        weights = trimesh.triangles.points_to_barycentric(corners[None], place[None])[0]
        u, v = weights @ item.parts[part].uv[item.parts[part].faces[index]].astype(np.float64)
        height, width = material.texture.shape[:2]
        row, column = min(int((1 - v) % 1.0 * height), height - 1), min(int(u % 1.0 * width), width - 1)
        ink = material.texture[row, column] / 255.0
        color = color * np.where(ink <= 0.04045, ink / 12.92, ((ink + 0.055) / 1.055) ** 2.4)
    return name_of((float(color[0]), float(color[1]), float(color[2])))
