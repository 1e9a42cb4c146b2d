"""Samples -> the keyword arguments of ``SpatialVLM.forward``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from roborefer.datasets.samples import TrainingSample
from roborefer.models.processor import SpatialProcessor

INDICES = "sample_indices"
"""Key under which a batch tells which samples it holds: take it out before ``forward``."""


class ConversationCollator:
    """Makes one batch of samples; RGB-only, RGB-D and text-only ones mix.

    ``input_ids``, ``attention_mask`` and ``labels`` are (B, S) int64, padded on the right; ``pixel_values`` and
    ``depth_values`` the tiles of all samples one after another, ``image_block_sizes`` and ``depth_block_sizes`` one
    entry a picture. With ``packed`` the model computes no padding at all (see ``SpatialVLM.forward``).

    Args:
        processor: Of the model that is trained.
        packed: False for a padded batch.
        with_indices: Add :data:`INDICES`, (B,) int64, so that a batch can be written down when its loss is NaN.
    """

    def __init__(self, processor: SpatialProcessor, *, packed: bool = True, with_indices: bool = False) -> None:
        self.processor = processor
        self.packed = packed
        self.with_indices = with_indices

    def __call__(self, samples: Sequence[TrainingSample]) -> dict[str, Any]:
        batch: dict[str, Any] = dict(self.processor.collate([sample.encoded for sample in samples]))
        batch["packed"] = self.packed
        if self.with_indices:
            batch[INDICES] = torch.tensor([sample.index for sample in samples])
        return batch
