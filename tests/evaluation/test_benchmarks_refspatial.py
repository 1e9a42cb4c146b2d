"""RefSpatial-Bench's raw folder: what is read, and what is refused, by file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.runner import RunSettings, score_run
from roborefer.evaluation.samples import MaskTarget, read_mask, read_metric_depth
from roborefer.structures import Intrinsics, Point, Step

from .made_up import HEIGHT, SQUARE, WIDTH, depth, mask, picture, question, save, write_questions, write_refspatial

CAMERA = {"fx": 40.0, "fy": 40.0, "cx": 20.0, "cy": 15.0, "width": WIDTH, "height": HEIGHT, "pixel_center": 0.5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_refspatial(tmp_path / "bench")


def refusal(folder: Path, **arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        open_benchmark(folder, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "BENCH")


def test_all_is_read(folder: Path) -> None:
    benchmark = open_benchmark(folder)
    assert benchmark.name == "RefSpatial-Bench"
    assert benchmark.tasks == ("Location", "Placement")
    assert [sample.key for sample in benchmark.samples] == [
        "Location/0", "Location/1", "Location/2", "Placement/0", "Placement/1",
    ]  # fmt: skip
    sample = benchmark.samples[1]
    assert (sample.prompt, sample.object, sample.step) == ("Please point out cup 1.", "cup 1", 2)
    assert sample.image_size == (WIDTH, HEIGHT)
    assert isinstance(sample.target, MaskTarget)
    inside = read_mask(sample.target, sample.image_size).inside
    assert inside[SQUARE].all()
    assert inside.sum() == inside[SQUARE].size


def test_published_tasks_come_first_and_others_by_name(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path, {"Unseen": 1, "Extra": 1, "Location": 1, "Placement": 1})
    assert open_benchmark(folder).tasks == ("Location", "Placement", "Unseen", "Extra")
    assert open_benchmark(folder, tasks=("placement", "LOCATION")).tasks == ("Location", "Placement")
    assert open_benchmark(folder, tasks=("extra",)).samples[0].key == "Extra/0"


def test_limit_takes_the_first_of_each_task(folder: Path) -> None:
    assert [sample.key for sample in open_benchmark(folder, limit=1).samples] == ["Location/0", "Placement/0"]


def test_our_own_keys_are_read(folder: Path) -> None:
    steps = [
        {"kind": "Position", "target": "the pen", "value": [0.5, 0.25]},
        {"kind": "Orientation", "target": "its tip", "value": [0.0, 0.0, 1.0]},
        {"kind": "Size", "target": "the pen", "value": [0.12]},
    ]
    record = question(
        0, depth_path="depth/0.png", metric_depth_path="metric_depth/0.png", relations=["left"], intrinsics=CAMERA,
        steps=steps, key_steps=[0, 1, 2], scene="indoor",
    )  # fmt: skip
    write_questions(folder, "Location", [record])
    save(Image.new("L", (WIDTH, HEIGHT)), folder / "Location" / "depth" / "0.png")
    save(depth(), folder / "Location" / "metric_depth" / "0.png")
    benchmark = open_benchmark(folder, tasks=("Location",))
    sample = benchmark.samples[0]
    assert benchmark.name == "RefSpatial-Expand-Bench"
    assert sample.depth == sample.metric_depth == folder / "Location" / "metric_depth" / "0.png"
    assert sample.intrinsics == Intrinsics(40.0, 40.0, 20.0, 15.0, WIDTH, HEIGHT)
    assert (sample.relations, sample.scene) == (("left",), "indoor")
    assert sample.key_steps == (
        Step("Position", "the pen", Point(0.5, 0.25)),
        Step("Orientation", "its tip", (0.0, 0.0, 1.0)),
        Step("Size", "the pen", 0.12),
    )
    depth_m = read_metric_depth(sample)
    assert depth_m is not None
    assert depth_m[SQUARE].max() == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"prompt": None, "promt": "x"},
            "expected the key 'prompt', got id, object, suffix, rgb_path, mask_path, category, step, promt in "
            "BENCH/Location/question.json line 12: is 'promt' meant?",
        ),
        ({"prompt": 5}, "expected text as 'prompt', got int in BENCH/Location/question.json line 12"),
        ({"prompt": "  "}, "expected 'prompt' to say something, got nothing in BENCH/Location/question.json line 12"),
        ({"id": 0}, "expected every id once, got 0 in BENCH/Location/question.json line 12, which "
                    "BENCH/Location/question.json line 2 has too"),
        ({"id": 1.5}, "expected text or a whole number as 'id', got 1.5 in BENCH/Location/question.json line 12"),
        ({"step": "two"}, "expected a whole number as 'step', got 'two' in BENCH/Location/question.json line 12"),
        ({"step": float("nan")}, "expected a whole number as 'step', got nan in BENCH/Location/question.json line 12"),
        ({"scene": 5}, "expected text as 'scene', got int in BENCH/Location/question.json line 12"),
        ({"steps": [{"kind": "Position", "target": "a", "value": [1.2, 0.5]}], "key_steps": [0]},
         "expected a Position within 0-1, got [1.2, 0.5] in BENCH/Location/question.json line 12"),
        ({"rgb_path": "image/9.png"}, "no such file: BENCH/Location/image/9.png, named in "
                                      "BENCH/Location/question.json line 12; copy the benchmark again"),
        ({"mask_path": "mask/9.png"}, "no such file: BENCH/Location/mask/9.png, named in "
                                      "BENCH/Location/question.json line 12; copy the benchmark again"),
        ({"mask_path": "../../secret.png"}, "expected a path within BENCH/Location, got '../../secret.png' in "
                                            "BENCH/Location/question.json line 12"),
        ({"mask_path": "/etc/passwd"}, "expected a path within BENCH/Location, got '/etc/passwd' in "
                                       "BENCH/Location/question.json line 12"),
        ({"relations": "left"}, "expected a list of texts as 'relations', got 'left' in "
                                "BENCH/Location/question.json line 12"),
        ({"intrinsics": 5}, "expected a camera as 'intrinsics', got int in BENCH/Location/question.json line 12"),
        ({"steps": [{"kind": "Colour"}], "key_steps": [0]},
         "expected a step with kind (Position, Orientation, Size), target and value, got {'kind': 'Colour'} in "
         "BENCH/Location/question.json line 12"),
        ({"steps": [{"kind": "Size", "target": "a", "value": [1.0]}], "key_steps": [1]},
         "expected 'key_steps' to name steps 0 to 0, got 1 in BENCH/Location/question.json line 12"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_faulty_record_is_named_by_its_line(folder: Path, change: dict[str, Any], text: str) -> None:
    write_questions(folder, "Location", [question(0), question(1, **change)])
    assert refusal(folder) == text


def test_a_mask_of_another_size_is_refused(folder: Path) -> None:
    save(mask().resize((20, 15)), folder / "Location" / "mask" / "1.png")
    assert refusal(folder) == (
        "expected a mask of the image's size 40x30, got 20x15 in BENCH/Location/mask/1.png, named in "
        "BENCH/Location/question.json line 12"
    )


def test_a_picture_that_is_none_is_refused(folder: Path) -> None:
    (folder / "Location" / "image" / "0.png").write_text("hello")
    assert refusal(folder).endswith("named in BENCH/Location/question.json line 2")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[]", "expected questions, got an empty list in BENCH/Location/question.json"),
        ("{}", "expected a JSON list of questions, got '{}' in BENCH/Location/question.json"),
        ('[\n{"id": 1},\n5]', "expected an object with a question, got int in BENCH/Location/question.json line 3"),
        ('[{"id": 1}\n{"id": 2}]', "cannot read BENCH/Location/question.json line 2: expected , or ]; copy it again"),
        ('[{"id": 1}] x', "cannot read BENCH/Location/question.json line 1: expected nothing behind it; copy it again"),
        ('[{"id": ', "cannot read BENCH/Location/question.json line 1: Expecting value; copy it again"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused(folder: Path, content: str, text: str) -> None:
    (folder / "Location" / "question.json").write_text(content)
    assert refusal(folder) == text


def test_a_byte_order_mark_is_passed_over(folder: Path) -> None:
    path = folder / "Location" / "question.json"
    path.write_text("\ufeff" + json.dumps([question(0)]), encoding="utf-8")
    assert len(open_benchmark(folder, tasks=("Location",)).samples) == 1


def test_an_empty_mask_is_refused_with_file_and_line(folder: Path) -> None:
    save(mask(0), folder / "Location" / "mask" / "1.png")
    sample = open_benchmark(folder).samples[1]
    assert isinstance(sample.target, MaskTarget)
    with pytest.raises(InputError) as caught:
        read_mask(sample.target, sample.image_size)
    assert str(caught.value).replace(str(folder), "BENCH") == (
        "expected a mask with something inside, got an empty one in BENCH/Location/mask/1.png, named in "
        "BENCH/Location/question.json line 12: draw it again"
    )


def test_a_task_without_its_questions_is_not_passed_over(folder: Path) -> None:
    (folder / "Placement" / "question.json").unlink()
    assert refusal(folder) == "no such file: BENCH/Placement/question.json; check the path"
    assert open_benchmark(folder, tasks=("Location",)).tasks == ("Location",)


@pytest.mark.parametrize("name", ["Location", "Location/question.json"])
def test_the_folder_of_a_task_is_told_from_the_benchmarks(folder: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        open_benchmark(folder / name)
    assert str(caught.value).replace(str(folder), "BENCH") == (
        f"expected a benchmark's folder, got BENCH/{name} of one of its tasks: name BENCH with --tasks Location"
    )


def test_questions_of_unseen_that_other_tasks_have_are_marked(tmp_path: Path) -> None:
    folder = write_refspatial(tmp_path, {"Location": 3, "Unseen": 4})
    # The second asks the same about another picture, the third about a picture that was saved otherwise.
    save(picture(7), folder / "Unseen" / "image" / "1.png")
    picture(2).save(folder / "Unseen" / "image" / "2.png", compress_level=0)
    benchmark = open_benchmark(folder)
    assert [sample.key for sample in benchmark.samples if sample.repeated] == ["Unseen/0", "Unseen/2"]
    assert benchmark.notes == (
        "2 questions of Unseen stand in other tasks, too: where tasks are taken together they count once",
    )
    summary = score_run(benchmark, RunSettings("m"), {}).summary
    assert (summary.tasks["Unseen"].samples, summary.all.samples) == (4, 5)
    assert sum(group.samples for group in summary.steps.values()) == 5


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_masks_of_every_kind_are_read(tmp_path: Path, mode: str) -> None:
    plain = mask()
    image = plain.convert("I").convert("I;16") if mode == "I;16" else plain.convert(mode)
    save(image, tmp_path / "mask.png")
    read = read_mask(MaskTarget(tmp_path / "mask.png", "mask.png"), (WIDTH, HEIGHT))
    assert read.inside[SQUARE].all()
    assert read.inside.sum() == read.inside[SQUARE].size


def test_an_unknown_task_is_refused(folder: Path) -> None:
    text = "expected --tasks out of Location, Placement, got 'Unseen' for BENCH"
    assert refusal(folder, tasks=("Unseen",)) == text


def test_what_is_no_benchmark_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "no such benchmark: BENCH; name its folder, or its id on the hub"
    (tmp_path / "empty").mkdir()
    expected = "expected a benchmark in BENCH, got none of the known forms: see docs/evaluation.md"
    assert refusal(tmp_path / "empty") == expected
    assert refusal(tmp_path / "empty", limit=0) == "expected --limit of at least 1, got 0"
