"""The depth-sensor model: where it loses depth, and how far off it is elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import pixel_centers, unproject
from roborefer.refspatial.simulation.depth_sensor import SENSORS, DepthSensor, sense_depth
from roborefer.structures import Intrinsics

CAMERA = Intrinsics(200.0, 200.0, 80.0, 60.0, 160, 120)
PERFECT = DepthSensor(0.1, 10.0, 90.0, 0, step_m=0)
Array = NDArray[np.float32]


def facing(depth_m: float | NDArray[np.float64]) -> tuple[Array, Array]:
    """Depth, and normals that look at the camera."""
    depth = np.broadcast_to(np.asarray(depth_m, np.float32), (120, 160)).copy()
    normals = np.zeros((120, 160, 3), np.float32)
    normals[..., 2] = -1
    return depth, normals


def plane(slant_degrees: float, distance: float = 1.0) -> tuple[Array, Array]:
    """A plane through (0, 0, distance) that is turned about the image's x axis, its lower part nearer."""
    angle = np.deg2rad(slant_degrees)
    normal = np.array((0.0, -np.sin(angle), -np.cos(angle)))
    rays = unproject(pixel_centers((160, 120)), np.ones((120, 160)), CAMERA)
    depth = distance * normal[2] / (rays @ normal)
    return depth.astype(np.float32), np.tile(normal.astype(np.float32), (120, 160, 1))


def sensed(depth: Array, normals: Array, sensor: str | DepthSensor, seed: int = 0) -> Array:
    return sense_depth(depth, normals, CAMERA, np.random.default_rng(seed), sensor)


def with_only(**values: float) -> DepthSensor:
    return DepthSensor(**{**PERFECT.__dict__, **values})  # type: ignore[arg-type]


def test_a_perfect_sensor_changes_nothing() -> None:
    for depth, normals in (facing(1.234), plane(40)):
        before = depth.copy()
        measured = sensed(depth, normals, PERFECT)
        assert measured.dtype == np.float32
        assert np.array_equal(measured, before)
        assert np.array_equal(depth, before)


def test_unknown_depth_stays_unknown() -> None:
    depth, normals = facing(1.0)
    depth[:, :70] = 0
    normals[:, :70] = 0
    for name in SENSORS:
        assert (sensed(depth, normals, name)[:, :70] == 0).all()
        assert (sensed(depth, normals, name)[20:100, 90:140] > 0).mean() > 0.97


def test_range_limits() -> None:
    ramp = np.linspace(0.2, 3.0, 160)
    measured = sensed(*facing(ramp), with_only(nearest_m=0.5, farthest_m=2.0))
    assert ((measured > 0) == ((ramp >= 0.5) & (ramp <= 2.0))).all()


def test_steps_of_depth() -> None:
    depth, normals = plane(30)
    measured = sensed(depth, normals, with_only(step_m=0.01))
    assert np.abs(measured - depth).max() <= 0.005001
    assert np.abs(measured / 0.01 - np.rint(measured / 0.01)).max() < 1e-3


def test_steps_of_disparity_grow_with_the_square_of_depth() -> None:
    sensor = with_only(baseline_m=0.05, disparity_step=1 / 8)
    for distance in (0.5, 1.0, 2.0):
        depth, normals = plane(5, distance)
        measured = sensed(depth, normals, sensor)
        levels = np.unique(measured[measured > 0])
        step = depth.mean() ** 2 / (200.0 * 0.05) / 8
        assert np.median(np.diff(levels)) == pytest.approx(step, rel=0.15)
        error = np.abs(measured - depth)[measured > 0]
        assert error.max() < 0.75 * (depth.max() ** 2 / 10 / 8)


@pytest.mark.parametrize(
    "sensor", [with_only(noise_m=0.003), with_only(baseline_m=0.05, disparity_noise=0.03)], ids=["direct", "disparity"]
)
def test_noise_grows_with_the_square_of_depth(sensor: DepthSensor) -> None:
    spread = {distance: sensed(*facing(distance), sensor).std() for distance in (0.5, 1.0, 2.0)}
    assert spread[1.0] == pytest.approx(0.003, rel=0.05)
    assert spread[0.5] == pytest.approx(0.003 / 4, rel=0.05)
    assert spread[2.0] == pytest.approx(0.003 * 4, rel=0.05)
    assert sensed(*facing(1.0), sensor).mean() == pytest.approx(1.0, abs=1e-3)


def test_steep_surfaces_are_lost() -> None:
    """Against the angle between ray and normal, pixel by pixel."""
    depth, normals = plane(70)
    measured = sensed(depth, normals, with_only(steepest_degrees=75.0, farthest_m=1e6))
    for row, column in ((0, 0), (10, 80), (60, 80), (119, 159), (40, 3)):
        ray = np.array(((column + 0.5 - 80) / 200, (row + 0.5 - 60) / 200, 1.0))
        angle = np.rad2deg(np.arccos(-normals[row, column] @ ray / np.linalg.norm(ray)))
        assert (measured[row, column] == 0) == (angle > 75)
    assert 0.02 < (measured == 0).mean() < 0.98


@pytest.mark.parametrize("pixels", [0, 1, 2, 3])
def test_depth_is_lost_beside_steps(pixels: int) -> None:
    depth, normals = facing(1.5)
    depth[40:80, 50:100] = 1.0
    lost = sensed(depth, normals, with_only(edge_pixels=pixels)) == 0
    rows, columns = np.mgrid[:120, :160]
    inside = np.minimum(np.minimum(rows - 40, 79 - rows), np.minimum(columns - 50, 99 - columns))
    assert lost[(inside >= 0) & (inside < pixels)].all()
    assert not lost[inside >= pixels].any()
    assert not lost[inside < -pixels].any()
    assert lost[45:75, 50 - pixels : 50].all()


@pytest.mark.parametrize("slant", [0, 30, 60, 70])
def test_a_slope_is_no_step(slant: float) -> None:
    depth, normals = plane(slant)
    measured = sensed(depth, normals, with_only(edge_pixels=1, farthest_m=1e6))
    assert (measured > 0).mean() > 0.99


def test_the_second_eye_loses_what_near_things_hide_from_it() -> None:
    """A board at 1 m before a wall at 2 m: a strip as wide as the difference of disparities, on the board's left."""
    depth, normals = facing(2.0)
    depth[:, 80:110] = 1.0
    measured = sensed(depth, normals, with_only(baseline_m=0.1))  # disparity 20 on the board, 10 on the wall
    lost = measured == 0
    assert lost[:, 71:80].all()
    assert not lost[:, :71].any()
    assert not lost[:, 80:].any()


def test_the_second_eye_against_a_search() -> None:
    """Slow and obvious: every pixel against every pixel on its right."""
    generator = np.random.default_rng(2)
    depth, normals = facing(1.0)
    depth[:] = np.repeat(generator.uniform(0.6, 3.0, (120, 20)), 8, axis=1)
    depth[generator.random((120, 160)) < 0.1] = 0
    lost = sensed(depth, normals, with_only(baseline_m=0.06)) == 0
    for row in range(0, 120, 17):
        place = [u - (12.0 / z if z > 0 else 0.0) for u, z in enumerate(depth[row].astype(float))]
        for column in range(160):
            hidden = any(place[other] < place[column] - 0.25 for other in range(column + 1, 160))
            assert lost[row, column] == (hidden or depth[row, column] == 0)


def test_glass_is_lost() -> None:
    depth, normals = facing(1.0)
    ids = np.zeros((120, 160), np.uint16)
    ids[10:20, 10:20], ids[30:40, 10:20], ids[50:60, 10:20] = 3, 4, 5
    measured = sense_depth(depth, normals, CAMERA, np.random.default_rng(0), PERFECT, ids=ids, transparent={5, 3})
    assert np.array_equal(measured == 0, np.isin(ids, (3, 5)))


def test_pixels_drop_out() -> None:
    assert (sensed(*facing(1.0), with_only(dropout=0.05)) == 0).mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("name", sorted(SENSORS))
def test_presets_measure_most_of_a_plain_scene(name: str) -> None:
    depth, normals = plane(50, 1.2)
    measured = sensed(depth, normals, name)
    seen = measured > 0
    assert seen.mean() > 0.95
    assert np.median(np.abs(measured - depth)[seen]) < 0.02
    assert 0 < np.abs(measured - depth)[seen].max() < 0.2
    assert np.array_equal(measured, sensed(depth, normals, name))
    assert not np.array_equal(measured, sensed(depth, normals, name, seed=1))


def test_errors() -> None:
    depth, normals = facing(1.0)
    with pytest.raises(InputError) as caught:
        sensed(depth, normals, "lidar")
    assert str(caught.value) == ("expected a depth sensor of stereo, structured_light, time_of_flight, got 'lidar'")
    with pytest.raises(InputError) as caught:
        sensed(depth[:100], normals, "stereo")
    assert str(caught.value) == (
        "expected depth, normals and intrinsics of one size, got 160x100, normals (120, 160, 3) and intrinsics for "
        "160x120"
    )
    with pytest.raises(InputError) as caught:
        sense_depth(depth, normals, CAMERA, np.random.default_rng(0), transparent=(1,))
    assert str(caught.value) == "expected ids with transparent, got none: pass the instance image"
