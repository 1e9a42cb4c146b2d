"""How fast a run is, and what its model says of itself, between two entries of the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from roborefer.training.batches import COUNTS

COUNTED = ("images", "tokens", "supervised_tokens")
"""What is counted; ``<name>_per_second`` in the log."""


class Meter:
    """What was done between two entries of the log."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._begin()

    def _begin(self) -> None:
        self._started, self.waited = time.perf_counter(), 0.0
        self._counts = dict.fromkeys(COUNTED, 0.0)
        self._metrics: dict[str, tuple[Tensor, float]] = {}

    def add(self, batch: Mapping[str, Any], weight: Tensor, metrics: Mapping[str, Tensor]) -> None:
        """Counts a batch.

        Args:
            batch: With :data:`~roborefer.training.batches.COUNTS`, if it has any.
            weight: Its supervised tokens.
            metrics: The model's own scalars.
        """
        for name, count in batch.get(COUNTS, {}).items():
            self._counts[name] += float(count)
        self._counts["supervised_tokens"] += float(weight)
        for name, value in metrics.items():
            total, number = self._metrics.get(name, (torch.zeros(()), 0.0))
            self._metrics[name] = (total + value.detach().float().cpu(), number + 1)

    def metrics(self) -> dict[str, float]:
        """The model's own scalars, averaged over this process's batches."""
        return {name: float(total) / number for name, (total, number) in self._metrics.items()}

    def told(self, summed: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """Rates over all processes since the last call, and the model's own scalars."""
        seconds = max(time.perf_counter() - self._started, 1e-9)
        counts = summed(torch.tensor([self._counts[name] for name in COUNTED], dtype=torch.float64))
        rates = {f"{name}_per_second": count / seconds for name, count in zip(COUNTED, counts.tolist(), strict=True)}
        told = {**rates, "waiting_for_data": self.waited / seconds, **self.metrics()}
        self._begin()
        return told


def scalars(outputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The scalars that a model returned beside its loss."""
    found = {name: value for name, value in outputs.items() if isinstance(value, Tensor) and value.ndim == 0}
    return {name: value for name, value in found.items() if name != "loss"}
