"""Two runs over the same samples: what changed, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from roborefer.errors import InputError
from roborefer.evaluation.protocols import ProtocolName
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.statistics import PairedComparison, compare_paired
from roborefer.evaluation.summary import score_by


def compare_runs(first: RunResults, second: RunResults, seed: int = 0) -> list[tuple[str, PairedComparison]]:
    """Compares the second run with the first, by the second's protocol; see :func:`compare_scores`."""
    protocol = second.summary.protocol
    before = {key: score for key, _, score in run_scores(first, protocol)}
    return compare_scores(before, run_scores(second, protocol), seed)


def run_scores(results: RunResults, protocol: ProtocolName) -> list[tuple[str, str, float]]:
    """(key, task, score) of a run's answers, without those that the protocol leaves out."""
    scores = [(item.sample, score_by(item.score, protocol)) for item in results.scored]
    return [(sample.key, sample.task, score) for sample, score in scores if score is not None]


def compare_scores(
    before: Mapping[str, float], after: Sequence[tuple[str, str, float]], seed: int = 0
) -> list[tuple[str, PairedComparison]]:
    """(task, comparison) over the samples that both have, and ("all", ...) where there are several tasks.

    Args:
        before: The first run's, by key.
        after: (key, task, score) of the second.
        seed: Of the bootstrap and the sign flips.

    Raises:
        InputError: They have no sample in common.
    """
    tasks: dict[str, list[tuple[float, float]]] = {}
    for key, task, score in after:
        if key in before:
            tasks.setdefault(task, []).append((before[key], score))
    if not tasks:
        raise InputError("expected two runs over the same samples, got runs without any in common: compare others")
    if len(tasks) > 1:
        tasks["all"] = [pair for pairs in tasks.values() for pair in pairs]
    return [
        (task, compare_paired([first for first, _ in pairs], [second for _, second in pairs], seed))
        for task, pairs in tasks.items()
    ]
