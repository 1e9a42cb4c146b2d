"""A furnished room, closed on every side: floor, ceiling, four walls with windows, a door and pictures.

The floor is z = 0 and the furniture that matters stands at the origin: a table around it, a desk, bookcase or counter
with its back to the wall y = 0, or a corner of the room at (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roborefer.refspatial.scene_graph import Surface
from roborefer.refspatial.simulation import furniture
from roborefer.refspatial.simulation.fixtures import Fixture, Furniture, boxes, quad, rectangle
from roborefer.refspatial.simulation.mesh import Material
from roborefer.refspatial.simulation.room_textures import VARIANTS, room_print
from roborefer.refspatial.simulation.walls import any_print, decorate_walls, room_walls, soft_tint

Float = NDArray[np.float64]

Setting = Literal["tabletop", "desk", "shelf", "counter", "floor"]
SETTINGS: tuple[Setting, ...] = get_args(Setting)

_WALL_COLORS = (
    (0.85, 0.84, 0.80),
    (0.88, 0.83, 0.74),
    (0.72, 0.78, 0.80),
    (0.76, 0.80, 0.72),
    (0.84, 0.74, 0.70),
    (0.66, 0.70, 0.76),
    (0.80, 0.80, 0.84),
    (0.90, 0.87, 0.80),
)
_CORNER_REACH = 1.7  # metres from the corner of a room that are filled with things


@dataclass(frozen=True, eq=False)
class Room:
    """Everything of a scene that is not an object.

    Attributes:
        fixtures: What is drawn, in the world frame.
        surfaces: Where things can stand.
        obstacles: (K, 2, 3) lowest and highest corners of boxes that hold all furniture and wall fixtures.
        low, high: (3,) the inside of the walls, floor and ceiling.
        areas: For each surface, the convex part of it that is to be filled, counter-clockwise (K, 2).
        windows: Horizontal unit directions (x, y) from inside to each window.
    """

    fixtures: tuple[Fixture, ...]
    surfaces: tuple[Surface, ...]
    obstacles: Float
    low: Float
    high: Float
    areas: tuple[Float, ...]
    windows: tuple[tuple[float, float], ...] = ()

    def is_free(self, point: ArrayLike, margin: float = 0.05) -> bool:
        """Whether a world point lies in the room's air, at least ``margin`` metres from walls and furniture."""
        at = np.asarray(point, np.float64)
        if (at < self.low + margin).any() or (at > self.high - margin).any():
            return False
        near = (at > self.obstacles[:, 0] - margin) & (at < self.obstacles[:, 1] + margin)
        return not bool(near.all(axis=1).any())


def sample_room(generator: np.random.Generator, setting: Setting) -> Room:
    """A room for a setting (paper section 4, simulated data: indoor scenes around a table; ours has five kinds).

    Args:
        generator: Source of all randomness.
        setting: What the scene is about.
    """
    low, high = _extents(generator, setting)
    main = _main_furniture(generator, setting, low, high)
    walls = room_walls(low, high)
    shell = _shell(generator, setting, low, high)
    kept_free = _kept_free(setting, main, low)
    pieces, windows = decorate_walls(generator, walls, float(high[2]), kept_free)
    surfaces, areas = list(main.surfaces), [surface.polygon for surface in main.surfaces]
    if setting == "floor":
        surfaces.insert(0, Surface("floor", "floor", rectangle(low, high), 0.0))
        areas.insert(0, _corner_area(low, high))
    everything = furniture.combined(main, *pieces)
    return Room(
        fixtures=(*shell, *everything.fixtures),
        surfaces=tuple(surfaces),
        obstacles=np.concatenate((everything.obstacles, _baseboards(low, high))),
        low=low,
        high=high,
        areas=tuple(areas),
        windows=windows,
    )


def _extents(generator: np.random.Generator, setting: Setting) -> tuple[Float, Float]:
    """Lowest and highest corner of the room's air."""
    ceiling = float(generator.uniform(2.45, 2.9))
    if setting == "tabletop":
        x0, x1, y0, y1 = generator.uniform(1.9, 3.2, 4) * (-1, 1, -1, 1)
    elif setting == "floor":
        # The corner is at the origin, with the room to its left or right and in front of it.
        width, depth = generator.uniform(3.0, 4.5, 2)
        x0, x1, y0, y1 = (0.0, width, -depth, 0.0) if generator.random() < 0.5 else (-width, 0.0, -depth, 0.0)
    else:
        x0, x1 = generator.uniform(1.6, 2.8, 2) * (-1, 1)
        y0, y1 = -generator.uniform(2.8, 4.2), 0.0
    return np.array((x0, y0, 0.0)), np.array((x1, y1, ceiling))


def _corner_area(low: Float, high: Float) -> Float:
    """The part of the floor near the corner at the origin, clear of the baseboards."""
    margin = 0.02
    x0, x1 = (margin, _CORNER_REACH) if high[0] > 0 else (-_CORNER_REACH, -margin)
    return rectangle((x0, -_CORNER_REACH), (x1, -margin))


def _main_furniture(generator: np.random.Generator, setting: Setting, low: Float, high: Float) -> Furniture:
    if setting == "tabletop":
        return furniture.table(generator)
    if setting == "desk":
        return furniture.desk(generator)
    if setting == "shelf":
        return furniture.bookcase(generator)
    if setting == "counter":
        return furniture.counter(generator)
    if generator.random() < 0.75:
        kind: furniture.LowTable = "side table" if generator.random() < 0.6 else "coffee table"
        inwards = 1.0 if high[0] > 0 else -1.0
        center = np.array((inwards * generator.uniform(0.55, 1.1), -generator.uniform(0.3, 0.8)))
        return furniture.low_table(generator, center, kind)
    return Furniture(())


def _shell(generator: np.random.Generator, setting: Setting, low: Float, high: Float) -> list[Fixture]:
    """Floor, ceiling, walls and baseboards."""
    size = high - low
    corners = rectangle(low, high)
    floor_corners = np.column_stack((corners, np.zeros(4)))
    floor, tile = _floor_material(generator, setting)
    ceiling = np.column_stack((corners[::-1], np.full(4, high[2])))
    wall = _wall_material(generator)
    wall_tile = float(generator.uniform(0.7, 1.2))
    white = Material((0.86, 0.86, 0.84), 0.9)
    parts = [
        Fixture(
            quad(floor_corners, floor, repeats=(float(size[0]) / tile, float(size[1]) / tile)),
            "floor" if setting == "floor" else None,
        ),
        Fixture(quad(ceiling, white), casts_shadow=False),
        Fixture(boxes(_baseboards(low, high), Material((0.84, 0.83, 0.80), 0.5)), casts_shadow=False),
    ]
    accent = wall if generator.random() < 0.75 else _wall_material(generator)
    for number, side in enumerate(room_walls(low, high)):
        face = side.corners((side.start, side.end), 0.0, (0.0, float(high[2])))
        repeats = ((side.end - side.start) / wall_tile, float(high[2]) / wall_tile)
        parts.append(Fixture(quad(face, accent if number == 0 else wall, repeats=repeats), casts_shadow=False))
    if setting == "tabletop" and generator.random() < 0.5:
        parts.append(_rug(generator))
    return parts


def _floor_material(generator: np.random.Generator, setting: Setting) -> tuple[Material, float]:
    """A floor and the metres that its print covers."""
    variant = int(generator.integers(VARIANTS))
    choice = generator.random()
    if setting == "counter":
        choice = 0.6 + 0.25 * choice
    if choice < 0.6:
        wood = furniture.wood_material(generator, "planks")
        return wood, float(generator.uniform(0.5, 0.9))
    if choice < 0.85:
        kind = "tiles" if choice < 0.76 else "checkered"
        color = soft_tint(generator, 0.55, 0.9)
        return Material(color, 0.35, 0.0, room_print(kind, variant)), float(generator.uniform(0.7, 1.3))
    return Material(soft_tint(generator, 0.3, 0.7), 0.95, 0.0, room_print("carpet", variant)), 0.8


def _wall_material(generator: np.random.Generator) -> Material:
    color = _WALL_COLORS[int(generator.integers(len(_WALL_COLORS)))]
    red, green, blue = np.clip(np.array(color) * generator.uniform(0.85, 1.05), 0, 1)
    kinds = ("plaster", "plaster", "plaster", "stripes", "dots", "leaves", "cloth")
    kind = kinds[int(generator.integers(len(kinds)))]
    print_ = room_print(kind, int(generator.integers(VARIANTS)))
    return Material((float(red), float(green), float(blue)), 0.95, 0.0, print_)


def _baseboards(low: Float, high: Float) -> Float:
    """(4, 2, 3): the boards along the foot of the walls."""
    return np.array([side.box((side.start, side.end), (0.0, 0.014), (0.0, 0.08)) for side in room_walls(low, high)])


def _rug(generator: np.random.Generator) -> Fixture:
    half = generator.uniform((0.9, 0.7), (1.5, 1.1))
    corners = np.column_stack((rectangle(-half, half), np.full(4, 0.006)))
    return Fixture(quad(corners, Material((0.9, 0.9, 0.9), 0.95, 0.0, any_print(generator, "rug"))))


def _kept_free(setting: Setting, main: Furniture, low: Float) -> Float:
    """(K, 2, 3) boxes that decoration must not enter: the furniture, and the air above and before it."""
    if setting == "floor":
        inwards = 1.0 if low[0] == 0 else -1.0
        x0, x1 = sorted((0.0, inwards * 2.4))
        return np.array([[[x0, -2.4, 0.0], [x1, 0.0, 0.75]]])
    lowest, highest = main.obstacles[:, 0].min(axis=0), main.obstacles[:, 1].max(axis=0)
    if setting == "tabletop":
        return np.array([[lowest - np.array((0.9, 0.9, 0.0)), highest + np.array((0.9, 0.9, 1.2))]])
    above = 0.1 if setting == "shelf" else 0.55
    beside, before = np.array((0.08, 0.0, 0.0)), np.array((0.5, 1.6, 0.0))
    return np.array([[lowest - beside, highest + beside + np.array((0.0, 0.0, above))], [lowest - before, highest]])
