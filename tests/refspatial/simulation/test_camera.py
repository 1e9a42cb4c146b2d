"""Cameras of the simulator: what they see, from where, and that the same generator gives the same camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roborefer.errors import InputError
from roborefer.geometry.cameras import field_of_view, project
from roborefer.geometry.transforms import check_pose, invert_pose, transform_points
from roborefer.refspatial.scene_graph import Camera, Surface
from roborefer.refspatial.simulation.camera import (
    STYLES,
    VISIBLE_MARGIN,
    CameraStyle,
    look_at,
    sample_camera,
    second_view,
)

SIZES = ((320, 240), (640, 480), (480, 640), (960, 540))
TABLE = Surface("table", "table", np.array([[-0.6, -0.4], [0.6, -0.4], [0.6, 0.4], [-0.6, 0.4]]), 0.75)
AGAINST_A_WALL = Surface("desk", "desk", TABLE.polygon, 0.75, front=(0.0, -1.0))

seeds = st.integers(0, 2**32 - 1)
coordinates = st.floats(-5, 5)
positions = st.tuples(coordinates, coordinates, coordinates)


def things(seed: int, count: int = 7, spread: float = 0.35) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    xy = generator.uniform(-spread, spread, (count, 2)) * (1, 0.6)
    return np.column_stack((xy, 0.75 + generator.uniform(0.02, 0.15, count)))


def pitch_degrees(camera: Camera) -> float:
    return float(np.rad2deg(np.arcsin(camera.world_from_camera[2, 2])))


def pixels(camera: Camera, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return project(transform_points(invert_pose(camera.world_from_camera), points), camera.intrinsics)


def assert_seen(camera: Camera, points: NDArray[np.float64]) -> None:
    size = np.array((camera.intrinsics.width, camera.intrinsics.height))
    where = pixels(camera, points) / size
    assert ((where > VISIBLE_MARGIN - 1e-9) & (where < 1 - VISIBLE_MARGIN + 1e-9)).all()


def same(first: Camera, second: Camera) -> bool:
    return first.intrinsics == second.intrinsics and np.array_equal(first.world_from_camera, second.world_from_camera)


# ---- look_at ---------------------------------------------------------------------------------------------------------


@given(positions, positions, st.floats(-180, 180))
def test_look_at_puts_the_target_on_the_optical_axis(
    eye: tuple[float, ...], target: tuple[float, ...], roll: float
) -> None:
    distance = float(np.linalg.norm(np.subtract(target, eye)))
    if distance < 1e-3:
        return
    pose = check_pose(look_at(eye, target, roll))
    assert transform_points(invert_pose(pose), target) == pytest.approx((0, 0, distance), abs=1e-6)


def test_look_at_keeps_the_horizon_level_and_up_above() -> None:
    camera_from_world = invert_pose(look_at((1, -2, 1), (0, 0, 0.5)))
    assert camera_from_world[0, 2] == pytest.approx(0)  # world up has no share along image x
    assert camera_from_world[1, 2] < 0  # and points to smaller y


def test_roll_lowers_the_right_side_of_the_camera() -> None:
    right = look_at((0, -1, 0), (0, 0, 0), 10)[:3, 0]
    assert right[2] == pytest.approx(-np.sin(np.deg2rad(10)))
    assert right[0] == pytest.approx(np.cos(np.deg2rad(10)))


def test_straight_down_the_upper_side_is_the_worlds_y() -> None:
    pose = look_at((0, 0, 2), (0, 0, 0))
    assert pose[:3, :3] == pytest.approx(np.diag((1, -1, -1)))


def test_look_at_refuses_its_own_place() -> None:
    with pytest.raises(InputError) as caught:
        look_at((1, 2, 3), (1, 2, 3))
    assert str(caught.value) == "expected a target away from the eye, got the same point: move one of them"


# ---- sample_camera ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from(sorted(STYLES)), st.sampled_from(SIZES), st.sampled_from((TABLE, AGAINST_A_WALL)))
def test_sampled_cameras_see_every_point(
    seed: int, style: CameraStyle, size: tuple[int, int], surface: Surface
) -> None:
    points = things(seed)
    camera = sample_camera(np.random.default_rng(seed), surface, points, image_size=size, style=style)
    check_pose(camera.world_from_camera)
    assert_seen(camera, points)
    assert (camera.intrinsics.width, camera.intrinsics.height) == size
    assert camera.intrinsics.fx == camera.intrinsics.fy
    narrowest, widest = STYLES[style].fov_degrees
    horizontal, _ = field_of_view(camera.intrinsics)
    assert narrowest - 0.2 <= horizontal <= widest + 0.2  # the principal point moves it a little
    low, high = STYLES[style].pitch_degrees
    assert low - 1e-6 <= pitch_degrees(camera) <= high + 1e-6


def test_the_papers_ranges_hold_where_things_lie_together() -> None:
    """Pitch of -60 to -30 degrees, 0.3 to 0.8 m above the table, and both ranges are used."""
    cameras = [
        sample_camera(np.random.default_rng(seed), TABLE, things(seed, 4, 0.12), image_size=(320, 240))
        for seed in range(120)
    ]
    heights = np.array([camera.world_from_camera[2, 3] - 0.75 for camera in cameras])
    pitches = np.array([pitch_degrees(camera) for camera in cameras])
    assert heights.min() >= 0.3
    assert heights.max() <= 0.8
    assert np.ptp(heights) > 0.4
    assert pitches.min() >= -60
    assert pitches.max() <= -30
    assert np.ptp(pitches) > 25
    angles = np.array([field_of_view(camera.intrinsics)[0] for camera in cameras])
    assert np.ptp(angles) > 25
    centers = {camera.intrinsics.cx for camera in cameras}
    assert len(centers) == 120


def test_a_surface_with_a_front_is_seen_from_there() -> None:
    for seed in range(40):
        camera = sample_camera(
            np.random.default_rng(seed), AGAINST_A_WALL, things(seed), image_size=(320, 240), style="wide"
        )
        assert camera.world_from_camera[1, 3] < 0


def test_cameras_stand_only_where_there_is_room() -> None:
    def left(point: NDArray[np.float64]) -> bool:
        return bool(point[0] < -0.1)

    for seed in range(20):
        generator = np.random.default_rng(seed)
        camera = sample_camera(generator, TABLE, things(seed), image_size=(320, 240), style="wide", is_free=left)
        assert camera.world_from_camera[0, 3] < -0.1
        other = second_view(generator, camera, things(seed), is_free=left)
        assert other.world_from_camera[0, 3] < -0.1


def test_things_spread_over_a_wide_table_are_seen_from_farther_away() -> None:
    points = np.array([[-1.3, -0.7, 0.8], [1.3, 0.7, 0.8], [-1.3, 0.7, 0.8], [1.3, -0.7, 0.8]])
    camera = sample_camera(np.random.default_rng(0), TABLE, points, image_size=(320, 240))
    assert_seen(camera, points)
    assert camera.world_from_camera[2, 3] - 0.75 > 0.8
    assert -60 <= pitch_degrees(camera) <= -30


def test_the_same_generator_gives_the_same_camera() -> None:
    for style in sorted(STYLES):
        first, second = (
            sample_camera(np.random.default_rng(5), TABLE, things(1), image_size=(320, 240), style=style)
            for _ in range(2)
        )
        assert same(first, second)
        assert same(
            second_view(np.random.default_rng(6), first, things(1)),
            second_view(np.random.default_rng(6), first, things(1)),
        )


def test_what_no_camera_can_see() -> None:
    points = np.array([[-30.0, 0, 0.8], [30, 0, 0.8]])
    with pytest.raises(InputError) as caught:
        sample_camera(np.random.default_rng(0), TABLE, points, image_size=(320, 240))
    assert str(caught.value) == (
        "expected points that one camera of the style paper can see, got 2 over 60.00 m: bring them together, or take "
        "another style"
    )


def test_malformed_arguments() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(InputError) as caught:
        sample_camera(generator, TABLE, things(0), image_size=(320, 240), style="high")  # type: ignore[arg-type]
    assert str(caught.value) == "expected a camera style of paper, low, wide, room, got 'high'"
    with pytest.raises(InputError) as caught:
        sample_camera(generator, TABLE, np.zeros((0, 3)), image_size=(320, 240))
    assert str(caught.value) == "points: expected at least one finite row of shape (N, 3), got shape (0, 3)"


# ---- second_view -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from(("paper", "wide", "room")))
def test_second_views_turn_about_the_points_and_see_them_all(seed: int, style: CameraStyle) -> None:
    points = things(seed, 5, 0.2)
    generator = np.random.default_rng(seed)
    first = sample_camera(generator, TABLE, points, image_size=(320, 240), style=style)
    second = second_view(generator, first, points)
    assert second.intrinsics == first.intrinsics
    assert_seen(second, points)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    arms = [camera.world_from_camera[:2, 3] - middle[:2] for camera in (first, second)]
    cosine = arms[0] @ arms[1] / np.linalg.norm(arms[0]) / np.linalg.norm(arms[1])
    assert 12 - 1e-6 <= np.rad2deg(np.arccos(cosine)) <= 45 + 1e-6


def test_second_views_go_both_ways() -> None:
    first = sample_camera(np.random.default_rng(0), TABLE, things(0), image_size=(320, 240))
    sides = set()
    for seed in range(20):
        second = second_view(np.random.default_rng(seed), first, things(0))
        moved = invert_pose(first.world_from_camera)[:3] @ second.world_from_camera[:, 3]
        sides.add(bool(moved[0] > 0))
    assert sides == {True, False}


def test_a_second_view_that_cannot_be() -> None:
    first = sample_camera(np.random.default_rng(0), TABLE, things(0, 3, 0.05), image_size=(320, 240))
    with pytest.raises(InputError) as caught:
        second_view(np.random.default_rng(0), first, np.array([[-30.0, 0, 0.8], [30, 0, 0.8]]))
    assert str(caught.value) == (
        "expected points that a second view can see, got 2 over 60.00 m: start from a wider first view"
    )
