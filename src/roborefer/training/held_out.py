"""Samples that are kept out of training to validate on: whole pictures at a time, so that none is on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from roborefer.datasets.records import TrainingRecord
from roborefer.errors import InputError
from roborefer.training.batches import EpochBatches


class Records(Protocol):
    """A data set that tells each sample's record."""

    def __len__(self) -> int: ...

    def record(self, index: int) -> TrainingRecord:
        """The record of a sample."""


def hold_out(
    records: Records, count: int, seed: int, *, progress: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions for training, and about ``count`` others of pictures that training does not see.

    Args:
        records: All samples; one may come several times, as mixtures repeat data sets.
        count: Of samples that are held out; the last picture's samples may exceed it.
        seed: Of the choice of pictures.
        progress: Show a progress bar on stderr: every record is read once.

    Raises:
        InputError: Nothing would be left to train on.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    shown = None if progress else True  # None leaves it to whether stderr is a terminal
    for index in tqdm(range(len(records)), desc="holding out", unit="sample", disable=shown, leave=False):
        groups[_picture(records.record(index))].append(index)
    names = sorted(groups)
    held: list[int] = []
    order = np.random.default_rng(seed).permutation(len(names))
    for position in order:
        if len(held) >= count:
            break
        held += groups.pop(names[position])
    if not groups:
        raise InputError(
            f"expected validation_samples to leave pictures to train on, got {count} of {len(records)} samples: "
            "lower it, or name other data with --validation"
        )
    kept = sorted(index for group in groups.values() for index in group)
    return np.array(kept, dtype=np.int64), np.array(sorted(held), dtype=np.int64)


def _picture(record: TrainingRecord) -> str:
    """What samples share that must not be on both sides; a text alone is its record."""
    return str(record.images[0]) if record.images else str(record.location)


class MappedBatches:
    """Batches over some positions of a data set: the sampler counts from 0, the data set does not."""

    def __init__(self, batches: EpochBatches, positions: NDArray[np.int64]) -> None:
        self._batches, self._positions = batches, positions

    def set_epoch(self, epoch: int) -> None:
        self._batches.set_epoch(epoch)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in self._batches:
            yield [(epoch, int(self._positions[index])) for epoch, index in batch]

    def __len__(self) -> int:
        return len(self._batches)

    def state_dict(self, consumed: int) -> dict[str, Any]:
        """The sampler's own state."""
        state: dict[str, Any] = self._batches.state_dict(consumed)  # type: ignore[attr-defined]
        return state
