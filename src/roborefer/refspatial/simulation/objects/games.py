"""Balls, dice and puzzle cubes: simple bodies that are known by what is on them."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.objects import materials, prints
from roborefer.refspatial.simulation.objects.colors import Rgb, to_srgb8
from roborefer.refspatial.simulation.objects.draft import Draft, Order
from roborefer.refspatial.simulation.objects.outlines import Floats, rectangle
from roborefer.refspatial.simulation.objects.shapes import SIDES, Mesh, box_sides, ellipsoid, rounded_box

_GOLDEN = (1 + 5**0.5) / 2
_OCTAHEDRON = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
_ICOSAHEDRON = [
    corner for a in (-1.0, 1.0) for b in (-_GOLDEN, _GOLDEN) for corner in ((0.0, a, b), (a, b, 0.0), (b, 0.0, a))
]
_DARK_CUBE: Rgb = (0.012, 0.012, 0.014)


def build_ball(order: Order) -> Draft:
    color = order.paint()
    draft = Draft(order.color, rolls=True)
    pale = order.accent()
    if order.variant == "striped":
        draft.attributes = ("striped",)
        material = materials.plastic(color, 0.3, prints.striped(color, pale, 6, upright=True, share=0.42))
    elif order.variant == "dotted":
        draft.attributes = ("dotted",)
        material = materials.plastic(color, 0.3, prints.dotted(color, pale, 12, 7))
    elif order.variant == "banded":
        draft.attributes = ("striped",)
        material = materials.plastic(color, 0.3, prints.striped(color, pale, 3, share=0.3))
    elif order.variant in ("football", "basketball", "tennis", "oval"):
        ink = materials.DARK
        if order.color == "black" or order.variant in ("tennis", "oval"):
            ink = pale
        palette = np.array([to_srgb8(color), to_srgb8(ink)], np.uint8)
        material = materials.plastic(color, 0.4, palette[_sewn(order.variant)])
    else:
        material = materials.rubber(color)
    if order.variant == "oval":
        draft.attributes = ("oval",)
        draft.add(material, ellipsoid(0.05, 0.05, 0.08, segments=28, rings=17).turned("y", 90))
    else:
        draft.add(material, ellipsoid(0.05, 0.05, 0.05, segments=28, rings=17))
    if order.variant == "knobbly":
        draft.attributes = ("knobbly",)
        knob = ellipsoid(0.008, 0.008, 0.008, segments=8, rings=5)
        draft.add(material, *(knob.moved(*place) for place in 0.048 * _spread(40)))
    draft.turn("x", order.uniform(-35, 35))
    return draft


def _spread(count: int) -> Floats:
    """Unit vectors (count, 3) evenly over the sphere, along a spiral."""
    z = 1 - (2 * np.arange(count) + 1) / count
    angles = 2 * np.pi * np.arange(count) / _GOLDEN
    return np.stack([np.sqrt(1 - z**2) * np.cos(angles), np.sqrt(1 - z**2) * np.sin(angles), z], axis=1)


@lru_cache(maxsize=4)
def _sewn(kind: str) -> NDArray[np.intp]:
    """Where a ball's print is inked (1): seams between its panels, a football's pentagons, an oval ball's bands."""
    v, u = np.mgrid[: prints.SIZE, : prints.SIZE] / prints.SIZE
    # The same mapping as an ellipsoid's uv; an image's first row is v = 1.
    polar, around = np.pi * v, 2 * np.pi * u + np.pi / 2
    x, y, z = np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)
    if kind == "basketball":
        inked = np.minimum(np.minimum(abs(x), abs(z)), abs(abs(y) - 0.7)) < 0.025
    elif kind == "tennis":
        inked = abs(z - 0.9 * (x**2 - y**2)) < 0.07
    elif kind == "oval":
        inked = abs(abs(z) - 0.72) < 0.09
    else:
        rays = np.stack([x, y, z], axis=2)
        pentagons = np.array(_ICOSAHEDRON) / np.linalg.norm(_ICOSAHEDRON[0])
        hexagons = np.array([pentagons[list(face)].mean(axis=0) for face in _triangles(pentagons)])
        hexagons /= np.linalg.norm(hexagons[0])
        # The panel under a point is the one whose plane is met first; planes lie 2.327 and 2.267 edges off the middle.
        nearness = np.concatenate([rays @ pentagons.T / 2.327, rays @ hexagons.T / 2.267], axis=2)
        first, second = np.moveaxis(np.sort(nearness, axis=2)[..., :-3:-1], 2, 0)
        inked = (nearness.argmax(axis=2) < 12) | (first - second < 0.008)
    return np.asarray(inked, np.intp)


def _triangles(corners: Floats) -> list[tuple[int, ...]]:
    """The faces of a regular body of triangles: all corners that are as near to each other as any."""
    gaps = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    edge = gaps[gaps > 0].min() * 1.001
    return [
        face
        for face in combinations(range(len(corners)), 3)
        if all(gaps[pair] < edge for pair in combinations(face, 2))
    ]


def build_puzzle_cube(order: Order) -> Draft:
    draft = Draft(None)
    names = ("white", "red", "blue", "orange", "green", "yellow")
    cells = order.pick((True, False))
    side_length = 0.057
    frame = _DARK_CUBE
    colors = [order.paint(name) for name in names]
    draft.attributes = ("scrambled",) if cells else ("solved",)
    draft.top = rectangle(0.92 * side_length, 0.92 * side_length)
    if order.variant in ("pocket", "stickerless", "four by four"):
        count = {"pocket": 2, "stickerless": 3}.get(order.variant, 4)
        _add_small_cubes(draft, order, colors, cells, count, side_length)
        return draft
    for index, (_, mesh) in enumerate(box_sides((side_length,) * 3, 0.003).items()):
        picks = order.generator.integers(0, 6, 9) if cells else np.full(9, index)
        texture = prints.tiles([colors[int(pick)] for pick in picks], frame)
        draft.add(Material(materials.WHITE, 0.25, 0.0, texture), mesh)
    if order.variant == "twisted":
        # The upper layer is turned a little.
        upper = [(mesh, material) for mesh, material in draft.pieces]
        draft.pieces = [(mesh.scaled(1, 1, 0.66), material) for mesh, material in upper]
        draft.pieces += [
            (mesh.scaled(1, 1, 0.33).turned("z", 30).moved(z=0.665 * side_length), material) for mesh, material in upper
        ]
        draft.top = rectangle(0.6 * side_length, 0.6 * side_length)
    return draft


def _add_small_cubes(
    draft: Draft, order: Order, colors: list[Rgb], mixed: bool, count: int, side_length: float
) -> None:
    """The outward sides of ``count`` cubes along each edge, coloured all over, with grooves between them."""
    plastics = [materials.plastic(color, 0.25) for color in colors]
    cell = side_length / count
    # Grooves are shallow: what stands on the cube stands on all of its top.
    core = side_length - 0.0009
    draft.add(Material(_DARK_CUBE, 0.3), rounded_box((core, core, core)).moved(z=0.00045))
    sides = box_sides((cell, cell, cell), 0.0022 if count < 4 else 0.0016)
    places = (np.arange(count) - (count - 1) / 2) * cell
    for index, (side, mesh) in enumerate(sides.items()):
        axis = {"left": 0, "right": 0, "front": 1, "back": 1}.get(side, 2)
        end = places[0] if side in ("left", "front", "bottom") else places[-1]
        for first in places:
            for second in places:
                x, y, z = np.insert((first, second), axis, end)
                pick = order.integer(0, 5) if mixed else index
                draft.add(plastics[pick], mesh.moved(x, y, z - places[0]))


def build_die(order: Order) -> Draft:
    draft = Draft(order.color)
    color = order.paint()
    ink: Rgb = (0.9, 0.9, 0.88) if order.color != "white" else (0.015, 0.015, 0.018)
    if order.variant in ("eight-sided", "twenty-sided"):
        corners = np.array(_OCTAHEDRON if order.variant == "eight-sided" else _ICOSAHEDRON, np.float64)
        mesh, count = _numbered(corners)
        draft.attributes = (order.variant,)
        draft.add(Material(materials.WHITE, 0.2, 0.0, _numbers(color, ink, count)), mesh)
        return draft
    radius = {"rounded": 0.003, "sharp": 0.0008, "pillow": 0.006}[order.variant]
    for side, mesh in box_sides((0.02, 0.02, 0.02), radius, steps=2).items():
        count = (2, 5, 3, 4, 1, 6)[SIDES.index(side)]
        draft.add(Material(materials.WHITE, 0.2, 0.0, prints.pips(color, ink, count)), mesh)
    return draft


def _numbered(corners: Floats) -> tuple[Mesh, int]:
    """A regular body of triangles that lies on one of them, each with its cell of :func:`_numbers`; their count."""
    corners = corners * (0.013 / np.linalg.norm(corners[0]))
    faces = [list(face) for face in _triangles(corners)]
    normals = np.array([corners[face].mean(axis=0) for face in faces])
    normals /= np.linalg.norm(normals[0])
    upright = _upright(normals[0], corners[faces[0][0]])
    cells = _grid(len(faces))
    vertices, shading, uv = [], [], []
    for number, (face, normal) in enumerate(zip(faces, normals, strict=True)):
        a, b, c = corners[face]
        ordered = (a, b, c) if np.cross(b - a, c - a) @ normal > 0 else (a, c, b)
        column, row = number % cells, number // cells
        angles = np.radians((90, 210, 330))
        uv.append((np.stack([np.cos(angles), np.sin(angles)], 1) * 0.49 + (column + 0.5, row + 0.5)) / cells)
        vertices.append(np.array(ordered) @ upright.T)
        shading.append(np.tile(normal @ upright.T, (3, 1)))
    triangles = np.arange(3 * len(faces), dtype=np.int32).reshape(-1, 3)
    return Mesh(np.concatenate(vertices), triangles, np.concatenate(shading), np.concatenate(uv)), len(faces)


def _upright(normal: Floats, corner: Floats) -> Floats:
    """The (3, 3) rotation that turns a face's normal up and one of its corners to the back."""
    back = corner - normal * (corner @ normal)
    back /= np.linalg.norm(back)
    return np.stack([np.cross(back, normal), back, normal])


def _grid(count: int) -> int:
    """Cells along a side of a square with room for so many."""
    return int(np.ceil(np.sqrt(count)))


def _numbers(base: Rgb, ink: Rgb, count: int) -> NDArray[np.uint8]:
    """The numbers from ``count`` down, row by row from the lower left."""
    cells = _grid(count)
    cell = prints.SIZE / cells
    picture = Image.new("RGB", (prints.SIZE, prints.SIZE), to_srgb8(base))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=0.36 * cell)
    for index in range(count):
        middle = ((index % cells + 0.5) * cell, prints.SIZE - (index // cells + 0.5) * cell)
        draw.text(middle, str(count - index), font=font, fill=to_srgb8(ink), anchor="mm")
    return np.asarray(picture)
