"""Where2Place, RoboSpatial-Home, Point-Bench, RefCOCO, generated data and one's own points, as folders."""

from __future__ import annotations

import json
import pickle
import shutil
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roborefer.errors import InputError
from roborefer.evaluation.benchmarks.opening import open_benchmark
from roborefer.evaluation.benchmarks.plain_pickle import read_plain_pickle
from roborefer.evaluation.profiles import PROFILES, question_text
from roborefer.evaluation.samples import BoxTarget, MaskTarget, PolygonTarget, YesNoTarget, read_mask
from roborefer.structures import Box

from .made_up import HEIGHT, SQUARE, WIDTH, depth, mask, picture, save


def refusal(folder: Path, **arguments: Any) -> str:
    with pytest.raises(InputError) as caught:
        open_benchmark(folder, **arguments)
    return str(caught.value).replace(str(folder), "BENCH")


def write_lines(path: Path, records: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


# ---- Where2Place -----------------------------------------------------------------------------------------------------


def where2place(folder: Path) -> list[dict[str, Any]]:
    for number in range(2):
        save(picture(number), folder / "images" / f"pic{number}.png")
        save(mask(), folder / "masks" / f"{number:02d}.jpg")
    return [
        {"question_id": 10 + number, "image": f"pic{number}.png", "text": "Find space.", "category": "a"}
        for number in range(2)
    ]


def test_where2place_masks_go_by_line(tmp_path: Path) -> None:
    write_lines(tmp_path / "point_questions.jsonl", where2place(tmp_path))
    benchmark = open_benchmark(tmp_path)
    assert [sample.key for sample in benchmark.samples] == ["10", "11"]
    target = benchmark.samples[1].target
    assert isinstance(target, MaskTarget)
    assert target.source == tmp_path / "masks" / "01.jpg"
    assert target.rule == "soft"


def test_the_sentence_about_the_form_is_a_suffix(tmp_path: Path) -> None:
    records = where2place(tmp_path)
    records[0]["text"] += " Your answer should be formatted as a list of tuples, i.e. [(x1, y1)]."
    write_lines(tmp_path / "point_questions.jsonl", records)
    first, second = open_benchmark(tmp_path).samples
    assert (first.prompt, second.prompt, second.suffix) == ("Find space.", "Find space.", "")
    assert question_text(first, PROFILES["roborefer"], reasoning=False) == records[0]["text"]
    assert question_text(first, PROFILES["molmo"], reasoning=False) == "Find space."


def test_where2place_without_a_mask(tmp_path: Path) -> None:
    write_lines(tmp_path / "point_questions.jsonl", where2place(tmp_path))
    (tmp_path / "masks" / "01.jpg").unlink()
    assert refusal(tmp_path) == (
        "no such file: BENCH/masks/01.jpg, named in BENCH/point_questions.jsonl line 2; copy the benchmark again"
    )


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    records = where2place(tmp_path)
    (tmp_path / "point_questions.jsonl").write_text(json.dumps(records[0]) + "\n\n{broken\n")
    assert refusal(tmp_path).startswith("cannot read BENCH/point_questions.jsonl line 3: ")


# ---- RoboSpatial-Home ------------------------------------------------------------------------------------------------


def test_robospatial_home(tmp_path: Path) -> None:
    save(picture(), tmp_path / "images" / "img_context_0.png")
    save(depth(), tmp_path / "images" / "depth_context_0.png")
    records = [
        {"category": "context", "question": "Where?", "answer": "[(0.1, 0.1), (0.5, 0.1), (0.5, 0.6)]",
         "img": "images/img_context_0.png", "depth_image": "images/depth_context_0.png", "mask": None},
        {"category": "configuration", "question": "Is it?", "answer": "no", "img": "images/img_context_0.png"},
    ]  # fmt: skip
    (tmp_path / "annotations.json").write_text(json.dumps(records))
    benchmark = open_benchmark(tmp_path)
    assert benchmark.samples[0].target == PolygonTarget(((0.1, 0.1), (0.5, 0.1), (0.5, 0.6)))
    assert benchmark.samples[0].depth == tmp_path / "images" / "depth_context_0.png"
    assert benchmark.samples[1].target == YesNoTarget("no")
    assert [record["question"] for record in records] == [sample.extra["question"] for sample in benchmark.samples]
    # Depth of another size is of no use for a model, but nobody who gives none has to mind.
    save(depth().resize((20, 15)), tmp_path / "images" / "depth_context_0.png")
    assert open_benchmark(tmp_path).samples[0].depth is not None
    records[0]["category"] = "contxt"
    (tmp_path / "annotations.json").write_text(json.dumps(records))
    assert refusal(tmp_path) == (
        "expected a category out of context, configuration, compatibility, got 'contxt' in "
        "BENCH/annotations.json line 1"
    )


# ---- Point-Bench -----------------------------------------------------------------------------------------------------

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "é.png") for form in ("NFC", "NFD"))


def point_bench(folder: Path, **changes: Any) -> list[dict[str, Any]]:
    save(picture(), folder / "selected_images" / DECOMPOSED)
    save(mask(), folder / "selected_masks" / "m.png")
    record = {"image_filename": COMPOSED, "mask_filename": "m.png", "user_input": "Point to it.", "category": "spatial",
              "count": 1}  # fmt: skip
    counting = record | {"category": "counting", "count": 3, "user_input": "All."} | changes
    records = [record, counting]
    (folder / "data.json").write_text(json.dumps(records))
    return records


def test_point_bench(tmp_path: Path) -> None:
    point_bench(tmp_path)
    benchmark = open_benchmark(tmp_path)
    first, second = (sample.target for sample in benchmark.samples)
    assert isinstance(first, MaskTarget)
    assert isinstance(second, MaskTarget)
    assert (first.scoring, first.rule, second.scoring, second.count) == ("first", "above-half", "count", 3)
    assert benchmark.tasks == ("spatial", "counting")


def test_point_bench_unpacks_its_archives(tmp_path: Path) -> None:
    point_bench(tmp_path / "whole")
    bench = tmp_path / "packed"
    bench.mkdir()
    (bench / "data.json").write_bytes((tmp_path / "whole" / "data.json").read_bytes())
    for name in ("selected_images", "selected_masks"):
        with zipfile.ZipFile(bench / f"{name}.zip", "w") as archive:
            for path in (tmp_path / "whole" / name).iterdir():
                archive.write(path, f"../../{name}/{path.name}")  # a name that would lead elsewhere
    assert len(open_benchmark(bench).samples) == 2
    assert sorted(path.name for path in bench.iterdir()) == [
        "data.json", "selected_images", "selected_images.zip", "selected_masks", "selected_masks.zip",
    ]  # fmt: skip
    assert not (tmp_path / "selected_images").exists()


def test_names_in_utf8_that_an_archive_does_not_say_so_of(tmp_path: Path) -> None:
    point_bench(tmp_path / "whole")
    bench = tmp_path / "packed"
    shutil.copytree(tmp_path / "whole" / "selected_masks", bench / "selected_masks")
    shutil.copy(tmp_path / "whole" / "data.json", bench)
    stored = COMPOSED.encode("utf-8").decode("cp437")  # as it is read where nothing says UTF-8
    name, plain = stored.encode("utf-8"), COMPOSED.encode("utf-8")
    with zipfile.ZipFile(bench / "whole.zip", "w") as archive:
        archive.writestr("x" * len(plain), (tmp_path / "whole" / "selected_images" / DECOMPOSED).read_bytes())
    content = (bench / "whole.zip").read_bytes().replace(b"x" * len(plain), plain)
    (bench / "selected_images.zip").write_bytes(content)
    (bench / "whole.zip").unlink()
    assert zipfile.ZipFile(bench / "selected_images.zip").namelist() == [name.decode()]
    assert len(open_benchmark(bench).samples) == 2


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mask_filename": "n.png"},
         "no such file: n.png, named as 'mask_filename' in BENCH/data.json line 1; unpack the archive again"),
        ({"count": None}, "expected a 'count' with the category counting, got none in BENCH/data.json line 1"),
    ],
)  # fmt: skip
def test_faulty_point_bench_records(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    point_bench(tmp_path, **change)
    assert refusal(tmp_path) == text


def test_any_channel_of_a_mask_above_half_is_inside(tmp_path: Path) -> None:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[..., 3] = 255  # transparency is no mask
    pixels[3, 4, 2] = 128
    from PIL import Image

    save(Image.fromarray(pixels), tmp_path / "m.png")
    read = read_mask(MaskTarget(tmp_path / "m.png", "m.png", rule="above-half"), (WIDTH, HEIGHT))
    assert np.argwhere(read.inside).tolist() == [[3, 4]]


# ---- RefCOCO ---------------------------------------------------------------------------------------------------------


def refcoco(folder: Path, protocol: int = 2, **changes: Any) -> None:
    save(picture(), folder.parent / "images" / "mscoco" / "images" / "train2014" / "COCO_train2014_000000000009.jpg")
    references = [
        {"ref_id": number, "ann_id": 5, "category_id": 1, "image_id": 9, "file_name": "COCO_9_5.jpg", "split": split,
         "sent_ids": [2 * number, 2 * number + 1],
         "sentences": [
             {"raw": "Left Cup", "sent": "left cup", "sent_id": 2 * number, "tokens": ["left", "cup"]},
             {"raw": "the cup", "sent": "the cup", "sent_id": 2 * number + 1, "tokens": ["the", "cup"]},
         ]} | changes
        for number, split in enumerate(("train", "val", "testA"))
    ]  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "refs(unc).p").write_bytes(pickle.dumps(references, protocol))
    instances = {
        "images": [{"id": 9, "file_name": "COCO_train2014_000000000009.jpg"}],
        "annotations": [{"id": 5, "bbox": [20.0, 10, 30, 10], "image_id": 9}],
    }
    (folder / "instances.json").write_text(json.dumps(instances))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_refcoco(tmp_path: Path, protocol: int) -> None:
    refcoco(tmp_path / "refcoco", protocol)
    benchmark = open_benchmark(tmp_path / "refcoco")
    assert (benchmark.name, benchmark.tasks) == ("RefCOCO", ("val", "testA"))
    assert [sample.key for sample in benchmark.samples] == ["val/2", "val/3", "testA/4", "testA/5"]
    assert [sample.prompt for sample in benchmark.samples[:2]] == [
        "Please point to the left cup.",
        "Please point to the cup.",
    ]
    # The box is cut at the image's right edge.
    assert benchmark.samples[0].target == BoxTarget(Box(0.5, 10 / 30, 1.0, 20 / 30))


def test_refcoco_train_is_read_when_it_is_named(tmp_path: Path) -> None:
    refcoco(tmp_path / "refcoco+")
    assert open_benchmark(tmp_path / "refcoco+", tasks=("train",)).name == "RefCOCO+"


def test_refcoco_references_must_fit_the_instances(tmp_path: Path) -> None:
    refcoco(tmp_path / "refcoco", ann_id=6)
    assert refusal(tmp_path / "refcoco") == (
        "expected ann_id and image_id of instances.json, got others in BENCH/refs(unc).p entry 1"
    )


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch harmed",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_never_runs(tmp_path: Path, protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refcoco(tmp_path / "refcoco")
    (tmp_path / "refcoco" / "refs(unc).p").write_bytes(pickle.dumps([Harmful()], protocol))
    assert "it is not read, because it could run code" in refusal(tmp_path / "refcoco")
    assert not (tmp_path / "harmed").exists()


PLAIN = [None, True, False, 0, -5, 255, 70000, 2**70, 1.5, "é", "a\nb", "", [], [[1], [2, 3]], (), (1,), (1, 2),
         (1, 2, 3), (1, 2, 3, 4), {}, {"a": {"b": [1]}, 2: "c"}, {"x": "x" * 300}]  # fmt: skip


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [*PLAIN, PLAIN], ids=lambda value: str(value)[:20])
def test_plain_data_is_read_as_pickle_reads_it(tmp_path: Path, protocol: int, value: Any) -> None:
    path = tmp_path / "data.p"
    path.write_bytes(pickle.dumps(value, protocol))
    assert read_plain_pickle(path) == value
    assert type(read_plain_pickle(path)) is type(value)


@pytest.mark.parametrize("content", [b"", b"hello", b"(l.", b"]q\x01", b"\x80\x02}(K\x01u.", b"h\x05."])
def test_broken_pickles_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.p"
    path.write_bytes(content)
    if content == b"(l.":
        assert read_plain_pickle(path) == []
        return
    with pytest.raises(InputError):
        read_plain_pickle(path)


# ---- one's own points ------------------------------------------------------------------------------------------------


def own_points(folder: Path, *records: dict[str, Any]) -> Path:
    save(picture(), folder / "shelf.png")
    save(mask(), folder / "plate.png")
    save(depth(), folder / "depth.png")
    write_lines(folder / "points.jsonl", [{"image": "shelf.png"} | record for record in records])
    return folder / "points.jsonl"


def test_own_points(tmp_path: Path) -> None:
    path = own_points(
        tmp_path,
        {"instruction": "the left mug", "point": [0.5, 0.5], "tolerance": 3},
        {"instruction": "the plate", "mask": "plate.png", "task": "kitchen", "step": 2, "id": "plate"},
        {"instruction": "Show the free spot.", "box": [8, 6, 20, 15], "coordinates": "pixels", "depth": "depth.png"},
    )
    for source in (path, tmp_path):
        benchmark = open_benchmark(source)
        assert [sample.key for sample in benchmark.samples] == ["0", "plate", "2"]
        assert benchmark.tasks == ("points", "kitchen")
    first, second, third = benchmark.samples
    assert (first.prompt, first.object) == ("Please point to the left mug.", "the left mug")
    assert third.prompt == "Show the free spot."
    assert isinstance(first.target, MaskTarget)
    inside = read_mask(first.target, (WIDTH, HEIGHT)).inside
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    assert (inside == ((columns - 20) ** 2 + (rows - 15) ** 2 <= 9)).all()
    assert isinstance(second.target, MaskTarget)
    assert read_mask(second.target, (WIDTH, HEIGHT)).inside[SQUARE].all()
    assert third.target == BoxTarget(Box(0.2, 0.2, 0.5, 0.5))
    assert third.depth == tmp_path / "depth.png"


def test_a_tiny_tolerance_keeps_the_points_own_pixel(tmp_path: Path) -> None:
    path = own_points(tmp_path, {"instruction": "it", "points": [[1.0, 1.0], [0.0, 0.0]], "tolerance": 0.01})
    target = open_benchmark(path).samples[0].target
    assert isinstance(target, MaskTarget)
    assert np.argwhere(read_mask(target, (WIDTH, HEIGHT)).inside).tolist() == [[0, 0], [29, 39]]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"instruction": "it", "point": [0.5, 0.5], "tolerance": 0},
         "expected 'tolerance' in pixels, above 0, got 0 in BENCH line 2"),
        ({"instructions": "it", "point": [0.5, 0.5]},
         "expected the key 'instruction', got image, instructions, point in BENCH line 2: is 'instructions' meant?"),
        ({"instruction": "it"}, "expected one of point, points, box, mask, got none, in BENCH line 2"),
        ({"instruction": "it", "point": [0.5, 0.5], "id": "0"},
         "expected every id once, got 0 in BENCH line 2, which BENCH line 1 has too"),
    ],
)  # fmt: skip
def test_faulty_points_are_named(tmp_path: Path, record: dict[str, Any], text: str) -> None:
    path = own_points(tmp_path, {"instruction": "a", "point": [0.5, 0.5]}, record)
    assert refusal(path) == text
