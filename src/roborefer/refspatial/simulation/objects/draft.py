"""From a drawing to a finished object: what is asked of a family, what it hands over, how that is set down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.simulation.mesh import Cavity, Material, Part, SimulatedObject
from roborefer.refspatial.simulation.objects.colors import VIVID, Rgb, sample_color
from roborefer.refspatial.simulation.objects.deformation import bounds, sample_deformation
from roborefer.refspatial.simulation.objects.outlines import signed_area
from roborefer.refspatial.simulation.objects.shapes import Axis, Mesh, join

_Option = TypeVar("_Option")
FRONT = {"front": (0.0, -1.0, 0.0)}


@dataclass(frozen=True)
class Order:
    """What one object should be.

    Attributes:
        generator: Decides everything that is left open.
        variant: One of the category's shapes.
        color: One of the category's colours, None where it has no single one.
    """

    generator: np.random.Generator
    variant: str
    color: str | None

    def uniform(self, low: float, high: float) -> float:
        return float(self.generator.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """``low`` to ``high``, both included."""
        return int(self.generator.integers(low, high + 1))

    def pick(self, options: Sequence[_Option]) -> _Option:
        return options[int(self.generator.integers(len(options)))]

    def chance(self, share: float) -> bool:
        return bool(self.generator.random() < share)

    def accent(self) -> Rgb:
        """A second colour for prints: white, or something vivid on white."""
        return self.paint("white" if self.color != "white" else self.pick(VIVID))

    def paint(self, name: str | None = None) -> Rgb:
        """A linear RGB shade of ``name``, or of the order's own colour."""
        return sample_color(name or self.color or "gray", self.generator)


@dataclass(eq=False)
class Draft:
    """A drawn object in any position and of usual size, metres; :func:`finish` varies it and sets it down.

    Attributes:
        color: What a viewer would call it, None where there is no single colour.
        pieces: Meshes with their materials.
        top: (K, 2) outline of a flat top that is as high as the object.
    """

    color: str | None
    material: str | None = None
    attributes: tuple[str, ...] = ()
    directions: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    top: NDArray[np.float64] | None = None
    cavity: Cavity | None = None
    rolls: bool = False
    pieces: list[tuple[Mesh, Material]] = field(default_factory=list)

    def add(self, material: Material, *meshes: Mesh) -> None:
        self.pieces += [(mesh, material) for mesh in meshes]

    def turn(self, axis: Axis, degrees: float) -> None:
        """Turns all pieces about an axis through the origin: lays a thing down. Not for one with a top or cavity."""
        self.pieces = [(mesh.turned(axis, degrees), material) for mesh, material in self.pieces]


@dataclass(frozen=True)
class Category:
    """A kind of everyday thing.

    Attributes:
        name, plural: Nouns.
        size: Smallest and largest extent along its longest side, metres.
        colors: What it comes in; empty where it has no single colour.
        variants: Shapes that training sees.
        held_out: Shapes kept for the benchmark.
        build: Draws one.
        family: What it belongs to: "fruit", "toys", ...
        places: Kinds of surface (``scene_graph.SurfaceKind``) on which it is met.
        confusable: Other categories that a viewer might call by the same name; best not in one scene.
    """

    name: str
    plural: str
    size: tuple[float, float]
    colors: tuple[str, ...]
    variants: tuple[str, ...]
    held_out: tuple[str, ...]
    build: Callable[[Order], Draft]
    family: str
    places: tuple[str, ...]
    confusable: tuple[str, ...] = ()


def cavity(floor: float, outline: ArrayLike, depth: float) -> Cavity:
    """A cavity whose outline is made counter-clockwise."""
    polygon = np.asarray(outline, np.float64)
    return Cavity(floor, polygon if signed_area(polygon) > 0 else polygon[::-1], depth)


def finish(draft: Draft, category: Category, order: Order) -> SimulatedObject:
    """Deforms a draft of a shape that training sees, scales it by up to 30 % within its range, and sets it down.

    Pieces of one material become one part. The footprint's bounding box is centred on the origin, the base is at 0.
    """
    if order.variant not in category.held_out:
        _deform(draft, order.generator)
    low, high = bounds([mesh for mesh, _ in draft.pieces])
    nominal = float((high - low).max())
    factor = _length(nominal, category.size, order) / nominal
    offset = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    groups: dict[int, tuple[Material, list[Mesh]]] = {}
    for mesh, material in draft.pieces:
        groups.setdefault(id(material), (material, []))[1].append(mesh)
    room = draft.cavity
    return SimulatedObject(
        category=category.name,
        parts=tuple(_part(join(meshes), material, offset, factor) for material, meshes in groups.values()),
        color=draft.color,
        material=draft.material,
        attributes=draft.attributes,
        directions=dict(draft.directions),
        stackable_top=None if draft.top is None else (draft.top - offset[:2]) * factor,
        cavity=None
        if room is None
        else Cavity((room.floor - offset[2]) * factor, (room.polygon - offset[:2]) * factor, room.depth * factor),
        rolls=draft.rolls,
        shape_key=f"{category.name}/{order.variant}",
    )


def _deform(draft: Draft, generator: np.random.Generator) -> None:
    deformation = sample_deformation(generator, [mesh for mesh, _ in draft.pieces], rolls=draft.rolls)
    if deformation is None:
        return
    draft.pieces = [(deformation.mesh(mesh), material) for mesh, material in draft.pieces]
    draft.directions = {name: deformation.direction(vector) for name, vector in draft.directions.items()}
    draft.top = None if draft.top is None else deformation.polygon(draft.top, float(deformation.high[2]))
    draft.cavity = None if draft.cavity is None else deformation.cavity(draft.cavity)


def _length(nominal: float, limits: tuple[float, float], order: Order) -> float:
    """A longest side within 30 % of the drawn one, as in the paper (section 4), and within the category's range."""
    # A hair inside the range, because vertices are stored as float32.
    lowest, highest = limits[0] * 1.000001, limits[1] * 0.999999
    near = (max(lowest, 0.7 * nominal), min(highest, 1.3 * nominal))
    return order.uniform(*(near if near[0] < near[1] else (lowest, highest)))


def _part(mesh: Mesh, material: Material, offset: NDArray[np.float64], factor: float) -> Part:
    return Part(
        vertices=((mesh.vertices - offset) * factor).astype(np.float32),
        faces=np.ascontiguousarray(mesh.faces, np.int32),
        normals=mesh.normals.astype(np.float32),
        uv=mesh.uv.astype(np.float32),
        material=material,
    )
