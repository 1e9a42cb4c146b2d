"""Collision proofs against slow obvious code, other libraries and known answers."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roborefer.refspatial.simulation.collision import (
    Body,
    Prism,
    body_of,
    clearance,
    footprint,
    inside_polygon,
    penetration,
    polygon_gap,
    prisms_apart,
)

from .brute_force import depth_inside, fall_height, thing

SEEDS = st.integers(0, 2**32 - 1)


def body(mesh: trimesh.Trimesh) -> Body:
    return Body(np.array(mesh.vertices, np.float64), np.array(mesh.faces, np.int64))


def mesh_of(item: Body) -> trimesh.Trimesh:
    return trimesh.Trimesh(item.vertices, item.faces, process=False)


def random_polygon(generator: np.random.Generator) -> NDArray[np.float64]:
    return footprint(generator.normal(0, 1, (int(generator.integers(3, 12)), 2)) + generator.normal(0, 1.5, 2))


def random_shape(generator: np.random.Generator) -> Body:
    """A cup, ring, box, ball or two of them, in any orientation, about 10 cm large."""
    makers = (
        lambda: trimesh.creation.box(generator.uniform(0.02, 0.12, 3)),
        lambda: trimesh.creation.icosphere(subdivisions=2, radius=generator.uniform(0.02, 0.06)),
        lambda: trimesh.creation.torus(0.04, generator.uniform(0.005, 0.02), major_sections=16, minor_sections=8),
        lambda: trimesh.creation.revolve(
            np.array([[0, 0], [0.04, 0], [0.05, 0.06], [0.045, 0.06], [0.036, 0.005], [0, 0.005]]), sections=20
        ),
    )
    meshes = []
    for _ in range(int(generator.integers(1, 3))):
        mesh = makers[int(generator.integers(len(makers)))]()
        mesh.apply_transform(trimesh.transformations.random_rotation_matrix(generator.random(3)))
        mesh.apply_translation(generator.normal(0, 0.02, 3))
        meshes.append(mesh)
    return body(trimesh.util.concatenate(meshes))


@given(SEEDS)
def test_polygon_gap_never_exceeds_the_distance_and_agrees_on_overlap(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = random_polygon(generator), random_polygon(generator)
    gap = float(polygon_gap(first, second))
    true = shapely.Polygon(first).convex_hull.distance(shapely.Polygon(second).convex_hull)
    assert gap <= true + 1e-9
    assert (gap > 1e-9) == (true > 1e-9)


def test_polygon_gap_takes_batches() -> None:
    generator = np.random.default_rng(1)
    many = np.array([random_polygon(generator) for _ in range(6)])
    gaps = polygon_gap(many[:, None], many[None])
    assert gaps.shape == (6, 6)
    assert gaps[2, 4] == pytest.approx(float(polygon_gap(many[2], many[4])))


@given(SEEDS)
def test_inside_polygon_is_the_distance_to_the_nearest_side(seed: int) -> None:
    generator = np.random.default_rng(seed)
    polygon = footprint(generator.normal(0, 1, (8, 2)))
    points = generator.normal(0, 1, (20, 2))
    shape = shapely.Polygon(polygon).convex_hull
    for point, value in zip(points, inside_polygon(points, polygon), strict=True):
        distance = shape.exterior.distance(shapely.Point(point))
        if shape.contains(shapely.Point(point)):
            assert value == pytest.approx(distance, abs=1e-9)
        else:
            assert -distance - 1e-9 <= value <= 1e-9


@given(SEEDS)
def test_footprint_holds_all_points_within_two_per_cent(seed: int) -> None:
    points = np.random.default_rng(seed).normal(0, 1, (30, 2))
    polygon = footprint(points)
    assert inside_polygon(points, polygon).min() >= -1e-9
    hull = shapely.MultiPoint(points).convex_hull
    radius = np.linalg.norm(points - points.mean(axis=0), axis=1).max()
    assert max(hull.distance(shapely.Point(corner)) for corner in polygon) < 0.21 * radius
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    assert np.linalg.norm(footprint(circle), axis=1).max() < 1.0197


def test_clearance_of_known_shapes() -> None:
    ball = body(trimesh.creation.icosphere(subdivisions=3, radius=0.05))
    plate = body(trimesh.creation.box((1.0, 1.0, 0.02)))
    assert clearance(ball.moved((0, 0, 0.5)), plate) == pytest.approx(0.5 - 0.05 - 0.01, abs=1e-9)
    assert clearance(ball.moved((0, 0, 0.055)), plate) == pytest.approx(-0.005, abs=1e-9)
    assert clearance(ball.moved((2, 0, 0.5)), plate) == float("inf")
    assert clearance(plate.moved((0, 0, 0.5)), ball, (0, 0, -1)) == pytest.approx(0.44, abs=1e-9)
    assert clearance(ball.moved((-1, 0, 0)), ball, (1, 0, 0)) == pytest.approx(0.9, abs=2e-3)


def test_clearance_finds_where_edges_cross() -> None:
    # Two roofs that cross: no corner of one lies over or under the other's ridge.
    roof = trimesh.Trimesh([[-1, -0.2, 0], [1, -0.2, 0], [1, 0.2, 0], [-1, 0.2, 0], [-1, 0, 0.2], [1, 0, 0.2]],
                           [[0, 1, 5], [0, 5, 4], [2, 3, 4], [2, 4, 5]], process=False)  # fmt: skip
    upper = roof.copy()
    upper.apply_transform(trimesh.transformations.rotation_matrix(np.pi, (1, 0, 0)))
    upper.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (0, 0, 1)))
    upper.apply_translation((0, 0, 1.0))
    assert clearance(body(upper), body(roof)) == pytest.approx(0.6, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_clearance_is_the_brute_force_fall(seed: int) -> None:
    generator = np.random.default_rng(seed)
    upper, lower = random_shape(generator), random_shape(generator)
    upper = upper.moved((*generator.normal(0, 0.02, 2), 0.4))
    exact = clearance(upper, lower)
    sampled = fall_height(mesh_of(upper), mesh_of(lower))
    assert exact <= sampled + 2e-6  # vertices alone cannot find a shorter way
    if np.isfinite(sampled):
        assert sampled - exact < 4e-3


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_after_a_move_by_its_clearance_a_body_touches(seed: int) -> None:
    generator = np.random.default_rng(seed)
    moving, fixed = random_shape(generator), random_shape(generator)
    direction = generator.normal(0, 1, 3)
    direction /= np.linalg.norm(direction)
    moving = moving.moved(-0.5 * direction)
    way = clearance(moving, fixed, direction)
    if not np.isfinite(way):
        return
    touching = moving.moved(direction * way)
    assert clearance(touching, fixed, direction) == pytest.approx(0.0, abs=2e-6)
    assert clearance(fixed, touching, -direction) == pytest.approx(0.0, abs=2e-6)
    assert penetration(touching, fixed, [direction]) < 3e-6
    assert depth_inside(mesh_of(touching), mesh_of(fixed), samples=40) < 1e-3


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_penetration_bounds_what_points_find(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = random_shape(generator)
    second = random_shape(generator).moved(generator.normal(0, 0.04, 3))
    bound = penetration(first, second)
    assert depth_inside(mesh_of(first), mesh_of(second), samples=60) <= bound * 1.1 + 1e-3


@given(SEEDS)
def test_prisms_apart_never_exceeds_the_distance(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = Prism(random_polygon(generator), 0.0, 1.0)
    second = Prism(random_polygon(generator), *np.sort(generator.uniform(-2, 3, 2)).tolist())
    level = shapely.Polygon(first.polygon).convex_hull.distance(shapely.Polygon(second.polygon).convex_hull)
    vertical = max(0.0, first.bottom - second.top, second.bottom - first.top)
    assert prisms_apart(first, second) <= np.hypot(level, vertical) + 1e-9


def test_body_joins_parts_and_knows_its_base_and_middle() -> None:
    cone = thing(trimesh.creation.cone(0.05, 0.1, sections=32))
    item = body_of(cone)
    assert item.prism.bottom == pytest.approx(0.0, abs=1e-7)
    assert item.prism.top == pytest.approx(0.1, abs=1e-7)
    assert inside_polygon(item.center_of_mass[:2], item.base()) > 0.04
    assert item.center_of_mass[2] == pytest.approx(mesh_of(item).centroid[2], abs=1e-9)
    posed = item.posed(trimesh.transformations.translation_matrix((1, 2, 3)))
    np.testing.assert_allclose(posed.prism.center, (1, 2), atol=1e-6)
