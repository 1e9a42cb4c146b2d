"""Which key steps a reasoning has right: tolerances, targets and order."""

from __future__ import annotations

import pytest

from roborefer.evaluation.key_steps import is_right, right_key_steps
from roborefer.structures import Point, Step

SIZE = (640, 480)


def position(target: str, x: float, y: float) -> Step:
    return Step("Position", target, Point(x, y))


KEYS = [
    position("the second largest cup", 0.5, 0.5),
    Step("Orientation", "the handle of the cup", (1.0, 0.0, 0.0)),
    Step("Size", "the mug", 0.12),
]


def test_all_right_in_any_order() -> None:
    steps = [
        Step("Size", "the mug", 0.13),
        Step("Orientation", "the handle of the cup", (0.9, 0.43, 0.0)),
        position("The  second largest cup", 0.52, 0.53),
        position("something else", 0.1, 0.1),
    ]
    assert right_key_steps(steps, KEYS, SIZE) == [True, True, True]


def test_what_no_step_names_is_wrong() -> None:
    assert right_key_steps([], KEYS, SIZE) == [False, False, False]
    assert right_key_steps([position("the mug", 0.5, 0.5)], KEYS, SIZE) == [False, False, False]


def test_only_the_first_step_about_a_target_counts() -> None:
    guesses = [position("the second largest cup", 0.1, 0.1), position("the second largest cup", 0.5, 0.5)]
    assert right_key_steps(guesses, KEYS[:1], SIZE) == [False]
    assert right_key_steps(guesses[::-1], KEYS[:1], SIZE) == [True]


@pytest.mark.parametrize(
    ("target", "same"),
    [("second largest cup", True), ("A second LARGEST cup", True), ("the largest cup", False), ("the cup", False)],
)
def test_targets_are_compared_without_case_and_article(target: str, same: bool) -> None:
    assert right_key_steps([position(target, 0.5, 0.5)], KEYS[:1], SIZE) == [same]


@pytest.mark.parametrize(
    ("step", "right"),
    [
        (position("c", 0.5 + 49 / 640, 0.5), True),
        (position("c", 0.5 + 25 / 640, 0.5 - 24.9 / 480), True),
        (position("c", 0.5 + 25 / 640, 0.5 + 25 / 480), False),  # L1: 50 is not below 50
        (Step("Size", "c", 0.5), False),
    ],
)
def test_positions_are_right_below_50_pixels(step: Step, right: bool) -> None:
    assert is_right(step, position("c", 0.5, 0.5), SIZE) is right


@pytest.mark.parametrize(
    ("vector", "right"),
    [((0.81, 0.5864, 0.0), True), ((0.8, 0.6, 0.0), False), ((-1.0, 0.0, 0.0), False), ((0.0, 0.0, 0.0), False)],
)
def test_orientations_are_right_above_a_cosine(vector: tuple[float, float, float], right: bool) -> None:
    assert is_right(Step("Orientation", "h", vector), Step("Orientation", "h", (1.0, 0.0, 0.0)), SIZE) is right


@pytest.mark.parametrize(("size", "right"), [(0.115, True), (0.085, True), (0.1151, False), (0.0849, False)])
def test_sizes_are_right_within_15_percent(size: float, right: bool) -> None:
    assert is_right(Step("Size", "m", size), Step("Size", "m", 0.1), SIZE) is right
