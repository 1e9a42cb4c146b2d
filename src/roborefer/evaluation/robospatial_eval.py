"""The file that RoboSpatial-Eval takes: ``[{"img", "category", "question", "answer"}, ...]``.

Its script matches records by question and picture, letter for letter, and leaves those that it does not find out of
its denominator; so every sample is in the file, those that failed with an empty answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roborefer.answers import parse_answer, write_answer
from roborefer.evaluation.profiles import PROFILES
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import PolygonTarget, Sample
from roborefer.refspatial.atomic_files import write_json

ROBOSPATIAL_RESULTS = "robospatial_results.json"


def is_robospatial(results: RunResults) -> bool:
    """Whether a run's samples are those of RoboSpatial-Home."""
    return all("img" in item.sample.extra for item in results.scored)


def write_robospatial_results(path: Path, results: RunResults) -> None:
    """Writes the file, whole or not at all."""
    write_json(path, robospatial_results(results))


def robospatial_results(results: RunResults) -> list[dict[str, Any]]:
    """What the file holds. Points are written as the benchmark writes them, whatever the model's own form was."""
    return [{**item.sample.extra, "answer": _answer(item.sample, results)} for item in results.scored]


def _answer(sample: Sample, results: RunResults) -> str:
    line = results.answers[sample.key]
    if line.raw is None:
        return ""
    size = line.seen_size or sample.image_size
    answer = parse_answer(line.raw, form=PROFILES[results.settings.profile].form, image_size=size)
    if isinstance(sample.target, PolygonTarget) and answer.points and 0 not in answer.refused:
        return write_answer(answer.points)
    return answer.text
