"""How sure a number is: intervals of a mean, and whether two runs over the same samples differ.

Everything is seeded: the same scores give the same intervals and p-values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
FLIPS = 20_000
"""Sign flips drawn for a p-value, where there are too many to try all."""

_MOST_EXACT = 16  # 2 ** 16 sign patterns are all tried
_LEVEL = 0.95


@dataclass(frozen=True)
class PairedComparison:
    """Two runs over the same samples.

    Attributes:
        samples: How many both have.
        first, second: Mean scores.
        difference: second - first.
        interval: 95 % of the difference, by bootstrap over samples.
        p_value: Two-sided, by sign flips of the differences; 1.0 where no sample differs.
        better, worse: Samples on which the second run scores higher, and lower.
    """

    samples: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    better: int
    worse: int


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float] | None:
    """The 95 % interval of a mean: percentiles of the means of samples drawn again with replacement.

    Returns:
        (low, high); None without values.
    """
    if not len(values):
        return None
    scores = np.asarray(values, np.float64)
    low, high = np.quantile(_resampled_means(scores, seed), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def compare_paired(first: Sequence[float], second: Sequence[float], seed: int = 0) -> PairedComparison:
    """Compares two runs sample by sample.

    The p-value is that of the sign-flip (permutation) test: if the runs were alike, each difference could as well
    have had the other sign. Up to 16 samples that differ all patterns are tried; above, 20,000 are drawn.

    Args:
        first, second: Scores of the same samples in the same order; at least one.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(f"expected scores of the same samples, got {len(first)} and {len(second)}")
    before, after = np.asarray(first, np.float64), np.asarray(second, np.float64)
    differences = after - before
    interval = bootstrap_interval(differences.tolist(), seed)
    assert interval is not None
    return PairedComparison(
        samples=len(differences),
        first=float(before.mean()),
        second=float(after.mean()),
        difference=float(differences.mean()),
        interval=interval,
        p_value=_sign_flip_p(differences[differences != 0], seed),
        better=int((differences > 0).sum()),
        worse=int((differences < 0).sum()),
    )


def _resampled_means(scores: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    block = max(1, 2_000_000 // len(scores))  # a block's indices stay within 16 MB
    for start in range(0, RESAMPLES, block):
        stop = min(start + block, RESAMPLES)
        means[start:stop] = scores[generator.integers(0, len(scores), (stop - start, len(scores)))].mean(axis=1)
    return means


def _sign_flip_p(differences: NDArray[np.float64], seed: int) -> float:
    count = len(differences)
    if not count:
        return 1.0
    observed = abs(float(differences.sum())) - 1e-9  # sums that differ by rounding alone are equal
    if count <= _MOST_EXACT:
        patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return float((np.abs((1 - 2 * patterns) @ differences) >= observed).mean())
    generator = np.random.default_rng(seed)
    extreme = 0
    block = max(1, 4_000_000 // count)
    for start in range(0, FLIPS, block):
        signs = 1 - 2 * generator.integers(0, 2, (min(block, FLIPS - start), count), np.int8)
        extreme += int((np.abs(signs @ differences) >= observed).sum())
    return (extreme + 1) / (FLIPS + 1)
