"""Hills of a heatmap: as somebody would find them who climbs cell by cell."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from roborefer.models.heatmap_hills import _BLUR, Hill, find_hills

Cell = tuple[int, int]


def neighbours(cell: Cell, side: int) -> list[Cell]:
    """The cell and those around it, in raster order."""
    rows = range(max(0, cell[0] - 1), min(side, cell[0] + 2))
    return [(row, column) for row in rows for column in range(max(0, cell[1] - 1), min(side, cell[1] + 2))]


def slow_hills(table: np.ndarray) -> dict[Cell, list[Cell]]:
    """The cells of every hill, by its top: each cell climbs to the highest of its neighbours."""
    side = len(table)
    kernel = torch.tensor(_BLUR)
    blurred = np.zeros((side, side), np.float32)
    for row, column in np.ndindex(side, side):
        for r, c in neighbours((row, column), side):
            blurred[row, column] += table[r, c] * float(kernel[r - row + 1] * kernel[c - column + 1])
    hills = defaultdict(list)
    for start in np.ndindex(side, side):
        cell, before = start, None
        while cell != before:
            before = cell
            cell = max(neighbours(cell, side), key=lambda each: blurred[each])
        hills[cell].append(start)
    return hills


def best_cell(hill: Hill, side: int) -> Cell:
    """Which of a hill's cells counts most."""
    row, column = divmod(int(hill.cells[hill.weights.argmax()]), side)
    return row, column


def of(table: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(table / table.sum()).float()


def test_a_large_thing_outweighs_a_small_one_with_a_higher_peak() -> None:
    table = np.full((16, 16), 1e-6)
    table[2, 2] = 0.15
    table[9:14, 6:11] = 0.02
    table[11, 8] = 0.024  # a plateau has its top in the middle
    hills = find_hills(of(table))
    assert [best_cell(hill, 16) for hill in hills] == [(11, 8), (2, 2)]
    assert [hill.share for hill in hills] == pytest.approx([0.77, 0.23], abs=0.02)


def test_of_two_with_the_same_weight_the_steeper_one_wins() -> None:
    table = np.full((16, 16), 1e-9)
    table[2, 2] = 0.3
    table[10, 4:12] = 0.3 / 8
    table[10, 8] += 0.001
    assert best_cell(find_hills(of(table))[0], 16) == (2, 2)


def test_rivals_are_other_hills_from_the_most_likely_on() -> None:
    table = np.full((16, 16), 1e-7)
    table[2, 2] = 0.5
    table[2, 5] = 0.15  # three cells from the best one
    table[10, 4] = 0.11
    table[13, 13], table[12, 12] = 0.09, 0.08
    table[8, 15] = 0.03  # less than a tenth of the best one
    hills = find_hills(of(table))
    assert [best_cell(hill, 16) for hill in hills] == [(2, 2), (13, 13), (10, 4)]
    assert [hill.share for hill in hills] == pytest.approx([0.52, 0.18, 0.115], abs=0.01)


@pytest.mark.parametrize(
    ("elsewhere", "expected"), [(0.0, (27 / 28, 1 / 28)), (0.6, (0.75, 0.25))], ids=["sure", "unsure"]
)
def test_the_top_is_the_mean_of_the_cells_that_hold_it(elsewhere: float, expected: tuple[float, float]) -> None:
    """Of a cell that holds more than half of everything its neighbours count less: cubes instead of plain weights."""
    table = np.full((8, 8), 1e-9)
    table[3, 3], table[3, 4], table[7, 7] = 0.3, 0.1, elsewhere
    hill = next(hill for hill in find_hills(of(table)) if best_cell(hill, 8) == (3, 3))
    weights = {divmod(int(cell), 8): float(weight) for cell, weight in zip(hill.cells, hill.weights, strict=True)}
    assert len(weights) <= 9
    assert (weights[3, 3], weights[3, 4]) == pytest.approx(expected, abs=1e-3)


def test_an_even_heatmap_is_one_hill() -> None:
    hills = find_hills(torch.full((4, 4), 1 / 16))
    assert len(hills) == 1
    assert hills[0].share == pytest.approx(1, abs=0.6)


@settings(deadline=None, max_examples=60)
@given(arrays(np.float32, st.tuples(st.integers(1, 9)).map(lambda side: side * 2), elements=st.floats(0, 8, width=32)))
def test_hills_are_those_of_a_slow_climber(scores: np.ndarray) -> None:
    # Equal scores would let rounding decide which way a climber goes.
    scores = scores + np.random.default_rng(0).random(scores.shape, np.float32)
    table = torch.from_numpy(scores * 3).flatten().softmax(0).reshape(scores.shape)
    found = find_hills(table)
    side = len(scores)
    slow = slow_hills(table.numpy())
    weight = {top: sum(float(table[cell]) for cell in cells) for top, cells in slow.items()}
    top_of = {cell: top for top, cells in slow.items() for cell in cells}
    tops = [top_of[best_cell(hill, side)] for hill in found]
    assert len(set(tops)) == len(tops)
    for hill, top in zip(found, tops, strict=True):
        assert hill.share == pytest.approx(min(1.0, weight[top]), rel=1e-3)
        assert float(hill.weights.sum()) == pytest.approx(1, abs=1e-4)
        assert all(top_of[divmod(int(cell), side)] == top for cell in hill.cells)

    def steep(top: Cell) -> float:
        near = [[float(table[each]) for each in neighbours(cell, side)] for cell in slow[top]]
        return weight[top] + max(sum(values) for values in near)

    assert steep(tops[0]) == pytest.approx(max(map(steep, slow)), rel=1e-3)
    shares = [hill.share for hill in found]
    assert 1 <= len(found) <= 5
    assert shares[1:] == sorted(shares[1:], reverse=True)
    assert all(share >= 0.1 * shares[0] for share in shares)
