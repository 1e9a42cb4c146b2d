"""What is printed on things: grains and weaves that tint with the material's colour, patterns, labels, faces.

A *grain* is near-white, made once for each variant and shared (read-only), so that it costs nothing per object; the
material's colour does the rest. A *print* has colours of its own and is painted for one object. All text is drawn
with Pillow's built-in font, so that the same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from roborefer.refspatial.simulation.objects.colors import Rgb, contrast_color, luminance, mix, to_srgb8

Texture = NDArray[np.uint8]
SIZE = 256
"""Pixels along a side of a grain or pattern."""
LABEL_SIZE = 256
"""Pixels along a side of a print with words."""
GRAIN_VARIANTS = 4

DRINKS = ("COLA", "FIZZ", "LIMO", "SODA", "TONIC", "MANGO", "COCO", "ICE TEA")
GROCERIES = ("SOUP", "BEANS", "CORN", "TUNA", "PEAS", "OATS", "RICE", "BEETS")
CEREALS = ("CRUNCH", "FLAKES", "O-RINGS", "MUESLI", "PUFFS", "HONEY POPS")
TITLES = ("ATLAS", "POEMS", "BIRDS", "COSMOS", "RIVERS", "NOVEL", "GARDEN", "ROBOTS", "TRAINS", "WHALES")
CLEANERS = ("CLEAN", "SHINE", "FRESH", "GLASS+", "SPARK")
SHOES = ("RUNNER", "STEP", "TRAIL", "WALK")


def grain(kind: str, variant: int = 0) -> Texture:
    """A near-white texture, (SIZE, SIZE, 3): "wood", "fur", "fabric", "wicker", "peel" or "card".

    Raises:
        KeyError: no such kind.
    """
    return _grain(kind, variant % GRAIN_VARIANTS)


@lru_cache(maxsize=64)
def _grain(kind: str, variant: int) -> Texture:
    generator = np.random.default_rng([variant, *kind.encode()])
    shade = _GRAINS[kind](generator)
    levels = np.clip(255 * shade, 0, 255).astype(np.uint8)
    return _shared(np.repeat(levels[..., None], 3, axis=2))


def _noise(generator: np.random.Generator, across: int, along: int, octaves: int = 4) -> NDArray[np.float64]:
    """Smooth noise 0-1, (SIZE, SIZE), with ``across`` x ``along`` bumps in its coarsest octave."""
    total = np.zeros((SIZE, SIZE))
    for octave in range(octaves):
        cells = generator.random((min(along << octave, SIZE), min(across << octave, SIZE))).astype(np.float32)
        total += np.asarray(Image.fromarray(cells).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) * 0.5**octave
    return np.asarray((total - total.min()) / np.ptp(total))


def _wood(generator: np.random.Generator) -> NDArray[np.float64]:
    bend, fiber = _noise(generator, 3, 1), _noise(generator, 64, 4, 2)
    rings = 0.5 + 0.5 * np.sin((np.linspace(0, 5, SIZE)[None] + 4 * bend) * 2 * np.pi)
    return np.asarray(0.66 + 0.2 * rings + 0.14 * fiber)


def _fur(generator: np.random.Generator) -> NDArray[np.float64]:
    return 0.87 + 0.13 * _noise(generator, 20, 20, 3)


def _fabric(generator: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    weave = 0.5 + 0.5 * np.sin(columns * np.pi / 2) * np.sin(rows * np.pi / 2)
    return np.asarray(0.9 + 0.05 * weave + 0.05 * _noise(generator, 6, 6))


def _wicker(generator: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    strand = np.floor(rows * 12)
    over = np.sin(2 * np.pi * (columns * 12 + 0.5 * (strand % 2)))
    round_strand = np.sin(np.pi * (rows * 12 % 1)) ** 0.6
    return np.asarray((0.35 + 0.65 * round_strand * (0.72 + 0.28 * over)) * (0.9 + 0.1 * _noise(generator, 8, 8)))


def _peel(generator: np.random.Generator) -> NDArray[np.float64]:
    return 0.84 + 0.1 * _noise(generator, 40, 24, 2) + 0.06 * _noise(generator, 4, 3)


def _card(generator: np.random.Generator) -> NDArray[np.float64]:
    return 0.9 + 0.06 * _noise(generator, 24, 3, 3) + 0.04 * _noise(generator, 3, 3)


_GRAINS: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "wood": _wood,
    "fur": _fur,
    "fabric": _fabric,
    "wicker": _wicker,
    "peel": _peel,
    "card": _card,
}


def striped(base: Rgb, second: Rgb, count: int, *, upright: bool = False, share: float = 0.36) -> Texture:
    """Stripes of ``second`` on ``base``: across the print, or ``upright`` along v; ``share`` of it is ``second``."""
    return _painted(_stripes(count, upright, share), base, second)


def dotted(base: Rgb, second: Rgb, across: int, along: int) -> Texture:
    """Round dots in shifted rows, ``across`` x ``along`` of them; about a quarter of the print."""
    return _painted(_dots(across, along), base, second)


def checked(base: Rgb, second: Rgb, across: int, along: int) -> Texture:
    """Crossing bands as on a table cloth; 55 % are ``base``, the crossings ``second``, the rest between."""
    return _painted(_checks(across, along), base, mix(base, second, 0.4), second)


def lattice(base: Rgb, line: Rgb, across: int, along: int) -> Texture:
    """Crossing diagonals, as on a pineapple or a quilt."""
    return _painted(_diagonals(across, along), base, line)


def _painted(indices: Texture, *palette: Rgb) -> Texture:
    """Colours in place of a stencil's (SIZE, SIZE) indices."""
    return np.array([to_srgb8(color) for color in palette], np.uint8).take(indices, axis=0)


# Stencils are few and shared: only their colours differ from object to object.
@lru_cache(maxsize=64)
def _stripes(count: int, upright: bool, share: float) -> Texture:
    phase = np.arange(SIZE) * count / SIZE % 1.0 < share
    return _shared(np.broadcast_to(phase[None] if upright else phase[:, None], (SIZE, SIZE)).astype(np.uint8))


@lru_cache(maxsize=64)
def _dots(across: int, along: int) -> Texture:
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    row = np.floor(rows * along)
    x = (columns * across + 0.5 * (row % 2)) % 1.0 - 0.5
    y = rows * along % 1.0 - 0.5
    return _shared((x**2 + y**2 < 0.29**2).astype(np.uint8))


@lru_cache(maxsize=64)
def _checks(across: int, along: int) -> Texture:
    column = np.arange(SIZE) * across / SIZE % 1.0 < 0.26
    row = np.arange(SIZE) * along / SIZE % 1.0 < 0.26
    return _shared(column[None].astype(np.uint8) + row[:, None].astype(np.uint8))


@lru_cache(maxsize=16)
def _diagonals(across: int, along: int) -> Texture:
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
    first = np.abs((columns * across + rows * along) % 1.0 - 0.5)
    second = np.abs((columns * across - rows * along) % 1.0 - 0.5)
    return _shared((np.maximum(first, second) > 0.4).astype(np.uint8))


@lru_cache(maxsize=32)
def _clouds(variant: int, noise: float) -> Texture:
    cloud = _grain("fur", variant)[..., 0] / 255.0
    share = np.clip(np.linspace(1, 0, SIZE)[:, None] + noise * 9 * (cloud - cloud.mean()), 0, 1)
    return _shared((15.99 * share).astype(np.uint8))


def speckled(base: Rgb, second: Rgb, generator: np.random.Generator, count: int = 60, radius: float = 2.0) -> Texture:
    """Little specks of ``second`` on ``base``."""
    picture, draw = _canvas(base, SIZE)
    ink = to_srgb8(second)
    places = generator.uniform(0, SIZE, (count, 2))
    radii = generator.uniform(0.4 * radius, radius, count)
    for (x, y), r in zip(places, radii, strict=True):
        draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)
    return np.asarray(picture)


def blended(bottom: Rgb, top: Rgb, generator: np.random.Generator, *, noise: float = 0.3) -> Texture:
    """From ``bottom`` at v = 0 to ``top`` at v = 1, with cloudy borders: ripening fruit."""
    steps = [mix(bottom, top, step / 15) for step in range(16)]
    return _painted(_clouds(int(generator.integers(GRAIN_VARIANTS)), noise), *steps)


def label(text: str, base: Rgb, ink: Rgb, style: int = 0, *, aspect: float = 1.0, word_width: float = 1.0) -> Texture:
    """A printed front: a word on a band, on a disc or in a frame.

    Args:
        style: 0 disc, 1 band, 2 frame, 3 plain word with a rule.
        aspect: Width over height of the surface it is stretched over; the word keeps its proportions there.
        word_width: Share of the usual room for the word.
    """
    size = LABEL_SIZE
    picture, draw = _canvas(base, size)
    colored, ground = to_srgb8(ink), to_srgb8(base)
    s = float(size)
    if style == 0:
        radius = 0.36 * min(1.0, aspect)
        box = (s * (0.5 - radius / aspect), s * (0.45 - radius), s * (0.5 + radius / aspect), s * (0.45 + radius))
        draw.ellipse(box, fill=colored)
        word_ink, limit, middle = ground, 1.75 * radius / aspect, 0.45
        draw.rectangle((0, 0.9 * s, s, 0.94 * s), fill=colored)
    elif style == 1:
        draw.rectangle((0, 0.28 * s, s, 0.64 * s), fill=colored)
        for line in range(3):
            draw.rectangle((0, (0.74 + 0.06 * line) * s, s, (0.76 + 0.06 * line) * s), fill=colored)
        word_ink, limit, middle = ground, 0.86, 0.46
    elif style == 2:
        draw.rectangle((0.07 * s, 0.07 * s, 0.93 * s, 0.93 * s), outline=colored, width=max(2, size // 40))
        word_ink, limit, middle = colored, 0.72, 0.36
        draw.rectangle((0.3 * s, 0.58 * s, 0.7 * s, 0.6 * s), fill=colored)
    else:
        word_ink, limit, middle = colored, 0.8, 0.42
        draw.rectangle((0.2 * s, 0.66 * s, 0.8 * s, 0.69 * s), fill=colored)
    behind = ink if word_ink == ground else base
    if abs(luminance(base) - luminance(ink)) < 0.3:
        word_ink = to_srgb8(contrast_color(behind))
    _word(picture, text, word_ink, (0.5, middle), limit * word_width, aspect)
    return np.asarray(picture)


def round_label(text: str, base: Rgb, ink: Rgb, style: int = 0, *, aspect: float = 3.0) -> Texture:
    """A :func:`label` for a can or bottle: twice around, one of them in front."""
    front = Image.fromarray(label(text, base, ink, style, aspect=aspect / 2, word_width=0.72))
    width = LABEL_SIZE // 2
    small = np.asarray(front.resize((width, LABEL_SIZE), Image.Resampling.BILINEAR))
    return np.roll(np.tile(small, (1, 2, 1)), width // 2, axis=1)


def _word(
    picture: Image.Image, text: str, ink: tuple[int, int, int], middle: tuple[float, float], limit: float, aspect: float
) -> None:
    """Draws a word at most ``limit`` of the picture wide, squeezed so that it looks right when stretched."""
    size = picture.width
    font = _font()
    left, top, right, bottom = font.getbbox(text)
    width, height = int(right - left) + 4, int(bottom - top) + 4
    stencil = Image.new("L", (width, height), 0)
    ImageDraw.Draw(stencil).text((2 - left, 2 - top), text, font=font, fill=255)
    # On the surface a pixel is `aspect` times as wide as it is high.
    scale = min(limit * size / width, 0.26 * size / (height * aspect))
    shown = (max(1, round(width * scale)), max(1, round(height * scale * aspect)))
    stencil = stencil.resize(shown, Image.Resampling.BILINEAR)
    place = (round(middle[0] * size - shown[0] / 2), round(middle[1] * size - shown[1] / 2))
    picture.paste(ink, (*place, place[0] + shown[0], place[1] + shown[1]), stencil)


@lru_cache(maxsize=1)
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=60)


def _canvas(base: Rgb, size: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (size, size), to_srgb8(base))
    return picture, ImageDraw.Draw(picture)


@lru_cache(maxsize=4)
def page_edges() -> Texture:
    """The edges of many sheets, lines along u."""
    rows = 0.86 + 0.1 * np.sin(np.arange(SIZE) * 2.4) + 0.04 * np.random.default_rng(3).random(SIZE)
    levels = np.clip(255 * rows[:, None, None] * np.array([1.0, 0.975, 0.9]), 0, 255)
    return _shared(np.repeat(levels, SIZE, axis=1).astype(np.uint8))


def clock_face(dial: Rgb, hours: int, minutes: int, *, digital: bool = False) -> Texture:
    """A dial with twelve marks and two hands, or a digital display with the time."""
    ink = to_srgb8(contrast_color(dial))
    size = LABEL_SIZE
    if digital:
        picture, _ = _canvas((0.01, 0.015, 0.012), size)
        _word(picture, f"{hours:02d}:{minutes:02d}", (90, 255, 140), (0.5, 0.5), 0.86, 2.2)
        return np.asarray(picture)
    picture, draw = _canvas(dial, size)
    middle = size / 2

    def spoke(turns: float, start: float, end: float, width: int, color: tuple[int, int, int]) -> None:
        x, y = math.sin(2 * math.pi * turns), -math.cos(2 * math.pi * turns)
        points = [(middle + middle * r * x, middle + middle * r * y) for r in (start, end)]
        draw.line(points, fill=color, width=width)

    for mark in range(12):
        spoke(mark / 12, 0.78, 0.92, 9 if mark % 3 == 0 else 4, ink)
    spoke((hours + minutes / 60) / 12, -0.08, 0.5, 11, ink)
    spoke(minutes / 60, -0.1, 0.74, 7, ink)
    draw.ellipse((middle - 8, middle - 8, middle + 8, middle + 8), fill=(200, 40, 40))
    return np.asarray(picture)


def screen(generator: np.random.Generator, style: int) -> Texture:
    """What a screen shows: 0 a landscape, 1 windows, 2 a list, 3 nothing (switched off)."""
    size = LABEL_SIZE
    if style == 3:
        return _dark_screen()
    picture, draw = _canvas((0.02, 0.03, 0.05), size)
    if style == 0:
        sky = np.linspace(0, 1, size)[:, None]
        top, low = generator.integers(20, 120, 3), generator.integers(130, 240, 3)
        column = (top * (1 - sky) + low * sky).astype(np.uint8)
        picture = Image.fromarray(np.ascontiguousarray(np.repeat(column[:, None], size, axis=1)))
        draw = ImageDraw.Draw(picture)
        for layer in range(3):
            shade = tuple(int(value) for value in generator.integers(10, 90, 3))
            across = np.linspace(0, size, 9)
            ridge = size * (0.5 + 0.15 * layer) + generator.uniform(-25, 25, 9)
            draw.polygon([(0, size), *zip(across.tolist(), ridge.tolist(), strict=True), (size, size)], fill=shade)
    elif style == 1:
        draw.rectangle((0, 0, size, size), fill=(58, 96, 150))
        for _ in range(3):
            x, y = (float(value) for value in generator.uniform(10, 110, 2))
            draw.rectangle((x, y, x + 120, y + 90), fill=(240, 240, 242))
            draw.rectangle((x, y, x + 120, y + 12), fill=(90, 96, 110))
            for row in range(5):
                length = float(generator.uniform(40, 105))
                draw.rectangle((x + 8, y + 22 + 12 * row, x + length, y + 27 + 12 * row), fill=(120, 125, 140))
        draw.rectangle((0, size - 14, size, size), fill=(30, 36, 48))
    else:
        draw.rectangle((0, 0, size, 34), fill=(52, 120, 200))
        for row in range(5):
            top_edge = 46 + 42 * row
            draw.rectangle((10, top_edge, 46, top_edge + 32), fill=tuple(generator.integers(90, 240, 3).tolist()))
            draw.rectangle(
                (58, top_edge + 5, 58 + float(generator.uniform(90, 170)), top_edge + 13), fill=(215, 218, 225)
            )
            draw.rectangle(
                (58, top_edge + 20, 58 + float(generator.uniform(50, 150)), top_edge + 26), fill=(120, 125, 138)
            )
    return np.asarray(picture)


@lru_cache(maxsize=1)
def _dark_screen() -> Texture:
    return _shared(np.full((SIZE, SIZE, 3), (16, 18, 22), np.uint8))


def keys(ground: Rgb, cap: Rgb, columns: int, rows: int) -> Texture:
    """A field of keys with gaps, the lowest row with a long one."""
    size = LABEL_SIZE
    picture, draw = _canvas(ground, size)
    fill = to_srgb8(cap)
    legend = to_srgb8(contrast_color(cap))
    width, height = size / columns, size / rows
    for row in range(rows):
        for column in range(columns):
            left, top = column * width, row * height
            if row == rows - 1 and columns > 8 and 4 <= column <= 8:
                continue
            draw.rectangle(
                (left + 0.1 * width, top + 0.1 * height, left + 0.88 * width, top + 0.86 * height), fill=fill
            )
            x, y = left + 0.4 * width, top + 0.36 * height
            draw.rectangle((x, y, x + 0.16 * width, y + 0.2 * height), fill=legend)
    if columns > 8:
        top = (rows - 1) * height
        draw.rectangle((4.1 * width, top + 0.1 * height, 8.88 * width, top + 0.86 * height), fill=fill)
    return np.asarray(picture)


def measure_marks(base: Rgb, centimetres: int) -> Texture:
    """A ruler's scale along u."""
    size = LABEL_SIZE
    picture, draw = _canvas(base, size)
    ink = to_srgb8(contrast_color(base))
    for half in range(2 * centimetres + 1):
        x = 4 + (size - 8) * half / (2 * centimetres)
        draw.line([(x, size), (x, size * (0.45 if half % 2 == 0 else 0.7))], fill=ink, width=1)
    return np.asarray(picture)


def pips(base: Rgb, ink: Rgb, count: int) -> Texture:
    """One side of a die, with ``count`` (1-6) pips."""
    picture, draw = _canvas(base, SIZE)
    q, m, w = 0.25, 0.5, 0.75
    places = {
        1: [(m, m)],
        2: [(q, q), (w, w)],
        3: [(q, q), (m, m), (w, w)],
        4: [(q, q), (q, w), (w, q), (w, w)],
        5: [(q, q), (q, w), (w, q), (w, w), (m, m)],
        6: [(q, q), (q, m), (q, w), (w, q), (w, m), (w, w)],
    }[count]
    radius = 0.1 * SIZE
    for x, y in places:
        x, y = x * SIZE, y * SIZE
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=to_srgb8(ink))
    return np.asarray(picture)


def tiles(colors: list[Rgb], frame: Rgb) -> Texture:
    """A 3 x 3 field of coloured tiles: one side of a puzzle cube."""
    picture, draw = _canvas(frame, SIZE)
    cell = SIZE / 3
    for index, color in enumerate(colors):
        x, y = cell * (index % 3), cell * (index // 3)
        draw.rounded_rectangle((x + 3, y + 3, x + cell - 4, y + cell - 4), radius=5, fill=to_srgb8(color))
    return np.asarray(picture)


def ribbon_cross(base: Rgb, ribbon: Rgb, pattern: Texture | None = None) -> Texture:
    """A present's side: paper with a ribbon down its middle and one across."""
    picture = Image.fromarray(pattern).convert("RGB") if pattern is not None else _canvas(base, SIZE)[0]
    draw = ImageDraw.Draw(picture)
    size = picture.width
    fill = to_srgb8(ribbon)
    draw.rectangle((0.44 * size, 0, 0.56 * size, size), fill=fill)
    draw.rectangle((0, 0.44 * size, size, 0.56 * size), fill=fill)
    return np.asarray(picture)


def _shared(array: Texture) -> Texture:
    array.setflags(write=False)
    return array
