"""What the trainer is given: batches of a data set in an order that is known beforehand, and what is said of each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from roborefer.errors import InputError
from roborefer.models.prompt import IGNORE_INDEX

SAMPLE_INDICES = "sample_indices"
"""Key of a batch: (B,) int64, the samples' positions in the data set. So a batch can be written down."""

COUNTS = "counts"
"""Key of a batch: ``{"images": 7, "tokens": 2310}``, for the progress bar."""

NOTES = "notes"
"""Key of a batch: sentences about it that a person should read, such as which record another one stands in for."""

LOSS_WEIGHT = "loss_weight"
"""Key of a batch: how much its loss counts, where that is not its number of supervised tokens."""

ABOUT = (SAMPLE_INDICES, COUNTS, NOTES, LOSS_WEIGHT)
"""Keys of a batch that are not passed to the model; each may be missing."""


class EpochBatches(Protocol):
    """One process's batches of an epoch: lists of keys of the data set."""

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch of the next iteration."""

    def __iter__(self) -> Iterator[list[Any]]: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, eq=False)
class BatchSource:
    """A data set, the order of its batches for this process, and how samples become a batch.

    Attributes:
        dataset: Map-style, with a length.
        batches: Keys of the data set, batch by batch; as many batches for every process.
        collate: Samples -> keyword arguments of the model's ``forward`` and those of :data:`ABOUT`.
        describe: A sample's place for people, such as ``points.jsonl line 41``.
    """

    dataset: Dataset[Any]
    batches: EpochBatches
    collate: Callable[[Sequence[Any]], dict[str, Any]]
    describe: Callable[[int], str] = str


class RunBatches(Sampler[list[Any]]):
    """The batches of all epochs, one after another, so that a position in the run is a position in this sequence.

    Args:
        batches: Of an epoch.
        epochs: How many.
        count: How many batches, whatever ``epochs`` says; None for all of these epochs.
    """

    def __init__(self, batches: EpochBatches, epochs: int, count: int | None = None) -> None:
        self._batches, self._count = batches, count
        self.lengths: list[int] = []
        while len(self.lengths) < epochs if count is None else sum(self.lengths) < count:
            batches.set_epoch(len(self.lengths))
            self.lengths.append(len(batches))
            if not self.lengths[-1]:
                raise InputError("expected at least one batch, got none: the data set is empty")

    def __iter__(self) -> Iterator[list[Any]]:
        return itertools.islice(self._all(), self._count)

    def _all(self) -> Iterator[list[Any]]:
        for epoch in range(len(self.lengths)):
            self._batches.set_epoch(epoch)
            yield from self._batches

    def __len__(self) -> int:
        return sum(self.lengths) if self._count is None else self._count

    def epoch_at(self, batch: int) -> float:
        """How many epochs are behind after so many batches; 1.5 is the middle of the second."""
        for epoch, length in enumerate(self.lengths):
            if batch <= length:
                return epoch + batch / length
            batch -= length
        return float(len(self.lengths))

    def place_of(self, batch: int) -> tuple[int, int]:
        """(epoch, batches of it that are behind) after so many batches."""
        for epoch, length in enumerate(self.lengths):
            if batch < length or epoch == len(self.lengths) - 1:
                return epoch, batch
            batch -= length
        return 0, batch


def data_loader(source: BatchSource, batches: Sampler[list[Any]], *, workers: int, seed: int) -> DataLoader[Any]:
    """A loader that leaves the global random state alone, so that a resumed run draws what an unbroken one draws."""
    return DataLoader(
        source.dataset,
        batch_sampler=batches,
        collate_fn=source.collate,
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator().manual_seed(seed),
    )


def loss_weight(batch: Mapping[str, Any]) -> Tensor:
    """How much a batch's mean loss counts, float64: its number of supervised tokens.

    The first token of a sample is predicted by none, so its label does not count (``SpatialVLM.forward``).
    """
    if LOSS_WEIGHT in batch:
        return torch.as_tensor(batch[LOSS_WEIGHT]).cpu().to(torch.float64)
    labels: Tensor = batch["labels"]
    return (labels[:, 1:] != IGNORE_INDEX).sum().cpu().to(torch.float64)


def without_notes(batch: Mapping[str, Any]) -> dict[str, Any]:
    """What the model is fed."""
    return {name: value for name, value in batch.items() if name not in ABOUT}
