"""The whole recipe at its smallest, and what it puts where."""

from __future__ import annotations

from pathlib import Path

import pytest

import roborefer
from roborefer.training.pointing.recipe import NanoRecipe, install, make_nano, scene_settings


def test_the_scenes_are_small_pictures_with_many_questions() -> None:
    settings = scene_settings(NanoRecipe(scenes=7, seed=3))
    assert (settings.scenes, settings.seed, settings.questions, settings.picture_format) == (7, 4, 40, "jpg")


def test_install_replaces_a_folder(tmp_path: Path) -> None:
    for name, text in (("new", "2"), ("package", "1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(text)
    (tmp_path / "package" / "old.json").write_text("")
    install(tmp_path / "new", tmp_path / "package")
    assert [path.name for path in (tmp_path / "package").iterdir()] == ["config.json"]
    assert (tmp_path / "package" / "config.json").read_text() == "2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "package"]


@pytest.mark.slow
def test_from_nothing_to_a_model_that_points(tmp_path: Path) -> None:
    recipe = NanoRecipe(scenes=2, updates=2, benchmark=(2, 2, 1), device="cpu")
    told: list[str] = []
    model = make_nano(tmp_path, recipe, told.append)
    assert [line.split(":")[0].split(" in ")[0] for line in told] == ["scenes", "benchmark", "lessons", "evaluation"]
    assert "| Location | 2 |" in (model / "README.md").read_text("utf-8")
    predictor = roborefer.load(model)
    picture = next((tmp_path / "benchmark" / "Location" / "image").iterdir())
    prediction = predictor.point(picture, "the cup")
    assert prediction.raw
    assert not predictor.untrained
    weights = (model / "llm" / "model.safetensors").read_bytes()
    assert make_nano(tmp_path, recipe) == model  # goes on: nothing is left to do but the evaluation
    assert (model / "llm" / "model.safetensors").read_bytes() == weights
