"""How a point is asked for, and which sentences of a user ask for steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.answers.prompts import POINT_SUFFIX, REASONING_REQUEST, asks_for_steps, point_question


@pytest.mark.parametrize(
    ("instruction", "question"),
    [
        ("the mug. Think step by step.", "the mug."),
        ("Point to the mug behind the plate. Please first reason step by step in <think>, then answer.",
         "Point to the mug behind the plate."),
        ("Reason step by step before you answer. Where is the red cup?", "Where is the red cup?"),
        ("Where is the mug? Show your reasoning.", "Where is the mug?"),
        ("the mug, step by step", "Please point to the mug."),
        (f"Point to the mug. {REASONING_REQUEST}", "Point to the mug."),
        ("Think step by step: where is the mug?", "Think step by step: where is the mug?"),
    ],
)  # fmt: skip
def test_a_sentence_that_asks_for_steps_becomes_the_request(instruction: str, question: str) -> None:
    assert asks_for_steps(instruction)
    assert point_question(instruction) == f"{question} {POINT_SUFFIX} {REASONING_REQUEST}"


@pytest.mark.parametrize("instruction", ["the first step of the stairs", "the foot, one step back", "my first cup"])
def test_other_steps_are_things(instruction: str) -> None:
    assert not asks_for_steps(instruction)
    assert REASONING_REQUEST not in point_question(instruction)


@given(st.text(alphabet="abc .?!,;:<>step by first think\n", min_size=1, max_size=60).filter(str.strip))
def test_any_text_is_asked_once(instruction: str) -> None:
    question = point_question(instruction)
    assert question.count(POINT_SUFFIX) == 1
    assert question.endswith(REASONING_REQUEST) == asks_for_steps(instruction)
