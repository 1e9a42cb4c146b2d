"""The model card says what the runs say, and shows what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.runner import RunResults, RunSettings, evaluate
from roborefer.training.pointing.model_card import CardRuns, depth_gain, failures_picture, write_card

from ...evaluation.made_up import (  # noqa: TID252 - shared benchmarks
    INSIDE,
    OUTSIDE,
    question,
    write_questions,
    write_refspatial,
)


class Answers:
    """A backend that says the same thing each time."""

    def __init__(self, text: str) -> None:
        self.text = text

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        return [Reply(self.text) for _ in questions]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_refspatial(tmp_path_factory.mktemp("bench"), {"Location": 12, "Placement": 4})
    write_questions(folder, "Location", [question(number, relations=["far", "left"]) for number in range(12)])
    return folder


def results(bench: Path, text: str) -> RunResults:
    return evaluate(open_benchmark(bench), Answers(text), RunSettings("made up"))


def test_the_card_has_the_numbers_of_each_run(bench: Path, tmp_path: Path) -> None:
    runs = CardRuns(results(bench, INSIDE), results(bench, OUTSIDE), results(bench, "no point"))
    write_card("tiny", runs, {"Weights": "few"}, tmp_path)
    card = (tmp_path / "README.md").read_text("utf-8")
    assert card.startswith("# tiny\n")
    assert "- Weights: few\n" in card
    assert "| Location | 12 | 100.0 (100-100) | 0.0 (0-0) | 0.0 (0-0) |\n" in card
    assert "| Placement | 2 | 1 | 100.0 | 0.0 | 0.0 |\n".replace("2 | 1", "1 | 2") in card
    assert "| far | 12 | 100.0 | 0.0 | 0.0 |\n" in card
    assert "With steps, 0.0 % of answers can be read.\n" in card
    assert "Over the 12 questions that use a relation in depth" in card
    assert "100.0 % with depth, 0.0 % without." in card
    assert not (tmp_path / "failures.jpg").exists()  # with depth, all are right


def test_failures_are_shown(bench: Path, tmp_path: Path) -> None:
    wrong = results(bench, OUTSIDE)
    write_card("tiny", CardRuns(wrong, wrong, wrong), {}, tmp_path)
    assert "![failures](failures.jpg)" in (tmp_path / "README.md").read_text("utf-8")
    with Image.open(tmp_path / "failures.jpg") as picture:
        assert picture.width > 1000  # four in a row
    assert failures_picture(results(bench, INSIDE)) is None


def test_depth_gain_counts_questions_once(bench: Path) -> None:
    right, wrong = results(bench, INSIDE), results(bench, OUTSIDE)
    assert depth_gain(CardRuns(right, wrong, right)) == (1.0, 0.0, 12)
