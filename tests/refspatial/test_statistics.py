"""Counting: each thing once, in one pass, and in an order that does not depend on chance."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.errors import InputError
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.inspection import count_run
from roborefer.refspatial.run_folder import opened_run, read_records
from roborefer.refspatial.statistics import Statistics, by_count, in_bins, in_order, without_gaps
from roborefer.refspatial.wording import question_proper

from .asked_scenes import made_up_scene

SETTINGS = GenerationSettings(5, 3, ((96, 72),), views=(1, 2), scenes_per_shard=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    generate(folder, SETTINGS, make_scene=made_up_scene)
    return folder


def test_a_run_is_counted_as_a_slow_count_says(run: Path) -> None:
    counted = count_run(run).to_json()
    records = list(read_records(run))
    turns = [turn for record in records for turn in record["questions"]]
    assert counted["records"] == len(records)
    assert counted["questions"] == len(turns)
    assert counted["scenes"] == 5
    assert counted["images"] == len({name for record in records for name in record["image"]})
    assert counted["kinds"] == Counter(turn["kind"] for turn in turns)
    assert counted["relations"] == Counter(name for turn in turns for name in turn["relations"])
    assert counted["steps"] == Counter(str(turn["step_count"]) for turn in turns)
    assert counted["categories"] == {"apple": 5, "book": 5, "mug": 5}
    assert counted["objects_per_scene"] == {"3": 5}
    assert sum(counted["words_per_question"].values()) == len(turns)
    assert json.loads(json.dumps(counted)) == counted


def test_words_are_those_of_the_question_proper() -> None:
    statistics = Statistics()
    statistics.add_question("Is it 0.20 m to the mug's handle?", "fact", (), 1)
    ending = "Your answer should be formatted as a tuple, i.e. [(x, y)]."
    statistics.add_question(f"Point to the mug. {ending}", "location", ("left", "left"), 2, "location-1")
    counted = statistics.to_json()
    assert counted["words_per_question"] == {"4": 1, "8": 1}
    assert counted["mean_words"] == 6.0
    assert counted["vocabulary"] == 10
    assert counted["relations"] == {"left": 1}
    assert counted["relations_per_question"] == {"0": 1, "1": 1}
    assert counted["templates"] == {"location-1": 1}


def test_nothing_at_all_is_counted_as_nothing() -> None:
    counted = Statistics().to_json()
    assert (counted["questions"], counted["mean_words"], counted["kinds"]) == (0, 0.0, {})


def test_a_scene_counts_once() -> None:
    statistics = Statistics()
    for _ in range(2):
        statistics.add_scene("a", [{"category": "mug", "color": "red"}, {"category": "mug", "color": None}])
    assert statistics.to_json()["categories"] == {"mug": 2}
    assert statistics.to_json()["colors"] == {"none": 1, "red": 1}


def test_order() -> None:
    assert list(by_count({"b": 1, "c": 3, "a": 1})) == ["c", "a", "b"]
    assert list(in_order({10: 1, 2: 1})) == ["2", "10"]
    assert without_gaps({"2": 1, "4": 3}) == {"2": 1, "3": 0, "4": 3}
    assert without_gaps({}) == {}


@given(st.dictionaries(st.integers(0, 60), st.integers(1, 5)), st.integers(1, 10))
def test_bins_hold_everything_and_leave_no_gap(counter: dict[int, int], width: int) -> None:
    bins = in_bins({str(number): count for number, count in counter.items()}, width)
    assert sum(bins.values()) == sum(counter.values())
    edges = [tuple(int(edge) for edge in name.split("-")) for name in bins]
    assert all(last + 1 == first for (_, last), (first, _) in itertools.pairwise(edges))
    for first, last in edges:
        assert bins[f"{first}-{last}"] == sum(counter.get(number, 0) for number in range(first, last + 1))


@pytest.mark.parametrize(
    ("text", "proper"),
    [
        ("Point to the cup.", "Point to the cup."),
        ("Point to the cup. Please provide its 2D coordinates.", "Point to the cup."),
        ("Point to the scissors. Please provide their 2D coordinates.", "Point to the scissors."),
        ("Where is it?\nYour answer should be formatted as a list\nof tuples.", "Where is it?"),
    ],
)
def test_endings_are_left_out(text: str, proper: str) -> None:
    assert question_proper(text) == proper


def test_a_run_without_a_shard_is_one_line(tmp_path: Path) -> None:
    settings: dict[str, Any] = {}
    with opened_run(tmp_path, settings):
        pass
    with pytest.raises(InputError) as caught:
        count_run(tmp_path)
    assert str(caught.value) == (
        f"expected at least one finished shard, got none in {tmp_path}: "
        "run the same `roborefer generate` again, it goes on where it stopped"
    )
