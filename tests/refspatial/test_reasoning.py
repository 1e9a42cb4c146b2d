"""Programs and their runs: the steps in order, as text, and which of them are key."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.answers import parse_answer, write_answer
from roborefer.errors import InputError
from roborefer.refspatial.expressions import Described, Oriented, Ranked, RankedByDistance, Related, phrases_for
from roborefer.refspatial.reasoning import (
    LookAt,
    MeasureSize,
    PointTo,
    answer_point,
    in_camera_frame,
    largest_part,
    part_text,
    program_for,
    program_of,
    run,
    size_of,
)
from roborefer.structures import Point

from .handmade import Block, box_scene
from .random_scenes import random_scene

MUG = Described("mug")


def kitchen():
    """Three mugs from left to right, their handles to the left, right and left; an apple on the right."""
    return box_scene(
        [
            Block("mug", at=(-0.35, 0.0), color="red", directions={"handle": (-1, 0, 0)}),
            Block("mug", at=(-0.05, 0.05), color="blue", directions={"handle": (1, 0, 0)}, size=(0.08, 0.08, 0.15)),
            Block("mug", at=(0.2, -0.05), color="white", directions={"handle": (-1, 0, 0)}),
            Block("apple", at=(0.4, 0.1), color="red", size=(0.07, 0.07, 0.07)),
        ],
        size=(320, 240),
    )


def written(scene, phrase):
    reasoning = run(scene, program_of(phrase))
    return write_answer([answer_point(scene, phrase.resolve(scene)[0])], steps=reasoning.steps)


def test_the_text_of_three_steps():
    phrase = RankedByDistance(
        Described("apple"),
        Ranked(MUG, "left", 2, ("second", "from the left")),
        "nearest",
        1,
        ("", "closest to"),
    )

    assert written(kitchen(), phrase) == (
        "<think>\n"
        "[Position] [the leftmost mug]: [(0.270, 0.465)]\n"
        "[Position] [the second mug from the left]: [(0.467, 0.410)]\n"
        "[Position] [the apple closest to the second mug from the left]: [(0.745, 0.431)]\n"
        "</think><answer>[(0.745, 0.431)]</answer>"
    )
    assert run(kitchen(), program_of(phrase)).key_steps == (1,)


def test_orientation_and_size_are_key_steps():
    scene = kitchen()
    oriented = Oriented(MUG, "handle", "right", "whose handle points to the right")
    tallest = Ranked(MUG, "tall", 1, ("tallest", ""))

    assert written(scene, oriented) == (
        "<think>\n"
        "[Position] [the mug whose handle points to the right]: [(0.467, 0.410)]\n"
        "[Orientation] [the handle of the mug whose handle points to the right]: (1.000, 0.000, 0.000)\n"
        "</think><answer>[(0.467, 0.410)]</answer>"
    )
    assert run(scene, program_of(oriented)).key_steps == (1,)
    assert [(step.kind, step.target, step.value) for step in run(scene, program_of(tallest)).steps] == [
        ("Position", "the tallest mug", Point(0.467, 0.41)),
        ("Size", "the tallest mug", 0.15),
    ]


def test_a_lone_answer_is_its_own_key_step():
    reasoning = run(kitchen(), program_of(Described("apple")))

    assert [step.target for step in reasoning.steps] == ["the apple"]
    assert reasoning.key_steps == (0,)


def test_anchors_come_before_what_they_anchor_and_are_named_once():
    scene = kitchen()
    nested = Related(MUG, "left", (Related(MUG, "left", (Described("apple"),), "next to"),), "left of")
    place = program_for(
        (Described("apple"), Described("mug", "blue"), Described("apple")), PointTo("a", Point(0.5, 0.5))
    )

    assert [item.phrase.text() for item in program_of(nested)] == [
        "the apple",
        "the mug next to the apple",
        "the mug left of the mug next to the apple",
    ]
    assert [step.target for step in run(scene, place).steps] == ["the apple", "the blue mug", "a"]
    assert run(scene, place).key_steps == (0, 1)


def test_no_more_than_five_steps_and_no_half_of_a_count():
    scene = box_scene([Block("mug", at=(-0.5 + 0.2 * index, 0.0), color="red") for index in range(6)], size=(320, 240))
    sixth = Ranked(MUG, "left", 6, ("sixth", "from the left"))
    third = Ranked(MUG, "left", 3, ("third", "from the left"))
    before = program_for((Related(MUG, "left", (third,), "by"),))

    assert [step.target for step in run(scene, program_of(sixth)).steps] == ["the sixth mug from the left"]
    assert len(run(scene, program_of(third)).steps) == 3
    with pytest.raises(
        InputError,
        match=r"^expected a phrase for one object, got 'the mug by the third mug from the left', "
        r"which fits none or several$",
    ):
        run(scene, before)


def test_a_count_that_cannot_be_told_on_the_way_is_left_out():
    blocks = [Block("mug", at=(-0.3, 0.0)), Block("mug", at=(-0.29, 0.2)), Block("mug", at=(0.2, 0.0))]
    third = Ranked(MUG, "left", 3, ("third", "from the left"))

    assert [step.target for step in run(box_scene(blocks), program_of(third)).steps] == ["the third mug from the left"]


def test_the_other_instructions():
    scene = kitchen()
    blue = Described("mug", "blue")
    reasoning = run(scene, (LookAt(blue, "handle", key=True), MeasureSize(blue, "longest"), MeasureSize(blue, "width")))

    assert [step.kind for step in reasoning.steps] == ["Orientation", "Size", "Size"]
    assert reasoning.key_steps == (0,)
    assert part_text(blue, "handle") == "the handle of the blue mug"
    assert size_of(scene, 2, "height") == pytest.approx(0.15)
    assert size_of(scene, 2, "longest") == pytest.approx(0.15)
    assert size_of(scene, 2, "width") == pytest.approx(0.08)


def test_an_object_that_is_not_seen_has_no_point():
    scene = box_scene([Block("mug", at=(5.0, 0.0))])

    with pytest.raises(InputError, match=r"^expected an object that is seen, got 1, which shows no pixel in handmade$"):
        answer_point(scene, 1)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_points_of_answers_lie_on_their_objects_even_as_written(seed):
    scene = random_scene(seed)
    width, height = scene.image_size
    for item in scene.objects:
        if (scene.ids == item.id).any():
            point = parse_answer(write_answer([answer_point(scene, item.id)])).points[0]
            assert scene.ids[int(point.y * height), int(point.x * width)] == item.id


def flooded(mask):
    """All parts of a mask by flood fill, pixel by pixel; the largest, of equals the first met."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    parts = []
    for start in np.argwhere(mask).tolist():
        if tuple(start) not in left:
            continue
        part, waiting = set(), [tuple(start)]
        left.discard(tuple(start))
        while waiting:
            row, column = waiting.pop()
            part.add((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            waiting += near
        parts.append(part)
    return max(parts, key=len)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.floats(0.1, 0.9))
@settings(max_examples=300, deadline=None)
def test_the_largest_part_is_what_flooding_finds(seed, height, width, share):
    mask = np.random.default_rng(seed).random((height, width)) < share
    mask[height // 2, width // 2] = True

    found = largest_part(mask)

    assert not (found & ~mask).any()
    assert found.sum() == len(flooded(mask))
    assert {tuple(place) for place in np.argwhere(found).tolist()} in [flooded(found)]


def test_the_point_is_in_the_middle_of_the_largest_part():
    scene = box_scene(
        [Block("book", at=(0, 0), size=(0.5, 0.3, 0.02)), Block("mug", at=(0.12, -0.1), size=(0.04, 0.04, 0.3))]
    )
    point = answer_point(scene, 1)

    assert scene.ids[int(point.y * 120), int(point.x * 160)] == 1
    assert point.x < 0.55


def test_directions_in_the_camera_frame():
    scene = kitchen()

    assert in_camera_frame(scene, (1, 0, 0)) == (1.0, 0.0, 0.0)
    x, y, z = in_camera_frame(scene, (0, 0, 1))
    assert x == 0
    assert y < 0
    assert math.hypot(x, y, z) == pytest.approx(1, abs=1e-3)


def test_every_step_of_every_phrase_is_about_the_right_thing():
    for seed in range(25):
        scene = random_scene(seed)
        width, height = scene.image_size
        for item in scene.objects:
            for phrase in phrases_for(scene, item.id, np.random.default_rng(seed), tries=8):
                reasoning = run(scene, program_of(phrase))
                assert 1 <= len(reasoning.steps) <= 5
                assert reasoning.key_steps
                assert set(reasoning.key_steps) <= set(range(len(reasoning.steps)))
                last = [step for step in reasoning.steps if step.kind == "Position"][-1]
                assert last.target == phrase.text()
                assert last.value == answer_point(scene, item.id)
                for anchor in phrase.anchors:
                    found = next(step for step in reasoning.steps if step.target == anchor.text())
                    assert (
                        scene.ids[int(found.value.y * height), int(found.value.x * width)] == anchor.resolve(scene)[0]
                    )
                answer = parse_answer(write_answer([last.value], steps=reasoning.steps))
                assert answer.problems == ()
                assert len(answer.steps) == len(reasoning.steps)
