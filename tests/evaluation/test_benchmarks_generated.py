"""What `roborefer generate` writes, as a benchmark: a run's own questions, and the simulated benchmark."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.utils import filter_repo_objects

from roborefer.answers import write_answer
from roborefer.errors import InputError
from roborefer.evaluation.asking import Question, Reply
from roborefer.evaluation.benchmarks import hub
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.runner import RunSettings, evaluate
from roborefer.evaluation.samples import MaskTarget, read_mask
from roborefer.refspatial.generation import GenerationSettings, generate
from roborefer.refspatial.reader import turns_of
from roborefer.refspatial.run_folder import read_records

from ..refspatial.asked_scenes import made_up_scene  # noqa: TID252 - shared with the room that it stands in for
from .made_up import cell, mask, picture, write_parquet, write_refspatial


@pytest.fixture(scope="module")
def training_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated") / "sim"
    generate(folder, GenerationSettings(4, 3, ((96, 72),), (1, 2)), make_scene=made_up_scene)
    return folder


def truths(folder: Path) -> dict[str, Any]:
    """The turns that have a mask, by the key of their sample."""
    return {
        f"{record['id']}/{number}": turn
        for record in read_records(folder)
        if len(record["image"]) == 1
        for number, turn in enumerate(turns_of(record))
        if turn.fields["mask"] is not None and turn.fields["kind"] in ("location", "placement")
    }


def test_questions_with_a_mask_are_read(training_folder: Path) -> None:
    benchmark = open_benchmark(training_folder)
    turns = truths(training_folder)
    assert turns
    assert {sample.key for sample in benchmark.samples} <= set(turns)
    for sample in benchmark.samples:
        turn = turns[sample.key]
        assert sample.prompt == turn.text
        assert [step in turn.steps for step in sample.key_steps] == [True] * len(turn.fields["key_steps"])
        assert isinstance(sample.target, MaskTarget)
        inside = read_mask(sample.target, sample.image_size).inside
        point = turn.points[0]
        assert inside[int(point.y * 72), int(point.x * 96)]
        assert sample.depth == sample.metric_depth
        assert sample.intrinsics is not None


class Knows:
    """Answers as the records do, with the steps where reasoning is asked for."""

    def __init__(self, folder: Path) -> None:
        self.turns = {
            (record["image"][0], turn.text): turn for record in read_records(folder) for turn in turns_of(record)
        }

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        return [Reply(self._answer(question)) for question in questions]

    def _answer(self, question: Question) -> str:
        text = question.text.partition(" First write your reasoning steps")[0]
        assert isinstance(question.images[0], Path)
        turn = self.turns[question.images[0].name, text]
        return write_answer(turn.points, steps=turn.steps if question.reasoning else ())


def test_the_truth_is_right(training_folder: Path) -> None:
    settings = RunSettings("m", reasoning=True, depth="given")
    summary = evaluate(open_benchmark(training_folder), Knows(training_folder), settings).summary
    assert summary.all.score == 1.0
    assert summary.all.key_steps > 0
    assert summary.all.right_key_steps == summary.all.key_steps
    assert summary.all.median_mm == 0.0


def test_a_limit_is_one_of_each_task(training_folder: Path) -> None:
    benchmark = open_benchmark(training_folder, limit=1)
    assert [sample.task for sample in benchmark.samples] == sorted({sample.task for sample in benchmark.samples})


def test_a_task_without_questions_is_refused(tmp_path: Path) -> None:
    generate(tmp_path / "sim", GenerationSettings(1, 3, ((96, 72),), (1, 1)), make_scene=_without_questions)
    with pytest.raises(InputError, match="expected Location or Placement questions with a mask, got none in"):
        open_benchmark(tmp_path / "sim")


def _without_questions(settings: GenerationSettings, index: int) -> Any:
    from dataclasses import replace

    asked = made_up_scene(settings, index)
    return replace(asked, questions=tuple(() for _ in asked.questions), pairs=())


# ---- the hub ---------------------------------------------------------------------------------------------------------


def test_a_hub_id_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[str, dict[str, Any]]] = []

    def snapshot(hub_id: str, **told: Any) -> str:
        fetched.append((hub_id, told))
        return str(write_refspatial(tmp_path / "cache"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    benchmark = open_benchmark("someone/RefSpatial-Bench", revision="v1")
    assert (benchmark.source, len(benchmark.samples)) == ("someone/RefSpatial-Bench", 5)
    assert fetched[0][0] == "someone/RefSpatial-Bench"
    assert fetched[0][1]["repo_type"] == "dataset"
    assert fetched[0][1]["revision"] == "v1"
    assert [told["allow_patterns"][0] for _, told in fetched] == ["*.parquet", "*.json"]


def test_of_a_repository_with_both_forms_the_tables_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """RefSpatial-Bench has folders and Parquet files; records without their pictures would be of no use."""
    repository = write_refspatial(tmp_path / "repository", {"Location": 2})
    row = {"id": 0, "image": cell(picture()), "mask": cell(mask()), "object": "cup", "prompt": "Point to it.",
           "suffix": "", "step": 1}  # fmt: skip
    write_parquet(repository / "data" / "location-00000-of-00001.parquet", [row])

    def snapshot(hub_id: str, *, allow_patterns: list[str], **told: Any) -> str:
        names = [path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()]
        for name in filter_repo_objects(names, allow_patterns=allow_patterns):
            (tmp_path / "cache" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, tmp_path / "cache" / name)
        return str(tmp_path / "cache")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    assert [sample.key for sample in open_benchmark("BAAI/RefSpatial-Bench").samples] == ["Location/0"]
    shutil.rmtree(tmp_path / "cache")
    (repository / "data" / "location-00000-of-00001.parquet").unlink()
    (tmp_path / "cache").mkdir()
    assert len(open_benchmark("someone/folders").samples) == 2


def test_a_mistyped_folder_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(hub_id: str, **told: Any) -> str:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    monkeypatch.chdir(write_refspatial(tmp_path / "bench").parent)
    with pytest.raises(InputError, match="no such benchmark: bench/Locatoin; name its folder, or its id on the hub"):
        open_benchmark("bench/Locatoin")


def test_of_some_repositories_only_one_form_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted: list[Any] = []

    def snapshot(hub_id: str, **told: Any) -> str:
        wanted.append(told["allow_patterns"])
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    hub.fetch_benchmark("PointArena/pointarena-data")
    assert wanted == [["data.json", "selected_images.zip", "selected_masks.zip"]]


def test_a_hub_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def snapshot(hub_id: str, **told: Any) -> str:
        raise RuntimeError("404 Client Error.\n\nRepository Not Found")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(InputError) as caught:
        open_benchmark("someone/nothing")
    assert str(caught.value) == (
        "cannot fetch the data set someone/nothing (404 Client Error. Repository Not Found): check the id and the "
        "network, or download it and name its folder"
    )


@pytest.mark.parametrize(("source", "is_id"), [("a/b", True), ("a/b/c", False), ("../b", True), ("a", False)])
def test_what_looks_like_an_id(source: str, is_id: bool) -> None:
    assert hub.is_hub_id(source) is is_id
