"""The walls of a room, and what hangs on them or stands along them: windows, doors, pictures, cupboards, books."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.simulation import furniture
from roborefer.refspatial.simulation.fixtures import Fixture, Furniture, boxes, quad
from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.room_textures import VARIANTS, room_print

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Wall:
    """One wall, with places on it given by (along, out of the wall into the room, z)."""

    axis: int  # that runs along the wall: 0 for x, 1 for y
    position: float  # of its face on the other axis
    inward: float  # +1 or -1 along the other axis
    start: float
    end: float

    def box(self, along: tuple[float, float], out: tuple[float, float], z: tuple[float, float]) -> Float:
        """(2, 3) lowest and highest corner."""
        other = sorted(self.position + self.inward * value for value in out)
        box = np.empty((2, 3))
        box[:, self.axis], box[:, 1 - self.axis], box[:, 2] = along, other, z
        return box

    def corners(self, along: tuple[float, float], out: float, z: tuple[float, float]) -> Float:
        """(4, 3) of a rectangle that faces the room, from its lower left as seen from inside."""
        # Someone who looks at the wall along -normal sees up cross normal on the right.
        rightwards = self.inward if self.axis == 1 else -self.inward
        left, right = along if rightwards > 0 else along[::-1]
        corners = np.empty((4, 3))
        corners[:, self.axis] = (left, right, right, left)
        corners[:, 1 - self.axis] = self.position + self.inward * out
        corners[:, 2] = (z[0], z[0], z[1], z[1])
        return corners

    @property
    def outward(self) -> tuple[float, float]:
        return (0.0, -self.inward) if self.axis == 0 else (-self.inward, 0.0)


def room_walls(low: Float, high: Float) -> tuple[Wall, ...]:
    """Back, left, right and front."""
    return (
        Wall(0, float(high[1]), -1.0, float(low[0]), float(high[0])),
        Wall(1, float(low[0]), 1.0, float(low[1]), float(high[1])),
        Wall(1, float(high[0]), -1.0, float(low[1]), float(high[1])),
        Wall(0, float(low[1]), 1.0, float(low[0]), float(high[0])),
    )


def decorate_walls(
    generator: np.random.Generator, walls: tuple[Wall, ...], ceiling: float, kept_free: Float
) -> tuple[list[Furniture], tuple[tuple[float, float], ...]]:
    """Things on and along the walls that fit, and the directions of the windows."""
    taken = [kept_free]
    pieces: list[Furniture] = []
    windows: list[tuple[float, float]] = []
    window_walls = generator.permutation(len(walls))[: int(generator.integers(1, 3))]
    frame = Material(soft_tint(generator, 0.75, 0.95), 0.5)
    for number, wall in enumerate(walls):
        makers = [_picture, _picture, _cupboard, _book_wall]
        chosen = [makers[int(k)] for k in generator.integers(0, len(makers), 3)]
        if number == len(walls) - 1:
            chosen.insert(0, _door)
        if number in window_walls:
            chosen.insert(0, _window)
        for make in chosen:
            piece = make(generator, wall, ceiling, frame)
            if piece is None or _overlaps(piece.obstacles, np.concatenate(taken)):
                continue
            taken.append(piece.obstacles)
            pieces.append(piece)
            if make is _window:
                windows.append(wall.outward)
    return pieces, tuple(windows)


def _overlaps(first: Float, second: Float) -> bool:
    apart = (first[:, None, 0] >= second[None, :, 1]) | (first[:, None, 1] <= second[None, :, 0])
    return not bool(apart.any(axis=2).all())


def _place(generator: np.random.Generator, wall: Wall, width: float) -> tuple[float, float] | None:
    """Where along a wall something of this width could hang."""
    room = wall.end - wall.start - 0.3 - width
    if room <= 0:
        return None
    start = wall.start + 0.15 + float(generator.random()) * room
    return (start, start + width)


def _window(generator: np.random.Generator, wall: Wall, ceiling: float, frame: Material) -> Furniture | None:
    along = _place(generator, wall, float(generator.uniform(0.9, 1.8)))
    if along is None:
        return None
    z = (float(generator.uniform(0.85, 1.5)), ceiling - float(generator.uniform(0.2, 0.35)))
    bar, middle = 0.05, (along[0] + along[1]) / 2
    bars = [
        wall.box((along[0], along[0] + bar), (0.0, 0.05), z),
        wall.box((along[1] - bar, along[1]), (0.0, 0.05), z),
        wall.box((middle - 0.02, middle + 0.02), (0.0, 0.04), z),
        wall.box(along, (0.0, 0.05), (z[1] - bar, z[1])),
        wall.box((along[0] - 0.04, along[1] + 0.04), (0.0, 0.12), (z[0] - 0.03, z[0])),
    ]
    view = quad(wall.corners(along, 0.006, z), Material((1.0, 1.0, 1.0), 0.9, 0.0, any_print(generator, "view")))
    fixtures = [Fixture(boxes(np.array(bars), frame), casts_shadow=False), Fixture(view, casts_shadow=False)]
    if generator.random() < 0.5:
        cloth = Material(soft_tint(generator, 0.45, 0.9), 0.95, 0.0, any_print(generator, "cloth"))
        wide = float(generator.uniform(0.15, 0.3))
        curtains = np.array(
            [
                wall.box((start, start + wide), (0.05, 0.09), (z[0] - 0.2, z[1] + 0.05))
                for start in (along[0] - 0.1, along[1] + 0.1 - wide)
            ]
        )
        fixtures.append(Fixture(boxes(curtains, cloth, tile=0.4), casts_shadow=False))
    hull = wall.box((along[0] - 0.1, along[1] + 0.1), (0.0, 0.12), (z[0] - 0.2, z[1] + 0.05))
    return Furniture(tuple(fixtures), (), hull[None])


def _door(generator: np.random.Generator, wall: Wall, ceiling: float, frame: Material) -> Furniture | None:
    along = _place(generator, wall, 0.95)
    if along is None:
        return None
    inner = (along[0] + 0.06, along[1] - 0.06)
    leaf = furniture.wood_material(generator) if generator.random() < 0.5 else furniture.paint_material(generator)
    posts = [
        wall.box((along[0], inner[0]), (0.0, 0.04), (0.0, 2.06)),
        wall.box((inner[1], along[1]), (0.0, 0.04), (0.0, 2.06)),
        wall.box(along, (0.0, 0.04), (2.0, 2.06)),
    ]
    knob = wall.box((inner[1] - 0.16, inner[1] - 0.05), (0.02, 0.07), (1.02, 1.04))
    fixtures = (
        Fixture(boxes(np.array(posts), frame), casts_shadow=False),
        Fixture(boxes(wall.box(inner, (0.0, 0.02), (0.0, 2.0)), leaf, tile=1.0), casts_shadow=False),
        Fixture(boxes(knob, Material((0.7, 0.68, 0.62), 0.3, 1.0)), casts_shadow=False),
    )
    return Furniture(fixtures, (), wall.box(along, (0.0, 0.07), (0.0, 2.06))[None])


def _picture(generator: np.random.Generator, wall: Wall, ceiling: float, frame: Material) -> Furniture | None:
    width, height = generator.uniform(0.3, 0.9), generator.uniform(0.3, 0.7)
    along = _place(generator, wall, float(width))
    if along is None:
        return None
    bottom = float(generator.uniform(1.05, 1.6))
    z = (bottom, min(bottom + float(height), ceiling - 0.1))
    box = wall.box(along, (0.0, 0.025), z)
    inner = (along[0] + 0.02, along[1] - 0.02)
    canvas = quad(
        wall.corners(inner, 0.026, (z[0] + 0.02, z[1] - 0.02)),
        Material((0.95, 0.95, 0.95), 0.8, 0.0, any_print(generator, "picture")),
    )
    border = furniture.wood_material(generator)
    fixtures = (Fixture(boxes(box, border, tile=0.5), casts_shadow=False), Fixture(canvas, casts_shadow=False))
    return Furniture(fixtures, (), wall.box(along, (0.0, 0.026), z)[None])


def _cupboard(generator: np.random.Generator, wall: Wall, ceiling: float, frame: Material) -> Furniture | None:
    """A sideboard or a wardrobe along a wall."""
    tall = generator.random() < 0.35
    along = _place(generator, wall, float(generator.uniform(0.8, 1.3 if tall else 1.7)))
    if along is None:
        return None
    height = float(generator.uniform(1.7, 2.1) if tall else generator.uniform(0.7, 0.9))
    body = furniture.wood_material(generator) if generator.random() < 0.6 else furniture.paint_material(generator)
    box = wall.box(along, (0.0, 0.42), (0.0, height))
    edges = np.linspace(along[0], along[1], 4 if not tall else 3)
    doors = np.array(
        [wall.box((float(a) + 0.01, float(b) - 0.01), (0.42, 0.436), (0.09, height - 0.03)) for a, b in pairwise(edges)]
    )
    return Furniture(
        (Fixture(boxes(box, body, tile=0.9)), Fixture(boxes(doors, body, tile=0.9))),
        (),
        wall.box(along, (0.0, 0.44), (0.0, height))[None],
    )


def _book_wall(generator: np.random.Generator, wall: Wall, ceiling: float, frame: Material) -> Furniture | None:
    """A full bookcase, too far away to matter: its books are painted."""
    along = _place(generator, wall, float(generator.uniform(0.7, 1.1)))
    if along is None:
        return None
    rows = int(generator.integers(3, 6))
    height = 0.36 * rows + 0.05
    body = furniture.wood_material(generator)
    spines = Material((0.9, 0.9, 0.9), 0.7, 0.0, any_print(generator, "spines"))
    fixtures = [Fixture(boxes(wall.box(along, (0.0, 0.26), (0.0, height)), body, tile=0.9))]
    frame_boxes = [
        wall.box((along[0], along[0] + 0.025), (0.26, 0.3), (0.0, height)),
        wall.box((along[1] - 0.025, along[1]), (0.26, 0.3), (0.0, height)),
        *(wall.box(along, (0.26, 0.3), (0.36 * row, 0.36 * row + 0.05)) for row in range(rows + 1)),
    ]
    fixtures.append(Fixture(boxes(np.array(frame_boxes), body, tile=0.9)))
    repeat = (along[1] - along[0]) / 0.55
    for row in range(rows):
        face = wall.corners(along, 0.265, (0.36 * row + 0.05, 0.36 * row + 0.36))
        shift = float(generator.uniform(0.4, 1.0)) * repeat
        fixtures.append(Fixture(quad(face, spines, repeats=(shift, 0.95)), casts_shadow=False))
    return Furniture(tuple(fixtures), (), wall.box(along, (0.0, 0.3), (0.0, height))[None])


def any_print(generator: np.random.Generator, kind: str) -> NDArray[np.uint8]:
    return room_print(kind, int(generator.integers(VARIANTS)))


def soft_tint(generator: np.random.Generator, low: float, high: float) -> tuple[float, float, float]:
    """A soft colour between two brightnesses."""
    level = generator.uniform(low, high)
    red, green, blue = np.clip(level * generator.uniform(0.86, 1.0, 3), 0, 1)
    return (float(red), float(green), float(blue))
