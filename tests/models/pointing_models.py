"""Models with a point head, small enough for tests: 64-pixel pictures, stems of stride 8, heatmaps of 8x8 cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config

from roborefer.answers.prompts import POINT_SUFFIX, REASONING_REQUEST
from roborefer.models.compact_tokenizer import point_tokens, train_compact_tokenizer
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import random_model
from roborefer.predictor import Predictor

TILE = 64
SIDE = 8
SENTENCES = (POINT_SUFFIX, REASONING_REQUEST, "Please provide its 2D coordinates.")
REASONED = (
    "<think>\n[Position] [the red mug]: [(0.250, 0.500)]\n[Orientation] [the mug's handle]: (0.600, 0.000, -0.800)\n"
    "</think><answer>[(0.125, 0.875)]</answer>"
)
TEXTS = (
    "Point to the red mug.",
    "Please point out the apple left of the blue book.",
    "[(0.341, 0.610)]",
    "Answer with [], or a tuple, i.e. [(x, y)].",
    REASONED,
)


@cache
def compact_tokenizer() -> Any:
    return train_compact_tokenizer(TEXTS * 3, SENTENCES, 1400)


def pointing_config(*, depth: bool = True, **changes: Any) -> ModelConfig:
    """A configuration of nano's kind; ``changes`` are fields of :class:`ModelConfig`."""
    tower = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": TILE,
        "patch_size": 16,
        "vision_use_head": False,
    }
    text = Qwen2Config(
        vocab_size=len(compact_tokenizer()),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    fields: dict[str, Any] = {
        "text_config": text,
        "vision_config": tower,
        "depth_config": tower if depth else None,
        "mm_projector_type": "mlp_downsample",
        "depth_projector_type": "mlp_downsample" if depth else None,
        "image_aspect_ratio": "resize",
        "mm_vision_select_layer": -1,
        "model_max_length": 4096,
        "vision_stem": [8, 12, 16],
        "depth_stem": [8, 8, 12] if depth else None,
        "point_head_size": 16,
        "point_head_layers": 1,
    }
    return ModelConfig(**(fields | changes))


def pointing_model(
    config: ModelConfig | None = None, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> SpatialVLM:
    """Random weights and running statistics, so large that heatmaps depend on picture and question."""
    # Not cast afterwards: that would round the rotary frequencies, which a checkpoint does not hold.
    model = random_model(config or pointing_config(), seed=seed, dtype=dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and name != "point_head.position":
                # A head as lively as the rest would put all of its weight into one cell.
                calm = "stem" in name or name.startswith("point_head")
                spread = parameter[0].numel() ** -0.5 if calm else 0.3
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
        for name, buffer in model.named_buffers():
            if "running" in name:
                noise = torch.rand(buffer.shape, generator=generator) - 0.5
                buffer.copy_(noise * 0.2 + ("var" in name))
    model.set_media_tokens(*media_token_ids(compact_tokenizer()))
    model.set_point_tokens(point_tokens(compact_tokenizer()))
    return model


def pointing_predictor(
    config: ModelConfig | None = None, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> Predictor:
    model = pointing_model(config, seed=seed, dtype=dtype)
    return Predictor(model, SpatialProcessor(compact_tokenizer(), model.config))


def write_pointing_checkpoint(folder: Path, *, dtype: torch.dtype = torch.float32) -> SpatialVLM:
    """A whole checkpoint folder, and the model that is in it."""
    model = pointing_model(dtype=dtype)
    model.save_pretrained(folder)
    SpatialProcessor(compact_tokenizer(), model.config).save_pretrained(folder)
    return model


class Script:
    """Lets a model write one text and nothing else; a point reader changes the coordinates in it."""

    def __init__(self, text: str) -> None:
        self._ids = compact_tokenizer()(text, add_special_tokens=False)["input_ids"]

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        return self._ids[len(written) : len(written) + 1]
