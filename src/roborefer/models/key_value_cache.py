"""Keys and values of sequences that share a beginning and go on for different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

# Room that a layer gains at a time, in tokens: growing by one would copy everything at every token.
_GROWTH = 128


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of a prompt's beginning, for one sequence.

    Attributes:
        keys, values: One (1, kv_heads, P, head_dim) tensor per layer.
    """

    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]

    def layer(self, number: int) -> tuple[Tensor, Tensor]:
        """Keys and values of one layer."""
        return self.keys[number], self.values[number]

    @property
    def length(self) -> int:
        return self.keys[0].shape[2]

    @property
    def num_bytes(self) -> int:
        """Memory held, in bytes."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (*self.keys, *self.values))


class RaggedLayer(DynamicLayer):
    """One layer's keys and values, one row per sequence, written in place.

    While ``row`` names a sequence, tokens of that sequence alone are added and its keys are given back. While it is
    None, each update adds one token to every sequence that is not finished, and all rows are given back as they are.

    Args:
        beginnings: Per sequence, the keys and values (1, kv_heads, P, head_dim) that it starts with, or None.
    """

    def __init__(self, beginnings: Sequence[tuple[Tensor, Tensor] | None]) -> None:
        super().__init__()
        self.row: int | None = 0
        self.lengths = [0 if pair is None else pair[0].shape[2] for pair in beginnings]
        self.finished: set[int] = set()
        self._buffers: tuple[Tensor, Tensor] | None = None
        for row, pair in enumerate(beginnings):
            if pair is not None:
                for buffer, states in zip(self._room_for(*pair, tokens=0), pair, strict=True):
                    buffer[row, :, : states.shape[2]] = states[0]

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        keys, values = self._room_for(key_states, value_states, key_states.shape[2])
        if self.row is None:
            for row, length in enumerate(self.lengths):
                if row not in self.finished:
                    keys[row, :, length] = key_states[row, :, 0]
                    values[row, :, length] = value_states[row, :, 0]
                    self.lengths[row] += 1
            return keys, values
        start = self.lengths[self.row]
        end = start + key_states.shape[2]
        keys[self.row, :, start:end] = key_states[0]
        values[self.row, :, start:end] = value_states[0]
        self.lengths[self.row] = end
        return keys[self.row : self.row + 1, :, :end], values[self.row : self.row + 1, :, :end]

    def get_seq_length(self) -> int:
        return self.lengths[self.row or 0]

    def first_sequence(self) -> tuple[Tensor, Tensor]:
        """A copy of the keys and values of the first sequence, each (1, kv_heads, L, head_dim)."""
        if self._buffers is None:
            raise ValueError("expected a layer that has seen tokens, got an empty one")
        keys, values = (buffer[:1, :, : self.lengths[0]].clone() for buffer in self._buffers)
        return keys, values

    def _room_for(self, key_states: Tensor, value_states: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
        """Buffers that can take so many tokens behind the longest sequence, with what is there already."""
        needed = max(self.lengths) + tokens
        if self._buffers is None or needed > self._buffers[0].shape[2]:
            old = self._buffers or (None, None)
            self._buffers = (
                self._grown(old[0], key_states, needed + _GROWTH),
                self._grown(old[1], value_states, needed + _GROWTH),
            )
        return self._buffers

    def _grown(self, old: Tensor | None, like: Tensor, room: int) -> Tensor:
        buffer = like.new_zeros(len(self.lengths), like.shape[1], room, like.shape[3])
        if old is not None:
            buffer[:, :, : old.shape[2]] = old
        return buffer


class RaggedCache(Cache):
    """All layers of a model, for one sequence behind each of ``prefixes``, None where it starts with nothing."""

    def __init__(self, layers: int, prefixes: Sequence[Prefix | None]) -> None:
        super().__init__(
            layers=[
                RaggedLayer([None if prefix is None else prefix.layer(layer) for prefix in prefixes])
                for layer in range(layers)
            ]
        )

    def select(self, row: int | None) -> None:
        """Add to one sequence, or, with None, one token to each."""
        for layer in self.layers:
            layer.row = row

    def finish(self, row: int) -> None:
        """Add nothing more to a sequence."""
        for layer in self.layers:
            layer.finished.add(row)

    @property
    def lengths(self) -> list[int]:
        """Tokens held per sequence."""
        return list(self.layers[0].lengths)

    def to_prefix(self) -> Prefix:
        """What the only sequence holds, as the beginning of others."""
        pairs = [layer.first_sequence() for layer in self.layers]
        return Prefix(tuple(keys for keys, _ in pairs), tuple(values for _, values in pairs))
