"""From views to a loaded checkpoint that points at what was asked for: the whole way, on two scenes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from roborefer.answers import parse_answer
from roborefer.loading import load
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import media_token_ids
from roborefer.models.untrained import random_model
from roborefer.training.pointing.batch import Modalities, PointingCollator
from roborefer.training.pointing.loss import PointingLoss
from roborefer.training.pointing.run import PointingRun, train

from ...models.pointing_models import SIDE, compact_tokenizer, pointing_config  # noqa: TID252 - shared models
from .made_up_views import taught_views, view_folder


@pytest.mark.slow
def test_what_was_taught_is_pointed_at(scenes: Path, tmp_path: Path) -> None:
    model = random_model(pointing_config())
    model.set_media_tokens(*media_token_ids(compact_tokenizer()))
    processor = SpatialProcessor(compact_tokenizer(), model.config)
    torch.manual_seed(0)
    lesson = PointingLoss(model).in_bfloat16()
    run = PointingRun(updates=120, views=3, passes=1, warm_up=5, learning_rate=0.01, average=0.9)
    collator = PointingCollator(processor, SIDE, Modalities(rgb=0.2, depth=0.0))
    train(lesson, view_folder(scenes, reasoning=0.3), collator, run, tmp_path / "lessons", workers=0)
    model.eval().save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")

    predictor = load(tmp_path / "model", device="cpu")
    hits = []
    for view in taught_views(scenes):
        for depth in (view.depth, None):
            encoded = predictor.encode_image(view.image, depth)
            for question in view.questions:
                if question.points:
                    region = question.points[0].region
                    assert region is not None
                    (point,) = parse_answer(predictor.query(encoded, question.text, constrained=True)).points
                    hits.append(region[min(int(point.y * 64), 63), min(int(point.x * 80), 79)])
                elif question.answer == "[]":
                    assert predictor.query(encoded, question.text, max_new_tokens=8) == "[]"
    assert len(hits) == 24
    assert sum(hits) / len(hits) > 0.9
