"""What does not move: flat-sided solids with prints whose scale is metres, joined by material."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.simulation.mesh import Material, Part

Float = NDArray[np.float64]

SIDES = ("left", "right", "front", "back", "bottom", "top")
"""Of a box: towards -x, +x, -y, +y, -z, +z."""


@dataclass(frozen=True, eq=False)
class Fixture:
    """A part of the room in the world frame.

    Attributes:
        part: Mesh and material.
        surface: Name of the surface whose top this is, None if it is none.
        casts_shadow: False for walls and ceilings, through which the key light comes.
    """

    part: Part
    surface: str | None = None
    casts_shadow: bool = True


@dataclass(frozen=True, eq=False)
class Furniture:
    """A piece of furniture, or the fixed things on a wall.

    Attributes:
        fixtures: What is drawn.
        surfaces: Where things can stand on it.
        obstacles: (K, 2, 3) lowest and highest corners of boxes that hold all of it.
    """

    fixtures: tuple[Fixture, ...]
    surfaces: tuple[Surface, ...] = ()
    obstacles: Float = field(default_factory=lambda: np.empty((0, 2, 3)))


def boxes(
    corners: ArrayLike, material: Material, *, tile: float = 1.0, grain: str = "z", sides: Sequence[str] = SIDES
) -> Part:
    """Axis-aligned boxes as one part.

    Args:
        corners: (K, 2, 3) lowest and highest corners, or (2, 3) for one box.
        material: Of all of them.
        tile: Metres that one print covers.
        grain: Axis along which the print's v runs where a side has that axis.
        sides: Which sides to draw.
    """
    bounds = np.asarray(corners, np.float64).reshape(-1, 2, 3)
    vertices, normals, uvs = [], [], []
    for side in sides:
        axis, upper = divmod(SIDES.index(side), 2)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        picks = ((0, 0), (1, 0), (1, 1), (0, 1)) if upper else ((0, 0), (0, 1), (1, 1), (1, 0))
        quad = np.empty((len(bounds), 4, 3))
        quad[:, :, axis] = bounds[:, upper, axis, None]
        for corner, (low_first, low_second) in enumerate(picks):
            quad[:, corner, first] = bounds[:, low_first, first]
            quad[:, corner, second] = bounds[:, low_second, second]
        normal = np.zeros(3)
        normal[axis] = 1.0 if upper else -1.0
        across, along = sorted((first, second))  # z up where there is a z
        if "xyz"[across] == grain:
            across, along = along, across
        vertices.append(quad.reshape(-1, 3))
        normals.append(np.tile(normal, (len(bounds) * 4, 1)))
        uvs.append(quad[:, :, (across, along)].reshape(-1, 2) / tile)
    return _part(np.concatenate(vertices), np.concatenate(normals), np.concatenate(uvs), material)


def quad(corners: ArrayLike, material: Material, *, repeats: tuple[float, float] = (1.0, 1.0)) -> Part:
    """A flat four-sided part.

    Args:
        corners: (4, 3) lower left, lower right, upper right, upper left, as its viewer sees them.
        material: Its print's lower left corner lies at the first corner.
        repeats: How often the print repeats across and up.
    """
    vertices = np.asarray(corners, np.float64)
    normal = np.cross(vertices[1] - vertices[0], vertices[3] - vertices[0])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * repeats
    return _part(vertices, np.tile(normal / np.linalg.norm(normal), (4, 1)), uv, material)


def round_top(polygon: ArrayLike, height: float, material: Material, *, tile: float = 1.0) -> Part:
    """A flat convex top that faces up.

    Args:
        polygon: (K, 2) outline, counter-clockwise.
        height: z, metres.
        material: Printed in metres over x and y.
        tile: Metres that one print covers.
    """
    outline = np.asarray(polygon, np.float64)
    count = len(outline)
    vertices = np.column_stack((outline, np.full(count, height)))
    faces = np.stack((np.zeros(count - 2, int), np.arange(1, count - 1), np.arange(2, count)), axis=1)
    normals = np.tile((0.0, 0.0, 1.0), (count, 1))
    return Part(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        (outline / tile).astype(np.float32),
        material,
    )


def column(
    center: ArrayLike, radii: tuple[float, float], heights: tuple[float, float], material: Material, sides: int = 24
) -> Part:
    """The side wall of an upright round column or cone, without ends.

    Args:
        center: (2,) x, y.
        radii: At the bottom and at the top, metres.
        heights: z of the bottom and of the top.
        material: Its print goes round once.
        sides: Around.
    """
    angles = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    middle = np.asarray(center, np.float64)
    vertices = np.concatenate(
        [
            np.column_stack((middle + ring * radius, np.full(sides + 1, height)))
            for radius, height in zip(radii, heights, strict=True)
        ]
    )
    slope = (radii[0] - radii[1]) / (heights[1] - heights[0])
    normals = np.tile(np.column_stack((ring, np.full(sides + 1, slope))) / np.hypot(1, slope), (2, 1))
    first = np.arange(sides)
    second, third, fourth = first + 1, first + sides + 2, first + sides + 1
    faces = np.concatenate((np.stack((first, second, third), axis=1), np.stack((first, third, fourth), axis=1)))
    uv = np.column_stack((np.tile(angles / (2 * np.pi), 2), np.repeat((0.0, 1.0), sides + 1)))
    return Part(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        uv.astype(np.float32),
        material,
    )


def joined(parts: Iterable[Part]) -> Part:
    """Parts of one material as a single part; the first one's material is taken."""
    listed = list(parts)
    starts = np.cumsum([0, *(len(part.vertices) for part in listed[:-1])])
    return Part(
        np.concatenate([part.vertices for part in listed]),
        np.concatenate([part.faces + start for part, start in zip(listed, starts, strict=True)]).astype(np.int32),
        np.concatenate([part.normals for part in listed]),
        np.concatenate([part.uv for part in listed]),
        listed[0].material,
    )


def rectangle(low: ArrayLike, high: ArrayLike) -> Float:
    """(4, 2): the corners of a rectangle from its lowest and highest x, y, counter-clockwise."""
    (x0, y0), (x1, y1) = np.asarray(low, np.float64)[:2], np.asarray(high, np.float64)[:2]
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def circle(center: ArrayLike, radius: float, sides: int = 40) -> Float:
    """(sides, 2): a circle's polygon, counter-clockwise."""
    angles = np.arange(sides) * (2 * np.pi / sides)
    return np.asarray(center, np.float64) + radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)


def _part(vertices: Float, normals: Float, uv: Float, material: Material) -> Part:
    """Quads: four vertices each, counter-clockwise."""
    first = np.arange(0, len(vertices), 4)[:, None]
    faces = np.concatenate((first + np.array((0, 1, 2)), first + np.array((0, 2, 3))))
    return Part(
        vertices.astype(np.float32),
        faces.astype(np.int32),
        normals.astype(np.float32),
        uv.astype(np.float32),
        material,
    )
