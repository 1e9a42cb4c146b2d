"""Views of generated folders: the right questions with the right regions, drawn afresh, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.answers import parse_answer
from roborefer.errors import InputError
from roborefer.geometry.depth import depth_picture
from roborefer.structures import Point
from roborefer.training.pointing.taught_view import TaughtQuestion, TaughtView
from roborefer.training.pointing.views import ViewFolder

from .made_up_views import REQUEST, SETTINGS, asked_scene, taught_views, view_folder


@pytest.fixture(scope="module")
def views(scenes: Path) -> list[TaughtView]:
    return taught_views(scenes)


@pytest.fixture
def own_scenes(scenes: Path, tmp_path: Path) -> Path:
    """A folder that a test may damage."""
    return Path(shutil.copytree(scenes, tmp_path / "own"))


def question(view: TaughtView, beginning: str) -> TaughtQuestion:
    (found,) = [each for each in view.questions if each.text.startswith(beginning)]
    return found


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        view_folder(folder).view(0, 0)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "FOLDER")


# ---- what a view is --------------------------------------------------------------------------------------------------


def test_a_view_is_a_picture_its_depth_and_what_is_asked_about_it_alone(views: list[TaughtView]) -> None:
    made = [scene for index in range(2) for scene in asked_scene(SETTINGS, index).views]
    assert len(views) == len(made) == 3
    for view, scene in zip(views, made, strict=True):
        np.testing.assert_array_equal(np.asarray(view.image), scene.image)
        np.testing.assert_array_equal(np.asarray(view.depth), depth_picture(scene.depth_m))
        texts = {each.text for each in view.questions}
        assert len(texts) == len(view.questions) == 8
        assert not any("camera" in text or "closer" in text for text in texts)


def test_points_have_the_regions_of_what_they_mean(views: list[TaughtView]) -> None:
    scene = asked_scene(SETTINGS, 1).views[1]
    for number, beginning in ((1, "Point to the red mug."), (2, "Point to the blue book."), (3, "Point to the apple")):
        (point,) = question(views[2], beginning).points
        np.testing.assert_array_equal(point.region, scene.mask(number))
        assert not point.is_place
        assert scene.mask(number)[int(point.y * 64), int(point.x * 80)]
    (place,) = question(views[2], "Point to free space").points
    assert place.is_place
    np.testing.assert_array_equal(place.region, scene.surface_ids == 1)


def test_what_a_point_is_described_by_are_its_anchors(views: list[TaughtView]) -> None:
    scene = asked_scene(SETTINGS, 1).views[0]
    assert question(views[1], "Point to the red mug.").points[0].anchors == ()
    for beginning, number in (("Point to the apple", 1), ("Point to free space", 2)):
        (anchor,) = question(views[1], beginning).points[0].anchors
        np.testing.assert_array_equal(anchor, scene.mask(number))


def test_answers_without_a_point_have_none(views: list[TaughtView]) -> None:
    answers = {each.answer: each for each in views[0].questions if not each.points}
    assert set(answers) == {"[]", "(A) red", "The mug is red.", "0.30 m"}
    assert not any(each.ends_at_opening for each in answers.values())


def test_steps_have_the_regions_of_what_they_name(scenes: Path) -> None:
    view = taught_views(scenes, reasoning=1.0)[0]
    scene = asked_scene(SETTINGS, 0).views[0]
    asked = question(view, "Point to the apple")
    assert asked.text.endswith(f"mug. {REQUEST}")
    assert not asked.ends_at_opening
    answer = parse_answer(asked.answer)
    assert not answer.problems
    steps = [step.value for step in answer.steps if isinstance(step.value, Point)]
    written = [(point.x, point.y) for point in (*steps, *answer.points)]
    assert [(point.x, point.y) for point in asked.points] == written
    for point, number in zip(asked.points, (1, 3, 3), strict=True):
        np.testing.assert_array_equal(point.region, scene.mask(number))
    book, place = question(view, "Point to free space").points
    np.testing.assert_array_equal(book.region, scene.mask(2))
    assert (book.is_place, place.is_place) == (False, True)
    # What has no steps is asked and answered as ever.
    assert REQUEST not in question(view, "Point to the red mug.").text


# ---- drawing ---------------------------------------------------------------------------------------------------------


def contents(view: TaughtView) -> list[tuple[str, str, bool]]:
    return [(each.text, each.answer, each.ends_at_opening) for each in view.questions]


def test_the_same_visit_draws_the_same_questions(scenes: Path) -> None:
    folder = view_folder(scenes, questions=4, reasoning=0.5)
    drawn = [contents(folder.view(1, visit)) for visit in range(6)]
    assert drawn == [contents(view_folder(scenes, questions=4, reasoning=0.5).view(1, visit)) for visit in range(6)]
    assert len({str(each) for each in drawn}) == 6
    assert contents(view_folder(scenes, questions=4, reasoning=0.5, seed=1).view(1, 0)) != drawn[0]
    assert all(len({text.partition(REQUEST)[0] for text, _, _ in each}) == 4 for each in drawn)


@pytest.mark.parametrize(("template", "absent"), [("absent-1-plain-hint", 0.5), ("absent-1-plain", 0.15)])
def test_kinds_come_by_their_weights(own_scenes: Path, template: str, absent: float) -> None:
    """What is absent, and not announced as perhaps absent, comes less often."""
    for shard in (own_scenes / "shards").iterdir():
        shard.write_text(shard.read_text().replace('"absent-1"', f'"{template}"'))
    folder = view_folder(own_scenes, questions=1)
    drawn = Counter(folder.view(0, visit).questions[0].answer.partition("(")[0] for visit in range(150))
    # Four with a point, and 0.06 + 0.06 + 0.03 others.
    assert drawn["["] / 150 == pytest.approx(4 / (4.15 + absent), abs=0.07)
    assert drawn["[]"] / 150 == pytest.approx(absent / (4.15 + absent), abs=0.04)


def test_a_share_is_asked_by_its_phrase_alone(scenes: Path) -> None:
    def asked(bare: float) -> Counter[str]:
        folder = ViewFolder([scenes], questions=8, reasoning=0, reasoning_request=REQUEST, seed=0, bare=bare)
        return Counter(each.text for visit in range(100) for each in folder.view(0, visit).questions)

    assert asked(0.0)["the red mug"] == 0
    drawn = asked(0.25)
    assert drawn["the red mug"] / 100 == pytest.approx(0.25, abs=0.1)
    assert drawn["the red mug"] + drawn["Point to the red mug."] == 100
    # What has no phrase, or asks for no thing, is asked in its own words.
    assert drawn["Point to the blue book."] == drawn["What color is the mug?"] == 100


def test_a_share_of_visits_is_mirrored(scenes: Path) -> None:
    folder = ViewFolder([scenes], questions=8, reasoning=0, reasoning_request=REQUEST, seed=0, mirrored=0.3)
    texts = [[each.text for each in folder.view(0, visit).questions] for visit in range(60)]
    turned = [any("left of the mug" in text for text in each) for each in texts]
    assert np.mean(turned) == pytest.approx(0.3, abs=0.15)


@pytest.mark.parametrize(
    ("relations", "plainly", "in_mirror"),
    [
        (["behind", "left"], True, False),  # behind and right is held out
        (["behind", "right"], False, True),
        (["free-space", "tall"], False, False),
        (["left"], True, True),
    ],
)
def test_what_is_held_out_is_not_asked_in_a_mirror_either(
    own_scenes: Path, relations: list[str], plainly: bool, in_mirror: bool
) -> None:
    for shard in (own_scenes / "shards").iterdir():
        records = [json.loads(line) for line in shard.read_text().splitlines()]
        for record in records:
            for fields in record["questions"]:
                fields["relations"] = relations if fields["phrase"] == "the red mug" else []
        shard.write_text("".join(json.dumps(record) + "\n" for record in records))

    def is_asked(mirrored: float) -> bool:
        folder = ViewFolder(
            [own_scenes], questions=20, reasoning=0, reasoning_request=REQUEST, seed=0, mirrored=mirrored
        )
        return any(each.text == "Point to the red mug." for each in folder.view(0, 0).questions)

    assert (is_asked(0.0), is_asked(1.0)) == (plainly, in_mirror)


def test_shares_are_as_asked_for(scenes: Path) -> None:
    folder = view_folder(scenes, reasoning=0.3)
    drawn = [each for visit in range(100) for each in folder.view(0, visit).questions]
    with_steps = [each for each in drawn if "apple" in each.text or "free space" in each.text]
    reasoned = [each for each in with_steps if REQUEST in each.text]
    assert len(reasoned) / len(with_steps) == pytest.approx(0.3, abs=0.12)
    plain = [each for each in drawn if each.points and REQUEST not in each.text]
    assert np.mean([each.ends_at_opening for each in plain]) == pytest.approx(0.8, abs=0.08)


def test_folders_are_put_together(scenes: Path) -> None:
    both = ViewFolder([scenes, scenes], questions=3, reasoning=0, reasoning_request=REQUEST, seed=0)
    assert len(both) == 6
    np.testing.assert_array_equal(np.asarray(both.view(0, 0).image), np.asarray(both.view(3, 0).image))


def test_records_of_one_view_come_together(scenes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("roborefer.refspatial.writer.MOST_TURNS", 3)
    from .made_up_views import write_folder

    sliced = write_folder(tmp_path / "sliced")
    assert len((sliced / "shards" / "shard_00000.jsonl").read_text().splitlines()) == 4
    assert {each[0] for each in contents(view_folder(sliced).view(0, 0))} == {
        each[0] for each in contents(view_folder(scenes).view(0, 0))
    }


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    expected = "expected a folder of `roborefer generate sim` with views, got no shard in FOLDER: name another folder"
    assert refusal(tmp_path) == expected


def test_shards_without_views_are_refused(own_scenes: Path) -> None:
    for shard in (own_scenes / "shards").iterdir():
        shard.write_text('{"id": "1", "image": ["a.png", "b.png"]}\n')
    assert refusal(own_scenes) == (
        "expected a folder of `roborefer generate sim` with views, got none in their records in FOLDER: "
        "name another folder"
    )


def test_other_files_are_refused(own_scenes: Path) -> None:
    with (own_scenes / "shards" / "shard_00000.jsonl").open("a") as file:
        file.write('{"question": "?"}\n')
    lines = len((own_scenes / "shards" / "shard_00000.jsonl").read_text().splitlines())
    assert refusal(own_scenes) == (
        f"expected a record that begins with its image, got something else in line {lines} of "
        "FOLDER/shards/shard_00000.jsonl: generate the folder again"
    )


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("image/000000_0.png", "no such file: FOLDER/image/000000_0.png"),
        ("depth/000000_0.png", "no such file: FOLDER/depth/000000_0.png"),
        ("metric_depth/000000_0.png", "no such file: FOLDER/metric_depth/000000_0.png"),
        ("scene/000000.json", "cannot read the scene FOLDER/scene/000000.json: [Errno 2] No such file"),
    ],
)
def test_a_missing_file_is_named(own_scenes: Path, name: str, beginning: str) -> None:
    (own_scenes / name).unlink()
    assert refusal(own_scenes).startswith(beginning)


def test_relative_depth_for_metric_depth_is_refused(own_scenes: Path) -> None:
    path = own_scenes / "metric_depth" / "000000_0.png"
    Image.fromarray(np.full((64, 80), 9, np.uint8)).save(path)
    assert refusal(own_scenes) == (
        "expected 16-bit depth in FOLDER/metric_depth/000000_0.png, got 8 bit: generate the folder again"
    )


def test_a_shard_that_changed_meanwhile_is_refused(own_scenes: Path) -> None:
    folder = view_folder(own_scenes)
    path = own_scenes / "shards" / "shard_00000.jsonl"
    path.write_text("x" * 100)
    with pytest.raises(InputError) as caught:
        folder.view(0, 0)
    text = str(caught.value)
    assert text.startswith(f"cannot read the shard {path}: ")
    assert text.endswith("; it has changed since it was opened")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda record: record.pop("questions"), "KeyError: 'questions'"),
        (lambda record: record["questions"][0].pop("points"), "KeyError: 'points'"),
        (lambda record: record.update(views=[7]), "IndexError: list index out of range"),
    ],
)
def test_records_without_our_fields_are_refused(own_scenes: Path, change: Any, reason: str) -> None:
    path = own_scenes / "shards" / "shard_00000.jsonl"
    first, *rest = path.read_text().splitlines()
    record = json.loads(first)
    change(record)
    path.write_text("\n".join([json.dumps(record), *rest]) + "\n")
    assert refusal(own_scenes) == (
        f"expected records of `roborefer generate sim` in FOLDER/shards/shard_00000.jsonl, got others ({reason}): "
        "generate the folder again"
    )
