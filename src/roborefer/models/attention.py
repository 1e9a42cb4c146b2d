"""Attention for several sequences of different lengths together, each as if it were alone: decoding, and packing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

RAGGED_SDPA = "ragged_sdpa"
"""The name under which transformers finds :func:`ragged_sdpa`."""


def ragged_sdpa(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    sequence_lengths: Sequence[int] | None = None,
    packed_lengths: Sequence[int] | None = None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """transformers' sdpa, and for one new token per row: each row over its own length of keys.

    A padding mask would make a row's sums depend on the lengths of its neighbours, through the kernel that is chosen
    and the blocks it works in. Here a row's numbers are the same whoever stands beside it.

    Samples that are packed into one row attend to themselves alone: a call per sample costs the sum of the squared
    lengths, where a block-diagonal mask would cost the square of the sum and hold it in memory.

    Args:
        query: (B, heads, 1, D) when ``sequence_lengths`` is given.
        key, value: (R, kv_heads, L, D), R <= B: rows of the batch beyond R are padding and come out as zeros.
        sequence_lengths: How many keys each of the R rows has, 0 for a row that nobody needs; None for any other
            forward pass.
        packed_lengths: How long each sample of the only row is, when several are packed into it; no mask then.

    Returns:
        (B, Q, heads, D), and None for the weights.
    """
    if packed_lengths is not None:
        lengths = list(packed_lengths)
        samples = zip(*(torch.split(states, lengths, dim=2) for states in (query, key, value)), strict=True)
        outputs = [sdpa_attention_forward(module, *sample, None, scaling=scaling, **kwargs)[0] for sample in samples]
        return torch.cat(outputs, dim=1), None
    if sequence_lengths is None:
        output: tuple[Tensor, Tensor | None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **kwargs
        )
        return output
    batch, heads, _, size = query.shape
    attended = query.new_zeros(batch, 1, heads, size)
    for row, length in enumerate(sequence_lengths):
        if length == 0:
            continue
        # The heads that share a key head go in as if they were query tokens, so that keys need no repeating.
        grouped = query[row].reshape(1, key.shape[1], heads // key.shape[1], size)
        keys, values = key[row : row + 1, :, :length], value[row : row + 1, :, :length]
        attended[row, 0] = scaled_dot_product_attention(grouped, keys, values, scale=scaling).reshape(heads, size)
    return attended, None


AttentionInterface.register(RAGGED_SDPA, ragged_sdpa)
AttentionMaskInterface.register(RAGGED_SDPA, sdpa_mask)


def full_attention_mask(layer_types: Sequence[str]) -> dict[str, None]:
    """What tells transformers that no mask is to be made."""
    return dict.fromkeys(layer_types)


def rows_of(tokens: Tensor, rows: int) -> Tensor:
    """(R, ...) -> (rows, ...): zeros below, so that a matrix product always has the same shape."""
    return torch.cat([tokens, tokens.new_zeros(rows - len(tokens), *tokens.shape[1:])])
