"""Anchors lie on a surface and on the point's own ray, or say why they are not to be used."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.geometry.anchors import anchor_at, ring_has_depth, sample_depth, split_surfaces
from roborefer.geometry.cameras import intrinsics_from_fov, pixel_centers, project, unproject
from roborefer.geometry.depth import DepthMap
from roborefer.geometry.transforms import transform_points
from roborefer.structures import Anchor, Intrinsics, Point

SIZE = (160, 120)
CAMERA = intrinsics_from_fov(60, SIZE)
MIDDLE = Point(0.5, 0.5)

fractions = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def plane_depth(normal: np.ndarray, offset: float, camera: Intrinsics = CAMERA) -> np.ndarray:
    """(H, W) depth of the plane ``normal @ p = offset``: what a perfect sensor measures at pixel centres."""
    rays = unproject(pixel_centers((camera.width, camera.height)), 1.0, camera)
    return (offset / (rays @ normal)).astype(np.float32)


def step_depth(near: float = 0.61, far: float = 1.40, column: int = 80) -> np.ndarray:
    """A near surface on the left of ``column``, a far one from there on."""
    depth = np.full((120, 160), far, np.float32)
    depth[:, :column] = near
    return depth


def at(column: float, row: float) -> Point:
    return Point(column / 160, row / 120)


@given(fractions, fractions, st.floats(0.3, 8), st.floats(-0.7, 0.7), st.floats(-0.7, 0.7))
@settings(max_examples=120, deadline=None)
def test_planes_are_exact(x: float, y: float, distance: float, right: float, down: float) -> None:
    normal = np.array((right, down, 1.0)) / np.linalg.norm((right, down, 1.0))
    anchor = anchor_at(Point(x, y), plane_depth(normal, distance), CAMERA)
    assert anchor.xyz is not None
    assert anchor.normal is not None
    ray = unproject((x * 160, y * 120), 1.0, CAMERA)
    expected = ray * distance / (normal @ ray)
    np.testing.assert_allclose(anchor.xyz, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(anchor.normal, -normal, atol=1e-3)  # towards the camera
    assert np.linalg.norm(anchor.normal) == pytest.approx(1)
    np.testing.assert_allclose(project(anchor.xyz, CAMERA), (x * 160, y * 120), atol=1e-9)
    assert anchor.valid == (not anchor.reason)
    assert anchor.depth_m == anchor.xyz[2]


def test_constant_plane_in_full() -> None:
    assert anchor_at(MIDDLE, np.full((120, 160), 2.0, np.float32), CAMERA) == Anchor(
        xyz=(0.0, 0.0, pytest.approx(2.0)),  # type: ignore[arg-type]
        depth_source="sensor",
        valid=True,
        reason="",
        depth_m=pytest.approx(2.0),
        normal=(0.0, 0.0, -1.0),
        spread_m=0.0,
    )


@given(fractions, fractions, st.floats(0.3, 3), st.floats(1.05, 4), st.integers(0, 3), seeds)
@settings(max_examples=150, deadline=None)
def test_no_depth_between_two_surfaces(x: float, y: float, near: float, ratio: float, blur: int, seed: int) -> None:
    """Edges with holes, or with up to three columns of mixed depth, never give a place in mid-air."""
    generator = np.random.default_rng(seed)
    far = near * ratio + 0.02
    column = int(generator.integers(10, 150))
    depth = step_depth(near, far, column)
    for step in range(blur):
        depth[:, column + step] = near + (far - near) * (step + 1) / (blur + 1)
    if blur == 0:  # with both, a column of the mixture can be all that is left
        depth[generator.random(depth.shape) < generator.uniform(0, 0.4)] = 0
    anchor = anchor_at(Point(x, y), depth, CAMERA)
    assert anchor.depth_m is not None
    # Mixed columns closer to each other than the gap make a slope, and its depth is a surface's as far as we know.
    assume(blur == 0 or (far - near) / (blur + 1) > 0.03 * far)
    if anchor.valid:
        assert min(abs(anchor.depth_m - near) / near, abs(anchor.depth_m - far) / far) < 1e-3


def test_the_surface_under_the_point_is_taken_at_an_edge() -> None:
    for column, expected in ((79.9, 0.61), (80.1, 1.40)):
        anchor = anchor_at(at(column, 60), step_depth(), CAMERA)
        assert (anchor.depth_m, anchor.spread_m) == (pytest.approx(expected), 0)
        assert (anchor.valid, anchor.reason) == (True, "depth edge: surfaces at 0.61 m and 1.40 m")
        assert anchor.normal == pytest.approx((0, 0, -1), abs=1e-9)
    assert anchor_at(at(90, 60), step_depth(), CAMERA).reason == ""


def test_a_wire_is_a_surface() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    depth[:, 80] = 0.5
    anchor = anchor_at(at(80.5, 60), depth, CAMERA)
    assert (anchor.depth_m, anchor.normal, anchor.valid) == (pytest.approx(0.5), None, True)


def test_mixed_pixel_at_an_edge_is_not_trusted() -> None:
    depth = step_depth()
    depth[:, 80] = 1.0
    anchor = anchor_at(at(80.5, 60), depth, CAMERA)
    assert anchor.depth_m == pytest.approx(0.61)
    assert not anchor.valid
    assert anchor.reason == (
        "depth edge: surfaces at 0.61 m and 1.40 m, and the point's own depth of 1.00 m is on none of them"
    )


@pytest.mark.parametrize("column", [80, 81])
def test_blurred_edge_is_not_trusted(column: int) -> None:
    depth = step_depth()
    depth[:, 80:82] = (0.9, 1.1)
    anchor = anchor_at(at(column + 0.5, 60), depth, CAMERA)
    assert not anchor.valid
    assert anchor.depth_m == pytest.approx((0.61, 1.40)[column - 80])


def test_speckle_is_replaced() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    depth[60, 80] = 0.4
    anchor = anchor_at(at(80.5, 60.5), depth, CAMERA)
    assert (anchor.depth_m, anchor.valid) == (pytest.approx(2.0), True)
    assert anchor.reason == "used the surface around the point because its own depth of 0.40 m stands alone"


@given(st.integers(1, 7), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
@settings(max_examples=40, deadline=None)
def test_holes_are_bridged_along_the_plane(radius: int, right: float, down: float) -> None:
    normal = np.array((right, down, 1.0)) / np.linalg.norm((right, down, 1.0))
    depth = plane_depth(normal, 1.5)
    depth[60 - radius : 61 + radius, 80 - radius : 81 + radius] = np.nan
    anchor = anchor_at(at(80.5, 60.5), depth, CAMERA)
    ray = unproject((80.5, 60.5), 1.0, CAMERA)
    np.testing.assert_allclose(anchor.xyz, ray * 1.5 / (normal @ ray), rtol=1e-5)
    assert anchor.reason.startswith(f"used ring of radius {radius + 1} px because the point has no usable depth")


def test_hole_between_two_surfaces() -> None:
    depth = step_depth()
    depth[56:65, 76:85] = 0
    anchor = anchor_at(at(80.5, 60.5), depth, CAMERA)
    assert not anchor.valid
    assert anchor.reason == (
        "depth edge: surfaces at 0.61 m and 1.40 m; used ring of radius 5 px because the point has no usable depth"
    )
    # A hole in one surface stays that surface's although another comes near.
    depth = step_depth(column=86)
    depth[56:65, 76:85] = 0
    anchor = anchor_at(at(80.5, 60.5), depth, CAMERA)
    assert (anchor.valid, anchor.depth_m) == (True, pytest.approx(0.61))


def test_reasons_without_a_place() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    assert anchor_at(Point(1.2, 0.5), depth, CAMERA) == Anchor(
        None, "sensor", False, "the point (1.2, 0.5) lies outside the image"
    )
    assert anchor_at(Point(float("nan"), 0.5), depth, CAMERA).reason == "the point (nan, 0.5) lies outside the image"
    assert anchor_at(MIDDLE, depth * 0, CAMERA) == Anchor(
        None, "sensor", False, "no valid depth within 8 px of the point"
    )
    hole = depth.copy()
    hole[40:80, 60:100] = np.inf
    assert anchor_at(MIDDLE, hole, CAMERA).reason == "no valid depth within 8 px of the point"
    no_camera = anchor_at(MIDDLE, depth, None, world_from_camera=np.eye(4))
    assert no_camera == Anchor(
        None, "sensor", False, "no camera: give intrinsics or a field of view", pytest.approx(2.0), None, 0.0
    )
    picture = DepthMap(None, np.zeros((120, 160, 3), np.uint8), "estimated")
    assert anchor_at(MIDDLE, picture, CAMERA) == Anchor(
        None,
        "estimated",
        False,
        "the depth is a relative picture: give depth in metres (16-bit PNG, TIFF, NPY)",
    )


def test_depth_source() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    assert anchor_at(MIDDLE, DepthMap(depth, None, "estimated"), CAMERA).depth_source == "estimated"
    assert anchor_at(MIDDLE, depth, CAMERA, depth_source="estimated").depth_source == "estimated"


def test_spread_too_large() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    depth[58:63, 78:83] = np.random.default_rng(0).permutation(np.linspace(1.0, 1.4, 25)).reshape(5, 5)
    anchor = anchor_at(at(80.5, 60.5), depth, CAMERA)
    assert not anchor.valid
    assert anchor.xyz is not None
    assert anchor.reason == f"spread too large: {anchor.spread_m:.2f} m at {anchor.depth_m:.2f} m"


def test_wrong_arguments() -> None:
    depth = np.full((120, 160), 2.0, np.float32)
    with pytest.raises(InputError, match=r"^depth_m: expected shape \(H, W\) with pixels, got \(120, 160, 1\)$"):
        anchor_at(MIDDLE, depth[..., None], CAMERA)
    with pytest.raises(InputError, match=r"^expected intrinsics for the image's size 80x60, got them for 160x120: "):
        anchor_at(MIDDLE, depth[::2, ::2], CAMERA)
    with pytest.raises(InputError, match=r"^world_from_camera: expected a rotation, got axes of length 2 1 1 or "):
        anchor_at(MIDDLE, depth, CAMERA, world_from_camera=np.diag([2.0, 1, 1, 1]))


@given(fractions, fractions, seeds)
@settings(max_examples=40, deadline=None)
def test_world_is_the_pose_of_the_camera_place(x: float, y: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    pose[:3, 3] = generator.normal(size=3)
    depth = generator.uniform(1, 1.01, (120, 160)).astype(np.float32)
    plain, moved = (anchor_at(Point(x, y), depth, CAMERA, world_from_camera=p) for p in (None, pose))
    assert plain.world_xyz is None
    assert moved.xyz == plain.xyz
    np.testing.assert_allclose(moved.world_xyz, transform_points(pose, plain.xyz))


@given(seeds, st.sampled_from([2.0, 4.0]))
@settings(max_examples=40, deadline=None)
def test_a_scene_twice_as_large_is_twice_as_far(seed: int, factor: float) -> None:
    generator = np.random.default_rng(seed)
    depth = step_depth(1.0, 2.0) + generator.normal(0, 0.002, (120, 160)).astype(np.float32)
    depth[generator.random(depth.shape) < 0.3] = 0
    point = at(generator.uniform(70, 90), generator.uniform(0, 120))
    one, other = (anchor_at(point, depth * scale, CAMERA) for scale in (1.0, factor))
    assert one.xyz is not None
    np.testing.assert_allclose(other.xyz, np.array(one.xyz) * factor, rtol=1e-6)
    np.testing.assert_allclose(other.spread_m, one.spread_m * factor, rtol=1e-6)
    np.testing.assert_allclose(other.normal or 0, one.normal or 0, atol=1e-6)
    assert one.valid == other.valid


@given(seeds, st.integers(-40, 40), st.integers(-30, 30))
@settings(max_examples=40, deadline=None)
def test_depth_does_not_depend_on_where_the_picture_begins(seed: int, right: int, down: int) -> None:
    generator = np.random.default_rng(seed)
    depth = step_depth(1.0, 2.0)
    depth[generator.random(depth.shape) < 0.4] = 0
    u, v = generator.uniform(60, 100), generator.uniform(45, 75)
    shifted = np.roll(depth, (down, right), axis=(0, 1))
    one, other = sample_depth(depth, (u, v)), sample_depth(shifted, (u + right, v + down))
    assert not isinstance(one, str)
    assert not isinstance(other, str)
    assert other.depth_m == pytest.approx(one.depth_m, rel=1e-9)
    assert (other.trusted, other.reason) == (one.trusted, one.reason)


@given(seeds, st.integers(0, 9), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_ring_against_a_slow_count(seed: int, ring: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    depth = np.where(generator.random((7, 9)) < share, 1.0, generator.choice([0.0, np.nan, -1.0, np.inf], (7, 9)))
    row, column = int(generator.integers(7)), int(generator.integers(9))
    on_ring = [depth[i, j] for i in range(7) for j in range(9) if max(abs(i - row), abs(j - column)) == ring]
    valid = [value for value in on_ring if np.isfinite(value) and value > 0]
    assert ring_has_depth(depth, row, column, ring) == (len(valid) > 0 and len(valid) >= len(on_ring) / 4)


@given(st.lists(st.sampled_from([0.5, 0.504, 0.508, 1.0, 1.5, 3.0]), min_size=3, max_size=30))
@settings(max_examples=80, deadline=None)
def test_surfaces_against_slow_flooding(values: list[float]) -> None:
    depths = np.array(values)
    generator = np.random.default_rng(len(values))
    offsets = generator.integers(-3, 4, (len(values), 2)).astype(float)
    surfaces = split_surfaces(offsets, depths)
    least = max(3, int(np.ceil(0.1 * len(values))))
    for surface in surfaces:
        # Flood from any sample through neighbours in depth: it reaches the whole surface.
        reached = {int(surface[0])}
        while True:
            grown = reached | {
                j
                for i in reached
                for j in range(len(values))
                if abs(depths[i] - depths[j]) <= max(0.005, 0.02 * min(depths[i], depths[j])) + 1e-12
            }
            if grown == reached:
                break
            reached = grown
        assert reached == set(surface.tolist())
        assert len(surface) >= least
    medians = [np.median(depths[surface]) for surface in surfaces]
    assert medians == sorted(medians)
