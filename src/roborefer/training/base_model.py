"""Base models: a SigLIP tower and a Qwen2 language model put together, or depth added to an RGB-only model.

As the paper does it (section 3.2, appendix D.1): the depth tower is a copy of the RGB tower, the depth projector one
of the RGB projector, and the media tokens come behind the vocabulary.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roborefer.errors import CheckpointError, InputError
from roborefer.images import one_line
from roborefer.models import checkpoint
from roborefer.models.config import ModelConfig
from roborefer.models.processor import SpatialProcessor
from roborefer.models.projector import Projector
from roborefer.models.prompt import QWEN2_CHAT_TEMPLATE, media_token_ids
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.models.tiling import Normalization

TILINGS: Mapping[str, tuple[str, str]] = {
    "2b": ("dynamic", "mlp_downsample_3x3_fix"),
    "8b": ("dynamic_s2", "mlp_downsample"),
}
"""Recipe -> (tiling, projector type) of the published models."""

_CHAT_TOKENS = ("<|im_start|>", "<|im_end|>")
_MODEL_MAX_LENGTH = 16384
# A SigLIP checkpoint's own prefix, and what of it no tower needs.
_TOWER_PREFIX = "vision_model."
_NOT_OF_TOWER = ("text_model.", "logit_", "head.")


def combine(
    vision: str,
    llm: str,
    *,
    tiling: str = "dynamic",
    projector: str = "mlp_downsample_3x3_fix",
    dtype: str = "auto",
    seed: int = 0,
    progress: bool = False,
) -> tuple[SpatialVLM, SpatialProcessor]:
    """A base model from its two halves. Its projectors are new, so its answers mean nothing before training.

    Args:
        vision: SigLIP: a folder or a hub id, a vision model or one with its text model, which is left out.
        llm: Qwen2 with its tokenizer: a folder or a hub id.
        tiling: ``resize``, ``dynamic`` or ``dynamic_s2``.
        projector: See ``models.projector.PROJECTOR_TYPES``.
        dtype: ``auto`` for the language model's.
        seed: Of the projectors' weights.
        progress: Show a progress bar on stderr.

    Raises:
        CheckpointError: A half is of another kind, or incomplete.
    """
    vision_folder, llm_folder = checkpoint.resolve_folder(vision), checkpoint.resolve_folder(llm)
    config = ModelConfig(
        text_config=_part_config(llm_folder, "qwen2"),
        vision_config={**_part_config(vision_folder, "siglip_vision_model"), "vision_use_head": False},
        mm_projector_type=projector,
        image_aspect_ratio=tiling,
        model_max_length=_MODEL_MAX_LENGTH,
        untrained=True,
    )
    target = _dtype_of(llm_folder) if dtype == "auto" else checkpoint.resolve_dtype(llm_folder, dtype)
    config.dtype = target
    tokenizer = _chat_tokenizer(llm_folder)
    model: SpatialVLM = checkpoint.build(SpatialVLM, config, llm_folder)
    _fill(model.llm, checkpoint.stored_tensors(llm_folder), target, llm_folder, progress)
    _fill(model.vision_tower.vision_model, _tower_tensors(vision_folder), target, vision_folder, progress)
    model.mm_projector = _new_projector(config, seed).to(target)
    checkpoint.materialize_buffers(model, torch.device("cpu"))
    model.llm.tie_weights()
    _fit_vocabulary(model, tokenizer)
    processor = SpatialProcessor(tokenizer, config, _normalization(vision_folder))
    add_depth(model)
    return model.eval(), processor


def from_rgb_model(name: str, *, progress: bool = False) -> tuple[SpatialVLM, SpatialProcessor]:
    """A published RGB-only model (NVILA, for one) with a depth tower and projector: how NVILA-2B-Depth was made.

    Raises:
        CheckpointError: It cannot be read.
        InputError: It has depth already.
    """
    processor = SpatialProcessor.from_pretrained(name)
    model = SpatialVLM.from_pretrained(name, tokenizer=processor.tokenizer, progress=progress)
    if model.config.has_depth:
        raise InputError(f"expected an RGB-only model, got {name} with a depth projector: it needs no other")
    add_depth(model)
    return model, SpatialProcessor(processor.tokenizer, model.config, processor.image_normalization)


def add_depth(model: SpatialVLM) -> None:
    """Gives a model a depth tower and a depth projector, copies of the RGB ones."""
    model.depth_tower = copy.deepcopy(model.vision_tower)
    model.depth_projector = copy.deepcopy(model.mm_projector)
    model.config.depth_config = copy.deepcopy(model.config.vision_config)
    model.config.depth_stem = copy.copy(model.config.vision_stem)
    model.config.depth_projector_type = model.config.mm_projector_type


# ---- pieces ----------------------------------------------------------------------------------------------------------


def _part_config(folder: Path, kind: str) -> dict[str, Any]:
    """The configuration of a half; of a SigLIP with both towers, its vision tower's."""
    content = checkpoint.read_json(folder / "config.json")
    if content.get("model_type") == "siglip" and kind == "siglip_vision_model":
        content = {"model_type": kind, **(content.get("vision_config") or {})}
    found = content.get("model_type")
    if found != kind:
        raise CheckpointError(f"expected a {kind} model in {folder}, got {found!r}: name another folder or hub id")
    return content


def _dtype_of(folder: Path) -> torch.dtype:
    return next(iter(checkpoint.stored_tensors(folder).values())).dtype


def _tower_tensors(folder: Path) -> dict[str, checkpoint.StoredTensor]:
    """What the tower needs of a SigLIP checkpoint, by the names that it has in the tower."""
    named = {
        name.removeprefix(_TOWER_PREFIX): where
        for name, where in checkpoint.stored_tensors(folder).items()
        if not name.startswith(_NOT_OF_TOWER)
    }
    return {name: where for name, where in named.items() if not name.startswith(_NOT_OF_TOWER)}


def _fill(
    module: nn.Module,
    stored: dict[str, checkpoint.StoredTensor],
    dtype: torch.dtype,
    folder: Path,
    progress: bool,
) -> None:
    """Streams tensors into a module on the meta device, once all of them are known to fit."""
    from tqdm import tqdm

    expected = {name: tuple(tensor.shape) for name, tensor in checkpoint.owned_tensors(module).items()}
    stored = {name: where for name, where in stored.items() if name in expected}
    for name, shape in expected.items():
        if name not in stored:
            raise CheckpointError(f"expected the tensor {name} in {folder}, found none: the checkpoint is incomplete")
        if stored[name].shape != shape:
            raise CheckpointError(
                f"expected the tensor {name} in {folder} to have shape {shape}, got {stored[name].shape}"
            )
    named = zip(stored, checkpoint.stream_tensors(stored, dtype, torch.device("cpu")), strict=True)
    for name, (_, tensor) in tqdm(named, total=len(stored), desc=folder.name, unit="tensor", disable=not progress):
        checkpoint.assign_tensor(module, name, tensor)


def _new_projector(config: ModelConfig, seed: int) -> Projector:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Projector(config.mm_projector_type, config.projector_input_size, config.text_config.hidden_size)


def _chat_tokenizer(folder: Path) -> Any:
    """The language model's tokenizer with the media tokens and the published chat template."""
    tokenizer = checkpoint.read_tokenizer(folder)
    for token in _CHAT_TOKENS:
        if token not in tokenizer.get_vocab():
            raise CheckpointError(f"expected a Qwen2 tokenizer with {token} in {folder}, found none: name another one")
    checkpoint.add_media_tokens(tokenizer)
    tokenizer.chat_template = QWEN2_CHAT_TEMPLATE
    tokenizer.model_max_length = _MODEL_MAX_LENGTH
    return tokenizer


def _fit_vocabulary(model: SpatialVLM, tokenizer: Any) -> None:
    """As many embeddings as tokens: rows that only pad the vocabulary go, new tokens get the mean of the others."""
    if len(tokenizer) != model.config.text_config.vocab_size:
        checkpoint.resize_vocabulary(model, len(tokenizer))
    model.set_media_tokens(*media_token_ids(tokenizer))


def _normalization(folder: Path) -> Normalization:
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return Normalization()
    content = checkpoint.read_json(path)
    try:
        return Normalization(content.get("image_mean", (0.5,) * 3), content.get("image_std", (0.5,) * 3))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"expected image_mean and image_std in {path}, got {one_line(error)}") from error
