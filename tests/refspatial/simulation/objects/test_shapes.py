"""Shapes: closed, turned outwards, measured against formulas and against slow obvious code."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.refspatial.simulation.objects import outlines, shapes
from roborefer.refspatial.simulation.objects.shapes import Mesh

LENGTH = st.floats(0.01, 1.0)


def solid(mesh: Mesh) -> trimesh.Trimesh:
    """The mesh with equal vertices merged, however they are shaded."""
    merged = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    merged.merge_vertices(merge_tex=True, merge_norm=True, digits_vertex=9)
    return merged


def assert_sound(mesh: Mesh) -> None:
    """Finite, unit normals on the side that the faces look to, uv within the print."""
    assert np.isfinite(mesh.vertices).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-9)
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    facing = np.cross(b - a, c - a)
    assert (np.linalg.norm(facing, axis=1) > 0).all()
    assert ((facing[:, None] * mesh.normals[mesh.faces]).sum(axis=2) > 0).all()
    assert mesh.uv.min() >= -1e-9
    assert mesh.uv.max() <= 1 + 1e-9


@given(LENGTH, LENGTH, LENGTH, st.just(0.0) | st.floats(0.01, 0.3), st.integers(1, 3))
def test_a_rounded_box_has_the_size_that_was_asked_for(x: float, y: float, z: float, share: float, steps: int) -> None:
    mesh = shapes.rounded_box((x, y, z), share * min(x, y, z), steps=steps)
    assert_sound(mesh)
    np.testing.assert_allclose(mesh.vertices.min(axis=0), (-x / 2, -y / 2, 0), atol=1e-12)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), (x / 2, y / 2, z), atol=1e-12)
    closed = solid(mesh)
    assert closed.is_watertight
    assert 0.5 * x * y * z < closed.volume <= x * y * z * (1 + 1e-9)


@given(LENGTH, LENGTH, st.integers(6, 48))
def test_a_turned_cone_has_the_volume_of_its_pyramid(radius: float, height: float, segments: int) -> None:
    mesh = shapes.lathe([(0, 0), (radius, 0), (0, height)], segments=segments)
    assert_sound(mesh)
    base = segments / 2 * radius**2 * np.sin(2 * np.pi / segments)
    closed = solid(mesh)
    assert closed.is_watertight
    assert closed.volume == pytest.approx(base * height / 3, rel=1e-6)


def test_a_ring_profile_makes_a_closed_ring() -> None:
    angles = np.radians(np.linspace(0, 360, 25))
    profile = np.stack([0.5 + 0.1 * np.cos(angles), 0.1 * np.sin(angles)], axis=1)
    profile[-1] = profile[0]
    mesh = shapes.lathe(profile, segments=96)
    assert_sound(mesh)
    closed = solid(mesh)
    assert closed.is_watertight
    assert closed.euler_number == 0
    assert closed.volume == pytest.approx(2 * np.pi**2 * 0.5 * 0.1**2, rel=0.02)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(*[st.floats(-0.3, 0.3)] * 3), min_size=3, max_size=5),
    st.sampled_from(["round", "flat"]),
    st.floats(0.5, 2.0),
)
def test_a_tube_is_closed_whatever_its_path(points: list[tuple[float, float, float]], ends: str, flat: float) -> None:
    steps = np.array(points) + np.array([0.5, 0, 0])
    path = outlines.smooth(np.cumsum(steps, axis=0), 4)
    mesh = shapes.tube(path, 0.02, ends=ends, flatten=flat)  # type: ignore[arg-type]
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-9)
    closed = solid(mesh)
    assert closed.is_watertight
    assert closed.volume > 0


def test_a_straight_tube_measures_like_a_capsule() -> None:
    mesh = shapes.tube([(0, 0, 0), (0, 0.5, 0), (0, 1, 0)], 0.1, segments=64)
    assert_sound(mesh)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    np.testing.assert_allclose(low, (-0.1, -0.1, -0.1), atol=1e-4)
    np.testing.assert_allclose(high, (0.1, 1.1, 0.1), atol=1e-4)
    assert solid(mesh).volume == pytest.approx(np.pi * 0.01 * (1 + 4 / 3 * 0.1), rel=0.02)


def test_a_closed_tube_is_a_ring() -> None:
    ring = np.concatenate([outlines.circle(32, 0.3), np.zeros((32, 1))], axis=1)
    closed = solid(shapes.tube(ring, 0.05, closed=True))
    assert closed.is_watertight
    assert closed.volume > 0
    assert closed.euler_number == 0


@given(LENGTH, LENGTH, LENGTH)
def test_an_ellipsoids_normals_are_its_gradient(x: float, y: float, z: float) -> None:
    mesh = shapes.ellipsoid(x, y, z)
    assert_sound(mesh)
    gradient = mesh.vertices / np.array([x, y, z]) ** 2
    gradient /= np.linalg.norm(gradient, axis=1, keepdims=True)
    np.testing.assert_allclose(mesh.normals, gradient, atol=1e-6)
    assert solid(mesh).is_watertight


@settings(max_examples=60)
@given(st.lists(st.floats(0.2, 1.0), min_size=3, max_size=14), LENGTH)
def test_an_extrusion_has_the_volume_of_its_outline(radii: list[float], height: float) -> None:
    outline = outlines.circle(len(radii)) * np.array(radii)[:, None]
    mesh = shapes.extrude(outline[::-1], height)
    closed = solid(mesh)
    assert closed.is_watertight
    assert closed.volume == pytest.approx(outlines.signed_area(outline) * height, rel=1e-6)


@settings(max_examples=60)
@given(st.lists(st.floats(0.1, 1.0), min_size=3, max_size=16))
def test_triangles_cover_a_polygon_once(radii: list[float]) -> None:
    outline = outlines.circle(len(radii)) * np.array(radii)[:, None]
    triangles = outlines.triangulate(outline)
    assert triangles.shape == (len(radii) - 2, 3)
    areas = [outlines.signed_area(outline[triangle]) for triangle in triangles]
    assert min(areas) > -1e-12
    assert sum(areas) == pytest.approx(outlines.signed_area(outline))


def test_smooth_curves_pass_through_their_points() -> None:
    points = np.array([(0.0, 0.0), (1.0, 2.0), (3.0, 1.0), (4.0, 4.0)])
    curve = outlines.smooth(points, 5)
    np.testing.assert_allclose(curve[::5], points)
    assert len(curve) == 16


def test_sharp_edges_are_split_and_gentle_ones_are_not() -> None:
    prism = shapes.lathe([(0, 0), (1, 0), (1, 1), (0, 1)], segments=32)
    rim = np.isclose(np.linalg.norm(prism.vertices[:, :2], axis=1), 1)
    flat, upright = np.abs(prism.normals[rim][:, 2]) > 0.999, np.abs(prism.normals[rim][:, 2]) < 1e-6
    assert (flat | upright).all()
    angles = np.arctan2(prism.vertices[rim][upright][:, 1], prism.vertices[rim][upright][:, 0])
    np.testing.assert_allclose(prism.normals[rim][upright][:, 0], np.cos(angles), atol=1e-6)
    box = shapes.stack([outlines.rectangle(1, 1)] * 2, [0, 1])
    assert {tuple(np.round(normal, 6) + 0.0) for normal in box.normals} == {
        axis for axis in itertools.product((-1.0, 0.0, 1.0), repeat=3) if np.abs(axis).sum() == 1
    }


@pytest.mark.parametrize("side", shapes.SIDES)
def test_prints_on_a_box_read_upright_from_outside(side: str) -> None:
    mesh = shapes.box_sides((1, 2, 3))[side]
    outward = mesh.normals[0]
    by_uv = {tuple(np.round(uv).astype(int)): vertex for uv, vertex in zip(mesh.uv, mesh.vertices, strict=True)}
    right, up = by_uv[1, 0] - by_uv[0, 0], by_uv[0, 1] - by_uv[0, 0]
    np.testing.assert_allclose(np.cross(right, up) / np.linalg.norm(np.cross(right, up)), outward, atol=1e-9)
    if side not in ("top", "bottom"):
        assert up[2] > 0
    elif side == "top":
        assert up[1] > 0


def test_the_middle_of_a_round_print_faces_the_front() -> None:
    mesh = shapes.lathe([(1, 0), (1, 1)], segments=32)
    middle = np.isclose(mesh.uv[:, 0], 0.5)
    np.testing.assert_allclose(mesh.vertices[middle][:, :2], [(0, -1)] * middle.sum(), atol=1e-9)
    right = np.isclose(mesh.uv[:, 0], 0.75)
    assert (mesh.vertices[right][:, 0] > 0.99).all()


@given(st.sampled_from("xyz"), st.floats(-180, 180))
def test_turning_keeps_shapes_and_normals_together(axis: str, degrees: float) -> None:
    mesh = shapes.extrude([(0, 0), (1, 0), (0, 1)], 0.3)
    turned = mesh.turned(axis, degrees).moved(1, 2, 3)  # type: ignore[arg-type]
    assert_sound(turned)
    assert solid(turned).volume == pytest.approx(solid(mesh).volume)


@given(st.tuples(*[st.floats(0.2, 3)] * 3), st.booleans())
def test_stretching_and_mirroring_keep_faces_outward(factors: tuple[float, float, float], mirror: bool) -> None:
    mesh = shapes.ellipsoid(0.1, 0.2, 0.3).scaled(*factors)
    assert_sound(mesh.mirrored() if mirror else mesh)


def test_joined_meshes_keep_their_faces() -> None:
    first, second = shapes.panel(1, 2), shapes.tile(3, 1).moved(z=1)
    both = shapes.join([first, second])
    assert len(both.faces) == 4
    np.testing.assert_array_equal(both.vertices[both.faces[2:]], second.vertices[second.faces])
    assert (first.normals == (0, -1, 0)).all()
    np.testing.assert_allclose(second.normals, [(0, 0, 1)] * 4, atol=1e-9)


def test_a_leaf_is_closed() -> None:
    mesh = shapes.leaf(0.1, 0.04, 0.03)
    assert solid(mesh).is_watertight
    assert solid(mesh).volume > 0


def test_a_solid_is_closed_at_both_ends() -> None:
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    made = shapes.solid([shapes.ring(square, 0.0), shapes.ring(square, 2.0)])
    body = solid(made)
    assert body.is_watertight
    assert body.volume == pytest.approx(2.0)
