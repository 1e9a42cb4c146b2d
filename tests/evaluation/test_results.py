"""results.json, tables, and the file for RoboSpatial-Eval."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.comparison import check_same_questions, compare_runs, compare_scores, run_names
from roborefer.evaluation.model_fingerprint import folder_fingerprint
from roborefer.evaluation.results_file import read_results, results_content, scores_by, write_results
from roborefer.evaluation.robospatial_eval import is_robospatial, robospatial_results
from roborefer.evaluation.runner import RunResults, RunSettings, evaluate
from roborefer.evaluation.table import comparison_table, results_table

from .local_server import by_number
from .made_up import INSIDE, cell, picture, write_parquet, write_refspatial


class Told:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        return [self._reply(question) for question in questions]

    def _reply(self, question: Question) -> Reply:
        if not self.answers:
            return Reply(by_number(question.text))
        text = self.answers.pop(0)
        return Reply(text, None if text is not None else "HTTP 500: no")


@pytest.fixture
def results(tmp_path: Path) -> RunResults:
    folder = write_refspatial(tmp_path / "bench", {"Location": 6, "Placement": 4})
    return evaluate(open_benchmark(folder), Told(), RunSettings("a model"))


TABLE = """\
task        n         score [95 %]  first point   read                 px off
-----------------------------------------------------------------------------
Location    6   66.7 [33.3, 100.0]         66.7  100.0  0.0 (17.5 of misses)
Placement   4    50.0 [0.0, 100.0]         50.0  100.0  8.7 (17.5 of misses)
all        10    60.0 [30.0, 90.0]         60.0  100.0  0.0 (17.5 of misses)

protocol        Location  Placement   all
-----------------------------------------
strict (above)      66.7       50.0  60.0
published           66.7       50.0  60.0
lmms-eval           66.7       50.0  60.0
easi                66.7       50.0  60.0

steps   Location  Placement
---------------------------
1       0.0 of 2   0.0 of 2
2      100.0 of 2  100.0 of 1
3      100.0 of 2  100.0 of 1"""


def test_the_table(results: RunResults) -> None:
    told, expected = results_table(results).split("\n"), TABLE.split("\n")
    # Widths and rules are another test's.
    assert [line.replace("-", "").split() for line in told] == [line.replace("-", "").split() for line in expected]


def test_tables_have_aligned_columns(results: RunResults) -> None:
    for block in results_table(results).split("\n\n"):
        head, rule, *rows = block.split("\n")
        assert set(rule) == {"-"}
        assert len(rule) == max(len(head), *map(len, rows))


def test_choices_have_no_first_point(tmp_path: Path) -> None:
    row = {"data_source": "mp3d", "question_id": "q", "question": "Which?", "relation": "close", "answer": 1,
           "image": cell(picture()), "answer_options": ["a cup", "a pen"]}  # fmt: skip
    benchmark = open_benchmark(write_parquet(tmp_path / "test.parquet", [row]))
    table = results_table(evaluate(benchmark, Told("(B)"), RunSettings("m")))
    assert "first point" not in table
    assert "mp3d  1  100.0 [100.0, 100.0]  100.0" in table


def test_a_comparison_tells_what_changed(results: RunResults) -> None:
    better = evaluate(results.benchmark, Told(*[INSIDE] * 10), RunSettings("b"))
    table = comparison_table(("a", "b"), compare_runs(results, better))
    assert [line.split() for line in table.split("\n")][2:] == [
        ["Location", "6", "66.7", "100.0", "+33.3", "[+0.0,", "+66.7]", "0.500", "2", "0"],
        ["Placement", "4", "50.0", "100.0", "+50.0", "[+0.0,", "+100.0]", "0.500", "2", "0"],
        ["all", "10", "60.0", "100.0", "+40.0", "[+10.0,", "+70.0]", "0.125", "4", "0"],
    ]


def test_results_are_written_and_read(results: RunResults, tmp_path: Path) -> None:
    write_results(tmp_path / "results.json", results)
    content = read_results(tmp_path)
    assert content["format"] == "roborefer-evaluation-1"
    assert content["benchmark"]["tasks"] == {"Location": 6, "Placement": 4}
    assert content["settings"]["model"] == "a model"
    assert content["summary"]["all"]["score"] == pytest.approx(0.6)
    assert content["summary"]["tasks_steps"]["Location"]["2"]["score"] == 1.0
    sample = content["samples"][0]
    assert (sample["key"], sample["points"], sample["score"]) == ("Location/0", [[0.1, 0.1]], 0.0)
    assert sample["distance_px"] == pytest.approx(17.4642, abs=1e-4)
    assert len(content["samples"]) == 10
    scores = scores_by(content, "published")
    assert scores["Location/1"] == 1.0
    assert len(scores) == 10


def test_what_a_protocol_leaves_out_has_no_score(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path / "bench", {"Location": 2})
    failed = evaluate(open_benchmark(folder), Told(None, INSIDE), RunSettings("m"))
    write_results(tmp_path / "results.json", failed)
    content = read_results(tmp_path)
    assert scores_by(content, "published") == {"Location/1": 1.0}
    assert content["failed"] == [{"key": "Location/0", "error": "HTTP 500: no"}]
    assert "failed" in results_table(failed)
    assert "50.0 (1 left out)" not in results_table(failed)
    assert "100.0 (1 left out)" in results_table(failed)


@pytest.mark.parametrize(
    "content", [None, "{}", "broken", '{"format": "other"}', '{"format": "roborefer-evaluation-1"}']
)
def test_a_folder_without_results(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError) as caught:
        read_results(tmp_path)
    assert str(caught.value) == f"expected a run's folder with its results.json, got {tmp_path}: finish that run first"


def test_a_run_over_something_else_is_not_compared(results: RunResults, tmp_path: Path) -> None:
    content = results_content(results)
    check_same_questions(content, results.benchmark)
    name = results.benchmark.name
    other = open_benchmark(write_refspatial(tmp_path / "other", {"Nowhere": 1}))
    with pytest.raises(InputError) as caught:
        check_same_questions(content, other)
    assert str(caught.value) == (
        f"expected --compare of a run over the samples of {name}, got one over {name} without any of them"
    )
    changed = content["samples"][1] | {"prompt": "Point elsewhere."}
    content["samples"] = [content["samples"][0], changed, *content["samples"][2:]]
    with pytest.raises(InputError) as caught:
        check_same_questions(content, results.benchmark)
    assert str(caught.value) == (
        f"expected --compare of a run over {name}, got one over {name} with another question as {changed['key']}"
    )
    content["benchmark"]["name"] = "Where2Place"
    with pytest.raises(InputError, match=r"^expected --compare of a run over .*, got one over Where2Place with"):
        check_same_questions(content, results.benchmark)


def test_questions_of_two_tasks_are_compared_once_in_all() -> None:
    after = [("Location/0", "Location", 1.0, False), ("Location/1", "Location", 0.0, False)]
    after += [("Unseen/0", "Unseen", 1.0, True)]
    pairs = dict(compare_scores({"Location/0": 0.0, "Location/1": 0.0, "Unseen/0": 0.0}, after))
    assert {name: pair.samples for name, pair in pairs.items()} == {"Location": 2, "Unseen": 1, "all": 2}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"model": "x/b"}, ["a, depth none", "b, depth none"]),
        ({"depth": "given"}, ["depth none", "depth given"]),
        ({"reasoning": True}, ["depth none", "depth none, reasoning"]),
        ({}, ["depth none (first)", "depth none (second)"]),
    ],
)
def test_runs_have_names_that_tell_them_apart(changes: dict[str, object], names: list[str]) -> None:
    first = {"model": "runs/a/", "depth": "none", "reasoning": False}
    assert run_names([first, first | changes]) == names


def test_the_file_for_robospatial_eval(tmp_path: Path) -> None:
    rows = [
        {"category": "context", "question": "Where is space?", "answer": "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.6)]"},
        {"category": "configuration", "question": "Is it left?", "answer": "yes"},
        {"category": "context", "question": "Where else?", "answer": "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.6)]"},
    ]
    write_parquet(tmp_path / "test.parquet", [row | {"img": cell(picture(n))} for n, row in enumerate(rows)])
    answers = ("<think>(0.9, 0.9)</think><answer>(0.4, 0.2)</answer>", "Yes, it is.", None)
    results = evaluate(open_benchmark(tmp_path), Told(*answers), RunSettings("m"))
    assert is_robospatial(results)
    assert robospatial_results(results) == [
        {"img": "images/img_context_0.png", "category": "context", "question": "Where is space?",
         "answer": "[(0.400, 0.200)]"},
        {"img": "images/img_configuration_0.png", "category": "configuration", "question": "Is it left?",
         "answer": "Yes, it is."},
        {"img": "images/img_context_1.png", "category": "context", "question": "Where else?", "answer": ""},
    ]  # fmt: skip
    assert [item.score.score for item in results.scored] == [1.0, 1.0, 0.0]
    json.dumps(robospatial_results(results), allow_nan=False)


def test_other_runs_have_no_such_file(results: RunResults) -> None:
    assert not is_robospatial(results)


def test_weights_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "llm").mkdir(parents=True)
    (folder / "llm" / "model.safetensors").write_bytes(bytes(300_000))
    (folder / "config.json").write_text("{}")
    before = folder_fingerprint(folder)
    copy = tmp_path / "copy"
    (copy / "llm").mkdir(parents=True)
    for name in ("llm/model.safetensors", "config.json"):
        (copy / name).write_bytes((folder / name).read_bytes())
    assert folder_fingerprint(copy) == before
    (copy / "llm" / "model.safetensors").write_bytes(bytes(300_001))
    assert folder_fingerprint(copy) != before
    (copy / "llm" / "model.safetensors").write_bytes(bytes(300_000))
    assert folder_fingerprint(copy) == before
    changed = bytearray(300_000)
    changed[150_000] = 1
    (folder / "llm" / "model.safetensors").write_bytes(changed)
    assert folder_fingerprint(folder) != before
    (copy / "config.json").write_text("{ }")
    assert folder_fingerprint(copy) != before
