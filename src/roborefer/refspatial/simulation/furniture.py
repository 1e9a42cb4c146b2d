"""Furniture that things stand on, lie under and lean against: tables, desks, bookcases, counters.

Each piece stands on the floor (z = 0), axis-aligned, and faces -y. Its tops are parts of their own, so that the
renderer can tell where a surface is seen.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.scene_graph import Surface, SurfaceKind
from roborefer.refspatial.simulation.fixtures import (
    SIDES,
    Fixture,
    Furniture,
    boxes,
    circle,
    column,
    joined,
    rectangle,
    round_top,
)
from roborefer.refspatial.simulation.mesh import Material, Part
from roborefer.refspatial.simulation.room_textures import VARIANTS, room_print

Float = NDArray[np.float64]
LowTable = Literal["side table", "coffee table"]

_FRONT = (0.0, -1.0)
_WOODS = (
    (0.62, 0.42, 0.24),
    (0.78, 0.60, 0.40),
    (0.45, 0.27, 0.14),
    (0.30, 0.17, 0.09),
    (0.85, 0.74, 0.58),
    (0.55, 0.45, 0.36),
)
_PAINTS = (
    (0.86, 0.85, 0.82),
    (0.90, 0.90, 0.90),
    (0.20, 0.22, 0.25),
    (0.36, 0.45, 0.47),
    (0.28, 0.38, 0.30),
    (0.52, 0.60, 0.66),
    (0.75, 0.68, 0.56),
)
_STONES = ((0.90, 0.89, 0.87), (0.62, 0.60, 0.58), (0.35, 0.35, 0.36), (0.80, 0.74, 0.66), (0.66, 0.70, 0.72))


def wood_material(generator: np.random.Generator, kind: str = "wood") -> Material:
    """Some wood, oiled or varnished."""
    return _printed(generator, kind, _pick(generator, _WOODS), float(generator.uniform(0.35, 0.6)))


def paint_material(generator: np.random.Generator) -> Material:
    """A plain lacquer as furniture has it."""
    return Material(_pick(generator, _PAINTS), float(generator.uniform(0.3, 0.6)))


def top_material(generator: np.random.Generator) -> Material:
    """What table tops are made of: mostly wood, sometimes stone or laminate."""
    choice = generator.random()
    if choice < 0.6:
        return wood_material(generator, "wood" if choice < 0.35 else "planks")
    if choice < 0.8:
        return stone_material(generator)
    return _printed(generator, "plaster", _pick(generator, _PAINTS), 0.4)


def stone_material(generator: np.random.Generator) -> Material:
    """Marble or granite, polished."""
    kind = "stone" if generator.random() < 0.5 else "granite"
    return _printed(generator, kind, _pick(generator, _STONES), float(generator.uniform(0.2, 0.4)))


def table(generator: np.random.Generator) -> Furniture:
    """A dining or side table in the middle of the room, rectangular or round, with its centre at the origin."""
    top = top_material(generator)
    height = float(generator.uniform(0.70, 0.77))
    thickness = float(generator.uniform(0.02, 0.04))
    if generator.random() < 0.25:
        return _round_table(generator, top, float(generator.uniform(0.40, 0.60)), height, thickness)
    width, depth = float(generator.uniform(0.9, 1.6)), float(generator.uniform(0.6, 0.95))
    frame = top if generator.random() < 0.5 else paint_material(generator)
    low, high = np.array((-width / 2, -depth / 2, height - thickness)), np.array((width / 2, depth / 2, height))
    legs = _legs(low, high, float(generator.uniform(0.04, 0.07)), float(generator.uniform(0.01, 0.05)))
    apron = _apron(low, high, 0.06, 0.07)
    return _topped("table", "table", low, high, top, frame, np.concatenate((legs, apron)), front=None)


def desk(generator: np.random.Generator, back: float = 0.0) -> Furniture:
    """A desk whose back edge lies at y = ``back``, sometimes with a raised board ("desk shelf") along it."""
    top = top_material(generator)
    frame = paint_material(generator)
    width, depth = float(generator.uniform(1.15, 1.7)), float(generator.uniform(0.60, 0.78))
    height = float(generator.uniform(0.70, 0.76))
    low, high = np.array((-width / 2, back - depth, height - 0.028)), np.array((width / 2, back, height))
    solids = [_legs(low, high, 0.045, 0.0)]
    side = float(generator.choice([-1.0, 1.0]))
    inner, outer = sorted((side * (width / 2 - 0.46), side * (width / 2 - 0.055)))
    if generator.random() < 0.6:  # a block of drawers
        solids.append(np.array([[[inner, back - depth + 0.05, 0.06], [outer, back - 0.04, low[2]]]]))
    made = _topped("desk", "desk", low, high, top, frame, np.concatenate(solids), front=_FRONT)
    if generator.random() < 0.5:
        made = combined(made, _desk_shelf(generator, frame, low, high))
    return made


def bookcase(generator: np.random.Generator, back: float = 0.0) -> Furniture:
    """An open bookcase with its back at y = ``back``; boards "shelf 1", "shelf 2", ... from the bottom."""
    wood = wood_material(generator) if generator.random() < 0.6 else paint_material(generator)
    width, depth = float(generator.uniform(0.85, 1.4)), float(generator.uniform(0.28, 0.38))
    board = float(generator.uniform(0.02, 0.028))
    count = int(generator.integers(3, 5))
    pitch = float(generator.uniform(0.36, 0.46))
    foot = float(generator.uniform(0.05, 0.3))
    left, right, front = -width / 2, width / 2, back - depth
    heights = foot + board + pitch * np.arange(count)
    roof = float(heights[-1]) + pitch - board
    uprights = np.array(
        [
            [[left, front, 0.0], [left + board, back, roof]],
            [[right - board, front, 0.0], [right, back, roof]],
            [[left + board, back - 0.008, foot], [right - board, back, roof]],
        ]
    )
    lid = np.array([[[left, front, roof], [right, back, roof + board]]])
    boards = np.array(
        [[[left + board, front, height - board], [right - board, back - 0.008, height]] for height in heights]
    )
    fixtures = [
        Fixture(
            joined(
                (
                    boxes(np.concatenate((uprights, lid)), wood, tile=0.9),
                    boxes(boards, wood, tile=0.9, grain="x", sides=SIDES[:5]),
                )
            )
        )
    ]
    surfaces = []
    for number, (low, high) in enumerate(boards, 1):
        name = f"shelf {number}"
        fixtures.append(Fixture(boxes((low, high), wood, tile=0.9, grain="x", sides=("top",)), name))
        surfaces.append(Surface(name, "shelf", rectangle(low, high), float(high[2]), front=_FRONT))
    return Furniture(tuple(fixtures), tuple(surfaces), np.concatenate((uprights, lid, boards)))


def counter(generator: np.random.Generator, back: float = 0.0) -> Furniture:
    """A kitchen counter with doors below and tiles behind; its back lies at y = ``back``."""
    top, body = stone_material(generator), paint_material(generator)
    if generator.random() < 0.4:
        top = wood_material(generator)
    width, depth = float(generator.uniform(1.5, 2.4)), float(generator.uniform(0.58, 0.66))
    height = float(generator.uniform(0.86, 0.94))
    low, high = np.array((-width / 2, back - depth, height - 0.035)), np.array((width / 2, back, height))
    carcass = np.array(
        [
            [[low[0], low[1] + 0.07, 0.0], [high[0], back, 0.1]],
            [[low[0], low[1] + 0.03, 0.1], [high[0], back, low[2]]],
        ]
    )
    made = _topped("counter", "counter", low, high, top, body, carcass, front=_FRONT)
    tile = _printed(generator, str(generator.choice(["tiles", "bricks"])), _pick(generator, _PAINTS), 0.25)
    splash = np.array([[low[0], back - 0.008, height], [high[0], back, height + 0.6]])
    splash_part = boxes(splash, tile, tile=0.45, sides=(*SIDES[:4], "top"))
    wall = Furniture((Fixture(splash_part),), (), splash[None])
    return combined(made, _doors(generator, low, high, body), wall)


def low_table(generator: np.random.Generator, center: ArrayLike, kind: LowTable) -> Furniture:
    """Something low to stand things on and to put things under.

    Args:
        generator: Source of all randomness.
        center: (2,) of its top.
        kind: Also the surface's name.
    """
    sizes = {
        "side table": ((0.40, 0.60), (0.38, 0.55), (0.42, 0.55)),
        "coffee table": ((0.80, 1.05), (0.42, 0.55), (0.38, 0.46)),
    }[kind]
    width, depth, height = (float(generator.uniform(*bounds)) for bounds in sizes)
    middle = np.asarray(center, np.float64)
    half = np.array((width / 2, depth / 2))
    low, high = np.append(middle - half, height - 0.03), np.append(middle + half, height)
    top = wood_material(generator) if generator.random() < 0.7 else paint_material(generator)
    legs = _legs(low, high, float(generator.uniform(0.03, 0.045)), 0.01)
    return _topped(kind, "table", low, high, top, top, legs, front=None)


def combined(*pieces: Furniture) -> Furniture:
    """Several pieces as one."""
    return Furniture(
        tuple(fixture for piece in pieces for fixture in piece.fixtures),
        tuple(surface for piece in pieces for surface in piece.surfaces),
        np.concatenate([piece.obstacles for piece in pieces]),
    )


def _topped(
    name: str,
    kind: SurfaceKind,
    low: Float,
    high: Float,
    top: Material,
    frame: Material,
    solids: Float,
    *,
    front: tuple[float, float] | None,
) -> Furniture:
    """A rectangular top between two corners, on a frame."""
    fixtures = (
        Fixture(boxes(solids, frame, tile=0.8)),
        Fixture(boxes((low, high), top, tile=0.8, grain="x", sides=SIDES[:5])),
        Fixture(boxes((low, high), top, tile=0.8, grain="x", sides=("top",)), name),
    )
    surface = Surface(name, kind, rectangle(low, high), float(high[2]), front=front)
    return Furniture(fixtures, (surface,), np.concatenate((solids, np.stack((low, high))[None])))


def _round_table(
    generator: np.random.Generator, top: Material, radius: float, height: float, thickness: float
) -> Furniture:
    frame = paint_material(generator) if generator.random() < 0.6 else top
    outline = circle((0.0, 0.0), radius)
    rim = column((0.0, 0.0), (radius, radius), (height - thickness, height), top, sides=len(outline))
    foot, stem = 0.55 * radius, 0.05
    stand = joined(
        (
            column((0.0, 0.0), (stem, stem), (0.03, height - thickness), frame),
            column((0.0, 0.0), (foot, stem), (0.015, 0.05), frame, sides=32),
            column((0.0, 0.0), (foot, foot), (0.0, 0.015), frame, sides=32),
        )
    )
    under = _flipped(round_top(outline, height - thickness, top))
    fixtures = (
        Fixture(stand),
        Fixture(joined((rim, under))),
        Fixture(round_top(outline, height, top, tile=0.8), "table"),
    )
    obstacles = np.array(
        [
            [[-radius, -radius, height - thickness], [radius, radius, height]],
            [[-foot, -foot, 0.0], [foot, foot, 0.05]],
            [[-stem, -stem, 0.05], [stem, stem, height - thickness]],
        ]
    )
    return Furniture(fixtures, (Surface("table", "table", outline, height),), obstacles)


def _desk_shelf(generator: np.random.Generator, material: Material, low: Float, high: Float) -> Furniture:
    """A board on two sides along the back of a desk: things stand on it and under it."""
    length = float(generator.uniform(0.45, 0.75))
    center = float(generator.uniform(low[0] + length / 2 + 0.02, high[0] - length / 2 - 0.02))
    depth, rise = float(generator.uniform(0.20, 0.26)), float(generator.uniform(0.13, 0.20))
    left, right, back, floor = center - length / 2, center + length / 2, high[1] - 0.01, float(high[2])
    board = np.array([[left, back - depth, floor + rise - 0.018], [right, back, floor + rise]])
    ends = np.array(
        [
            [[left, back - depth, floor], [left + 0.018, back, board[0, 2]]],
            [[right - 0.018, back - depth, floor], [right, back, board[0, 2]]],
        ]
    )
    return _topped("desk shelf", "shelf", board[0], board[1], material, material, ends, front=_FRONT)


def _doors(generator: np.random.Generator, low: Float, high: Float, body: Material) -> Furniture:
    """Doors with handles on the front of a counter."""
    count = int(generator.integers(3, 6))
    edges = np.linspace(low[0], high[0], count + 1)
    front = low[1] + 0.03
    doors = np.array(
        [[[a + 0.004, front - 0.018, 0.11], [b - 0.004, front, low[2] - 0.01]] for a, b in pairwise(edges)]
    )
    handle_z = low[2] - 0.07
    handles = np.array(
        [
            [[(a + b) / 2 - 0.07, front - 0.04, handle_z], [(a + b) / 2 + 0.07, front - 0.018, handle_z + 0.012]]
            for a, b in pairwise(edges)
        ]
    )
    steel = Material((0.7, 0.7, 0.72), 0.3, 1.0)
    return Furniture(
        (Fixture(boxes(doors, body)), Fixture(boxes(handles, steel))), (), np.concatenate((doors, handles))
    )


def _legs(low: Float, high: Float, thickness: float, inset: float) -> Float:
    """(4, 2, 3): square legs below the corners of a top."""
    return np.array(
        [
            [[x, y, 0.0], [x + thickness, y + thickness, low[2]]]
            for x in (low[0] + inset, high[0] - inset - thickness)
            for y in (low[1] + inset, high[1] - inset - thickness)
        ]
    )


def _apron(low: Float, high: Float, inset: float, drop: float) -> Float:
    """(4, 2, 3): the boards that join the legs under a top."""
    x0, y0, x1, y1 = low[0] + inset, low[1] + inset, high[0] - inset, high[1] - inset
    bottom, top, board = low[2] - drop, low[2], 0.02
    return np.array(
        [
            [[x0, y0, bottom], [x1, y0 + board, top]],
            [[x0, y1 - board, bottom], [x1, y1, top]],
            [[x0, y0, bottom], [x0 + board, y1, top]],
            [[x1 - board, y0, bottom], [x1, y1, top]],
        ]
    )


def _flipped(part: Part) -> Part:
    return Part(part.vertices, part.faces[:, ::-1].copy(), -part.normals, part.uv, part.material)


def _printed(
    generator: np.random.Generator, kind: str, color: tuple[float, float, float], roughness: float
) -> Material:
    return Material(color, roughness, 0.0, room_print(kind, int(generator.integers(VARIANTS))))


def _pick(generator: np.random.Generator, colors: tuple[tuple[float, float, float], ...]) -> tuple[float, float, float]:
    """One of the colours, a little lighter or darker."""
    red, green, blue = np.array(colors[int(generator.integers(len(colors)))]) * generator.uniform(0.88, 1.08)
    return (min(float(red), 1.0), min(float(green), 1.0), min(float(blue), 1.0))
