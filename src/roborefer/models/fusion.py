"""Text and media in one sequence: features in place of their tokens, padded, or packed into one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from roborefer.models.prompt import IGNORE_INDEX


@dataclass(frozen=True, eq=False)
class FusedBatch:
    """Text and media embeddings in one sequence per sample, padded on the right.

    Attributes:
        inputs_embeds: (B, F, H); padded positions are zero vectors.
        attention_mask: (B, F) bool.
        labels: (B, F) int64, ``IGNORE_INDEX`` at media and padding.
    """

    inputs_embeds: Tensor
    attention_mask: Tensor
    labels: Tensor


def insert_media(ids: Tensor, embeddings: Tensor, labels: Tensor, streams: dict[int, Any]) -> tuple[Tensor, Tensor]:
    """Replace each media token of one sequence by the next features of its stream."""
    pieces, piece_labels, start = [], [], 0
    is_media = torch.isin(ids, torch.tensor(list(streams), device=ids.device))
    for position in is_media.nonzero().flatten().tolist():
        features = next(streams[int(ids[position])])
        pieces += [embeddings[start:position], features.to(embeddings.dtype)]
        piece_labels += [labels[start:position], labels.new_full((len(features),), IGNORE_INDEX)]
        start = position + 1
    return torch.cat([*pieces, embeddings[start:]]), torch.cat([*piece_labels, labels[start:]])


def padded_left(fused: FusedBatch) -> tuple[Tensor, Tensor]:
    """(B, F, H) embeddings and (B, F) mask with the padding on the left, where decoding needs it."""
    embeddings, mask = torch.zeros_like(fused.inputs_embeds), torch.zeros_like(fused.attention_mask)
    for index, length in enumerate(fused.attention_mask.sum(dim=1).tolist()):
        embeddings[index, mask.shape[1] - length :] = fused.inputs_embeds[index, :length]
        mask[index, mask.shape[1] - length :] = True
    return embeddings, mask


def pack(fused: FusedBatch) -> tuple[Tensor, Tensor, Tensor]:
    """All samples of a batch back to back in one row.

    Position ids restart at 0 in each sample, which transformers reads as a block-diagonal causal mask. The first
    label of each sample is ignored, since the token before it belongs to another sample.

    Returns:
        inputs_embeds (1, P, H), position_ids (1, P), labels (1, P).
    """
    mask = fused.attention_mask
    lengths = mask.sum(dim=1)
    positions = torch.cat([torch.arange(int(length), device=mask.device) for length in lengths])
    labels = fused.labels.clone()
    labels[:, 0] = IGNORE_INDEX
    return fused.inputs_embeds[mask][None], positions[None], labels[mask][None]


def with_newline(features: Tensor, newline: Tensor) -> Tensor:
    """(..., N, H) -> (..., N + 1, H): the embedding of the newline behind the features of each picture."""
    return torch.cat([features, newline.to(features.dtype).expand(*features.shape[:-2], -1, -1)], dim=-2)
