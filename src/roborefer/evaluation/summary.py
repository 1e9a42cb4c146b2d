"""From scores of samples to the numbers that are reported: by task, step count, relation and scene, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeVar

from roborefer.evaluation.protocols import DEFAULT_PROTOCOL, PROTOCOLS, ProtocolName
from roborefer.evaluation.samples import Sample
from roborefer.evaluation.scoring import SampleScore
from roborefer.evaluation.statistics import bootstrap_interval

_Name = TypeVar("_Name", int, str)


@dataclass(frozen=True)
class ScoredSample:
    """A sample, what it scored, and whether its request failed."""

    sample: Sample
    score: SampleScore
    failed: bool = False


@dataclass(frozen=True)
class Group:
    """The scores of some samples.

    Attributes:
        samples: How many.
        failed: Requests that failed; they count as wrong.
        unread: Answers without a point (or choice) that can be read; they count as wrong.
        score: Mean of the samples' scores, 0-1.
        interval: Its 95 % interval.
        hit: How often the first point is inside.
        parsed: How often there was an answer that can be read.
        median_px, mean_px: Distance of the first point from the target, pixels, over answers with a point.
        missed_px: Median of that over those outside.
        median_mm, mean_mm, missed_mm: The same in space, where depth is known.
        known_mm: Over how many answers.
        key_steps: Key steps in all; 0 where there are none.
        right_key_steps: How many of them the reasoning has right.
        protocols: Mean by the other protocols, over the answers that each keeps.
        left_out: How many answers each leaves out.
    """

    samples: int
    failed: int
    unread: int
    score: float
    interval: tuple[float, float]
    hit: float
    parsed: float
    median_px: float | None
    mean_px: float | None
    missed_px: float | None
    median_mm: float | None
    mean_mm: float | None
    missed_mm: float | None
    known_mm: int
    key_steps: int
    right_key_steps: int
    protocols: Mapping[ProtocolName, float | None]
    left_out: Mapping[ProtocolName, int]


@dataclass(frozen=True)
class Summary:
    """Groups by what they have in common; a sample is in each group of relations that it uses.

    A question that stands in two tasks is in the groups of both, and once in those over all tasks. ``protocol`` is the
    one that ``Group.score`` and its interval are by.
    """

    protocol: ProtocolName
    all: Group
    tasks: Mapping[str, Group]
    steps: Mapping[int, Group]
    tasks_steps: Mapping[str, Mapping[int, Group]]
    relations: Mapping[str, Group]
    scenes: Mapping[str, Group]


def summarize(
    scored: Sequence[ScoredSample], protocol: ProtocolName = DEFAULT_PROTOCOL, seed: int = 0
) -> Summary:  # fmt: skip
    """Summarises at least one sample.

    Args:
        scored: The samples.
        protocol: By which the scores are; samples that it does not know (choices) keep their own.
        seed: Of the bootstrap.
    """

    def group_of(items: Sequence[ScoredSample]) -> Group:
        return _group_of(items, protocol, seed)

    tasks = _split(scored, lambda item: [item.sample.task])
    once = [item for item in scored if not item.sample.repeated] or scored
    return Summary(
        protocol=protocol,
        all=group_of(once),
        tasks={task: group_of(items) for task, items in tasks.items()},
        steps=_sorted_groups(_split(once, _steps), group_of),
        tasks_steps={task: _sorted_groups(_split(items, _steps), group_of) for task, items in tasks.items()},
        relations=_sorted_groups(_split(once, lambda item: item.sample.relations), group_of),
        scenes=_sorted_groups(_split(once, _scenes), group_of),
    )


def _group_of(scored: Sequence[ScoredSample], protocol: ProtocolName, seed: int) -> Group:
    """The numbers of one group of at least one sample."""
    scores = [item.score for item in scored]
    values = [value for score in scores if (value := score_by(score, protocol)) is not None]
    pixels = [score.distance_px for score in scores if score.distance_px is not None]
    millimetres = [score.error_mm for score in scores if score.error_mm is not None]
    steps = [right for score in scores for right in score.key_steps or ()]
    failed = sum(item.failed for item in scored)
    parsed = sum(score.parsed for score in scores)
    protocols, left_out = _protocols(scores)
    return Group(
        samples=len(scored),
        failed=failed,
        unread=len(scored) - failed - parsed,
        score=fmean(values) if values else 0.0,
        interval=bootstrap_interval(values, seed) or (0.0, 0.0),
        hit=fmean(score.hit for score in scores),
        parsed=parsed / len(scored),
        median_px=_of(median, pixels),
        mean_px=_of(fmean, pixels),
        missed_px=_of(median, [distance for distance in pixels if distance > 0]),
        median_mm=_of(median, millimetres),
        mean_mm=_of(fmean, millimetres),
        missed_mm=_of(median, [error for error in millimetres if error > 0]),
        known_mm=len(millimetres),
        key_steps=len(steps),
        right_key_steps=sum(steps),
        protocols=protocols,
        left_out=left_out,
    )


def score_by(score: SampleScore, protocol: ProtocolName) -> float | None:
    """A sample's score by a protocol; None where that leaves the answer out."""
    return score.protocols.get(protocol, score.score)


def _protocols(scores: Sequence[SampleScore]) -> tuple[dict[ProtocolName, float | None], dict[ProtocolName, int]]:
    means: dict[ProtocolName, float | None] = {}
    left_out: dict[ProtocolName, int] = {}
    if not any(score.protocols for score in scores):
        return means, left_out
    for name in PROTOCOLS:
        values = [score_by(score, name) for score in scores]
        kept = [value for value in values if value is not None]
        means[name] = _of(fmean, kept)
        left_out[name] = len(values) - len(kept)
    return means, left_out


def _of(statistic: Callable[[list[float]], float], values: list[float]) -> float | None:
    return float(statistic(values)) if values else None


def _steps(item: ScoredSample) -> list[int]:
    return [] if item.sample.step is None else [item.sample.step]


def _scenes(item: ScoredSample) -> list[str]:
    return [] if item.sample.scene is None else [item.sample.scene]


def _sorted_groups(
    groups: Mapping[_Name, list[ScoredSample]], group_of: Callable[[list[ScoredSample]], Group]
) -> dict[_Name, Group]:
    return {name: group_of(groups[name]) for name in sorted(groups)}


def _split(
    scored: Sequence[ScoredSample], names: Callable[[ScoredSample], Iterable[_Name]]
) -> dict[_Name, list[ScoredSample]]:
    groups: dict[_Name, list[ScoredSample]] = {}
    for item in scored:
        for name in names(item):
            groups.setdefault(name, []).append(item)
    return groups
