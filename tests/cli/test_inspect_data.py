"""``roborefer inspect --check`` and ``--fed``: training data before a model sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from roborefer.cli import main as shell

from ..datasets.data_folders import data_set, record, write_pictures  # noqa: TID252 - shared data
from ..models.tiny_models import write_checkpoint  # noqa: TID252 - shared models


def run(*arguments: str) -> Result:
    return CliRunner().invoke(shell.roborefer, ["inspect", *arguments], catch_exceptions=False)


def run_main(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        shell.main(["inspect", *arguments])
    output = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, output.err


def test_all_problems_are_listed_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_set(tmp_path, [record(), record(image="gone.png"), '{"image": ', record(("q", ""), ("q", "a"))])
    path = tmp_path / "data.jsonl"
    code, out, err = run_main(capsys, "--check", str(path))
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"{path} line 2: no such file: {tmp_path}/gone.png; check the path",
        f"{path} line 3: broken JSON: Expecting value in column 11",
        f"{path} line 4: expected an answer in turn 1, got none",
        "3 problems:",
        "      1 broken_json: JSON that cannot be read",
        "      1 missing_image: pictures that are not there",
        "      1 no_answer: turns without an answer",
        "can be used: 2 records with 2 turns; cannot: 2 records, and 1 turn of others",
    ]


def test_a_list_on_one_line_is_told_by_record_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures(tmp_path)
    path = tmp_path / "data.json"
    text = json.dumps([record(), record(id="b", image="gone.png")])
    path.write_text(f'{text[:-1]}, {{"id": "c" "image"')
    code, out, _ = run_main(capsys, "--check", str(path))
    assert code == 1
    assert out.splitlines()[:2] == [
        f"{path} line 1, record 2 (id b): no such file: {tmp_path}/gone.png; check the path",
        f"{path} line 1, record 3: broken JSON: Expecting ',' delimiter in column {len(text) + 13}; nothing behind it "
        "can be read",
    ]


def test_sound_data_is_told_so(tmp_path: Path) -> None:
    data_set(tmp_path, [record(), record(image=None, depth=None)])
    result = run("--check", f"{tmp_path}+{tmp_path}*2", "--headers", "--workers", "2")
    assert (result.exit_code, result.output) == (
        0,
        "nothing is wrong; can be used: 2 records with 2 turns, 1 of them without a picture\n",
    )


def test_a_name_of_a_registry(tmp_path: Path) -> None:
    data_set(tmp_path / "mine", [record()])
    registry = tmp_path / "mine.yaml"
    registry.write_text("shelf:\n  data_path: mine/data.jsonl\n  depth_path: mine\n")
    result = run("--check", "shelf", "--registry", str(registry))
    assert (result.exit_code, result.output) == (0, "nothing is wrong; can be used: 1 record with 1 turn\n")


def test_what_a_model_is_fed(tmp_path: Path, checkpoint_folder: Path) -> None:
    data_set(tmp_path / "data", [record(), record(depth=None), record(image="gone.png"), record(("q", "last"))])
    page = tmp_path / "new" / "look.html"
    result = run(str(tmp_path / "data"), "--model", str(checkpoint_folder), "--out", str(page), "--count", "2")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "3 samples of 3 records with 3 turns"
    assert lines[-2:] == ["1 problem left out; --check lists them", f"2 samples in {page}"]
    text = page.read_text(encoding="utf-8")
    assert text.count("<article>") == 2
    assert "<mark>last&lt;|im_end|&gt;</mark>" in text
    with Image.open(page.with_suffix(".png")) as picture:
        assert picture.format == "PNG"


def pages(folder: Path, *arguments: str) -> str:
    """The page of what a model is fed of one record of four turns; the answers have a line break."""
    data_set(folder, [record(*[(f"q{turn}", f"first{turn}\nsecond{turn}") for turn in range(4)])])
    page = folder / "look.html"
    assert run(str(folder), "--out", str(page), *arguments).exit_code == 0
    return page.read_text(encoding="utf-8")


def test_it_is_labelled_and_sliced_as_a_configuration_says(tmp_path: Path) -> None:
    exact = pages(tmp_path / "exact", "--fed")
    assert exact.count("<article>") == 1
    assert "<mark>first0\nsecond0&lt;|im_end|&gt;</mark>" in exact
    published = pages(tmp_path / "published", "--config", "sft-2b-published", "--set", "max_turns=2")
    assert published.count("<article>") == 2
    assert "<mark>first0\nsecond0&lt;|im_end|&gt;</mark>" not in published
    assert "<mark>first0</mark>" in published
    mine = tmp_path / "mine.yaml"
    mine.write_text("max_turns: 1\n")
    assert pages(tmp_path / "file", "--config", str(mine)).count("<article>") == 4
    assert pages(tmp_path / "changed", "--set", "max_turns=3").count("<article>") == 2


def test_by_default_it_is_the_packaged_model_and_the_folder_of_the_data(tmp_path: Path) -> None:
    data_set(tmp_path, [record()])
    result = run(str(tmp_path), "--fed")
    assert result.exit_code == 0
    assert result.output.endswith(f"1 sample in {tmp_path}/fed.html\n")
    assert (tmp_path / "fed.png").is_file()


def test_an_unfinished_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_set(tmp_path, [record()])
    folder = tmp_path / "model"
    write_checkpoint(folder)
    (folder / "config.json").unlink()
    code, out, err = run_main(capsys, str(tmp_path / "data.jsonl"), "--model", str(folder))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zz", "--check", "--fed"), "expected --check or --fed, got both: run one after the other"),
        (("zz", "--check", "--config", "sft"), "expected --check or --config, got both: run one after the other"),
        (("zz", "--check", "--set", "seed=1"), "expected --check or --set, got both: run one after the other"),
        (
            ("zz", "--check", "--out", "a.html"),
            "expected --out with a page, got it with --check, which writes none: leave it out",
        ),
        (
            ("zz", "--check", "--count", "3"),
            "expected --count with a page, got it with --check, which writes none: leave it out",
        ),
        (
            ("zz", "--config", "sftt"),
            "expected a training configuration, got 'sftt': no such name or file; did you mean sft?",
        ),
        (("gone.jsonl", "--check"), "no such file or folder: gone.jsonl; check the path"),
        (("zz", "--check", "--workers", "0"), "expected workers of 1 or more, got 0"),
        (("zz", "--fed", "--count", "0"), "expected a count of 1 or more, got 0"),
        (("zz", "--fed", "--out", "a.png"), "expected a page's name (.html), got a.png: add .html"),
        (
            ("2D_choice", "--check"),
            "expected the name of a data set or a path, got '2D_choice': did you mean 2D_choice_qa? Or give "
            "the path of "
            "a folder or file, or a --registry that has the name",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert run_main(capsys, *arguments) == (2, "", f"error: {message}\n")
