"""Named colours with variation that never leaves the name.

Colours are drawn in OKLCH (Ottosson 2020: lightness 0-1, chroma, hue in degrees), well inside the region that
viewers call by the name; :func:`name_of` holds the wider regions and judges any colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rgb = tuple[float, float, float]


class Region(NamedTuple):
    """Where a named colour is drawn from: lowest and highest lightness, chroma and hue (degrees)."""

    lightness: tuple[float, float]
    chroma: tuple[float, float]
    hue: tuple[float, float]


COLORS: Mapping[str, Region] = MappingProxyType(
    {
        "red": Region((0.50, 0.60), (0.18, 0.22), (22, 30)),
        "orange": Region((0.70, 0.76), (0.16, 0.185), (52, 62)),
        "yellow": Region((0.85, 0.90), (0.15, 0.18), (94, 103)),
        "green": Region((0.50, 0.68), (0.13, 0.18), (138, 152)),
        "blue": Region((0.42, 0.58), (0.13, 0.19), (252, 266)),
        "purple": Region((0.40, 0.53), (0.14, 0.19), (300, 312)),
        "pink": Region((0.75, 0.82), (0.10, 0.14), (350, 366)),
        "brown": Region((0.36, 0.44), (0.06, 0.085), (46, 60)),
        "white": Region((0.94, 0.975), (0.0, 0.010), (60, 110)),
        "gray": Region((0.52, 0.66), (0.0, 0.008), (220, 280)),
        "black": Region((0.14, 0.22), (0.0, 0.008), (220, 280)),
        "silver": Region((0.80, 0.86), (0.0, 0.006), (220, 280)),
    }
)
"""The eleven basic colour terms (Berlin and Kay 1969), and silver for bare metal."""

PLAIN = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "gray", "black")
"""What a painted or dyed thing comes in."""

VIVID = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
DYED = (*VIVID, "white", "black")
NEUTRAL = ("black", "white", "gray")


def sample_color(name: str, generator: np.random.Generator) -> Rgb:
    """A linear RGB colour (0-1) that a viewer calls ``name``.

    Raises:
        KeyError: ``name`` is not in ``COLORS``.
    """
    region = COLORS[name]
    lightness, chroma, hue = (generator.uniform(*bounds) for bounds in region)
    return oklch_to_linear(lightness, chroma, hue)


def leaf_green(generator: np.random.Generator) -> Rgb:
    """The yellowish green of plants and unripe fruit, which is still "green" to anyone."""
    return oklch_to_linear(generator.uniform(0.52, 0.70), generator.uniform(0.13, 0.17), generator.uniform(124, 134))


def other_color(name: str | None, generator: np.random.Generator, among: tuple[str, ...] = PLAIN) -> str:
    """A colour name that differs clearly from ``name``."""
    near = {"red": "orange", "orange": "red", "gray": "black", "black": "gray", "purple": "blue", "blue": "purple"}
    rest = [candidate for candidate in among if candidate not in (name, near.get(name or "", ""))]
    return rest[int(generator.integers(len(rest)))]


def contrast_color(rgb: Rgb) -> Rgb:
    """Near-black or near-white linear RGB, whichever reads better on ``rgb``."""
    return (0.02, 0.02, 0.022) if luminance(rgb) > 0.3 else (0.88, 0.87, 0.84)


def luminance(rgb: Rgb) -> float:
    """Relative luminance of linear RGB, 0-1 (Rec. 709)."""
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Linear RGB between two colours; ``share`` 0-1 of the second."""
    a, b = 1 - share, share
    return (a * first[0] + b * second[0], a * first[1] + b * second[1], a * first[2] + b * second[2])


def oklch_to_linear(lightness: float, chroma: float, hue: float) -> Rgb:
    """Linear sRGB of an OKLCH colour, clipped to 0-1; hue in degrees."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return (min(max(red, 0.0), 1.0), min(max(green, 0.0), 1.0), min(max(blue, 0.0), 1.0))


def linear_to_oklch(rgb: ArrayLike) -> NDArray[np.float64]:
    """Lightness, chroma and hue (degrees, 0-360) of linear sRGB colours: (..., 3) to (..., 3)."""
    linear = np.asarray(rgb, np.float64)
    cones = linear @ np.array(
        [
            (0.4122214708, 0.2119034982, 0.0883024619),
            (0.5363325363, 0.6806995451, 0.2817188376),
            (0.0514459929, 0.1073969566, 0.6299787005),
        ]
    )
    lab = np.cbrt(cones) @ np.array(
        [
            (0.2104542553, 1.9779984951, 0.0259040371),
            (0.7936177850, -2.4285922050, 0.7827717662),
            (-0.0040720468, 0.4505937099, -0.8086757660),
        ]
    )
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    return np.stack([lab[..., 0], np.hypot(lab[..., 1], lab[..., 2]), hue], axis=-1)


def name_of(rgb: Rgb) -> str:
    """The basic colour term for a linear RGB colour ("gray" for silver: shine is not a colour)."""
    lightness, chroma, hue = (float(value) for value in linear_to_oklch(rgb))
    if chroma < 0.035 and lightness > 0.35:
        return "white" if lightness > 0.89 else "gray"
    if lightness < 0.30 and chroma < 0.06:
        return "black"
    if 30 <= hue < 110 and lightness < 0.60 and chroma < 0.135:
        return "brown"
    if hue >= 335 or hue < 16:
        return "pink" if lightness > 0.62 else "red" if hue < 16 else "purple"
    if hue < 42:
        return "pink" if lightness > 0.76 else "red"
    for limit, name in ((77, "orange"), (116, "yellow"), (190, "green"), (282, "blue"), (335, "purple")):
        if hue < limit:
            return name
    raise AssertionError(hue)


def to_srgb8(rgb: Rgb) -> tuple[int, int, int]:
    """8-bit sRGB of a linear colour, for painting prints."""
    red, green, blue = (_encode(value) for value in rgb)
    return (red, green, blue)


def _encode(value: float) -> int:
    value = min(max(value, 0.0), 1.0)
    return round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055))
