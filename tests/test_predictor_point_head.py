"""Predictor with a point head: points, confidence, rivals and heatmaps, whichever way it is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import roborefer.predictor as predictor_module
from roborefer import Depth, InputError, Point, Prediction, Step
from roborefer.loading import load
from roborefer.models import answering
from roborefer.models.generation import PointGuide
from roborefer.models.heatmap_hills import find_hills
from roborefer.models.point_head import Heatmap
from roborefer.models.processor import SpatialProcessor
from roborefer.predictor import Predictor

from .models.pointing_models import (
    REASONED,
    Script,
    compact_tokenizer,
    pointing_config,
    pointing_predictor,
    write_pointing_checkpoint,
)
from .models.tiny_models import depth_m, picture

QUESTIONS = ["the cup", "where is the blue plate that stands on the table?", "what"]


def refusal(call: Any) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def looking() -> Predictor:
    """A model with a point head whose heatmaps depend on what it is shown and asked."""
    return pointing_predictor()


@pytest.mark.parametrize("depth", [None, depth_m()], ids=["rgb", "rgb-d"])
def test_a_point_is_read_from_a_heatmap(looking: Predictor, depth: np.ndarray | None) -> None:
    prediction = looking.point(picture(), "the cup", depth, constrained=True)
    (point,) = prediction.points
    assert prediction.raw == f"[({point.x:.3f}, {point.y:.3f})]"
    assert prediction.problem is None
    assert prediction.heatmap is not None
    assert prediction.heatmap.shape == (8, 8)
    assert prediction.heatmap.dtype == np.float32
    assert prediction.heatmap.sum() == pytest.approx(1, abs=1e-5)
    assert point.score == find_hills(torch.from_numpy(prediction.heatmap))[0].share
    scores = [rival.score for rival in prediction.rivals]
    assert all(score is not None and 0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert prediction["points"][0]["score"] == point.score
    assert prediction["rivals"] == [{"x": rival.x, "y": rival.y, "score": rival.score} for rival in prediction.rivals]
    assert len(prediction.anchors) == (0 if depth is None else 1)


def test_a_heatmap_depends_on_picture_question_and_depth(looking: Predictor) -> None:
    heatmaps = [
        looking.point(*asked, constrained=True).heatmap
        for asked in (
            (picture(), "the cup"),
            (picture(seed=1), "the cup"),
            (picture(), "the plate"),
            (picture(), "the cup", depth_m()),
            (picture(), "the cup", depth_m()[::-1].copy()),
        )
    ]
    for index, heatmap in enumerate(heatmaps):
        assert not any(np.array_equal(heatmap, other) for other in heatmaps[:index])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_heatmaps_alone_are_those_of_a_list(dtype: torch.dtype) -> None:
    predictor = pointing_predictor(dtype=dtype)
    encoded = predictor.encode_image(picture(), depth_m())
    together = predictor.point(encoded, QUESTIONS, constrained=True)
    assert len({prediction.raw for prediction in together}) > 1
    for question, prediction in zip(QUESTIONS, together, strict=True):
        alone = predictor.point(picture(), question, depth_m(), constrained=True)
        assert (alone.raw, alone.points, alone.rivals) == (prediction.raw, prediction.points, prediction.rivals)
        np.testing.assert_array_equal(alone.heatmap, prediction.heatmap)


def scripted(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Constrained answers are this text, but for what a point head reads."""
    monkeypatch.setattr(answering, "PointGuide", lambda _: Script(text))


def test_a_step_and_the_answer_have_heatmaps_of_their_own(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, REASONED)
    both = looking.point(picture(), "the cup", reasoning=True, constrained=True)
    assert len(both.steps) == 2
    step = both.steps[0].value
    assert isinstance(step, Point)
    (point,) = both.points
    assert (step.x, step.y) != (point.x, point.y)
    assert point.score is not None
    assert step.score is not None
    assert both["steps"][0] == {
        "kind": "Position",
        "target": both.steps[0].target,
        "value": [step.x, step.y],
        "score": step.score,
        "rivals": [{"x": rival.x, "y": rival.y, "score": rival.score} for rival in both.steps[0].rivals],
    }
    assert set(both["steps"][1]) == {"kind", "target", "value"}  # a direction is spelled
    # The text up to the answer says what the answer's heatmap was read behind.
    scripted(monkeypatch, both.raw)
    again = looking.point(picture(), "the cup", reasoning=True, constrained=True)
    assert again.points == both.points
    np.testing.assert_array_equal(again.heatmap, both.heatmap)


def test_a_step_has_the_rivals_of_its_own_heatmap() -> None:
    """The answer repeats the step's place, and was read from another heatmap."""
    place, rival = Point(0.25, 0.5, score=0.6), Point(0.7, 0.7, score=0.4)
    heatmaps = [Heatmap(torch.zeros(2, 2), (place, rival)), Heatmap(torch.zeros(2, 2), (replace(place, score=0.9),))]
    steps = (Step("Position", "the mug", Point(0.25, 0.5)), Step("Size", "the mug", 0.25))
    scored = predictor_module._scored_steps(steps, heatmaps)
    assert scored == (Step("Position", "the mug", place, (rival,)), steps[1])
    assert Prediction((), (4, 4), "", steps=scored)["steps"] == [
        {"kind": "Position", "target": "the mug", "value": [0.25, 0.5], "score": 0.6,
         "rivals": [{"x": 0.7, "y": 0.7, "score": 0.4}]},
        {"kind": "Size", "target": "the mug", "value": 0.25},
    ]  # fmt: skip


def test_a_text_that_ends_in_its_steps_has_no_heatmap(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, REASONED.partition("</think>")[0])
    prediction = looking.point(picture(), "the cup", reasoning=True, constrained=True)
    assert prediction.points == prediction.rivals == ()
    assert prediction.heatmap is None
    assert prediction.problem


def test_points_that_were_spelled_have_no_score(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, "[(0.000, 0.000), (0.123, 0.456)]")
    prediction = looking.point(picture(), "the cups", constrained=True)
    first, second = prediction.points
    assert first.score is not None
    assert (second.x, second.y, second.score) == (0.123, 0.456, None)
    assert prediction.heatmap is not None


def test_an_answer_without_a_point_has_no_heatmap(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("[]", "<think>\n</think><answer>[]</answer>"):
        scripted(monkeypatch, text)
        prediction = looking.point(picture(), "the cup", constrained=True)
        assert prediction.points == prediction.rivals == ()
        assert prediction.heatmap is None
        assert prediction.problem == "the model says that nothing in the picture fits"
    scripted(monkeypatch, "no [] here")
    prediction = looking.point(picture(), "the cup", constrained=True)
    assert prediction.problem == "no point could be read in the model's text 'no [] here'"


def test_steps_can_be_asked_for_in_words(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, REASONED)
    asked = looking.point(picture(), "the cup. Think step by step.", constrained=True)
    told = looking.point(picture(), "the cup.", reasoning=True, constrained=True)
    assert len(asked.steps) == 2
    assert (asked.raw, asked.points) == (told.raw, told.points)


def test_a_model_that_spells_has_no_heatmap(tiny: Predictor) -> None:
    prediction = tiny.point(picture(), "the cup", constrained=True)
    assert prediction.heatmap is None
    assert prediction.rivals == ()
    assert prediction.points[0].score is None


def test_all_ways_to_ask_read_points(looking: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    question = "Point to the cup."
    text = looking.query(picture(), question, depth_m(), constrained=True)
    assert text.startswith("[(0.")
    guide = {"guide": PointGuide(compact_tokenizer())}
    plain = predictor_module.generate_greedy
    monkeypatch.setattr(predictor_module, "generate_greedy", lambda *args, **options: plain(*args, **(options | guide)))
    assert looking.generate([picture(), Depth(depth_m()), question]) == text
    assert looking.generate([picture(), question]) == looking.query(picture(), question, constrained=True)
    assert looking.generate([picture(), question]) != text
    monkeypatch.undo()
    assert isinstance(looking.generate("no picture at all", max_new_tokens=3), str)


@pytest.mark.parametrize(
    ("images", "depths"), [(2, 0), (2, 2), (1, 2), (0, 1)], ids=["two images", "two pairs", "two depths", "depth alone"]
)
def test_a_point_head_looks_at_one_picture(looking: Predictor, images: int, depths: int) -> None:
    prompt: list[Any] = [*(picture(seed=seed) for seed in range(images)), *[Depth(depth_m())] * depths, "the cup"]
    assert refusal(lambda: looking.generate(prompt)) == (
        f"expected one image and its depth for a model with a point head, got {images} images and {depths} depths: "
        "ask about one image at a time"
    )


def test_an_rgb_model_with_a_point_head_points_too() -> None:
    predictor = pointing_predictor(pointing_config(depth=False))
    assert predictor.point(picture(), "the cup", constrained=True).points[0].score is not None
    expected = "expected a model with a depth projector, got an RGB-only one: leave depth out"
    assert refusal(lambda: predictor.point(picture(), "the cup", depth_m())) == expected


def test_a_loaded_checkpoint_points_like_the_model_in_it(tmp_path: Path) -> None:
    model = write_pointing_checkpoint(tmp_path, dtype=torch.bfloat16)
    predictor, loaded = Predictor(model, SpatialProcessor(compact_tokenizer(), model.config)), load(tmp_path)
    ours, theirs = (one.point(picture(), "the cup", depth_m(), constrained=True) for one in (predictor, loaded))
    assert (ours.raw, ours.points, ours.rivals) == (theirs.raw, theirs.points, theirs.rivals)
    np.testing.assert_array_equal(ours.heatmap, theirs.heatmap)


@pytest.mark.skipif("x86" not in torch.backends.quantized.supported_engines, reason="int8 kernels are x86's")
def test_a_model_in_8_bit_points_too(tmp_path: Path) -> None:
    write_pointing_checkpoint(tmp_path)
    assert load(tmp_path, quantize="int8", device="cpu").point(picture(), "the cup", constrained=True).parsed
