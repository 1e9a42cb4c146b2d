"""Views of generated scenes as a small model is taught from them: one picture, many questions, regions and labels.

Reads folders that ``roborefer generate sim`` wrote. A view's questions stand in several records; here they come
together, and every visit draws some of them afresh.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.run_folder import DEPTHS, IMAGES, METRIC_DEPTHS, SCENES, SHARDS
from roborefer.refspatial.run_length import decode_mask
from roborefer.training.pointing.labels import DenseLabels, dense_labels

# A record begins with its id and the names of its pictures; masks make the rest of the line long.
_IMAGE = re.compile(rb'"image": \[([^\]]*)\]')
_HEAD_BYTES = 400
# How often a question of a kind is drawn, next to the others; kinds that are not here never are.
_KIND_WEIGHTS: Mapping[str, float] = {
    "location": 1.0,
    "placement": 1.0,
    "absent": 0.5,
    "choice": 0.06,
    "fact": 0.06,
    "quantity": 0.03,
}
_POINTING = ("location", "placement")
# Share of answers with a single point that are taught only up to where it opens.
_ENDS_AT_OPENING = 0.8


@dataclass(frozen=True, eq=False)
class TaughtPoint:
    """A point that the text holds.

    Attributes:
        x, y: As written, 0-1.
        region: (H, W) bool, every pixel that is right; None where nobody knows.
        is_place: A free place, of which every part is as good.
        anchors: (H, W) bool each: the things by which it is described, if any.
    """

    x: float
    y: float
    region: NDArray[np.bool_] | None
    is_place: bool
    anchors: tuple[NDArray[np.bool_], ...] = ()


@dataclass(frozen=True, eq=False)
class TaughtQuestion:
    """One question about a view.

    Attributes:
        text, answer: As the model is asked and as it should write.
        points: Of the answer's text, in the order in which it writes them.
        ends_at_opening: Teach the answer only up to where its point opens.
    """

    text: str
    answer: str
    points: tuple[TaughtPoint, ...]
    ends_at_opening: bool = False


@dataclass(frozen=True, eq=False)
class TaughtView:
    """One view.

    Attributes:
        image: 8-bit RGB.
        depth: The depth tower's picture, 8-bit RGB.
        questions: Drawn for this visit.
        labels: What every part of the picture shows.
    """

    image: Image.Image
    depth: Image.Image
    questions: tuple[TaughtQuestion, ...]
    labels: DenseLabels


@dataclass(frozen=True)
class _Place:
    """Where the records of one view are."""

    folder: Path
    shard: Path
    lines: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Turn:
    """A question as a record has it, with our fields and the reasoning."""

    text: str
    answer: str
    fields: Mapping[str, Any]
    thinking: str


class ViewFolder:
    """All views of one or more generated folders, by number.

    Args:
        folders: Of ``roborefer generate sim``; shards that are there by now are read.
        questions: How many are drawn for each visit of a view.
        reasoning: Share of pointing questions that are answered with steps.
        reasoning_request: What stands behind a question that asks for steps.
        seed: Of the drawing.

    Raises:
        InputError: a folder holds no shard, or its shards no view.
    """

    def __init__(
        self, folders: Sequence[Path], *, questions: int, reasoning: float, reasoning_request: str, seed: int
    ) -> None:
        self._places = [place for folder in folders for place in _index(folder)]
        self._questions, self._reasoning, self._seed = questions, reasoning, seed
        self._request = reasoning_request

    def __len__(self) -> int:
        return len(self._places)

    def view(self, number: int, visit: int) -> TaughtView:
        """The view, with the questions that this visit draws.

        Raises:
            InputError: one of its files is missing or broken.
        """
        place = self._places[number]
        records = _records(place)
        random = np.random.default_rng((self._seed, number, visit))
        try:
            scene = _scene_view(place.folder, records[0])
            masks = {int(key): decode_mask(mask) for key, mask in scene["masks"].items()}
            turns = [turn for record in records for turn in _turns(record)]
            questions = tuple(self._question(turn, masks, random) for turn in self._draw(turns, random))
            return TaughtView(
                image=read_image(place.folder / IMAGES / records[0]["image"][0]),
                depth=read_image(place.folder / DEPTHS / records[0]["depth"][0]),
                questions=questions,
                labels=dense_labels(scene, masks, _metres(place.folder, records[0])),
            )
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(
                f"expected records of `roborefer generate sim` in {source_name(place.shard)}, got others "
                f"({type(error).__name__}: {one_line(error)}): generate the folder again"
            ) from error

    def _draw(self, turns: list[_Turn], random: np.random.Generator) -> list[_Turn]:
        """Some of a view's questions, without repetition, kinds by their weights."""
        # Exponential races: the k smallest times are a weighted draw without replacement.
        weights = np.array([_KIND_WEIGHTS.get(turn.fields["kind"], 0.0) for turn in turns])
        times = random.exponential(size=len(turns)) / np.maximum(weights, 1e-9)
        order = np.argsort(times)[: self._questions]
        return [turns[index] for index in order if weights[index] > 0]

    def _question(
        self, turn: _Turn, masks: Mapping[int, NDArray[np.bool_]], random: np.random.Generator
    ) -> TaughtQuestion:
        fields = turn.fields
        if fields["kind"] not in _POINTING:
            return TaughtQuestion(turn.text, turn.answer, ())
        region = None if fields["mask"] is None else decode_mask(fields["mask"])
        is_place = fields["kind"] == "placement"
        points = tuple(TaughtPoint(x, y, region, is_place) for x, y in fields["points"])
        points = tuple(replace(point, anchors=_anchors(fields, points, masks)) for point in points)
        if turn.thinking and random.random() < self._reasoning:
            answer = f"<think>\n{turn.thinking}\n</think><answer>{turn.answer}</answer>"
            steps = _step_points(fields, points, masks)
            return TaughtQuestion(f"{turn.text} {self._request}", answer, (*steps, *points))
        ends_at_opening = random.random() < _ENDS_AT_OPENING
        return TaughtQuestion(turn.text, turn.answer, points, ends_at_opening)


def _anchors(
    fields: Mapping[str, Any], answers: Sequence[TaughtPoint], masks: Mapping[int, NDArray[np.bool_]]
) -> tuple[NDArray[np.bool_], ...]:
    """The things that the steps name on the way to the answer, each once."""
    steps = _step_points(fields, answers, masks)
    found = [step.region for step in steps if step.region is not None and all(step is not each for each in answers)]
    return tuple({id(region): region for region in found}.values())


def _step_points(
    fields: Mapping[str, Any], answers: Sequence[TaughtPoint], masks: Mapping[int, NDArray[np.bool_]]
) -> list[TaughtPoint]:
    """The Positions of the steps: what a step names is the answer at its point, or the thing whose mask holds it."""
    points = []
    for step in fields["steps"]:
        if step["kind"] == "Position":
            x, y = step["value"]
            answer = next((point for point in answers if (point.x, point.y) == (x, y)), None)
            if answer is not None and answer.region is not None:
                points.append(answer)
            else:
                is_place = answer is not None and answer.is_place
                points.append(TaughtPoint(x, y, _thing_at(x, y, masks), is_place))
    return points


def _thing_at(x: float, y: float, masks: Mapping[int, NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
    for mask in masks.values():
        height, width = mask.shape
        if mask[min(int(y * height), height - 1), min(int(x * width), width - 1)]:
            return mask
    return None


def _turns(record: Mapping[str, Any]) -> list[_Turn]:
    said = [turn["value"] for turn in record["conversations"]]
    thoughts = [thought["thinking"] for thought in record["think"]]
    turns = zip(said[::2], said[1::2], record["questions"], thoughts, strict=True)
    return [_Turn(text, answer, fields, thinking) for text, answer, fields, thinking in turns]


def _scene_view(folder: Path, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the scene file says of a record's view."""
    path = folder / SCENES / record["scene"]
    try:
        content: Mapping[str, Any] = json.loads(path.read_bytes())["views"][record["views"][0]]
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the scene {source_name(path)}: {one_line(error)}; generate it again") from error
    return content


def _metres(folder: Path, record: Mapping[str, Any]) -> NDArray[np.float32]:
    path = folder / METRIC_DEPTHS / record["metric_depth"][0]
    metres = read_depth(path).metres
    if metres is None:
        raise InputError(f"expected 16-bit depth in {source_name(path)}, got 8 bit: generate the folder again")
    return metres


def _records(place: _Place) -> list[dict[str, Any]]:
    records = []
    try:
        with place.shard.open("rb") as file:
            for start, length in place.lines:
                file.seek(start)
                records.append(json.loads(file.read(length)))
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the shard {source_name(place.shard)}: {one_line(error)}; it has changed since it was opened"
        ) from error
    return records


def _index(folder: Path) -> list[_Place]:
    """The views of a folder; records of two views or of a picture with marks are left out."""
    shards = sorted((folder / SHARDS).glob("shard_*.jsonl"))
    places = [place for shard in shards for place in _places(folder, shard)]
    if not places:
        found = "none in their records" if shards else "no shard"
        raise InputError(
            f"expected a folder of `roborefer generate sim` with views, got {found} in {source_name(folder)}: "
            "name another folder"
        )
    return places


def _places(folder: Path, shard: Path) -> list[_Place]:
    views: dict[bytes, list[tuple[int, int]]] = {}
    start = 0
    with shard.open("rb") as file:
        for number, line in enumerate(file, start=1):
            found = _IMAGE.search(line[:_HEAD_BYTES])
            if found is None:
                raise InputError(
                    f"expected a record that begins with its image, got something else in line {number} of "
                    f"{source_name(shard)}: generate the folder again"
                )
            if b"," not in found[1] and b"marks" not in found[1]:
                views.setdefault(found[1], []).append((start, len(line)))
            start += len(line)
    return [_Place(folder, shard, tuple(lines)) for lines in views.values()]
