"""The light of a room: daylight through one of its windows, or a lamp, stronger or weaker, warmer or cooler."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from roborefer.refspatial.simulation.renderer import Color, Light
from roborefer.refspatial.simulation.room import Room

Float = NDArray[np.float64]

STRENGTH = (0.6, 1.4)
"""Range of the factor on the usual intensity (paper section 4, simulated data)."""

_KEY, _AMBIENT = 0.78, 0.58  # usual intensities: a white surface in the light comes out just below white
_DAYLIGHT_SHARE = 0.6


def sample_light(generator: np.random.Generator, room: Room, strength: tuple[float, float] = STRENGTH) -> Light:
    """A key light and its surroundings.

    Daylight comes in at a window's side of the room and is cool to neutral; lamp light comes from nearly overhead and
    is warm to neutral. Where furniture stands along the wall at +y no light comes from behind it.

    Args:
        generator: Source of all randomness.
        room: Tells where windows are.
        strength: Lowest and highest factor on the usual intensity.
    """
    factor = float(generator.uniform(*strength))
    is_day = bool(room.windows) and generator.random() < _DAYLIGHT_SHARE
    if is_day:
        window = room.windows[int(generator.integers(len(room.windows)))]
        azimuth = float(np.arctan2(window[1], window[0]) + generator.uniform(-0.7, 0.7))
        elevation = float(np.deg2rad(generator.uniform(35, 60)))
        kelvin = float(generator.uniform(5000, 7500))
        balance = float(generator.uniform(0.9, 1.1))
    else:
        azimuth = float(generator.uniform(-np.pi, np.pi))
        elevation = float(np.deg2rad(generator.uniform(55, 80)))
        kelvin = float(generator.uniform(3300, 5500))
        balance = float(generator.uniform(0.85, 1.05))
    direction = np.array((np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)))
    if direction[1] > 0.25 and room.high[1] == 0.0:
        direction[1] *= -1  # the wall at y = 0 carries furniture that would keep the light out
    tint = white_balance(kelvin)
    # Light that has been reflected about the room is more neutral than its source.
    key = _KEY * factor * balance * tint
    fill = _AMBIENT * factor * (2 - balance) * (0.6 + 0.4 * tint)
    sky = np.array((0.97, 0.98, 1.0)) if is_day else np.array((1.0, 0.97, 0.92))
    ground = np.array((0.72, 0.66, 0.58)) * generator.uniform(0.9, 1.1)
    softness = float(generator.uniform(0.004, 0.009) if is_day else generator.uniform(0.009, 0.016))
    return Light(direction, _color(key), _color(fill), _color(sky), _color(ground), softness)


def white_balance(kelvin: float) -> Float:
    """Linear RGB of a black body, scaled to a mean of 1, as seen by a camera that is balanced for 5500 K.

    Planck's law at 610, 550 and 465 nm, the wavelengths where the sRGB primaries are strongest; half of the
    difference to 5500 K remains, as a camera's automatic white balance leaves it.

    Args:
        kelvin: Colour temperature; 3000 is a lamp's, 6500 a cloudy day's.
    """
    wavelengths = np.array((610e-9, 550e-9, 465e-9))
    second_radiation_constant = 1.4388e-2  # metre kelvin

    def radiance(temperature: float) -> Float:
        return np.asarray(1 / np.expm1(second_radiation_constant / (wavelengths * temperature)))

    ratio = np.sqrt(radiance(kelvin) / radiance(5500.0))
    return np.asarray(ratio / ratio.mean())


def _color(values: Float) -> Color:
    return (float(values[0]), float(values[1]), float(values[2]))
