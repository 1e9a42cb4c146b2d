"""Greedy decoding over embeddings, in batches, with a prompt prefix that is computed once and shared.

The published model is asked greedily: sampling settings of a checkpoint are ignored, and an answer ends at
``<|im_end|>``. Questions about one picture share everything up to the last media token, so its keys and values are
computed once and every question only adds its own text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

# Room that a cache layer gains at a time, in tokens: growing by one would copy the whole prefix at every token.
_GROWTH = 128


class TokenGuide(Protocol):
    """Restricts what may be written next."""

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        """Token ids that may follow ``written``; None for no restriction, empty to stop."""
        ...


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a prompt's beginning, for one sequence.

    Attributes:
        keys, values: One (1, kv_heads, P, head_dim) tensor per layer.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        return self.keys[0].shape[2]

    @property
    def num_bytes(self) -> int:
        """Memory held, in bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (*self.keys, *self.values))


class _GrowingLayer(DynamicLayer):
    """A cache layer that keeps spare room, so that a new token is written in place."""

    def __init__(self, prefix_keys: Tensor | None, prefix_values: Tensor | None, room: int) -> None:
        super().__init__()
        self._room = room
        self._length = 0
        if prefix_keys is not None and prefix_values is not None:
            self.update(prefix_keys, prefix_values)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._keys, self._values = (self._reserve(states, 0, None) for states in (key_states, value_states))
        needed = self._length + key_states.shape[2]
        if needed > self._keys.shape[2]:
            self._keys = self._reserve(key_states, needed, self._keys)
            self._values = self._reserve(value_states, needed, self._values)
        self._keys[:, :, self._length : needed] = key_states
        self._values[:, :, self._length : needed] = value_states
        self._length = needed
        self.keys, self.values = self._keys[:, :, :needed], self._values[:, :, :needed]
        return self.keys, self.values

    def _reserve(self, like: Tensor, needed: int, old: Tensor | None) -> Tensor:
        batch, heads, new, size = like.shape
        room = max(needed, self._length + new) + max(self._room, _GROWTH)
        buffer = like.new_empty(batch, heads, room, size)
        if old is not None:
            buffer[:, :, : self._length] = old[:, :, : self._length]
        return buffer


def _make_cache(layers: int, prefix: Prefix | None, batch: int, room: int) -> Cache:
    if prefix is None:
        return Cache(layers=[_GrowingLayer(None, None, room) for _ in range(layers)])
    expanded = [
        _GrowingLayer(keys.expand(batch, -1, -1, -1), values.expand(batch, -1, -1, -1), room)
        for keys, values in zip(prefix.keys, prefix.values, strict=True)
    ]
    return Cache(layers=expanded)


@torch.inference_mode()
def prefill_prefix(llm: Any, embeddings: Tensor) -> Prefix:
    """Keys and values of a prompt's beginning.

    Args:
        llm: The language model.
        embeddings: (P, H).
    """
    cache = _make_cache(llm.config.num_hidden_layers, None, 1, 0)
    llm.model(inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True)
    return Prefix(
        tuple(layer.keys.contiguous() for layer in cache.layers),
        tuple(layer.values.contiguous() for layer in cache.layers),
    )


@torch.inference_mode()
def generate_greedy(
    llm: Any,
    sequences: Sequence[Tensor],
    *,
    prefix: Prefix | None = None,
    max_new_tokens: int,
    stop_token_ids: Sequence[int],
    guide: TokenGuide | None = None,
    on_token: Callable[[int, int], None] | None = None,
) -> list[list[int]]:
    """The most likely next token, again and again, for several sequences at once.

    Args:
        llm: The language model.
        sequences: One (S_i, H) tensor of embeddings per sequence; what follows ``prefix``, or the whole prompt.
        prefix: The shared beginning, if any.
        max_new_tokens: Upper bound per sequence.
        stop_token_ids: Tokens that end a sequence; they are not returned.
        guide: Restricts the choice, for every sequence alike.
        on_token: Called with (sequence index, token id) as tokens appear.

    Returns:
        Token ids per sequence.
    """
    batch, start = len(sequences), prefix.length if prefix else 0
    cache = _make_cache(
        llm.config.num_hidden_layers, prefix, batch, max(len(row) for row in sequences) + max_new_tokens
    )
    embeddings, mask, positions = _pad_left(sequences, start)
    written: list[list[int]] = [[] for _ in sequences]
    running = [True] * batch
    for _ in range(max_new_tokens):
        output = llm(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        chosen = _choose(output.logits[:, -1], written, guide)
        for index, token in enumerate(chosen):
            if running[index] and (token is None or token in stop_token_ids):
                running[index] = False
            if running[index] and token is not None:
                written[index].append(token)
                if on_token is not None:
                    on_token(index, token)
        if not any(running):
            break
        tokens = torch.tensor([[token or 0] for token in chosen], device=embeddings.device)
        embeddings = llm.get_input_embeddings()(tokens)
        positions = positions[:, -1:] + 1
        if mask is not None:
            mask = torch.cat([mask, mask.new_ones(batch, 1)], dim=1)
    return written


def _pad_left(sequences: Sequence[Tensor], start: int) -> tuple[Tensor, Tensor | None, Tensor]:
    """Right-aligned embeddings (B, S, H), mask (B, start + S) or None without padding, position ids (B, S)."""
    longest = max(len(row) for row in sequences)
    device = sequences[0].device
    embeddings = sequences[0].new_zeros(len(sequences), longest, sequences[0].shape[1])
    mask = torch.ones(len(sequences), start + longest, dtype=torch.long, device=device)
    positions = torch.zeros(len(sequences), longest, dtype=torch.long, device=device)
    for index, row in enumerate(sequences):
        padding = longest - len(row)
        embeddings[index, padding:] = row
        mask[index, start : start + padding] = 0
        positions[index, padding:] = torch.arange(start, start + len(row), device=device)
    return embeddings, None if bool(mask.all()) else mask, positions


def _choose(logits: Tensor, written: Sequence[Sequence[int]], guide: TokenGuide | None) -> list[int | None]:
    if guide is None:
        return [int(token) for token in logits.argmax(dim=-1)]
    chosen: list[int | None] = []
    for row, tokens in zip(logits, written, strict=True):
        allowed = guide.allowed(tokens)
        if allowed is None:
            chosen.append(int(row.argmax()))
        elif not allowed:
            chosen.append(None)
        else:
            candidates = torch.tensor(list(allowed), device=row.device)
            chosen.append(int(candidates[row[candidates].argmax()]))
    return chosen


class PointGuide:
    """Holds the answer to one point in the published form, ``[(0.ddd, 0.ddd)]``: the model only chooses the digits.

    For models whose free text cannot be relied on, such as untrained ones.
    """

    def __init__(self, tokenizer: Any) -> None:
        def encode(text: str) -> list[int]:
            ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            return ids

        digits = [encode(str(digit))[0] for digit in range(10)]
        slots: list[list[int]] = []
        for text in ("[(0.", ", 0.", ")]"):
            slots += [[token] for token in encode(text)]
            if text != ")]":
                slots += [digits] * 3
        self._slots = slots

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        return self._slots[len(written)] if len(written) < len(self._slots) else ()
