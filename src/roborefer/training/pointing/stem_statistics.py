"""Running statistics of the stems for weights that never saw a batch: a moving average's.

A moving average of weights goes with statistics of its own. Those of the last weights cost it some points of accuracy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from roborefer.models.spatial_vlm import SpatialVLM


@torch.no_grad()
def settle_statistics(model: SpatialVLM, batches: Iterable[Mapping[str, Any]]) -> None:
    """Replace the running statistics by their mean over some batches.

    Args:
        model: Whose weights are final; only its statistics change.
        batches: With ``pixel_values`` and, or not, ``depth_values``: (B, 3, S, S) each.
    """
    # In float32: a mean over many batches would drown in bfloat16's rounding.
    looking = copy.deepcopy(model).float().train()
    norms = {name: norm for name, norm in looking.named_modules() if isinstance(norm, nn.BatchNorm2d)}
    for norm in norms.values():
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    for batch in batches:
        pixels, depth = batch["pixel_values"], batch.get("depth_values")
        looking.look(_single(pixels, model), None if depth is None else _single(depth, model))
    for name, norm in norms.items():
        settled = model.get_submodule(name)
        if norm.num_batches_tracked:
            settled.running_mean.copy_(norm.running_mean)
            settled.running_var.copy_(norm.running_var)


def _single(pictures: Tensor, model: SpatialVLM) -> Tensor:
    return pictures.to(device=model.device, dtype=torch.float32)
