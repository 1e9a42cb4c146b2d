"""Samples that are held out share no picture with those that are trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roborefer.datasets.batching import TokenBudgetBatchSampler
from roborefer.datasets.records import Location, TrainingRecord
from roborefer.errors import InputError
from roborefer.training.held_out import MappedBatches, hold_out


class Pictures:
    """Samples by the number of their picture; a negative one has none."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def record(self, index: int) -> TrainingRecord:
        number = self.numbers[index]
        images = (Path(f"{number}.png"),) if number >= 0 else ()
        return TrainingRecord("made", Location(Path("a.jsonl"), -number, 0), "", images, (), ())


@given(st.lists(st.integers(-5, 12), min_size=1, max_size=60), st.integers(1, 30), st.integers(0, 5))
def test_no_picture_is_on_both_sides(numbers: list[int], count: int, seed: int) -> None:
    records = Pictures(numbers)
    try:
        kept, held = hold_out(records, count, seed)
    except InputError:
        # All pictures were needed to reach the count.
        sizes = sorted(np.unique(numbers, return_counts=True)[1])
        assert sum(sizes) - max(sizes) < count
        return
    assert sorted([*kept, *held]) == list(range(len(numbers)))
    assert not {numbers[index] for index in kept} & {numbers[index] for index in held}
    assert count <= len(held) <= count + max(np.unique(numbers, return_counts=True)[1]) - 1
    assert len(kept)
    again = hold_out(records, count, seed)
    np.testing.assert_array_equal(again[1], held)


def test_too_many_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        hold_out(Pictures([1, 1, 2]), 3, 0)
    assert str(caught.value) == (
        "expected validation_samples to leave pictures to train on, got 3 of 3 samples: lower it, or name other data "
        "with --validation"
    )


def test_batches_of_some_positions() -> None:
    positions = np.array([3, 5, 8, 13, 21])
    batches = MappedBatches(TokenBudgetBatchSampler([10] * 5, max_samples_per_batch=2), positions)
    batches.set_epoch(2)
    found = list(batches)
    assert len(found) == len(batches) == 3
    assert sorted(index for batch in found for _, index in batch) == positions.tolist()
    assert {epoch for batch in found for epoch, _ in batch} == {2}
    assert batches.state_dict(1)["position"] == 1
