"""What a real camera does to a picture: exposure, white balance, blur and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError

Range = tuple[float, float]

_NOISE_SIDE = 256
_NOISE_UNITS = 16  # stored noise is in 1/16 of its standard deviation


@dataclass(frozen=True)
class Photography:
    """From what a photograph is drawn, uniformly.

    Attributes:
        exposure_stops: Factor on the light as a power of 2.
        warmth: Factor on red over the factor on blue, as a power of 2.
        tint: Factor on green, as a power of 2.
        blur_chance: Share of pictures that are blurred.
        blur_pixels: Standard deviation of the blur along x and y, below 0.8; they are drawn apart, which gives a
            little motion blur.
        noise: Standard deviation of the sensor noise, in steps of 1/255 of the finished picture. There photon noise
            is about the same at all brightnesses.
    """

    exposure_stops: Range = (-0.35, 0.35)
    warmth: Range = (-0.22, 0.22)
    tint: Range = (-0.05, 0.05)
    blur_chance: float = 0.4
    blur_pixels: Range = (0.2, 0.65)
    noise: Range = (0.0, 3.5)

    def __post_init__(self) -> None:
        if not (0 <= self.blur_pixels[0] <= self.blur_pixels[1] < 0.8):
            raise InputError(f"expected blur_pixels within 0 to 0.8, got {self.blur_pixels}: three taps blur no more")
        if not 0 <= self.noise[0] <= self.noise[1] <= 40:
            raise InputError(f"expected noise within 0 to 40, lowest first, got {self.noise}")


def photograph(
    rgb: NDArray[np.uint8], generator: np.random.Generator, photography: Photography | None = None
) -> NDArray[np.uint8]:
    """The picture as a camera would have taken it.

    Args:
        rgb: (H, W, 3) uint8, sRGB.
        generator: Source of all randomness; draws the same number of values for every picture.
        photography: Ranges; the default's if None.

    Returns:
        (H, W, 3) uint8, sRGB.

    Raises:
        InputError: ``rgb`` has another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise InputError(f"rgb: expected uint8 (H, W, 3), got {rgb.dtype} {rgb.shape}")
    settings = Photography() if photography is None else photography
    stops = generator.uniform(*settings.exposure_stops)
    warmth = generator.uniform(*settings.warmth)
    tint = generator.uniform(*settings.tint)
    is_blurred = generator.random() < settings.blur_chance
    blur = generator.uniform(*settings.blur_pixels, 2)
    noise = generator.uniform(*settings.noise)
    place = generator.integers(0, _NOISE_SIDE, 2)
    picture = _developed(rgb, 2.0 ** (stops + np.array((warmth / 2, tint, -warmth / 2))))
    if is_blurred:
        picture = _blurred(_blurred(picture, float(blur[0]), 1), float(blur[1]), 0)
    return _with_noise(picture, float(noise), (int(place[0]), int(place[1])))


def _developed(rgb: NDArray[np.uint8], factors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Every channel with its own factor on the light; a table of 256 values each does it."""
    steps = np.arange(256) / 255
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    light = linear[:, None] * factors
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    tables = np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
    picture = np.empty_like(rgb)
    for channel in range(3):
        picture[..., channel] = tables[:, channel][rgb[..., channel]]
    return picture


def _blurred(picture: NDArray[np.uint8], sigma: float, axis: int) -> NDArray[np.uint8]:
    """Three taps along one axis, with the variance of a Gaussian of ``sigma`` pixels; edges are repeated."""
    aside = round(256 * sigma * sigma / 2)
    if aside == 0 or picture.shape[axis] < 2:
        return picture
    values = np.moveaxis(picture.astype(np.uint16), axis, 0)
    sides = np.empty_like(values)
    sides[1:-1] = values[:-2] + values[2:]
    sides[0] = values[0] + values[1]
    sides[-1] = values[-2] + values[-1]
    values *= np.uint16(256 - 2 * aside)
    sides *= np.uint16(aside)
    values += sides
    values += np.uint16(128)
    values >>= np.uint16(8)
    return np.moveaxis(values.astype(np.uint8), 0, axis)


def _with_noise(picture: NDArray[np.uint8], sigma: float, place: tuple[int, int]) -> NDArray[np.uint8]:
    strength = round(sigma * 16)
    if strength == 0:
        return picture
    height, width, _ = picture.shape
    tile = (_noise() * np.int16(strength) + np.int16(128)) >> np.int16(8)  # units of 1/16 times 1/16
    repeats = (-(-(place[0] + height) // _NOISE_SIDE), -(-(place[1] + width) // _NOISE_SIDE), 1)
    noisy = np.tile(tile, repeats)[place[0] : place[0] + height, place[1] : place[1] + width]
    noisy += picture
    return np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.int16]:
    """One tile of normal noise, always the same; pictures differ in where they start on it."""
    values = np.random.default_rng(0).standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3))
    tile = np.clip(np.rint(values * _NOISE_UNITS), -64, 64).astype(np.int16)
    tile.setflags(write=False)
    return tile
