"""Picks questions out of a data folder to be looked at, spread over all of it and over all kinds; counts the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from roborefer.answers import write_answer
from roborefer.errors import InputError
from roborefer.geometry.depth import read_depth
from roborefer.images import read_image, source_name
from roborefer.refspatial.benchmark_split import BENCHMARK_FORMAT, read_questions
from roborefer.refspatial.contact_sheet import SheetEntry
from roborefer.refspatial.reader import Turn, read_scene_file, turns_of
from roborefer.refspatial.run_folder import (
    FORMAT,
    IMAGES,
    METRIC_DEPTHS,
    SHARDS,
    read_manifest,
    read_records,
    read_shard,
)
from roborefer.refspatial.run_length import decode_mask
from roborefer.refspatial.split_choice import SPLITS
from roborefer.refspatial.statistics import Statistics
from roborefer.structures import Point


def inspected(folder: Path, count: int) -> tuple[list[SheetEntry], dict[str, Any]]:
    """Up to ``count`` questions to look at, and the statistics of all, of a run's folder or a benchmark's.

    Raises:
        InputError: It is neither, or a file cannot be read.
    """
    if read_manifest(folder, (FORMAT, BENCHMARK_FORMAT))["format"] == BENCHMARK_FORMAT:
        return entries_of_benchmark(folder, count), count_benchmark(folder).to_json()
    statistics = count_run(folder)
    return entries_of_run(folder, count), statistics.to_json()


def count_run(folder: Path) -> Statistics:
    """Counts everything in a run's finished shards.

    Raises:
        InputError: It is no such folder, or a file cannot be read.
    """
    statistics = Statistics()
    for record in read_records(folder):
        statistics.add_record(record)
        if record["scene"] not in statistics.scenes:
            views = read_scene_file(folder, record["scene"])["views"]
            statistics.add_scene(record["scene"], views[0]["objects"])
    if not statistics.questions:
        raise InputError(
            f"expected at least one finished shard, got none in {source_name(folder)}: "
            "run the same `roborefer generate` again, it goes on where it stopped"
        )
    return statistics


def entries_of_run(folder: Path, count: int) -> list[SheetEntry]:
    """Up to ``count`` questions: from shards spread evenly over the run, each time of the kind seen least so far."""
    shards = sorted((folder / SHARDS).glob("shard_*.jsonl"))
    spread = np.linspace(0, len(shards) - 1, min(count, len(shards))).round().astype(int).tolist()
    pools = [_questions_of(shards[index]) for index in spread]
    chosen: list[_Question] = []
    seen: Counter[str] = Counter()
    while len(chosen) < count and any(pools):
        for pool in pools:
            if pool and len(chosen) < count:
                # Fewest of its kind first, then fewest of its template, then in order.
                best = min(pool, key=lambda question: (seen[question.kind], seen[question.template]))
                pool.remove(best)
                seen.update((best.kind, best.template))
                chosen.append(best)
    return [_entry(folder, question) for question in chosen]


def count_benchmark(folder: Path) -> Statistics:
    """Counts the questions of a benchmark's three splits."""
    statistics = Statistics()
    for split in SPLITS:
        for question in read_questions(folder, split):
            statistics.images.add(f"{split}/{question['rgb_path']}")
            statistics.scenes.add(str(question["scene_seed"]))
            statistics.add_question(question["prompt"], split, question["relations"], question["step"])
    return statistics


def entries_of_benchmark(folder: Path, count: int) -> list[SheetEntry]:
    """Up to ``count`` questions, spread evenly over each split in turn."""
    entries = []
    for number, split in enumerate(SPLITS):
        questions = read_questions(folder, split)
        share = (count + number) // len(SPLITS)
        spread = np.linspace(0, len(questions) - 1, min(share, len(questions))).round().astype(int).tolist()
        entries += [_benchmark_entry(folder / split, questions[index]) for index in spread]
    return entries


def _benchmark_entry(folder: Path, question: Mapping[str, Any]) -> SheetEntry:
    points = tuple(Point(x, y) for x, y in question["answer"])
    return SheetEntry(
        name=f"{folder.name}/{question['id']}",
        kind=question["category"],
        text=question["prompt"],
        answer=write_answer(points),
        images=(read_image(folder / question["rgb_path"]),),
        depth_m=read_depth(folder / question["metric_depth_path"]).metres,
        points=points,
        mask=np.asarray(read_image(folder / question["mask_path"]))[..., 0] > 0,
        relations=tuple(question["relations"]),
        step_count=question["step"],
    )


@dataclass(frozen=True, eq=False)
class _Question:
    record: Mapping[str, Any]
    turn: Turn

    @property
    def kind(self) -> str:
        return str(self.turn.fields["kind"])

    @property
    def template(self) -> str:
        return str(self.turn.fields["template"])


def _questions_of(shard: Path) -> list[_Question]:
    """Turn by turn over all records, so that the first few are about different pictures."""
    asked = [[_Question(record, turn) for turn in turns_of(record)] for record in read_shard(shard)]
    return [question for turns in zip_longest(*asked) for question in turns if question is not None]


def _entry(folder: Path, question: _Question) -> SheetEntry:
    record, turn = question.record, question.turn
    mask = turn.fields["mask"]
    return SheetEntry(
        name=record["id"],
        kind=question.kind,
        text=turn.text,
        answer=turn.answer,
        images=tuple(read_image(folder / IMAGES / name) for name in record["image"]),
        depth_m=read_depth(folder / METRIC_DEPTHS / record["metric_depth"][0]).metres,
        steps=turn.steps,
        points=turn.points,
        mask=None if mask is None else decode_mask(mask),
        relations=tuple(turn.fields["relations"]),
        step_count=turn.fields["step_count"],
    )
