"""Runs with made-up backends: batches, resuming, failures, and runs that are not the same."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from roborefer.errors import InputError
from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.backends.local import LocalBackend
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.comparison import compare_runs
from roborefer.evaluation.runner import RunResults, RunSettings, evaluate, score_run
from roborefer.evaluation.samples import Benchmark, Mask, MaskTarget, read_mask

from .local_server import by_number, number_in
from .made_up import INSIDE, OUTSIDE, cell, mask, picture, save, write_parquet, write_refspatial

SETTINGS = RunSettings("a model")


@dataclass
class Told:
    """A backend that answers by the number of the cup, and remembers what it was asked."""

    fails: frozenset[int] = frozenset()
    stops_before: int = 10**9
    batches: list[list[str]] = field(default_factory=list)

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        if sum(map(len, self.batches)) >= self.stops_before:
            raise KeyboardInterrupt
        self.batches.append([question.text for question in questions])
        return [
            Reply(None, "HTTP 500: no", attempts=3) if number_in(question.text) in self.fails
            else Reply(by_number(question.text))
            for question in questions
        ]  # fmt: skip

    @property
    def asked(self) -> int:
        return sum(map(len, self.batches))


@pytest.fixture
def benchmark(tmp_path: Path) -> Benchmark:
    return open_benchmark(write_refspatial(tmp_path / "bench", {"Location": 12, "Placement": 4}))


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]


# Of the numbers 0-11: 0, 3, 6 are outside, 9 says nothing; of 0-3: 0 and 3 are outside.
def check_scores(results: RunResults) -> None:
    assert results.summary.tasks["Location"].score == pytest.approx(8 / 12)
    assert results.summary.tasks["Placement"].score == pytest.approx(2 / 4)
    assert results.summary.all.score == pytest.approx(10 / 16)
    assert results.summary.all.unread == 1


def test_a_run_without_a_folder(benchmark: Benchmark) -> None:
    check_scores(evaluate(benchmark, Told(), SETTINGS))


def test_every_sample_is_asked_once_and_written_down(benchmark: Benchmark, tmp_path: Path) -> None:
    backend = Told()
    told: list[int] = []
    check_scores(evaluate(benchmark, backend, SETTINGS, tmp_path / "run", on_answers=told.append))
    assert backend.asked == len(lines(tmp_path / "run")) == 16
    assert sum(told) == 16
    question = lines(tmp_path / "run")[0]["question"]
    assert str(question).startswith("Please point out cup 0. Your answer should be formatted as a list of tuples")


def test_questions_about_equal_pictures_are_asked_together(benchmark: Benchmark) -> None:
    # Cup 0 of both tasks is seen in the same picture, and so on.
    backend = Told()
    check_scores(evaluate(benchmark, backend, SETTINGS))
    assert [len(batch) for batch in backend.batches] == [2, 2, 2, 2] + [1] * 8
    backend = Told()
    check_scores(evaluate(benchmark, backend, SETTINGS, batch_size=1))
    assert [len(batch) for batch in backend.batches] == [1] * 16


def test_threads_give_the_same_scores(benchmark: Benchmark, tmp_path: Path) -> None:
    check_scores(evaluate(benchmark, Told(), SETTINGS, tmp_path / "run", batch_size=1, workers=4))
    assert len({line["key"] for line in lines(tmp_path / "run")}) == 16


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_that_is_stopped_goes_on(benchmark: Benchmark, tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        evaluate(benchmark, Told(stops_before=5), SETTINGS, folder, batch_size=1, workers=workers)
    answered = len(lines(folder))
    assert 5 <= answered < 16
    # The kill came in the middle of a line.
    path = folder / "answers.jsonl"
    path.write_bytes(path.read_bytes() + b'{"key": "Location/')
    backend = Told()
    check_scores(evaluate(benchmark, backend, SETTINGS, folder, batch_size=1, workers=workers))
    assert backend.asked == 16 - answered
    assert len(lines(folder)) == 16


def test_nothing_is_asked_when_all_is_answered(benchmark: Benchmark, tmp_path: Path) -> None:
    evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")
    backend = Told()
    check_scores(evaluate(benchmark, backend, SETTINGS, tmp_path / "run"))
    assert backend.asked == 0


def test_a_limited_run_can_be_extended(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path / "bench", {"Location": 12, "Placement": 4})
    evaluate(open_benchmark(folder, limit=2), Told(), SETTINGS, tmp_path / "run")
    backend = Told()
    check_scores(evaluate(open_benchmark(folder), backend, SETTINGS, tmp_path / "run"))
    assert backend.asked == 12


def test_failures_count_as_wrong_and_are_listed(benchmark: Benchmark, tmp_path: Path) -> None:
    results = evaluate(benchmark, Told(fails=frozenset({1})), SETTINGS, tmp_path / "run")
    assert [(line.key, line.error, line.attempts) for line in results.failed] == [
        ("Location/1", "HTTP 500: no", 3), ("Placement/1", "HTTP 500: no", 3),
    ]  # fmt: skip
    assert (results.summary.all.failed, results.summary.all.unread) == (2, 1)
    assert results.summary.all.score == pytest.approx(8 / 16)
    # The published protocol leaves them out of the denominator, as its scorer does.
    assert results.summary.all.protocols["published"] == pytest.approx(8 / 14)
    assert results.summary.all.left_out["published"] == 2
    assert results.scored[1].score.problem == "the request failed"


def test_failures_are_asked_again_when_that_is_wanted(benchmark: Benchmark, tmp_path: Path) -> None:
    evaluate(benchmark, Told(fails=frozenset({1})), SETTINGS, tmp_path / "run")
    backend = Told()
    evaluate(benchmark, backend, SETTINGS, tmp_path / "run")
    assert backend.asked == 0
    check_scores(evaluate(benchmark, backend, SETTINGS, tmp_path / "run", retry_failed=True))
    assert backend.asked == 2
    assert len(lines(tmp_path / "run")) == 16


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (RunSettings("another"), "model"),
        (RunSettings("a model", fingerprint="0f"), "weights"),
        (RunSettings("a model", reasoning=True, depth="estimated"), "depth, reasoning"),
        (RunSettings("a model", options={"dtype": "float32"}), "options"),
    ],
)
def test_another_run_does_not_go_on(
    benchmark: Benchmark, tmp_path: Path, settings: RunSettings, names: str
) -> None:  # fmt: skip
    evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")
    with pytest.raises(InputError) as caught:
        evaluate(benchmark, Told(), settings, tmp_path / "run")
    assert str(caught.value) == (
        f"expected a new folder or one of this run, got {tmp_path / 'run'} of a run with other {names}: "
        "choose another --out"
    )


def test_a_run_without_an_answer_holds_its_folder_for_nobody(benchmark: Benchmark, tmp_path: Path) -> None:
    """A mistyped address is mended and asked again with the same --out."""

    class Nobody:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            raise InputError("cannot reach it")

    with pytest.raises(InputError, match="cannot reach it"):
        evaluate(benchmark, Nobody(), RunSettings("m", options={"url": "http://mistyped"}), tmp_path / "run")
    check_scores(evaluate(benchmark, Told(), SETTINGS, tmp_path / "run"))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["settings"]["model"] == "a model"


def test_a_mask_that_is_of_no_use_is_found_before_a_model_is_asked(benchmark: Benchmark, tmp_path: Path) -> None:
    save(mask(0), tmp_path / "bench" / "Placement" / "mask" / "3.png")
    told = Told()
    with pytest.raises(InputError, match=r"expected a mask with something inside, got an empty one in .* line"):
        evaluate(benchmark, told, SETTINGS, tmp_path / "run")
    assert told.asked == 0


def test_no_mask_is_decoded_twice(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def counted(target: MaskTarget, image_size: tuple[int, int]) -> Mask:
        read.append(target.source)
        return read_mask(target, image_size)

    monkeypatch.setattr("roborefer.evaluation.runner.read_mask", counted)
    monkeypatch.setattr("roborefer.evaluation.scoring.read_mask", counted)
    results = evaluate(benchmark, Told(), SETTINGS)
    assert len(read) == len(set(read)) == 16
    assert results.scored == score_run(benchmark, SETTINGS, results.answers).scored
    assert len(read) == 32


def test_answers_to_other_questions_are_refused(benchmark: Benchmark, tmp_path: Path) -> None:
    evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")
    path = tmp_path / "run" / "answers.jsonl"
    path.write_text(path.read_text().replace("point out cup 3.", "point out cup 4."))
    with pytest.raises(InputError, match=r"got one to another question for Location/3: choose another --out$"):
        evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")


def test_answers_of_nobody_are_refused(benchmark: Benchmark, tmp_path: Path) -> None:
    evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(InputError, match=r"with answers and no run\.json: choose another --out$"):
        evaluate(benchmark, Told(), SETTINGS, tmp_path / "run")


def test_depth_has_to_be_there(benchmark: Benchmark) -> None:
    with pytest.raises(InputError) as caught:
        evaluate(benchmark, Told(), RunSettings("m", depth="given"))
    assert str(caught.value) == (
        "expected depth files for --depth given, got none for Location/0: choose --depth none or estimated"
    )


def test_a_backend_that_cannot_be_asked_stops_the_run(benchmark: Benchmark, tmp_path: Path) -> None:
    class Nobody:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            raise InputError("cannot reach it")

    for workers in (1, 3):
        with pytest.raises(InputError, match="cannot reach it"):
            evaluate(benchmark, Nobody(), SETTINGS, tmp_path / "run", workers=workers)
    assert lines(tmp_path / "run") == []


def test_answers_that_came_before_a_failure_was_seen_are_kept(tmp_path: Path) -> None:
    benchmark = open_benchmark(write_refspatial(tmp_path / "bench", {"Location": 3}))
    first_told, second_failed, third_answered = threading.Event(), threading.Event(), threading.Event()

    class Scripted:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            number = number_in(questions[0].text)
            if number == 1:
                first_told.wait(10)
                second_failed.set()
                raise InputError("it is gone")
            if number == 2:
                second_failed.wait(10)
                time.sleep(0.05)  # the failure is handed on meanwhile
                threading.Timer(0.1, third_answered.set).start()
            return [Reply(INSIDE)]

    def slow_to_hear(count: int) -> None:
        if count:
            first_told.set()
            third_answered.wait(10)

    with pytest.raises(InputError, match="it is gone"):
        evaluate(benchmark, Scripted(), SETTINGS, tmp_path / "run", workers=3, batch_size=1, on_answers=slow_to_hear)
    assert sorted(str(line["key"]) for line in lines(tmp_path / "run")) == ["Location/0", "Location/2"]


def test_the_other_protocol_gives_the_scores(benchmark: Benchmark) -> None:
    results = evaluate(benchmark, Told(fails=frozenset({1})), SETTINGS, protocol="published")
    assert results.summary.protocol == "published"
    assert results.summary.all.score == pytest.approx(8 / 14)


def test_other_benchmarks_have_their_own_rule(tmp_path: Path) -> None:
    row = {"question_id": 7, "question": "Show cup 1.", "image": cell(picture()), "mask": cell(mask())}
    write_parquet(tmp_path / "test.parquet", [row])
    with pytest.raises(InputError) as caught:
        evaluate(open_benchmark(tmp_path), Told(), SETTINGS, protocol="published")
    assert str(caught.value) == (
        "expected --protocol strict for Where2Place, got published: that rule is about masks as RefSpatial-Bench has "
        "them"
    )


def test_reasoning_is_asked_for_and_judged(tmp_path: Path) -> None:
    step = {"kind": "Position", "target": "the pen", "value": [0.5, 0.5]}
    folder = write_refspatial(tmp_path / "bench", {"Location": 2})
    path = folder / "Location" / "question.json"
    records = json.loads(path.read_text())
    records[0] |= {"steps": [step], "key_steps": [0]}
    records[1] |= {"steps": [step | {"target": "the cap"}], "key_steps": [0]}
    path.write_text(json.dumps(records))

    class Reasoner:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            assert all(question.text.endswith("then the answer inside <answer></answer>.") for question in questions)
            thought = "<think>[Position] [the pen]: [(0.510, 0.490)]</think><answer>[(0.600, 0.500)]</answer>"
            return [Reply(thought) for _ in questions]

    results = evaluate(open_benchmark(folder), Reasoner(), RunSettings("m", reasoning=True))
    assert (results.summary.all.key_steps, results.summary.all.right_key_steps) == (2, 1)
    assert results.summary.all.score == 1.0


def test_two_runs_are_compared_sample_by_sample(benchmark: Benchmark) -> None:
    class Always:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            return [Reply(INSIDE) for _ in questions]

    pairs = dict(compare_runs(evaluate(benchmark, Told(), SETTINGS), evaluate(benchmark, Always(), SETTINGS)))
    assert set(pairs) == {"Location", "Placement", "all"}
    assert (pairs["all"].better, pairs["all"].worse) == (6, 0)
    assert pairs["all"].difference == pytest.approx(6 / 16)
    assert pairs["all"].p_value == pytest.approx(2 / 2**6)


def test_runs_without_a_common_sample_are_not_compared(benchmark: Benchmark, tmp_path: Path) -> None:
    first = evaluate(open_benchmark(tmp_path / "bench", tasks=("Location",)), Told(), SETTINGS)
    second = evaluate(open_benchmark(tmp_path / "bench", tasks=("Placement",)), Told(), SETTINGS)
    with pytest.raises(InputError, match="got runs without any in common"):
        compare_runs(first, second)


def test_groups_are_made_by_step_relation_and_scene(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path / "bench", {"Location": 3})
    path = folder / "Location" / "question.json"
    records = json.loads(path.read_text())
    for number, record in enumerate(records):
        record |= {"relations": ["left", "near"][: number + 1], "scene": ["indoor", "outdoor"][number % 2]}
        save(picture(number), folder / "Location" / "image" / f"{number}.png")
    path.write_text(json.dumps(records))

    class Half:
        def ask(self, questions: Sequence[Question]) -> list[Reply]:
            return [Reply(OUTSIDE if "cup 0" in question.text else INSIDE) for question in questions]

    summary = evaluate(open_benchmark(folder), Half(), SETTINGS).summary
    assert {step: (group.samples, group.score) for step, group in summary.steps.items()} == {
        1: (1, 0),
        2: (1, 1),
        3: (1, 1),
    }
    assert {name: (group.samples, group.score) for name, group in summary.relations.items()} == {
        "left": (3, pytest.approx(2 / 3)), "near": (2, 1.0),
    }  # fmt: skip
    assert {name: group.samples for name, group in summary.scenes.items()} == {"indoor": 2, "outdoor": 1}
    assert summary.tasks_steps["Location"][1].score == 0.0


def test_a_broken_picture_stops_the_run_and_is_named(tmp_path: Path) -> None:
    """Bytes of a table have no name of their own."""
    whole = cell(picture())
    cut = {"bytes": whole["bytes"][:-60], "path": "1.png"}
    rows = [
        {"id": number, "image": image, "mask": cell(mask()), "object": "cup", "prompt": f"Point to cup {number}.",
         "suffix": "", "step": 1}
        for number, image in enumerate((whole, cut))
    ]  # fmt: skip
    benchmark = open_benchmark(write_parquet(tmp_path / "location-0.parquet", rows))
    local = LocalBackend(lambda: pytest.fail("a model was loaded"))
    with pytest.raises(InputError) as caught:
        evaluate(replace(benchmark, samples=benchmark.samples[1:]), local, SETTINGS)
    assert str(caught.value).startswith("expected a whole picture, got one that is truncated or broken in the given")
    assert str(caught.value).endswith("; this is a picture of Location/1")


def test_a_broken_mask_is_named_with_its_row(tmp_path: Path) -> None:
    cut = {"bytes": cell(mask())["bytes"][:-40], "path": "1.png"}
    row = {"id": 0, "image": cell(picture()), "mask": cut, "object": "cup", "prompt": "Point to cup 0.", "suffix": "",
           "step": 1}  # fmt: skip
    benchmark = open_benchmark(write_parquet(tmp_path / "location-0.parquet", [row]))
    with pytest.raises(InputError, match=r"; this is the mask of .*location-0\.parquet row 0$"):
        evaluate(benchmark, Told(), SETTINGS)
