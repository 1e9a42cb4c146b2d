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
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol

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
    cache = RaggedCache(llm.config.num_hidden_layers, [None])
    llm.model(inputs_embeds=embeddings[None], past_key_values=cache, use_cache=True)
    return cache.to_prefix()


@dataclass(frozen=True, eq=False)
class OpenSequence:
    """A prompt that is to be continued.

    Attributes:
        embeddings: (S, H); what follows ``prefix``, or the whole prompt.
        max_new_tokens: Upper bound.
        prefix: Its beginning, if that was computed before.
        guide: Restricts the choice.
        on_token: Called with every token id as it appears.
        stopped: Asked before every token; the sequence ends where it says True.
    """

    embeddings: Tensor
    max_new_tokens: int
    prefix: Prefix | None = None
    guide: TokenGuide | None = None
    on_token: Callable[[int], None] | None = None
    stopped: Callable[[], bool] | None = None


Finish = Literal["stop", "length", "cancelled"]
"""Why a sequence ended: by itself (or its guide), at its bound, or because nobody waits for it any more."""


@dataclass(frozen=True)
class Continuation:
    """What was written behind a prompt: token ids, without the one that ended them."""

    ids: list[int]
    finish: Finish


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
    """:func:`generate_together` for sequences that differ in their text alone.

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
    opened = [
        OpenSequence(embeddings, max_new_tokens, prefix, guide, None if on_token is None else partial(on_token, index))
        for index, embeddings in enumerate(sequences)
    ]
    return [written.ids for written in generate_together(llm, opened, stop_token_ids=stop_token_ids, reader=reader)]


@torch.inference_mode()
def generate_together(
    llm: Any,
    sequences: Sequence[OpenSequence],
    *,
    stop_token_ids: Sequence[int],
    reader: TextContinuation | None = None,
) -> list[Continuation]:
    """The most likely next token, again and again, for several sequences at once, whatever each begins with.

    Args:
        llm: The language model, with :data:`RAGGED_SDPA` attention.
        sequences: Any number; :data:`ROWS` of them go together.
        stop_token_ids: Tokens that end a sequence; they are not returned.
        reader: Writes some tokens in the model's place: the coordinates of a point head.
    """
    if llm.config._attn_implementation != RAGGED_SDPA:
        raise ValueError(f"expected a language model with {RAGGED_SDPA} attention, as SpatialVLM builds it")
    written: list[Continuation] = []
    for start in range(0, len(sequences), ROWS):
        group = _Group(llm, sequences[start : start + ROWS], reader, start)
        written += group.write(frozenset(stop_token_ids))
    return written


class _Group:
    """Up to :data:`ROWS` sequences that are decoded together."""

    def __init__(
        self, llm: Any, sequences: Sequence[OpenSequence], reader: TextContinuation | None, first: int
    ) -> None:
        self._llm, self._sequences, self._reader, self._first = llm, sequences, reader, first
        self._cache = RaggedCache(llm.config.num_hidden_layers, [sequence.prefix for sequence in sequences])
        self._written: list[list[int]] = [[] for _ in sequences]
        self._forced: list[list[int]] = [[] for _ in sequences]
        self._finish: list[Finish | None] = [None for _ in sequences]
        read = [self._read(row, sequence.embeddings) for row, sequence in enumerate(sequences)]
        self._hidden, self._logits = (torch.cat(parts) for parts in zip(*read, strict=True))

    def write(self, stop: frozenset[int]) -> list[Continuation]:
        while True:
            chosen = self._chosen()
            for row, token in enumerate(chosen):
                if self._finish[row] is None:
                    self._finish[row] = self._take(row, token, stop)
                    if self._finish[row] is not None:
                        self._cache.finish(row)
            if all(self._finish):
                break
            self._hidden, self._logits = self._step([token or 0 for token in chosen])
            self._continue_texts(chosen)
        finishes = [finish or "stop" for finish in self._finish]
        return [Continuation(*pair) for pair in zip(self._written, finishes, strict=True)]

    def _take(self, row: int, token: int | None, stop: frozenset[int]) -> Finish | None:
        """Add the next token of a row; why the row ends here, or None if it goes on."""
        sequence, written = self._sequences[row], self._written[row]
        if sequence.stopped is not None and sequence.stopped():
            return "cancelled"
        if len(written) >= sequence.max_new_tokens:
            return "length"
        if token is None or token in stop:
            return "stop"
        written.append(token)
        if sequence.on_token is not None:
            sequence.on_token(token)
        # The last token that there is room for needs no look at what might follow it.
        return "length" if len(written) == sequence.max_new_tokens else None

    def _continue_texts(self, chosen: Sequence[int | None]) -> None:
        """Ask the reader what must follow the tokens that were just chosen."""
        if self._reader is None:
            return
        for row, token in enumerate(chosen):
            if self._finish[row] is None and token is not None:
                self._forced[row] += self._reader.continuation(self._first + row, token, self._hidden[row])

    def _chosen(self) -> list[int | None]:
        """The next token of every sequence."""
        guides = [sequence.guide for sequence in self._sequences]
        chosen = _choose(self._logits, self._written, guides)
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
            # A finished row takes no part in attention any more.
            sequence_lengths=[
                0 if finish else length + 1 for length, finish in zip(lengths, self._finish, strict=True)
            ],
        )
        hidden = output.last_hidden_state[:, -1]
        return hidden[: len(tokens)], self._llm.lm_head(hidden)[: len(tokens)]


def _choose(logits: Tensor, written: Sequence[Sequence[int]], guides: Sequence[TokenGuide | None]) -> list[int | None]:
    best: list[int] = logits.argmax(dim=-1).tolist()
    chosen: list[int | None] = []
    for row, tokens, guide, token in zip(logits, written, guides, best, strict=True):
        allowed = None if guide is None else guide.allowed(tokens)
        if allowed is None:
            chosen.append(token)
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
