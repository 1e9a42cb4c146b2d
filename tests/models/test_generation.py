"""Greedy decoding: the same tokens as a loop without a cache, alone or in a batch, with or without a shared prefix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Qwen2Config, Qwen2ForCausalLM

from roborefer.answers import parse_answer
from roborefer.models.generation import (
    ROWS,
    Continuation,
    OpenSequence,
    PointGuide,
    _Group,
    generate_greedy,
    generate_together,
    prefill_prefix,
)
from roborefer.models.key_value_cache import Prefix
from roborefer.models.untrained import random_model

from .pointing_models import compact_tokenizer
from .tiny_models import VOCABULARY, tiny_config, tiny_model, tokenizer


@pytest.fixture(scope="module")
def llm() -> Any:
    return tiny_model().llm


def prompts(llm: Any, lengths: Sequence[int], seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = [torch.randint(0, 2000, (length,), generator=generator) for length in lengths]
    with torch.no_grad():
        return [llm.get_input_embeddings()(row) for row in ids]


@torch.no_grad()
def slow_greedy(llm: Any, prompt: torch.Tensor, count: int, stop: Sequence[int] = ()) -> list[int]:
    """Everything anew for every token."""
    written: list[int] = []
    for _ in range(count):
        embeddings = torch.cat([prompt, llm.get_input_embeddings()(torch.tensor(written, dtype=torch.long))])
        token = int(llm(inputs_embeds=embeddings[None], use_cache=False).logits[0, -1].argmax())
        if token in stop:
            break
        written.append(token)
    return written


# ---- the same tokens -------------------------------------------------------------------------------------------------


def test_one_sequence_is_that_of_the_slow_loop(llm: Any) -> None:
    (prompt,) = prompts(llm, [9])
    written = generate_greedy(llm, [prompt], max_new_tokens=12, stop_token_ids=())
    assert written == [slow_greedy(llm, prompt, 12)]
    assert len(set(written[0])) > 3  # the comparison means something


@settings(deadline=None, max_examples=12)
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=4), prefix_length=st.integers(0, 12))
def test_batches_and_prefixes_change_nothing(llm: Any, lengths: list[int], prefix_length: int) -> None:
    beginning = prompts(llm, [prefix_length], seed=1)[0]
    rows = prompts(llm, lengths, seed=2)
    expected = [slow_greedy(llm, torch.cat([beginning, row]), 5) for row in rows]
    prefix = prefill_prefix(llm, beginning) if prefix_length else None
    assert generate_greedy(llm, rows, prefix=prefix, max_new_tokens=5, stop_token_ids=()) == expected


def test_a_cache_that_outgrows_its_room_keeps_what_it_had(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roborefer.models.key_value_cache._GROWTH", 1)
    beginning, *rows = prompts(llm, [6, 3, 5])
    prefix = prefill_prefix(llm, beginning)
    expected = [slow_greedy(llm, torch.cat([beginning, row]), 10) for row in rows]
    assert generate_greedy(llm, rows, prefix=prefix, max_new_tokens=10, stop_token_ids=()) == expected


def test_a_prefix_can_be_used_again(llm: Any) -> None:
    beginning, row = prompts(llm, [7, 4])
    prefix = prefill_prefix(llm, beginning)
    before = [tensor.clone() for tensor in (*prefix.keys, *prefix.values)]
    first = generate_greedy(llm, [row, row], prefix=prefix, max_new_tokens=6, stop_token_ids=())
    second = generate_greedy(llm, [row], prefix=prefix, max_new_tokens=6, stop_token_ids=())
    assert first == [second[0], second[0]]
    assert all(torch.equal(a, b) for a, b in zip(before, (*prefix.keys, *prefix.values), strict=True))


def test_a_prefix_says_what_it_holds(llm: Any) -> None:
    prefix = prefill_prefix(llm, prompts(llm, [7])[0])
    assert prefix.length == 7
    assert [tuple(keys.shape) for keys in prefix.keys] == [(1, 2, 7, 8)] * 2
    assert prefix.num_bytes == 2 * 2 * (2 * 7 * 8) * 4


# ---- when it ends ----------------------------------------------------------------------------------------------------


def test_each_sequence_stops_at_its_own_stop_token(llm: Any) -> None:
    rows = prompts(llm, [9, 4], seed=3)
    free = [slow_greedy(llm, row, 8) for row in rows]
    stop = (free[0][2], free[1][5])
    expected = [slow_greedy(llm, row, 8, stop) for row in rows]
    assert generate_greedy(llm, rows, max_new_tokens=8, stop_token_ids=stop) == expected
    assert [len(tokens) for tokens in expected] < [8, 8]


@pytest.mark.parametrize("count", [0, 1, 7])
def test_at_most_so_many_tokens(llm: Any, count: int) -> None:
    rows = prompts(llm, [5, 2])
    assert generate_greedy(llm, rows, max_new_tokens=count, stop_token_ids=()) == [
        slow_greedy(llm, row, count) for row in rows
    ]


def test_tokens_are_told_as_they_appear(llm: Any) -> None:
    rows = prompts(llm, [9, 4], seed=3)
    stop = (slow_greedy(llm, rows[0], 3)[2],)
    told: list[tuple[int, int]] = []
    written = generate_greedy(
        llm, rows, max_new_tokens=4, stop_token_ids=stop, on_token=lambda index, token: told.append((index, token))
    )
    for index in (0, 1):
        assert [token for row, token in told if row == index] == written[index]
    assert [row for row, _ in told[:4]] == [0, 1, 0, 1]


# ---- sequences of different kinds together ---------------------------------------------------------------------------


def test_each_sequence_has_its_own_beginning_bound_and_guide(llm: Any) -> None:
    beginnings = prompts(llm, [7, 12], seed=5)
    rows = prompts(llm, [4, 3, 9, 5], seed=6)
    prefixes = [prefill_prefix(llm, beginning) for beginning in beginnings]
    told: list[int] = []
    written = generate_together(
        llm,
        [
            OpenSequence(rows[0], 3, prefixes[0]),
            OpenSequence(rows[1], 8, prefixes[1], on_token=told.append),
            OpenSequence(rows[2], 6),
            OpenSequence(rows[3], 9, prefixes[0], OnlyThese([5, 700, 31])),
        ],
        stop_token_ids=(),
    )
    assert written[0] == Continuation(slow_greedy(llm, torch.cat([beginnings[0], rows[0]]), 3), "length")
    assert written[1] == Continuation(slow_greedy(llm, torch.cat([beginnings[1], rows[1]]), 8), "length")
    assert written[2] == Continuation(slow_greedy(llm, rows[2], 6), "length")
    assert written[3].finish == "stop"
    assert len(written[3].ids) == 2
    assert set(written[3].ids) <= {5, 700, 31}
    assert told == written[1].ids


def test_a_finished_sequence_takes_no_room(llm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    attended: list[Sequence[int]] = []
    step = _Group._step

    def watched(group: _Group, tokens: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        result = step(group, tokens)
        attended.append(group._cache.lengths)
        return result

    monkeypatch.setattr(_Group, "_step", watched)
    rows = prompts(llm, [4, 6], seed=6)
    written = generate_together(llm, [OpenSequence(rows[0], 2), OpenSequence(rows[1], 5)], stop_token_ids=())
    assert [one.ids for one in written] == [slow_greedy(llm, rows[0], 2), slow_greedy(llm, rows[1], 5)]
    assert attended == [[5, 7], [5, 8], [5, 9], [5, 10]]


def test_a_sequence_that_nobody_waits_for_ends_alone(llm: Any) -> None:
    rows = prompts(llm, [9, 4], seed=3)
    told: list[int] = []
    first = OpenSequence(rows[0], 8, on_token=told.append, stopped=lambda: len(told) == 3)
    written = generate_together(llm, [first, OpenSequence(rows[1], 8)], stop_token_ids=())
    assert written[0] == Continuation(slow_greedy(llm, rows[0], 3), "cancelled")
    assert written[1] == Continuation(slow_greedy(llm, rows[1], 8), "length")


def test_why_it_ended(llm: Any) -> None:
    (row,) = prompts(llm, [9], seed=3)
    free = slow_greedy(llm, row, 4)

    def finish(count: int, stop: Sequence[int]) -> Continuation:
        return generate_together(llm, [OpenSequence(row, count)], stop_token_ids=stop)[0]

    assert finish(3, [free[3]]) == Continuation(free[:3], "length")
    assert finish(4, [free[3]]) == Continuation(free[:3], "stop")
    assert finish(0, ()) == Continuation([], "length")


def test_nothing_to_write(llm: Any) -> None:
    assert generate_together(llm, [], stop_token_ids=()) == []


# ---- guides ----------------------------------------------------------------------------------------------------------


class OnlyThese:
    """Allows a list of tokens, twice; then stops."""

    def __init__(self, tokens: list[int] | None) -> None:
        self.tokens = tokens

    def allowed(self, written: Sequence[int]) -> Sequence[int] | None:
        return self.tokens if len(written) < 2 else ()


def test_a_guide_leaves_the_best_of_what_it_allows(llm: Any) -> None:
    (row,) = prompts(llm, [5])
    with torch.no_grad():
        logits = llm(inputs_embeds=row[None]).logits[0, -1]
    allowed = [5, 700, 31]
    written = generate_greedy(llm, [row], max_new_tokens=9, stop_token_ids=(), guide=OnlyThese(allowed))[0]
    assert len(written) == 2
    assert written[0] == max(allowed, key=lambda token: float(logits[token]))
    assert set(written) <= set(allowed)


def test_a_guide_may_leave_all_free(llm: Any) -> None:
    rows = prompts(llm, [5, 8])
    written = generate_greedy(llm, rows, max_new_tokens=9, stop_token_ids=(), guide=OnlyThese(None))
    assert written == [slow_greedy(llm, row, 2) for row in rows]


@pytest.mark.parametrize("seed", range(5))
def test_a_point_guide_always_gives_one_point(seed: int) -> None:
    llm = tiny_model(seed=seed).llm
    written = generate_greedy(
        llm,
        prompts(llm, [3, 6], seed=seed),
        max_new_tokens=64,
        stop_token_ids=tuple(range(VOCABULARY - 10, VOCABULARY)),
        guide=PointGuide(tokenizer()),
    )
    for tokens in written:
        text = tokenizer().decode(tokens)
        answer = parse_answer(text)
        assert not answer.problems
        (point,) = answer.points
        assert text == f"[({point.x:.3f}, {point.y:.3f})]"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=6, max_size=6))
def test_every_choice_of_digits_is_a_point(digits: list[int]) -> None:
    guide, written, left = PointGuide(tokenizer()), list[int](), list(digits)
    while allowed := guide.allowed(written):
        written.append(allowed[left.pop(0)] if len(allowed) == 10 else allowed[0])
    assert not left
    (point,) = parse_answer(tokenizer().decode(written)).points
    x, y = (sum(digit * 10 ** (2 - place) for place, digit in enumerate(part)) for part in (digits[:3], digits[3:]))
    assert (point.x, point.y) == pytest.approx((x / 1000, y / 1000))


def test_a_point_guide_chooses_whole_coordinates_where_they_are_tokens() -> None:
    guide, written = PointGuide(compact_tokenizer()), list[int]()
    while allowed := guide.allowed(written):
        written.append(allowed[341] if len(allowed) == 1001 else allowed[0])
    assert compact_tokenizer().decode(written) == "[(0.341, 0.341)]"


# ---- tokens in the model's place -------------------------------------------------------------------------------------


class Interrupter:
    """Goes on in the model's place behind some tokens, and keeps what it was shown."""

    def __init__(self, continuations: dict[int, list[int]]) -> None:
        self.continuations = continuations
        self.shown: list[tuple[int, int]] = []
        self.hidden: list[torch.Tensor] = []

    def continuation(self, sequence: int, token: int, hidden: torch.Tensor) -> Sequence[int]:
        self.shown.append((sequence, token))
        self.hidden.append(hidden.clone())
        return self.continuations.get(token, [])


@torch.no_grad()
def slow_interrupted(
    llm: Any, prompt: torch.Tensor, count: int, continuations: dict[int, list[int]]
) -> tuple[list[int], list[torch.Tensor]]:
    """Everything anew for every token; the tokens, and the states behind all but the last."""
    written: list[int] = []
    forced: list[int] = []
    states = []
    while len(written) < count:
        embeddings = torch.cat([prompt, llm.get_input_embeddings()(torch.tensor(written, dtype=torch.long))])
        hidden = llm.model(inputs_embeds=embeddings[None], use_cache=False).last_hidden_state[0, -1]
        if written:
            states.append(hidden)
            forced += continuations.get(written[-1], [])
        written.append(forced.pop(0) if forced else int(llm.lm_head(hidden).argmax()))
    return written, states


def test_what_is_said_in_the_models_place_stands_in_its_text(llm: Any) -> None:
    rows = prompts(llm, [9, 4, 6], seed=3)
    free = [slow_greedy(llm, row, 12) for row in rows]
    continuations = {free[0][1]: [7, 8, 9], free[1][4]: [11], 11: [12, 13]}
    reader = Interrupter(continuations)
    told: list[tuple[int, int]] = []
    written = generate_greedy(
        llm,
        rows,
        max_new_tokens=12,
        stop_token_ids=(),
        reader=reader,
        on_token=lambda index, token: told.append((index, token)),
    )
    for index, row in enumerate(rows):
        expected, states = slow_interrupted(llm, row, 12, continuations)
        assert written[index] == expected
        assert [token for place, token in told if place == index] == expected
        shown = [number for number, (sequence, _) in enumerate(reader.shown) if sequence == index]
        assert [reader.shown[number][1] for number in shown] == expected[:-1]
        for number, state in zip(shown, states, strict=True):
            assert torch.allclose(reader.hidden[number], state, atol=1e-4)
    assert written[0][:5] == [*free[0][:2], 7, 8, 9]
    assert written[0] != free[0]


def test_sequences_keep_their_numbers_across_groups(llm: Any) -> None:
    rows = prompts(llm, [3] * (ROWS + 2), seed=4)
    reader = Interrupter({})
    written = generate_greedy(llm, rows, max_new_tokens=2, stop_token_ids=(), reader=reader)
    assert sorted(reader.shown) == [(index, tokens[0]) for index, tokens in enumerate(written)]


def test_a_sequence_that_has_stopped_is_not_read(llm: Any) -> None:
    rows = prompts(llm, [9, 4], seed=3)
    stop = slow_greedy(llm, rows[0], 2)[1]
    reader = Interrupter({})
    written = generate_greedy(llm, rows, max_new_tokens=6, stop_token_ids=[stop], reader=reader)
    assert len(written[0]) == 1
    assert [token for sequence, token in reader.shown if sequence == 0] == written[0]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_an_answer_may_end_inside_of_what_is_said_for_the_model(llm: Any, count: int) -> None:
    (row,) = prompts(llm, [9], seed=3)
    first = slow_greedy(llm, row, 1)[0]
    reader = Interrupter({first: [7, 8, 9]})
    written = generate_greedy(llm, [row], max_new_tokens=count, stop_token_ids=(), reader=reader)
    assert written == [[first, 7, 8, 9][:count]]


def test_a_stop_token_that_is_said_for_the_model_stops_it(llm: Any) -> None:
    (row,) = prompts(llm, [9], seed=3)
    first = slow_greedy(llm, row, 1)[0]
    reader = Interrupter({first: [7, 8, 9]})
    assert generate_greedy(llm, [row], max_new_tokens=9, stop_token_ids=[8], reader=reader) == [[first, 7]]


def test_what_is_said_for_the_model_goes_before_a_guide(llm: Any) -> None:
    (row,) = prompts(llm, [5])
    reader = Interrupter({31: [5]})
    written = generate_greedy(llm, [row], max_new_tokens=9, stop_token_ids=(), guide=OnlyThese([31]), reader=reader)
    assert written == [[31, 5]]


# ---- the same numbers, alone and in company --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def half_llm() -> Any:
    """Wide enough that bf16 kernels for one row and for ten round differently."""
    text = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=1024,
        intermediate_size=4096,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    return random_model(tiny_config(text_config=text), dtype=torch.bfloat16).llm


def logits_after(llm: Any, rows: Sequence[torch.Tensor], prefix: Prefix, steps: int) -> torch.Tensor:
    """Logits (rows, V) after the same fixed tokens behind each prompt."""
    group = _Group(llm, [OpenSequence(row, 99, prefix) for row in rows], None, 0)
    logits = group._logits
    for step in range(steps):
        logits = group._step([100 + step] * len(rows))[1]
    return logits


def test_numbers_in_bf16_do_not_depend_on_what_is_asked_together(half_llm: Any) -> None:
    rows = prompts(half_llm, [40, 7, 23, 31, 12, 40, 3, 18, 9, 27], seed=3)
    with torch.inference_mode():
        prefix = prefill_prefix(half_llm, prompts(half_llm, [150], seed=4)[0])
        together = logits_after(half_llm, rows, prefix, 4)
        for index, row in enumerate(rows):
            assert torch.equal(logits_after(half_llm, [row], prefix, 4)[0], together[index])


def test_numbers_in_bf16_do_not_depend_on_what_other_sequences_begin_with(half_llm: Any) -> None:
    rows = prompts(half_llm, [40, 7, 23, 31], seed=3)
    with torch.inference_mode():
        beginnings = prompts(half_llm, [150, 33, 9], seed=4)
        prefixes = [*(prefill_prefix(half_llm, beginning) for beginning in beginnings), None]
        mixed = [OpenSequence(row, 6, prefix) for row, prefix in zip(rows, prefixes, strict=True)]
        group = _Group(half_llm, mixed, None, 0)
        together = group._logits
        for step in range(4):
            together = group._step([100 + step] * len(rows))[1]
        for index, (row, prefix) in enumerate(zip(rows, prefixes, strict=True)):
            alone = _Group(half_llm, [OpenSequence(row, 6, prefix)], None, 0)
            logits = alone._logits
            for step in range(4):
                logits = alone._step([100 + step])[1]
            assert torch.equal(logits[0], together[index])


def test_an_attention_that_would_mix_rows_is_refused(llm: Any) -> None:
    plain = Qwen2ForCausalLM._from_config(llm.config, attn_implementation="sdpa")
    with pytest.raises(ValueError, match="expected a language model with ragged_sdpa attention"):
        generate_greedy(plain, prompts(llm, [3]), max_new_tokens=1, stop_token_ids=())
