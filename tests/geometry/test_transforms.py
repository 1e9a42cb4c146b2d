"""Poses stay rigid and undo each other; planes and boxes are found again after any motion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.geometry.transforms import (
    check_pose,
    compose,
    fit_oriented_box,
    fit_plane,
    gravity_alignment,
    invert_pose,
    least_squares_plane,
    read_pose,
    transform_points,
)

seeds = st.integers(0, 2**32 - 1)


def random_rotation(generator: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(generator.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def random_pose(generator: np.random.Generator) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = random_rotation(generator)
    pose[:3, 3] = generator.normal(size=3)
    return pose


def refusal(call: object, *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_poses_undo_and_chain(seed: int) -> None:
    generator = np.random.default_rng(seed)
    world_from_base, base_from_camera = random_pose(generator), random_pose(generator)
    points = generator.normal(size=(2, 5, 3))
    world_from_camera = compose(world_from_base, base_from_camera)
    in_world = transform_points(world_from_camera, points)
    np.testing.assert_allclose(in_world, transform_points(world_from_base, transform_points(base_from_camera, points)))
    np.testing.assert_allclose(transform_points(invert_pose(world_from_camera), in_world), points, atol=1e-12)
    # rigid: distances stay
    np.testing.assert_allclose(
        np.linalg.norm(np.diff(in_world, axis=1), axis=-1), np.linalg.norm(np.diff(points, axis=1), axis=-1)
    )


def test_worked_transform() -> None:
    # a camera 1 m above the floor that looks along world +y: z forward is y, y down is -z
    world_from_camera = [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1], [0, 0, 0, 1]]
    np.testing.assert_allclose(transform_points(world_from_camera, [0.1, 0.2, 2.0]), [0.1, 2.0, 0.8])
    np.testing.assert_allclose(gravity_alignment((0, -1, 0)), np.array(world_from_camera)[:3, :3], atol=1e-15)


def test_what_is_no_pose() -> None:
    pose = np.eye(4)
    assert refusal(check_pose, pose[:3]) == (
        "world_from_camera: expected a 4x4 matrix of finite numbers, got shape (3, 4)"
    )
    assert refusal(check_pose, "home").startswith("world_from_camera: expected a 4x4 matrix of numbers, got something")
    assert refusal(check_pose, pose * 2) == (
        "world_from_camera: expected the bottom row 0 0 0 1, got 0 0 0 2: give a rigid pose"
    )
    moved = pose.copy()
    moved[:3, 3] = (1, 2, 3)
    assert refusal(check_pose, moved.T, "hand") == "hand: expected the bottom row 0 0 0 1, got 1 2 3 1: transpose it"
    assert refusal(check_pose, np.diag([1.0, 2.0, 1.0, 1.0])) == (
        "world_from_camera: expected a rotation, got axes of length 1 2 1 or not at right angles: "
        "remove scale and shear"
    )
    assert refusal(check_pose, np.diag([1.0, 1.0, -1.0, 1.0])) == (
        "world_from_camera: expected a rotation, got a mirror image (determinant -1): flip one axis back"
    )
    assert refusal(transform_points, pose, [1.0, 2.0]) == "xyz: expected shape (..., 3), got (2,)"
    assert refusal(transform_points, pose[:3], [1.0, 2.0, 3.0]) == "pose: expected shape (4, 4), got (3, 4)"


def test_reading_poses(tmp_path: Path) -> None:
    path = tmp_path / "pose.json"
    half = np.sqrt(0.5)
    # a quarter turn about z: x becomes y
    expected = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
    quaternion = {"translation": [1, 2, 3], "quaternion_xyzw": [0, 0, half, half]}
    for form in (expected.tolist(), expected.ravel().tolist(), quaternion, {"world_from_camera": expected.tolist()}):
        path.write_text(json.dumps(form))
        np.testing.assert_allclose(read_pose(path), expected, atol=1e-12)
    path.write_text("pose")
    assert refusal(read_pose, path) == f"expected a pose as JSON, got something else in {path}: write a 4x4 matrix"
    path.write_text(json.dumps({**quaternion, "quaternion_xyzw": [0, 0, 0, 0]}))
    assert refusal(read_pose, path) == (
        "expected a 4x4 matrix, or a translation of 3 numbers and a unit quaternion_xyzw of 4, got keys "
        f"translation, quaternion_xyzw in {path}"
    )
    path.write_text("[1, 2]")
    assert refusal(read_pose, path) == f"{path}: expected a 4x4 matrix of finite numbers, got shape (2,)"
    assert refusal(read_pose, tmp_path / "no") == f"no such file: {tmp_path / 'no'}; check the path"


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_gravity_alignment_levels_the_camera(seed: int) -> None:
    up = np.random.default_rng(seed).normal(size=3)
    rotation = gravity_alignment(up)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation @ up, (0, 0, np.linalg.norm(up)), atol=1e-12)
    forward = rotation @ (0, 0, 1)
    assert forward[0] == pytest.approx(0, abs=1e-12)
    assert forward[1] > 0


def test_gravity_alignment_looking_straight_down() -> None:
    rotation = gravity_alignment((0, 0, -1))
    np.testing.assert_allclose(rotation @ (0, 0, 1), (0, 0, -1), atol=1e-12)
    np.testing.assert_allclose(rotation @ (0, -1, 0), (0, 1, 0), atol=1e-12)
    assert refusal(gravity_alignment, (0, 0, 0)) == (
        "up_in_camera: expected a vector of three finite numbers, not all 0, got [0.0, 0.0, 0.0]"
    )


@given(seeds, st.floats(0, 0.35))
@settings(max_examples=40, deadline=None)
def test_plane_is_found_among_outliers(seed: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    pose = random_pose(generator)
    points = np.column_stack((generator.uniform(-1, 1, (200, 2)), np.zeros(200)))
    outliers = int(share * len(points))
    points[:outliers, 2] = generator.uniform(0.2, 3, outliers)
    normal, offset = fit_plane(transform_points(pose, points))
    expected = pose[:3, 2] * np.sign(pose[:3, 2] @ pose[:3, 3])
    np.testing.assert_allclose(normal, expected, atol=1e-9)
    assert offset == pytest.approx(abs(pose[:3, 2] @ pose[:3, 3]), abs=1e-9)
    again, _ = fit_plane(transform_points(pose, points))
    np.testing.assert_array_equal(normal, again)


def test_points_without_a_plane() -> None:
    assert refusal(fit_plane, np.zeros((2, 3))) == (
        "points: expected at least 3 finite rows of shape (N, 3), got shape (2, 3)"
    )
    line = np.outer(np.arange(5.0), (1, 2, 3))
    for call in (fit_plane, least_squares_plane):
        assert refusal(call, line) == "expected points that span a plane, got 5 on a line or in one place"
        assert refusal(call, line * 0) == "expected points that span a plane, got 5 on a line or in one place"


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_box_is_found_again_after_any_motion(seed: int) -> None:
    generator = np.random.default_rng(seed)
    pose = random_pose(generator)
    size = np.array([generator.uniform(0.6, 1), generator.uniform(0.2, 0.5), generator.uniform(0.1, 2)])
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size
    inside = generator.uniform(-0.5, 0.5, (50, 3)) * size
    points = transform_points(pose, np.concatenate((inside, corners)))
    box = fit_oriented_box(points, pose[:3, 2])
    np.testing.assert_allclose(box.size, size, atol=1e-9)
    np.testing.assert_allclose(box.center, pose[:3, 3], atol=1e-9)
    np.testing.assert_allclose(np.abs(box.rotation.T @ pose[:3, :3]), np.eye(3), atol=1e-6)
    assert np.linalg.det(box.rotation) == pytest.approx(1)
    found = box.corners()
    distances = np.linalg.norm(found[:, None] - transform_points(pose, corners)[None], axis=-1)
    np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-6)


@given(seeds, st.integers(3, 30))
@settings(max_examples=30, deadline=None)
def test_no_turned_box_is_smaller(seed: int, count: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 3))
    box = fit_oriented_box(points, (0, 0, 1))
    local = (points - box.center) @ box.rotation
    assert (np.abs(local) <= box.size / 2 + 1e-9).all()
    for angle in np.linspace(0, np.pi / 2, 181):  # slow and obvious
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert np.prod(np.ptp(points[:, :2] @ turn, axis=0)) >= box.size[0] * box.size[1] - 1e-9


def test_boxes_of_few_points() -> None:
    box = fit_oriented_box([[1.0, 2.0, 3.0]], (0, 0, 2))
    np.testing.assert_allclose(box.center, (1, 2, 3))
    np.testing.assert_allclose(box.size, 0)
    np.testing.assert_allclose(fit_oriented_box([[0, 0, 0], [3, 4, 1]], (0, 0, 1)).size, (5, 0, 1), atol=1e-12)
    assert refusal(fit_oriented_box, np.zeros((0, 3)), (0, 0, 1)) == (
        "points: expected at least 1 finite rows of shape (N, 3), got shape (0, 3)"
    )
