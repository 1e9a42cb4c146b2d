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

from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.images import one_line, read_image, source_name
from roborefer.refspatial.held_out import held_out_combination
from roborefer.refspatial.run_folder import DEPTHS, IMAGES, METRIC_DEPTHS, SCENES, SHARDS
from roborefer.refspatial.run_length import decode_mask
from roborefer.training.pointing.labels import dense_labels
from roborefer.training.pointing.mirror import mirrored, mirrored_relations
from roborefer.training.pointing.taught_view import TaughtPoint, TaughtQuestion, TaughtView

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
# An absent thing is asked for in few words more often than a present one, which needs some to be told apart. Those that
# are not announced ("answer [] if ...") are drawn less, or a bare name would come to mean that nothing is there.
_UNANNOUNCED = 0.3
# Share of answers with a single point that are taught only up to where it opens.
_ENDS_AT_OPENING = 0.8


@dataclass(frozen=True)
class _Place:
    """Where the records of one view are, and its picture."""

    folder: Path
    image: str
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
        bare: Share of questions that are asked by their phrase alone: "the red mug".
        mirrored: Share of visits that show the view as in a mirror.

    Raises:
        InputError: a folder holds no shard, or its shards no view.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        questions: int,
        reasoning: float,
        reasoning_request: str,
        seed: int,
        bare: float = 0.0,
        mirrored: float = 0.0,
    ) -> None:
        self._places = [place for folder in folders for place in _index(folder)]
        self._questions, self._reasoning, self._seed = questions, reasoning, seed
        self._request, self._bare, self._mirrored = reasoning_request, bare, mirrored

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
        in_mirror = random.random() < self._mirrored
        try:
            scene = _scene_view(place.folder, records[0])
            masks = {int(key): decode_mask(mask) for key, mask in scene["masks"].items()}
            turns = [turn for record in records for turn in _turns(record) if _may_be_asked(turn, in_mirror=in_mirror)]
            questions = tuple(self._question(turn, masks, random) for turn in self._draw(turns, random))
            view = TaughtView(
                image=read_image(place.folder / IMAGES / records[0]["image"][0]),
                depth=read_image(place.folder / DEPTHS / records[0]["depth"][0]),
                questions=questions,
                labels=dense_labels(scene, masks, _metres(place.folder, records[0])),
            )
            return mirrored(view) if in_mirror else view
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(
                f"expected records of `roborefer generate sim` in {source_name(place.shard)}, got others "
                f"({type(error).__name__}: {one_line(error)}): generate the folder again"
            ) from error

    def name(self, number: int) -> str:
        """The path of a view's picture."""
        place = self._places[number]
        return source_name(place.folder / IMAGES / place.image)

    def _draw(self, turns: list[_Turn], random: np.random.Generator) -> list[_Turn]:
        """Some of a view's questions, without repetition, kinds by their weights."""
        # Exponential races: the k smallest times are a weighted draw without replacement.
        weights = np.array([_weight(turn) for turn in turns])
        times = random.exponential(size=len(turns)) / np.maximum(weights, 1e-9)
        order = np.argsort(times)[: self._questions]
        return [turns[index] for index in order if weights[index] > 0]

    def _question(
        self, turn: _Turn, masks: Mapping[int, NDArray[np.bool_]], random: np.random.Generator
    ) -> TaughtQuestion:
        fields = turn.fields
        text = _bare(turn) if random.random() < self._bare else turn.text
        if fields["kind"] not in _POINTING:
            return TaughtQuestion(text, turn.answer, ())
        region = None if fields["mask"] is None else decode_mask(fields["mask"])
        is_place = fields["kind"] == "placement"
        points = tuple(TaughtPoint(x, y, region, is_place) for x, y in fields["points"])
        points = tuple(replace(point, anchors=_anchors(fields, points, masks)) for point in points)
        if turn.thinking and random.random() < self._reasoning:
            answer = f"<think>\n{turn.thinking}\n</think><answer>{turn.answer}</answer>"
            steps = _step_points(fields, points, masks)
            return TaughtQuestion(f"{text} {self._request}", answer, (*steps, *points))
        ends_at_opening = random.random() < _ENDS_AT_OPENING
        return TaughtQuestion(text, turn.answer, points, ends_at_opening)


def _may_be_asked(turn: _Turn, *, in_mirror: bool) -> bool:
    """Whether a question combines relations that training may see: "behind and left" is not for a mirror."""
    relations = turn.fields["relations"]
    return held_out_combination(mirrored_relations(relations) if in_mirror else relations) is None


def _weight(turn: _Turn) -> float:
    """How often a question is drawn, next to the others of its view."""
    weight = _KIND_WEIGHTS.get(turn.fields["kind"], 0.0)
    is_unannounced = turn.fields["kind"] == "absent" and not turn.fields["template"].endswith("-hint")
    return weight * _UNANNOUNCED if is_unannounced else weight


def _bare(turn: _Turn) -> str:
    """The phrase of a question that asks for something; else the question."""
    asks_for_something = turn.fields["kind"] in (*_POINTING, "absent")
    return turn.fields["phrase"] if asks_for_something and turn.fields["phrase"] else turn.text


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
    return [_Place(folder, name.decode().strip('"'), shard, tuple(lines)) for name, lines in views.items()]
