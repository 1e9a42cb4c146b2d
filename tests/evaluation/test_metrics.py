"""Scores and distances, against plain loops over every pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.evaluation.metrics import (
    distance_m,
    distance_polygon_px,
    distance_px,
    in_box,
    in_mask,
    in_mask_fraction,
    in_polygon,
    pixel_indices,
    window_of,
)
from roborefer.structures import Box, Intrinsics, Point

fractions = st.floats(0, 1)
points = st.builds(Point, fractions, fractions)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """(H, W) bool with at least one pixel."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    inside = np.array(draw(st.lists(st.booleans(), min_size=height * width, max_size=height * width)))
    inside[draw(st.integers(0, height * width - 1))] = True
    return inside.reshape(height, width)


def slow_distance(point: Point, inside: np.ndarray) -> float:
    height, width = inside.shape
    u, v = point.x * width, point.y * height
    found = []
    for row in range(height):
        for column in range(width):
            if inside[row, column]:
                across = max(column - u, 0.0, u - (column + 1))
                down = max(row - v, 0.0, v - (row + 1))
                found.append(math.hypot(across, down))
    return min(found)


@given(points, masks())
@settings(deadline=None)
def test_distance_is_that_to_the_nearest_pixel(point: Point, inside: np.ndarray) -> None:
    # A point on a pixel's right or lower edge lies in the next pixel but 0 away from this one.
    assert distance_px(point, inside) == pytest.approx(slow_distance(point, inside), abs=1e-9)


@pytest.mark.parametrize("turns", range(4))
def test_the_floor_of_a_notch_is_near(turns: int) -> None:
    inside = np.ones((7, 7), np.bool_)
    inside[:4, 2:5] = False
    x, y = 3.5, 3.5  # in the notch, half a pixel above its floor
    for _ in range(turns):
        x, y = y, 7 - x
    assert distance_px(Point(x / 7, y / 7), np.rot90(inside, turns)) == pytest.approx(0.5)


@given(points, masks())
@settings(deadline=None)
def test_inside_is_no_distance_away(point: Point, inside: np.ndarray) -> None:
    if in_mask([point], inside.astype(np.float32))[0]:
        assert distance_px(point, inside) == 0.0


@given(st.lists(points, max_size=5), masks())
@settings(deadline=None)
def test_fraction_is_that_of_points_inside(found: list[Point], inside: np.ndarray) -> None:
    height, width = inside.shape
    hits = [
        inside[min(math.floor(point.y * height), height - 1), min(math.floor(point.x * width), width - 1)]
        for point in found
    ]
    assert in_mask_fraction(found, inside.astype(np.float32)) == (sum(hits) / len(hits) if hits else 0.0)


def test_soft_masks_count_as_much_as_they_are_inside() -> None:
    weights = np.array([[0.25, 1.0]], np.float32)
    assert in_mask_fraction([Point(0.1, 0.5), Point(0.9, 0.5)], weights) == 0.625


def test_edges_of_the_image_lie_in_its_last_pixels() -> None:
    rows, columns = pixel_indices([Point(1.0, 1.0), Point(0.0, 0.0), Point(0.5, 0.5)], (6, 4))
    assert list(zip(columns, rows, strict=True)) == [(5, 3), (0, 0), (3, 2)]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point(0.5, 0.3), True),
        (Point(0.1, 0.1), False),
        (Point(0.5, 0.7), False),  # in the notch of the concave polygon
        (Point(0.15, 0.7), True),
        (Point(0.95, 0.5), False),
    ],
)
def test_polygons_are_taken_in_the_order_given(point: Point, expected: bool) -> None:
    concave = [(0.0, 0.2), (0.9, 0.2), (0.9, 0.9), (0.5, 0.5), (0.0, 0.9)]
    assert in_polygon(point, concave) is expected


def test_crossing_edges_leave_a_hole() -> None:
    bow_tie = [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)]
    assert in_polygon(Point(0.1, 0.5), bow_tie)
    assert not in_polygon(Point(0.5, 0.1), bow_tie)


@given(points, st.integers(3, 6), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_polygon_distance_is_that_to_its_nearest_place(point: Point, corners: int, draw: object) -> None:
    polygon = [(draw.random(), draw.random()) for _ in range(corners)]  # type: ignore[attr-defined]
    size = (20, 10)
    found = distance_polygon_px(point, polygon, size)
    if in_polygon(point, polygon):
        assert found == 0.0
        return
    along = np.linspace(0, 1, 2001)[:, None]
    edges = [
        (1 - along) * np.array(polygon[index]) + along * np.array(polygon[(index + 1) % corners])
        for index in range(corners)
    ]
    places = np.concatenate(edges) * size
    slow = np.hypot(*(places - np.array(point.pixel(size))).T).min()
    assert found == pytest.approx(slow, abs=0.02)
    assert found <= slow + 1e-9


def test_a_polygon_may_have_a_corner_twice() -> None:
    polygon = [(0.0, 0.0), (0.0, 0.0), (0.5, 0.0), (0.0, 0.5)]
    assert distance_polygon_px(Point(1.0, 0.0), polygon, (10, 10)) == pytest.approx(5.0)


def test_boxes_have_their_edges() -> None:
    box = Box(0.25, 0.25, 0.5, 0.5)
    assert in_box(Point(0.25, 0.5), box)
    assert not in_box(Point(0.51, 0.5), box)


CAMERA = Intrinsics(10.0, 10.0, 2.0, 1.0, 4, 2)


def test_metres_are_those_between_what_is_seen() -> None:
    inside = np.array([[True, True, False, False], [True, True, False, False]])
    depth = np.full((2, 4), 2.0, np.float32)
    depth[:, 3] = 3.0
    # Pixel (3, 0) at 3 m: x = 1.5 / 10 * 3, y = -0.5 / 10 * 3; the nearest of the mask is pixel (1, 0) at 2 m.
    expected = math.dist((0.45, -0.15, 3.0), (-0.1, -0.1, 2.0))
    assert distance_m(Point(0.95, 0.2), inside, depth, CAMERA) == pytest.approx(
        math.dist((0.54, -0.18, 3.0), (-0.1, -0.1, 2.0))
    )
    assert distance_m(Point(0.875, 0.25), inside, depth, CAMERA) == pytest.approx(expected)
    assert distance_m(Point(0.2, 0.2), inside, depth, CAMERA) == 0.0


@given(points, masks(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_a_window_of_the_depth_is_enough(point: Point, inside: np.ndarray, draw: object) -> None:
    height, width = inside.shape
    depth = np.array([[draw.choice([0.0, 1.0, 2.5]) for _ in range(width)] for _ in range(height)], np.float32)  # type: ignore[attr-defined]
    camera = Intrinsics(10.0, 10.0, width / 2, height / 2, width, height)
    window = window_of(point, inside)
    assert distance_m(point, inside, depth[window], camera, window) == distance_m(point, inside, depth, camera)


def test_metres_are_unknown_where_depth_is() -> None:
    inside = np.array([[True, False]])
    camera = Intrinsics(10.0, 10.0, 1.0, 0.5, 2, 1)
    assert distance_m(Point(0.9, 0.5), inside, np.array([[2.0, 0.0]], np.float32), camera) is None
    assert distance_m(Point(0.9, 0.5), inside, np.array([[np.nan, 2.0]], np.float32), camera) is None
    # Inside it is right whatever the sensor saw.
    assert distance_m(Point(0.1, 0.5), inside, np.zeros((1, 2), np.float32), camera) == 0.0
