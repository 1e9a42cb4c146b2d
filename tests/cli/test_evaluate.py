"""``roborefer evaluate``: what is printed, what is written, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from roborefer.cli.main import roborefer
from roborefer.predictor import Predictor

SUFFIX = "Answer so."


@pytest.fixture(autouse=True)
def loaded_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, untrained: Predictor) -> None:
    """Loading is slow: all tests but one judge a model that is there already."""
    if request.node.name != "test_the_packaged_model_is_judged":
        monkeypatch.setattr("roborefer.cli.evaluate._load", lambda options: untrained)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks of two questions each, with depth and a camera."""
    folder = tmp_path_factory.mktemp("judge") / "bench"
    for task in ("Location", "Placement"):
        records = [record(folder / task, number) for number in range(2)]
        (folder / task / "question.json").write_text(json.dumps(records))
    return folder


def record(folder: Path, number: int) -> dict[str, object]:
    inside = np.zeros((40, 60), np.uint8)
    inside[10:30, 10:50] = 255
    pictures = {
        "image": Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 60, 3), dtype=np.uint8)),
        "mask": Image.fromarray(inside),
        "metric_depth": Image.fromarray(np.full((40, 60), 1500, np.uint16) + inside),
    }
    for name, picture in pictures.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        picture.save(folder / name / f"{number}.png")
    return {
        "id": number,
        "object": f"cup {number}",
        "prompt": f"Point to cup {number}.",
        "suffix": SUFFIX,
        "rgb_path": f"image/{number}.png",
        "mask_path": f"mask/{number}.png",
        "metric_depth_path": f"metric_depth/{number}.png",
        "intrinsics": {"fx": 60, "fy": 60, "cx": 30, "cy": 20, "width": 60, "height": 40, "pixel_center": 0.5},
        "step": number + 1,
    }


def run(*words: object) -> Result:
    return CliRunner().invoke(roborefer, ["evaluate", *map(str, words)], catch_exceptions=False)


def refused(*words: object) -> str:
    from roborefer.errors import InputError

    with pytest.raises(InputError) as caught:
        run(*words)
    return str(caught.value)


def test_the_packaged_model_is_judged(bench: Path, tmp_path: Path) -> None:
    result = run(bench, "--out", tmp_path / "run", "--quiet")
    assert result.exit_code == 0, result.output
    assert "RefSpatial-Bench, packaged, depth none" in result.output
    assert "strict (above)" in result.output
    assert f"wrote {tmp_path / 'run'}" in result.output
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "answers.jsonl", "report.html", "results.json", "run.json",
    ]  # fmt: skip
    content = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [sample["key"] for sample in content["samples"]] == [
        "Location/0",
        "Location/1",
        "Placement/0",
        "Placement/1",
    ]
    # Untrained weights answer in the format, whatever it means.
    assert content["summary"]["all"]["parsed"] == 1.0
    assert content["summary"]["all"]["known_mm"] == 4
    question = content["samples"][0]["question"]
    assert question == f"Point to cup 0. {SUFFIX}"


def test_what_depth_buys(bench: Path, tmp_path: Path) -> None:
    words = (bench, "--depth", "none", "--depth", "given", "--out", tmp_path / "run", "--limit", 1, "-q")
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "What depth bought, from depth none to depth given" in result.output
    assert "depth none  depth given" in result.output
    answers = [(tmp_path / "run" / f"depth-{depth}" / "answers.jsonl").read_text() for depth in ("none", "given")]
    assert all(text.count("\n") == 2 for text in answers)
    # Asked again, nothing is asked: the files stay as they are.
    assert run(*words).output == result.output
    assert [(tmp_path / "run" / f"depth-{d}" / "answers.jsonl").read_text() for d in ("none", "given")] == answers


def test_tasks_in_a_row(bench: Path, tmp_path: Path) -> None:
    result = run(
        bench, "--tasks", "placement", "Location", "--limit", 1, "--out", tmp_path / "run", "--no-report", "-q"
    )
    content = json.loads((tmp_path / "run" / "results.json").read_text())
    assert result.exit_code == 0
    assert content["benchmark"]["tasks"] == {"Location": 1, "Placement": 1}
    assert not (tmp_path / "run" / "report.html").exists()


def test_tasks_may_be_joined_by_commas(bench: Path, tmp_path: Path) -> None:
    run(bench, "--tasks", "Placement,Location", "--limit", 1, "--out", tmp_path / "run", "--no-report", "-q")
    content = json.loads((tmp_path / "run" / "results.json").read_text())
    assert content["benchmark"]["tasks"] == {"Location": 1, "Placement": 1}


def test_tasks_come_after_the_benchmark(bench: Path) -> None:
    assert refused("-q", "--tasks", "Location", bench) == (
        "expected BENCH before --tasks, got only tasks: roborefer evaluate BENCH --tasks ..."
    )


def test_a_run_over_another_benchmark_is_refused_before_anything_is_asked(bench: Path, tmp_path: Path) -> None:
    run(bench, "--out", tmp_path / "first", "--tasks", "Location", "--no-report", "-q")
    text = refused(bench, "--tasks", "Placement", "--compare", tmp_path / "first", "--out", tmp_path / "second", "-q")
    assert text.startswith("expected --compare of a run over the samples of RefSpatial-Bench")
    assert not (tmp_path / "second").exists()


def test_another_run_is_compared(bench: Path, tmp_path: Path) -> None:
    run(bench, "--out", tmp_path / "first", "--limit", 1, "--no-report", "-q")
    words = ("--depth", "given", "--out", tmp_path / "second", "--compare", tmp_path / "first", "--limit", 1, "-q")
    result = run(bench, *words)
    assert f"Compared with {tmp_path / 'first'}" in result.output
    assert "depth none  depth given" in result.output
    assert "difference [95 %]" in result.output
    assert '"comparison": [{' in (tmp_path / "second" / "report.html").read_text()


def test_folders_are_named_where_none_is(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(bench, "--limit", 1, "--tasks", "Location", "--no-report", "-q")
    assert (tmp_path / "runs" / "evaluation" / "bench-packaged" / "depth-none" / "results.json").is_file()


def test_reasoning_is_asked_for(bench: Path, tmp_path: Path) -> None:
    run(bench, "--reasoning", "--limit", 1, "--tasks", "Location", "--max-new-tokens", 8, "--out", tmp_path / "r", "-q")
    line = json.loads((tmp_path / "r" / "answers.jsonl").read_text())
    assert line["question"].startswith(f"Point to cup 0. {SUFFIX} First write your reasoning steps")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--batch-size", "0"], "expected --batch-size of at least 1, got 0"),
        (["--workers", "0"], "expected --workers of at least 1, got 0"),
        (["--max-new-tokens", "0"], "expected --max-new-tokens of at least 1, got 0"),
        (["--api", "query"], "expected --url with --api and --api-key-env, got none: name the server"),
        (["--url", "localhost"], "expected --url as http://host:port, got 'localhost'"),
        (["--url", "http://h", "--api-key-env", "NO_SUCH_KEY"],
         "expected a key in the variable NO_SUCH_KEY, got none: export it"),
        (["--url", "http://h", "--timeout", "0"],
         "expected --timeout above 0, --retries and --backoff of at least 0, got 0, 5 and 1"),
        (["--url", "http://h", "--rate", "nan"], "expected --rate above 0, got nan"),
        (["--tasks", "Nowhere"], "expected --tasks out of Location, Placement, got 'Nowhere' for BENCH"),
        (["--compare", "nowhere"], "expected a run's folder with its results.json, got nowhere: finish that run first"),
    ],
)  # fmt: skip
def test_what_is_refused(bench: Path, tmp_path: Path, words: list[str], text: str) -> None:
    assert refused(bench, *words, "--out", tmp_path / "run").replace(str(bench), "BENCH") == text
    assert not (tmp_path / "run" / "answers.jsonl").exists() or not (tmp_path / "run" / "answers.jsonl").read_text()


def test_the_options_name_what_the_library_has() -> None:
    from roborefer.cli.evaluate import evaluate
    from roborefer.evaluation.asking import APIS, DEPTH_MODES
    from roborefer.evaluation.profiles import PROFILES
    from roborefer.evaluation.protocols import PROTOCOLS

    choices = {option.name: option.type.choices for option in evaluate.params if isinstance(option.type, click.Choice)}
    assert set(choices["profile"]) == set(PROFILES)
    assert set(choices["api"]) == set(APIS)
    assert set(choices["depths"]) == set(DEPTH_MODES)
    assert set(choices["protocol"]) == set(PROTOCOLS)
