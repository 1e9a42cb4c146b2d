"""A scene in the memory of the OpenGL driver: one vertex buffer, one index buffer, prints and materials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.refspatial.simulation.renderer import RenderItem
from roborefer.refspatial.simulation.shaders import LARGE_PRINTS

if TYPE_CHECKING:
    import moderngl

_FLOATS = 9  # position 3, normal 3, uv 2, part 1


@dataclass(frozen=True, eq=False)
class PackedScene:
    """The arrays of a scene, all in the world frame, with the parts in the order in which they are drawn.

    Opaque parts come first, then glass; of both, parts that cast a shadow come before others. Among them objects come
    before furniture and small furniture before large, so that what is hidden is mostly drawn late and not shaded.

    Attributes:
        vertices: (V, 9) float32: position, normal, uv, part number.
        indices: (3 F,) int32.
        items: In drawing order; a part number is an index into it.
        starts: (items + 1,) where each part's indices begin, and their end.
        vertex_starts: The same for vertices.
        opaque_casters, opaque: How many parts from the start are so.
        glass_casters: How many parts after the opaque ones are glass that casts a shadow.
        materials: (items, 2, 4) float32: colour and print layer; roughness, metallic.
        prints, large_prints: (layers, side, side, 4) uint8.
        bounds: Lowest and highest (x, y, z), world.
    """

    vertices: NDArray[np.float32]
    indices: NDArray[np.int32]
    items: tuple[RenderItem, ...]
    starts: NDArray[np.int64]
    vertex_starts: NDArray[np.int64]
    opaque_casters: int
    opaque: int
    glass_casters: int
    materials: NDArray[np.float32]
    prints: NDArray[np.uint8]
    large_prints: NDArray[np.uint8]
    bounds: tuple[NDArray[np.float32], NDArray[np.float32]]

    @property
    def casters(self) -> NDArray[np.bool_]:
        """(V,) whether a vertex belongs to a part that casts a shadow."""
        flags = np.array([item.casts_shadow for item in self.items])
        return np.repeat(flags, np.diff(self.vertex_starts))

    @property
    def bounds_corners(self) -> NDArray[np.float64]:
        """(8, 3) corners of the box around everything, world."""
        low, high = self.bounds
        return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])

    def center(self, number: int) -> NDArray[np.float64]:
        """(3,) middle of a part's box, world."""
        points = self.vertices[self.vertex_starts[number] : self.vertex_starts[number + 1], :3]
        return np.asarray((points.min(axis=0) + points.max(axis=0)) / 2, np.float64)

    def ranges(self, instance: int) -> list[tuple[int, int]]:
        """(first index, number of indices) of the instance's parts, neighbours merged."""
        merged: list[tuple[int, int]] = []
        for number, item in enumerate(self.items):
            if item.instance != instance:
                continue
            first, end = int(self.starts[number]), int(self.starts[number + 1])
            if merged and sum(merged[-1]) == first:
                merged[-1] = (merged[-1][0], end - merged[-1][0])
            else:
                merged.append((first, end - first))
        return merged


def pack_scene(items: Sequence[RenderItem], print_side: int, large_print_side: int) -> PackedScene:
    """Brings all parts into the world and into drawing order, and their prints to two common sizes.

    Args:
        items: What is in the scene.
        print_side: Side of the prints' common size, pixels.
        large_print_side: Side for prints that are larger than 1.5 times ``print_side``.
    """
    ordered = sorted(items, key=_drawing_order)
    vertex_starts = np.concatenate(([0], np.cumsum([len(item.part.vertices) for item in ordered])))
    starts = np.concatenate(([0], np.cumsum([item.part.faces.size for item in ordered])))
    vertices = np.empty((int(vertex_starts[-1]), _FLOATS), np.float32)
    indices = np.empty(int(starts[-1]), np.int32)
    for number, item in enumerate(ordered):
        rows = vertices[vertex_starts[number] : vertex_starts[number + 1]]
        rotation = item.world_from_part[:3, :3].T.astype(np.float32)
        rows[:, 0:3] = item.part.vertices @ rotation + item.world_from_part[:3, 3].astype(np.float32)
        rows[:, 3:6] = item.part.normals @ rotation
        rows[:, 6:8] = item.part.uv
        rows[:, 8] = number
        indices[starts[number] : starts[number + 1]] = item.part.faces.reshape(-1) + int(vertex_starts[number])
    materials, prints, large_prints = _pack_materials(ordered, print_side, large_print_side)
    opaque = [item for item in ordered if not item.part.material.transparent]
    return PackedScene(
        vertices=vertices,
        indices=indices,
        items=tuple(ordered),
        starts=starts,
        vertex_starts=vertex_starts,
        opaque_casters=sum(item.casts_shadow for item in opaque),
        opaque=len(opaque),
        glass_casters=sum(item.casts_shadow for item in ordered[len(opaque) :]),
        materials=materials,
        prints=prints,
        large_prints=large_prints,
        bounds=(vertices[:, :3].min(axis=0), vertices[:, :3].max(axis=0)),
    )


class UploadedScene:
    """A packed scene on the driver's side. Release it when the next scene comes."""

    def __init__(self, context: moderngl.Context, packed: PackedScene, programs: dict[str, moderngl.Program]) -> None:
        self.packed = packed
        self._vertices = context.buffer(packed.vertices)
        self._indices = context.buffer(packed.indices)
        self.prints = _texture_array(context, packed.prints)
        self.large_prints = _texture_array(context, packed.large_prints)
        self.materials = context.texture((2, len(packed.items)), 4, packed.materials, dtype="f4")
        self.arrays = {name: self._vertex_array(context, program) for name, program in programs.items()}

    def draw(self, name: str, first_part: int, end_part: int) -> None:
        """Draws a run of parts with the program of this name."""
        first, end = int(self.packed.starts[first_part]), int(self.packed.starts[end_part])
        if end > first:
            self.arrays[name].render(vertices=end - first, first=first)

    def release(self) -> None:
        """Gives the driver's memory back."""
        for array in self.arrays.values():
            array.release()
        for resource in (self._vertices, self._indices, self.prints, self.large_prints, self.materials):
            resource.release()

    def _vertex_array(self, context: moderngl.Context, program: moderngl.Program) -> moderngl.VertexArray:
        fields = (("position", 3), ("normal", 3), ("uv", 2), ("part", 1))
        used = [name for name, _ in fields if name in program]
        layout = " ".join(f"{width}f" if name in used else f"{4 * width}x" for name, width in fields)
        return context.vertex_array(program, [(self._vertices, layout, *used)], self._indices)


def _drawing_order(item: RenderItem) -> tuple[bool, bool, bool, int, float]:
    size = float(np.ptp(item.part.vertices, axis=0).max()) if item.instance == 0 else 0.0
    return (item.part.material.transparent, not item.casts_shadow, item.instance == 0, item.instance, size)


def _pack_materials(
    items: Sequence[RenderItem], print_side: int, large_print_side: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    layers: dict[int, float] = {}
    small: list[NDArray[np.uint8]] = []
    large: list[NDArray[np.uint8]] = []
    table = np.zeros((len(items), 2, 4), np.float32)
    for row, item in zip(table, items, strict=True):
        material = item.part.material
        layer = -1.0
        if material.texture is not None:
            key = id(material.texture)  # one print may serve many parts
            if key not in layers:
                is_large = max(material.texture.shape[:2]) > 1.5 * print_side
                pile, side, first = (large, large_print_side, LARGE_PRINTS) if is_large else (small, print_side, 0)
                layers[key] = float(first + len(pile))
                pile.append(_resized(material.texture, side))
            layer = layers[key]
        row[0] = (*material.color, layer)
        row[1, :2] = (material.roughness, material.metallic)
    return table, _stacked(small), _stacked(large)


def _resized(print_: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    image = Image.fromarray(print_).convert("RGBA")  # four bytes a pixel: the driver copies it as it is
    if image.size != (side, side):
        image = image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image)


def _stacked(layers: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.stack(layers) if layers else np.zeros((1, 1, 1, 4), np.uint8)


def _texture_array(context: moderngl.Context, layers: NDArray[np.uint8]) -> moderngl.TextureArray:
    count, height, width, _ = layers.shape
    array = context.texture_array((width, height, count), 4, layers)
    array.build_mipmaps()
    array.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
    # No anisotropic filter: llvmpipe's does not end where the print's coordinates degenerate (Mesa 22.3).
    return array
