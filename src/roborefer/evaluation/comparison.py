"""Two runs over the same samples: what changed, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.protocols import ProtocolName
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import Benchmark
from roborefer.evaluation.statistics import PairedComparison, compare_paired
from roborefer.evaluation.summary import score_by

Scored = tuple[str, str, float, bool]
"""A sample's key, task and score, and whether another task asks the same, too."""


def run_names(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Short names that tell runs apart.

    Args:
        settings: Of one run or of two, as ``results.json`` holds them.
    """
    models = {setting["model"] for setting in settings}
    names = []
    for setting in settings:
        parts = [] if len(settings) > 1 and len(models) == 1 else [setting["model"].rstrip("/").split("/")[-1]]
        parts.append(f"depth {setting['depth']}")
        names.append(", ".join([*parts, *(["reasoning"] if setting["reasoning"] else [])]))
    if len(set(names)) < len(names):
        names = [f"{name} ({place})" for name, place in zip(names, ("first", "second"), strict=False)]
    return names


def check_same_questions(content: Mapping[str, Any], benchmark: Benchmark) -> None:
    """Refuses another run whose samples only have the same keys, before a model is asked.

    Args:
        content: What its ``results.json`` holds.
        benchmark: What is to be asked.

    Raises:
        InputError: It is a run over another benchmark, or has no sample in common with this one.
    """
    name = content["benchmark"]["name"]
    prompts = {sample["key"]: sample.get("prompt") for sample in content["samples"]}
    shared = [sample for sample in benchmark.samples if sample.key in prompts]
    if not shared:
        raise InputError(
            f"expected --compare of a run over the samples of {benchmark.name}, got one over {name} without any of them"
        )
    other = [sample.key for sample in shared if prompts[sample.key] not in (None, sample.prompt)]
    if name != benchmark.name or other:
        asked = f" with another question as {other[0]}" if other else ""
        raise InputError(f"expected --compare of a run over {benchmark.name}, got one over {name}{asked}")


def compare_runs(first: RunResults, second: RunResults, seed: int = 0) -> list[tuple[str, PairedComparison]]:
    """Compares the second run with the first, by the second's protocol; see :func:`compare_scores`."""
    protocol = second.summary.protocol
    before = {key: score for key, _, score, _ in run_scores(first, protocol)}
    return compare_scores(before, run_scores(second, protocol), seed)


def run_scores(results: RunResults, protocol: ProtocolName) -> list[Scored]:
    """A run's scores, without those of answers that the protocol leaves out."""
    scores = [(item.sample, score_by(item.score, protocol)) for item in results.scored]
    return [(sample.key, sample.task, score, sample.repeated) for sample, score in scores if score is not None]


def compare_scores(
    before: Mapping[str, float], after: Sequence[Scored], seed: int = 0
) -> list[tuple[str, PairedComparison]]:
    """(task, comparison) over the samples that both have, and ("all", ...) where there are several tasks.

    Args:
        before: The first run's, by key.
        after: Those of the second.
        seed: Of the bootstrap and the sign flips.

    Raises:
        InputError: They have no sample in common.
    """
    tasks: dict[str, list[tuple[float, float]]] = {}
    once: list[tuple[float, float]] = []
    for key, task, score, repeated in after:
        if key in before:
            tasks.setdefault(task, []).append((before[key], score))
            once += [(before[key], score)] * (not repeated)
    if not tasks:
        raise InputError("expected two runs over the same samples, got runs without any in common: compare others")
    if len(tasks) > 1:
        tasks["all"] = once or [pair for pairs in tasks.values() for pair in pairs]
    return [
        (task, compare_paired([first for first, _ in pairs], [second for _, second in pairs], seed))
        for task, pairs in tasks.items()
    ]
