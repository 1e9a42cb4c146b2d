"""Batches by tokens: everything once, within the budget, the same again, and gone on with."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roborefer.datasets.batching import TokenBudgetBatchSampler
from roborefer.errors import InputError

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=200)


def batches_of(sampler: TokenBudgetBatchSampler) -> list[list[int]]:
    return [[index for _, index in batch] for batch in sampler]


@settings(deadline=None)
@given(lengths=LENGTHS, budget=st.integers(1, 1500), most=st.none() | st.integers(1, 9), packed=st.booleans())
def test_every_sample_comes_once_and_batches_stay_within_their_limits(
    lengths: list[int], budget: int, most: int | None, packed: bool
) -> None:
    sampler = TokenBudgetBatchSampler(
        lengths, max_tokens_per_batch=budget, max_samples_per_batch=most, packed=packed, seed=3
    )
    batches = batches_of(sampler)
    assert sorted(chain(*batches)) == list(range(len(lengths)))
    assert len(sampler) == len(batches)
    for batch in batches:
        of_batch = [lengths[index] for index in batch]
        cost = sum(of_batch) if packed else max(of_batch) * len(batch)
        assert len(batch) == 1 or cost <= budget
        assert most is None or len(batch) <= most


@settings(deadline=None)
@given(lengths=LENGTHS, processes=st.integers(1, 5), shuffle=st.booleans())
def test_processes_share_a_step_evenly(lengths: list[int], processes: int, shuffle: bool) -> None:
    if len(lengths) < processes:
        return
    samplers = [
        TokenBudgetBatchSampler(lengths, max_tokens_per_batch=800, shuffle=shuffle, rank=rank, world_size=processes)
        for rank in range(processes)
    ]
    shares = [batches_of(sampler) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])}
    seen = list(chain(*chain(*shares)))
    assert set(seen) == set(range(len(lengths)))
    # Nothing comes twice, unless there are no two samples left to part.
    assert len(seen) == len(lengths) or all(len(batch) == 1 for share in shares for batch in share)


def test_the_order_is_the_seeds_and_the_epochs() -> None:
    lengths = np.random.default_rng(0).integers(10, 400, 300)

    def order(seed: int, epoch: int) -> list[list[int]]:
        sampler = TokenBudgetBatchSampler(lengths, max_tokens_per_batch=2000, seed=seed)
        sampler.set_epoch(epoch)
        assert all(key[0] == epoch for batch in sampler for key in batch)
        return batches_of(sampler)

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


def test_batches_of_equal_lengths_waste_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(20, 800, 4000)
    grouped = TokenBudgetBatchSampler(lengths, max_tokens_per_batch=8000, packed=False)
    padded = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches_of(grouped))
    assert padded / lengths.sum() < 1.05
    first = batches_of(grouped)[:20]
    assert len({int(lengths[batch[0]]) // 100 for batch in first}) > 4  # short and long batches in turn


def test_unshuffled_batches_keep_the_order() -> None:
    sampler = TokenBudgetBatchSampler([5] * 7, max_samples_per_batch=3, shuffle=False)
    assert batches_of(sampler) == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.parametrize("consumed", [0, 1, 5])
def test_it_goes_on_where_it_stopped(consumed: int) -> None:
    lengths = np.random.default_rng(1).integers(10, 400, 120)

    def sampler() -> TokenBudgetBatchSampler:
        return TokenBudgetBatchSampler(lengths, max_tokens_per_batch=1000, rank=1, world_size=2)

    whole = sampler()
    whole.set_epoch(2)
    expected = batches_of(whole)
    state = whole.state_dict(consumed)
    resumed = sampler()
    resumed.load_state_dict(state)
    resumed.set_epoch(2)
    assert resumed.epoch == 2
    assert batches_of(resumed) == expected[consumed:]
    assert len(resumed) == len(expected)
    assert batches_of(resumed) == expected  # only the first pass begins within the epoch


def test_another_run_is_not_gone_on_with() -> None:
    state = TokenBudgetBatchSampler([1, 2, 3], max_tokens_per_batch=4).state_dict(1)
    others: list[dict[str, Any]] = [
        {"lengths": [1, 2, 4], "max_tokens_per_batch": 4},
        {"lengths": [1, 2, 3], "max_tokens_per_batch": 5},
        {"lengths": [1, 2, 3], "max_tokens_per_batch": 4, "seed": 1},
    ]
    for other in others:
        sampler = TokenBudgetBatchSampler(**other)
        with pytest.raises(InputError, match=r"^expected the data, seed, token budget and number of processes of the "):
            sampler.load_state_dict(state)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lengths": [1]}, "expected samples, and at least one token or one sample a batch, got 1 samples, "),
        ({"lengths": [], "max_tokens_per_batch": 5}, "expected samples, and at least one token"),
        ({"lengths": [1], "max_tokens_per_batch": 0}, "expected samples, and at least one token"),
        (
            {"lengths": [1], "max_tokens_per_batch": 1, "world_size": 2},
            "expected a sample for each of 2 processes, got 1",
        ),
    ],
)
def test_what_makes_no_batches_is_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        TokenBudgetBatchSampler(**arguments)
    assert str(caught.value).startswith(message)
