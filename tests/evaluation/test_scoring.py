"""What one answer is worth, for every kind of target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from roborefer.errors import InputError
from roborefer.evaluation.profiles import PROFILES, question_text
from roborefer.evaluation.samples import (
    BoxTarget,
    ChoiceTarget,
    MaskTarget,
    PolygonTarget,
    Sample,
    Target,
    YesNoTarget,
)
from roborefer.evaluation.scoring import SampleScore, score_answer
from roborefer.structures import Box, Intrinsics, Point, Step

from .made_up import HEIGHT, INSIDE, OUTSIDE, SQUARE, WIDTH, depth, mask, picture, png


def sample(target: Target | None = None, **changes: Any) -> Sample:
    fields: dict[str, Any] = {
        "key": "Location/0",
        "task": "Location",
        "images": (png(picture()),),
        "image_size": (WIDTH, HEIGHT),
        "target": target or MaskTarget(png(mask()), "mask.png"),
        "prompt": "Point to the cup.",
        "object": "the cup",
        "suffix": "Answer so.",
    }
    return Sample(**(fields | changes))


def score(text: str | None, target: Target | None = None, profile: str = "roborefer", **changes: Any) -> SampleScore:
    return score_answer(sample(target, **changes), text, PROFILES[profile])


def test_all_that_is_told_of_a_miss() -> None:
    found = score(
        "[(0.25, 0.5), (0.6, 0.5)]", metric_depth=png(depth()), intrinsics=Intrinsics(40, 40, 20, 15, WIDTH, HEIGHT)
    )
    assert (found.score, found.hit, found.parsed, found.problem) == (0.5, False, True, None)
    assert found.points == ((0.25, 0.5), (0.6, 0.5))
    assert found.distance_px == pytest.approx(10.0)  # from column 10.0 to the square's left edge at 20
    # At 2 m the point's ray is 10 px left of the centre and on it; the square's nearest pixel centre is 20.5 at 1.5 m.
    near = min(
        math.dist((-10 / 40 * 2, 0, 2), ((c + 0.5 - 20) / 40 * 1.5, (r + 0.5 - 15) / 40 * 1.5, 1.5))
        for r in range(10, 20)
        for c in range(20, 32)
    )
    assert found.error_mm == pytest.approx(near * 1000)


def test_a_hit_is_no_distance_away() -> None:
    found = score(INSIDE, metric_depth=png(depth()), intrinsics=Intrinsics(40, 40, 20, 15, WIDTH, HEIGHT))
    assert (found.score, found.hit, found.distance_px, found.error_mm) == (1.0, True, 0.0, 0.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "the request failed"),
        ("", "the text is empty"),
        ("[]", "says that there is no such thing"),
        ("(A) yes", "no point in the answer"),
        ("It is there.", "no point, box or choice in 'It is there.'"),
    ],
)
def test_what_has_no_point_is_wrong_and_says_why(text: str | None, problem: str) -> None:
    found = score(text)
    assert (found.score, found.hit, found.parsed, found.distance_px, found.problem) == (
        0.0,
        False,
        False,
        None,
        problem,
    )


def test_depth_of_another_size_is_refused() -> None:
    camera = Intrinsics(40, 40, 20, 15, WIDTH, HEIGHT)
    with pytest.raises(InputError, match="expected depth of the image's size 40x30, got 4x4 in the given bytes"):
        score(OUTSIDE, metric_depth=png(depth().resize((4, 4))), intrinsics=camera)


COUNT_TWO = MaskTarget(png(mask()), "mask.png", rule="above-half", scoring="count", count=2)
FIRST = MaskTarget(png(mask()), "mask.png", rule="above-half", scoring="first")


@pytest.mark.parametrize(
    ("text", "target", "worth"),
    [
        ("[(0.6, 0.5), (0.1, 0.1)]", FIRST, 1.0),
        ("[(0.1, 0.1), (0.6, 0.5)]", FIRST, 0.0),
        ("[(0.6, 0.5), (0.7, 0.5)]", COUNT_TWO, 1.0),
        ("[(0.6, 0.5)]", COUNT_TWO, 0.0),
        ("[(0.6, 0.5), (0.1, 0.5)]", COUNT_TWO, 0.0),
        ("[]", COUNT_TWO, 0.0),
    ],
)
def test_point_benchs_rules(text: str, target: MaskTarget, worth: float) -> None:
    assert score(text, target).score == worth


def test_soft_masks_are_worth_what_they_hold() -> None:
    grey = np.zeros((HEIGHT, WIDTH), np.uint8)
    grey[SQUARE] = 204
    grey[:5] = 51  # the noise around it is worth something, and no hit
    target = MaskTarget(png(Image.fromarray(grey)), "m", rule="soft")
    inside, beside = score(INSIDE, target), score(OUTSIDE, target)
    assert (inside.score, inside.hit, inside.protocols) == (pytest.approx(0.8), True, {})
    assert (beside.score, beside.hit) == (pytest.approx(0.2), False)
    assert beside.distance_px is not None
    assert beside.distance_px > 10


SHAPES = [BoxTarget(Box(0.5, 0.25, 0.75, 0.5)), PolygonTarget(((0.5, 0.25), (0.75, 0.25), (0.75, 0.5), (0.5, 0.5)))]


@pytest.mark.parametrize("target", SHAPES, ids=["box", "polygon"])
def test_shapes_take_the_first_point(target: Target) -> None:
    assert score("[(0.6, 0.3), (0.1, 0.1)]", target).score == 1.0
    missed = score("[(0.25, 0.3), (0.6, 0.3)]", target)
    assert (missed.score, missed.distance_px) == (0.0, pytest.approx(10.0))
    assert score("nothing", target).parsed is False
    assert score("nothing", target).protocols == {}


@pytest.mark.parametrize("target", [*SHAPES, MaskTarget(png(mask()), "m.png", scoring="first")])
def test_a_first_point_outside_the_image_is_a_miss(target: Target) -> None:
    found = score("[(1.2, 0.5), (0.6, 0.5)]", target)
    assert (found.score, found.hit, found.parsed, found.distance_px) == (0.0, False, True, None)


def test_points_that_cannot_be_read_are_misses() -> None:
    found = score("[(0.6, 0.5), (1.2, 0.5), (0.6, 0.4), (640, 480)]")
    assert (found.score, found.hit) == (0.5, True)
    assert score("[(0.6, 0.5), (1.2, 0.5)]", MaskTarget(png(mask()), "m.png", scoring="count", count=1)).score == 0.0


def test_a_box_answers_with_its_centre_where_a_box_is_asked() -> None:
    assert score("[(0.5, 0.2, 0.7, 0.4)]", SHAPES[0]).score == 1.0
    assert score("[(0.5, 0.2, 0.7, 0.4)]", SHAPES[1]).score == 0.0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("(B)", True),
        ("B. the pen", True),
        ("The answer is (B).", True),
        ("(A)", False),
        ("hm", False),
        ("The pen.", True),
        ("the cup", False),
    ],
)
def test_choices(text: str, right: bool) -> None:
    found = score(text, ChoiceTarget("B", ("the cup", "the pen")))
    assert (found.hit, found.score) == (right, float(right))
    assert found.parsed == (text != "hm")


def test_an_option_that_stands_twice_is_none() -> None:
    assert score("the cup", ChoiceTarget("A", ("the cup", "The cup"))).parsed is False


@pytest.mark.parametrize(
    ("text", "right", "parsed"),
    [
        ("Yes", True, True),
        ("**yes**, it fits", True, True),
        ("no", False, True),
        ("<think>no?</think><answer>Yes.</answer>", True, True),
        ("maybe", False, False),
        (None, False, False),
    ],
)
def test_yes_and_no(text: str | None, right: bool, parsed: bool) -> None:
    found = score(text, YesNoTarget("yes"))
    assert (found.hit, found.parsed) == (right, parsed)


def test_key_steps_are_judged_where_there_are_any() -> None:
    key = (Step("Position", "the pen", Point(0.5, 0.5)), Step("Size", "the pen", 0.1))
    text = "<think>[Position] [pen]: [(0.500, 0.500)]\n[Size] [the pen]: 0.3</think><answer>[(0.600, 0.500)]</answer>"
    assert score(text, key_steps=key).key_steps == (True, False)
    assert score(None, key_steps=key).key_steps == (False, False)
    assert score(text).key_steps is None


def test_key_steps_are_no_matter_where_nobody_asked_for_reasoning() -> None:
    asked = sample(key_steps=(Step("Position", "the pen", Point(0.5, 0.5)),))

    def key_steps(text: str | None) -> tuple[bool, ...] | None:
        return score_answer(asked, text, PROFILES["roborefer"], reasoning=False).key_steps

    assert key_steps(INSIDE) is None
    assert key_steps(None) is None
    assert key_steps("<think>[Position] [pen]: [(0.500, 0.500)]</think><answer>[(0.6, 0.5)]</answer>") == (True,)


# ---- profiles --------------------------------------------------------------------------------------------------------

ANSWERS = {
    "roborefer": "[(0.600, 0.500)]",
    "gemini": '```json\n[{"point": [500, 600], "label": "cup"}]\n```',
    "molmo": '<point x="60.0" y="50.0" alt="cup">cup</point>',
    "moondream": '{"points": [{"x": 0.6, "y": 0.5}]}',
    "qwen3": '[{"point_2d": [600, 500], "label": "cup"}]',
    "qwen2.5": '[{"point_2d": [24, 15], "label": "cup"}]',
    "robobrain": "[(24, 15)]",
    "robobrain2.5": "[(600, 500, 1.250)]",
}


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_family_is_read_in_its_own_form(profile: str) -> None:
    found = score(ANSWERS[profile], profile=profile)
    assert (found.score, found.points) == (1.0, ((0.6, 0.5),))


def test_pixels_are_those_of_the_picture_that_was_sent() -> None:
    found = score_answer(sample(), "[(336, 210)]", PROFILES["qwen2.5"], seen_size=(560, 420))
    assert found.points == ((0.6, 0.5),)


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("roborefer", "Point to the cup. Answer so."),
        ("gemini", "Locate one point of the cup."),
        ("molmo", "Locate several points of the cup."),
        ("moondream", "the cup"),
        ("qwen3", "Locate the cup in this image and output the point coordinates in JSON format."),
        ("robobrain", "Point to the cup. Please provide its 2D coordinates."),
    ],
)
def test_every_family_is_asked_in_its_own_words(profile: str, text: str) -> None:
    assert question_text(sample(), PROFILES[profile], reasoning=False) == text


def test_choices_and_yes_or_no_are_asked_plainly() -> None:
    asked = question_text(sample(ChoiceTarget("A"), suffix=""), PROFILES["gemini"], reasoning=False)
    assert asked == "Point to the cup. Answer with the letter of the correct option only."
    assert (
        question_text(sample(YesNoTarget("no"), suffix=""), PROFILES["molmo"], reasoning=False) == "Point to the cup."
    )


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        ("roborefer", "Point to the cup. Answer so."),
        ("gemini", 'Point to the cup. Answer in JSON: [{"point": [y, x], "label": "..."}], normalized to 0-1000.'),
        ("molmo", "Point to the cup."),
        ("moondream", "Point to the cup."),
        ("qwen3", "Point to the cup. Output the point coordinates in JSON format."),
        ("qwen2.5", "Point to the cup. Output the point coordinates in JSON format."),
        ("robobrain", "Point to the cup. Please provide its 2D coordinates."),
    ],
)
def test_where_there_is_no_phrase_the_sentence_stands_for_it(profile: str, text: str) -> None:
    assert question_text(sample(object=""), PROFILES[profile], reasoning=False) == text


def test_braces_in_a_question_are_left_alone() -> None:
    assert question_text(sample(prompt="Point to {object}."), PROFILES["roborefer"], reasoning=False) == (
        "Point to {object}. Answer so."
    )
