"""What a reader owes to any text at all: limits, no exceptions, and the strict format of the reward."""

from __future__ import annotations

import pytest

from roborefer.answers import MAX_TEXT_LENGTH, follows_format, parse_answer
from roborefer.errors import InputError
from roborefer.structures import Point


def test_thought_and_text_are_handed_on():
    answer = parse_answer("<think> first the cup </think> so <answer> (0.1, 0.2) </answer>")

    assert answer.thought == "first the cup"
    assert answer.text == "(0.1, 0.2)"
    assert parse_answer("no tags").thought is None
    assert parse_answer("<think>a</think>b<think>c</think>").thought == "a\nc"


@pytest.mark.parametrize("value", [None, 3, b"(0.1, 0.2)", ["(0.1, 0.2)"]])
def test_no_text_is_a_problem(value):
    answer = parse_answer(value)

    assert answer.problems == (f"expected text, got {type(value).__name__}",)
    assert not answer.parsed
    assert not follows_format(value)


def test_unknown_form_and_impossible_size_are_the_callers_errors():
    with pytest.raises(InputError, match=r"expected a form out of roborefer, .*got 'yolo'"):
        parse_answer("(0.1, 0.2)", form="yolo")
    for size in [(0, 480), (640,), (640.5, 480), "ab", 3]:
        with pytest.raises(InputError, match="expected image_size as"):
            parse_answer("(0.1, 0.2)", form="pixels", image_size=size)


def test_text_beyond_the_limit_is_not_considered():
    text = "(0.1, 0.2) " + " " * MAX_TEXT_LENGTH + "(0.3, 0.4)"

    answer = parse_answer(text)

    assert answer.points == (Point(0.1, 0.2),)
    assert answer.problems == (f"only the first {MAX_TEXT_LENGTH} of {len(text)} characters are considered",)


def test_problems_are_few_and_short():
    answer = parse_answer("(2, 0.5, " + "9" * 500 + ")" + "(320, 240) " * 500)

    assert len(answer.problems) == 21
    assert answer.problems[-1] == "and 481 more"
    assert all(len(problem) < 250 and "\n" not in problem for problem in answer.problems)


# Each of these makes a reader that looks again from every place, or that nests calls, take minutes or fail.
@pytest.mark.parametrize(
    "unit",
    ["(", "[", "{", '["', "('", '{"a":', "9", "1,", "<think>", "</think>", "<answer>", "<point ", '<point x="',
     "<|box_start|>", "[Position] [", "[Position] [a]]: ", "[a] [", "\n[a] [", "Step1: ", "({[)", " ", "\\",
     '\\"', '["\\',      "answer is ", "-", "\ud800"],
)  # fmt: skip
def test_a_million_characters_are_no_danger(unit):
    text = unit * (1_000_000 // len(unit))

    answer = parse_answer(text)

    assert not answer.points
    assert answer.problems
    assert not follows_format(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>a</think><answer>b</answer>", True),
        (" \n<think>a\nb</think>\n\n<answer>(0.1, 0.2)</answer>\n", True),
        ("<think></think><answer></answer>", True),
        ("<answer>b</answer><think>a</think>", False),
        ("<think>a</think>", False),
        ("<answer>b</answer>", False),
        ("<think>a<answer>b</answer>", False),
        ("<think>a</think><answer>b", False),
        ("<think>a</think> so <answer>b</answer>", False),
        ("I <think>a</think><answer>b</answer>", False),
        ("<think>a</think><answer>b</answer>.", False),
        ("<think>a</think><think>a</think><answer>b</answer>", False),
        ("<think>a</think><answer>b</answer><answer>b</answer>", False),
        ("<think>a <think> b</think><answer>b</answer>", False),
        ("<Think>a</Think><answer>b</answer>", False),
        ("", False),
    ],
)
def test_strict_format(text, expected):
    assert follows_format(text) is expected
