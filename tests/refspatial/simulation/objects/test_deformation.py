"""Stretched, tapered and bulged shapes against the formula point by point."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.refspatial.simulation.mesh import Cavity
from roborefer.refspatial.simulation.objects.catalog import CATEGORIES, make_object, shape_variants
from roborefer.refspatial.simulation.objects.deformation import Deformation, bounds, sample_deformation
from roborefer.refspatial.simulation.objects.shapes import Mesh, ellipsoid, rounded_box

LOW, HIGH = np.array([-0.1, -0.2, 0.0]), np.array([0.1, 0.2, 0.4])
DEFORMATION = Deformation(LOW, HIGH, (1.2, 0.9, 1.1), 0.15, -0.1)


def slow_point(deformation: Deformation, point: np.ndarray) -> np.ndarray:
    """The docstring's formula for one point."""
    middle = (deformation.low + deformation.high) / 2
    share = (point[2] - middle[2]) / (deformation.high[2] - middle[2])
    width = 1 + deformation.taper * share + deformation.bulge * (1 - share**2)
    moved = (point - middle) * deformation.stretch
    return middle + moved * (width, width, 1)


def fine_ball() -> Mesh:
    return ellipsoid(0.1, 0.2, 0.2, segments=64, rings=48).moved(z=0.2)


def test_every_vertex_follows_the_formula() -> None:
    ball = fine_ball()
    deformed = DEFORMATION.mesh(ball)
    expected = np.array([slow_point(DEFORMATION, vertex) for vertex in ball.vertices])
    np.testing.assert_allclose(deformed.vertices, expected, atol=1e-12)
    np.testing.assert_array_equal(deformed.faces, ball.faces)
    np.testing.assert_array_equal(deformed.uv, ball.uv)


def test_normals_stay_upright_on_the_surface() -> None:
    """Against the normals of the deformed triangles themselves."""
    deformed = DEFORMATION.mesh(fine_ball())
    corners = deformed.vertices[deformed.faces]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(facing, axis=1)
    broad = size > 0.2 * size.max()
    shading = deformed.normals[deformed.faces].mean(axis=1)[broad]
    cosine = (facing[broad] / size[broad, None] * shading).sum(axis=1) / np.linalg.norm(shading, axis=1)
    assert cosine.min() > 0.998


@pytest.mark.parametrize("aside", [0.0, 0.08])
def test_an_outline_fits_at_each_of_its_heights(aside: float) -> None:
    """Also where it is far from the middle and moves as it widens; and not smaller than it must be."""
    square = np.array([[-0.03, -0.03], [0.03, -0.03], [0.03, 0.03], [-0.03, 0.03]]) + np.array([aside, 0])
    heights = np.linspace(0.1, 0.35, 9)
    outline = shapely.Polygon(DEFORMATION.polygon(square, *heights))
    at = [shapely.Polygon([slow_point(DEFORMATION, np.append(corner, z))[:2] for corner in square]) for z in heights]
    common = shapely.intersection_all(at)
    assert common.buffer(1e-9).contains(outline)
    assert outline.area > (0.999 if aside == 0 else 0.5) * common.area


def test_a_cavity_keeps_its_floor_and_rim() -> None:
    room = DEFORMATION.cavity(Cavity(0.1, np.array([[-0.05, -0.05], [0.05, -0.05], [0.0, 0.05]]), 0.3))
    assert room.floor == pytest.approx(slow_point(DEFORMATION, np.array([0, 0, 0.1]))[2])
    assert room.floor + room.depth == pytest.approx(slow_point(DEFORMATION, np.array([0, 0, 0.4]))[2])


def test_directions_are_stretched_and_unit() -> None:
    assert DEFORMATION.direction((0.0, -1.0, 0.0)) == (0.0, -1.0, 0.0)
    slanted = DEFORMATION.direction((0.6, 0.8, 0.0))
    assert slanted == pytest.approx(np.array([0.72, 0.72, 0]) / np.hypot(0.72, 0.72))


def test_flat_things_get_no_flatter_and_no_ramps() -> None:
    sheet = rounded_box((0.2, 0.3, 0.01))
    for seed in range(60):
        found = sample_deformation(np.random.default_rng(seed), [sheet])
        if found is not None:
            assert found.stretch[2] >= 1
            assert abs(found.taper) < 0.01


def test_faces_that_cannot_bend_keep_a_bulge_small() -> None:
    """A box has corners only: what is fixed to its sides must not part from them."""
    for seed in range(60):
        found = sample_deformation(np.random.default_rng(seed), [rounded_box((0.1, 0.1, 0.2))])
        fine = sample_deformation(np.random.default_rng(seed), [fine_ball()])
        assert found is None or abs(found.bulge) <= 0.0101
        assert fine is None or abs(fine.bulge) <= 0.12
    assert any(
        fine is not None and abs(fine.bulge) > 0.03
        for fine in (sample_deformation(np.random.default_rng(seed), [fine_ball()]) for seed in range(60))
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_every_deformation_keeps_the_middle_and_its_limits(seed: int, rolls: bool) -> None:
    mesh = fine_ball()
    found = sample_deformation(np.random.default_rng(seed), [mesh], rolls=rolls)
    if found is None:
        return
    low, high = bounds([found.mesh(mesh)])
    before_low, before_high = bounds([mesh])
    np.testing.assert_allclose(low + high, before_low + before_high, atol=1e-9)
    limits = np.exp(np.array([0.2, 0.2, 0.28]) * (0.5 if rolls else 1.0))
    assert (np.array(found.stretch) <= limits).all()
    assert (np.array(found.stretch) >= 1 / limits).all()


def test_training_varies_a_shape_and_the_benchmark_does_not() -> None:
    """One shape a category, at its proportions: training's differ from each other, those held out do not."""

    def proportions(held_out: bool) -> set[float]:
        found = set()
        for seed in range(40):
            item = make_object("building block", np.random.default_rng(seed), held_out=held_out)
            if item.shape_key in ("building block/cube", "building block/arch"):
                low, high = item.bounds
                found.add(round(float((high - low)[2] / (high - low)[0]), 3))
        return found

    assert shape_variants("building block", held_out=True) == ("arch",)
    assert "cube" in CATEGORIES["building block"].variants
    assert len(proportions(held_out=False)) > 3
    assert len(proportions(held_out=True)) == 1
