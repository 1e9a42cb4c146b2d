"""What is written of a scene: the published keys as the published loader reads them, and ours beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.answers import parse_answer
from roborefer.errors import InputError
from roborefer.geometry.cameras import read_intrinsics
from roborefer.geometry.depth import depth_picture, read_depth
from roborefer.refspatial.generation import GenerationSettings
from roborefer.refspatial.reader import read_scene, turns_of
from roborefer.refspatial.relations.measures import measures
from roborefer.refspatial.run_folder import FOLDERS
from roborefer.refspatial.run_length import decode_mask
from roborefer.refspatial.scene_graph import scene_from_json, scene_to_json
from roborefer.refspatial.writer import AskedScene, millimetres, thinking, write_scene

from .asked_scenes import made_up_question, made_up_scene

SETTINGS = GenerationSettings(1, 5, ((160, 120),), views=(2, 2))
PUBLISHED = {"id", "image", "depth", "conversations", "think"}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def asked() -> AskedScene:
    return made_up_scene(SETTINGS, 12)


def test_a_published_loader_reads_the_records(folder: Path, asked: AskedScene) -> None:
    for record in write_scene(folder, asked):
        assert set(record) >= PUBLISHED
        assert isinstance(record["id"], str)
        for image, depth in zip(record["image"], record["depth"], strict=True):
            assert image == Path(image).name  # file names alone, as in the published JSON
            picture, grey = pixels(folder / "image" / image), pixels(folder / "depth" / depth)
            assert (picture.shape, picture.dtype) == ((120, 160, 3), np.uint8)
            assert grey.shape == (120, 160, 3)
            assert grey.dtype == np.uint8
            assert (grey[..., 0] == grey[..., 1]).all()
            assert (grey[..., 0] == grey[..., 2]).all()
        turns = record["conversations"]
        assert [turn["from"] for turn in turns] == ["human", "gpt"] * (len(turns) // 2)
        assert all(isinstance(turn["value"], str) and turn["value"] for turn in turns)
        assert len(turns) == 2 * len(record["think"]) == 2 * len(record["questions"])
        assert all(set(entry) == {"question_type", "thinking"} for entry in record["think"])


def test_the_records_of_a_scene(folder: Path, asked: AskedScene) -> None:
    records = write_scene(folder, asked)
    assert [record["id"] for record in records] == [
        "000012_0",
        "000012_0_marks_0",
        "000012_1",
        "000012_1_marks_0",
        "000012_0_1_0",
    ]
    assert [len(record["questions"]) for record in records] == [3, 1, 3, 1, 1]
    assert [record["views"] for record in records] == [[0], [0], [1], [1], [0, 1]]
    assert records[-1]["image"] == ["000012_0.png", "000012_1.png"]
    assert len({record["id"] for record in records}) == len(records)


def test_all_turns_fit_into_records_of_fifteen(folder: Path, asked: AskedScene) -> None:
    many = tuple(made_up_question("fact", f"Question {number}?", "Yes.") for number in range(31))
    one_view = AskedScene(3, asked.views[:1], (many,))
    records = write_scene(folder, one_view)
    assert [record["id"] for record in records] == ["000003_0", "000003_0_1", "000003_0_2"]
    assert [len(record["questions"]) for record in records] == [15, 15, 1]
    texts = [turn["value"] for record in records for turn in record["conversations"][::2]]
    assert texts == [question.text for question in many]


@pytest.mark.parametrize("method", ["inverse", "linear"])
def test_pixels_come_back(folder: Path, asked: AskedScene, method: Any) -> None:
    write_scene(folder, asked, method=method)
    for view, scene in enumerate(asked.views):
        name = f"000012_{view}.png"
        np.testing.assert_array_equal(pixels(folder / "image" / name), scene.image)
        np.testing.assert_array_equal(pixels(folder / "depth" / name), depth_picture(scene.depth_m, method))
        metres = read_depth(folder / "metric_depth" / name).metres
        assert metres is not None
        np.testing.assert_allclose(metres, scene.depth_m, atol=0.00051)


def test_pictures_can_be_jpeg_and_depth_stays_exact(folder: Path, asked: AskedScene) -> None:
    record, marked, *_ = write_scene(folder, asked, picture_format="jpg")
    assert (record["image"], record["depth"]) == (["000012_0.jpg"], ["000012_0.png"])
    assert marked["image"] == ["000012_0_marks_0.jpg"]
    scene = asked.views[0]
    assert scene.image is not None
    difference = pixels(folder / "image" / "000012_0.jpg").astype(int) - scene.image
    assert 0 < np.abs(difference).mean() < 3
    np.testing.assert_array_equal(pixels(folder / "metric_depth" / "000012_0.png"), millimetres(scene.depth_m))
    for shown in (record, marked):
        again = read_scene(folder, shown)
        assert again.image is not None
        np.testing.assert_array_equal(again.image, pixels(folder / "image" / "000012_0.jpg"))


def test_what_only_some_objects_have_is_read_back(asked: AskedScene) -> None:
    scene = asked.views[0]
    first, *others = scene.objects
    told = replace(first, also_called=("cup", "beaker"), reach_m=(0.7, 0.8), width_m=0.05)
    scene = replace(scene, objects=(told, *others))
    again = scene_from_json(scene_to_json(scene), ids=scene.ids, depth_m=scene.depth_m, surface_ids=scene.surface_ids)
    assert [item.also_called for item in again.objects][:2] == [("cup", "beaker"), ()]
    assert [item.reach_m for item in again.objects][:2] == [(0.7, 0.8), None]
    assert [item.width_m for item in again.objects][:2] == [0.05, None]
    assert measures(again)[first.id].height == pytest.approx(0.1)
    assert measures(again)[first.id].seen_width == 0.05
    lowest, highest = others[0].heights
    assert measures(again)[others[0].id].height == pytest.approx(highest - lowest)


def test_a_scene_is_read_back(folder: Path, asked: AskedScene) -> None:
    record = write_scene(folder, asked)[-1]
    for position, scene in enumerate(asked.views):
        again = read_scene(folder, record, position)
        assert scene_to_json(again) == scene_to_json(scene)
        np.testing.assert_array_equal(again.ids, scene.ids)
        np.testing.assert_array_equal(again.surface_ids, scene.surface_ids)
        np.testing.assert_array_equal(again.image, scene.image)
        np.testing.assert_allclose(again.depth_m, scene.depth_m, atol=0.00051)


def test_turns_are_read_back(folder: Path, asked: AskedScene) -> None:
    (record, *_) = write_scene(folder, asked)
    for turn, question in zip(turns_of(record), asked.questions[0], strict=False):
        assert (turn.text, turn.answer, turn.steps) == (question.text, question.answer, question.steps)
        for point, expected in zip(turn.points, question.points, strict=True):
            assert (point.x, point.y) == pytest.approx((expected.x, expected.y), abs=1e-6)


def test_depth_of_a_sensor_is_written_where_there_is_one(folder: Path, asked: AskedScene) -> None:
    views = tuple(
        replace(scene, sensor_depth_m=np.where(scene.ids > 0, np.float32(0), scene.depth_m)) for scene in asked.views
    )
    write_scene(folder, replace(asked, views=views))
    metres = read_depth(folder / "metric_depth" / "000012_0.png").metres
    assert metres is not None
    unknown = (asked.views[0].ids > 0) | (asked.views[0].depth_m == 0)
    np.testing.assert_array_equal(metres == 0, unknown)
    grey = pixels(folder / "depth" / "000012_0.png")
    assert (grey[asked.views[0].ids > 0] == 0).all()


def test_the_scene_file_and_the_masks_give_the_scene_back(folder: Path, asked: AskedScene) -> None:
    (record, *_) = write_scene(folder, asked)
    content = json.loads((folder / "scene" / record["scene"]).read_text(encoding="utf-8"))
    assert content["seed"] == asked.views[0].seed
    for scene, view in zip(asked.views, content["views"], strict=True):
        ids = np.zeros_like(scene.ids)
        for object_id, mask in view["masks"].items():
            ids[decode_mask(mask)] = int(object_id)
        np.testing.assert_array_equal(ids, scene.ids)
        surface_ids = np.zeros_like(scene.surface_ids)
        for number, surface in enumerate(scene.surfaces, start=1):
            surface_ids[decode_mask(view["surface_masks"][surface.name])] = number
        np.testing.assert_array_equal(surface_ids, scene.surface_ids)
        again = scene_from_json(view, ids=ids, depth_m=scene.depth_m, surface_ids=surface_ids)
        assert scene_to_json(again) == scene_to_json(scene)


def test_our_fields_say_what_the_question_says(folder: Path, asked: AskedScene, tmp_path: Path) -> None:
    (record, marked, *_) = write_scene(folder, asked)
    location, placement, quantity = record["questions"]
    scene = asked.views[0]
    np.testing.assert_array_equal(decode_mask(location["mask"]), scene.mask(1))
    np.testing.assert_array_equal(decode_mask(placement["mask"]), scene.surface_ids == 1)
    assert (location["kind"], location["phrase"], location["relations"]) == ("location", "the mug", ["left"])
    assert (location["target"], placement["target"]) == (1, None)
    assert placement["steps"] == [
        {"kind": "Position", "target": "the book", "value": [0.5, 0.5]},
        {"kind": "Orientation", "target": "the book's front", "value": [0.0, 0.6, 0.8]},
        {"kind": "Size", "target": "the book", "value": [0.12]},
    ]
    assert (placement["key_steps"], placement["step_count"]) == ([0], 2)
    assert quantity["mask"] is None
    assert quantity["facts"] == [
        {"name": "distance", "number": 0.3, "text": None},
        {"name": "unit", "number": None, "text": "m"},
    ]
    assert record["think"][1] == {
        "question_type": "placement",
        "thinking": "[Position] [the book]: [(0.500, 0.500)]\n"
        "[Orientation] [the book's front]: (0.000, 0.600, 0.800)\n"
        "[Size] [the book]: 0.12",
    }
    assert {len(turn["points"]) for turn in marked["questions"]} == {0}
    assert [mark["letter"] for mark in marked["questions"][0]["marks"]] == ["A", "B", ""]
    assert marked["questions"][0]["marks"][1:] == [
        {"place": [0.8, 0.1], "color": "red", "letter": "B", "target": 3},
        {"place": [0.4, 0.4, 0.6, 0.6], "color": "blue", "letter": "", "target": 2},
    ]
    camera = tmp_path / "camera.json"
    camera.write_text(json.dumps(record["camera"][0]["intrinsics"]), encoding="utf-8")
    assert read_intrinsics(camera) == scene.camera.intrinsics
    assert record["camera"][0]["world_from_camera"] == scene.camera.world_from_camera.tolist()


def test_every_turn_has_the_same_keys_of_the_same_types(folder: Path, asked: AskedScene) -> None:
    types: dict[str, set[str]] = {}
    turns = [turn for record in write_scene(folder, asked) for turn in record["questions"]]
    for turn in turns:
        assert turn.keys() == turns[0].keys()
        for key, value in turn.items():
            types.setdefault(key, set()).add(type(value).__name__)
    optional = {"target": {"NoneType", "int"}, "mask": {"NoneType", "dict"}}
    assert all(len(found) == 1 or found == optional[key] for key, found in types.items())


def test_marks_are_drawn_into_a_picture_of_their_own(folder: Path, asked: AskedScene) -> None:
    records = write_scene(folder, asked)
    marked = records[1]
    assert (marked["image"], marked["depth"]) == (["000012_0_marks_0.png"], ["000012_0.png"])
    plain = pixels(folder / "image" / "000012_0.png").astype(int)
    drawn = pixels(folder / "image" / "000012_0_marks_0.png").astype(int)
    x, y = asked.questions[0][0].points[0].pixel((160, 120))
    assert drawn[int(y), int(x)].tolist() == [255, 0, 0]
    assert drawn[48, 64:95].tolist() == [[0, 0, 255]] * 31
    changed = (plain != drawn).any(axis=2)
    assert 0 < changed.mean() < 0.2


def test_thinking_reads_back_as_steps(asked: AskedScene) -> None:
    steps = asked.questions[0][1].steps
    assert parse_answer(f"<think>\n{thinking(steps)}\n</think><answer>[(0.1, 0.2)]</answer>").steps == steps
    assert thinking(()) == ""


def test_millimetres_round_and_forget_what_they_cannot_hold() -> None:
    metres = np.array([[0.0, 1.2344, 1.2346, 65.535, 65.54, np.nan, np.inf, -1.0]], np.float32)
    assert millimetres(metres).tolist() == [[0, 1234, 1235, 65535, 0, 0, 0, 0]]
    assert millimetres(metres).dtype == np.uint16


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path, asked: AskedScene) -> None:
    with pytest.raises(InputError) as caught:
        write_scene(tmp_path, asked)
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'image' / '000012_0.png'}: No such file or directory; "
        "check the disk, or choose another folder"
    )
