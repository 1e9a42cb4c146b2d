"""Greedy decoding over embeddings, with a prompt prefix that is computed once and shared.

The published model is asked greedily: sampling settings of a checkpoint are ignored, and an answer ends at
``<|im_end|>``. Questions about one picture share everything up to the last media token, so its keys and values are
computed once and every question only adds its own text.

A question's text does not depend on what it is asked together with, to the last bit, also in bf16. Each prompt is
read alone; then all sequences write their next tokens together, in matrix products that always have the same number
of rows (a kernel for one row sums in another order than one for ten) and with attention row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from roborefer.models.attention import RAGGED_SDPA, full_attention_mask, rows_of
from roborefer.models.compact_tokenizer import coordinate_ids
from roborefer.models.key_value_cache import Prefix, RaggedCache

# Sequences that are decoded together. Reading the weights sets the pace, so that twelve rows cost a fifth more than
# one (benchmarks/README.md).
ROWS = 12


class TokenGuide(Protocol):
    """Restricts what may be written next."""

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        """Token ids that may follow ``written``; None for no restriction, empty to stop."""
        ...


class TextContinuation(Protocol):
    """Writes some tokens in the model's place."""

    def continuation(self, sequence: int, token: int, hidden: Tensor) -> Sequence[int]:
        """Tokens that follow ``token`` in a sequence, given the decoder's state (H,) behind it; none for most."""
        ...


@torch.inference_mode()
def prefill_prefix(llm: Any, embeddings: Tensor) -> Prefix:
    """Keys and values of a prompt's beginning.

    Args:
        llm: The language model.
        embeddings: (P, H).
    """
    cache = RaggedCache(llm.config.num_hidden_layers, 1)
    llm.model(inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True)
    return cache.to_prefix()


@torch.inference_mode()
def generate_greedy(
    llm: Any,
    sequences: Sequence[Tensor],
    *,
    prefix: Prefix | None = None,
    max_new_tokens: int,
    stop_token_ids: Sequence[int],
    guide: TokenGuide | None = None,
    reader: TextContinuation | None = None,
    on_token: Callable[[int, int], None] | None = None,
) -> list[list[int]]:
    """The most likely next token, again and again, for several sequences at once.

    Args:
        llm: The language model, with :data:`RAGGED_SDPA` attention.
        sequences: One (S_i, H) tensor of embeddings per sequence; what follows ``prefix``, or the whole prompt.
        prefix: The shared beginning, if any.
        max_new_tokens: Upper bound per sequence.
        stop_token_ids: Tokens that end a sequence; they are not returned.
        guide: Restricts the choice, for every sequence alike.
        reader: Writes some tokens in the model's place: the coordinates of a point head.
        on_token: Called with (sequence index, token id) as tokens appear.

    Returns:
        Token ids per sequence.
    """
    if llm.config._attn_implementation != RAGGED_SDPA:
        raise ValueError(f"expected a language model with {RAGGED_SDPA} attention, as SpatialVLM builds it")
    written: list[list[int]] = []
    for start in range(0, len(sequences), ROWS):
        group = _Group(llm, sequences[start : start + ROWS], prefix, guide, reader, start)

        def report(index: int, token: int, start: int = start) -> None:
            if on_token is not None:
                on_token(start + index, token)

        written += group.write(max_new_tokens, frozenset(stop_token_ids), report)
    return written


class _Group:
    """Up to :data:`ROWS` sequences that are decoded together."""

    def __init__(
        self,
        llm: Any,
        sequences: Sequence[Tensor],
        prefix: Prefix | None,
        guide: TokenGuide | None,
        reader: TextContinuation | None,
        first: int,
    ) -> None:
        self._llm, self._guide, self._reader, self._first = llm, guide, reader, first
        self._cache = RaggedCache(llm.config.num_hidden_layers, len(sequences), prefix)
        self._written: list[list[int]] = [[] for _ in sequences]
        self._forced: list[list[int]] = [[] for _ in sequences]
        read = [self._read(row, sequence) for row, sequence in enumerate(sequences)]
        self._hidden, self._logits = (torch.cat(parts) for parts in zip(*read, strict=True))

    def write(self, count: int, stop: frozenset[int], on_token: Callable[[int, int], None]) -> list[list[int]]:
        running = [True] * len(self._written)
        for step in range(count):
            chosen = self._chosen()
            for index, token in enumerate(chosen):
                running[index] = running[index] and token is not None and token not in stop
                if running[index] and token is not None:
                    self._written[index].append(token)
                    on_token(index, token)
            if not any(running) or step == count - 1:
                break
            self._hidden, self._logits = self._step([token or 0 for token in chosen])
            if self._reader is not None:
                for index, token in enumerate(chosen):
                    if running[index] and token is not None:
                        place = self._first + index
                        self._forced[index] += self._reader.continuation(place, token, self._hidden[index])
        return self._written

    def _chosen(self) -> list[int | None]:
        """The next token of every sequence."""
        chosen = _choose(self._logits, self._written, self._guide)
        return [forced.pop(0) if forced else token for forced, token in zip(self._forced, chosen, strict=True)]

    def _read(self, row: int, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """The state (1, H) and the logits (1, V) behind a prompt, whose keys and values go into its row."""
        self._cache.select(row)
        start = self._cache.lengths[row]
        positions = torch.arange(start, start + len(sequence), device=sequence.device)[None]
        output = self._llm.model(
            inputs_embeds=sequence[None],
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
        )
        hidden = output.last_hidden_state[:, -1]
        return hidden, self._llm.lm_head(hidden)

    def _step(self, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The states (rows, H) and the logits (rows, V) behind one more token per sequence."""
        self._cache.select(None)
        device = self._hidden.device
        lengths = self._cache.lengths
        embeddings = self._llm.get_input_embeddings()(torch.tensor(tokens, device=device)[:, None])
        output = self._llm.model(
            inputs_embeds=rows_of(embeddings, ROWS),
            attention_mask=full_attention_mask(self._llm.config.layer_types),
            position_ids=rows_of(torch.tensor(lengths, device=device)[:, None], ROWS),
            past_key_values=self._cache,
            use_cache=True,
            sequence_lengths=[length + 1 for length in lengths],
        )
        hidden = output.last_hidden_state[:, -1]
        return hidden[: len(tokens)], self._llm.lm_head(hidden)[: len(tokens)]


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
    """Holds the answer to one point in the published form, ``[(0.ddd, 0.ddd)]``: the model only chooses the digits,
    or whole coordinates where the tokenizer has them as tokens.

    For models whose free text cannot be relied on, such as untrained ones.
    """

    def __init__(self, tokenizer: Any) -> None:
        def tokens(text: str) -> list[int]:
            ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
            return ids

        def fixed(text: str) -> list[list[int]]:
            return [[token] for token in tokens(text)]

        coordinates = coordinate_ids(tokenizer)
        whole = "" if coordinates else "0."
        number = [coordinates] if coordinates else [[tokens(str(digit))[0] for digit in range(10)]] * 3
        self._slots = [*fixed(f"[({whole}"), *number, *fixed(f", {whole}"), *number, *fixed(")]")]

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        return self._slots[len(written)] if len(written) < len(self._slots) else ()
