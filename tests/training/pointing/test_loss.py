"""PointingLoss: what one question at a time through the whole model costs, and its gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from roborefer.models.processor import SpatialProcessor
from roborefer.training.pointing.batch import Modalities, PointingCollator
from roborefer.training.pointing.loss import LossWeights, PointingLoss
from roborefer.training.pointing.taught_view import TaughtView

from ...models.pointing_models import SIDE, compact_tokenizer, pointing_model  # noqa: TID252 - shared models
from ...models.tiny_models import tiny_model  # noqa: TID252 - shared models
from .made_up_views import taught_views
from .slow_lessons import mean, slow_costs

WEIGHTS = LossWeights(text=0.7, heatmap=0.6, hit=0.4, offset=1.3, dense=0.2)


def lesson(weights: LossWeights = WEIGHTS) -> PointingLoss:
    torch.manual_seed(0)
    return PointingLoss(pointing_model(), weights).eval()


@pytest.fixture(scope="module")
def views(scenes: Path) -> list[TaughtView]:
    """Two pictures with five questions each, some with steps and some that end at their opening."""
    found = taught_views(scenes, reasoning=0.5)[1:]
    return [type(view)(view.image, view.depth, view.questions[:5], view.labels) for view in found]


def processor_of(made: PointingLoss) -> SpatialProcessor:
    return SpatialProcessor(compact_tokenizer(), made.model.config)


def batch_of(made: PointingLoss, views: list[TaughtView]) -> dict[str, Any]:
    return PointingCollator(processor_of(made), SIDE, None)([(view, 0) for view in views])


WATCHED = (
    "model.llm.model.embed_tokens.weight",
    "model.llm.model.layers.0.self_attn.q_proj.weight",
    "model.vision_tower.stem.stages.0.0.weight",
    "model.depth_projector.layers.2.weight",
    "model.point_head.key.weight",
    "model.point_head.offset.0.weight",
    "lessons.weight",
)


def test_a_batch_costs_what_its_questions_cost_alone(views: list[TaughtView]) -> None:
    made = lesson()
    assert any(question.ends_at_opening for view in views for question in view.questions)
    assert any("<think>" in question.answer for view in views for question in view.questions)
    parts = made(**batch_of(made, views))
    costs = slow_costs(made, processor_of(made), views, depth=True)
    for name in ("text", "heatmap", "hit", "offset"):
        assert float(parts[name]) == pytest.approx(mean(getattr(costs, name)).item(), rel=1e-4), name
    slow = costs.total(WEIGHTS)
    assert parts["loss"].item() == pytest.approx(slow.item(), rel=1e-4)
    watched = [made.get_parameter(name) for name in WATCHED]
    ours, theirs = torch.autograd.grad(parts["loss"], watched), torch.autograd.grad(slow, watched)
    for name, our, their in zip(WATCHED, ours, theirs, strict=True):
        assert float(their.abs().max()) > 0, name
        assert float((our - their).norm() / their.norm()) < 1e-3, name


@torch.no_grad()
def test_without_depth_too(views: list[TaughtView]) -> None:
    made = lesson()
    collator = PointingCollator(processor_of(made), SIDE, Modalities(rgb=1.0, depth=0.0))
    batch = collator([(view, 0) for view in views])
    # Without depth, but with the colours of the slow computation.
    batch["pixel_values"] = batch_of(made, views)["pixel_values"]
    parts = made(**batch)
    slow = slow_costs(made, processor_of(made), views, depth=False).total(WEIGHTS)
    assert float(parts["loss"]) == pytest.approx(float(slow), rel=1e-4)


@torch.no_grad()
def test_accuracy_is_the_share_of_points_whose_best_cell_is_right(views: list[TaughtView]) -> None:
    made = lesson()
    batch = batch_of(made, views)
    known = int(batch["point_known"].sum())
    assert 0 <= float(made(**batch)["accuracy"]) <= 1
    for shares, expected in ((0.31, 1.0), (0.29, 0.0)):
        batch["point_regions"][:, :, 0] = shares
        assert float(made(**batch)["accuracy"]) == expected
    batch["point_regions"][0, :, 0] = 1.0
    assert float(made(**batch)["accuracy"]) == pytest.approx(int(batch["point_known"][0].sum()) / known)


@torch.no_grad()
def test_a_batch_without_any_point_is_a_lesson_too(views: list[TaughtView]) -> None:
    made = lesson()
    batch = batch_of(made, views)
    batch["point_known"][:] = False
    parts = made(**batch)
    assert float(parts["heatmap"]) == float(parts["hit"]) == float(parts["offset"]) == float(parts["accuracy"]) == 0
    assert torch.isfinite(parts["loss"])


def test_a_model_that_spells_its_points_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a model with a point head, got one that writes coordinates as text"):
        PointingLoss(tiny_model())
