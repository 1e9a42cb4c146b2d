"""Intervals and p-values: known cases, coverage, and the same numbers for the same seed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from roborefer.evaluation.statistics import bootstrap_interval, compare_paired


def test_the_interval_of_a_hundred_samples_is_about_ten_points() -> None:
    low, high = bootstrap_interval([1.0] * 50 + [0.0] * 50) or (0, 0)
    assert low == pytest.approx(0.40, abs=0.015)
    assert high == pytest.approx(0.60, abs=0.015)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random(37).tolist()
    assert bootstrap_interval(values, 3) == bootstrap_interval(values, 3)
    assert bootstrap_interval(values, 3) != bootstrap_interval(values, 4)


def test_equal_scores_have_no_width_and_none_have_no_interval() -> None:
    assert bootstrap_interval([0.25] * 9) == (0.25, 0.25)
    assert bootstrap_interval([]) is None


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    runs = [bootstrap_interval((generator.random(100) < 0.3).astype(float).tolist(), seed) for seed in range(100)]
    covered = sum(low <= 0.3 <= high for low, high in runs if low is not None)
    assert 88 <= covered <= 99


def slow_sign_flip_p(differences: list[float]) -> float:
    observed = abs(sum(differences))
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(total >= observed - 1e-12 for total in sums) / len(sums)


@pytest.mark.parametrize("differences", [[1.0], [1.0, 1.0, 1.0], [1.0, -1.0, 0.5, 0.5, 0.25], [0.1, 0.2, -0.3]])
def test_the_p_value_tries_all_signs(differences: list[float]) -> None:
    pair = compare_paired([0.0] * len(differences), differences)
    assert pair.p_value == pytest.approx(slow_sign_flip_p(differences))


@pytest.mark.parametrize("count", [5, 40], ids=["all signs", "drawn signs"])
def test_the_p_value_has_two_sides(count: int) -> None:
    before, after = [0.0] * count, [1.0] * (count - 1) + [-1.0]
    there, back = compare_paired(before, after), compare_paired(after, before)
    assert there.p_value == pytest.approx(back.p_value, abs=1e-3)
    assert there.difference == -back.difference
    assert back.p_value < 0.5


def test_many_differences_are_sampled_close_to_the_truth() -> None:
    # 14 better and 6 worse: the binomial test's two-sided p is 0.1153.
    pair = compare_paired([0.0] * 14 + [1.0] * 6 + [1.0] * 80, [1.0] * 14 + [0.0] * 6 + [1.0] * 80)
    assert pair.p_value == pytest.approx(0.1153, abs=0.01)
    assert (pair.better, pair.worse, pair.samples) == (14, 6, 100)
    assert pair.difference == pytest.approx(0.08)
    assert pair.interval[0] < 0.08 < pair.interval[1]
    assert (pair.first, pair.second) == (pytest.approx(0.86), pytest.approx(0.94))


def test_equal_runs_do_not_differ() -> None:
    pair = compare_paired([1.0, 0.5, 0.0], [1.0, 0.5, 0.0])
    assert (pair.p_value, pair.difference, pair.interval) == (1.0, 0.0, (0.0, 0.0))


def test_a_clear_difference_is_never_impossible() -> None:
    pair = compare_paired([0.0] * 60, [1.0] * 60)
    assert 0 < pair.p_value < 1e-4


def test_runs_of_other_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="expected scores of the same samples, got 1 and 2"):
        compare_paired([0.0], [0.0, 1.0])
