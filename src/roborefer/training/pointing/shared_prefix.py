"""Qwen2's layers over many questions that share the beginning of their prompt.

Keys and values of a picture's prefix are computed once; every question attends to them and to itself, blind to the
other questions, as at inference. All that works token by token runs over the tokens of all questions without any
padding; only attention pads, in groups of questions of like length. Numbers agree with the model's own forward (a
test holds it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from roborefer.models.attention import by_matrix_products

KeysAndValues = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, eq=False)
class RowGroup:
    """Questions of like length, as rows.

    Attributes:
        tokens: (R, L) int64: where each token stands among all tokens; 0 in the padding, which is on the right.
        real: (M,) int64: which of the R*L places are no padding, in order.
        picture: (R,) int64.
    """

    tokens: Tensor
    real: Tensor
    picture: Tensor

    def to(self, device: torch.device) -> RowGroup:
        """The same on a device."""
        return RowGroup(self.tokens.to(device), self.real.to(device), self.picture.to(device))


def read_prefix(llm: Any, embeddings: Tensor) -> KeysAndValues:
    """Keys and values of the prefixes of B pictures, per layer (B, kv_heads, P, D).

    Args:
        llm: The language model.
        embeddings: (B, P, H).
    """
    states = embeddings
    cosine, sine = _rotary(llm, states, torch.arange(states.shape[1], device=states.device))
    kept: KeysAndValues = []
    last = len(llm.model.layers) - 1
    for number, layer in enumerate(llm.model.layers):
        query, key, value = (
            projected.transpose(1, 2)
            for projected in _project(layer.self_attn, layer.input_layernorm(states), cosine, sine)
        )
        kept.append((key, value))
        if number == last:
            break  # nothing reads what the prefix becomes
        mixed = by_matrix_products(query, key, value, causal=True)
        states = _rest(layer, states, mixed.flatten(2))
    return kept


def read_questions(
    llm: Any, embeddings: Tensor, positions: Tensor, groups: Sequence[RowGroup], prefix: KeysAndValues
) -> Tensor:
    """Final hidden states (N, H) of the tokens of all questions.

    Args:
        llm: The language model.
        embeddings: (N, H): tokens question by question, in the order of the groups' rows.
        positions: (N,) int64, counted from the beginning of the prefix.
        groups: Which tokens make a question.
        prefix: What :func:`read_prefix` gave.
    """
    states = embeddings
    cosine, sine = _rotary(llm, states, positions)
    for layer, (keys, values) in zip(llm.model.layers, prefix, strict=True):
        query, key, value = _project(layer.self_attn, layer.input_layernorm(states), cosine, sine)
        query = query * query.shape[-1] ** -0.5
        mixed = [_attend(query, key, value, group, keys, values) for group in groups]
        states = _rest(layer, states, torch.cat(mixed))
    final: Tensor = llm.model.norm(states)
    return final


def _attend(query: Tensor, key: Tensor, value: Tensor, group: RowGroup, keys: Tensor, values: Tensor) -> Tensor:
    """(M, heads*D): a group's tokens over their picture's prefix and over their own question so far."""
    rows, length = group.tokens.shape
    heads, size = query.shape[1:]
    key_heads, seen = keys.shape[1:3]
    places = group.tokens.flatten()
    # (R, kv_heads, L, heads that share keys, D): those heads stand beside each other as if they were tokens.
    asked = query.index_select(0, places).reshape(rows, length, key_heads, -1, size).transpose(1, 2)
    asked = asked.reshape(rows, key_heads, -1, size)
    own_keys, own_values = (
        tensor.index_select(0, places).reshape(rows, length, key_heads, size).transpose(1, 2) for tensor in (key, value)
    )
    all_keys = torch.cat([keys.index_select(0, group.picture), own_keys], dim=2)
    all_values = torch.cat([values.index_select(0, group.picture), own_values], dim=2)
    scores = (asked @ all_keys.transpose(2, 3)).reshape(rows, key_heads, length, -1, seen + length)
    later = torch.full((length, length), float("-inf"), device=scores.device, dtype=scores.dtype).triu(1)
    scores = scores + F.pad(later, (seen, 0))[:, None, :]
    weights = torch.softmax(scores, dim=-1).reshape(rows, key_heads, -1, seen + length)
    mixed = (weights @ all_values).reshape(rows, key_heads, length, -1, size).transpose(1, 2)
    return mixed.reshape(rows * length, heads * size).index_select(0, group.real)


def _project(attention: Any, states: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rotated queries and keys, and values: (..., heads or kv_heads, D) for states (..., H)."""
    query, key, value = (
        project(states).unflatten(-1, (-1, attention.head_dim))
        for project in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    return _rotate(query, cosine, sine), _rotate(key, cosine, sine), value


def _rotate(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = states.chunk(2, dim=-1)
    return states * cosine + torch.cat([-second, first], dim=-1) * sine


def _rotary(llm: Any, states: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 1, D) cosines and sines."""
    cosine, sine = llm.model.rotary_emb(states, positions[None])
    return cosine[0, :, None], sine[0, :, None]


def _rest(layer: Any, states: Tensor, mixed: Tensor) -> Tensor:
    """The rest of a layer behind its attention."""
    states = states + layer.self_attn.o_proj(mixed)
    after: Tensor = states + layer.mlp(layer.post_attention_layernorm(states))
    return after
