"""``roborefer.load()``: from a folder, a hub id or nothing to a predictor."""

from __future__ import annotations

from functools import cache
from os import PathLike

import torch

from roborefer.errors import InputError
from roborefer.models.depth_estimator import DepthAnything
from roborefer.models.devices import resolve_device
from roborefer.models.packaged import PACKAGED_MODEL
from roborefer.models.processor import SpatialProcessor
from roborefer.models.quantization import quantize_int8
from roborefer.models.spatial_vlm import SpatialVLM
from roborefer.predictor import Predictor


def load(
    path_or_hub_id: str | PathLike[str] | None = None,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    *,
    quantize: str | None = None,
    depth_model: str | PathLike[str] | None = None,
    progress: bool = False,
    revision: str | None = None,
) -> Predictor:
    """Load a model: a published checkpoint folder, a hub id, or the one inside the package.

    Args:
        path_or_hub_id: None for the packaged model.
        device: ``auto`` (CUDA, then MPS, then the CPU), or a torch device.
        dtype: ``auto`` for the stored one, ``float32``, ``bfloat16`` or ``float16``.
        quantize: ``int8`` for 8-bit weights and activations of the linear layers, on a CPU.
        depth_model: DepthAnything V2 folder, ``.pth`` or hub id for ``depth="estimate"``; loaded when first needed.
        progress: Show a progress bar on stderr.
        revision: Branch, tag or commit, for a hub id.

    Raises:
        CheckpointError: the folder is incomplete or describes another model.
        InputError: an argument cannot be used.
    """
    if quantize not in (None, "int8"):
        raise InputError(f"expected quantize to be int8 or None, got {quantize!r}")
    target = resolve_device(device)
    name = str(PACKAGED_MODEL if path_or_hub_id is None else path_or_hub_id)
    processor = SpatialProcessor.from_pretrained(name, revision=revision)
    model = SpatialVLM.from_pretrained(
        name, dtype=dtype, device=target, progress=progress, revision=revision, tokenizer=processor.tokenizer
    )
    if quantize is not None:
        quantize_int8(model)
    estimator = None if depth_model is None else DepthAnything.load(str(depth_model), device=target)
    return Predictor(model, processor, depth_estimator=estimator)


@cache
def packaged_predictor() -> Predictor:
    """The model inside the package, loaded once."""
    return load()
