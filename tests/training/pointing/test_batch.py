"""PointingCollator: what of each question is taught, where its points open, and what a batch is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from roborefer.errors import CheckpointError, InputError
from roborefer.models.compact_tokenizer import opening_id
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import DEPTH_TOKEN, IGNORE_INDEX, IMAGE_TOKEN
from roborefer.training.pointing.batch import Modalities, PointingCollator
from roborefer.training.pointing.targets import region_cells, target_distribution
from roborefer.training.pointing.taught_view import TaughtPoint, TaughtQuestion, TaughtView

from ...models.pointing_models import SIDE, TILE, compact_tokenizer, pointing_config  # noqa: TID252 - shared models
from ...models.tiny_models import tiny_config, tokenizer  # noqa: TID252 - shared models
from .made_up_views import taught_views


@pytest.fixture(scope="module")
def processor() -> SpatialProcessor:
    return SpatialProcessor(compact_tokenizer(), pointing_config())


@pytest.fixture(scope="module")
def views(scenes: Path) -> list[TaughtView]:
    return taught_views(scenes, reasoning=0.5)


def collator(processor: SpatialProcessor, modalities: Modalities | None = None) -> PointingCollator:
    return PointingCollator(processor, SIDE, modalities)


def rows_of(batch: dict[str, Any]) -> list[tuple[int, list[int], list[int], list[int]]]:
    """Each question's picture, tokens, targets and positions."""
    rows = []
    for group in batch["groups"]:
        length = group.tokens.shape[1]
        for number, picture in enumerate(group.picture.tolist()):
            real = [place % length for place in group.real.tolist() if place // length == number]
            tokens = group.tokens[number, real]
            rows.append((picture, *(batch[name][tokens].tolist() for name in ("input_ids", "targets", "positions"))))
    return rows


def decode(ids: list[int]) -> str:
    return str(compact_tokenizer().decode(ids))


def asking(view: TaughtView, *questions: TaughtQuestion) -> TaughtView:
    return replace(view, questions=questions)


HERE = TaughtPoint(0.341, 0.61, np.ones((64, 80), bool), False)


# ---- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [False, True])
def test_a_prompt_is_that_of_inference(processor: SpatialProcessor, views: list[TaughtView], depth: bool) -> None:
    batch = collator(processor, Modalities(rgb=0.0 if depth else 1.0, depth=0.0))([(view, 0) for view in views])
    prefix = batch["prefix_ids"].tolist()
    assert decode(prefix).endswith("<depth>" if depth else "<image>")
    media, end = IMAGE_TOKEN + DEPTH_TOKEN * depth, "<|im_end|>"
    for picture, ids, _, positions in rows_of(batch):
        written = decode(prefix + ids)
        (question,) = [each for each in views[picture].questions if f"{media}{each.text}{end}" in written]
        asked = processor.encode_text(media + question.text, [1], [1] * depth)
        assert (prefix + ids)[: len(asked)] == asked
        answered = decode((prefix + ids)[len(asked) :])
        assert answered == (question.answer[:2] if question.ends_at_opening else question.answer + end)
        # Behind the text of the prefix stand four features and a newline per picture.
        first = len(prefix) - 1 - depth + 5 * (1 + depth)
        assert positions == list(range(first, first + len(ids)))


def test_every_question_is_there_once(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    batch = collator(processor)([(view, 0) for view in views])
    rows = rows_of(batch)
    assert Counter(picture for picture, *_ in rows) == {0: 8, 1: 8, 2: 8}
    lengths = [len(ids) for _, ids, _, _ in rows]
    assert lengths == sorted(lengths)
    assert sum(lengths) == len(batch["input_ids"]) == len(batch["targets"]) == len(batch["positions"])
    assert len(batch["groups"]) == 5
    padded = sum(group.tokens.numel() for group in batch["groups"])
    assert padded < 1.4 * sum(lengths)


def taught_text(processor: SpatialProcessor, view: TaughtView, question: TaughtQuestion) -> list[str]:
    """What each token of the answer is taught to be followed by, from the question's last token on."""
    ((_, _, targets, _),) = rows_of(collator(processor)([(asking(view, question), 0)]))
    first = next(index for index, target in enumerate(targets) if target != IGNORE_INDEX)
    assert targets[-1] == IGNORE_INDEX
    return ["-" if target == IGNORE_INDEX else decode([target]) for target in targets[first:-1]]


def test_coordinates_of_points_are_no_lesson_for_the_text(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    question = TaughtQuestion("Where?", "[(0.341, 0.610)]", (HERE,))
    assert taught_text(processor, views[0], question) == ["[(", "-", ",", " ", "-", ")]", "<|im_end|>"]
    short = replace(question, ends_at_opening=True)
    assert taught_text(processor, views[0], short) == ["[("]
    assert taught_text(processor, views[0], TaughtQuestion("Where?", "[]", ()))[-1] == "<|im_end|>"


def test_other_numbers_are(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    direction = "(0.600, 0.000, -0.800)"
    question = TaughtQuestion("Which way?", f"{direction} [(0.5, 0.610, 0.700)]", ())
    assert "-" not in taught_text(processor, views[0], replace(question, answer=direction))
    two = TaughtQuestion("Where?", "[(0.341, 0.610), (0.123, 0.456)]", (HERE, HERE))
    taught = taught_text(processor, views[0], two)
    assert taught.count("-") == 2
    assert taught[-6:] == ["0.123", ",", " ", "0.456", ")]", "<|im_end|>"]


# ---- points ----------------------------------------------------------------------------------------------------------


def test_points_open_where_the_answer_has_them(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    batch = collator(processor)([(view, 0) for view in views])
    opening = opening_id(compact_tokenizer())
    for picture, view in enumerate(views):
        points = [point for question in view.questions for point in question.points]
        known = batch["point_known"][picture]
        assert int(known.sum()) == len(points)
        assert (batch["input_ids"][batch["point_tokens"][picture][known]] == opening).all()
        found = batch["point_regions"][picture][known].numpy()
        expected = np.stack([region_cells(point.region, SIDE) for point in points if point.region is not None])
        np.testing.assert_array_equal(_in_order(found[:, 0]), _in_order(expected[:, 0]))
        assert batch["point_wanted"][picture][known].sum(dim=-1) == pytest.approx(torch.ones(len(points)), abs=1e-5)
        assert batch["point_first"][picture][known].sum(dim=-1) == pytest.approx(torch.ones(len(points)), abs=1e-5)
        assert not batch["point_regions"][picture][~known].any()


def _in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_a_point_leads_over_its_anchors(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    left, right = np.zeros((64, 80), bool), np.zeros((64, 80), bool)
    left[:, :20], right[:, 60:] = True, True
    point = replace(HERE, anchors=(left, right, np.zeros((64, 80), bool)))
    question = TaughtQuestion("Where?", "[(0.341, 0.610)]", (point,))
    batch = collator(processor)([(asking(views[0], question), 0)])
    expected = np.zeros((SIDE, SIDE))
    expected[:, :2] = expected[:, 6:] = 1 / 32
    np.testing.assert_allclose(batch["point_first"][0, 0].reshape(SIDE, SIDE), expected, atol=1e-6)
    wanted = target_distribution(region_cells(HERE.region, SIDE), (0.341, 0.61), SIDE)  # type: ignore[arg-type]
    np.testing.assert_array_equal(batch["point_wanted"][0, 0], wanted)


@pytest.mark.parametrize(
    "points",
    [
        (replace(HERE, region=None),),
        (replace(HERE, region=np.zeros((64, 80), bool)),),
        (HERE, HERE),  # the answer opens only once
        (),
    ],
)
def test_points_that_nobody_knows_teach_the_text_alone(
    processor: SpatialProcessor, views: list[TaughtView], points: tuple[TaughtPoint, ...]
) -> None:
    question = TaughtQuestion("Where?", "[(0.341, 0.610)]", points)
    batch = collator(processor)([(asking(views[0], question), 0)])
    assert not batch["point_known"].any()
    assert len(rows_of(batch)) == 1


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_without_modalities_pictures_are_as_they_are(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    batch = collator(processor)([(view, seed) for seed, view in enumerate(views)])
    for index, view in enumerate(views):
        np.testing.assert_array_equal(batch["pixel_values"][index], processor.tile(view.image).pixels[0])
        np.testing.assert_array_equal(batch["depth_values"][index], processor.tile(view.depth, depth=True).pixels[0])
        for name in ("category", "color", "place", "known"):
            np.testing.assert_array_equal(batch[name][index], getattr(view.labels, name))


def test_modalities_come_by_their_shares(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    one = [asking(views[0], views[0].questions[0])]
    kinds: Counter[str] = Counter()
    for seed in range(200):
        batch = collator(processor, Modalities(rgb=0.3, depth=0.2))([(view, seed) for view in one])
        gray = not batch["pixel_values"].any()
        kinds["depth" if gray else "rgbd" if "depth_values" in batch else "rgb"] += 1
        assert not (gray and "depth_values" not in batch)
    assert kinds["rgb"] / 200 == pytest.approx(0.3, abs=0.08)
    assert kinds["depth"] / 200 == pytest.approx(0.2, abs=0.07)


def test_colours_vary_with_the_seed_alone(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    modalities = Modalities(rgb=0.0, depth=0.0)
    shown = [collator(processor, modalities)([(views[0], seed)])["pixel_values"] for seed in (1, 1, 2)]
    assert torch.equal(shown[0], shown[1])
    assert not torch.equal(shown[0], shown[2])
    plain = processor.tile(views[0].image).pixels
    assert 0.01 < np.abs(shown[0].numpy() - plain).mean() < 0.5


def test_an_rgb_model_is_shown_no_depth(views: list[TaughtView]) -> None:
    processor = SpatialProcessor(compact_tokenizer(), pointing_config(depth=False))
    for modalities in (None, Modalities(rgb=0.0, depth=1.0)):
        batch = collator(processor, modalities)([(views[0], 0)])
        assert "depth_values" not in batch
        assert batch["pixel_values"].any()
        assert DEPTH_TOKEN not in decode(batch["prefix_ids"].tolist())


# ---- what is refused -------------------------------------------------------------------------------------------------


def test_views_without_questions_are_refused(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    with pytest.raises(InputError) as caught:
        collator(processor)([(asking(view), 0) for view in views])
    assert str(caught.value) == "expected views with questions, got 3 without any: generate other scenes"


def test_one_view_without_questions_is_fine(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    batch = collator(processor)([(asking(views[0]), 0), (views[1], 0)])
    assert batch["pixel_values"].shape == (2, 3, TILE, TILE)
    assert {picture for picture, *_ in rows_of(batch)} == {1}


def test_a_tokenizer_that_spells_points_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"expected a tokenizer in which '\[\(' is one token"):
        collator(SpatialProcessor(tokenizer(), tiny_config(image_aspect_ratio="resize")))


def test_pictures_of_any_size_come_together(processor: SpatialProcessor, views: list[TaughtView]) -> None:
    wide = replace(views[0], image=Image.new("RGB", (33, 17)), depth=Image.new("RGB", (33, 17)))
    assert collator(processor)([(wide, 0), (views[1], 1)])["pixel_values"].shape == (2, 3, TILE, TILE)
