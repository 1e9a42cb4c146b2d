"""Prints for rooms and furniture, painted from noise: wood, stone, tiles, cloth, wallpaper, pictures, a view outside.

Most are nearly white, so that a material's colour tints them; all but pictures, views and book spines repeat without
a seam. A print depends on its kind and variant alone and is painted once a process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 256
"""Pixels along each side of a print."""

VARIANTS = 4
"""How many prints there are of each kind."""

Float = NDArray[np.float64]
Print = NDArray[np.uint8]


@cache
def room_print(kind: str, variant: int) -> Print:
    """A print by kind and variant, painted once.

    Args:
        kind: One of :data:`KINDS`.
        variant: 0 to :data:`VARIANTS` - 1.

    Returns:
        (SIDE, SIDE, 3) uint8 sRGB, read-only.
    """
    number = list(_PAINTERS).index(kind)
    painted = _PAINTERS[kind](np.random.default_rng([number, variant]))
    painted.setflags(write=False)
    return painted


def _noise(generator: np.random.Generator, across: int, down: int | None = None, octaves: int = 4) -> Float:
    """(SIDE, SIDE) in 0-1: smooth noise that repeats, with this many bumps across and down."""
    total = np.zeros((SIDE, SIDE))
    columns, rows = across, across if down is None else down
    for octave in range(octaves):
        coarse = generator.random((min(rows, SIDE), min(columns, SIDE))).astype(np.float32)
        # A rim of a quarter of the repeated grid keeps the resized middle seamless.
        wrapped = Image.fromarray(np.tile(coarse, (3, 3)))
        large = np.asarray(wrapped.resize((3 * SIDE, 3 * SIDE), Image.Resampling.BICUBIC), np.float64)
        total += large[SIDE : 2 * SIDE, SIDE : 2 * SIDE] * 0.5**octave
        columns, rows = columns * 2, rows * 2
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / (high - low))


def _gray(values: Float) -> Print:
    return np.repeat(_bytes(values)[..., None], 3, axis=2)


def _bytes(values: Float) -> Print:
    return np.asarray(np.clip(np.rint(values * 255), 0, 255), np.uint8)


def _mix(first: tuple[float, float, float], second: tuple[float, float, float], share: Float) -> Print:
    return _bytes(np.array(first) * (1 - share[..., None]) + np.array(second) * share[..., None])


def _grid() -> tuple[Float, Float]:
    """Row and column, 0-1, of every pixel's centre."""
    steps = (np.arange(SIDE) + 0.5) / SIDE
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    return rows, columns


def _grain(generator: np.random.Generator) -> Float:
    """Wood that runs along the columns, 0-1."""
    bend = _noise(generator, 3, 1, 3)
    _, columns = _grid()
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (generator.integers(4, 8) * columns + 0.9 * bend))
    fibers = _noise(generator, 64, 2, 3)
    return np.asarray(0.45 * rings + 0.2 * bend + 0.35 * fibers)


def _wood(generator: np.random.Generator) -> Print:
    grain = _grain(generator)
    return _mix((0.62, 0.55, 0.50), (1.0, 0.98, 0.95), grain)


def _planks(generator: np.random.Generator) -> Print:
    count = int(generator.integers(3, 6))
    rows, columns = _grid()
    plank = np.minimum((columns * count).astype(int), count - 1)
    grain = _grain(generator)
    rolls = generator.integers(0, SIDE, count)
    ends = generator.random(count)
    shade = generator.uniform(-0.12, 0.12, count)
    tone = np.empty_like(grain)
    for number in range(count):
        mine = plank == number
        tone[mine] = np.roll(grain, int(rolls[number]), axis=0)[mine] * 0.7 + shade[number] + 0.2
    within = columns * count - plank
    gap = (within < 0.025) | (np.abs((rows - ends[plank] + 0.5) % 1.0 - 0.5) < 0.004)
    tone = np.where(gap, -0.7, tone)
    return _mix((0.55, 0.48, 0.43), (1.0, 0.98, 0.95), tone)


def _stone(generator: np.random.Generator) -> Print:
    veins = np.abs(np.sin(2 * np.pi * (_noise(generator, 2, 2, 6) * 1.2))) ** 0.22
    return _mix((0.66, 0.66, 0.69), (1.0, 0.995, 0.985), veins)


def _granite(generator: np.random.Generator) -> Print:
    speckle = _noise(generator, 80, 80, 2)
    cloud = _noise(generator, 10, 10, 3)
    return _gray(0.62 + 0.5 * np.clip(1.5 * (speckle - 0.25), 0, 1) * (0.55 + 0.35 * cloud))


def _plaster(generator: np.random.Generator) -> Print:
    return _gray(0.955 + 0.03 * _noise(generator, 4, 4, 3) + 0.015 * _noise(generator, 70, 70, 2))


def _tiles(generator: np.random.Generator) -> Print:
    count = int(generator.choice([2, 3, 4]))
    return _tiled(generator, count, count, 0.0, 0.03)


def _bricks(generator: np.random.Generator) -> Print:
    """Wall tiles twice as long as high, every second row moved by half a tile."""
    return _tiled(generator, 3, 6, 0.5, 0.05)


def _tiled(generator: np.random.Generator, across: int, down: int, shift: float, joint: float) -> Print:
    rows, columns = _grid()
    row = (rows * down).astype(int)
    moved = (columns * across + shift * (row % 2)) % across
    column = np.minimum(moved.astype(int), across - 1)
    shade = generator.uniform(0.9, 1.0, (down, across))[row, column]
    along, up = moved - column, rows * down - row
    edge = np.minimum(np.minimum(along, 1 - along) * down / across, np.minimum(up, 1 - up))
    cloud = 0.04 * _noise(generator, 6, 6, 4)
    return _gray(np.where(edge < joint / 2 * down / max(across, 1), 0.62, shade - cloud))


def _checkered(generator: np.random.Generator) -> Print:
    rows, columns = _grid()
    dark = ((rows * 2).astype(int) + (columns * 2).astype(int)) % 2
    cloud = 0.06 * _noise(generator, 5, 5, 4)
    return _gray(np.where(dark == 1, generator.uniform(0.35, 0.6), 0.97) - cloud)


def _carpet(generator: np.random.Generator) -> Print:
    return _gray(0.72 + 0.28 * (0.7 * _noise(generator, 100, 100, 1) + 0.3 * _noise(generator, 6, 6, 3)))


def _cloth(generator: np.random.Generator) -> Print:
    rows, columns = _grid()
    weave = np.sin(64 * np.pi * rows) * np.sin(64 * np.pi * columns)
    return _gray(0.88 + 0.06 * weave + 0.05 * _noise(generator, 12, 12, 3))


def _stripes(generator: np.random.Generator) -> Print:
    _, columns = _grid()
    count = int(generator.choice([4, 6, 8]))
    band = (columns * count) % 1.0
    return _gray(np.where(band < generator.uniform(0.2, 0.5), generator.uniform(0.82, 0.9), 0.97))


def _dots(generator: np.random.Generator) -> Print:
    rows, columns = _grid()
    count = int(generator.choice([4, 5, 6]))
    row = (rows * count).astype(int)
    dx, dy = (columns * count) % 1.0 - 0.5, rows * count - row - 0.5
    return _gray(np.where(np.hypot(dx, dy) < generator.uniform(0.12, 0.25), generator.uniform(0.8, 0.9), 0.97))


def _leaves(generator: np.random.Generator) -> Print:
    pattern = np.full((SIDE, SIDE), 0.97)
    rows, columns = _grid()
    for _ in range(12):
        x, y, angle = generator.random(), generator.random(), generator.uniform(0, np.pi)
        dx, dy = (columns - x + 0.5) % 1.0 - 0.5, (rows - y + 0.5) % 1.0 - 0.5
        along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
        leaf = (np.abs(across) < 0.035 * (1 - (along / 0.1) ** 2)) & (np.abs(along) < 0.1)
        pattern[leaf & (np.abs(across) > 0.003)] = 0.84
    return _gray(pattern)


def _view(generator: np.random.Generator) -> Print:
    """What is outside: a bright sky over hills, or over roofs."""
    rows, columns = _grid()
    clouds = np.clip(1.8 * (_noise(generator, 3, 6, 4) - 0.45), 0, 1) * (1 - rows)
    sky = np.array((0.66, 0.82, 0.97)) * (1 - rows[..., None]) + np.array((0.95, 0.97, 0.98)) * rows[..., None]
    picture = sky * (1 - clouds[..., None]) + clouds[..., None]
    if generator.random() < 0.5:
        for depth in range(3):
            line = 0.62 + 0.11 * depth + 0.1 * (_noise(generator, 4, 1, 3)[0] - 0.5)
            color = np.array((0.62, 0.74, 0.66)) * (1 - 0.16 * depth)
            picture[rows > line[None]] = color
    else:
        left = 0.0
        while left < 1.0:
            right = left + generator.uniform(0.1, 0.25)
            house = (columns >= left) & (columns < right) & (rows > generator.uniform(0.45, 0.75))
            picture[house] = np.array((0.82, 0.76, 0.70)) * generator.uniform(0.75, 1.05)
            panes = house & ((columns * 40).astype(int) % 3 == 0) & ((rows * 30).astype(int) % 3 == 0)
            picture[panes] *= 0.75
            left = right
    return _bytes(picture)


def _picture(generator: np.random.Generator) -> Print:
    """A framed print: coloured shapes on paper."""
    paper = _color(generator, 0.78, 0.97)
    image = Image.new("RGB", (SIDE, SIDE), paper)
    draw = ImageDraw.Draw(image)
    style = int(generator.integers(0, 3))
    for _ in range(int(generator.integers(4, 9))):
        x, y = generator.uniform(0.1, 0.9, 2) * SIDE
        size = generator.uniform(0.08, 0.3) * SIDE
        color = _color(generator, 0.15, 0.9)
        if style == 0:
            draw.ellipse([x - size, y - size, x + size, y + size], fill=color)
        elif style == 1:
            draw.rectangle([x - size, y - size * 0.6, x + size, y + size * 0.6], fill=color)
        else:
            draw.polygon([(0, SIDE), (0, y), (x, y - size), (SIDE, y), (SIDE, SIDE)], fill=color)
    margin = SIDE // 12
    draw.rectangle([0, 0, SIDE - 1, SIDE - 1], outline=(245, 243, 238), width=margin)
    return np.array(image, np.uint8)


def _spines(generator: np.random.Generator) -> Print:
    """A row of book spines."""
    image = Image.new("RGB", (SIDE, SIDE), (30, 26, 24))
    draw = ImageDraw.Draw(image)
    left = 0
    while left < SIDE:
        width = int(generator.integers(9, 24))
        top = int(generator.uniform(0.0, 0.25) * SIDE)
        color = _color(generator, 0.15, 0.8)
        draw.rectangle([left, top, left + width - 2, SIDE], fill=color)
        light = _color(generator, 0.6, 0.95)
        for share in (0.15, 0.3, 0.8):
            y = top + share * (SIDE - top)
            draw.rectangle([left + 2, y, left + width - 4, y + 3], fill=light)
        left += width
    return np.array(image, np.uint8)


def _rug(generator: np.random.Generator) -> Print:
    rows, columns = _grid()
    border = np.minimum(np.minimum(rows, 1 - rows), np.minimum(columns, 1 - columns))
    first, second, third = (np.array(_color(generator, 0.3, 0.85)) / 255 for _ in range(3))
    waves = (np.abs(rows - 0.5) + np.abs(columns - 0.5)) * generator.integers(4, 9) % 1.0
    picture = np.where((waves < 0.5)[..., None], first, second)
    picture = np.where(((border > 0.06) & (border < 0.1))[..., None] | (border < 0.03)[..., None], third, picture)
    return _bytes(picture * (0.82 + 0.18 * _noise(generator, 90, 90, 1))[..., None])


def _color(generator: np.random.Generator, low: float, high: float) -> tuple[int, int, int]:
    red, green, blue = (int(255 * value) for value in generator.uniform(low, high, 3))
    return (red, green, blue)


_PAINTERS: MappingProxyType[str, Callable[[np.random.Generator], Print]] = MappingProxyType(
    {
        "wood": _wood,
        "planks": _planks,
        "stone": _stone,
        "granite": _granite,
        "plaster": _plaster,
        "tiles": _tiles,
        "bricks": _bricks,
        "checkered": _checkered,
        "carpet": _carpet,
        "cloth": _cloth,
        "stripes": _stripes,
        "dots": _dots,
        "leaves": _leaves,
        "view": _view,
        "picture": _picture,
        "spines": _spines,
        "rug": _rug,
    }
)

KINDS = tuple(_PAINTERS)
"""What there are prints of."""
