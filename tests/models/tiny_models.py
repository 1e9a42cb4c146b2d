"""Models small enough for tests: 56-pixel tiles of 16 patches, two layers, and weights large enough to say something.

The tokenizer is that of the packaged checkpoint.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2Config, SiglipVisionConfig

from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.untrained import UNTRAINED_MODEL, random_model
from roborefer.predictor import Predictor

TILE = 56
HIDDEN = 32
VOCABULARY = 2057


@cache
def tokenizer() -> Any:
    return checkpoint.load_tokenizer(UNTRAINED_MODEL)


def tiny_config(*, depth: bool = True, depth_tower: bool = True, tied: bool = True, **changes: Any) -> ModelConfig:
    """A configuration of the published kind; ``changes`` are fields of :class:`ModelConfig`."""
    tower = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": TILE,
        "patch_size": 14,
        "vision_use_head": False,
    }
    text = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=None,
    )
    fields: dict[str, Any] = {
        "text_config": text,
        "vision_config": SiglipVisionConfig(**tower),
        "depth_config": SiglipVisionConfig(**tower) if depth and depth_tower else None,
        "depth_projector_type": "mlp_downsample_3x3_fix" if depth else None,
        "s2_scales": [TILE, 2 * TILE, 3 * TILE],
    }
    return ModelConfig(**(fields | changes))


def tiny_model(config: ModelConfig | None = None, *, seed: int = 0, lively: bool = True) -> SpatialVLM:
    """Random weights in fp32; ``lively`` ones are so large that the greedy text depends on picture and question."""
    model = random_model(config or tiny_config(), seed=seed)
    if lively:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    model.set_media_tokens(*media_token_ids(tokenizer()))
    return model


def tiny_predictor(config: ModelConfig | None = None, *, seed: int = 0) -> Predictor:
    model = tiny_model(config, seed=seed)
    return Predictor(model, SpatialProcessor(tokenizer(), model.config))


def write_checkpoint(folder: Path, config: ModelConfig | None = None, *, seed: int = 0) -> SpatialVLM:
    """A whole checkpoint folder, and the model that is in it."""
    model = tiny_model(config, seed=seed)
    model.save_pretrained(folder)
    SpatialProcessor(tokenizer(), model.config).save_pretrained(folder)
    return model


def picture(width: int = 60, height: int = 40, seed: int = 0) -> Image.Image:
    """Noise with a bright square: no two tiles are alike."""
    pixels = np.random.default_rng(seed).integers(0, 160, (height, width, 3), dtype=np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = 255
    return Image.fromarray(pixels)


def depth_m(width: int = 60, height: int = 40) -> np.ndarray:
    """A floor that runs away from the camera: float32 metres."""
    rows = np.linspace(4.0, 1.0, height, dtype=np.float32)
    return np.repeat(rows[:, None], width, axis=1)
