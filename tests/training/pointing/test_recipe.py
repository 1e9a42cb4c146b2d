"""The whole recipe at its smallest, and what it puts where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import roborefer
from roborefer.cli.main import roborefer as command_line
from roborefer.errors import InputError
from roborefer.training.pointing.recipe import (
    NanoRecipe,
    _forget_other_weights,
    install,
    lesson_processes,
    make_nano,
    scene_settings,
    weights_digest,
)
from roborefer.training.pointing.time_budget import TIMED


def test_the_scenes_are_small_pictures_with_many_questions() -> None:
    settings = scene_settings(NanoRecipe(scenes=7, seed=3))
    assert (settings.scenes, settings.seed, settings.picture_format) == (7, 4, "jpg")
    assert (settings.questions, settings.demanding) == (40, 6)


def test_install_replaces_a_folder(tmp_path: Path) -> None:
    for name, text in (("new", "2"), ("package", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    (tmp_path / "package" / "old.json").write_text("")
    install(tmp_path / "new", tmp_path / "package")
    assert [path.name for path in (tmp_path / "package").iterdir()] == ["config.json"]
    assert (tmp_path / "package" / "config.json").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "package"]


def test_two_processes_share_a_cpu_and_one_has_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert lesson_processes(torch.device("cpu"), None) == 2
    assert lesson_processes(torch.device("cpu"), 1) == 1
    assert lesson_processes(torch.device("cuda"), None) == lesson_processes(torch.device("mps"), 1) == 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert lesson_processes(torch.device("cpu"), None) == 1
    monkeypatch.setattr("roborefer.training.pointing.recipe.resolve_device", torch.device)
    with pytest.raises(InputError) as caught:
        make_nano(tmp_path, NanoRecipe(device="cuda", processes=2))
    assert str(caught.value) == "expected one process on a GPU, got 2: leave --processes out"
    assert not list(tmp_path.iterdir())  # it was refused before any scene was made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--updates 0", "expected 1 or more scenes, updates and workers, got 15000, 0 and 1"),
        ("--minutes -1", "expected a positive number of minutes, got -1"),
        ("--cool-down 1.5", "expected a share from 0 to 1 for --cool-down, got 1.5"),
    ],
)
def test_what_cannot_be_is_refused_before_any_scene_is_made(words: str, expected: str, tmp_path: Path) -> None:
    command = ["train", "nano", "--out", str(tmp_path / "out"), "--workers", "1", *words.split()]
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(command_line, command, catch_exceptions=False)
    assert str(caught.value) == expected
    assert not list(tmp_path.iterdir())


def test_views_that_are_not_there_are_refused_before_any_scene_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        make_nano(tmp_path / "out", NanoRecipe(device="cpu", more_views=(tmp_path / "nowhere",)))
    assert str(caught.value) == (
        f"expected a folder of `roborefer generate sim` with views, got no shard in {tmp_path / 'nowhere'}: "
        "name another folder"
    )
    assert not list(tmp_path.iterdir())


def test_answers_of_other_weights_are_forgotten(tmp_path: Path) -> None:
    model, answers = tmp_path / "model", tmp_path / "evaluation"
    (model / "llm").mkdir(parents=True)
    (model / "llm" / "model.safetensors").write_bytes(b"1")
    _forget_other_weights(answers, weights_digest(model))
    (answers / "rgb").mkdir()
    _forget_other_weights(answers, weights_digest(model))
    assert (answers / "rgb").is_dir()
    (model / "llm" / "model.safetensors").write_bytes(b"2")
    _forget_other_weights(answers, weights_digest(model))
    assert not (answers / "rgb").exists()


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [None, 0.01])
def test_from_nothing_to_a_model_that_points(tmp_path: Path, minutes: float | None) -> None:
    recipe = NanoRecipe(scenes=2, updates=2, minutes=minutes, benchmark=(2, 2, 1), device="cpu")
    told: list[str] = []
    model = make_nano(tmp_path, recipe, told.append)
    assert [line.split(":")[0].split(" in ")[0] for line in told] == ["scenes", "benchmark", "lessons", "evaluation"]
    assert "| Location | 2 |" in (model / "README.md").read_text("utf-8")
    updates = 2 if minutes is None else TIMED
    assert f" {8 * updates} visits with" in (model / "README.md").read_text("utf-8")
    predictor = roborefer.load(model)
    picture = next((tmp_path / "benchmark" / "Location" / "image").iterdir())
    prediction = predictor.point(picture, "the cup")
    assert prediction.raw
    assert not predictor.untrained
    weights = (model / "llm" / "model.safetensors").read_bytes()
    assert make_nano(tmp_path, recipe) == model  # goes on: nothing is left to do but the evaluation
    assert (model / "llm" / "model.safetensors").read_bytes() == weights
    if minutes is None:
        # More updates, from more views: it learns on.
        more = make_nano(tmp_path, replace(recipe, updates=3, more_views=(tmp_path / "scenes",), cool_down=0.5))
        assert (more / "llm" / "model.safetensors").read_bytes() != weights
        assert len((tmp_path / "lessons" / "log.jsonl").read_text().splitlines()) == 3
