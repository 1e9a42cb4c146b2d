"""A tiny checkpoint with random weights, for tests and for trying things out: the whole chain runs in no time.

Its points mean nothing, and every prediction made with it says so. ``python -m roborefer.models.untrained FOLDER``
writes the one inside the package again, byte for byte.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig, preset
from roborefer.models.processor import SpatialProcessor
from roborefer.models.prompt import media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM

UNTRAINED_MODEL = Path(__file__).parents[1] / "pretrained" / "untrained"


def random_model(config: ModelConfig, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> SpatialVLM:
    """A model with the random weights of ``seed``, in evaluation mode."""
    previous = torch.get_default_dtype()
    state = torch.random.get_rng_state()
    try:
        torch.set_default_dtype(dtype)
        torch.manual_seed(seed)
        model = SpatialVLM(config)
    finally:
        torch.set_default_dtype(previous)
        torch.random.set_rng_state(state)
    return model.eval()


def write_untrained(folder: Path, *, tokenizer_folder: Path = UNTRAINED_MODEL, seed: int = 0) -> None:
    """Write a tiny random checkpoint in the published layout.

    Args:
        folder: Where to; made if need be.
        tokenizer_folder: A checkpoint folder whose tokenizer is taken over.
        seed: Of the weights.
    """
    config = preset("tiny")
    config.untrained = True
    tokenizer = checkpoint.load_tokenizer(tokenizer_folder)
    model = random_model(config, seed=seed).to(torch.bfloat16)
    model.set_media_tokens(*media_token_ids(tokenizer))
    model.save_pretrained(folder)
    SpatialProcessor(tokenizer, config).save_pretrained(folder)


if __name__ == "__main__":
    write_untrained(Path(sys.argv[1]))
