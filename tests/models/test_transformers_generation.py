"""transformers' own generation: what it writes as points is what the point head reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers import LogitsProcessor

from roborefer.models.encoded_image import look
from roborefer.models.generation import generate_greedy
from roborefer.models.point_reading import PointReader
from roborefer.models.processor import DepthPicture, SpatialProcessor
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.transformers_generation import PointWriter

from .pointing_models import Script, compact_tokenizer, pointing_model


class SaysOnly(LogitsProcessor):
    """Lets a model write one text, but for what is forced behind it."""

    def __init__(self, text: str) -> None:
        self.ids = compact_tokenizer()(text, add_special_tokens=False)["input_ids"]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = torch.full_like(scores, -1e9)
        scores[:, self.ids[min(input_ids.shape[1], len(self.ids) - 1)]] = 0
        return scores


def prompts(model: SpatialVLM, *, depth: bool) -> tuple[SpatialProcessor, Any]:
    processor = SpatialProcessor(compact_tokenizer(), model.config)
    random = np.random.default_rng(5)
    pictures = [Image.fromarray(random.integers(0, 255, (48, 64, 3), dtype=np.uint8)) for _ in range(4)]
    samples = [
        processor.encode_prompt([pictures[0], *([DepthPicture(pictures[1])] if depth else []), "the cup"]),
        processor.encode_prompt([pictures[2], *([DepthPicture(pictures[3])] if depth else []), "the blue plate"]),
        processor.encode_prompt(["no picture"]),
    ]
    return processor, samples


@pytest.mark.parametrize("depth", [False, True], ids=["rgb", "rgb-d"])
@pytest.mark.parametrize("beams", [{}, {"num_beams": 2, "num_return_sequences": 2}], ids=["greedy", "beams"])
def test_transformers_generation_reads_points_too(depth: bool, beams: dict[str, int]) -> None:
    model = pointing_model()
    processor, samples = prompts(model, depth=depth)
    text = "<think>\n[(0.000, 0.000)]\n</think><answer>[(0.000, 0.000)]</answer>"
    count = len(compact_tokenizer()(text, add_special_tokens=False)["input_ids"])
    batch = processor.collate(samples)
    output = model.generate(**batch, max_new_tokens=count, logits_processor=[SaysOnly(text)], **beams)
    length, copies = batch["input_ids"].shape[1], beams.get("num_beams", 1)
    texts = [compact_tokenizer().decode(row[length:]) for row in output]
    for number, sample in enumerate(samples[:2]):
        seen = look(model, sample)
        assert seen.dense is not None
        assert model.point_head is not None
        reader = PointReader(model.point_head, [seen.dense], compact_tokenizer())
        ids = torch.tensor([sample.input_ids])
        embeddings = model.fuse(ids, None, seen.images, seen.depths).inputs_embeds[0]
        (expected,) = generate_greedy(
            model.llm, [embeddings], max_new_tokens=count, stop_token_ids=(), guide=Script(text), reader=reader
        )
        assert len(reader.heatmaps[0]) == 2
        # The first of several beams is the best one.
        assert texts[number * copies] == compact_tokenizer().decode(expected)
    assert texts[0] != texts[copies]
    assert texts[2 * copies] == text


def test_a_point_writer_needs_tokens_of_points() -> None:
    model = pointing_model()
    assert model.point_head is not None
    with pytest.raises(ValueError, match="expected a tokenizer in which points are tokens"):
        PointWriter(model.point_head, {}, None, prompts=1)
