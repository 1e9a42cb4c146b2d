"""Several processes that teach one model: each takes its share of an update's backward passes.

On two cores, two processes with a thread each are faster than one with two. All replicas begin with the same weights,
and their optimizers make the same step from the same mean of gradients; so no weights have to be sent.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as distributed
from torch import Tensor
from torch.multiprocessing.spawn import ProcessRaisedException, spawn

from roborefer.errors import InputError, TrainingError


@dataclass(frozen=True)
class Replica:
    """One of the processes.

    Attributes:
        rank: Counted from 0; the replica 0 writes the state and the log.
        count: Of all.
    """

    rank: int = 0
    count: int = 1

    @property
    def writes(self) -> bool:
        """Whether this one writes files."""
        return self.rank == 0

    def mean_gradients(self, weights: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over the replicas."""
        if self.count == 1:
            return
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        line = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(line)
        line /= self.count
        for gradient, mean in zip(gradients, torch.split(line, [each.numel() for each in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: Mapping[str, float], device: torch.device) -> dict[str, float]:
        """The means over the replicas, by name."""
        if self.count == 1:
            return dict(values)
        line = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
        distributed.all_reduce(line)
        return dict(zip(values, (line / self.count).tolist(), strict=True))

    def wait(self) -> None:
        """Until all replicas are here."""
        if self.count > 1:
            distributed.barrier()


def this_replica() -> Replica:
    """Of the process group that was opened; alone without one."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Replica()
    return Replica(distributed.get_rank(), distributed.get_world_size())


def in_replicas(count: int, function: Callable[..., object], *arguments: Any) -> None:
    """Call ``function(*arguments)`` in ``count`` new processes on this machine's CPU, joined in a process group.

    Args:
        count: 2 or more; each gets its share of this process's threads.
        function: Of a module's top level, and every argument, can be handed to another process.

    Raises:
        InputError, TrainingError: one of the processes raised it.
    """
    with tempfile.TemporaryDirectory() as folder:
        threads = max(1, torch.get_num_threads() // count)
        call = (count, str(Path(folder) / "rendezvous"), threads, function, arguments)
        try:
            cast(Any, spawn)(_join, call, nprocs=count)
        except ProcessRaisedException as error:
            # A process hands over its whole traceback; what was said is its last line.
            kind, _, said = str(error).strip().splitlines()[-1].partition(": ")
            for refusal in (InputError, TrainingError):
                if kind == f"{refusal.__module__}.{refusal.__name__}":
                    raise refusal(said) from error
            raise


def _join(
    rank: int, count: int, rendezvous: str, threads: int, function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    torch.set_num_threads(threads)
    distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=rank, world_size=count)
    try:
        function(*arguments)
    finally:
        distributed.destroy_process_group()
