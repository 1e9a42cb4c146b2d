"""What a depth camera makes of exact depth: holes, steps, range limits and noise that grows with distance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import pixel_centers, unproject
from roborefer.structures import Intrinsics

Depth = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class DepthSensor:
    """A depth camera, aligned with the colour camera.

    Attributes:
        nearest_m, farthest_m: Depth outside is lost.
        steepest_degrees: Surfaces seen at a larger angle from their normal are lost.
        edge_pixels: Pixels this near to a step in depth are lost.
        baseline_m: Distance to the second eye (or the projector), which stands on the right; what it does not see is
            lost. 0 for none.
        disparity_step: Disparity comes in such steps, pixels; 0 for no steps. Needs a baseline.
        disparity_noise: Standard deviation of the disparity, pixels; depth noise then grows with z squared.
        noise_m: Standard deviation of the depth at 1 m, growing with z squared; for sensors without disparity.
        step_m: Depth comes in such steps at last, metres.
        dropout: Share of all remaining pixels that are lost at random.
    """

    nearest_m: float
    farthest_m: float
    steepest_degrees: float
    edge_pixels: int
    baseline_m: float = 0.0
    disparity_step: float = 0.0
    disparity_noise: float = 0.0
    noise_m: float = 0.0
    step_m: float = 0.001
    dropout: float = 0.0


SENSORS: Mapping[str, DepthSensor] = MappingProxyType(
    {
        "stereo": DepthSensor(
            0.25, 6.0, 82.0, 1, baseline_m=0.05, disparity_step=1 / 16, disparity_noise=0.04, dropout=0.002
        ),
        "structured_light": DepthSensor(
            0.4, 4.5, 76.0, 1, baseline_m=0.075, disparity_step=1 / 8, disparity_noise=0.03, dropout=0.001
        ),
        "time_of_flight": DepthSensor(0.15, 8.0, 80.0, 1, noise_m=0.0025, dropout=0.001),
    }
)
"""Three kinds of depth camera with the usual order of errors; none is a model of a certain product."""


def sense_depth(
    depth_m: Depth,
    normals: Depth,
    intrinsics: Intrinsics,
    generator: np.random.Generator,
    sensor: str | DepthSensor = "stereo",
    *,
    ids: NDArray[np.uint16] | None = None,
    transparent: Collection[int] = (),
) -> Depth:
    """Depth as a sensor would have measured it.

    Args:
        depth_m: (H, W) exact, metres along z, 0 where there is nothing.
        normals: (H, W, 3) unit, camera frame.
        intrinsics: Of the image.
        generator: Source of all randomness.
        sensor: One of :data:`SENSORS`, or your own.
        ids: (H, W) instance image; needed with ``transparent``.
        transparent: Instances of glass, which are lost.

    Returns:
        (H, W) float32, metres along z, 0 where it was lost.

    Raises:
        InputError: The sensor is unknown, shapes differ, or ``transparent`` comes without ``ids``.
    """
    model = _sensor(sensor)
    height, width = depth_m.shape
    if normals.shape != (height, width, 3) or (intrinsics.width, intrinsics.height) != (width, height):
        raise InputError(
            f"expected depth, normals and intrinsics of one size, got {width}x{height}, normals {normals.shape} and "
            f"intrinsics for {intrinsics.width}x{intrinsics.height}"
        )
    if transparent and ids is None:
        raise InputError("expected ids with transparent, got none: pass the instance image")
    lost = (depth_m < model.nearest_m) | (depth_m > model.farthest_m)
    lost |= _too_steep(depth_m, normals, intrinsics, model.steepest_degrees)
    lost |= _near_steps(depth_m, normals, intrinsics, model.edge_pixels)
    if ids is not None and transparent:
        lost |= np.isin(ids, np.fromiter(sorted(transparent), np.int64))
    if model.baseline_m > 0:
        lost |= _hidden_from_second_eye(depth_m, intrinsics.fx * model.baseline_m)
    noise = generator.standard_normal(depth_m.shape, np.float32)
    lost |= generator.random(depth_m.shape, np.float32) < model.dropout
    measured = _measured(depth_m, noise, intrinsics.fx, model)
    lost |= (measured < model.nearest_m) | (measured > model.farthest_m)
    measured[lost] = 0
    return measured


def _sensor(sensor: str | DepthSensor) -> DepthSensor:
    if isinstance(sensor, DepthSensor):
        return sensor
    if sensor not in SENSORS:
        raise InputError(f"expected a depth sensor of {', '.join(SENSORS)}, got {sensor!r}")
    return SENSORS[sensor]


def _measured(depth_m: Depth, noise: Depth, focal: float, model: DepthSensor) -> Depth:
    """Depth with the sensor's noise and steps; anything where there is none."""
    depth = np.where(depth_m > 0, depth_m, np.float32(1))
    if model.baseline_m > 0:
        reach = np.float32(focal * model.baseline_m)
        disparity = reach / depth + np.float32(model.disparity_noise) * noise
        if model.disparity_step > 0:
            disparity = np.rint(disparity / np.float32(model.disparity_step)) * np.float32(model.disparity_step)
        depth = reach / np.maximum(disparity, np.float32(1e-3))
    depth = depth + np.float32(model.noise_m) * depth * depth * noise
    if model.step_m > 0:
        depth = np.rint(depth / np.float32(model.step_m)) * np.float32(model.step_m)
    return np.asarray(depth, np.float32)


def _too_steep(depth_m: Depth, normals: Depth, intrinsics: Intrinsics, degrees: float) -> Mask:
    rays = _rays(intrinsics)
    facing = -_dot(normals, rays) / np.sqrt(_dot(rays, rays))
    return np.asarray((facing < np.cos(np.deg2rad(degrees))) & (depth_m > 0))


def _near_steps(depth_m: Depth, normals: Depth, intrinsics: Intrinsics, pixels: int) -> Mask:
    """Within ``pixels`` of a place where depth leaves the planes through both neighbours by more than 1 cm and 1 %."""
    near = np.zeros(depth_m.shape, bool)
    if pixels < 1:
        return near
    facing = _dot(normals, _rays(intrinsics)).astype(np.float32)
    for axis, slope in ((1, normals[..., 0] / intrinsics.fx), (0, normals[..., 1] / intrinsics.fy)):
        before = tuple(slice(None, -1) if a == axis else slice(None) for a in (0, 1))
        after = tuple(slice(1, None) if a == axis else slice(None) for a in (0, 1))
        # The ray of the next pixel along the axis meets a pixel's plane where facing has grown by its slope.
        ahead = depth_m[before] * facing[before] / np.minimum(facing[before] + slope[before], -1e-4)
        back = depth_m[after] * facing[after] / np.minimum(facing[after] - slope[after], -1e-4)
        off = np.minimum(np.abs(depth_m[after] - ahead), np.abs(depth_m[before] - back))
        is_step = off > 0.01 + 0.01 * np.minimum(depth_m[after], depth_m[before])
        near[before] |= is_step
        near[after] |= is_step
    for _ in range(pixels - 1):
        grown = near.copy()
        grown[1:] |= near[:-1]
        grown[:-1] |= near[1:]
        grown[:, 1:] |= near[:, :-1]
        grown[:, :-1] |= near[:, 1:]
        near = grown
    return near


def _hidden_from_second_eye(depth_m: Depth, reach: float) -> Mask:
    """What stands behind something else for an eye on the right: the shadow on the left of near things.

    A point of column u and disparity d appears at u - d there. It is hidden if something right of it, whose larger
    disparity moves it farther, appears at the same place or left of it.
    """
    disparity = reach / np.where(depth_m > 0, depth_m, np.inf)
    place = np.arange(depth_m.shape[1]) - disparity
    leftmost = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    hidden = np.zeros(depth_m.shape, bool)
    hidden[:, :-1] = leftmost[:, 1:] < place[:, :-1] - 0.25
    return hidden


def _dot(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.einsum("ijk,ijk->ij", first, second))


def _rays(intrinsics: Intrinsics) -> NDArray[np.float64]:
    size = (intrinsics.width, intrinsics.height)
    return unproject(pixel_centers(size), np.ones(size[::-1]), intrinsics)
