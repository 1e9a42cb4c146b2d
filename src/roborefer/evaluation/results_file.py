"""``results.json``: everything that was measured, and for each sample what it takes to check it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from roborefer.errors import InputError
from roborefer.evaluation.protocols import ProtocolName
from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.scoring import SampleScore
from roborefer.evaluation.summary import Group, ScoredSample
from roborefer.images import source_name
from roborefer.refspatial.atomic_files import write_json
from roborefer.structures import Point, Step

RESULTS = "results.json"
RESULTS_FORMAT = "roborefer-evaluation-1"
_PARTS = {"benchmark", "settings", "summary", "samples"}


def write_results(path: Path, results: RunResults) -> None:
    """Writes ``results.json``, whole or not at all."""
    write_json(path, results_content(results))


def results_content(results: RunResults) -> dict[str, Any]:
    """What ``results.json`` holds, JSON-ready. Scores are 0-1, distances pixels and millimetres."""
    summary = results.summary
    return {
        "format": RESULTS_FORMAT,
        "version": version("roborefer"),
        "benchmark": {
            "name": results.benchmark.name,
            "source": results.benchmark.source,
            "tasks": {task: group.samples for task, group in summary.tasks.items()},
            "notes": list(results.benchmark.notes),
        },
        "settings": asdict(results.settings),
        "protocol": summary.protocol,
        "summary": {
            "all": _group(summary.all),
            "tasks": _groups(summary.tasks),
            "steps": _groups(summary.steps),
            "tasks_steps": {task: _groups(groups) for task, groups in summary.tasks_steps.items()},
            "relations": _groups(summary.relations),
            "scenes": _groups(summary.scenes),
        },
        "failed": [{"key": line.key, "error": line.error} for line in results.failed],
        "samples": [_sample(results, item) for item in results.scored],
    }


def _groups(groups: Mapping[Any, Group]) -> dict[str, Any]:
    return {str(name): _group(group) for name, group in groups.items()}


def _group(group: Group) -> dict[str, Any]:
    return {**asdict(group), "interval": list(group.interval)}


def _sample(results: RunResults, item: ScoredSample) -> dict[str, Any]:
    line = results.answers[item.sample.key]
    return {
        "key": item.sample.key,
        "task": item.sample.task,
        "step": item.sample.step,
        "relations": list(item.sample.relations),
        "scene": item.sample.scene,
        "repeated": item.sample.repeated,
        "prompt": item.sample.prompt,
        "question": line.question,
        "raw": line.raw,
        "error": line.error,
        "seconds": line.seconds,
        **_score(item.score),
    }


def _score(score: SampleScore) -> dict[str, Any]:
    return {
        "score": score.score,
        "hit": score.hit,
        "parsed": score.parsed,
        "points": [list(point) for point in score.points],
        "distance_px": score.distance_px,
        "error_mm": score.error_mm,
        "protocols": dict(score.protocols),
        "steps": [step_content(step) for step in score.steps],
        "key_steps": None if score.key_steps is None else list(score.key_steps),
        "problem": score.problem,
    }


def step_content(step: Step) -> dict[str, Any]:
    """A step as JSON: two numbers of a Position, three of an Orientation, the metres of a Size."""
    value: Any = step.value
    if isinstance(value, Point):
        value = [value.x, value.y]
    elif isinstance(value, tuple):
        value = list(value)
    return {"kind": step.kind, "target": step.target, "value": value}


def read_results(folder: Path) -> dict[str, Any]:
    """What a run's ``results.json`` holds.

    Raises:
        InputError: The folder has no such file of ours.
    """
    path = folder / RESULTS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != RESULTS_FORMAT or not content.keys() >= _PARTS:
            raise ValueError(content["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"expected a run's folder with its {RESULTS}, got {source_name(folder)}: finish that run first"
        ) from error
    return dict(content)


def scores_by(content: Mapping[str, Any], protocol: ProtocolName) -> dict[str, float]:
    """A run's scores by key; answers that the protocol leaves out are not among them."""
    scores = {sample["key"]: sample["protocols"].get(protocol, sample["score"]) for sample in content["samples"]}
    return {key: score for key, score in scores.items() if score is not None}
