"""One's own points: point, points, box and mask become one question with its region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from roborefer.answers import parse_answer
from roborefer.answers.prompts import POINT_SUFFIX
from roborefer.datasets.own_points import OwnPointsError, read_own_points
from roborefer.datasets.record_forms import read_record
from roborefer.datasets.sources import DataSource, source_at
from roborefer.refspatial.run_length import decode_mask

from .data_folders import SIZE, somewhere, write_lines, write_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pictures(tmp_path)
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[2:5, 1:4] = 255
    mask[10:21, 20:35] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask // 255).save(tmp_path / "ones.png")
    Image.fromarray(mask * 0).save(tmp_path / "empty.png")
    Image.fromarray(mask[:-1]).save(tmp_path / "short.png")
    return tmp_path


def asked(folder: Path, **keys: Any) -> tuple[str, str, dict[str, Any]]:
    messages, extras = read_own_points({"instruction": "the mug", **keys}, [folder / "a.png"], [folder])
    return messages[0].text, messages[1].text, extras["questions"][0]


def test_a_point(folder: Path) -> None:
    question, answer, told = asked(folder, point=[0.341, 0.61])
    assert question == f"Please point to the mug. {POINT_SUFFIX}"
    assert answer == "[(0.341, 0.610)]"
    assert (told["phrase"], told["points"], told["mask"], told["box"]) == ("the mug", [[0.341, 0.61]], None, None)


def test_points_in_pixels(folder: Path) -> None:
    _, answer, told = asked(folder, points=[[10, 15], [20.5, 30]], coordinates="pixels")
    assert answer == "[(0.250, 0.500), (0.512, 1.000)]"
    assert told["points"] == [[0.25, 0.5], [0.5125, 1.0]]


def test_a_box_answers_with_its_centre_and_stays_as_the_region(folder: Path) -> None:
    _, answer, told = asked(folder, box=[10, 0, 20, 15], coordinates="pixels")
    assert answer == "[(0.375, 0.250)]"
    assert told["box"] == [0.25, 0.0, 0.5, 0.5]


@pytest.mark.parametrize("name", ["mask.png", "ones.png"])
def test_a_mask_answers_well_inside_its_largest_part(folder: Path, name: str) -> None:
    _, answer, told = asked(folder, mask=name)
    mask = decode_mask(told["mask"])
    assert mask.sum() == 9 + 11 * 15
    point = parse_answer(answer).points[0]
    x, y = point.pixel(SIZE)
    assert (int(y), int(x)) == (15, 27)
    assert mask[13:18, 25:30].all()


def test_the_largest_part_counts_even_where_a_smaller_one_is_wider(folder: Path) -> None:
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[2:7, 2:7] = 255
    mask[20:22, 5:35] = 255
    Image.fromarray(mask).save(folder / "two.png")
    _, answer, _ = asked(folder, mask="two.png")
    x, y = parse_answer(answer).points[0].pixel(SIZE)
    assert mask[int(y), int(x)]
    assert y > 19


@settings(deadline=None)
@given(point=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_any_point_reads_back_from_its_answer(point: tuple[float, float], tmp_path_factory: Any) -> None:
    messages, _ = read_own_points({"instruction": "it", "point": list(point)}, [Path("a.png")], [])
    read = parse_answer(messages[1].text).points[0]
    assert (read.x, read.y) == pytest.approx(point, abs=0.0005001)


@pytest.mark.parametrize(
    ("keys", "kind", "text"),
    [
        ({}, "no_answer", "expected one of point, points, box, mask, got none"),
        (
            {"point": [0, 0], "box": [0, 0, 1, 1]},
            "odd_record",
            "expected one of point, points, box, mask, got point and box",
        ),
        (
            {"instruction": " ", "point": [0, 0]},
            "no_question",
            "expected an instruction such as 'the left mug', got none",
        ),
        ({"instruction": "<image>", "point": [0, 0]}, "no_question", None),
        ({"point": [0.1]}, "odd_record", "expected 2 numbers in point, got [0.1]"),
        ({"point": ["a", 1]}, "odd_record", None),
        ({"point": [None, 1]}, "odd_record", "expected 2 numbers in point, got [null, 1]"),
        ({"point": [True, 1]}, "odd_record", None),
        ({"point": [float("nan"), 1]}, "odd_record", None),
        ({"point": [10**400, 1]}, "odd_record", None),
        ({"points": []}, "odd_record", "expected points as [[x, y], ...], got []"),
        ({"box": [0.5, 0, 0.5, 1]}, "odd_record", "expected box as left, top, right, bottom, got [0.5, 0, 0.5, 1]"),
        (
            {"point": [20, 10]},
            "point_outside",
            'expected coordinates within 0-1, got point [20, 10]: if it is in pixels, add "coordinates": "pixels"',
        ),
        (
            {"point": [41, 10], "coordinates": "pixels"},
            "point_outside",
            "expected coordinates within the picture's 40x30 pixels, got point [41, 10]",
        ),
        ({"box": [0, 0, 1, 1.5]}, "point_outside", None),
        (
            {"point": [0, 0], "coordinates": "metres"},
            "odd_record",
            'expected coordinates to be normalized or pixels, got "metres"',
        ),
        ({"mask": 3}, "odd_record", "expected mask to be a file's name, got 3"),
        ({"mask": "gone.png"}, "bad_mask", None),
        ({"mask": "empty.png"}, "bad_mask", None),
        ({"mask": "short.png"}, "bad_mask", None),
    ],
)
def test_what_cannot_be_used(folder: Path, keys: dict[str, Any], kind: str, text: str | None) -> None:
    with pytest.raises(OwnPointsError) as caught:
        asked(folder, **keys)
    assert caught.value.kind == kind
    assert text is None or str(caught.value) == text
    assert len(str(caught.value)) < 300


def test_pixels_need_the_picture(folder: Path) -> None:
    content = {"instruction": "it", "point": [1, 1], "coordinates": "pixels"}
    for name, kind in (("gone.png", "missing_image"), ("words.png", "unreadable_image")):
        with pytest.raises(OwnPointsError) as caught:
            read_own_points(content, [folder / name], [])
        assert caught.value.kind == kind
    with pytest.raises(OwnPointsError, match=r"^expected one picture for an instruction, got 0$"):
        read_own_points(content, [], [])


def test_as_a_record_of_a_data_set(folder: Path) -> None:
    content = {
        "id": 7,
        "image": "a.png",
        "depth": "a_metric.png",
        "instruction": "the mug",
        "point": [0.5, 0.5],
        "who": "me",
    }
    source: DataSource = source_at(write_lines(folder / "data.jsonl", [content]), "mine")
    read = read_record(content, source, somewhere())
    assert read.record is not None
    assert (read.record.depths, read.record.turns, read.record.record_id) == ((folder / "a_metric.png",), 1, "7")
    assert read.record.extras["who"] == "me"
    assert read.record.extras["questions"][0]["points"] == [[0.5, 0.5]]
