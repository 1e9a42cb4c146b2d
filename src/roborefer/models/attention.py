"""Attention for several sequences of different lengths together, each as if it were alone: decoding, and packing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

RAGGED_SDPA = "ragged_sdpa"
"""The name under which transformers finds :func:`ragged_sdpa`."""

# Tokens. Matrix products keep all weights for the backward pass.
_SHORT = 2048
# Queries at a time, which see the keys up to the last of them. On one core, forward and backward, causal: 4 heads of 64
# over 420 tokens take 2.8 ms, and 7.2 in the fused kernel; over 700, 5.8 and 15.5; 12 of 128 over 2,000, 188 and 399.
_BLOCK = 256


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
        outputs = [
            _attend(module, asked, seen, told, None, scaling=scaling, **kwargs)[0] for asked, seen, told in samples
        ]
        return torch.cat(outputs, dim=1), None
    if sequence_lengths is None:
        return _attend(module, query, key, value, attention_mask, scaling=scaling, **kwargs)
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


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None,
    dropout: float = 0.0,
    is_causal: bool | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """transformers' sdpa, or what is faster."""
    if attention_mask is None and not dropout and _is_short_lesson(query, key):
        causal = bool(getattr(module, "is_causal", True)) if is_causal is None else is_causal
        return by_matrix_products(query, key, value, scaling=scaling, causal=causal), None
    attended: tuple[Tensor, Tensor | None] = sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, is_causal=is_causal, **kwargs
    )
    return attended


def _is_short_lesson(query: Tensor, key: Tensor) -> bool:
    """In bfloat16 on a CPU the fused kernel's backward pass is slow: matrix products win."""
    if query.device.type != "cpu" or not torch.is_grad_enabled() or not query.requires_grad:
        return False
    is_low = query.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
    return is_low and query.shape[2] == key.shape[2] <= _SHORT


def by_matrix_products(
    query: Tensor, key: Tensor, value: Tensor, *, causal: bool, scaling: float | None = None
) -> Tensor:
    """Attention as it is written down, some queries at a time; weights are summed in float32.

    Args:
        query: (B, heads, L, D).
        key, value: (B, kv_heads, L, D).
        scaling: Of the scores; None for one over the root of D.
        causal: Whether a token sees none behind it.

    Returns:
        (B, L, heads, D).
    """
    batch, heads, length, size = query.shape
    key_heads, groups = key.shape[1], heads // key.shape[1]
    query = query * (size**-0.5 if scaling is None else scaling)
    blocks = []
    for start in range(0, length, _BLOCK):
        end = min(start + _BLOCK, length)
        seen = end if causal else length
        # The heads that share a key head stand beside each other as if they were tokens.
        asked = query[:, :, start:end].reshape(batch, key_heads, -1, size)
        scores = (asked @ key[:, :, :seen].transpose(2, 3)).reshape(batch, key_heads, groups, -1, seen)
        if causal:
            later = torch.full((end - start, end - start), -torch.inf, device=scores.device, dtype=scores.dtype)
            scores = scores + pad(later.triu(1), (start, 0))
        weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype).flatten(2, 3)
        blocks.append((weights @ value[:, :, :seen]).reshape(batch, heads, end - start, size))
    return torch.cat(blocks, dim=2).transpose(1, 2)


AttentionInterface.register(RAGGED_SDPA, ragged_sdpa)
AttentionMaskInterface.register(RAGGED_SDPA, sdpa_mask)


def full_attention_mask(layer_types: Sequence[str]) -> dict[str, None]:
    """What tells transformers that no mask is to be made."""
    return dict.fromkeys(layer_types)


def rows_of(tokens: Tensor, rows: int) -> Tensor:
    """(R, ...) -> (rows, ...): zeros below, so that a matrix product always has the same shape."""
    return torch.cat([tokens, tokens.new_zeros(rows - len(tokens), *tokens.shape[1:])])
