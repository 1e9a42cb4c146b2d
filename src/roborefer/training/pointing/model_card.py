"""The model card of a trained pointing model: what it scores, where it fails, and how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from roborefer.evaluation.runner import RunResults
from roborefer.evaluation.samples import MaskTarget, read_mask
from roborefer.evaluation.summary import Group
from roborefer.images import read_image
from roborefer.structures import Point, Prediction
from roborefer.viz.pictures import contact_sheet, draw_prediction

DEPTH_RELATIONS = ("close", "far", "front", "behind", "depth", "distance", "between", "inside")
"""The relations for which depth should help."""

_FAILURES = 12
_RIGHT_TINT = np.array((80, 230, 130), np.float64)


@dataclass(frozen=True)
class CardRuns:
    """What a card reports: one benchmark, asked in three ways.

    Attributes:
        rgbd: With depth.
        rgb: Without.
        reasoning: With depth, and steps before the answer.
    """

    rgbd: RunResults
    rgb: RunResults
    reasoning: RunResults


def write_card(name: str, runs: CardRuns, facts: Mapping[str, Any], folder: Path) -> None:
    """Writes ``README.md`` and ``failures.jpg``.

    Args:
        name: Of the model.
        runs: Its results.
        facts: How it was made, a line each.
        folder: The checkpoint's.
    """
    failures = failures_picture(runs.rgbd)
    lines = [
        f"# {name}",
        "",
        "A small model that points, made by this project from its own simulated scenes; no other data was used.",
        "It knows tables, desks, shelves, counters and floors with everyday things, as the simulator draws them. On",
        "photographs it shows how the parts work together; expect it to fail where things look different.",
        "",
        *(f"- {key}: {value}" for key, value in facts.items()),
        "",
        "## RefSpatial-Sim-Bench",
        "",
        f"Score: share of answers inside the mask (protocol `{runs.rgbd.summary.protocol}`), with 95 % intervals; "
        "greedy. The benchmark's scenes, object shapes and, in Unseen, combinations of relations are not in training.",
        "",
        *_table(("task", "n", "RGB-D", "RGB", "RGB-D, with steps"), _task_rows(runs)),
        "",
        _key_steps(runs.reasoning.summary.all),
        "",
        "### By steps",
        "",
        *_table(("task", "steps", "n", "RGB-D", "RGB", "RGB-D, with steps"), _step_rows(runs)),
        "",
        "### By relation",
        "",
        "A question counts for each relation that it uses.",
        "",
        *_table(("relation", "n", "RGB-D", "RGB", "RGB-D, with steps"), _relation_rows(runs)),
        "",
        _depth_line(runs),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    if failures is not None:
        failures.save(folder / "failures.jpg", quality=80)
        lines += [
            "",
            "## Failures",
            "",
            "Pink: the answer. Green: what would have been right.",
            "",
            "![failures](failures.jpg)",
        ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", "utf-8")


def failures_picture(results: RunResults) -> Image.Image | None:
    """Some wrong answers, evenly drawn over the tasks; None if all are right."""
    wrong = [item for item in results.scored if not item.score.hit and isinstance(item.sample.target, MaskTarget)]
    if not wrong:
        return None
    chosen = [wrong[index] for index in np.linspace(0, len(wrong) - 1, min(_FAILURES, len(wrong))).astype(int)]
    pictures, captions = [], []
    for item in chosen:
        sample = item.sample
        assert isinstance(sample.target, MaskTarget)
        image = _tinted(read_image(sample.images[0]), read_mask(sample.target, sample.image_size).inside)
        points = tuple(Point(x, y) for x, y in item.score.points if 0 <= x <= 1 and 0 <= y <= 1)
        drawn = draw_prediction(image, Prediction(points, sample.image_size, raw=""))
        pictures.append(drawn.crop((0, 0, image.width, image.height)).resize((320, 320 * image.height // image.width)))
        captions.append(f"{sample.task}: {sample.object}")
    return contact_sheet(pictures, captions, columns=4)


def _tinted(image: Image.Image, mask: np.ndarray) -> Image.Image:
    pixels = np.asarray(image, np.float64).copy()
    pixels[mask] = 0.45 * pixels[mask] + 0.55 * _RIGHT_TINT
    return Image.fromarray(pixels.round().astype(np.uint8))


def _task_rows(runs: CardRuns) -> Iterable[Sequence[str]]:
    for task, group in runs.rgbd.summary.tasks.items():
        others = [run.summary.tasks[task] for run in (runs.rgb, runs.reasoning)]
        yield (task, str(group.samples), *(_score(each, interval=True) for each in (group, *others)))


def _step_rows(runs: CardRuns) -> Iterable[Sequence[str]]:
    for task, steps in runs.rgbd.summary.tasks_steps.items():
        for step, group in steps.items():
            others = [run.summary.tasks_steps[task][step] for run in (runs.rgb, runs.reasoning)]
            yield (task, str(step), str(group.samples), *(_score(each) for each in (group, *others)))


def _relation_rows(runs: CardRuns) -> Iterable[Sequence[str]]:
    for relation, group in runs.rgbd.summary.relations.items():
        others = [run.summary.relations[relation] for run in (runs.rgb, runs.reasoning)]
        yield (relation, str(group.samples), *(_score(each) for each in (group, *others)))


def depth_gain(runs: CardRuns) -> tuple[float, float, int]:
    """Scores with and without depth over the questions that use a relation of :data:`DEPTH_RELATIONS`, and how many
    these are."""
    scores = []
    for run in (runs.rgbd, runs.rgb):
        asked = [item for item in run.scored if set(item.sample.relations) & set(DEPTH_RELATIONS)]
        scores.append(float(np.mean([item.score.score for item in asked])) if asked else 0.0)
    count = sum(1 for item in runs.rgbd.scored if set(item.sample.relations) & set(DEPTH_RELATIONS))
    return scores[0], scores[1], count


def _depth_line(runs: CardRuns) -> str:
    rgbd, rgb, count = depth_gain(runs)
    names = ", ".join(DEPTH_RELATIONS)
    return (
        f"Over the {count} questions that use a relation in depth ({names}): {100 * rgbd:.1f} % with depth, "
        f"{100 * rgb:.1f} % without."
    )


def _key_steps(group: Group) -> str:
    parsed = f"With steps, {100 * group.parsed:.1f} % of answers can be read"
    if not group.key_steps:
        return f"{parsed}."
    return (
        f"{parsed}, and {100 * group.right_key_steps / group.key_steps:.1f} % of {group.key_steps} key steps are right."
    )


def _score(group: Group, *, interval: bool = False) -> str:
    if not interval:
        return f"{100 * group.score:.1f}"
    return f"{100 * group.score:.1f} ({100 * group.interval[0]:.0f}-{100 * group.interval[1]:.0f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *body]
