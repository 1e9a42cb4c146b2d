"""Slow, obvious checks of where things are, which share nothing with the code under test."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray

from roborefer.refspatial.simulation.mesh import Material, Part, Placement, SimulatedObject

Float = NDArray[np.float64]

RAY_DIRECTIONS = trimesh.creation.icosphere(subdivisions=2).vertices.view(np.ndarray)


def part_of(mesh: trimesh.Trimesh) -> Part:
    """A mesh as a plain grey part."""
    return Part(
        np.array(mesh.vertices, np.float32),
        np.array(mesh.faces, np.int32),
        np.array(mesh.vertex_normals, np.float32),
        np.zeros((len(mesh.vertices), 2), np.float32),
        Material(),
    )


def thing(mesh: trimesh.Trimesh, category: str = "block", **facts: object) -> SimulatedObject:
    """A mesh as an object: set down on z = 0, with its footprint around the origin."""
    low, high = mesh.bounds
    moved = mesh.copy()
    moved.apply_translation((-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))
    return SimulatedObject(category, (part_of(moved),), **facts)  # type: ignore[arg-type]


def world_mesh(placement: Placement) -> trimesh.Trimesh:
    """All parts of a posed object."""
    meshes = [trimesh.Trimesh(part.vertices, part.faces, process=False) for part in placement.object.parts]
    joined = trimesh.util.concatenate(meshes)
    return trimesh.Trimesh(joined.vertices, joined.faces, process=False).apply_transform(placement.world_from_object)


def winding_numbers(points: Float, mesh: trimesh.Trimesh) -> Float:
    """(N,): how often a mesh winds around points: 1 or more inside of it, 0 outside; holes only blur it.

    The sum of the solid angles of all triangles (van Oosterom and Strackee 1983).
    """
    corners = mesh.triangles.view(np.ndarray).astype(np.float64)
    totals = np.empty(len(points))
    for number, point in enumerate(points):
        a, b, c = (corners[:, k] - point for k in range(3))
        la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        above = np.einsum("ij,ij->i", a, np.cross(b, c))
        below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        totals[number] = (2 * np.arctan2(above, below)).sum() / (4 * np.pi)
    return totals


def depth_inside(first: trimesh.Trimesh, second: trimesh.Trimesh, samples: int = 300, seed: int = 0) -> float:
    """How deep points of one surface lie in another mesh, metres; 0 if none does.

    Vertices and random surface points of ``first`` within the other's bounds are looked at. Whether one is inside is
    told by the winding number, and its depth is the shortest of 162 rays to the surface, which is at least the true
    depth and at most a few per cent more.
    """
    sampled = trimesh.sample.sample_surface(first, samples, seed=seed)[0]
    points = np.concatenate((first.vertices.view(np.ndarray), sampled.view(np.ndarray)))
    low, high = second.bounds
    points = points[((points > low + 5e-4) & (points < high - 5e-4)).all(axis=1)]
    if not len(points):
        return 0.0
    if len(points) > 3 * samples:
        points = points[np.random.default_rng(seed).choice(len(points), 3 * samples, replace=False)]
    points = points[winding_numbers(points, second) > 0.5]
    return max((_distance_along_rays(point, second) for point in points), default=0.0)


def _distance_along_rays(point: Float, mesh: trimesh.Trimesh) -> float:
    origins = np.repeat(point[None], len(RAY_DIRECTIONS), axis=0)
    hits, rays, _ = mesh.ray.intersects_location(origins, RAY_DIRECTIONS, multiple_hits=False)
    return float(np.linalg.norm(hits - origins[rays], axis=1).min()) if len(hits) else 0.0


def fall_height(mesh: trimesh.Trimesh, others: trimesh.Trimesh) -> float:
    """How far a mesh can fall until it meets another, metres: by rays from points 4 mm apart on all faces of both."""
    mesh, others = _finely_divided(mesh), _finely_divided(others)
    best = np.inf
    for moving, fixed, way in ((mesh, others, -1.0), (others, mesh, 1.0)):
        low, high = fixed.bounds
        starts = moving.vertices.view(np.ndarray)
        starts = starts[((starts[:, :2] >= low[:2]) & (starts[:, :2] <= high[:2])).all(axis=1)].copy()
        if not len(starts):
            continue
        # A hair back, so that touching faces are met as well.
        starts[:, 2] -= way * 2e-3
        ways = np.tile((0.0, 0.0, way), (len(starts), 1))
        hits, rays, _ = fixed.ray.intersects_location(starts, ways, multiple_hits=False)
        if len(hits):
            best = min(best, float(np.abs(hits[:, 2] - starts[rays, 2]).min()) - 2e-3)
    return best


def _finely_divided(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    vertices, faces = trimesh.remesh.subdivide_to_size(mesh.vertices, mesh.faces, 0.004, max_iter=12)
    return trimesh.Trimesh(vertices, faces, process=False)
