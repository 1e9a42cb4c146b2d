"""Batches of about equally many tokens, of samples of about equal length; every sample once an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from roborefer.errors import InputError

# Samples are sorted by length within stretches of so many batches: enough for neighbours of equal length, few
# enough that batches stay a random mix of the data.
_BATCHES_A_STRETCH = 32


class TokenBudgetBatchSampler(Sampler[list[tuple[int, int]]]):
    """Gives batches of (epoch, index), which :class:`~roborefer.datasets.samples.ConversationDataset` takes as keys.

    An epoch's batches depend on the seed and the epoch alone, hold every sample, and are as many for every process.
    A sample above the budget is a batch of its own.

    Args:
        lengths: (N,) tokens of each sample, such as ``ConversationDataset.lengths()``.
        max_tokens_per_batch: The budget; None for a fixed number of samples.
        max_samples_per_batch: None for as many as the budget allows.
        packed: Whether a batch costs the sum of its lengths; else their maximum times their number.
        shuffle: False keeps the order of the data set, ungrouped.
        seed: Of the order.
        rank, world_size: Which process of how many; processes of one step get batches of similar size.

    Raises:
        InputError: There is no sample, no limit, or a limit below 1.
    """

    def __init__(
        self,
        lengths: Sequence[int] | NDArray[np.int64],
        *,
        max_tokens_per_batch: int | None = None,
        max_samples_per_batch: int | None = None,
        packed: bool = True,
        shuffle: bool = True,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._lengths = np.asarray(lengths, dtype=np.int64)
        limits = [limit for limit in (max_tokens_per_batch, max_samples_per_batch) if limit is not None]
        if not len(self._lengths) or not limits or min(limits) < 1:
            raise InputError(
                f"expected samples, and at least one token or one sample a batch, got {len(self._lengths)} samples, "
                f"max_tokens_per_batch {max_tokens_per_batch} and max_samples_per_batch {max_samples_per_batch}"
            )
        if len(self._lengths) < world_size:
            raise InputError(f"expected a sample for each of {world_size} processes, got {len(self._lengths)}")
        self._max_tokens = max_tokens_per_batch
        self._max_samples = max_samples_per_batch
        self._packed = packed
        self._shuffle = shuffle
        self._seed = seed
        self._rank, self._world_size = rank, world_size
        self._epoch, self._position = 0, 0
        self._planned: tuple[int, list[NDArray[np.int64]]] | None = None

    @property
    def epoch(self) -> int:
        """Of the next iteration."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch of the next iteration; from its start, unless it is the one that was gone on with."""
        if epoch != self._epoch:
            self._epoch, self._position = epoch, 0

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch, position = self._epoch, self._position
        self._position = 0  # only the first iteration after load_state_dict begins within an epoch
        for batch in self._batches(epoch)[position * self._world_size + self._rank :: self._world_size]:
            yield [(epoch, index) for index in batch.tolist()]

    def __len__(self) -> int:
        """Batches of this process in a whole epoch, the current one; epochs may differ by a few."""
        return len(self._batches(self._epoch)) // self._world_size

    def state_dict(self, consumed: int) -> dict[str, Any]:
        """The state after ``consumed`` of this process's batches, counted from the epoch's start.

        They are those that were trained on; a data loader reads ahead of it.
        """
        return {"epoch": self._epoch, "position": consumed, "plan": self._fingerprint()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a state: the next iteration begins with the batch after the consumed ones.

        Raises:
            InputError: The state is that of another sampler (other data, seed, budget or number of processes).
        """
        if state.get("plan") != self._fingerprint():
            raise InputError(
                "expected the data, seed, token budget and number of processes of the run to go on with, got others: "
                "start it with the same settings, or begin a new run"
            )
        self._epoch, self._position = int(state["epoch"]), int(state["position"])

    def _fingerprint(self) -> str:
        settings = (self._max_tokens, self._max_samples, self._packed, self._shuffle, self._seed, self._world_size)
        return hashlib.sha256(repr(settings).encode() + self._lengths.tobytes()).hexdigest()[:16]

    def _batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """All processes' batches of an epoch: those of one step stand side by side."""
        if self._planned is None or self._planned[0] != epoch:
            self._planned = (epoch, self._plan(epoch))
        return self._planned[1]

    def _plan(self, epoch: int) -> list[NDArray[np.int64]]:
        if not self._shuffle:
            return _divided(self._filled(np.arange(len(self._lengths))), self._world_size)
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(len(self._lengths))
        batches = []
        for stretch in np.array_split(order, self._stretches()):
            # Equally long samples stay in their random order.
            batches += self._filled(stretch[np.argsort(self._lengths[stretch], kind="stable")])
        batches = _divided(batches, self._world_size)
        groups = len(batches) // self._world_size
        return [
            batches[group * self._world_size + process]
            for group in generator.permutation(groups).tolist()
            for process in range(self._world_size)
        ]

    def _stretches(self) -> int:
        """Into how many stretches the order is cut before it is sorted."""
        by_samples = self._max_samples or len(self._lengths)
        mean = max(1.0, float(self._lengths.mean()))
        by_tokens = len(self._lengths) if self._max_tokens is None else max(1, int(self._max_tokens / mean))
        in_stretch = min(by_samples, by_tokens) * _BATCHES_A_STRETCH * self._world_size
        return max(1, len(self._lengths) // in_stretch)

    def _filled(self, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Cuts samples, one after the other, into batches within the limits."""
        batches, start, total, longest = [], 0, 0, 0
        for position, length in enumerate(self._lengths[order].tolist()):
            total, longest = total + length, max(longest, length)
            count = position - start + 1
            cost = total if self._packed else longest * count
            full = (self._max_tokens is not None and cost > self._max_tokens) or (
                self._max_samples is not None and count > self._max_samples
            )
            if full and count > 1:
                batches.append(order[start:position])
                start, total, longest = position, length, length
        return [*batches, order[start:]]


def _divided(batches: list[NDArray[np.int64]], processes: int) -> list[NDArray[np.int64]]:
    """As many batches as processes can share evenly: the largest are halved, so that nothing is dropped.

    Only where every batch is a single sample already, the first ones come a second time.
    """
    batches = list(batches)
    while len(batches) % processes:
        largest = max(range(len(batches)), key=lambda index: len(batches[index]))
        if len(batches[largest]) == 1:
            return batches + batches[: -len(batches) % processes]
        batches[largest : largest + 1] = np.array_split(batches[largest], 2)
    return batches
