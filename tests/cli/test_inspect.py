"""``roborefer inspect``: a page, a picture and numbers of a data folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from roborefer.cli import main as shell
from roborefer.refspatial.generation import GenerationSettings, generate

from ..refspatial.asked_scenes import made_up_scene  # noqa: TID252 - shared with the room that it stands in for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate(tmp_path / "sim", GenerationSettings(3, 1, ((96, 72),), (1, 2)), make_scene=made_up_scene)
    return tmp_path / "sim"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(shell.roborefer, ["inspect", *arguments], catch_exceptions=False)


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        shell.main(["inspect", *arguments])
    output = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, output.err


def test_page_picture_and_numbers_stand_side_by_side(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "look.html"
    result = run(str(folder), "--out", str(page), "--count", "5")
    assert result.exit_code == 0
    statistics = json.loads((page.parent / "statistics.json").read_text(encoding="utf-8"))
    assert result.output == f"5 of {statistics['questions']} questions in {page}\n"
    assert page.read_text(encoding="utf-8").count("<article>") == 5
    with Image.open(page.with_suffix(".png")) as picture:
        assert picture.format == "PNG"
    assert sorted(os.listdir(page.parent)) == ["look.html", "look.png", "statistics.json"]


def test_without_a_place_they_go_into_the_folder_and_the_run_still_goes_on(folder: Path) -> None:
    assert run(str(folder)).exit_code == 0
    assert {"inspect.html", "inspect.png", "statistics.json"} <= set(os.listdir(folder))
    generate(folder, GenerationSettings(3, 1, ((96, 72),), (1, 2)), make_scene=made_up_scene)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--count", "0"), "expected a count of 1 or more, got 0"),
        (("--out", "page.png"), "expected a page's name (.html), got page.png: add .html"),
    ],
)
def test_what_cannot_be_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert run_main(capsys, str(folder), *arguments) == (2, "", f"error: {message}\n")


def test_a_folder_of_something_else_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run_main(capsys, str(tmp_path / "none"))
    assert (code, out) == (2, "")
    assert err.startswith("error: expected a folder made by `roborefer generate`, got ")
    assert err.count("\n") == 1


def test_a_picture_that_is_missing_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (folder / "image").iterdir():
        path.unlink()
    code, out, err = run_main(capsys, str(folder))
    assert (code, out) == (2, "")
    assert err.startswith("error: no such file: ")
    assert not (folder / "inspect.html").exists()
