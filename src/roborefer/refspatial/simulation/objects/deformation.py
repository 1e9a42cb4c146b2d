"""Shapes between the drawn ones: things stretched, tapered and bulged, so that few drawings make many shapes.

A model that sees two mugs learns two mugs. Training's shapes are varied along the ways in which everyday things of one
kind differ most: proportions, how much narrower one end is, how full the middle is. Shapes kept for the benchmark are
taken as they are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.simulation.mesh import Cavity
from roborefer.refspatial.simulation.objects.outlines import Floats
from roborefer.refspatial.simulation.objects.shapes import Mesh

# Natural logarithms of the largest stretch, upright and along one side of the floor plan.
_UPRIGHT = 0.28
_SIDEWAYS = 0.2
# Of things that roll: a ball stays a ball.
_ROLLING_SHARE = 0.5
_TAPER = 0.16
_BULGE = 0.12
# A face cannot bend: how far a bulge may part it from a detail that sits on it, as a share of the thing's half width.
_CHORD_ERROR = 0.01
# Height over width up to which a thing is flat.
_FLAT = 0.6
# Some things stay as they are drawn.
_AS_DRAWN = 0.15


@dataclass(frozen=True, eq=False)
class Deformation:
    """Stretches about the middle of a bounding box, and widens or narrows what is at a height.

    A point at a share ``t`` of the height, -1 at the base and 1 at the top, keeps its height times ``stretch[2]``; its
    distance from the middle axis is multiplied by ``stretch[:2]`` and by ``1 + taper t + bulge (1 - t^2)``.

    Attributes:
        low, high: The bounding box before, metres.
        stretch: Factors along x, y and z.
        taper: Positive where the top gets wider.
        bulge: Positive where the middle gets wider.
    """

    low: Floats
    high: Floats
    stretch: tuple[float, float, float]
    taper: float
    bulge: float

    def mesh(self, mesh: Mesh) -> Mesh:
        """The deformed mesh; its normals go with the surface."""
        relative = mesh.vertices - self._middle
        width, slope = self._width(mesh.vertices[:, 2])
        factors = np.stack([width, width, np.ones_like(width)], axis=1)
        # For a normal n: the transposed inverse of the Jacobian, whose third column holds the widening with height.
        across = mesh.normals[:, :2] / width[:, None]
        upright = mesh.normals[:, 2] - slope * (relative[:, :2] * across).sum(axis=1)
        normals = np.column_stack([across, upright]) / self.stretch
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(relative * factors * self.stretch + self._middle, mesh.faces, normals, mesh.uv)

    def polygon(self, polygon: NDArray[np.float64], *heights: float) -> NDArray[np.float64]:
        """A convex outline (K, 2) that stays within all those at these heights, metres before the deformation."""
        widths = self._width(np.array(heights))[0]
        narrowest, widest = float(widths.min()), float(widths.max())
        outline = polygon - self._middle[:2]
        center = outline.mean(axis=0)
        # An outline far from the middle moves as it widens: a ball as large as that movement must fit into what is
        # taken off.
        aside = float(np.linalg.norm(center)) * (widest - narrowest) / 2
        share = narrowest - aside / _inner_radius(outline, center)
        moved: Floats = center * (narrowest + widest) / 2 + (outline - center) * share
        return moved * self.stretch[:2] + self._middle[:2]

    def cavity(self, cavity: Cavity) -> Cavity:
        """The room inside, as far as it is free at all its heights."""
        top = cavity.floor + cavity.depth
        polygon = self.polygon(cavity.polygon, *np.linspace(cavity.floor, top, 9))
        floor = float((cavity.floor - self._middle[2]) * self.stretch[2] + self._middle[2])
        return Cavity(floor, polygon, cavity.depth * self.stretch[2])

    def direction(self, direction: tuple[float, float, float]) -> tuple[float, float, float]:
        """A unit vector, stretched with the thing."""
        stretched = np.array(direction) * self.stretch
        stretched /= np.linalg.norm(stretched)
        return (float(stretched[0]), float(stretched[1]), float(stretched[2]))

    @property
    def _middle(self) -> Floats:
        return (self.low + self.high) / 2

    def _width(self, heights: Floats) -> tuple[Floats, Floats]:
        """The factor across at some heights, and how it changes with height, 1 / metre."""
        half = (self.high[2] - self.low[2]) / 2
        share = (heights - self._middle[2]) / half
        return 1 + self.taper * share + self.bulge * (1 - share**2), (self.taper - 2 * self.bulge * share) / half


def sample_deformation(
    generator: np.random.Generator, meshes: Sequence[Mesh], *, rolls: bool = False
) -> Deformation | None:
    """How one thing differs from its drawing, or None where it doesn't.

    Args:
        generator: The same state gives the same deformation.
        meshes: The drawing.
        rolls: Whether it lies or rolls on its own; such things keep most of their shape.
    """
    random = generator.uniform(-1, 1, size=5)
    if generator.random() < _AS_DRAWN:
        return None
    low, high = bounds(meshes)
    slenderness = min(1.0, float((high[2] - low[2]) / (high - low)[:2].min()))
    tallest = max(float(np.ptp(mesh.vertices[mesh.faces][..., 2], axis=1).max()) for mesh in meshes)
    bulge = min(_BULGE, _CHORD_ERROR / (tallest / (high[2] - low[2])) ** 2)
    # What is flat gets no flatter, or its sides, which often bear its colour, would be lost.
    upright = abs(random[2]) if slenderness < _FLAT else random[2]
    share = _ROLLING_SHARE if rolls else 1.0
    x, y, z = np.exp(share * np.array([_SIDEWAYS * random[0], _SIDEWAYS * random[1], _UPRIGHT * upright]))
    return Deformation(
        low,
        high,
        stretch=(float(x), float(y), float(z)),
        # Of the height: the sides of flat things would turn to ramps.
        taper=float(share * slenderness * _TAPER * random[3]),
        bulge=float(share * slenderness * bulge * random[4]),
    )


def bounds(meshes: Sequence[Mesh]) -> tuple[Floats, Floats]:
    """The lowest and highest (x, y, z) over all meshes, metres."""
    low = np.min([mesh.vertices.min(axis=0) for mesh in meshes], axis=0)
    high = np.max([mesh.vertices.max(axis=0) for mesh in meshes], axis=0)
    return low, high


def _inner_radius(polygon: Floats, center: Floats) -> float:
    """How far a point inside a convex outline (K, 2) is from its nearest edge."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    lengths = np.linalg.norm(edges, axis=1)
    edges, corners = edges[lengths > 0], polygon[lengths > 0]
    across = edges[:, 0] * (center - corners)[:, 1] - edges[:, 1] * (center - corners)[:, 0]
    return float(np.abs(across / lengths[lengths > 0]).min())
