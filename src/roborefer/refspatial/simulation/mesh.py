"""What a simulated thing is made of: parts with a mesh and a material, and the facts that a viewer could name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Material:
    """How a part looks (metallic-roughness shading).

    Attributes:
        color: Linear RGB, 0-1; multiplies the texture.
        roughness, metallic: 0-1.
        texture: (H, W, 3) uint8 sRGB print, sampled by ``uv`` with v up; None for a plain colour.
        transparent: Glass: an instance like any other to ids and depth; the depth-sensor model leaves a hole.
    """

    color: tuple[float, float, float] = (0.8, 0.8, 0.8)
    roughness: float = 0.5
    metallic: float = 0.0
    texture: NDArray[np.uint8] | None = None
    transparent: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """A triangle mesh with one material.

    Attributes:
        vertices: (V, 3) float32, metres.
        faces: (F, 3) int32, counter-clockwise seen from outside.
        normals: (V, 3) float32, unit, outward.
        uv: (V, 2) float32.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    material: Material


@dataclass(frozen=True, eq=False)
class Cavity:
    """Room inside an object: a bowl, a cup, an open box.

    Attributes:
        floor: Height of its floor above the object's base, metres.
        polygon: (K, 2) outline of the floor in the object's frame, counter-clockwise.
        depth: From the floor to the rim, metres.
    """

    floor: float
    polygon: NDArray[np.float64]
    depth: float


@dataclass(frozen=True, eq=False)
class SimulatedObject:
    """A thing in its own frame: z up, base at z = 0, footprint around the origin, ``front`` along -y.

    Attributes:
        category: Singular noun.
        parts: What is drawn.
        color, material, attributes: As in ``scene_graph.SceneObject``.
        directions: Named unit vectors in the object's frame (handle, spout, front, ...).
        stackable_top: (K, 2) outline of a flat top on which things can stand, None if there is none. Its height is
            the object's.
        cavity: Room inside, None if there is none.
        rolls: Lies or rolls on its own (fruit, pens); such things are not stacked on.
        shape_key: Names the shape family and its parameters' bucket, so that a benchmark can hold shapes back.
        also_called: As in ``scene_graph.SceneObject``.
    """

    category: str
    parts: tuple[Part, ...]
    color: str | None = None
    material: str | None = None
    attributes: tuple[str, ...] = ()
    directions: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    stackable_top: NDArray[np.float64] | None = None
    cavity: Cavity | None = None
    rolls: bool = False
    shape_key: str = ""
    also_called: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest (x, y, z) over all parts, metres."""
        corners = np.array([[part.vertices.min(axis=0), part.vertices.max(axis=0)] for part in self.parts], np.float64)
        return corners[:, 0].min(axis=0), corners[:, 1].max(axis=0)


@dataclass(frozen=True, eq=False)
class Placement:
    """An object in the world.

    Attributes:
        object: What.
        world_from_object: (4, 4) rigid pose.
        supported_by: Name of the surface, or index of the placement, that it rests on.
        inside: Index of the placement that contains it, None if none.
    """

    object: SimulatedObject
    world_from_object: NDArray[np.float64]
    supported_by: str | int
    inside: int | None = None
