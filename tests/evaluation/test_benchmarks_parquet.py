"""Benchmarks as the hub's Parquet files."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.samples import ChoiceTarget, MaskTarget, PolygonTarget, YesNoTarget, read_mask

from .made_up import HEIGHT, SQUARE, WIDTH, cell, depth, mask, picture, png, write_parquet

POLYGON = "[(0.383, 0.873), (0.390, 0.990), (0.1, 0.9)]"


def refspatial_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "image": cell(picture(number)),
        "mask": cell(mask()),
        "object": "cup",
        "prompt": "Point to the cup.",
        "suffix": "Answer so.",
        "step": 2,
    } | changes


def refusal(folder: Path, **arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        open_benchmark(folder, **arguments)
    return str(caught.value).replace(str(folder), "BENCH")


def test_refspatial_bench(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data" / "location-00000-of-00002.parquet", [refspatial_row(0)])
    write_parquet(tmp_path / "data" / "location-00001-of-00002.parquet", [refspatial_row(1)])
    write_parquet(tmp_path / "data" / "unseen-00000-of-00001.parquet", [refspatial_row(0)])
    benchmark = open_benchmark(tmp_path)
    assert benchmark.name == "RefSpatial-Bench"
    assert [sample.key for sample in benchmark.samples] == ["Location/0", "Location/1", "Unseen/0"]
    sample = benchmark.samples[0]
    assert (sample.prompt, sample.suffix, sample.object, sample.step) == ("Point to the cup.", "Answer so.", "cup", 2)
    assert isinstance(sample.target, MaskTarget)
    assert read_mask(sample.target, sample.image_size).inside[SQUARE].all()
    assert open_benchmark(tmp_path, tasks=("unseen",)).tasks == ("Unseen",)


def test_expand_bench_has_scenes(tmp_path: Path) -> None:
    write_parquet(tmp_path / "location-0.parquet", [refspatial_row(0, scene="outdoor")])
    benchmark = open_benchmark(tmp_path / "location-0.parquet")
    assert benchmark.name == "RefSpatial-Expand-Bench"
    assert benchmark.samples[0].scene == "outdoor"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"id": 0}, "expected every id once, got 0 in BENCH/location-0.parquet row 1, which "
                    "BENCH/location-0.parquet row 0 has too"),
        ({"mask": None}, "expected 'mask' to say something, got null in BENCH/location-0.parquet row 1"),
        ({"mask": cell(mask().resize((4, 4)))},
         "expected a mask of the image's size 40x30, got 4x4 in the given bytes, "
         "named in BENCH/location-0.parquet row 1"),
        ({"mask": {"bytes": None, "path": "0.png"}},
         "expected the bytes of a picture as 'mask', got none in BENCH/location-0.parquet row 1"),
        ({"prompt": ""}, "expected 'prompt' to say something, got nothing in BENCH/location-0.parquet row 1"),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_faulty_row_is_named(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    write_parquet(tmp_path / "location-0.parquet", [refspatial_row(0), refspatial_row(1, **change)])
    assert refusal(tmp_path) == text


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "location-0.parquet").write_bytes(b"PAR1 broken")
    assert refusal(tmp_path).startswith("cannot read BENCH/location-0.parquet: ")


def test_unknown_columns_are_refused(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [{"b": 1, "a": 2}])
    assert refusal(tmp_path) == (
        "expected the columns of a known benchmark, got a, b in BENCH/a.parquet: see docs/evaluation.md"
    )


def test_where2place(tmp_path: Path) -> None:
    row = {"question_id": 7, "question": "Find a place.", "image": cell(picture()), "mask": cell(mask(204))}
    write_parquet(tmp_path / "test.parquet", [row])
    benchmark = open_benchmark(tmp_path)
    assert (benchmark.name, benchmark.samples[0].key) == ("Where2Place", "7")
    target = benchmark.samples[0].target
    assert isinstance(target, MaskTarget)
    # The mask is soft: a value of 204 is worth 204 / 255.
    assert read_mask(target, (WIDTH, HEIGHT)).weights.max() == pytest.approx(0.8)


def test_robospatial_home(tmp_path: Path) -> None:
    rows = [
        {"category": "context", "question": "Where?", "answer": POLYGON},
        {"category": "compatibility", "question": "Can it fit?", "answer": "Yes"},
        {"category": "context", "question": "Where else?", "answer": POLYGON},
    ]
    pictures = {"img": cell(picture()), "depth_image": cell(depth()), "mask": None}
    write_parquet(tmp_path / "test.parquet", [row | pictures for row in rows])
    benchmark = open_benchmark(tmp_path)
    assert [sample.key for sample in benchmark.samples] == ["context/0", "compatibility/0", "context/1"]
    assert benchmark.samples[0].target == PolygonTarget(((0.383, 0.873), (0.39, 0.99), (0.1, 0.9)))
    assert benchmark.samples[1].target == YesNoTarget("yes")
    assert benchmark.samples[2].extra["img"] == "images/img_context_1.png"
    assert benchmark.samples[0].depth is not None
    assert [sample.task for sample in open_benchmark(tmp_path, tasks=("compatibility",)).samples] == ["compatibility"]
    assert refusal(tmp_path, tasks=("configuration",)) == "expected questions of configuration, got none in BENCH"


@pytest.mark.parametrize("answer", ["maybe", "[(0.1, 0.2)]", "[(0.1, 0.2), (1, 2), 5]", "[(0.1)]", "[" * 5000])
def test_robospatial_answers_are_polygons_or_yes_or_no(tmp_path: Path, answer: str) -> None:
    row = {"category": "context", "question": "Where?", "answer": answer, "img": cell(picture())}
    write_parquet(tmp_path / "test.parquet", [row])
    assert refusal(tmp_path) == (
        f"expected yes, no or a polygon of three or more pairs as 'answer', got {answer[:60]!r} in "
        "BENCH/test.parquet row 0"
    )


CV_BENCH = {
    "idx": 3,
    "type": "3D",
    "task": "Depth",
    "image": cell(picture()),
    "question": "Which is nearer?",
    "choices": ["the cup", "the pen"],
    "answer": "(B)",
    "prompt": "Which is nearer? (A) the cup (B) the pen",
    "source": "Omni3D",
}
BLINK = {
    "idx": "val_Relative_Depth_1",
    "sub_task": "Relative_Depth",
    "question": "Which point is closer?",
    "prompt": "Which point is closer? (A) A is closer (B) B is closer",
    "image_1": cell(picture()),
    "image_2": None,
    "image_3": None,
    "image_4": None,
    "choices": ["A is closer", "B is closer"],
    "answer": "(A)",
}
SAT = {
    "image_bytes": [png(picture(0)), png(picture(1))],
    "question": "How did the camera move?",
    "answers": ["left", "right"],
    "correct_answer_idx": 1,
}
EMB_SPATIAL = {
    "data_source": "mp3d",
    "question_id": "mp3d_57",
    "question": "Which object is closest?",
    "relation": "close",
    "image": cell(picture()),
    "answer_options": ["door", "cabinet", "table", "cart"],
    "answer": 2,
}


@pytest.mark.parametrize(
    ("row", "name", "key", "task", "prompt", "answer", "images"),
    [
        (CV_BENCH, "CV-Bench", "3D Depth/3", "3D Depth", CV_BENCH["prompt"], "B", 1),
        (BLINK, "BLINK", "val_Relative_Depth_1", "Relative_Depth", BLINK["prompt"], "A", 1),
        (SAT, "SAT", "SAT/0", "SAT", "How did the camera move? (A) left (B) right", "B", 2),
        (EMB_SPATIAL, "EmbSpatial-Bench", "mp3d_57", "mp3d",
         "Which object is closest? (A) door (B) cabinet (C) table (D) cart", "C", 1),
    ],
    ids=["cv-bench", "blink", "sat", "embspatial"],
)  # fmt: skip
def test_multiple_choice(
    tmp_path: Path, row: dict[str, Any], name: str, key: str, task: str, prompt: str, answer: str, images: int
) -> None:
    write_parquet(tmp_path / "test.parquet", [row])
    benchmark = open_benchmark(tmp_path)
    sample = benchmark.samples[0]
    assert (benchmark.name, sample.key, sample.task, sample.prompt) == (name, key, task, prompt)
    assert isinstance(sample.target, ChoiceTarget)
    assert sample.target.answer == answer
    assert len(sample.images) == images
    assert sample.image_size == (WIDTH, HEIGHT)


def test_cv_bench_is_told_by_source(tmp_path: Path) -> None:
    write_parquet(tmp_path / "test.parquet", [CV_BENCH])
    benchmark = open_benchmark(tmp_path)
    assert benchmark.samples[0].scene == "Omni3D"
    assert benchmark.notes == (
        "the official CV-Bench score is ((ADE20K + COCO) / 2 + Omni3D) / 2, by the sources shown as scenes",
    )


def test_sat_may_name_the_right_answer(tmp_path: Path) -> None:
    row = {key: value for key, value in SAT.items() if key != "correct_answer_idx"} | {"correct_answer": "left"}
    write_parquet(tmp_path / "test.parquet", [row])
    assert open_benchmark(tmp_path).samples[0].target == ChoiceTarget("A", ("left", "right"))


def test_embspatial_pictures_may_be_base64(tmp_path: Path) -> None:
    write_parquet(tmp_path / "test.parquet", [EMB_SPATIAL | {"image": base64.b64encode(png(picture())).decode()}])
    assert open_benchmark(tmp_path).samples[0].images == (png(picture()),)


def test_embspatial_as_its_authors_publish_it(tmp_path: Path) -> None:
    record = EMB_SPATIAL | {"image": base64.b64encode(png(picture())).decode()}
    (tmp_path / "embspatial_bench.json").write_text(json.dumps([record, record | {"question_id": "mp3d_58"}]))
    (tmp_path / "embspatial_sft.json").write_text("[]")
    for source in (tmp_path, tmp_path / "embspatial_bench.json"):
        benchmark = open_benchmark(source)
        assert (benchmark.name, [sample.key for sample in benchmark.samples]) == (
            "EmbSpatial-Bench", ["mp3d_57", "mp3d_58"],
        )  # fmt: skip
        assert benchmark.samples[0].images == (png(picture()),)


def test_of_several_splits_one_is_read_and_the_others_are_told(tmp_path: Path) -> None:
    for name, row in (("val", BLINK), ("test", BLINK | {"answer": "hidden", "idx": "test_Relative_Depth_1"})):
        write_parquet(tmp_path / "blink" / "Relative_Depth" / f"{name}-00000-of-00001.parquet", [row])
    blink = open_benchmark(tmp_path / "blink")
    assert [sample.key for sample in blink.samples] == ["val_Relative_Depth_1"]
    assert blink.notes == ("not read, because of another split than val: Relative_Depth/test-00000-of-00001.parquet",)
    for name in ("SAT_train", "SAT_static", "SAT_val", "SAT_test"):
        write_parquet(tmp_path / "sat" / f"{name}.parquet", [SAT | {"question": f"{name}?"}])
    sat = open_benchmark(tmp_path / "sat")
    assert [sample.prompt for sample in sat.samples] == ["SAT_test? (A) left (B) right"]
    assert "SAT_static.parquet, SAT_train.parquet, SAT_val.parquet" in sat.notes[0]


def test_questions_without_ids_are_counted_over_all_files(tmp_path: Path) -> None:
    for number in range(2):
        write_parquet(tmp_path / f"test-{number}.parquet", [SAT, SAT])
    assert [sample.key for sample in open_benchmark(tmp_path).samples] == ["SAT/0", "SAT/1", "SAT/2", "SAT/3"]


def test_a_folder_may_name_the_split(tmp_path: Path) -> None:
    write_parquet(tmp_path / "unseen" / "0000.parquet", [refspatial_row(0)])
    write_parquet(tmp_path / "location" / "0000.parquet", [refspatial_row(0)])
    benchmark = open_benchmark(tmp_path)
    assert set(benchmark.tasks) == {"Location", "Unseen"}
    assert [sample.key for sample in benchmark.samples if sample.repeated] == ["Unseen/0"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (CV_BENCH | {"answer": "(C)"},
         "expected an answer (A) to (B) as 'answer', got '(C)' in BENCH/test.parquet row 0"),
        (CV_BENCH | {"choices": ["one"]}, "expected 2 to 26 options as 'choices', got 1 in BENCH/test.parquet row 0"),
        (BLINK | {"answer": "hidden"},
         "expected an answer, got a hidden one in BENCH/test.parquet row 0: take the split 'val'"),
        (SAT | {"correct_answer_idx": 2},
         "expected an index of 0 to 1 as 'correct_answer_idx', got 2 in BENCH/test.parquet row 0"),
        (EMB_SPATIAL | {"image": "no base64!"}, "expected a picture as 'image', got str in BENCH/test.parquet row 0"),
    ],
    ids=["letter", "options", "hidden", "index", "base64"],
)  # fmt: skip
def test_faulty_choices_are_refused(tmp_path: Path, row: dict[str, Any], text: str) -> None:
    write_parquet(tmp_path / "test.parquet", [row])
    assert refusal(tmp_path) == text


def test_tasks_are_chosen_while_reading(tmp_path: Path) -> None:
    write_parquet(tmp_path / "test.parquet", [CV_BENCH, CV_BENCH | {"task": "Distance", "idx": 4}])
    assert open_benchmark(tmp_path, tasks=("3d distance",)).tasks == ("3D Distance",)
    assert refusal(tmp_path, tasks=("2D Count",)) == (
        "expected --tasks out of 3D Depth, 3D Distance, got '2D Count' for BENCH"
    )


def test_pictures_of_every_kind_are_taken(tmp_path: Path) -> None:
    odd = Image.fromarray(np.zeros((HEIGHT, WIDTH), np.uint8)).convert("P")
    write_parquet(tmp_path / "location-0.parquet", [refspatial_row(0, image=cell(odd))])
    assert open_benchmark(tmp_path).samples[0].image_size == (WIDTH, HEIGHT)
