"""From tensors on disk to tensors of the served model: the published sub-folders, and which name each tensor gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from roborefer.models.checkpoint import PARTS, resized_rows
from roborefer.models.config import ModelConfig

LANGUAGE_MODEL = "llm"
LANGUAGE_MODEL_FILES = (f"{LANGUAGE_MODEL}/*.safetensors",)
"""What vLLM's loader reads first; it puts no folder's name in front of these tensors."""

_VOCABULARY_TENSORS = ("llm.model.embed_tokens.weight", "llm.lm_head.weight")


def further_parts(config: ModelConfig) -> list[str]:
    """The sub-folders beside the language model's, whose tensors get their folder's name in front."""
    parts = ["vision_tower", "mm_projector"]
    if config.depth_config is not None:
        parts.append("depth_tower")
    if config.depth_projector_type is not None:
        parts.append("depth_projector")
    return parts


def served_name(name: str) -> str:
    """The tensor's name in the served model, whose attributes carry the names of the sub-folders."""
    return name if name.partition(".")[0] in PARTS else f"{LANGUAGE_MODEL}.{name}"


def served_weights(weights: Iterable[tuple[str, Tensor]], config: ModelConfig) -> Iterator[tuple[str, Tensor]]:
    """Every tensor under its name in the served model, with one embedding per token of the tokenizer."""
    for stored, tensor in weights:
        name = served_name(stored)
        if name in _VOCABULARY_TENSORS:
            tensor = resized_rows(tensor, config.text_config.vocab_size)
        yield name, tensor
