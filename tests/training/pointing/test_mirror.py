"""A mirrored view: pictures, words, numbers, regions and labels turn together, and twice is as before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.training.pointing.labels import SIDE
from roborefer.training.pointing.mirror import mirrored, mirrored_text
from roborefer.training.pointing.taught_view import TaughtView

from .made_up_views import taught_views

WORDS = (
    *("left", "Right", "leftmost", "right-hand", "bright", "RIGHT", "lefT", "copyright", "mug", "(A)"),
    *("(0.250, 0.500)", "[(1.000, 0.000)]", "(0.600, -0.1, 0.8)", "(-0.156, -0.514, 0.843)", "(0.000, 0.600, 0.800)"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the mug left of the leftmost pen", "the mug right of the rightmost pen"),
        ("Right, on the left-hand side", "Left, on the right-hand side"),
        ("the bright upright lamp", "the bright upright lamp"),
        ("[(0.250, 0.500), (0.001, 1.000)]", "[(0.750, 0.500), (0.999, 1.000)]"),
        ("[Orientation] [the front]: (-0.156, -0.514, 0.843)", "[Orientation] [the front]: (0.156, -0.514, 0.843)"),
        ("[Orientation] [the front]: (0.156, -0.514, 0.843)", "[Orientation] [the front]: (-0.156, -0.514, 0.843)"),
        ("(0.000, 0.600, 0.800)", "(0.000, 0.600, 0.800)"),
        ("0.2 meters in front of the cup", "0.2 meters in front of the cup"),
    ],
)
def test_sides_and_numbers_turn(text: str, expected: str) -> None:
    assert mirrored_text(text) == expected


@given(st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_twice_is_as_before(text: str) -> None:
    assert mirrored_text(mirrored_text(text)) == text


@pytest.fixture(scope="module")
def pair(scenes: Path) -> tuple[TaughtView, TaughtView]:
    view = taught_views(scenes, reasoning=1.0)[0]
    return view, mirrored(view)


def test_pictures_turn(pair: tuple[TaughtView, TaughtView]) -> None:
    view, other = pair
    np.testing.assert_array_equal(np.asarray(other.image), np.asarray(view.image)[:, ::-1])
    np.testing.assert_array_equal(np.asarray(other.depth), np.asarray(view.depth)[:, ::-1])
    assert not np.array_equal(np.asarray(other.image), np.asarray(view.image))


def test_points_stay_in_their_regions(pair: tuple[TaughtView, TaughtView]) -> None:
    view, other = pair
    pairs = [
        (point, turned)
        for question, mirror in zip(view.questions, other.questions, strict=True)
        for point, turned in zip(question.points, mirror.points, strict=True)
    ]
    assert len(pairs) == 7
    for point, turned in pairs:
        assert turned.region is not None
        assert point.region is not None
        height, width = turned.region.shape
        assert turned.region[int(turned.y * height), int(turned.x * width)]
        np.testing.assert_array_equal(turned.region, point.region[:, ::-1])
        assert (turned.is_place, turned.y, len(turned.anchors)) == (point.is_place, point.y, len(point.anchors))
        for anchor, turned_anchor in zip(point.anchors, turned.anchors, strict=True):
            np.testing.assert_array_equal(turned_anchor, anchor[:, ::-1])


def test_the_text_holds_the_points(pair: tuple[TaughtView, TaughtView]) -> None:
    """In the answer and in the steps, where a region that two points share stays one."""
    for question in pair[1].questions:
        for point in question.points:
            assert f"({point.x:.3f}, {point.y:.3f})" in question.answer
    asked = next(each for each in pair[1].questions if each.text.startswith("Point to the apple"))
    assert asked.text.startswith("Point to the apple left of the mug.")
    assert "(-0.600, 0.000, -0.800)" in asked.answer
    assert asked.points[1].region is asked.points[2].region


def test_labels_turn(pair: tuple[TaughtView, TaughtView]) -> None:
    ours, theirs = pair[1].labels, pair[0].labels
    for name in ("category", "color", "known"):
        grid = getattr(theirs, name).reshape(SIDE, SIDE)
        np.testing.assert_array_equal(getattr(ours, name).reshape(SIDE, SIDE), grid[:, ::-1])
    grid = theirs.place.reshape(SIDE, SIDE, 3)[:, ::-1]
    np.testing.assert_array_equal(ours.place.reshape(SIDE, SIDE, 3), grid * np.array((-1, 1, 1), np.float32))
    assert ours.place.dtype == np.float32


def test_twice_is_the_view(pair: tuple[TaughtView, TaughtView]) -> None:
    view, again = pair[0], mirrored(pair[1])
    for ours, theirs in zip(again.questions, view.questions, strict=True):
        assert (ours.text, ours.answer) == (theirs.text, theirs.answer)
        assert [(point.x, point.y) for point in ours.points] == [(point.x, point.y) for point in theirs.points]
    np.testing.assert_array_equal(again.labels.place, view.labels.place)
