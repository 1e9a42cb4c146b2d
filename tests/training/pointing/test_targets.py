"""Regions as shares of cells, and what a heatmap should look like: against a loop over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roborefer.training.pointing.targets import region_cells, target_distribution

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def slow_region_cells(mask: np.ndarray, side: int) -> np.ndarray:
    """Pixel by pixel: a pixel belongs to the cell that holds its centre."""
    height, width = mask.shape
    counts, xs, ys = np.zeros(side * side), np.zeros(side * side), np.zeros(side * side)
    for row in range(height):
        for column in range(width):
            if mask[row, column]:
                x, y = (column + 0.5) / width * side, (row + 0.5) / height * side
                cell = int(y) * side + int(x)
                counts[cell] += 1
                xs[cell] += x - int(x)
                ys[cell] += y - int(y)
    pixels_of_a_cell = height * width / side**2
    shares = np.minimum(counts / pixels_of_a_cell, 1)
    middle = np.where(counts > 0, (xs, ys) / np.maximum(counts, 1), 0.5)
    return np.stack([shares, *middle])


@settings(deadline=None, max_examples=60)
@given(MASKS, st.integers(1, 8))
def test_shares_and_middles_are_those_of_the_pixels(mask: np.ndarray, side: int) -> None:
    cells = region_cells(mask, side)
    assert cells.dtype == np.float32
    np.testing.assert_allclose(cells, slow_region_cells(mask, side), atol=1e-5)


def test_a_region_of_whole_cells_has_whole_shares() -> None:
    mask = np.zeros((12, 16), bool)
    mask[3:6, 4:12] = True
    cells = region_cells(mask, 4)
    expected = np.zeros((4, 4))
    expected[1, 1:3] = 1
    np.testing.assert_array_equal(cells[0].reshape(4, 4), expected)
    np.testing.assert_allclose(cells[1:], 0.5)


def test_the_middle_of_a_part_of_a_cell_lies_in_that_part() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0:2, 2:4] = True  # the upper right quarter of the first of 2x2 cells
    cells = region_cells(mask, 2)
    assert cells[:, 0] == pytest.approx([0.25, 0.75, 0.25])


# ---- what a heatmap should look like ---------------------------------------------------------------------------------


def slow_distribution(cells: np.ndarray, center: tuple[float, float] | None, side: int) -> np.ndarray:
    """Squared shares, for an object under a bell around its point that is as wide as a third of the object."""
    weights = np.zeros(side * side)
    area = cells[0].sum() / side**2
    spread = max(0.5 / side, 0.35 * area**0.5)
    for cell in range(side * side):
        weights[cell] = cells[0, cell] ** 2
        if center is not None:
            x, y = (cell % side + cells[1, cell]) / side, (cell // side + cells[2, cell]) / side
            away = ((x - center[0]) ** 2 + (y - center[1]) ** 2) / spread**2
            weights[cell] *= np.exp(-away / 2)
    return weights / weights.sum()


@settings(deadline=None, max_examples=60)
@given(MASKS.filter(np.any), st.integers(1, 8), st.booleans(), st.data())
def test_a_distribution_sums_to_one_inside_of_its_region(
    mask: np.ndarray, side: int, is_place: bool, data: st.DataObject
) -> None:
    cells = region_cells(mask, side)
    rows, columns = np.nonzero(mask)
    chosen = data.draw(st.integers(0, len(rows) - 1))
    center = ((columns[chosen] + 0.5) / mask.shape[1], (rows[chosen] + 0.5) / mask.shape[0])
    wanted = target_distribution(cells, None if is_place else center, side)
    assert wanted.dtype == np.float32
    assert wanted.sum() == pytest.approx(1, abs=1e-5)
    assert (wanted >= 0).all()
    assert not wanted[cells[0] == 0].any()
    np.testing.assert_allclose(wanted, slow_distribution(cells, None if is_place else center, side), atol=1e-4)


def test_all_whole_cells_of_a_place_are_alike() -> None:
    mask = np.zeros((16, 16), bool)
    mask[2:9, 4:12] = True  # the upper row of cells is half in it
    wanted = target_distribution(region_cells(mask, 4), None, 4).reshape(4, 4)
    assert wanted[1, 1] == wanted[1, 2] == wanted.max()
    assert wanted[0, 1] == pytest.approx(wanted[1, 1] / 4)


def test_an_object_is_pointed_at_where_its_point_is() -> None:
    mask = np.zeros((32, 32), bool)
    mask[4:28, 4:28] = True
    wanted = target_distribution(region_cells(mask, 8), (0.55, 0.7), 8).reshape(8, 8)
    assert np.unravel_index(wanted.argmax(), wanted.shape) == (5, 4)
    assert wanted[5, 4] > 3 * wanted[1, 1]


def test_a_point_far_from_its_region_leaves_the_region() -> None:
    mask = np.zeros((320, 320), bool)
    mask[0, 0] = True
    wanted = target_distribution(region_cells(mask, 32), (1.0, 1.0), 32)
    assert wanted[0] == pytest.approx(1)


def test_no_region_no_distribution() -> None:
    assert not target_distribution(region_cells(np.zeros((8, 8), bool), 4), None, 4).any()
